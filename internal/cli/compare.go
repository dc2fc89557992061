package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/session"
)

func (p *program) compareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "compare [WHAT]", Short: "Put statements, settings, indexes of all shards side by side", Args: maybe("WHAT"),
		Long: `Puts all shards side by side. WHAT is one of:

  statements  the same statement on each shard, by its text: calls, mean time,
              share of the shard's time, and where it is much slower than the
              median of the other shards; since its counters began
  settings    those that differ, without names, addresses, files and what is
              logged
  extensions  which version is installed where, those first that differ
  versions    which shards run which PostgreSQL, and how long it is supported
  indexes     those that no shard has scanned since its statistics began, and
              since when that is known; ask whether a standby needs one

A shard that cannot be read is "not known": no index is called unused while
there is one. Without WHAT the first rows of each.`,
		Example: `  shard-admin shards compare
  shard-admin shards compare statements --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runShardsCompare(cmd.Context(), strings.Join(args, ""))
		},
	}
}

func (p *program) runShardsCompare(ctx context.Context, what string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Compare(ctx)
	if err != nil {
		return err
	}
	if what != "" {
		if v.Views, err = only(v.Views, what); err != nil {
			return err
		}
	}
	return p.answer(document.OfComparison(v), func(w io.Writer) { printComparison(w, v.Views, what != "", time.Now()) })
}

// printComparison prints views of shards side by side.
func printComparison(w io.Writer, views []session.ShardView, all bool, now time.Time) {
	for i, x := range views {
		if i > 0 {
			line(w, "")
		}
		// A statement is as long as its rows together: it stands above them.
		if x.Name == "statements" && len(x.Rows) > 0 {
			printCompared(w, x, all, now)
			continue
		}
		printViews(w, []session.ShardView{x}, "compare", all, now)
	}
}

// firstStatements is how many statements are shown where all views are.
const firstStatements = 3

func printCompared(w io.Writer, x session.ShardView, all bool, now time.Time) {
	paragraph(w, "", x.Title)
	if x.Reason != "" {
		paragraph(w, "  ", x.Reason)
	}
	shown, rest := 0, 0
	for from := 0; from < len(x.Rows); {
		to := from + 1
		for to < len(x.Rows) && x.Rows[to][0] == x.Rows[from][0] {
			to++
		}
		if shown++; !all && shown > firstStatements {
			rest++
		} else {
			line(w, "")
			paragraph(w, "", x.Rows[from][1])
			rows := [][]string{}
			for _, r := range x.Rows[from:to] {
				rows = append(rows, r[2:])
			}
			printRows(w, x.Columns[2:], rows, now)
		}
		from = to
	}
	if rest > 0 {
		line(w, "")
		line(w, "and %s more: shard-admin shards compare %s", number(int64(rest)), x.Name)
	}
}
