package placement

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// Where is where one tenant's rows are.
type Where struct {
	Tenant tenancy.Tenant
	// RowsOn are the shards with rows of it, in the fleet's order.
	RowsOn []string
	// Known is false for rows of a tenant that the catalogue does not have.
	Known bool
}

// Findings is what Check found.
type Findings struct {
	Tenants []Where
	// Unreachable maps shards that could not be looked at to the reason.
	Unreachable map[string]error
}

// Check finds out on which shards each tenant has rows. Replicas of the root
// row do not count. A shard that does not answer is named, not waited for.
func Check(ctx context.Context, d Deps) (Findings, error) {
	out := Findings{Unreachable: map[string]error{}}
	known := map[string]tenancy.Tenant{}
	for offset := 0; ; {
		_, list, err := d.Catalogue.List(ctx, tenancy.Filter{Limit: 5000, Offset: offset})
		if err != nil {
			return out, err
		}
		for _, t := range list {
			known[t.ID] = t
		}
		offset += len(list)
		if len(list) < 5000 {
			break
		}
	}
	lent := map[string]map[string][]string{}
	if d.Lent != nil {
		var err error
		if lent, err = d.Lent(ctx); err != nil {
			return out, err
		}
	}
	var mu sync.Mutex
	on := map[string][]string{}
	var g errgroup.Group
	g.SetLimit(8)
	shards := d.Set.Configured()
	for _, db := range shards {
		g.Go(func() error {
			ids, err := answered(ctx, db, d.Profile, lent[db.Name()])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Unreachable[db.Name()] = err
				return nil
			}
			for _, id := range ids {
				on[id] = append(on[id], db.Name())
			}
			return nil
		})
	}
	_ = g.Wait()
	if ctx.Err() != nil { // who asked has gone; that says nothing of a shard
		return out, ctx.Err()
	}
	order := map[string]int{}
	for i, db := range shards {
		order[db.Name()] = i
	}
	for id, t := range known {
		out.Tenants = append(out.Tenants, Where{Tenant: t, RowsOn: on[id], Known: true})
		delete(on, id)
	}
	for id, names := range on {
		out.Tenants = append(out.Tenants, Where{Tenant: tenancy.Tenant{ID: id}, RowsOn: names})
	}
	for i := range out.Tenants {
		slices.SortFunc(out.Tenants[i].RowsOn, func(a, b string) int { return order[a] - order[b] })
	}
	sort.Slice(out.Tenants, func(a, b int) bool {
		x, y := out.Tenants[a].Tenant.ID, out.Tenants[b].Tenant.ID
		if len(x) != len(y) {
			return len(x) < len(y)
		}
		return x < y
	})
	return out, nil
}

const (
	// answerLimit is how long a shard may take to say that it is there, asked at first
	// and every hearing while it is looked at: a server that has stopped ends nothing.
	answerLimit = 10 * time.Second
	hearing     = 5 * time.Second
	// lookLimit bounds a look: without an index on its tenant column a table is read
	// from its beginning to its end.
	lookLimit = 20 * time.Minute
)

// answered is tenantsOn for a shard that may have fallen silent since it was
// connected to.
func answered(ctx context.Context, db *conn.Database, p *tenancy.Profile, lent map[string][]string) ([]string, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if err := there(ctx, db); err != nil {
		return nil, err
	}
	looked := make(chan struct{})
	var listening sync.WaitGroup
	defer listening.Wait()
	defer close(looked)
	listening.Go(func() {
		for {
			select {
			case <-looked:
				return
			case <-ctx.Done():
				return
			case <-time.After(hearing):
			}
			if err := there(ctx, db); err != nil {
				end(err)
				return
			}
		}
	})
	ids, err := tenantsOn(ctx, db, p, lent)
	if err != nil && context.Cause(ctx) != nil {
		return nil, context.Cause(ctx)
	}
	return ids, err
}

// there is nil where a shard answers over a session that nothing else waits in.
func there(ctx context.Context, db *conn.Database) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	pool, err := db.Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pool.Ping(ctx), db.Name())
}

// tenantsOn lists the tenants that have rows on a shard, but for those that are
// lent there. Tables that reach a tenant only through other moving tables need
// not be asked: those have rows.
func tenantsOn(ctx context.Context, db *conn.Database, p *tenancy.Profile, lent map[string][]string) ([]string, error) {
	m, err := readMap(ctx, db, p)
	if err != nil {
		return nil, err
	}
	parts, args := []string{}, []any{}
	key := pgx.Identifier{p.Tenants.Key}.Sanitize()
	for _, c := range m.Moving() {
		but := func() string {
			keys := lent[c.Name()]
			if len(keys) == 0 {
				return ""
			}
			args = append(args, keys)
			return fmt.Sprintf(" AND "+rowcopy.KeyText(c, "t")+" <> ALL ($%d::text[])", len(args))
		}
		if c.TenantColumn != "" {
			col := "t." + pgx.Identifier{c.TenantColumn}.Sanitize()
			parts = append(parts, "SELECT DISTINCT "+col+"::text AS id FROM "+c.Table.Own()+" t WHERE "+col+" IS NOT NULL"+but())
		}
		for _, e := range c.Owners {
			if e.To == m.Root.Name() {
				parts = append(parts, "SELECT DISTINCT r."+key+"::text AS id FROM "+c.Table.Own()+" t JOIN "+m.Root.Table.Own()+" r ON "+e.Join("t", "r")+but())
			}
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	var out []string
	err = db.Read(ctx, lookLimit, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT DISTINCT id FROM ("+strings.Join(parts, " UNION ALL ")+") x", args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out, conn.Fault(err, db.Name())
}
