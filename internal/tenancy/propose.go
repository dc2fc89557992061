package tenancy

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/structure"
)

// Propose makes a profile for a schema that nobody has described: from its
// keys, and where those are silent from names and types. tenantsTable may be
// empty; then the table whose key most others carry is taken. The notes say
// what was guessed and, with "decide: " in front, which tables a person has to
// classify; of those BuildMap says that they are unclassified, and no move
// starts.
func Propose(s *structure.Schema, tenantsTable string) (*Profile, []string, error) {
	p := newProposal(s)
	if err := p.chooseRoot(tenantsTable); err != nil {
		return nil, nil, err
	}
	p.describeRoot()
	p.setAside()
	p.nameTenantColumns()
	p.pairs()
	p.softReferences()
	if err := p.classifyRest(); err != nil {
		return nil, nil, err
	}
	if err := p.profile.check("the proposal"); err != nil {
		return nil, nil, err
	}
	m, err := BuildMap(s, p.profile)
	if err != nil {
		return nil, nil, err
	}
	p.prune(m)
	p.forAPerson(m)
	return p.profile, p.notes, nil
}

// Words by which tables and columns are judged. They are habits of many
// applications, and no more than a guess.
var (
	tenantWords = []string{
		"tenant", "account", "organization", "organisation", "org", "website", "site", "workspace", "company", "team", "shop", "store",
		"customer", "client", "school", "practice", "clinic", "agency", "merchant", "business", "community", "instance",
	}
	personWords    = []string{"user", "person", "member", "employee", "admin", "admin_user", "contact", "author", "profile"}
	referenceWords = []string{
		"country", "state", "region", "currency", "language", "locale", "time_zone", "timezone", "plan", "permission", "role", "translation", "unit",
		"exchange_rate", "tax_rate", "holiday", "industry", "feature_flag", "theme", "template", "category",
	}
	referenceEndings = []string{"_type", "_kind", "_status", "_category", "_code", "_level", "_plan"}
	backwardWords    = []string{"blob", "file", "upload", "image", "picture", "photo", "document", "asset", "address", "location", "attachment", "medium"}
	excludedNames    = []string{
		"schema_migrations", "ar_internal_metadata", "flyway_schema_history", "goose_db_version", "knex_migrations", "knex_migrations_lock",
		"django_migrations", "alembic_version", "_prisma_migrations", "databasechangelog", "databasechangeloglock", "spatial_ref_sys",
		"doctrine_migration_versions", "__efmigrations_history", "__efmigrationshistory", "sequelize_meta", "migrations", "schema_version", "phinxlog",
	}
	controlPatterns = []string{
		"solid_queue_*", "solid_cache_*", "solid_cable_*", "good_job*", "que_*", "delayed_jobs", "river_*", "oban_*", "graphile_worker*", "pgboss*",
		"celery_*", "active_job_*", "shard_*audit*",
	}
)

type proposal struct {
	schema  *structure.Schema
	profile *Profile
	notes   []string
	root    *structure.Table
	// stems lead from a table's bare name, and from the same without the
	// application's prefix, to tables.
	stems  map[string][]string
	prefix string
	// taken are "table.column" that have a meaning already.
	taken map[string]bool
	// paired are tables with a polymorphic pair.
	paired map[string]bool
}

func newProposal(s *structure.Schema) *proposal {
	p := &proposal{
		schema: s, stems: map[string][]string{}, taken: map[string]bool{}, paired: map[string]bool{},
		profile: &Profile{Name: "proposed", Description: "proposed from the schema; read it before it is used", RoutingTTLText: "60s", RoutingTTL: time.Minute, Follows: FollowsUnproven},
	}
	p.prefix = commonPrefix(s)
	for _, name := range s.Names {
		t := s.Tables[name]
		if t.Partition {
			continue
		}
		full := snake(t.Rel)
		p.stems[full] = append(p.stems[full], name)
		if short := strings.TrimPrefix(full, p.prefix); short != full && short != "" {
			p.stems[short] = append(p.stems[short], name)
		}
	}
	return p
}

// commonPrefix is the first word that more than half of the tables share.
func commonPrefix(s *structure.Schema) string {
	count, total := map[string]int{}, 0
	for _, name := range s.Names {
		if s.Tables[name].Partition {
			continue
		}
		total++
		if w, _, ok := strings.Cut(snake(s.Tables[name].Rel), "_"); ok && w != "" {
			count[w+"_"]++
		}
	}
	for w, n := range count {
		if 2*n > total {
			return w
		}
	}
	return ""
}

func (p *proposal) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// thing is what one row of a table is called.
func (p *proposal) thing(t *structure.Table) string {
	return singular(strings.TrimPrefix(snake(t.Rel), p.prefix))
}

// keyColumn is the one column by which others point at a table: the key, or
// of a composite key the column that is pointed at most, or its id.
func (p *proposal) keyColumn(t *structure.Table) *structure.Column {
	if k := t.Key(); len(k) == 1 {
		return t.Column(k[0])
	}
	count := map[string]int{}
	for _, name := range p.schema.Names {
		for _, f := range p.schema.Tables[name].ForeignKeys {
			if f.RefTable == t.Name && len(f.RefColumns) == 1 {
				count[f.RefColumns[0]]++
			}
		}
	}
	best := ""
	for c, n := range count {
		if n > count[best] || (n == count[best] && c < best) {
			best = c
		}
	}
	if best == "" && slices.Contains(t.Key(), "id") {
		best = "id"
	}
	return t.Column(best)
}

func canBeKey(c *structure.Column) bool {
	return c != nil && slices.Contains([]string{"integer", "bigint", "uuid"}, c.Type)
}

// singleKey returns the foreign key that a column alone makes.
func singleKey(t *structure.Table, column string) *structure.ForeignKey {
	for i := range t.ForeignKeys {
		if f := &t.ForeignKeys[i]; len(f.Columns) == 1 && f.Columns[0] == column {
			return f
		}
	}
	return nil
}

// candidate is a table that may be the one of tenants.
type candidate struct {
	table  *structure.Table
	direct int
	score  float64
}

func (p *proposal) chooseRoot(named string) error {
	if named != "" {
		t := p.schema.Tables[strings.TrimPrefix(named, "public.")]
		if t == nil || t.Partition {
			return fault.Newf(fault.ProfileInvalid, "name a table of the schema with --tenants TABLE", "the schema has no table %s", named)
		}
		if p.keyColumn(t) == nil {
			return fault.Newf(fault.ProfileInvalid, "name another table with --tenants TABLE, or give this one a primary key", "table %s has no key of one column", named)
		}
		p.root = t
		return nil
	}
	list := p.candidates()
	if len(list) == 0 || list[0].direct == 0 {
		return fault.New(fault.ProfileInvalid, "no table looks like the one of tenants: none is pointed at by others", "name it with --tenants TABLE")
	}
	p.root = list[0].table
	p.note("%s is taken for the tenants table: %d tables carry its key", p.root.Name, list[0].direct)
	if len(list) > 1 && list[1].score > list[0].score/2 {
		p.note("%s could be the tenants table as well: %d tables carry its key; choose with --tenants %s", list[1].table.Name, list[1].direct, list[1].table.Name)
	}
	return nil
}

func (p *proposal) candidates() []candidate {
	carriers := map[string]map[string]bool{} // table → tables that carry its key
	carry := func(to, from string) {
		if carriers[to] == nil {
			carriers[to] = map[string]bool{}
		}
		if to != from {
			carriers[to][from] = true
		}
	}
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		if t.Partition {
			continue
		}
		for _, f := range t.ForeignKeys {
			if len(f.Columns) == 1 && p.schema.Tables[f.RefTable] != nil {
				carry(f.RefTable, name)
			}
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			base, ok := reference(c.Name)
			if !ok || singleKey(t, c.Name) != nil {
				continue
			}
			for _, to := range p.named(base) {
				if k := p.keyColumn(p.schema.Tables[to]); k != nil && sameFamily(k.Type, c.Type) {
					carry(to, name)
				}
			}
		}
	}
	list := []candidate{}
	for name, from := range carriers {
		t := p.schema.Tables[name]
		if t.Partition || !canBeKey(p.keyColumn(t)) {
			continue
		}
		weight := 1.0
		switch noun := p.thing(t); {
		case slices.Contains(tenantWords, noun):
			weight = 4
		case slices.Contains(personWords, noun):
			weight = 0.5
		case slices.Contains(referenceWords, noun):
			weight = 0.25
		}
		list = append(list, candidate{t, len(from), float64(len(from)) * weight})
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.table.Name, b.table.Name))
	})
	return list
}

// reference splits account_id into account; false for other names.
func reference(column string) (base string, ok bool) {
	name := snake(column)
	for _, ending := range []string{"_id", "_uuid"} {
		if base, ok := strings.CutSuffix(name, ending); ok && base != "" {
			return base, true
		}
	}
	return "", false
}

// named lists the tables that a thing's name may mean.
func (p *proposal) named(noun string) []string {
	for _, plural := range plurals(noun) {
		if t := p.stems[plural]; len(t) > 0 {
			return t
		}
	}
	return nil
}

// describeRoot picks the columns by which people know a tenant.
func (p *proposal) describeRoot() {
	t := p.root
	key := p.keyColumn(t)
	ten := Tenants{Table: t.Name, Key: key.Name}
	pick := func(want func(*structure.Column) bool, names ...string) string {
		for _, n := range names {
			for i := range t.Columns {
				if c := &t.Columns[i]; snake(c.Name) == n && want(c) {
					return c.Name
				}
			}
		}
		return ""
	}
	for _, n := range []string{"subdomain", "slug", "handle", "code", "domain", "custom_domain", "host", "hostname", "name", "identifier", "title", "email"} {
		if c := pick(isText, n); c != "" && len(ten.Labels) < 3 {
			ten.Labels = append(ten.Labels, c)
		}
	}
	if len(ten.Labels) == 0 {
		ten.Labels = []string{key.Name}
		p.note("%s has no column that names a tenant to people; its key is shown", t.Name)
	}
	ten.Title = pick(isText, "display_name", "company_display_name", "company_name", "name", "title")
	ten.Created = pick(isTime, "created_at", "inserted_at", "created_on", "created")
	ten.Status = pick(isText, "status", "state", "provisioning_state")
	ten.Demo = pick(isBool, "demo", "is_demo", "demo_mode")
	if c := pick(isText, "owner_email", "email", "contact_email", "billing_email"); c != "" && !slices.Contains(ten.Labels, c) {
		ten.Show = append(ten.Show, c)
	}
	for i := range t.Columns {
		n := snake(t.Columns[i].Name)
		if n == "updated_at" || n == "lock_version" || strings.HasSuffix(n, "_count") || (strings.HasPrefix(n, "last_") && strings.HasSuffix(n, "_at")) {
			ten.Volatile = append(ten.Volatile, t.Columns[i].Name)
		}
	}
	p.profile.Tenants = ten
	p.profile.Pointer = PlacementPointer
	if c := pick(isText, "shard_name", "shard", "database_shard", "db_shard", "tenant_shard"); c != "" && !strings.Contains(c, ".") {
		p.profile.Pointer = t.Name + "." + c
	} else {
		p.note("%s has no column for its shard, so the pointer is %s; fleet install makes it and the application has to read it", t.Name, PlacementPointer)
	}
}

func isText(c *structure.Column) bool {
	return c.Type == "text" || c.Type == "citext" || strings.HasPrefix(c.Type, "character varying") || c.TypeKind == "e"
}

func isTime(c *structure.Column) bool {
	return strings.HasPrefix(c.Type, "timestamp") || c.Type == "date"
}
func isBool(c *structure.Column) bool { return c.Type == "boolean" }

// plain makes a name a pattern that matches nothing else.
func plain(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// setAside lists what is the schema's own record or another machine's work.
func (p *proposal) setAside() {
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		bare := snake(t.Rel)
		switch {
		case t.Partition || t == p.root:
		case t.Kind == "f":
			p.profile.Excluded = append(p.profile.Excluded, plain(name))
			p.note("%s is a foreign table: its rows are another database's, so it is excluded", name)
		case slices.Contains(excludedNames, bare):
			p.profile.Excluded = append(p.profile.Excluded, plain(name))
		case slices.ContainsFunc(controlPatterns, func(pattern string) bool { ok, _ := path.Match(pattern, bare); return ok }):
			p.profile.Control = append(p.profile.Control, plain(name))
		}
	}
}

func (p *proposal) aside(name string) bool {
	return listed(p.profile.Excluded, name) || listed(p.profile.Control, name) || listed(p.profile.Reference, name)
}

// nameTenantColumns finds the column names that hold the tenant's key. A name
// that means something else in any table is given table by table.
func (p *proposal) nameTenantColumns() {
	key := p.keyColumn(p.root)
	noun := p.thing(p.root)
	own := func(column string) bool {
		base, ok := reference(column)
		return ok && (base == noun || base == singular(snake(p.root.Rel)))
	}
	good, bad := map[string][]string{}, map[string][]string{}
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		if t.Partition || t == p.root || p.aside(name) {
			continue
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			f := singleKey(t, c.Name)
			switch {
			case f != nil && f.RefTable == p.root.Name && f.RefColumns[0] == key.Name:
				good[c.Name] = append(good[c.Name], name)
			case f == nil && own(c.Name) && sameFamily(c.Type, key.Type):
				good[c.Name] = append(good[c.Name], name)
			default:
				bad[c.Name] = append(bad[c.Name], name)
			}
		}
	}
	names := make([]string, 0, len(good))
	for n := range good {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(good[b]), len(good[a])), cmp.Compare(a, b))
	})
	for _, n := range names {
		// A name that only one table uses is found by its key, or is another
		// role such as parent_account_id.
		if !own(n) && len(good[n]) < 3 {
			continue
		}
		if len(bad[n]) == 0 {
			p.profile.TenantColumns = append(p.profile.TenantColumns, n)
			continue
		}
		for _, table := range good[n] {
			if p.profile.rule(table).TenantColumn == "" && (own(n) || singleKey(p.schema.Tables[table], n) != nil) {
				p.profile.Tables = append(p.profile.Tables, TableRule{Name: table, TenantColumn: n})
			}
		}
		if len(bad[n]) > 0 {
			p.note("the column %s means something else in %s, so its tables are listed one by one", n, strings.Join(bad[n], ", "))
		}
	}
	for _, n := range names {
		for _, table := range good[n] {
			p.taken[table+"."+n] = true
			if !slices.Contains(p.profile.TenantColumns, n) && p.profile.rule(table).TenantColumn == "" && !p.hasTenantColumn(table) {
				p.note("%s is taken for a tenant's by %s; check that it names the owner and not another part", table, n)
			}
		}
	}
	if len(p.profile.TenantColumns) == 0 && len(p.profile.Tables) == 0 {
		p.note("no column name holds the tenant's key in several tables; rows are found by foreign keys alone")
	}
}

// hasTenantColumn reports whether one of the names stands in the table.
func (p *proposal) hasTenantColumn(table string) bool {
	t := p.schema.Tables[table]
	return slices.ContainsFunc(p.profile.TenantColumns, func(n string) bool { return t.Column(n) != nil })
}

// mostTypes is how many classes a polymorphic pair may be given unasked.
const mostTypes = 12

// pairs finds x_type beside x_id.
func (p *proposal) pairs() {
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		if t.Partition || p.aside(name) || t == p.root {
			continue
		}
		for i := range t.Columns {
			typ := &t.Columns[i]
			base, ok := strings.CutSuffix(snake(typ.Name), "_type")
			if !ok || base == "" || !isText(typ) {
				continue
			}
			id := p.idBeside(t, base)
			if id == nil || p.taken[name+"."+id.Name] || singleKey(t, id.Name) != nil {
				continue
			}
			p.taken[name+"."+id.Name] = true
			p.paired[name] = true
			pair := Polymorphic{Table: name, Type: typ.Name, ID: id.Name, Types: map[string]string{}}
			candidates := p.targets(t, id)
			if len(candidates) <= mostTypes {
				for _, to := range candidates {
					pair.Types[camel(p.thing(p.schema.Tables[to]))] = to
				}
			}
			p.profile.Polymorphic = append(p.profile.Polymorphic, pair)
			p.note("%s.%s and %s are a polymorphic pair; give the class of each table under [polymorphic.types]: SELECT DISTINCT %s FROM %s",
				name, typ.Name, id.Name, ident(typ.Name), t.Quoted())
		}
	}
}

func (p *proposal) idBeside(t *structure.Table, base string) *structure.Column {
	for i := range t.Columns {
		if b, ok := reference(t.Columns[i].Name); ok && b == base {
			return &t.Columns[i]
		}
	}
	return nil
}

// targets are the tables that a pair may point at.
func (p *proposal) targets(from *structure.Table, id *structure.Column) []string {
	out := []string{}
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		if t.Partition || t == from || p.aside(name) || len(t.Key()) != 1 {
			continue
		}
		if k := t.Column(t.Key()[0]); canBeKey(k) && (sameFamily(k.Type, id.Type) || isText(id)) {
			out = append(out, name)
		}
	}
	return out
}

// softReferences guesses from x_id that a column points at the table of x.
func (p *proposal) softReferences() {
	for _, name := range p.schema.Names {
		t := p.schema.Tables[name]
		if t.Partition || p.aside(name) {
			continue
		}
		inKey := map[string]bool{}
		for _, f := range t.ForeignKeys {
			for _, c := range f.Columns {
				inKey[c] = true
			}
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			base, ok := reference(c.Name)
			if !ok || inKey[c.Name] || p.taken[name+"."+c.Name] || slices.Contains(p.profile.TenantColumns, c.Name) {
				continue
			}
			to, word := p.pointsAt(t, c, base)
			if to == nil {
				continue
			}
			key := p.keyColumn(to)
			ref := SoftRef{
				Table: name, Column: c.Name, To: to.Name,
				Evidence: fmt.Sprintf("no constraint; the name says %s, which %s holds, and both are %s", word, to.Name, key.Type),
			}
			if k := to.Key(); len(k) != 1 || k[0] != key.Name {
				ref.Key = key.Name
			}
			p.profile.Soft = append(p.profile.Soft, ref)
		}
	}
}

// pointsAt finds the table that a column's name means: in the table's own
// family of names, then anywhere, then with leading words left out.
func (p *proposal) pointsAt(from *structure.Table, c *structure.Column, base string) (to *structure.Table, word string) {
	family := strings.Split(snake(from.Rel), "_")
	for noun := base; noun != ""; {
		nouns := []string{}
		for i := len(family) - 1; i > 0; i-- {
			nouns = append(nouns, strings.Join(family[:i], "_")+"_"+noun)
		}
		for _, n := range append(nouns, noun) {
			fit := []*structure.Table{}
			for _, name := range p.named(n) {
				t := p.schema.Tables[name]
				k := p.keyColumn(t)
				if t == from || k == nil || !sameFamily(k.Type, c.Type) || (!canBeKey(k) && n != base) || p.aside(name) {
					continue
				}
				fit = append(fit, t)
			}
			// The same name in two schemas: the one beside it.
			if len(fit) > 1 {
				fit = slices.DeleteFunc(fit, func(t *structure.Table) bool { return t.Schema != from.Schema })
			}
			if len(fit) == 1 {
				return fit[0], n
			}
		}
		_, rest, ok := strings.Cut(noun, "_")
		if !ok {
			break
		}
		noun = rest
	}
	return nil, ""
}

// prune leaves out guessed references that say nothing about owners.
func (p *proposal) prune(m *Map) {
	p.profile.Soft = slices.DeleteFunc(p.profile.Soft, func(r SoftRef) bool {
		to := m.Table(r.To)
		return !m.Table(r.Table).Kind.Moves() || (!to.Kind.Moves() && to.Kind != Root)
	})
	if n := len(p.profile.Soft); n > 0 {
		p.note("%d references without a constraint were guessed from names; each [[soft]] says why", n)
	}
}

// classifyRest proposes what tables without a path to the tenant may be, until
// nothing more follows.
func (p *proposal) classifyRest() error {
	for {
		m, err := BuildMap(p.schema, p.profile)
		if err != nil {
			return err
		}
		changed := false
		for _, name := range p.schema.Names {
			c := m.Table(name)
			if c == nil || c.Kind != Unclassified || p.paired[name] {
				continue
			}
			if p.asReference(m, c) || p.asOwnedBackwards(m, c) {
				changed = true
			}
		}
		if !changed {
			return nil
		}
	}
}

// asReference: the name says so, or all that it points at is reference.
func (p *proposal) asReference(m *Map, c *TableClass) bool {
	noun := p.thing(c.Table)
	last := noun[strings.LastIndex(noun, "_")+1:]
	why := ""
	switch {
	case slices.Contains(referenceWords, noun), slices.Contains(referenceWords, last) && len(c.Table.ForeignKeys) == 0, hasAnySuffix(noun, referenceEndings...):
		why = "by its name"
	case len(c.Table.ForeignKeys) > 0:
		for _, f := range c.Table.ForeignKeys {
			if to := m.Table(f.RefTable); to == nil || (to.Kind != Reference && f.RefTable != c.Name()) {
				return false
			}
		}
		why = "because it points at nothing but reference tables"
		if !slices.ContainsFunc(c.Table.ForeignKeys, func(f structure.ForeignKey) bool { return f.RefTable != c.Name() }) {
			return false
		}
	}
	if why == "" || p.waits(m, c) {
		return false
	}
	p.profile.Reference = append(p.profile.Reference, plain(c.Name()))
	p.note("%s is proposed as reference, the same on every shard, %s", c.Name(), why)
	return true
}

// waits reports whether the table points at one whose kind is still open.
func (p *proposal) waits(m *Map, c *TableClass) bool {
	for _, f := range c.Table.ForeignKeys {
		if to := m.Table(f.RefTable); to != nil && f.RefTable != c.Name() && to.Kind == Unclassified {
			return true
		}
	}
	return false
}

// asOwnedBackwards: files and addresses belong to whoever points at them.
func (p *proposal) asOwnedBackwards(m *Map, c *TableClass) bool {
	noun := p.thing(c.Table)
	if !slices.Contains(backwardWords, noun) && !slices.Contains(backwardWords, noun[strings.LastIndex(noun, "_")+1:]) {
		return false
	}
	key := c.Table.Key()
	if len(key) != 1 {
		return false
	}
	from := []string{}
	add := func(table, column string) {
		if at := table + "." + column; !slices.Contains(from, at) && !strings.Contains(column, ".") {
			from = append(from, at)
		}
	}
	holds := func(table string) bool {
		to := m.Table(table)
		return to != nil && table != c.Name() && (to.Kind.Moves() || to.Kind == Root || p.paired[table])
	}
	for _, name := range p.schema.Names {
		for _, f := range p.schema.Tables[name].ForeignKeys {
			if f.RefTable == c.Name() && len(f.Columns) == 1 && f.RefColumns[0] == key[0] && holds(name) {
				add(name, f.Columns[0])
			}
		}
	}
	for _, r := range p.profile.Soft {
		if r.To == c.Name() && (r.Key == "" || r.Key == key[0]) && holds(r.Table) {
			add(r.Table, r.Column)
		}
	}
	if len(from) == 0 {
		return false
	}
	sort.Strings(from)
	b := Backward{Table: c.Name(), From: from}
	for i := range c.Table.Columns {
		if col := &c.Table.Columns[i]; snake(col.Name) == "created_at" && isTime(col) {
			b.Created = col.Name
		}
	}
	p.profile.Backward = append(p.profile.Backward, b)
	// The guess now stands there, the other way round.
	p.profile.Soft = slices.DeleteFunc(p.profile.Soft, func(r SoftRef) bool { return r.To == c.Name() && slices.Contains(from, r.Table+"."+r.Column) })
	p.note("%s is proposed as owned by the rows that point at it (%s)", c.Name(), strings.Join(from, ", "))
	return true
}

// forAPerson lists the tables that stay unclassified, with what is known.
func (p *proposal) forAPerson(m *Map) {
	for _, c := range m.Order {
		if c.Kind != Unclassified {
			continue
		}
		by := []string{}
		for _, name := range p.schema.Names {
			if o := m.Table(name); o != nil && (o.Kind.Moves() || o.Kind == Root) && slices.ContainsFunc(p.schema.Tables[name].ForeignKeys, func(f structure.ForeignKey) bool { return f.RefTable == c.Name() }) {
				by = append(by, name)
			}
		}
		why := "nothing leads from it to " + p.root.Name
		switch {
		case p.paired[c.Name()]:
			why = "only its polymorphic pair leads to tenants"
		case len(by) > 0:
			shown := by
			if len(shown) > 3 {
				shown = append(slices.Clone(by[:3]), fmt.Sprintf("%d more", len(by)-3))
			}
			why = "rows of tenants point at it (" + strings.Join(shown, ", ") + ") and nothing leads from it to " + p.root.Name
		}
		p.note("decide: %s: %s; list it under reference, control or excluded, or say with [[soft]], [[backward]] or [[polymorphic]] whose its rows are", c.Name(), why)
	}
}
