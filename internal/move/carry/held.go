package carry

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/tenancy"
)

// heldRow is about what a candidate takes besides its key, which is there four
// times: in itself, in the map, and as both sides have it.
const heldRow = 512

// tooMany ends what a pass does with candidates in memory.
type tooMany struct{}

func (tooMany) Error() string { return "too many candidates for the memory" }

func isTooMany(err error) bool {
	_, ok := err.(tooMany) //nolint:errorlint // our own value
	return ok
}

// held keeps candidates in memory, up to the limit.
type held struct {
	p      *pass
	tables map[string]*heldTable
	bytes  int
}

type heldTable struct {
	byKey map[string]*row
	// rows are in the order of their adding; those from asked on are to be asked
	// about.
	rows  []*row
	asked int
	// going are those that are taken out, in order; those from seen on have not
	// been in a front.
	going []*row
	out   map[*row]bool
	seen  int
}

func joined(key []string) string { return strings.Join(key, "\x00") }

func (h *held) table(c *tenancy.TableClass) *heldTable {
	t := h.tables[c.Name()]
	if t == nil {
		t = &heldTable{byKey: map[string]*row{}, out: map[*row]bool{}}
		h.tables[c.Name()] = t
	}
	return t
}

func (h *held) add(_ context.Context, c *tenancy.TableClass, keys [][]string, shared bool) (int64, error) {
	t := h.table(c)
	var n int64
	for _, key := range keys {
		k := joined(key)
		if t.byKey[k] != nil {
			continue
		}
		if h.bytes += heldRow + 4*len(k); h.bytes > h.p.limit {
			return n, tooMany{}
		}
		r := &row{key: key, shared: shared}
		t.byKey[k] = r
		t.rows = append(t.rows, r)
		n++
	}
	return n, nil
}

func (h *held) find(ctx context.Context, of side, c *tenancy.TableClass, sql string, args []any) (int64, error) {
	var n int64
	err := h.found(ctx, of, c, sql, args, func(key []string) error {
		more, err := h.add(ctx, c, [][]string{key}, false)
		n += more
		return err
	})
	return n, err
}

// found calls f with each key that a query finds.
func (h *held) found(ctx context.Context, of side, c *tenancy.TableClass, sql string, args []any, f func([]string) error) error {
	rows, err := of.Query(ctx, sql, args...)
	if err != nil {
		return of.fault(err, c)
	}
	var key []string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error { return f(slices.Clone(key)) })
	return of.fault(err, c)
}

func (h *held) next(_ context.Context, c *tenancy.TableClass) ([]*row, error) {
	t := h.tables[c.Name()]
	if t == nil {
		return nil, nil
	}
	some := t.rows[t.asked:min(len(t.rows), t.asked+h.p.most)]
	t.asked += len(some)
	return some, nil
}

func (h *held) keep(context.Context, *tenancy.TableClass, []*row) error { return nil }

func (h *held) work(context.Context) (map[string]work, error) {
	out := map[string]work{}
	for name, t := range h.tables {
		var w work
		for _, r := range t.rows {
			if r.remove {
				w.remove++
			}
			if r.place {
				w.place++
			}
		}
		out[name] = w
	}
	return out, nil
}

// which are the candidates of a table in a set.
func (h *held) which(c *tenancy.TableClass, s set) []*row {
	out := []*row{}
	if t := h.tables[c.Name()]; t != nil {
		for _, r := range t.rows {
			if s.has(r) {
				out = append(out, r)
			}
		}
	}
	return out
}

func (h *held) each(_ context.Context, c *tenancy.TableClass, which set, f func([]*row) error) error {
	for some := range slices.Chunk(h.which(c, which), h.p.most) {
		if err := f(some); err != nil {
			return err
		}
	}
	return nil
}

func (h *held) removed(c *tenancy.TableClass) keys {
	return keys{given(c, 1), args(c, h.which(c, removed))}
}

func (t *heldTable) takeOut(r *row) {
	if !t.out[r] {
		t.out[r] = true
		t.going = append(t.going, r)
	}
}

func (h *held) block(context.Context) error {
	for _, t := range h.tables {
		for _, r := range t.rows {
			if (r.remove || r.place) && r.to.there {
				t.takeOut(r)
			}
		}
	}
	return nil
}

func (h *held) front(_ context.Context, c *tenancy.TableClass) (keys, bool, error) {
	t := h.tables[c.Name()]
	if t == nil || t.seen == len(t.going) {
		return keys{}, false, nil
	}
	fresh := t.going[t.seen:]
	t.seen = len(t.going)
	return keys{given(c, 1), args(c, fresh)}, true, nil
}

func (h *held) refer(ctx context.Context, c *tenancy.TableClass, sql string, args []any, follow func() error) error {
	var n int64
	list := []string{}
	err := h.found(ctx, h.p.to, c, sql, args, func(key []string) error {
		list = append(list, joined(key))
		more, err := h.add(ctx, c, [][]string{key}, false)
		n += more
		return err
	})
	if err != nil {
		return err
	}
	if n > 0 {
		if err := follow(); err != nil {
			return err
		}
	}
	for _, k := range list {
		// One that was known may have to be taken out as well.
		if t := h.tables[c.Name()]; t.byKey[k].to.present() {
			t.takeOut(t.byKey[k])
		}
	}
	return nil
}

func (h *held) settle(context.Context) error {
	for _, t := range h.tables {
		for _, r := range t.rows {
			r.remove = t.out[r]
			r.place = r.wanted() && (r.remove || !r.to.there && !r.shared)
		}
	}
	return nil
}
