package report_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/report"
)

// BenchmarkReports holds reports to their promises: a table of all events, and
// 10,000 of them as pages, each in 10 seconds, and 200 MB for every form, with
// every hash of the chain computed on the way. No time is promised for the lines
// of JSON, which hold each event twice and more. BENCH_EVENTS makes a quicker trial.
func BenchmarkReports(b *testing.B) {
	n := trailtest.Million(b)
	c, trail := trailtest.Installed(b)
	trailtest.Many(c, n)
	const ten, room = 10 * time.Second, 200 << 20
	for b.Loop() {
		for _, x := range []struct {
			format audit.Format
			newest int           // 0: all
			limit  time.Duration // 0: none
		}{{audit.CSV, 0, ten}, {audit.JSONL, 0, 0}, {audit.OCSF, 0, 0}, {audit.PDF, 10_000, ten}, {audit.HTML, 10_000, ten}, {audit.XLSX, 10_000, ten}} {
			peak, began := trailtest.Peak(b), time.Now()
			m, err := report.Write(b.Context(), trail, io.Discard, report.Request{Kind: report.Events, Format: x.format, Filter: audit.Filter{Limit: x.newest}})
			took, most := time.Since(began), peak()
			require.NoError(b, err)
			require.EqualValues(b, n, m.ChainEvents)
			require.True(b, m.ChainOK)
			bound := "no time is promised"
			if x.limit > 0 {
				bound = "at most " + x.limit.String()
			}
			fmt.Printf("  report, chain of %d events, %d as %s: %.2f s (%s), memory %d MB (at most %d)\n", n, m.Count, x.format, took.Seconds(), bound, most>>20, room>>20)
			if x.limit > 0 && took > x.limit || most > room {
				b.Errorf("%d events as %s: %s and %d MB", m.Count, x.format, took, most>>20)
			}
		}
	}
}
