package carry

import (
	"context"

	"shardadmin/internal/tenancy"
)

// candidates are the rows that a pass is about, wherever they are kept.
type candidates interface {
	// add files keys of a table and returns how many were not there yet.
	add(ctx context.Context, c *tenancy.TableClass, keys [][]string, shared bool) (int64, error)
	// find adds the keys that a query of a side finds.
	find(ctx context.Context, of side, c *tenancy.TableClass, sql string, args []any) (int64, error)
	// next are some candidates of a table that nobody has asked about; after the
	// last there are none.
	next(ctx context.Context, c *tenancy.TableClass) ([]*row, error)
	// keep takes them back when everything is known of them.
	keep(ctx context.Context, c *tenancy.TableClass, rows []*row) error
	// work counts by table what is to be done.
	work(ctx context.Context) (map[string]work, error)
	// each calls f with some candidates of a table after the other.
	each(ctx context.Context, c *tenancy.TableClass, which set, f func([]*row) error) error
	// removed are the candidates of a table that go, all at once.
	removed(c *tenancy.TableClass) keys

	// block begins the way round what stands in the way: candidates that are to
	// go or to change have to be taken out.
	block(ctx context.Context) error
	// front are candidates of a table that have to be taken out and were not
	// among those that front returned before.
	front(ctx context.Context, c *tenancy.TableClass) (k keys, any bool, err error)
	// refer adds what a query of the side written to finds, lets follow ask about
	// what is new, and takes out what is the tenant's there.
	refer(ctx context.Context, c *tenancy.TableClass, sql string, args []any, follow func() error) error
	// settle decides anew: what was taken out goes, and what the snapshot has of
	// it comes.
	settle(ctx context.Context) error
}

// keys is a relation u with the columns k1, k2 … and its parameters, which are
// the first of their statement.
type keys struct {
	sql  string
	args []any
}

// work is how many rows of a table go, and how many come or change.
type work struct{ remove, place int64 }

// set is some of the candidates.
type set int

const (
	all set = iota
	removed
	placed
)

func (s set) has(r *row) bool {
	return s == all || s == removed && r.remove || s == placed && r.place
}

// row is one candidate: its key, what each side says of it, and what becomes of
// it.
type row struct {
	// number is that of its filing.
	number   int64
	key      []string
	from, to state
	shared   bool
	// remove: it goes; place: it comes or changes.
	remove, place bool
}

// wanted says that the other side has to have the row as the snapshot has it.
func (r *row) wanted() bool { return r.from.present() || r.shared && r.from.there }

// state is what a side says of a row.
type state struct {
	there bool
	// ours: it is the tenant's; others: it is another tenant's, too.
	ours, others bool
	// text is the key as the lists of moves have it.
	text string
	hash string
	// points is what the rows that it owns find it by.
	points string
}

// present says that a side has the row as the tenant's.
func (s state) present() bool { return s.there && s.ours }

// mostBytes is how many bytes of keys are read at a time.
const mostBytes = 4 << 20

// batch collects keys on their way from one side to the other.
type batch struct {
	p           *pass
	keys        map[*tenancy.TableClass][][]string
	rows, bytes int
	full        func(*tenancy.TableClass, [][]string) error
}

func (p *pass) batches(full func(*tenancy.TableClass, [][]string) error) *batch {
	return &batch{p: p, keys: map[*tenancy.TableClass][][]string{}, full: full}
}

func (b *batch) add(c *tenancy.TableClass, key []string) error {
	b.keys[c] = append(b.keys[c], key)
	b.rows, b.bytes = b.rows+1, b.bytes+length(key)
	if b.rows < b.p.most && b.bytes < mostBytes {
		return nil
	}
	return b.flush()
}

func (b *batch) flush() error {
	for c, keys := range b.keys {
		if err := b.full(c, keys); err != nil {
			return err
		}
	}
	clear(b.keys)
	b.rows, b.bytes = 0, 0
	return nil
}

// length is the bytes of a key.
func length(key []string) int {
	n := 0
	for _, k := range key {
		n += len(k)
	}
	return n
}
