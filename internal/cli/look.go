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
transactions, how far long commands are, who waits for whom, tables and indexes,
standbys and slots, settings and extensions. Of each the first rows; with WHAT,
a view's name, all of it. What costs more to ask for is asked less often and
shown with its age.

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
		if v.Views, err = only(v.Views, what); err != nil {
			return err
		}
	}
	return p.answer(document.OfViews(v), func(w io.Writer) {
		printViews(w, v.Views, "look "+v.Name, what != "", time.Now())
	})
}

// only keeps one view.
func only(views []session.ShardView, what string) ([]session.ShardView, error) {
	names := []string{}
	for _, x := range views {
		if x.Name == what {
			return []session.ShardView{x}, nil
		}
		names = append(names, x.Name)
	}
	return views, fault.Newf(fault.Usage, "take one of: "+strings.Join(names, ", "), "there is no view %q", what)
}

// printViews prints views; command is the one of shards that shows one of them whole.
func printViews(w io.Writer, views []session.ShardView, command string, all bool, now time.Time) {
	for i, x := range views {
		if i > 0 {
			line(w, "")
		}
		title := x.Title
		if x.OverMS != nil {
			title += ", over the last " + span(time.Duration(*x.OverMS*float64(time.Millisecond)))
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
		printRows(w, x.Columns, rows, now)
		if rest := len(x.Rows) - len(rows); rest > 0 {
			line(w, "and %s more: shard-admin shards %s %s", number(int64(rest)), command, x.Name)
		}
	}
}

// printRows prints rows of a view.
func printRows(w io.Writer, columns []session.ViewColumn, rows [][]string, now time.Time) {
	t := newTable(headings(columns, rows)...)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range columns {
			cells[i] = cellOf(c.Kind, r[i], now)
		}
		t.add(cells...)
	}
	t.print(w)
}

// word is how long a text may be that is never cut.
const word = 9

func headings(columns []session.ViewColumn, rows [][]string) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		longest := 0
		for _, r := range rows {
			longest = max(longest, width(r[i]))
		}
		switch title := strings.ToUpper(c.Name); {
		case c.Kind == "text" && longest > word:
			out[i] = long(title, max(4, min(len(title), 6)))
		case c.Kind == "code":
			out[i] = long(title, 10)
		case c.Kind == "time", c.Kind == "text":
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
