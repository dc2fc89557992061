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

// work is what a table needs.
type work struct {
	c *tenancy.TableClass
	// remove are rows that go, place rows that come or change.
	remove, place []*row
}

// write makes the other side the snapshot's equal in one transaction.
func (p *pass) write(ctx context.Context, from pgx.Tx) error {
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
		if err := p.follow(ctx, from, to); err != nil {
			return err
		}
		list, err := p.plan(ctx, from, to)
		if err != nil {
			return err
		}
		sums := p.sums()
		if err := p.carry(ctx, from, to, list); err != nil {
			return err
		}
		if err := p.check(ctx, to); err != nil {
			return err
		}
		if err := p.record(ctx, to, sums); err != nil {
			return err
		}
		return p.wholeTables(ctx, from, to)
	})
	return conn.Fault(err, p.j.To.Name())
}

// plan decides what becomes of each candidate.
func (p *pass) plan(ctx context.Context, from, to pgx.Tx) ([]work, error) {
	list := []work{}
	for _, c := range p.j.Tables {
		w := work{c: c}
		strangers := []string{}
		kinds, err := p.kinds(ctx, from, to, c)
		if err != nil {
			return nil, err
		}
		for _, r := range p.rows[c.Name()] {
			kind := kinds[r.to.text]
			switch wanted := r.from.present() || (r.shared && r.from.there); {
			case wanted && r.to.there && r.to.hash == r.from.hash:
			case wanted && !r.to.there:
				if !r.shared {
					w.place = append(w.place, r)
				}
			case wanted:
				brought := kind != "" && kind != "found"
				if (r.shared && !brought) || (!r.shared && (kind == "found" || r.to.others || (!r.to.ours && !brought))) {
					strangers = append(strangers, r.to.text)
					continue
				}
				w.place = append(w.place, r)
			case r.to.present() && !r.to.others && kind != "found" && !r.shared:
				w.remove = append(w.remove, r)
			}
		}
		if len(strangers) > 0 {
			return nil, p.stranger(c, strangers)
		}
		if len(w.place)+len(w.remove) > 0 {
			list = append(list, w)
		}
	}
	return list, nil
}

// kinds tells from the list of the move's target how rows came there: brought
// by the move (own, shared, fresh) or found. On the source nothing was found.
func (p *pass) kinds(ctx context.Context, from, to pgx.Tx, c *tenancy.TableClass) (map[string]string, error) {
	keys := []string{}
	for _, r := range p.rows[c.Name()] {
		if r.to.there && (c.Listed() || r.shared || !r.to.ours) {
			keys = append(keys, r.to.text)
		}
	}
	out := map[string]string{}
	if len(keys) == 0 {
		return out, nil
	}
	q, forth := from, p.j.Target == p.j.To
	if forth {
		q = to
	}
	rows, err := q.Query(ctx, `SELECT key, min(kind) FROM shard_admin_move.owned WHERE move_id = $1 AND tbl = $2 AND kind IN ('own', 'found', 'shared', 'fresh') AND key = ANY ($3) GROUP BY key`, p.j.Move, c.Name(), keys)
	if err != nil {
		return nil, err
	}
	var key, kind string
	_, err = pgx.ForEachRow(rows, []any{&key, &kind}, func() error {
		if kind == "found" && !forth {
			kind = "own"
		}
		out[key] = kind
		return nil
	})
	return out, err
}

// carry writes what was planned. What stands in the way is taken out first.
func (p *pass) carry(ctx context.Context, from, to pgx.Tx, list []work) error {
	for _, w := range list {
		if err := p.stage(ctx, to, w.c, w.place); err != nil {
			return err
		}
	}
	done := p.done
	err := pgx.BeginFunc(ctx, to, func(sp pgx.Tx) error { return p.apply(ctx, sp, list) })
	if s := fence.SQLState(err); s != "23503" && s != "23505" {
		return err
	}
	p.done = done
	list, err = p.replaced(ctx, from, to, list)
	if err != nil {
		return err
	}
	return p.apply(ctx, to, list)
}

// apply deletes, changes and inserts.
func (p *pass) apply(ctx context.Context, to pgx.Tx, list []work) error {
	for _, w := range slices.Backward(list) {
		for some := range slices.Chunk(w.remove, most) {
			tag, err := to.Exec(ctx, "DELETE FROM "+w.c.Table.Own()+" t USING "+given(w.c, 1)+" WHERE "+matches(w.c, "t"), args(w.c, some)...)
			if err != nil {
				return err
			}
			p.done.Deleted += tag.RowsAffected()
		}
		if p.j.Target == p.j.To && w.c.Listed() && len(w.remove) > 0 {
			keys := make([]string, len(w.remove))
			for i, r := range w.remove {
				keys[i] = r.to.text
			}
			if _, err := to.Exec(ctx, `DELETE FROM shard_admin_move.owned WHERE move_id = $1 AND tbl = $2 AND kind = 'own' AND key = ANY ($3)`, p.j.Move, w.c.Name(), keys); err != nil {
				return err
			}
		}
	}
	for _, w := range list {
		if len(w.place) == 0 {
			continue
		}
		if err := p.place(ctx, to, w.c); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) stageOf(c *tenancy.TableClass) string {
	return fmt.Sprintf("pg_temp.sa_carry_%d", slices.Index(p.j.Tables, c))
}

// stage brings rows of the snapshot to a temporary table of the other side.
func (p *pass) stage(ctx context.Context, to pgx.Tx, c *tenancy.TableClass, rows []*row) error {
	if len(rows) == 0 {
		return nil
	}
	temp := p.stageOf(c)
	cols := rowcopy.Columns(c, "")
	if _, err := to.Exec(ctx, "CREATE TEMP TABLE IF NOT EXISTS "+strings.TrimPrefix(temp, "pg_temp.")+" ON COMMIT DELETE ROWS AS SELECT "+cols+" FROM "+c.Table.Own()+" WHERE false"); err != nil {
		return err
	}
	if _, err := to.Exec(ctx, "DELETE FROM "+temp); err != nil {
		return err
	}
	for some := range slices.Chunk(rows, most) {
		query := "SELECT " + rowcopy.Columns(c, "t.") + " FROM " + literal(c, some) + " JOIN " + c.Table.Own() + " t ON " + matches(c, "t")
		out, in, err := rowcopy.Pipe(ctx, p.from, p.to, p.j.From.Name(), c, query, temp, nil)
		if err != nil {
			return err
		}
		if out != in || out != int64(len(some)) {
			return fault.Newf(fault.VerifyDifferent, "shard-admin move resume "+p.j.Move+" --wait", "%s: of %d changed rows %d left %s and %d arrived", c.Name(), len(some), out, p.j.From.Name(), in)
		}
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

// replaced plans the way round what stands in the way: rows that are to go or to
// change go with everything that refers to them, and what the snapshot has of
// them comes anew.
func (p *pass) replaced(ctx context.Context, from, to pgx.Tx, list []work) ([]work, error) {
	going := map[string]map[string]bool{}
	take := func(table string, rows []*row) []*row {
		if going[table] == nil {
			going[table] = map[string]bool{}
		}
		fresh := []*row{}
		for _, r := range rows {
			if k := joined(r.key); !going[table][k] && r.to.there {
				going[table][k] = true
				fresh = append(fresh, r)
			}
		}
		return fresh
	}
	type front struct {
		c    *tenancy.TableClass
		rows []*row
	}
	waiting := []front{}
	for _, w := range list {
		if rows := take(w.c.Name(), slices.Concat(w.remove, w.place)); len(rows) > 0 {
			waiting = append(waiting, front{w.c, rows})
		}
	}
	for len(waiting) > 0 {
		f := waiting[0]
		waiting = waiting[1:]
		for _, c := range p.j.Tables {
			for _, key := range c.Table.ForeignKeys {
				if key.RefTable != f.c.Name() || len(c.Table.Key()) == 0 {
					continue
				}
				on := []string{}
				for i := range key.Columns {
					on = append(on, "t."+pgx.Identifier{key.Columns[i]}.Sanitize()+" = p."+pgx.Identifier{key.RefColumns[i]}.Sanitize())
				}
				sql := "SELECT DISTINCT ARRAY[" + strings.Join(texts(c, "t"), ", ") + "] FROM " + given(f.c, 1) + " JOIN " + f.c.Table.Own() + " p ON " + matches(f.c, "p") +
					" JOIN " + c.Table.Own() + " t ON " + strings.Join(on, " AND ")
				known := len(p.rows[c.Name()])
				before := map[string]bool{}
				for k := range p.rows[c.Name()] {
					before[k] = true
				}
				// A candidate that is known may have to be taken out as well.
				keys, err := p.referring(ctx, to, c, sql, f.c, f.rows)
				if err != nil {
					return nil, err
				}
				if len(p.rows[c.Name()]) > known {
					if err := p.follow(ctx, from, to); err != nil {
						return nil, err
					}
				}
				rows := []*row{}
				for _, k := range keys {
					if r := p.rows[c.Name()][k]; r.to.present() {
						rows = append(rows, r)
					}
				}
				if rows = take(c.Name(), rows); len(rows) > 0 {
					waiting = append(waiting, front{c, rows})
				}
			}
		}
	}
	out := []work{}
	for _, c := range p.j.Tables {
		w := work{c: c}
		for k, r := range p.rows[c.Name()] {
			gone := going[c.Name()][k]
			if gone {
				w.remove = append(w.remove, r)
			}
			if wanted := r.from.present() || (r.shared && r.from.there); wanted && (gone || !r.to.there && !r.shared) {
				w.place = append(w.place, r)
			}
		}
		if len(w.remove)+len(w.place) == 0 {
			continue
		}
		if err := p.stage(ctx, to, c, w.place); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// referring adds the rows that a query finds, and returns their joined keys.
func (p *pass) referring(ctx context.Context, to pgx.Tx, c *tenancy.TableClass, sql string, of *tenancy.TableClass, about []*row) ([]string, error) {
	out := []string{}
	for some := range slices.Chunk(about, most) {
		rows, err := to.Query(ctx, sql, args(of, some)...)
		if err != nil {
			return nil, err
		}
		var key []string
		if _, err := pgx.ForEachRow(rows, []any{&key}, func() error {
			own := slices.Clone(key)
			p.add(c.Name(), own)
			out = append(out, joined(own))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// check reads every candidate again on the side written to.
func (p *pass) check(ctx context.Context, to pgx.Tx) error {
	wrong := []string{}
	for _, c := range p.j.Tables {
		list := []*row{}
		for _, r := range p.rows[c.Name()] {
			list = append(list, r)
		}
		if len(list) == 0 {
			continue
		}
		after := map[*row]*state{}
		if err := p.ask(ctx, to, p.j.To, c, list, func(r *row) *state {
			after[r] = &state{}
			return after[r]
		}); err != nil {
			return err
		}
		for _, r := range list {
			now := after[r]
			switch {
			case r.shared && !r.from.present():
				if r.from.there && now.there && now.hash != r.from.hash {
					wrong = append(wrong, c.Name()+" "+strings.Join(r.key, ", "))
				}
			case r.from.present() != now.present(), r.from.present() && now.hash != r.from.hash:
				wrong = append(wrong, c.Name()+" "+strings.Join(r.key, ", "))
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.Newf(fault.VerifyDifferent, "look for triggers or rules on the tables of "+p.j.To.Name()+"; nothing was written",
		"%d carried rows are not on %s what they are on %s: %s", len(wrong), p.j.To.Name(), p.j.From.Name(), compare.Few(wrong))
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

// sums are the differences that the candidates make to the digests.
func (p *pass) sums() map[string]*sum {
	out := map[string]*sum{}
	for table, rows := range p.rows {
		s := &sum{a: new(big.Int), b: new(big.Int)}
		for _, r := range rows {
			if r.to.present() {
				s.add(r.to.hash, -1)
			}
			if r.from.present() {
				s.add(r.from.hash, 1)
			}
		}
		out[table] = s
	}
	return out
}

// record lets the digests follow.
func (p *pass) record(ctx context.Context, to pgx.Tx, sums map[string]*sum) error {
	batch := &pgx.Batch{}
	for table, s := range sums {
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

// wholeTables carries tables without a key, of which no row can be named: they
// are compared as a whole and replaced as a whole.
func (p *pass) wholeTables(ctx context.Context, from, to pgx.Tx) error {
	for _, c := range p.whole {
		where := p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant))
		here, err := compare.DigestOf(ctx, from, p.j.Map, c, where)
		if err != nil {
			return conn.Fault(err, p.j.From.Name())
		}
		there, err := compare.DigestOf(ctx, to, p.j.Map, c, where)
		if err != nil {
			return err
		}
		if here == there {
			continue
		}
		tag, err := to.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t WHERE "+where)
		if err != nil {
			return err
		}
		p.done.Deleted += tag.RowsAffected()
		out, in, err := rowcopy.Pipe(ctx, p.from, p.to, p.j.From.Name(), c, "SELECT "+rowcopy.Columns(c, "t.")+" FROM "+c.Table.Own()+" t WHERE "+where, c.Table.Quoted(), nil)
		if err != nil {
			return err
		}
		p.done.Inserted += in
		p.came[c.Name()] = true
		if there, err = compare.DigestOf(ctx, to, p.j.Map, c, where); err != nil {
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
