package cli

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// firstRows is how many rows of each view are shown where all views are.
const firstRows = 8

func (p *program) lookCommand() *cobra.Command {
	return &cobra.Command{
		Use: "look NAME [WHAT]", Short: "Show statements, locks, tables, slots, settings of a shard", Args: maybe("NAME", "WHAT"),
		Long: `Shows what a shard's server says of itself: statements that take most and open
transactions, who waits for whom, tables and indexes, standbys and slots,
settings and extensions. Of each the first rows; with WHAT, a view's name, all
of it. What costs more to ask for is asked less often and shown with its age.

Statements are shown without the values in them.`,
		Example: `  shard-admin shards look shard_1
  shard-admin shards look shard_1 locks`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runShardsLook(cmd.Context(), args[0], strings.Join(args[1:], ""))
		},
	}
}

func (p *program) runShardsLook(ctx context.Context, name, what string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Views(ctx, name)
	if err != nil {
		return err
	}
	if what != "" {
		if v, err = only(v, what); err != nil {
			return err
		}
	}
	return p.answer(document.OfViews(v), func(w io.Writer) { printViews(w, v, what != "", time.Now()) })
}

// only keeps one view.
func only(v session.ShardViews, what string) (session.ShardViews, error) {
	names := []string{}
	for _, x := range v.Views {
		if x.Name == what {
			v.Views = []session.ShardView{x}
			return v, nil
		}
		names = append(names, x.Name)
	}
	return v, fault.Newf(fault.Usage, "take one of: "+strings.Join(names, ", "), "there is no view %q", what)
}

func printViews(w io.Writer, v session.ShardViews, all bool, now time.Time) {
	for i, x := range v.Views {
		if i > 0 {
			line(w, "")
		}
		title := x.Title
		if x.OverSeconds != nil {
			title += ", over the last " + span(time.Duration(*x.OverSeconds*float64(time.Second)))
		} else if x.CheckedAt != nil {
			if a := ageAt(*x.CheckedAt, now); a != "" && a != "just now" {
				title += ", " + a
			}
		}
		paragraph(w, "", title)
		if x.Reason != "" {
			paragraph(w, "  ", x.Reason)
			if x.Grant != "" {
				line(w, "  %s", x.Grant)
			}
			if len(x.Rows) == 0 {
				continue
			}
		}
		if len(x.Rows) == 0 {
			paragraph(w, "  ", x.Empty)
			continue
		}
		rows := x.Rows
		if !all {
			rows = rows[:min(len(rows), firstRows)]
		}
		t := newTable(headings(x.Columns)...)
		for _, r := range rows {
			cells := make([]string, len(r))
			for i, c := range x.Columns {
				cells[i] = cellOf(c.Kind, r[i], now)
			}
			t.add(cells...)
		}
		t.print(w)
		if rest := len(x.Rows) - len(rows); rest > 0 {
			line(w, "and %s more: shard-admin shards look %s %s", number(int64(rest)), v.Name, x.Name)
		}
	}
}

func headings(columns []session.ViewColumn) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		switch title := strings.ToUpper(c.Name); c.Kind {
		case "text":
			out[i] = long(title, max(4, min(len(title), 6)))
		case "code":
			out[i] = long(title, 10)
		case "time":
			out[i] = left(title)
		default:
			out[i] = right(title)
		}
	}
	return out
}

// cellOf writes a plain figure for people.
func cellOf(kind, value string, now time.Time) string {
	if value == "" {
		if kind == "text" || kind == "code" {
			return ""
		}
		return none
	}
	switch kind {
	case "count":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return number(n)
		}
	case "bytes":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return size(n)
		}
	case "seconds":
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return span(time.Duration(f * float64(time.Second)))
		}
	case "ms":
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return milliseconds(&f)
		}
	case "share":
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return percent(&f)
		}
	case "time":
		return ageAt(value, now)
	}
	return value
}
