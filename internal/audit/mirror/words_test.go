package mirror

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/audit"
	"shardadmin/internal/store"
)

// held is an event with the words that a person sees in its text.
type held struct {
	audit.Event
	text  string
	words []string
}

func heldOf(s audit.Sealed) held {
	return held{audit.EventOf(s), s.Body, parts(s.Body)}
}

// parts are the words of a text, in order; case and the one umlaut that the texts have
// count for nothing.
func parts(text string) []string {
	text = strings.ReplaceAll(strings.ToLower(text), "ü", "u")
	return strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("@._-", r)
	})
}

// looked are the numbers of the events, the newest first, that a look at each of them
// finds.
func looked(all []held, f audit.Filter) []int64 {
	out := []int64{}
	fits := func(e held) bool {
		if f.Tenant != "" && e.Tenant != f.Tenant || f.Shard != "" && e.Source != f.Shard && e.Target != f.Shard || f.Before > 0 && e.Seq >= f.Before {
			return false
		}
		if f.Action != "" && e.Action != f.Action && !strings.HasPrefix(e.Action, f.Action+".") {
			return false
		}
		for _, w := range strings.Fields(f.Search) {
			want := parts(w)
			if n := len(want) - 1; n < 0 && !strings.Contains(e.text, w) || n >= 0 && !slices.ContainsFunc(slices.Collect(windows(e.words, n+1)), func(have []string) bool {
				return slices.Equal(have[:n], want[:n]) && strings.HasPrefix(have[n], want[n])
			}) {
				return false
			}
		}
		return true
	}
	for _, e := range all {
		if len(out) < f.Limit && fits(e) {
			out = append(out, e.Seq)
		}
	}
	return out
}

// windows are the runs of n neighbours.
func windows(list []string, n int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for i := 0; i+n <= len(list) && yield(list[i:i+n]); i++ {
		}
	}
}

func numbers(events []audit.Event) []int64 {
	out := []int64{}
	for _, e := range events {
		out = append(out, e.Seq)
	}
	return out
}

// The parts of the index are put together again and again, so a batch makes one of
// them and not one for each of its entries.
func TestABatchIsOnePartOfTheIndex(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	m := New(s, "mine")
	chain, _, _, err := m.end(t.Context())
	require.NoError(t, err)
	var batch []audit.Sealed
	for i := int64(1); i <= 150; i++ {
		batch = append(batch, audit.Sealed{Seq: i, EventID: fmt.Sprint(i), EventHash: []byte{1}, PrevHash: []byte{1}, Hash: []byte{1}, Body: fmt.Sprintf(`{"reason":"ticket%d"}`, i)})
	}
	require.NoError(t, m.add(t.Context(), chain, nil, batch))
	var made int
	require.NoError(t, s.DB().QueryRow(`SELECT count(DISTINCT segid) FROM mirror_text_idx`).Scan(&made))
	require.Equal(t, 1, made)
	// What another program has copied meanwhile is left as it is.
	batch = append(batch[100:], audit.Sealed{Seq: 151, EventID: "151", EventHash: []byte{1}, PrevHash: []byte{1}, Hash: []byte{1}, Body: `{"reason":"ticket151"}`})
	require.NoError(t, m.add(t.Context(), chain, nil, batch))
	have, err := m.List(t.Context(), audit.Filter{Search: "ticket", Limit: 1000})
	require.NoError(t, err)
	require.Len(t, have, 151)
}

// Whichever way a search goes, it finds what a look at every event would find: with
// words that are in each event, in one, in none and in old ones only, among other
// fleets' events and in other alphabets.
func TestEveryWayToSearchFindsTheSame(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	m, other := New(s, "mine"), New(s, "other")
	const n = 6000
	var all []held
	for _, x := range []*Mirror{m, other} {
		chain, _, _, err := x.end(t.Context())
		require.NoError(t, err)
		var batch []audit.Sealed
		for i := int64(1); i <= n; i++ {
			reason := fmt.Sprintf("because ticket%d", i)
			if i%7 == 0 {
				reason = fmt.Sprintf("because pre-ticket%d", i) // a word in which another begins
			}
			switch {
			case i < n/2:
				reason += " early"
			case i%50 == 25:
				reason += ` Fünf a\"b\nline`
			}
			batch = append(batch, audit.Sealed{
				Seq: i, EventID: fmt.Sprint(i), OccurredUS: i, RecordedUS: i, SealedUS: i, EventHash: []byte{1}, PrevHash: []byte{1}, Hash: []byte{1},
				Body: fmt.Sprintf(`{"action":"move.start","actor":"Ann@example.com","reason":"%s","target":"shard_%d","tenant":"t%d"}`, reason, i%3, i%1000),
			})
		}
		require.NoError(t, x.add(t.Context(), chain, nil, batch))
		if x == m {
			for _, b := range batch {
				all = append(all, heldOf(b))
			}
		}
	}
	slices.Reverse(all)
	used := map[int]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{
			"because", "BEC", "ticket", "ticket5", "ticket5999", "early", "ear", "fünf", "FUNF", "f", "a", "b", "nline", "shard_", "shard_1", "t7", "t777", "none", "ann@example", "move.", "%", `a"b`, "ann@example.com/move",
		}), 0, 3).Draw(rt, "words")
		f := audit.Filter{Search: strings.Join(words, " "), Limit: rapid.SampledFrom([]int{1, 20, 100, 600}).Draw(rt, "limit")}
		f.Tenant = rapid.SampledFrom([]string{"", "", "t7", "t77", "T7"}).Draw(rt, "tenant")
		f.Shard = rapid.SampledFrom([]string{"", "", "shard_2", "shard_"}).Draw(rt, "shard")
		f.Before = rapid.SampledFrom([]int64{0, 0, 1, 2900, 5000, n + 7}).Draw(rt, "before")
		f.Action = rapid.SampledFrom([]string{"", "move", "mov"}).Draw(rt, "action")
		have, err := m.List(t.Context(), f)
		require.NoError(rt, err)
		require.Equal(rt, looked(all, f), numbers(have), "%+v", f)
		w, err := m.where(t.Context(), f)
		require.NoError(rt, err)
		asks, err := m.asks(t.Context(), w)
		require.NoError(rt, err)
		used[len(asks)] = true
	})
	require.Equal(t, map[int]bool{1: true, 2: true, 3: true}, used, "each way was gone")
}
