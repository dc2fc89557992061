package mirror

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/audit"
	"shardadmin/internal/store"
)

// Whichever way a search goes, it finds what the index of words alone would find: with
// words that are in each event, in one, in none and in old ones only, among other
// fleets' events and in other alphabets.
func TestEveryWayToSearchFindsTheSame(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	m, other := New(s, "mine"), New(s, "other")
	const n = 6000
	for _, x := range []*Mirror{m, other} {
		chain, _, _, err := x.end(t.Context())
		require.NoError(t, err)
		var batch []audit.Sealed
		for i := int64(1); i <= n; i++ {
			reason := fmt.Sprintf("because ticket%d", i)
			switch {
			case i < n/2:
				reason += " early"
			case i%5 == 0:
				reason += ` Fünf a\"b\nline`
			}
			batch = append(batch, audit.Sealed{
				Seq: i, EventID: fmt.Sprint(i), OccurredUS: i, RecordedUS: i, SealedUS: i, EventHash: []byte{1}, PrevHash: []byte{1}, Hash: []byte{1},
				Body: fmt.Sprintf(`{"action":"move.start","actor":"Ann@example.com","reason":"%s","target":"shard_%d","tenant":"t%d"}`, reason, i%3, i%1000),
			})
		}
		require.NoError(t, x.add(t.Context(), chain, 0, batch))
	}
	whole := func(f audit.Filter) []audit.Event {
		w := where(f)
		out, ok, err := m.read(t.Context(), ask{index: strings.Join(append(quoted(w.whole, "*"), quoted(w.words, "*")...), " ")}, w, f)
		require.NoError(t, err)
		require.True(t, ok)
		return out
	}
	used := map[int]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{
			"because", "BEC", "ticket", "ticket5", "ticket5999", "early", "ear", "fünf", "FUNF", "f", "a", "b", "nline", "shard_", "shard_1", "t7", "t777", "none", "ann@example", "move.", "%", `a"b`, "ann@example.com/move",
		}), 0, 3).Draw(rt, "words")
		f := audit.Filter{Search: strings.Join(words, " "), Limit: rapid.SampledFrom([]int{1, 20, 100, 1500}).Draw(rt, "limit")}
		f.Tenant = rapid.SampledFrom([]string{"", "", "t7", "t77", "T7"}).Draw(rt, "tenant")
		f.Shard = rapid.SampledFrom([]string{"", "", "shard_2", "shard_"}).Draw(rt, "shard")
		f.Before = rapid.SampledFrom([]int64{0, 0, 1, 2900, 5000, n + 7}).Draw(rt, "before")
		f.Action = rapid.SampledFrom([]string{"", "move", "mov"}).Draw(rt, "action")
		have, err := m.List(t.Context(), f)
		require.NoError(rt, err)
		require.Equal(rt, whole(f), have, "%+v", f)
		asks, err := m.asks(t.Context(), where(f))
		require.NoError(rt, err)
		used[len(asks)] = true
	})
	require.Equal(t, map[int]bool{1: true, 2: true, 3: true}, used, "each way was gone")
}
