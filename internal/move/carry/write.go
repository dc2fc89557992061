package carry

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// write makes the other side the snapshot's equal in one transaction.
func (p *pass) write(ctx context.Context) error {
	err := pgx.BeginTxFunc(ctx, p.to, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(to pgx.Tx) error {
		// Whose the rows are is asked below; the guards need not ask again.
		if err := fence.BeginCopy(ctx, to, p.j.Move, p.j.Epoch); err != nil {
			return err
		}
		settings := "SET CONSTRAINTS ALL DEFERRED"
		if p.j.ReplicaRole {
			settings += "; SET LOCAL session_replication_role = replica"
		}
		if _, err := to.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if f, ok := p.rows.(*filed); ok {
			if err := f.open(ctx); err != nil {
				return err
			}
			if err := p.noted(ctx, 0); err != nil {
				return err
			}
		}
		if err := p.follow(ctx); err != nil {
			return err
		}
		if err := p.emptyWhole(ctx, to); err != nil {
			return err
		}
		if err := p.bring(ctx, to); err != nil {
			return err
		}
		if err := p.check(ctx); err != nil {
			return err
		}
		if err := p.record(ctx, to); err != nil {
			return err
		}
		return p.fillWhole(ctx, to)
	})
	return p.to.fault(err, nil)
}

// decide tells what becomes of candidates.
func (p *pass) decide(ctx context.Context, c *tenancy.TableClass, rows []*row) error {
	kinds, err := p.kinds(ctx, c, rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		kind := kinds[r.to.text]
		switch wanted := r.wanted(); {
		case wanted && r.to.there && r.to.hash == r.from.hash:
		case wanted && !r.to.there:
			r.place = !r.shared
		case wanted:
			brought := kind != "" && kind != "found"
			if (r.shared && !brought) || (!r.shared && (kind == "found" || r.to.others || (!r.to.ours && !brought))) {
				if p.strangers[c.Name()] == nil {
					p.strangers[c.Name()] = &compare.Few{}
				}
				p.strangers[c.Name()].Add(r.to.text)
				continue
			}
			r.place = true
		case r.to.present() && !r.to.others && kind != "found" && !r.shared:
			r.remove = true
		}
	}
	return nil
}

// kinds tells from the list of the move's target how rows came there: brought
// by the move (own, shared, fresh) or found. On the source nothing was found.
func (p *pass) kinds(ctx context.Context, c *tenancy.TableClass, rows []*row) (map[string]string, error) {
	keys := []string{}
	for _, r := range rows {
		if r.to.there && (c.Listed() || r.shared || !r.to.ours) {
			keys = append(keys, r.to.text)
		}
	}
	out := map[string]string{}
	if len(keys) == 0 {
		return out, nil
	}
	of, forth := p.from, p.j.Target == p.j.To
	if forth {
		of = p.to
	}
	found, err := of.Query(ctx, `SELECT key, min(kind) FROM shard_admin_move.owned WHERE move_id = $1 AND tbl = $2 AND kind IN ('own', 'found', 'shared', 'fresh') AND key = ANY ($3) GROUP BY key`, p.j.Move, c.Name(), keys)
	if err != nil {
		return nil, of.fault(err, c)
	}
	var key, kind string
	_, err = pgx.ForEachRow(found, []any{&key, &kind}, func() error {
		if kind == "found" && !forth {
			kind = "own"
		}
		out[key] = kind
		return nil
	})
	return out, of.fault(err, c)
}

// bring writes what was decided. What stands in the way is taken out first.
func (p *pass) bring(ctx context.Context, to pgx.Tx) error {
	list, err := p.staged(ctx, to)
	if err != nil {
		return err
	}
	done := p.done
	err = pgx.BeginFunc(ctx, to, func(sp pgx.Tx) error { return p.apply(ctx, sp, list) })
	if s := fence.SQLState(err); s != "23503" && s != "23505" {
		return err
	}
	p.done = done
	if err := p.replaced(ctx); err != nil {
		return err
	}
	if err := p.emptyWhole(ctx, to); err != nil {
		return err
	}
	if list, err = p.staged(ctx, to); err != nil {
		return err
	}
	return p.apply(ctx, to, list)
}

// staged brings the rows that come or change to temporary tables of the other
// side, and returns what is to be done.
func (p *pass) staged(ctx context.Context, to pgx.Tx) (map[string]work, error) {
	list, err := p.rows.work(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range p.j.Tables {
		if list[c.Name()].place > 0 {
			if err := p.stage(ctx, to, c); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// apply deletes, changes and inserts.
func (p *pass) apply(ctx context.Context, to pgx.Tx, list map[string]work) error {
	for _, c := range slices.Backward(p.j.Tables) {
		if list[c.Name()].remove == 0 {
			continue
		}
		// At once: the rows of a table may refer to each other.
		gone := p.rows.removed(c)
		tag, err := to.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t USING "+gone.sql+" WHERE "+matches(c, "t"), gone.args...)
		if err != nil {
			return err
		}
		p.done.Deleted += tag.RowsAffected()
		if p.j.Target != p.j.To || !c.Listed() {
			continue
		}
		if err := p.rows.each(ctx, c, removed, func(rows []*row) error {
			keys := make([]string, len(rows))
			for i, r := range rows {
				keys[i] = r.to.text
			}
			_, err := to.Exec(ctx, `DELETE FROM shard_admin_move.owned WHERE move_id = $1 AND tbl = $2 AND kind = 'own' AND key = ANY ($3)`, p.j.Move, c.Name(), keys)
			return err
		}); err != nil {
			return err
		}
	}
	for _, c := range p.j.Tables {
		if list[c.Name()].place == 0 {
			continue
		}
		if err := p.place(ctx, to, c); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) stageOf(c *tenancy.TableClass) string {
	return fmt.Sprintf("pg_temp.sa_carry_%d", slices.Index(p.j.Tables, c))
}

// stage brings rows of the snapshot to a temporary table of the other side.
func (p *pass) stage(ctx context.Context, to pgx.Tx, c *tenancy.TableClass) error {
	temp := p.stageOf(c)
	cols := rowcopy.Columns(c, "")
	if _, err := to.Exec(ctx, "CREATE TEMP TABLE IF NOT EXISTS "+strings.TrimPrefix(temp, "pg_temp.")+" ON COMMIT DELETE ROWS AS SELECT "+cols+" FROM "+c.Table.Own()+" WHERE false"); err != nil {
		return err
	}
	if _, err := to.Exec(ctx, "DELETE FROM "+temp); err != nil {
		return err
	}
	if err := p.rows.each(ctx, c, placed, func(some []*row) error {
		query := "SELECT " + rowcopy.Columns(c, "t.") + " FROM " + literal(c, some) + " JOIN " + c.Table.Own() + " t ON " + matches(c, "t")
		out, in, err := rowcopy.Pipe(ctx, p.from.Conn, p.to.Conn, p.j.From.Name(), c, query, temp, nil)
		if err != nil {
			return err
		}
		if out != in || out != int64(len(some)) {
			return fault.Newf(fault.VerifyDifferent, fault.Change("move resume "+p.j.Move+" --wait"), "%s: of %d changed rows %d left %s and %d arrived", c.Name(), len(some), out, p.j.From.Name(), in)
		}
		return nil
	}); err != nil {
		return err
	}
	_, err := to.Exec(ctx, "ANALYZE "+temp)
	return err
}

// place changes and inserts the staged rows.
func (p *pass) place(ctx context.Context, to pgx.Tx, c *tenancy.TableClass) error {
	temp, cols := p.stageOf(c), rowcopy.Columns(c, "")
	set, same := []string{}, []string{}
	for _, n := range c.Table.Copyable() {
		q := pgx.Identifier{n}.Sanitize()
		if slices.Contains(c.Table.Key(), n) {
			same = append(same, "t."+q+" = s."+q)
		} else if c.Table.Column(n).Identity != "a" {
			set = append(set, q+" = s."+q)
		}
	}
	match := strings.Join(same, " AND ")
	if len(set) > 0 {
		tag, err := to.Exec(ctx, "UPDATE "+c.Table.Own()+" t SET "+strings.Join(set, ", ")+" FROM "+temp+" s WHERE "+match)
		if err != nil {
			return err
		}
		p.done.Updated += tag.RowsAffected()
	}
	insert := "INSERT INTO " + c.Table.Quoted() + " AS t (" + cols + ") OVERRIDING SYSTEM VALUE SELECT " + cols + " FROM " + temp + " s WHERE NOT EXISTS (SELECT FROM " + c.Table.Own() + " t WHERE " + match + ")"
	params := []any{}
	if c.Listed() && p.j.Target == p.j.To {
		insert = "WITH added AS (" + insert + " RETURNING " + keyText(c) + " AS k), filed AS (INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) SELECT $1, $2, k, 'own' FROM added ON CONFLICT DO NOTHING) SELECT FROM added"
		params = append(params, p.j.Move, c.Name())
	}
	tag, err := to.Exec(ctx, insert, params...)
	if err != nil {
		return err
	}
	if n := tag.RowsAffected(); n > 0 {
		p.done.Inserted += n
		p.came[c.Name()] = true
	}
	return nil
}

// replaced decides the way round what stands in the way: rows that are to go or to
// change go with everything that refers to them, and what the snapshot has of
// them comes anew.
func (p *pass) replaced(ctx context.Context) error {
	if err := p.rows.block(ctx); err != nil {
		return err
	}
	for more := true; more; {
		more = false
		for _, of := range p.j.Tables {
			front, some, err := p.rows.front(ctx, of)
			if err != nil {
				return err
			}
			if !some {
				continue
			}
			more = true
			for _, c := range p.j.Tables {
				for _, key := range c.Table.ForeignKeys {
					if key.RefTable != of.Name() {
						continue
					}
					if len(c.Table.Key()) == 0 {
						p.uprooted[c.Name()] = true // none of its rows can be named
						continue
					}
					on := []string{}
					for i := range key.Columns {
						on = append(on, "t."+pgx.Identifier{key.Columns[i]}.Sanitize()+" = p."+pgx.Identifier{key.RefColumns[i]}.Sanitize())
					}
					sql := "SELECT DISTINCT ARRAY[" + strings.Join(texts(c, "t"), ", ") + "] FROM " + front.sql + " JOIN " + of.Table.Own() + " p ON " + matches(of, "p") +
						" JOIN " + c.Table.Own() + " t ON " + strings.Join(on, " AND ")
					if err := p.rows.refer(ctx, c, sql, front.args, func() error { return p.follow(ctx) }); err != nil {
						return err
					}
				}
			}
		}
	}
	return p.rows.settle(ctx)
}

// check reads every candidate again on the side written to.
func (p *pass) check(ctx context.Context) error {
	var wrong compare.Few
	for _, c := range p.j.Tables {
		if err := p.rows.each(ctx, c, all, func(rows []*row) error {
			after, err := p.ask(ctx, p.to, c, rows)
			if err != nil {
				return err
			}
			for i, r := range rows {
				now := after[i]
				switch {
				case r.shared && !r.from.present():
					if r.from.there && now.there && now.hash != r.from.hash {
						wrong.Add(c.Name() + " " + strings.Join(r.key, ", "))
					}
				case r.from.present() != now.present(), r.from.present() && now.hash != r.from.hash:
					wrong.Add(c.Name() + " " + strings.Join(r.key, ", "))
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if wrong.Count() == 0 {
		return nil
	}
	return fault.Newf(fault.VerifyDifferent, "look for triggers or rules on the tables of "+p.j.To.Name()+"; nothing was written",
		"%d carried rows are not on %s what they are on %s: %s", wrong.Count(), p.j.To.Name(), p.j.From.Name(), &wrong)
}

// sum is what rows add to a table's digest.
type sum struct {
	rows int64
	a, b *big.Int
}

func (s *sum) add(hash string, sign int64) {
	if len(hash) != 32 {
		return
	}
	for i, to := range []*big.Int{s.a, s.b} {
		half, err := strconv.ParseUint(hash[16*i:16*i+16], 16, 64)
		if err != nil {
			return
		}
		to.Add(to, new(big.Int).Mul(big.NewInt(sign), big.NewInt(int64(half)))) //nolint:gosec // the server reads the halves as signed numbers, too
	}
	s.rows += sign
}

// count adds the difference that candidates make to their table's digest.
func (p *pass) count(c *tenancy.TableClass, rows []*row) {
	s := p.sums[c.Name()]
	if s == nil {
		s = &sum{a: new(big.Int), b: new(big.Int)}
		p.sums[c.Name()] = s
	}
	for _, r := range rows {
		if r.to.present() {
			s.add(r.to.hash, -1)
		}
		if r.from.present() {
			s.add(r.from.hash, 1)
		}
	}
}

// record lets the digests follow.
func (p *pass) record(ctx context.Context, to pgx.Tx) error {
	batch := &pgx.Batch{}
	for table, s := range p.sums {
		if s.rows == 0 && s.a.Sign() == 0 && s.b.Sign() == 0 {
			continue
		}
		batch.Queue(`UPDATE shard_admin_move.digest SET rows = rows + $3, a = a + $4::text::numeric, b = b + $5::text::numeric WHERE move_id = $1 AND tbl = $2`, p.j.Move, table, s.rows, s.a.String(), s.b.String())
	}
	if batch.Len() == 0 {
		return nil
	}
	return to.SendBatch(ctx, batch).Close()
}

// emptied is a table without a key whose rows were taken away, and what they are to
// amount to.
type emptied struct {
	c    *tenancy.TableClass
	here compare.Digest
}

// emptyWhole takes the tenant's rows of tables without a key, of which no row can be
// named, away where they differ as a whole. That is done while the rows that own them
// are still as they were: afterwards nothing would say whose they had been.
func (p *pass) emptyWhole(ctx context.Context, to pgx.Tx) error {
	for _, c := range p.j.Tables {
		done := slices.ContainsFunc(p.emptied, func(e emptied) bool { return e.c == c })
		if done || !p.whole[c.Name()] && !p.uprooted[c.Name()] {
			continue
		}
		where := p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant))
		here, err := compare.DigestOf(ctx, p.from, p.j.Map, c, where)
		if err != nil {
			return conn.Fault(err, p.j.From.Name())
		}
		there, err := compare.DigestOf(ctx, to, p.j.Map, c, where)
		if err != nil {
			return err
		}
		if here == there && !p.uprooted[c.Name()] {
			continue
		}
		tag, err := to.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t WHERE "+where)
		if err != nil {
			return err
		}
		p.done.Deleted += tag.RowsAffected()
		p.emptied = append(p.emptied, emptied{c, here})
	}
	return nil
}

// fillWhole brings the rows of the tables that were emptied, all of them.
func (p *pass) fillWhole(ctx context.Context, to pgx.Tx) error {
	for _, e := range p.emptied {
		c, here := e.c, e.here
		where := p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant))
		out, in, err := rowcopy.Pipe(ctx, p.from.Conn, p.to.Conn, p.j.From.Name(), c, "SELECT "+rowcopy.Columns(c, "t.")+" FROM "+c.Table.Own()+" t WHERE "+where, c.Table.Quoted(), nil)
		if err != nil {
			return err
		}
		p.done.Inserted += in
		p.came[c.Name()] = true
		there, err := compare.DigestOf(ctx, to, p.j.Map, c, where)
		if err != nil {
			return err
		}
		if out != in || here != there {
			return fault.Newf(fault.VerifyDifferent, "look for triggers or rules on the table of "+p.j.To.Name()+"; nothing was written", "%s: %d rows left %s and %d arrived, or they differ", c.Name(), out, p.j.From.Name(), in)
		}
		if _, err := to.Exec(ctx, `UPDATE shard_admin_move.digest SET rows = $3, a = $4::text::numeric, b = $5::text::numeric WHERE move_id = $1 AND tbl = $2`, p.j.Move, c.Name(), here.Rows, here.SumA, here.SumB); err != nil {
			return err
		}
	}
	return nil
}
