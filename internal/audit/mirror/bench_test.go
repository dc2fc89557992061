package mirror

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
)

// BenchmarkAuditMillion holds the trail to its promises at a million events;
// BENCH_EVENTS makes a quicker trial, whose bounds are smaller in proportion.
func BenchmarkAuditMillion(b *testing.B) {
	n := trailtest.Million(b)
	s := open(b)
	s.batch = New(s.store, "").batch
	trailtest.Many(s.Control, n)
	most := uint64(0)
	memory := func() { most = max(most, trailtest.Memory()) }
	limit := func(what string, million time.Duration, f func()) {
		began, used := time.Now(), trailtest.Processor()
		f()
		took, most := time.Since(began), million*time.Duration(n)/1_000_000
		memory()
		fmt.Printf("  audit, %d events: %s %.2f s (at most %.2f), %.2f s of the processors\n", n, what, took.Seconds(), most.Seconds(), (trailtest.Processor() - used).Seconds())
		if took > most {
			b.Errorf("%s took %s, more than %s", what, took, most)
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
		used := trailtest.Processor()
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
		memory()
		slices.Sort(took)
		fmt.Printf("  audit, %d events: search p95 %s (at most 50 ms), %s of the processors for 100\n", n, took[94].Round(time.Microsecond), (trailtest.Processor() - used).Round(time.Millisecond))
		if took[94] > 50*time.Millisecond {
			b.Errorf("a search takes %s", took[94])
		}
		fmt.Printf("  audit, %d events: memory %d MB (at most 200)\n", n, most>>20)
		if most > 200<<20 {
			b.Errorf("%d MB were used", most>>20)
		}
	}
}
