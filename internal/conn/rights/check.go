package rights

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
)

var (
	//go:embed facts.sql
	factsSQL string
	//go:embed tables.sql
	tablesSQL string
	//go:embed privileges.sql
	privilegesSQL string
	//go:embed defaults.sql
	defaultsSQL string
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Check returns what the connected role lacks in a database, in the order in
// which it is best granted. It reads the catalogue and changes nothing.
func Check(ctx context.Context, db *conn.Database, need Need) ([]Missing, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	c := &check{q: pool, need: need, db: db, wanted: map[demand]want{}}
	if err := c.run(ctx); err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	return c.missing, nil
}

// Script joins statements to what a DBA may run in one database.
func Script(missing []Missing) string {
	var b strings.Builder
	for _, m := range missing {
		b.WriteString(m.Grant)
		b.WriteString(";\n")
	}
	return b.String()
}

// demand is one privilege on one relation, or on one column of it.
type demand struct {
	table  Table
	column string
	right  string
}

type want struct {
	capability Capability
	order      int
}

type check struct {
	q    querier
	need Need
	db   *conn.Database

	role, database string
	superuser      bool
	inherits       bool
	major          int
	monitor        bool
	signals        bool
	installed      bool // our schema is there
	schemaMember   bool // and the role may act as its owner
	schemaOwner    string
	moveSchema     bool
	relations      map[Table]relation
	roles          []string // the connected one, and those about to be granted
	wanted         map[demand]want
	missing        []Missing
}

type relation struct {
	oid                      int64
	owner                    string
	superuser, usable, named bool
}

func (c *check) run(ctx context.Context) error {
	if err := c.q.QueryRow(ctx, factsSQL, c.need.Schema).Scan(&c.role, &c.superuser, &c.inherits, &c.major, &c.database, &c.monitor, &c.signals,
		&c.installed, &c.schemaMember, &c.schemaOwner, &c.moveSchema); err != nil {
		return err
	}
	if c.superuser {
		return nil
	}
	c.roles = []string{c.role}
	if err := c.find(ctx); err != nil {
		return err
	}
	c.owners()
	if err := c.defaults(ctx); err != nil {
		return err
	}
	if c.need.has(Look, Assign, Move, Stripe, Signal) && !c.monitor {
		c.add(Look, "membership of pg_monitor", c.membership("pg_monitor", false))
	}
	if c.need.has(Signal) && c.db.HoldsShard() && !c.signals {
		c.add(Signal, "membership of pg_signal_backend", c.membership("pg_signal_backend", false))
	}
	if err := c.create(ctx); err != nil {
		return err
	}
	if err := c.demands(ctx); err != nil {
		return err
	}
	return c.privileges(ctx)
}

func (c *check) add(capability Capability, right, grant string) {
	c.missing = append(c.missing, Missing{Database: c.db.Name(), Capability: capability, Right: right, Grant: grant})
}

func (c *check) me() string { return pgx.Identifier{c.role}.Sanitize() }

// membership is the statement after which the role may act as another.
// granted tells that it is a member already, without inheriting.
func (c *check) membership(of string, granted bool) string {
	grant := "GRANT " + pgx.Identifier{of}.Sanitize() + " TO " + c.me()
	switch {
	case c.major >= 16 && (granted || !c.inherits):
		return grant + " WITH INHERIT TRUE"
	case c.major < 16 && granted:
		return "ALTER ROLE " + c.me() + " INHERIT"
	}
	return grant
}

// find resolves every table that is named.
func (c *check) find(ctx context.Context) error {
	all := slices.Concat(c.need.Read, c.need.Owned, c.need.Views, []Table{c.need.Root, c.need.AppAudit})
	if c.installed && c.control() {
		rows, err := c.q.Query(ctx, `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1`, c.need.Schema)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, n := range names {
			all = append(all, Table{c.need.Schema, n})
		}
	}
	schemas, names := []string{}, []string{}
	for _, t := range all {
		schemas, names = append(schemas, t.Schema), append(names, t.Name)
	}
	rows, err := c.q.Query(ctx, tablesSQL, schemas, names)
	if err != nil {
		return err
	}
	c.relations = map[Table]relation{}
	var ord int
	var r relation
	_, err = pgx.ForEachRow(rows, []any{&ord, &r.oid, &r.owner, &r.superuser, &r.usable, &r.named}, func() error {
		c.relations[all[ord-1]] = r
		return nil
	})
	return err
}

func (c *check) control() bool { return c.db.InControl() }

// owners asks for membership of the roles that own what has to be owned.
func (c *check) owners() {
	type group struct {
		capability Capability
		relation
		tables []Table
	}
	groups := map[string]*group{}
	note := func(capability Capability, tables []Table) {
		for _, t := range tables {
			r, ok := c.relations[t]
			if !ok || r.usable {
				continue
			}
			g := groups[r.owner]
			if g == nil {
				g = &group{capability: capability, relation: r}
				groups[r.owner] = g
			}
			if !slices.Contains(g.tables, t) {
				g.tables = append(g.tables, t)
			}
		}
	}
	if c.db.HoldsShard() {
		for _, capability := range []Capability{Assign, Move, Stripe} {
			if c.need.has(capability) {
				note(capability, c.need.Owned)
				break
			}
		}
		if c.need.has(Move) {
			note(Move, c.need.Views)
		}
	}
	names := []string{}
	for n := range groups {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		g := groups[n]
		if g.superuser {
			// Membership of a superuser would be a superuser's rights.
			for _, t := range g.tables {
				c.add(g.capability, "ownership of "+title(t)+", which belongs to the superuser "+n, "ALTER TABLE "+quote(t)+" OWNER TO "+c.me())
			}
			continue
		}
		c.add(g.capability, fmt.Sprintf("membership of %s, which owns %s", n, list(g.tables)), c.membership(n, g.named))
		c.roles = append(c.roles, n)
	}
}

// defaults asks for membership of the roles that own a sequence which fills an
// owned table by a default alone: one that belongs to a column belongs to the
// owner of the table.
func (c *check) defaults(ctx context.Context) error {
	if !c.need.has(Stripe) || !c.db.HoldsShard() {
		return nil
	}
	oids := []int64{}
	for _, t := range c.need.Owned {
		if r, ok := c.relations[t]; ok {
			oids = append(oids, r.oid)
		}
	}
	rows, err := c.q.Query(ctx, defaultsSQL, oids, c.roles)
	if err != nil {
		return err
	}
	var t Table
	var owner string
	var superuser, named bool
	_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name, &owner, &superuser, &named}, func() error {
		if superuser {
			c.add(Stripe, "ownership of the sequence "+title(t)+", which belongs to the superuser "+owner, "ALTER SEQUENCE "+quote(t)+" OWNER TO "+c.me())
			return nil
		}
		if !slices.Contains(c.roles, owner) {
			c.add(Stripe, fmt.Sprintf("membership of %s, which owns the sequence %s", owner, title(t)), c.membership(owner, named))
			c.roles = append(c.roles, owner)
		}
		return nil
	})
	return err
}

// create asks for CREATE on the database, for a schema of ours.
func (c *check) create(ctx context.Context) error {
	install := c.need.has(Install) && c.control()
	if install && c.installed {
		// What a superuser made by hand is upgraded by hand: membership would be
		// a superuser's rights.
		var super bool
		if err := c.q.QueryRow(ctx, `SELECT coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = $1), false)`, c.schemaOwner).Scan(&super); err != nil {
			return err
		}
		if !c.schemaMember && !super {
			c.add(Install, "ownership of the schema "+c.need.Schema, c.membership(c.schemaOwner, false))
		}
		install = false
	}
	guards := c.need.has(Assign, Move) && c.db.HoldsShard()
	if guards && c.moveSchema {
		var ok bool
		if err := c.q.QueryRow(ctx, `SELECT bool_or(has_schema_privilege(r, 'shard_admin_move', 'CREATE')) AND bool_or(has_schema_privilege(r, 'shard_admin_move', 'USAGE')) FROM unnest($1::text[]) r`, c.roles).Scan(&ok); err != nil {
			return err
		}
		if !ok {
			c.add(c.guarding(), "CREATE in the schema shard_admin_move", "GRANT USAGE, CREATE ON SCHEMA shard_admin_move TO "+c.me())
		}
		guards = false
	}
	if !install && !guards {
		return nil
	}
	var ok bool
	if err := c.q.QueryRow(ctx, `SELECT bool_or(has_database_privilege(r, current_database(), 'CREATE')) FROM unnest($1::text[]) r`, c.roles).Scan(&ok); err != nil {
		return err
	}
	if !ok {
		capability := Install
		if !install {
			capability = c.guarding()
		}
		c.add(capability, "CREATE on the database", "GRANT CREATE ON DATABASE "+pgx.Identifier{c.database}.Sanitize()+" TO "+c.me())
	}
	return nil
}

func (c *check) guarding() Capability {
	if c.need.has(Assign) {
		return Assign
	}
	return Move
}

// want notes a privilege; the first capability that asks for it names it.
func (c *check) want(capability Capability, t Table, column string, privileges ...string) {
	if _, ok := c.relations[t]; !ok {
		return
	}
	for _, p := range privileges {
		d := demand{t, column, p}
		if _, ok := c.wanted[d]; !ok {
			c.wanted[d] = want{capability, len(c.wanted)}
		}
	}
}

// demands collects every privilege on a table that the capabilities need.
func (c *check) demands(ctx context.Context) error {
	looks := c.need.has(Look, Assign, Move, Stripe, Signal)
	if looks {
		for _, t := range slices.Concat(c.need.Read, c.need.Owned, c.need.Views, []Table{c.need.Root, c.need.AppAudit}) {
			c.want(Look, t, "", "SELECT")
		}
	}
	if c.control() && c.installed {
		own := []string{}
		for t := range c.relations {
			if t.Schema == c.need.Schema {
				own = append(own, t.Name)
			}
		}
		sort.Strings(own)
		if looks {
			for _, t := range own {
				c.want(Look, Table{c.need.Schema, t}, "", "SELECT")
			}
		}
		for _, w := range writes() {
			at := slices.IndexFunc(w.capabilities, func(x Capability) bool { return c.need.has(x) })
			if at < 0 {
				continue
			}
			capability := w.capabilities[at]
			if w.table == "placement" && len(c.need.Pointer) > 0 {
				continue // the pointer is a column of the application's
			}
			columns := w.columns
			if columns == nil {
				columns = []string{""}
			}
			for _, col := range columns {
				c.want(capability, Table{c.need.Schema, w.table}, col, w.privileges...)
			}
		}
	}
	if c.need.has(Assign, Move) {
		if c.control() {
			for _, col := range c.need.Pointer {
				c.want(c.guarding(), c.need.Root, col, "UPDATE")
			}
			c.want(c.guarding(), c.need.AppAudit, "", "INSERT", "UPDATE")
		} else {
			c.want(c.guarding(), c.need.Root, "", "INSERT", "UPDATE")
			if c.need.has(Move) {
				c.want(Move, c.need.Root, "", "DELETE")
			}
		}
	}
	return c.schemas(ctx)
}

// schemas asks for USAGE on the schema of every table that is wanted.
func (c *check) schemas(ctx context.Context) error {
	by := map[string]want{}
	for d, w := range c.wanted {
		if old, ok := by[d.table.Schema]; !ok || w.order < old.order {
			by[d.table.Schema] = w
		}
	}
	names := []string{}
	for n := range by {
		names = append(names, n)
	}
	sort.Slice(names, func(a, b int) bool { return by[names[a]].order < by[names[b]].order })
	rows, err := c.q.Query(ctx, `SELECT n FROM unnest($1::text[]) WITH ORDINALITY AS s (n, ord) WHERE NOT EXISTS (SELECT FROM unnest($2::text[]) r WHERE has_schema_privilege(r, n, 'USAGE')) ORDER BY ord`, names, c.roles)
	if err != nil {
		return err
	}
	closed, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, n := range closed {
		c.add(by[n].capability, "USAGE on the schema "+n, "GRANT USAGE ON SCHEMA "+pgx.Identifier{n}.Sanitize()+" TO "+c.me())
	}
	return nil
}

// privileges asks the server which of the wanted privileges are missing and
// prints them together: one statement per capability, schema and set of
// privileges.
func (c *check) privileges(ctx context.Context) error {
	all := make([]demand, 0, len(c.wanted))
	for d := range c.wanted {
		all = append(all, d)
	}
	sort.Slice(all, func(a, b int) bool { return c.wanted[all[a]].order < c.wanted[all[b]].order })
	oids, columns, rights := []int64{}, []string{}, []string{}
	for _, d := range all {
		oids, columns, rights = append(oids, c.relations[d.table].oid), append(columns, d.column), append(rights, d.right)
	}
	rows, err := c.q.Query(ctx, privilegesSQL, oids, columns, rights, c.roles)
	if err != nil {
		return err
	}
	type key struct {
		capability Capability
		table      Table
	}
	lacking := map[key]map[string][]string{} // right → columns
	order := []key{}
	var ord int
	var right string
	if _, err := pgx.ForEachRow(rows, []any{&ord, &right}, func() error {
		d := all[ord-1]
		k := key{c.wanted[d].capability, d.table}
		if lacking[k] == nil {
			lacking[k] = map[string][]string{}
			order = append(order, k)
		}
		lacking[k][right] = append(lacking[k][right], d.column)
		return nil
	}); err != nil {
		return err
	}
	type statement struct {
		capability Capability
		schema     string
		privileges string
	}
	tables := map[statement][]Table{}
	statements := []statement{}
	for _, k := range order {
		s := statement{k.capability, k.table.Schema, privilegeList(lacking[k])}
		if tables[s] == nil {
			statements = append(statements, s)
		}
		tables[s] = append(tables[s], k.table)
	}
	for _, s := range statements {
		quoted := []string{}
		for _, t := range tables[s] {
			quoted = append(quoted, quote(t))
		}
		c.add(s.capability, s.privileges+" on "+list(tables[s]), "GRANT "+s.privileges+" ON "+strings.Join(quoted, ", ")+" TO "+c.me())
	}
	return c.sequences(ctx)
}

// sequences asks for USAGE on the sequence that numbers the application's
// audit rows, where it is one of the old kind; an identity needs no grant.
func (c *check) sequences(ctx context.Context) error {
	r, ok := c.relations[c.need.AppAudit]
	if !ok || !c.control() || !c.need.has(Assign, Move) {
		return nil
	}
	rows, err := c.q.Query(ctx, `SELECT n.nspname::text, s.relname::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
		WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::bigint::oid AND d.deptype = 'a'
		AND NOT EXISTS (SELECT FROM unnest($2::text[]) r WHERE has_sequence_privilege(r, s.oid, 'USAGE'))`, r.oid, c.roles)
	if err != nil {
		return err
	}
	var t Table
	_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name}, func() error {
		c.add(c.guarding(), "USAGE on the sequence "+title(t), "GRANT USAGE ON SEQUENCE "+quote(t)+" TO "+c.me())
		return nil
	})
	return err
}

// privilegeList is what stands between GRANT and ON.
func privilegeList(by map[string][]string) string {
	out := []string{}
	for _, p := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
		columns, ok := by[p]
		if !ok {
			continue
		}
		if columns[0] == "" {
			out = append(out, p)
			continue
		}
		quoted := []string{}
		for _, col := range columns {
			quoted = append(quoted, pgx.Identifier{col}.Sanitize())
		}
		out = append(out, p+" ("+strings.Join(quoted, ", ")+")")
	}
	return strings.Join(out, ", ")
}

func quote(t Table) string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

func title(t Table) string {
	if t.Schema == "public" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// list names a few tables and counts the rest.
func list(tables []Table) string {
	const few = 4
	names := []string{}
	for i, t := range tables {
		if i == few && len(tables) > few+1 {
			return fmt.Sprintf("%s and %d more tables", strings.Join(names, ", "), len(tables)-few)
		}
		names = append(names, title(t))
	}
	return strings.Join(names, ", ")
}
