package mirror

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

// BenchmarkAuditMillion holds the trail to its promises at a million events, each step
// in at most 200 MB; BENCH_EVENTS makes a quicker trial, whose bounds of time are smaller
// in proportion. No time is promised for writing the lines of JSON that are verified.
func BenchmarkAuditMillion(b *testing.B) {
	n := trailtest.Million(b)
	s := open(b)
	s.batch = New(s.store, "").batch
	trailtest.Many(s.Control, n)
	const room = 200 << 20
	limit := func(what string, million time.Duration, f func()) {
		peak, began, used := trailtest.Peak(b), time.Now(), trailtest.Processor()
		f()
		took, memory, most := time.Since(began), peak(), million*time.Duration(n)/1_000_000
		bound := "no time is promised"
		if most > 0 {
			bound = fmt.Sprintf("at most %.2f", most.Seconds())
		}
		fmt.Printf("  audit, %d events: %s %.2f s (%s), %.2f s of the processors, memory %d MB (at most %d)\n", n, what, took.Seconds(), bound, (trailtest.Processor() - used).Seconds(), memory>>20, room>>20)
		if most > 0 && took > most {
			b.Errorf("%s took %s, more than %s", what, took, most)
		}
		if memory > room {
			b.Errorf("%s used %d MB, more than %d", what, memory>>20, room>>20)
		}
	}
	for b.Loop() {
		limit("first sync", 60*time.Second, func() {
			res, err := s.Sync(b.Context(), s.trail)
			require.NoError(b, err)
			require.EqualValues(b, n, res.Seq)
		})
		limit("verify on the server", 10*time.Second, func() {
			v, err := s.trail.Verify(b.Context())
			require.NoError(b, err)
			require.True(b, v.OK, v.Findings)
		})
		limit("verify of the copy", 10*time.Second, func() {
			v, err := s.Verify(b.Context())
			require.NoError(b, err)
			require.True(b, v.OK, v.Findings)
		})
		limit("CSV export", 10*time.Second, func() {
			m, err := s.trail.Write(b.Context(), io.Discard, audit.EventFile(audit.CSV, audit.Filter{}, audit.Evidence{}))
			require.NoError(b, err)
			require.EqualValues(b, n, m.Count)
		})
		var took []time.Duration
		limit("100 searches", 0, func() {
			for i := range 100 {
				words := []string{"tenant" + strconv.Itoa(i), "ticket" + strconv.Itoa(i*n/100), "because load", "ann@example.com shard_3", "", "tick", "bec shard_", "ticket5", "tenant7 shard_"}[i%9]
				began := time.Now()
				found, err := s.List(b.Context(), audit.Filter{Search: words, Limit: 100})
				require.NoError(b, err)
				took = append(took, time.Since(began))
				if i > 0 {
					require.NotEmpty(b, found, words)
				}
			}
		})
		slices.Sort(took)
		fmt.Printf("  audit, %d events: search p95 %s (at most 50 ms)\n", n, took[94].Round(time.Microsecond))
		if took[94] > 50*time.Millisecond {
			b.Errorf("a search takes %s", took[94])
		}
		file := filepath.Join(b.TempDir(), "trail.jsonl")
		key := trailtest.Enrolled(b, s.Control, s.trail)
		var m audit.Manifest
		limit("export as lines of JSON to a file", 0, func() {
			var err error
			m, err = s.trail.File(b.Context(), trailtest.Permit(b, s.Control, policy.AuditExport, "bench"), file, audit.EventFile(audit.JSONL, audit.Filter{}, audit.Evidence{Key: key}))
			require.NoError(b, err)
			require.Greater(b, m.Count, int64(n))
		})
		limit("verify of the file", 10*time.Second, func() {
			v, err := audit.VerifyFile(b.Context(), file, audit.FileOptions{Public: []string{key.Public}})
			require.NoError(b, err)
			require.True(b, v.OK, v.Findings)
			require.Equal(b, m.Count, v.Events)
		})
	}
}
