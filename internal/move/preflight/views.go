package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// ViewSQL says of the materialized view $1 whether it has been filled, and whether
// it has an index by which it can be refreshed beside its readers; of what is none
// it says nothing.
const ViewSQL = `SELECT c.relispopulated, EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
	FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind = 'm'`

// views lists the materialized views of either shard over tables whose rows move,
// those first that others read from.
func (w *planner) views() {
	over := map[string]int{}
	for _, schema := range []*structure.Schema{w.m.Schema, w.there} {
		for name, v := range schema.Views {
			if slices.ContainsFunc(v.Tables, func(t string) bool {
				c := w.m.Table(t)
				return c != nil && (c.Kind.Moves() || c.Kind == tenancy.Root)
			}) {
				over[name] = max(over[name], v.Over)
			}
		}
	}
	for name := range over {
		there := w.there.Views[name]
		v := cmp.Or(w.m.Schema.Views[name], there)
		w.p.Views = append(w.p.Views, View{Name: name, Quoted: v.Quoted(), Concurrently: there != nil && there.UniqueIndex && there.Populated})
	}
	slices.SortFunc(w.p.Views, func(a, b View) int {
		return cmp.Or(cmp.Compare(over[a.Name], over[b.Name]), cmp.Compare(a.Name, b.Name))
	})
}

// A refresh reads the tables, writes the rows anew and builds the indexes; beside
// readers it also compares them with those that are there. That is so many times
// reading them.
const (
	refreshTimes       = 3
	refreshBesideTimes = 5
)

// refreshing says what the refresh of the views takes and whom it keeps waiting,
// and returns the milliseconds that it takes on the target, before which a fenced
// move does not switch. perByte is how long a byte of the source took to read.
func (w *planner) refreshing(ctx context.Context, perByte float64) (float64, error) {
	if len(w.p.Views) == 0 {
		return 0, nil
	}
	total, well := 0.0, true
	for _, x := range []struct {
		name   string
		pool   *pgxpool.Pool
		schema *structure.Schema
		target bool
	}{{w.Target.Name(), w.dst, w.there, true}, {w.Source.Name(), w.src, w.m.Schema, false}} {
		for _, v := range w.p.Views {
			on := x.schema.Views[v.Name]
			if on == nil {
				if x.target {
					well = false
					w.p.check("materialized views", Warning, "create it on "+x.name+" as it is on "+w.Source.Name(),
						v.Name+" is not on "+x.name+": what the application shows from it is missing there").Evidence = "on " + w.Source.Name() + " it reads from " + some(sorted(w.m.Schema.Views[v.Name].Tables))
				}
				continue
			}
			bytes, ms, err := w.refreshOf(ctx, x.pool, x.schema, on, x.target, perByte)
			if err != nil {
				return 0, conn.Fault(err, x.name)
			}
			beside := on.UniqueIndex && on.Populated
			if ms *= refreshTimes; beside {
				ms *= refreshBesideTimes / float64(refreshTimes)
			}
			if x.target {
				total += ms
			}
			about := figure.Span(max(time.Duration(ms)*time.Millisecond, 100*time.Millisecond).Round(100 * time.Millisecond))
			read := figure.Size(bytes) + " of " + v.Name + " and of what it reads from: " + some(sorted(on.Tables))
			switch {
			case beside:
			case !on.Populated:
				well = false
				w.p.check("materialized views", Warning, "REFRESH MATERIALIZED VIEW "+v.Quoted+" on "+x.name+" before the move takes that time out of it",
					fmt.Sprintf("%s on %s has never been filled, so nobody can read it; the move fills it, in about %s", v.Name, x.name, about)).Evidence = read
			default:
				well = false
				w.p.check("materialized views", Warning, "CREATE UNIQUE INDEX CONCURRENTLY ON "+v.Quoted+" (…) on "+x.name+", over columns and without a condition, lets it be refreshed while it is read",
					fmt.Sprintf("%s on %s has no unique index: while it is refreshed, for about %s, whoever reads it waits, also for other tenants", v.Name, x.name, about)).Evidence = read
			}
		}
	}
	if well {
		w.p.check("materialized views", OK, "", fmt.Sprintf("%s over the tenant's tables, refreshed on both shards while they are read", figure.Count(int64(len(w.p.Views)), "materialized view")))
	}
	return total, nil
}

// probeRows is how many rows show how fast a shard reads.
const probeRows = 20000

// refreshOf is how much a view's refresh has to read and write, with what comes,
// and how long reading that takes by a probe of the largest table.
func (w *planner) refreshOf(ctx context.Context, q *pgxpool.Pool, schema *structure.Schema, v *structure.View, target bool, perByte float64) (bytes int64, ms float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	bytes = v.Bytes
	var largest *structure.Table
	var most int64
	for _, name := range v.Tables {
		t := schema.Tables[name]
		if t == nil {
			continue
		}
		var n int64
		if err := q.QueryRow(ctx, `SELECT (pg_catalog.pg_table_size($1::regclass) + coalesce((SELECT sum(pg_catalog.pg_table_size(p.relid)) FROM pg_catalog.pg_partition_tree($1::regclass) p WHERE p.relid <> $1::regclass), 0))::bigint`, t.Quoted()).Scan(&n); err != nil {
			return 0, 0, err
		}
		bytes += n
		if n > most {
			largest, most = t, n
		}
	}
	if target {
		for _, t := range w.p.Tables {
			if slices.Contains(v.Tables, t.Table) {
				bytes += t.Bytes
			}
		}
	}
	if largest != nil {
		var n, read int64
		begin := time.Now()
		err := q.QueryRow(ctx, "SELECT count(*), coalesce(sum(length(x::text)), 0)::bigint FROM (SELECT t.* FROM "+largest.Quoted()+" t LIMIT "+fmt.Sprint(probeRows)+") x").Scan(&n, &read)
		took := time.Since(begin).Seconds() * 1000
		switch {
		case fault.CodeOf(conn.Fault(err, "")) == fault.RightMissing: // the source's speed does then
		case err != nil:
			return 0, 0, err
		case n == probeRows:
			perByte = took / float64(max(read, 1))
		case n > 0:
			perByte = took / float64(most) // all of it
		}
	}
	return bytes, perByte * float64(bytes), nil
}

func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.SortFunc(out, strings.Compare)
	return out
}
