package compare

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// chunkBytes is how much of a table one query compares unless the job says it:
// a difference is then looked for among as many rows, and several sessions
// share a large table.
const chunkBytes = 16 << 20

// mostChunks bounds how often one table is cut.
const mostChunks = 256

// chunk is a table, or a part of one.
type chunk struct {
	table *tenancy.TableClass
	// part is the condition of the part's rows, or "".
	part string
}

func (k chunk) where(j Job) string {
	where := j.Map.Owned(k.table.Name(), j.Map.Literal(j.Tenant))
	if k.part != "" {
		where += " AND " + k.part
	}
	return where
}

// cut divides large tables by the tenant's rows on the source, largest first.
// The chunks of a table leave out no key: a row that only the target has falls
// into one of them too. left counts the chunks of each table.
func cut(ctx context.Context, j Job) (chunks []chunk, left map[string]int, err error) {
	if j.ChunkBytes <= 0 {
		j.ChunkBytes = chunkBytes
	}
	left = map[string]int{}
	tables := slices.Clone(j.Tables)
	slices.SortStableFunc(tables, func(a, b *tenancy.TableClass) int {
		return cmp.Compare(j.Bytes[b.Name()], j.Bytes[a.Name()])
	})
	for _, c := range tables {
		parts := []string{}
		n := int(min(j.Bytes[c.Name()]/j.ChunkBytes, mostChunks))
		// What the lens shows lies in another part than what is there.
		if by := cutBy(c); by != "" && n >= 2 && !j.Lens.Shows(c.Name(), by) {
			if parts, err = rowcopy.Parts(ctx, j.Source, j.Map, j.Tenant, c, by, n); err != nil {
				return nil, nil, err
			}
		}
		if len(parts) == 0 {
			parts = []string{""}
		}
		left[c.Name()] = len(parts)
		for _, part := range parts {
			chunks = append(chunks, chunk{c, part})
		}
	}
	return chunks, left, nil
}

// cutBy is the column of the primary key by whose values a table may be cut, or
// "": its order must be the same on every server, which an enum's is not.
func cutBy(c *tenancy.TableClass) string {
	for _, name := range c.Table.PrimaryKey {
		col := c.Table.Column(name)
		if name == c.TenantColumn {
			continue
		}
		if rowcopy.Textual(col) || slices.Contains([]string{"smallint", "integer", "bigint", "uuid", "date", "timestamp without time zone", "timestamp with time zone"}, col.Type) {
			return name
		}
	}
	return ""
}

// each runs f for every chunk on some pairs of sessions.
func each(ctx context.Context, j Job, chunks []chunk, f func(context.Context, *pair, chunk) error) error {
	waiting := make(chan chunk, len(chunks))
	for _, k := range chunks {
		waiting <- k
	}
	close(waiting)
	g, ctx := errgroup.WithContext(ctx)
	for range max(1, min(j.Streams, len(chunks))) {
		g.Go(func() error {
			p, err := open(ctx, j)
			if err != nil {
				return err
			}
			defer p.close()
			for k := range waiting {
				if err := f(ctx, p, k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// Amounts computes the digests of a tenant's rows of all tables on the source of a
// job alone, as its lens shows them, several large pieces at a time. The tenant
// must be closed there.
func Amounts(ctx context.Context, j Job) (map[string]Digest, error) {
	chunks, _, err := cut(ctx, j)
	if err != nil {
		return nil, err
	}
	pool, err := j.Source.Pool(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]Digest{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, j.Streams))
	for _, k := range chunks {
		g.Go(func() error {
			var d Digest
			err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
				if _, err := tx.Exec(ctx, Pinned(true), pgx.QueryExecModeSimpleProtocol); err != nil {
					return err
				}
				d, err = digestBy(ctx, tx, j.Governor, rowText(k.table, j.Lens), j.Lens.Rows(k.table, k.where(j)))
				return err
			})
			if err != nil {
				return conn.Fault(err, j.Source.Name())
			}
			mu.Lock()
			defer mu.Unlock()
			sum, err := out[k.table.Name()].plus(d)
			out[k.table.Name()] = sum
			return err
		})
	}
	return out, g.Wait()
}
