package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/session"
)

func (p *program) historyCommand() *cobra.Command {
	r := session.HistoryRequest{Marks: true}
	c := &cobra.Command{
		Use: "history NAME", Short: "Show how latency, connections, load and size of a shard went", Args: want("NAME"),
		Long: `Show how figures of a shard went: latency, connections, transactions a second,
cache hits, size and replication lag, and what was done to the shard meanwhile.
It is what this computer keeps: two days of every look, two weeks by five
minutes, three months by the hour, two years by the day. The window, serve and
worker look while they run; of times without them nothing is shown.

With --json every point is there, 600 of a figure at the most.`,
		Example: `  shard-admin shards history shard_1
  shard-admin shards history shard_1 --metric size_bytes --since 90d --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Shard = args[0]
			return p.runShardsHistory(cmd.Context(), r)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringArrayVar(&r.Metrics, "metric", nil, "one `NAME` of "+strings.Join(session.MetricNames(), ", ")+"; may be given several times")
	c.Flags().StringVar(&r.Since, "since", "24h", "from the `TIME` on: 2026-01-31, RFC 3339, or an age such as 24h or 30d")
	c.Flags().StringVar(&r.Until, "until", "", "before the `TIME`; now where it is left out")
	return c
}

func (p *program) runShardsHistory(ctx context.Context, r session.HistoryRequest) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.History(ctx, r)
	if err != nil {
		return err
	}
	return p.answer(document.OfHistory(v), func(w io.Writer) { printHistory(w, v) })
}

// columns is how many parts of the time the terminal shows.
const columns = 26

func printHistory(w io.Writer, v session.HistoryView) {
	for _, sh := range v.Shards {
		line(w, "%s from %s to %s UTC", sh.Name, moment(stampOf(v.From)), moment(stampOf(v.To)))
		line(w, "")
		t := newTable(left("FIGURE"), right("LEAST"), right("MEAN"), right("MOST"), right("LAST"), left("COURSE"))
		for _, m := range sh.Metrics {
			least, mean, most, last := summary(m)
			if last == nil {
				t.add(m.Title, none, none, none, none, "")
				continue
			}
			t.add(m.Title, inUnit(m.Unit, *least), inUnit(m.Unit, *mean), inUnit(m.Unit, *most), inUnit(m.Unit, *last), course(m, v.From, v.To))
		}
		t.print(w)
		line(w, "")
		for _, m := range sh.Metrics {
			if m.Reason != "" {
				paragraph(w, "", m.Title+": "+m.Reason+".")
			}
		}
		if sh.KeptSince != nil {
			paragraph(w, "", "Kept on this computer since "+moment(*sh.KeptSince)+" UTC.")
		}
	}
	for _, m := range v.Marks {
		what := map[string]string{"move_started": "move began", "move_switched": "move switched", "assigned": "assigned"}[m.Kind]
		paragraph(w, "", fmt.Sprintf("%s UTC: %s, %s, %s → %s", moment(stampOf(m.At)), what, or(m.Label, "tenant "+m.Tenant), m.Source, m.Target))
	}
	if v.MarksReason != "" {
		paragraph(w, "", "What was done meanwhile is not known: "+v.MarksReason+".")
	}
	if v.Sampling.Reason != "" {
		paragraph(w, "", strings.ToUpper(v.Sampling.Reason[:1])+v.Sampling.Reason[1:]+".")
	}
}

func stampOf(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// summary sums a course up; nothing of it is known where last is nil.
func summary(m session.MetricHistory) (least, mean, most, last *float64) {
	sum, n := 0.0, 0
	for i, v := range m.Mean {
		if v == nil {
			continue
		}
		low, high := v, v
		if len(m.Least) > 0 {
			low, high = m.Least[i], m.Most[i]
		}
		if least == nil || *low < *least {
			least = low
		}
		if most == nil || *high > *most {
			most = high
		}
		sum, n, last = sum+*v, n+1, v
	}
	if n > 0 {
		sum /= float64(n)
		mean = &sum
	}
	return least, mean, most, last
}

func inUnit(unit string, v float64) string {
	switch unit {
	case "ms":
		return milliseconds(&v)
	case "bytes":
		return size(int64(v))
	case "share":
		return percent(&v)
	case "per_second":
		return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// course draws the means as bars from nothing to the most; a space is a time in which
// nothing was measured.
func course(m session.MetricHistory, from, to int64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	sums, counts := make([]float64, columns), make([]int, columns)
	top := 0.0
	for i, v := range m.Mean {
		if v == nil || m.At[i] < from {
			continue
		}
		at := min(columns-1, int((m.At[i]-from)*columns/max(1, to-from)))
		sums[at], counts[at] = sums[at]+*v, counts[at]+1
	}
	for i, n := range counts {
		if n > 0 {
			sums[i] /= float64(n)
			top = max(top, sums[i])
		}
	}
	var b strings.Builder
	for i, n := range counts {
		switch {
		case n == 0:
			b.WriteRune(' ')
		case top <= 0:
			b.WriteRune(bars[0])
		default:
			b.WriteRune(bars[min(len(bars)-1, int(max(0, sums[i])/top*float64(len(bars))))])
		}
	}
	return strings.TrimRight(b.String(), " ")
}
