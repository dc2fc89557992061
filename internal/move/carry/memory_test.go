//go:build unix

package carry_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/carry"
)

// peak returns how much the heap grew at the most while f ran.
func peak(f func()) int64 {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // of a test
	}
	runtime.GC()
	before, most := heap(), int64(0)
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			most = max(most, heap())
			select {
			case <-end:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	f()
	close(end)
	wg.Wait()
	return most - before
}

// However many rows were touched, and however many follow from one, a pass takes
// no more memory. Nothing runs beside it.
func TestALargePassTakesLittleMemory(t *testing.T) {
	const touched, changed, owned, bound = 300_000, 30_000, 60_000, 48 << 20
	b := newBench(t)
	for url, mark := range map[string]string{b.pair.HereURL: "new", b.pair.ThereURL: "old"} {
		exec(t, url, fmt.Sprintf(`SET shard_admin.bypass = '%s';
			INSERT INTO marks SELECT 1000 + i, NULL, 1, CASE WHEN i > %d THEN '%s' END FROM generate_series(1, %d) i;
			INSERT INTO hints SELECT 'many' || i, 'slug2', 'h' FROM generate_series(1, %d) i;
			CREATE INDEX ON hints (project_slug); ANALYZE hints; ANALYZE marks`, b.move, touched-changed, mark, touched, owned))
	}
	c := b.open(t.Context())
	defer c.Close()
	for _, large := range []struct {
		sql  string
		want carry.Passed
	}{
		// As the guards note them, only sooner.
		{fmt.Sprintf("INSERT INTO shard_admin_move.touched (move_id, tbl, key) SELECT '%s', '%s', ARRAY[id::text] FROM marks WHERE id > 1000", b.move, b.name("marks")), carry.Passed{Noted: touched, Updated: changed}},
		// What is owned by that value is nobody's now: 10 rows of others' tables follow
		// and stay.
		{"UPDATE projects SET slug = 'other' WHERE id = 2", carry.Passed{Noted: 1, Followed: owned + 10, Updated: 1, Deleted: owned + 2}},
	} {
		exec(t, b.pair.HereURL, large.sql)
		var p carry.Passed
		grown := peak(func() {
			var err error
			p, err = c.Pass(t.Context(), nil)
			require.NoError(t, err)
		})
		t.Logf("%d noted, %d followed: %d MB in %s", p.Noted, p.Followed, grown>>20, p.Took)
		p.Took = 0
		require.Equal(t, large.want, p)
		require.Less(t, grown, int64(bound))
	}
	require.EqualValues(t, touched+15, b.same()[b.name("marks")].Rows)
}

// name is a table's in the map.
func (b *bench) name(rel string) string {
	for _, c := range b.tables {
		if c.Table.Rel == rel {
			return c.Name()
		}
	}
	b.t.Fatalf("no table %s", rel)
	return ""
}
