package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
)

// Tenant is one row of the catalogue.
type Tenant struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Title string `json:"title"`
	Shard string `json:"shard"`
	Demo  *bool  `json:"demo"`
	// Status and Created are the profile's columns, null where it names none.
	Status  *string           `json:"status"`
	Created *string           `json:"created_at"`
	Fields  map[string]string `json:"fields"`
	// Region and Needs are what its shard should have, by the profile's columns.
	Region string            `json:"region"`
	Needs  map[string]string `json:"needs"`
}

// Catalogue finds tenants and says where they live. It writes the pointer and
// the application's own record of it.
type Catalogue struct {
	set     *conn.Set
	profile *Profile
	schema  string // of ours, unquoted
	// filed is true once the table of placements was seen.
	filed atomic.Bool
}

// NewCatalogue returns the catalogue of a fleet.
func NewCatalogue(set *conn.Set, p *Profile, schema string) *Catalogue {
	return &Catalogue{set: set, profile: p, schema: schema}
}

// Profile returns the profile in use.
func (c *Catalogue) Profile() *Profile { return c.profile }

func (c *Catalogue) root() string {
	if i := strings.Index(c.profile.Tenants.Table, "."); i > 0 {
		return pgx.Identifier{c.profile.Tenants.Table[:i], c.profile.Tenants.Table[i+1:]}.Sanitize()
	}
	return pgx.Identifier{"public", c.profile.Tenants.Table}.Sanitize()
}

func (c *Catalogue) placement() string { return pgx.Identifier{c.schema, "placement"}.Sanitize() }

// pointer is the expression of a tenant's shard over t, and a join that it
// needs.
func (c *Catalogue) pointer() (expr, join string) {
	if col := c.profile.PointerColumn(); col != "" {
		return "coalesce(nullif(t." + ident(col) + "::text, ''), " + Quote(c.profile.DefaultShard) + ")", ""
	}
	return "coalesce(p.shard, " + Quote(c.unfiled()) + ")",
		" LEFT JOIN " + c.placement() + " p ON p.tenant = t." + ident(c.profile.Tenants.Key) + "::text"
}

// DefaultShard is where tenants are to whom nobody has given a shard.
func (c *Catalogue) DefaultShard() string {
	if c.profile.PointerColumn() != "" {
		return c.profile.DefaultShard
	}
	return c.unfiled()
}

// unfiled is the shard of tenants that the table of placements does not hold:
// the profile's default, else the one beside the catalogue, where an
// application that knows no shards has its rows.
func (c *Catalogue) unfiled() string {
	shards := c.set.Fleet().Shards
	if c.profile.DefaultShard != "" || len(shards) == 0 {
		return c.profile.DefaultShard
	}
	for _, s := range shards {
		if s.InControl {
			return s.Name
		}
	}
	return shards[0].Name
}

// pointerNow is pointer for reading: before fleet install has made the table
// of placements no tenant is filed.
func (c *Catalogue) pointerNow(ctx context.Context, pool *pgxpool.Pool) (expr, join string, err error) {
	expr, join = c.pointer()
	if join == "" || c.filed.Load() {
		return expr, join, nil
	}
	var there bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'placement')", c.schema).Scan(&there); err != nil {
		return "", "", conn.Fault(err, "control")
	}
	if !there {
		return Quote(c.unfiled()) + "::text", "", nil
	}
	c.filed.Store(true)
	return expr, join, nil
}

func (c *Catalogue) columns(expr string) string {
	tn := c.profile.Tenants
	labels := []string{}
	for _, l := range tn.Labels {
		labels = append(labels, "nullif(t."+ident(l)+"::text, '')")
	}
	labels = append(labels, "t."+ident(tn.Key)+"::text")
	opt := func(col, typ string) string {
		if col == "" {
			return "NULL::" + typ
		}
		return "t." + ident(col) + "::" + typ
	}
	fields := []string{}
	for _, s := range tn.Show {
		fields = append(fields, Quote(s)+", t."+ident(s)+"::text")
	}
	needs := []string{}
	for _, label := range slices.Sorted(maps.Keys(tn.Needs)) {
		needs = append(needs, Quote(label)+", nullif(t."+ident(tn.Needs[label])+"::text, '')")
	}
	created := "NULL::text"
	if tn.Created != "" {
		created = "to_char(t." + ident(tn.Created) + ", 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
	}
	title := "''"
	if tn.Title != "" {
		title = "coalesce(t." + ident(tn.Title) + "::text, '')"
	}
	return "t." + ident(tn.Key) + "::text, coalesce(" + strings.Join(labels, ", ") + "), " + title + ", " + expr + ", " + opt(tn.Demo, "boolean") + ", " +
		opt(tn.Status, "text") + ", " + created + ", jsonb_strip_nulls(jsonb_build_object(" + strings.Join(fields, ", ") + ")), coalesce(" +
		opt(tn.Region, "text") + ", ''), jsonb_strip_nulls(jsonb_build_object(" + strings.Join(needs, ", ") + "))"
}

func scanTenant(row pgx.CollectableRow) (Tenant, error) {
	var t Tenant
	err := row.Scan(&t.ID, &t.Label, &t.Title, &t.Shard, &t.Demo, &t.Status, &t.Created, &t.Fields, &t.Region, &t.Needs)
	if t.Fields == nil {
		t.Fields = map[string]string{}
	}
	return t, err
}

// Filter of a list.
type Filter struct {
	Shard  string
	Search string
	Limit  int // 100 when 0
	Offset int
	// Sort is id, label, title, shard or created; a leading - reverses.
	Sort string
	// After is the id behind which they come, "" for all.
	After string
}

// Extent is how many tenants a shard has, and the last of them by its id: what tells
// cheaply that some came.
type Extent struct {
	Count int
	Last  string // "" where there is none
}

// Extent returns how many tenants are pointed to a shard, and the last of them.
func (c *Catalogue) Extent(ctx context.Context, shard string) (Extent, error) {
	out := Extent{}
	pool, err := c.set.Control().Pool(ctx)
	if err != nil {
		return out, err
	}
	expr, join, err := c.pointerNow(ctx, pool)
	if err != nil {
		return out, err
	}
	key, from := "t."+ident(c.profile.Tenants.Key), " FROM "+c.root()+" t"+join+" WHERE "+expr+" = $1"
	err = pool.QueryRow(ctx, "SELECT (SELECT count(*)"+from+"), coalesce((SELECT "+key+"::text"+from+" ORDER BY "+key+" DESC LIMIT 1), '')", shard).Scan(&out.Count, &out.Last)
	return out, conn.Fault(err, "control")
}

// List returns tenants and how many the filter matches in all.
func (c *Catalogue) List(ctx context.Context, f Filter) (int, []Tenant, error) {
	pool, err := c.set.Control().Pool(ctx)
	if err != nil {
		return 0, nil, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	expr, join, err := c.pointerNow(ctx, pool)
	if err != nil {
		return 0, nil, err
	}
	where, args := []string{"true"}, []any{}
	if f.Shard != "" {
		args = append(args, f.Shard)
		where = append(where, fmt.Sprintf("%s = $%d", expr, len(args)))
	}
	if f.After != "" {
		args = append(args, f.After)
		where = append(where, fmt.Sprintf("t.%s > $%d", ident(c.profile.Tenants.Key), len(args)))
	}
	if q := strings.TrimSpace(f.Search); q != "" {
		args = append(args, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q)+"%", q)
		or := []string{fmt.Sprintf("t.%s::text = $%d", ident(c.profile.Tenants.Key), len(args))}
		for _, col := range append(slices.Clone(c.profile.Tenants.Labels), c.profile.Tenants.Title) {
			if col != "" {
				or = append(or, fmt.Sprintf("t.%s::text ILIKE $%d", ident(col), len(args)-1))
			}
		}
		where = append(where, "("+strings.Join(or, " OR ")+")")
	}
	from := " FROM " + c.root() + " t" + join + " WHERE " + strings.Join(where, " AND ")
	var total int
	if err := pool.QueryRow(ctx, "SELECT count(*)"+from, args...).Scan(&total); err != nil {
		return 0, nil, conn.Fault(err, "control")
	}
	args = append(args, f.Limit, f.Offset)
	rows, err := pool.Query(ctx, "SELECT "+c.columns(expr)+from+" ORDER BY "+c.order(f.Sort, expr)+fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(args)-1, len(args)), args...)
	if err != nil {
		return 0, nil, conn.Fault(err, "control")
	}
	out, err := pgx.CollectRows(rows, scanTenant)
	if out == nil {
		out = []Tenant{}
	}
	return total, out, conn.Fault(err, "control")
}

func (c *Catalogue) order(sort, pointer string) string {
	tn := c.profile.Tenants
	dir := ""
	if strings.HasPrefix(sort, "-") {
		sort, dir = sort[1:], " DESC NULLS LAST"
	}
	key := "t." + ident(tn.Key)
	switch {
	case sort == "label":
		return "t." + ident(tn.Labels[0]) + dir + ", " + key
	case sort == "title" && tn.Title != "":
		return "t." + ident(tn.Title) + dir + ", " + key
	case sort == "shard":
		return pointer + dir + ", " + key
	case sort == "created" && tn.Created != "":
		return "t." + ident(tn.Created) + dir + ", " + key
	}
	return key + dir
}

// Find returns the tenant of that id or label: tenant_unknown when there is
// none, tenant_ambiguous when a label fits several.
func (c *Catalogue) Find(ctx context.Context, idOrLabel string) (Tenant, error) {
	pool, err := c.set.Control().Pool(ctx)
	if err != nil {
		return Tenant{}, err
	}
	expr, join, err := c.pointerNow(ctx, pool)
	if err != nil {
		return Tenant{}, err
	}
	or := []string{"t." + ident(c.profile.Tenants.Key) + "::text = $1"}
	for _, l := range c.profile.Tenants.Labels {
		or = append(or, "t."+ident(l)+"::text = $1")
	}
	rows, err := pool.Query(ctx, "SELECT "+c.columns(expr)+" FROM "+c.root()+" t"+join+" WHERE "+strings.Join(or, " OR ")+
		" ORDER BY (t."+ident(c.profile.Tenants.Key)+"::text = $1) DESC LIMIT 3", idOrLabel)
	if err != nil {
		return Tenant{}, conn.Fault(err, "control")
	}
	found, err := pgx.CollectRows(rows, scanTenant)
	switch {
	case err != nil:
		return Tenant{}, conn.Fault(err, "control")
	case len(found) == 0:
		return Tenant{}, fault.Newf(fault.TenantUnknown, "shard-admin tenants list --search "+idOrLabel, "there is no tenant %q", idOrLabel)
	case len(found) > 1 && found[0].ID != idOrLabel:
		return Tenant{}, fault.Newf(fault.TenantAmbiguous, "use the id", "%q names the tenants %s and %s", idOrLabel, found[0].ID, found[1].ID)
	}
	return found[0], nil
}

// CountByShard counts tenants by pointer.
func (c *Catalogue) CountByShard(ctx context.Context) (map[string]int, error) {
	pool, err := c.set.Control().Pool(ctx)
	if err != nil {
		return nil, err
	}
	expr, join, err := c.pointerNow(ctx, pool)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, "SELECT "+expr+", count(*) FROM "+c.root()+" t"+join+" GROUP BY 1")
	if err != nil {
		return nil, conn.Fault(err, "control")
	}
	out := map[string]int{}
	var shard string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&shard, &n}, func() error { out[shard] = n; return nil })
	return out, conn.Fault(err, "control")
}

// PointTx moves the pointer from one shard to another, under a lock on the
// tenant's row: pointer_changed when it is not where the caller read it.
func (c *Catalogue) PointTx(ctx context.Context, tx pgx.Tx, tenant, from, to string) error {
	expr, join := c.pointer()
	key := "t." + ident(c.profile.Tenants.Key) + "::text"
	var now string
	err := tx.QueryRow(ctx, "SELECT "+expr+" FROM "+c.root()+" t"+join+" WHERE "+key+" = $1 FOR UPDATE OF t", tenant).Scan(&now)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.Newf(fault.TenantUnknown, "it may have been deleted", "there is no tenant %q", tenant)
	}
	if err != nil {
		return conn.Fault(err, "control")
	}
	if now != from {
		return fault.Newf(fault.PointerChanged, "look again: shard-admin tenants show "+tenant, "tenant %s is on %s now, not on %s", tenant, now, from)
	}
	if col := c.profile.PointerColumn(); col != "" {
		_, err = tx.Exec(ctx, "UPDATE "+c.root()+" t SET "+ident(col)+" = $2 WHERE "+key+" = $1", tenant, to)
	} else {
		_, err = tx.Exec(ctx, "INSERT INTO "+c.placement()+" (tenant, shard) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET shard = excluded.shard, changed_at = clock_timestamp()", tenant, to)
	}
	return conn.Fault(err, "control")
}

// AppStatus is a status of the application's own record.
type AppStatus string

// The statuses, as PropertyWebBuilder has them.
const (
	AppPending    AppStatus = "pending"
	AppInProgress AppStatus = "in_progress"
	AppCompleted  AppStatus = "completed"
	AppFailed     AppStatus = "failed"
	AppRolledBack AppStatus = "rolled_back"
)

// AppAudit is one row of the application's own record of moves.
type AppAudit struct {
	ID                         string // empty: a new row
	Tenant, From, To, By, Note string
	Status                     AppStatus
}

// AppAuditTx writes the application's own record and returns its id; without
// a rule in the profile it does nothing.
func (c *Catalogue) AppAuditTx(ctx context.Context, tx pgx.Tx, a AppAudit) (string, error) {
	r := c.profile.AppAudit
	if r == nil {
		return "", nil
	}
	table := pgx.Identifier(strings.Split(r.Table, ".")).Sanitize()
	if a.ID != "" {
		_, err := tx.Exec(ctx, "UPDATE "+table+" SET "+ident(r.Status)+" = $2, "+ident(r.Updated)+" = clock_timestamp() WHERE "+ident(r.Key)+"::text = $1", a.ID, string(a.Status))
		return a.ID, conn.Fault(err, "control")
	}
	var id string
	err := tx.QueryRow(ctx, "INSERT INTO "+table+" ("+strings.Join([]string{ident(r.Tenant), ident(r.From), ident(r.To), ident(r.By), ident(r.Note), ident(r.Status), ident(r.Created), ident(r.Updated)}, ", ")+
		") SELECT t."+ident(c.profile.Tenants.Key)+", $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp() FROM "+c.root()+" t WHERE t."+ident(c.profile.Tenants.Key)+"::text = $1 RETURNING "+ident(r.Key)+"::text",
		a.Tenant, a.From, a.To, a.By, a.Note, string(a.Status)).Scan(&id)
	return id, conn.Fault(err, "control")
}

// rootRow reads the catalogue's row of a tenant as JSON, exact to the byte of
// json columns.
func (c *Catalogue) rootRow(ctx context.Context, pool *pgxpool.Pool, where, tenant string) (json.RawMessage, error) {
	var row *string
	err := pool.QueryRow(ctx, "SELECT row_to_json(t)::text FROM "+c.root()+" t WHERE t."+ident(c.profile.Tenants.Key)+"::text = $1", tenant).Scan(&row)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, conn.Fault(err, where)
	}
	return json.RawMessage(*row), nil
}

// PlaceRootReplica puts the catalogue's row of a tenant on a shard, or
// refreshes the one that is there. placed is true when there was none.
func (c *Catalogue) PlaceRootReplica(ctx context.Context, tx pgx.Tx, m *Map, tenant string) (placed bool, err error) {
	pool, err := c.set.Control().Pool(ctx)
	if err != nil {
		return false, err
	}
	row, err := c.rootRow(ctx, pool, "control", tenant)
	if err != nil {
		return false, err
	}
	if row == nil {
		return false, fault.Newf(fault.TenantUnknown, "it may have been deleted", "there is no tenant %q", tenant)
	}
	cols, set := []string{}, []string{}
	for _, col := range m.Root.Table.Copyable() {
		cols = append(cols, ident(col))
		if col != c.profile.Tenants.Key {
			set = append(set, ident(col)+" = excluded."+ident(col))
		}
	}
	names := strings.Join(cols, ", ")
	err = tx.QueryRow(ctx, "INSERT INTO "+c.root()+" AS t ("+names+") OVERRIDING SYSTEM VALUE SELECT "+names+" FROM json_populate_record(NULL::"+c.root()+", $1::json) ON CONFLICT ("+
		ident(c.profile.Tenants.Key)+") DO UPDATE SET "+strings.Join(set, ", ")+" RETURNING (t.xmax = 0)", string(row)).Scan(&placed)
	return placed, conn.Fault(err, "target")
}

// CompareRoot compares a shard's replica with the catalogue's row, but for the
// pointer and the columns that the profile calls volatile. It returns the
// columns that differ; missing is true when there is no replica.
func (c *Catalogue) CompareRoot(ctx context.Context, shard *conn.Database, tenant string) (missing bool, columns []string, err error) {
	if shard.InControl() {
		return false, nil, nil
	}
	control, err := c.set.Control().Pool(ctx)
	if err != nil {
		return false, nil, err
	}
	pool, err := shard.Pool(ctx)
	if err != nil {
		return false, nil, err
	}
	want, err := c.rootRow(ctx, control, "control", tenant)
	if err != nil {
		return false, nil, err
	}
	got, err := c.rootRow(ctx, pool, shard.Name(), tenant)
	if err != nil {
		return false, nil, err
	}
	if got == nil {
		return true, nil, nil
	}
	var a, b map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(want, &a), json.Unmarshal(got, &b)); err != nil {
		return false, nil, fault.Wrap(err, fault.Internal, "a catalogue row could not be read", "")
	}
	for col, v := range a {
		if col == c.profile.PointerColumn() || slices.Contains(c.profile.Tenants.Volatile, col) {
			continue
		}
		if string(b[col]) != string(v) {
			columns = append(columns, col)
		}
	}
	slices.Sort(columns)
	return false, columns, nil
}

// TableRows is how many rows of a table a tenant has on a shard.
type TableRows struct {
	Table string `json:"table"`
	Kind  Kind   `json:"kind"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// Rows counts a tenant's rows on a shard, table by table, exactly.
func (m *Map) Rows(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, tenant string,
) ([]TableRows, error) {
	out := []TableRows{}
	for _, c := range m.Moving() {
		r := TableRows{Table: c.Name(), Kind: c.Kind}
		if err := q.QueryRow(ctx, "SELECT count(*), coalesce(sum(pg_column_size(t)), 0)::bigint FROM "+c.Table.Own()+" t WHERE "+m.Owned(c.Name(), m.Literal(tenant))).Scan(&r.Rows, &r.Bytes); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// HasRows reports in which table a tenant has a row on a shard, or "".
func (m *Map) HasRows(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, tenant string,
) (string, error) {
	for _, c := range m.Moving() {
		var has bool
		if err := q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+c.Table.Own()+" t WHERE "+m.Owned(c.Name(), m.Literal(tenant))+")").Scan(&has); err != nil {
			return "", err
		}
		if has {
			return c.Name(), nil
		}
	}
	return "", nil
}
