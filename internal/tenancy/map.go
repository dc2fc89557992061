package tenancy

import (
	"slices"
	"sort"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/structure"
)

// Kind is how a table's rows belong to tenants.
type Kind string

// The kinds.
const (
	Root         Kind = "root"
	Tenant_      Kind = "tenant" //nolint:revive // Tenant is the type of a tenant
	Child        Kind = "child"
	Declared     Kind = "declared"
	OwnedByRef   Kind = "owned_by_reference"
	Reference    Kind = "reference"
	Control      Kind = "control"
	Excluded     Kind = "excluded"
	Unclassified Kind = "unclassified"
)

// Moves reports whether rows of the kind travel with their tenant.
func (k Kind) Moves() bool {
	return k == Tenant_ || k == Child || k == Declared || k == OwnedByRef
}

// Edge leads from a row to rows that own it.
type Edge struct {
	// From.FromColumns = To.ToColumns; To is the owner. For a backward edge
	// the row's own columns are FromColumns, and To's rows point at them.
	From, To    string
	FromColumns []string
	ToColumns   []string
	Backward    bool
	Soft        bool
	// TypeColumn of From has to be one of TypeValues.
	TypeColumn string
	TypeValues []string
	Constraint string
	// asText compares by text because the types differ.
	asText bool
}

// String shows the edge as people write it.
func (e Edge) String() string {
	text := e.From + "." + strings.Join(e.FromColumns, ",") + " → " + e.To + "." + strings.Join(e.ToColumns, ",")
	if e.Backward {
		text = e.From + " ← " + e.To + "." + strings.Join(e.ToColumns, ",")
	}
	if e.TypeColumn != "" {
		text += " (" + e.TypeColumn + ")"
	}
	return text
}

// TableClass is one table of a map.
type TableClass struct {
	Table *structure.Table
	Kind  Kind
	// Mixed tables hold rows of tenants beside rows of nobody.
	Mixed        bool
	TenantColumn string
	// Owners are the edges by which a row without a tenant column finds its
	// owners.
	Owners  []Edge
	Follows Follows
	// Cycle numbers the ownership cycle that the table is part of; 0: none.
	Cycle int
	// Ownerless says what rows without an owner are: "reference" or "".
	Ownerless string
	// Fresh is the column and age in hours below which ownerless rows travel.
	FreshColumn string
	FreshHours  int
}

// Name returns the table's name.
func (c *TableClass) Name() string { return c.Table.Name }

// nullable reports whether a tenant column leaves room for other owners.
func (c *TableClass) nullable() bool {
	col := c.Table.Column(c.TenantColumn)
	return col == nil || !col.NotNull
}

// Reference_ is an edge between two rows that is no ownership, but that has to
// stay inside one tenant.
type Reference_ = Edge //nolint:revive // the word Reference is a Kind

// Map says how every table's rows belong to tenants.
type Map struct {
	Profile *Profile
	Schema  *structure.Schema
	Root    *TableClass
	// Order holds every table, parents before children.
	Order []*TableClass
	// References are all edges between tables whose rows move, ownership or
	// not: what must not cross tenants.
	References []Edge
	// Unclassified counts tables that nobody has said anything about.
	Unclassified int

	byName map[string]*TableClass
	cycles map[int][]*TableClass
	// said are the edges that the profile declares.
	said []Edge
}

// Table returns the class of a table, or nil.
func (m *Map) Table(name string) *TableClass { return m.byName[name] }

// Moving lists the classes whose rows travel, parents first.
func (m *Map) Moving() []*TableClass {
	out := []*TableClass{}
	for _, c := range m.Order {
		if c.Kind.Moves() {
			out = append(out, c)
		}
	}
	return out
}

// Unproven lists the moving tables of which nobody has shown that the
// application follows the pointer.
func (m *Map) Unproven() []string { return m.withFollows(FollowsUnproven) }

// NotFollowing lists the moving tables that the application does not look up
// by the pointer.
func (m *Map) NotFollowing() []string { return m.withFollows(FollowsFalse) }

func (m *Map) withFollows(f Follows) []string {
	out := []string{}
	for _, c := range m.Moving() {
		if c.Follows == f {
			out = append(out, c.Name())
		}
	}
	return out
}

// BuildMap classifies every table of a schema. It fails when the profile names
// what is not there.
func BuildMap(s *structure.Schema, p *Profile) (*Map, error) { return buildMap(s, p, gatherFrom) }

// buildMap takes the size from which ownership is computed as a closure.
func buildMap(s *structure.Schema, p *Profile, gatherFrom int) (*Map, error) {
	root := s.Tables[p.Tenants.Table]
	if root == nil {
		return nil, fault.Newf(fault.ProfileInvalid, "choose the profile of this application, or make one: shard-admin profile init", "the schema has no tenants table %s", p.Tenants.Table)
	}
	if root.Column(p.Tenants.Key) == nil {
		return nil, fault.Newf(fault.ProfileInvalid, "mend tenants.key in the profile", "table %s has no column %s", root.Name, p.Tenants.Key)
	}
	m := &Map{Profile: p, Schema: s, byName: map[string]*TableClass{}, cycles: map[int][]*TableClass{}}
	for _, name := range s.Names {
		t := s.Tables[name]
		if t.Partition {
			continue // its rows are its parent's
		}
		rule := p.rule(name)
		c := &TableClass{Table: t, Kind: Unclassified, Follows: p.Follows, Ownerless: rule.Ownerless}
		if rule.Follows != "" {
			c.Follows = rule.Follows
		}
		m.byName[name] = c
		switch {
		case name == root.Name:
			c.Kind, m.Root, c.TenantColumn = Root, c, p.Tenants.Key
		case rule.Kind != "":
			c.Kind = rule.Kind
		case listed(p.Excluded, name):
			c.Kind = Excluded
		case listed(p.Control, name):
			c.Kind = Control
		case listed(p.Reference, name):
			c.Kind = Reference
		default:
			if err := m.tenantColumn(c, rule); err != nil {
				return nil, err
			}
		}
	}
	if err := m.declared(); err != nil {
		return nil, err
	}
	m.children()
	m.sureWays()
	m.findCycles()
	m.gather(gatherFrom)
	m.references()
	m.sortParentsFirst()
	for _, c := range m.Order {
		if c.Kind == Unclassified {
			m.Unclassified++
		}
		if c.TenantColumn != "" && c.Kind == Tenant_ {
			c.Mixed = c.nullable()
		}
		if c.Kind == OwnedByRef || c.Ownerless == "reference" {
			c.Mixed = true
		}
	}
	return m, nil
}

// tenantColumn finds the column that names the tenant: the rule's, one that
// the profile names, or a single foreign key to the root's key.
func (m *Map) tenantColumn(c *TableClass, rule TableRule) error {
	if rule.TenantColumn != "" {
		if c.Table.Column(rule.TenantColumn) == nil {
			return fault.Newf(fault.ProfileInvalid, "mend the [[table]] in the profile", "table %s has no column %s", c.Name(), rule.TenantColumn)
		}
		c.Kind, c.TenantColumn = Tenant_, rule.TenantColumn
		return nil
	}
	for _, name := range m.Profile.TenantColumns {
		if c.Table.Column(name) != nil {
			c.Kind, c.TenantColumn = Tenant_, name
			return nil
		}
	}
	to := []string{}
	for _, f := range c.Table.ForeignKeys {
		if f.RefTable == m.Profile.Tenants.Table && len(f.Columns) == 1 && f.RefColumns[0] == m.Profile.Tenants.Key {
			to = append(to, f.Columns[0])
		}
	}
	if len(to) == 1 {
		c.Kind, c.TenantColumn = Tenant_, to[0]
	}
	return nil
}

func sameFamily(a, b string) bool {
	family := func(t string) string {
		switch t {
		case "integer", "bigint", "smallint":
			return "int"
		case "text", "character varying":
			return "text"
		}
		if strings.HasPrefix(t, "character varying(") {
			return "text"
		}
		return t
	}
	return family(a) == family(b)
}

// neverEqual reports whether values of two types cannot be equal as text.
func neverEqual(a, b string) bool {
	whole := func(t string) bool { return t == "integer" || t == "bigint" || t == "smallint" }
	return (whole(a) && b == "uuid") || (a == "uuid" && whole(b))
}

// declared adds what only the profile knows. A table of the profile that the
// schema lacks is passed over: profiles outlive single tables.
func (m *Map) declared() error {
	for _, r := range m.Profile.Backward {
		c := m.byName[r.Table]
		if c == nil || c.Kind == Reference || c.Kind == Control || c.Kind == Excluded {
			continue
		}
		key := r.Key
		if key == "" {
			k := c.Table.Key()
			if len(k) != 1 {
				return fault.Newf(fault.ProfileInvalid, "name its key in the profile", "table %s is owned by reference and has no key of one column", r.Table)
			}
			key = k[0]
		}
		if c.Kind == Unclassified {
			c.Kind = OwnedByRef
		}
		c.FreshColumn, c.FreshHours = r.Created, r.FreshHours
		if c.FreshColumn != "" && c.FreshHours == 0 {
			c.FreshHours = 48
		}
		if r.Ownerless != "" {
			c.Ownerless = r.Ownerless
		}
		for _, from := range r.From {
			i := strings.LastIndex(from, ".")
			owner, column := m.byName[from[:i]], from[i+1:]
			if owner == nil {
				continue
			}
			if err := has(owner.Table, column); err != nil {
				return err
			}
			if err := has(c.Table, key); err != nil {
				return err
			}
			e := Edge{From: c.Name(), FromColumns: []string{key}, To: owner.Name(), ToColumns: []string{column}, Backward: true, Soft: true}
			m.add(c, e)
		}
	}
	for _, r := range m.Profile.Soft {
		c, to := m.byName[r.Table], m.byName[r.To]
		if c == nil || to == nil {
			continue
		}
		key := r.Key
		if key == "" {
			k := to.Table.Key()
			if len(k) != 1 {
				return fault.Newf(fault.ProfileInvalid, "name its key in the profile", "%s.%s refers to %s, which has no key of one column", r.Table, r.Column, r.To)
			}
			key = k[0]
		}
		for t, col := range map[*structure.Table]string{c.Table: r.Column, to.Table: key} {
			if err := has(t, col); err != nil {
				return err
			}
		}
		m.add(c, Edge{From: c.Name(), FromColumns: []string{r.Column}, To: to.Name(), ToColumns: []string{key}, Soft: true})
	}
	for _, r := range m.Profile.Polymorphic {
		c := m.byName[r.Table]
		if c == nil {
			continue
		}
		if err := has(c.Table, r.Type); err != nil {
			return err
		}
		if err := has(c.Table, r.ID); err != nil {
			return err
		}
		byTable := map[string][]string{}
		for value, table := range r.Types {
			byTable[table] = append(byTable[table], value)
			for _, prefix := range r.Prefix {
				if i := strings.Index(value, "::"); i > 0 && !strings.HasPrefix(value, "ActiveStorage") {
					byTable[table] = append(byTable[table], prefix+value[i:])
				}
			}
		}
		tables := make([]string, 0, len(byTable))
		for t := range byTable {
			tables = append(tables, t)
		}
		sort.Strings(tables)
		for _, name := range tables {
			to := m.byName[name]
			if to == nil {
				continue
			}
			key := to.Table.Key()
			if len(key) != 1 {
				return fault.Newf(fault.ProfileInvalid, "leave it out of the polymorphic types", "%s.%s refers to %s, which has no key of one column", r.Table, r.ID, name)
			}
			values := byTable[name]
			sort.Strings(values)
			m.add(c, Edge{
				From: c.Name(), FromColumns: []string{r.ID}, To: to.Name(), ToColumns: key, Soft: true, TypeColumn: r.Type, TypeValues: values,
			})
		}
	}
	return nil
}

func has(t *structure.Table, column string) error {
	if t.Column(column) == nil {
		return fault.Newf(fault.ProfileInvalid, "mend the profile", "table %s has no column %s", t.Name, column)
	}
	return nil
}

// add files an edge of ownership unless it can never match.
func (m *Map) add(c *TableClass, e Edge) {
	a, b := c.Table.Column(e.FromColumns[0]), m.byName[e.To].Table.Column(e.ToColumns[0])
	if neverEqual(a.Type, b.Type) {
		return
	}
	e.asText = len(e.FromColumns) == 1 && !sameFamily(a.Type, b.Type)
	c.Owners = append(c.Owners, e)
	m.said = append(m.said, e)
}

// children adds foreign keys as edges of ownership until no table gains one.
func (m *Map) children() {
	backward := map[string]bool{} // "table.column" that owns backwards
	for _, r := range m.Profile.Backward {
		for _, f := range r.From {
			backward[f] = true
		}
	}
	owned := func(c *TableClass) bool { return c.Kind == Root || c.Kind.Moves() }
	// A declared table is owned when what it refers to is.
	for changed := true; changed; {
		changed = false
		for _, name := range m.Schema.Names {
			c := m.byName[name]
			if c == nil || c.Kind != Unclassified {
				continue
			}
			for _, f := range c.Table.ForeignKeys {
				to := m.byName[f.RefTable]
				if to == nil || !owned(to) || backward[c.Name()+"."+f.Columns[0]] {
					continue
				}
				if f.RefTable != c.Name() {
					c.Kind, changed = Child, true
				}
			}
			if c.Kind == Unclassified {
				for _, e := range c.Owners {
					if to := m.byName[e.To]; to != nil && owned(to) {
						c.Kind, changed = Declared, true
						break
					}
				}
			}
		}
		// A cycle of declared and backward tables hangs together by nothing
		// that was classified yet.
		if !changed {
			for _, name := range m.Schema.Names {
				c := m.byName[name]
				if c == nil || c.Kind != Unclassified {
					continue
				}
				for _, e := range c.Owners {
					if to := m.byName[e.To]; to != nil && owned(to) {
						c.Kind, changed = Declared, true
					}
				}
			}
		}
	}
	for _, name := range m.Schema.Names {
		c := m.byName[name]
		if c == nil || !c.Kind.Moves() {
			continue
		}
		if c.TenantColumn != "" && !c.nullable() {
			c.Owners = nil // the column decides alone
			continue
		}
		for _, f := range c.Table.ForeignKeys {
			to := m.byName[f.RefTable]
			if to == nil || !owned(to) || backward[c.Name()+"."+f.Columns[0]] {
				continue
			}
			if c.TenantColumn != "" && len(f.Columns) == 1 && f.Columns[0] == c.TenantColumn {
				continue // that is the tenant column
			}
			c.Owners = append(c.Owners, Edge{From: c.Name(), FromColumns: f.Columns, To: to.Name(), ToColumns: f.RefColumns, Constraint: f.Name})
		}
		c.Owners = slices.DeleteFunc(c.Owners, func(e Edge) bool { return !owned(m.byName[e.To]) })
	}
}

// findCycles numbers the strongly connected parts of the ownership graph
// (Tarjan); a table alone counts when it refers to itself.
func (m *Map) findCycles() {
	index, low := map[string]int{}, map[string]int{}
	onStack := map[string]bool{}
	var stack []string
	next, number := 1, 0
	var visit func(string)
	visit = func(v string) {
		index[v], low[v] = next, next
		next++
		stack = append(stack, v)
		onStack[v] = true
		self := false
		for _, e := range m.byName[v].Owners {
			if e.To == v {
				self = true
			}
			if index[e.To] == 0 {
				visit(e.To)
				low[v] = min(low[v], low[e.To])
			} else if onStack[e.To] {
				low[v] = min(low[v], index[e.To])
			}
		}
		if low[v] != index[v] {
			return
		}
		var part []string
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			onStack[w] = false
			part = append(part, w)
			if w == v {
				break
			}
		}
		if len(part) > 1 || self {
			number++
			sort.Strings(part)
			for _, w := range part {
				m.byName[w].Cycle = number
				m.cycles[number] = append(m.cycles[number], m.byName[w])
			}
		}
	}
	for _, name := range m.Schema.Names {
		if c := m.byName[name]; c != nil && (c.Kind.Moves() || c.Kind == Root) && index[name] == 0 {
			visit(name)
		}
	}
}

// decided reports whether a table's rows say themselves whose they are.
func (c *TableClass) decided() bool {
	return c.Kind == Root || (c.TenantColumn != "" && !c.nullable())
}

// sureWays keeps one way to the owner where a row always has one: a foreign key
// whose columns are never null, towards a table that has one as well. Further
// keys of the row are references then, which must stay inside the tenant.
// Without this a schema with many keys would multiply its ways.
func (m *Map) sureWays() {
	depth := map[string]int{}
	for name, c := range m.byName {
		if c.decided() {
			depth[name] = 0
		}
	}
	sure := func(c *TableClass, e Edge) bool {
		if e.Constraint == "" {
			return false
		}
		for _, col := range e.FromColumns {
			if !c.Table.Column(col).NotNull {
				return false
			}
		}
		for _, f := range c.Table.ForeignKeys {
			if f.Name == e.Constraint {
				return f.Validated
			}
		}
		return false
	}
	best := map[string]Edge{}
	for changed := true; changed; {
		changed = false
		for _, name := range m.Schema.Names {
			c := m.byName[name]
			if c == nil || !c.Kind.Moves() || c.decided() {
				continue
			}
			for _, e := range c.Owners {
				d, ok := depth[e.To]
				if now, has := depth[name]; ok && sure(c, e) && (!has || d+1 < now) {
					depth[name], best[name], changed = d+1, e, true
				}
			}
		}
	}
	for name, e := range best {
		m.byName[name].Owners = []Edge{e}
	}
}

// gatherFrom is the number of nested conditions from which a table's ownership
// is computed as a closure instead.
const gatherFrom = 60

// gather puts tables with very many ways to their owners into one closure with
// everything on the way, as a cycle is: its size is the number of edges and
// not of ways.
func (m *Map) gather(from int) {
	for {
		size := map[string]int{}
		var measure func(c *TableClass) int
		measure = func(c *TableClass) int {
			if c.decided() || len(c.Owners) == 0 {
				return 1
			}
			if n, ok := size[c.Name()]; ok {
				return n
			}
			part := []*TableClass{c}
			if c.Cycle > 0 {
				part = m.cycles[c.Cycle]
			}
			n := 1
			for _, p := range part {
				for _, e := range p.Owners {
					if to := m.byName[e.To]; c.Cycle > 0 && to.Cycle == c.Cycle {
						n++
					} else {
						n += measure(to)
					}
				}
				if n > 1<<20 {
					break
				}
			}
			for _, p := range part {
				size[p.Name()] = n
			}
			return n
		}
		var large *TableClass
		for _, name := range m.Schema.Names {
			c := m.byName[name]
			if c == nil || !c.Kind.Moves() || c.decided() {
				continue
			}
			whole := c.Cycle > 0
			for _, e := range c.Owners {
				to := m.byName[e.To]
				whole = whole && (to.Cycle == c.Cycle || to.decided())
			}
			if measure(c) > from && !whole {
				large = c
				break
			}
		}
		if large == nil {
			return
		}
		in := map[string]bool{}
		var reach func(c *TableClass)
		reach = func(c *TableClass) {
			if in[c.Name()] || c.decided() {
				return
			}
			in[c.Name()] = true
			for _, e := range c.Owners {
				reach(m.byName[e.To])
			}
			if c.Cycle > 0 {
				for _, p := range m.cycles[c.Cycle] {
					reach(p)
				}
			}
		}
		reach(large)
		number := 1
		for n := range m.cycles {
			number = max(number, n+1)
		}
		names := make([]string, 0, len(in))
		for name := range in {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			c := m.byName[name]
			delete(m.cycles, c.Cycle)
			c.Cycle = number
		}
		for _, name := range names {
			m.cycles[number] = append(m.cycles[number], m.byName[name])
		}
	}
}

// references collects every edge between two rows that both belong to
// tenants, ownership or not.
func (m *Map) references() {
	seen := map[string]bool{}
	file := func(e Edge) {
		if e.Backward { // seen from the row that points
			e = Edge{From: e.To, FromColumns: e.ToColumns, To: e.From, ToColumns: e.FromColumns, Soft: true, asText: e.asText}
		}
		from, to := m.byName[e.From], m.byName[e.To]
		if from == nil || to == nil || !from.Kind.Moves() || !to.Kind.Moves() {
			return
		}
		key := e.From + "\x00" + strings.Join(e.FromColumns, ",") + "\x00" + e.To + "\x00" + strings.Join(e.ToColumns, ",") + "\x00" + e.TypeColumn + "\x00" + strings.Join(e.TypeValues, ",")
		if !seen[key] {
			seen[key] = true
			m.References = append(m.References, e)
		}
	}
	for _, name := range m.Schema.Names {
		c := m.byName[name]
		if c == nil {
			continue
		}
		for _, f := range c.Table.ForeignKeys {
			if m.byName[f.RefTable] != nil {
				file(Edge{From: name, FromColumns: f.Columns, To: f.RefTable, ToColumns: f.RefColumns, Constraint: f.Name})
			}
		}
		for _, e := range c.Owners {
			file(e)
		}
	}
	// Declared references of tables whose tenant column decides alone are not
	// ownership, and must stay inside the tenant all the same.
	for _, e := range m.said {
		file(e)
	}
}

// sortParentsFirst orders tables by their foreign keys and owners, ties by name.
func (m *Map) sortParentsFirst() {
	all := []*TableClass{m.Root}
	for _, name := range m.Schema.Names {
		if c := m.byName[name]; c != nil && c != m.Root {
			all = append(all, c)
		}
	}
	for _, group := range m.Groups(all) {
		m.Order = append(m.Order, group...)
	}
}
