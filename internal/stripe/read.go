package stripe

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

//go:embed sequences.sql
var sequencesSQL string

// readLimit bounds what reading one shard may take.
const readLimit = 2 * time.Minute

// Make reads every shard and says what striping would do. It writes nothing.
// stripes is how many there are to be, 0 for the stored or a fitting number.
// An error means that control could not be read, or that the number is not of
// a form that there can be.
func Make(ctx context.Context, d Deps, stripes int) (*Plan, error) {
	if stripes != 0 && (stripes < 2 || stripes > MaxStripes) {
		return nil, fault.Newf(fault.Usage, "leave --stripes out for a fitting number", "a fleet has 2 to %d stripes, not %d", MaxStripes, stripes)
	}
	var err error
	p := &Plan{}
	for _, sh := range d.Set.Fleet().Shards {
		s := &Shard{Name: sh.Name, Configured: sh.Configured()}
		if s.Configured {
			if s.db, err = d.Set.Shard(sh.Name); err != nil {
				return nil, err
			}
		}
		p.Shards = append(p.Shards, s)
	}
	d.read(ctx, p)
	// What another run has changed on a shard it had noted before: who reads the notes
	// first may find steps that nobody chose. Without the right to read them, the rights
	// are what is shown.
	st, unread := d.load(ctx)
	if unread != nil && fault.CodeOf(unread) != fault.RightMissing {
		return nil, unread
	}
	p.Stripes, p.Chosen = st.stripes, st.stripes > 0
	p.choose(stripes)
	p.give(st)
	if err := d.control(ctx, p); err != nil {
		return nil, err
	}
	if unread != nil && len(p.Findings) == 0 {
		return nil, unread
	}
	p.judge(st)
	return p, nil
}

// read fills every shard from its database, side by side.
func (d Deps) read(ctx context.Context, p *Plan) {
	var wg sync.WaitGroup
	ids := make([]conn.Identity, len(p.Shards))
	left := make([][]LeftOut, len(p.Shards))
	for i, s := range p.Shards {
		if !s.Configured {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, readLimit)
			defer cancel()
			left[i], s.Err = d.readOne(ctx, s)
			if s.Err != nil {
				return
			}
			// Without the right to ask there is a finding about it.
			if ids[i], s.Err = s.db.Identity(ctx); fault.CodeOf(s.Err) == fault.RightMissing {
				s.Err = nil
			}
		})
	}
	wg.Wait()
	for i, s := range p.Shards {
		if p.LeftOut == nil {
			p.LeftOut = left[i]
		}
		for j := range i {
			o := p.Shards[j]
			if !s.counts() || !o.counts() || s.Err != nil || o.Err != nil || ids[i] != ids[j] {
				continue
			}
			if same, err := conn.Same(ctx, o.db, s.db); err == nil && same {
				s.SameAs, s.Sequences, s.Findings = o.Name, nil, nil
			}
		}
	}
}

func (d Deps) readOne(ctx context.Context, s *Shard) ([]LeftOut, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	var recovery, readOnly bool
	if err := pool.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool`).Scan(&recovery, &readOnly); err != nil {
		return nil, conn.Fault(err, s.Name)
	}
	if recovery || readOnly {
		s.find(Finding{
			Check: "writable", Severity: Blocker, Code: fault.DatabaseReadOnly, Message: "it takes no writes",
			Fix: "name the primary in the fleet file, or take default_transaction_read_only off",
		})
	}
	tables, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return nil, conn.Fault(err, s.Name)
	}
	m, err := tenancy.BuildMap(tables, d.Profile)
	if err != nil {
		return nil, err
	}
	if m.Unclassified > 0 {
		s.find(Finding{
			Check: "table map", Severity: Blocker, Code: fault.MapUnclassified, Fix: "say in the profile what they are; shard-admin map --check lists them",
			Message: fmt.Sprintf("%d tables are not classified, so it is not known whether their ids move", m.Unclassified),
		})
	}
	s.tables = m
	left := []LeftOut{}
	for _, c := range m.Root.Table.Columns {
		if c.Sequence != "" {
			left = append(left, LeftOut{m.Root.Name() + "." + c.Name, "tenants are created in control alone, so one sequence gives all their ids"})
		}
	}
	if s.Sequences, err = sequences(ctx, pool, m); err != nil {
		return left, conn.Fault(err, s.Name)
	}
	if !s.db.InControl() { // control is asked once, for all that it holds
		if err := d.rights(ctx, s.db, s, s.find); err != nil {
			return left, err
		}
	}
	return left, conn.Fault(values(ctx, pool, s.Sequences), s.Name)
}

// rights adds a finding for each right that the role lacks in a database.
func (d Deps) rights(ctx context.Context, db *conn.Database, s *Shard, find func(Finding)) error {
	need := rights.Need{Capabilities: []rights.Capability{rights.Stripe}, Schema: d.Schema}
	seen := map[string]bool{}
	for _, q := range s.Sequences {
		for _, c := range q.Columns {
			if t := s.tables.Table(c.Table); t != nil && !seen[c.Table] {
				seen[c.Table] = true
				need.Owned = append(need.Owned, rights.Table{Schema: t.Table.Schema, Name: t.Table.Rel})
			}
		}
	}
	missing, err := rights.Check(ctx, db, need)
	if err != nil {
		return err
	}
	for _, x := range missing {
		find(Finding{Check: "rights", Severity: Blocker, Code: fault.RightMissing, Message: "the role lacks " + x.Right, Fix: x.Grant})
	}
	return nil
}

// sequences lists those that fill a column of a table whose rows move.
func sequences(ctx context.Context, pool *pgxpool.Pool, m *tenancy.Map) ([]*Sequence, error) {
	classes := m.Moving()
	schemas, names := []string{}, []string{}
	for _, c := range classes {
		schemas, names = append(schemas, c.Table.Schema), append(names, c.Table.Rel)
	}
	rows, err := pool.Query(ctx, sequencesSQL, schemas, names)
	if err != nil {
		return nil, err
	}
	out, by := []*Sequence{}, map[string]*Sequence{}
	var q Sequence
	var ord int
	var column, kind string
	var number, indexed bool
	_, err = pgx.ForEachRow(rows, []any{
		&ord, &q.quoted, &q.Name, &q.readable, &q.Increment, &q.start, &q.min, &q.max, &q.cache, &q.cycle, &q.Identity, &column, &kind, &number, &indexed,
	}, func() error {
		s := by[q.quoted]
		if s == nil {
			one := q
			s = &one
			by[q.quoted] = s
			out = append(out, s)
		}
		t := classes[ord-1].Table
		c := Column{t.Name, column}
		s.Columns = append(s.Columns, c)
		s.fills = append(s.fills, fill{
			Column: c, table: t.Quoted(), column: pgx.Identifier{column}.Sanitize(), number: number, indexed: indexed,
			limit: map[string]int64{"int2": 1<<15 - 1, "int4": 1<<31 - 1}[kind],
		})
		return nil
	})
	return out, err
}

// values reads where the sequences and their columns are.
func values(ctx context.Context, pool *pgxpool.Pool, list []*Sequence) error {
	for _, q := range list {
		if !q.readable {
			q.LastReason = "the role may not read " + q.Name
			continue
		}
		at, err := structure.ReadSequence(ctx, pool, q.quoted)
		if err != nil {
			return err
		}
		q.last, q.called = at.Last, at.Called
		if q.known = true; q.called {
			v := q.last
			q.Last = &v
		}
		for _, f := range q.fills {
			v, err := f.highest(ctx, pool)
			if err != nil {
				if fault.CodeOf(conn.Fault(err, "")) == fault.RightMissing {
					q.known, q.LastReason = false, "the role may not read "+f.Table
					break
				}
				return err
			}
			q.higher(v)
		}
	}
	return nil
}

func (q *Sequence) higher(v *int64) {
	if v != nil && (q.Highest == nil || *v > *q.Highest) {
		q.Highest = v
	}
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// highest is the largest value of the column, nil where there is none.
func (f fill) highest(ctx context.Context, q querier) (*int64, error) {
	if !f.number {
		return nil, nil //nolint:nilnil // a text has no largest number
	}
	var v *int64
	err := q.QueryRow(ctx, "SELECT ceil(max("+f.column+"))::bigint FROM "+f.table).Scan(&v)
	return v, err
}

// choose settles how many stripes there are.
func (p *Plan) choose(asked int) {
	shards := 0
	for _, s := range p.Shards {
		if s.SameAs == "" {
			shards++
		}
	}
	switch {
	case !p.Chosen && asked > 0:
		p.Stripes = asked
	case !p.Chosen:
		p.Stripes = min(defaultStripes(shards), MaxStripes)
	case asked > 0 && asked != p.Stripes:
		p.find(Finding{
			Check: "stripes", Severity: Blocker, Code: fault.StripesFixed, Fix: "leave --stripes out",
			Message: fmt.Sprintf("the fleet has %d stripes, for good: in %d its shards would hand out ids of each other", p.Stripes, asked),
		})
	}
}

// give lets every shard have its residue: the stored one, else the smallest
// that is free.
func (p *Plan) give(st stored) {
	used := map[int]bool{}
	there := map[string]bool{}
	for _, s := range p.Shards {
		there[s.Name] = true
	}
	for name, r := range st.residues {
		used[r] = true
		if !there[name] {
			p.find(Finding{Check: "kept", Severity: Info, Message: fmt.Sprintf("residue %d stays kept for %s, which the fleet no longer has", r, name)})
		}
	}
	// A database under two names keeps the stripe that one of them has.
	for _, s := range p.Shards {
		if _, has := st.residues[s.Name]; s.SameAs == "" || !has {
			continue
		}
		for _, o := range p.Shards {
			if _, has := st.residues[o.Name]; o.Name == s.SameAs && !has {
				s.Sequences, s.Findings, s.SameAs = o.Sequences, o.Findings, ""
				o.Sequences, o.Findings, o.SameAs = nil, nil, s.Name
				for _, x := range p.Shards {
					if x.SameAs == o.Name {
						x.SameAs = s.Name
					}
				}
			}
		}
	}
	next := 0
	for _, s := range p.Shards {
		if !s.counts() {
			continue
		}
		if r, ok := st.residues[s.Name]; ok {
			s.Residue, s.Given = &r, true
			continue
		}
		for used[next] {
			next++
		}
		if next >= p.Stripes {
			s.find(Finding{
				Check: "stripes", Severity: Blocker, Code: fault.StripesFull, Message: fmt.Sprintf("every one of the fleet's %d stripes has a shard", p.Stripes),
				Fix: map[bool]string{true: "a shard without a stripe needs a fleet of its own, or ids that are no numbers", false: "choose more: --stripes"}[p.Chosen],
			})
			continue
		}
		r := next
		used[r], s.Residue = true, &r
	}
}

// control asks once for what is needed in the control database.
func (d Deps) control(ctx context.Context, p *Plan) error {
	find := func(f Finding) {
		f.Message = fleet.ControlName + ": " + f.Message
		p.find(f)
	}
	for _, s := range p.Shards {
		if s.db != nil && s.db.InControl() && s.SameAs == "" && s.Err == nil {
			return d.rights(ctx, d.Set.Control(), s, find)
		}
	}
	return d.rights(ctx, d.Set.Control(), &Shard{}, find)
}

// judge compares what every shard has with what is noted, and with the others.
func (p *Plan) judge(st stored) {
	n := int64(p.Stripes)
	floors := map[string]int64{}
	raise := func(name string, v int64) {
		if old, ok := floors[name]; !ok || v > old {
			floors[name] = v
		}
	}
	for _, notes := range st.notes {
		for name, v := range notes {
			raise(name, v)
		}
	}
	for _, s := range p.Shards {
		if !s.counts() || s.Residue == nil {
			continue
		}
		r := int64(*s.Residue)
		for _, q := range s.Sequences {
			if !q.known {
				continue
			}
			q.off = q.Increment != n || !leaves(q.upcoming(), r, n) || !leaves(q.start, r, n)
			for _, c := range q.Columns {
				_, noted := st.notes[s.Name][c.String()]
				q.off = q.off || !noted
			}
			for _, c := range q.Columns {
				if q.off {
					raise(c.String(), q.reached())
				}
			}
		}
	}
	for _, s := range p.Shards {
		if !s.counts() || s.Residue == nil {
			continue
		}
		for _, q := range s.Sequences {
			q.judge(n, int64(*s.Residue), floors, st.notes[s.Name], st.above[s.Name], p.Chosen)
		}
	}
}
