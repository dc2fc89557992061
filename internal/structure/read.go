package structure

import (
	"context"
	_ "embed"
	"sort"

	"github.com/jackc/pgx/v5"
)

// Querier is what is read from: a pool, a session or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Schema is every user table of a database.
type Schema struct {
	// Tables by Name.
	Tables map[string]*Table
	// Names of Tables, sorted.
	Names []string
	// Views are the materialized views by name.
	Views map[string]*View
}

// Table is one table with everything that a move has to know about it.
type Table struct {
	Schema string
	Rel    string
	// Name is Rel for schema public, else Schema.Rel.
	Name        string
	Kind        string // r ordinary, p partitioned, f foreign
	Owner       string
	Columns     []Column
	PrimaryKey  []string
	Uniques     []Unique
	ForeignKeys []ForeignKey
	Checks      []Named
	Triggers    []Trigger
	// Parent is the partitioned or inherited parent's name, Partition tells
	// the two apart.
	Parent    string
	Partition bool
	// Inherited says that tables which are not its partitions inherit from it.
	Inherited       bool
	Unlogged        bool
	RLS             bool
	ReplicaIdentity string
	RowsEstimate    int64 // -1: never analysed
	Bytes           int64 // estimate from pages
}

// Column of a table.
type Column struct {
	Name string
	Type string
	// SQLType is Type so that it means the same under every search_path.
	SQLType   string
	TypeKind  string // b base, e enum, c composite, d domain, r range
	NotNull   bool
	Default   string
	Identity  string // "", a (always), d (by default)
	Generated bool
	Collation string
	// Sequence is the quoted name of the sequence that fills the column.
	Sequence string
}

// Unique is a unique index, the primary key's included.
type Unique struct {
	Name       string
	Columns    []string // empty for an expression index
	Definition string   // without table and index name
	Predicate  string
	Primary    bool
	Expression bool
	Immediate  bool
	NullsEqual bool
}

// ForeignKey of a table.
type ForeignKey struct {
	Name       string
	Columns    []string
	RefTable   string
	RefColumns []string
	OnDelete   string // a no action, r restrict, c cascade, n set null, d set default
	OnUpdate   string
	Deferrable bool
	Deferred   bool
	Validated  bool
	Definition string
}

// Named is a constraint or index with its definition.
type Named struct{ Name, Definition string }

// Trigger of a table; the system's own are left out.
type Trigger struct {
	Name, Enabled, Definition string
}

// View is a materialized view.
type View struct {
	Name, Schema, Rel string
	Tables            []string // it reads from, directly or through views
	UniqueIndex       bool     // allows REFRESH CONCURRENTLY where it is populated
	Populated         bool
	Bytes             int64
	// Over is how many materialized views it reads from, directly or through
	// others: one that reads from another has more.
	Over int
}

// Quoted returns the table's quoted, qualified name.
func (t *Table) Quoted() string { return pgx.Identifier{t.Schema, t.Rel}.Sanitize() }

// Own returns what to read the table's own rows from: a query of a table shows
// the rows of tables that inherit from it too, but those are theirs, and a
// foreign key does not see them.
func (t *Table) Own() string {
	if t.Inherited {
		return "ONLY " + t.Quoted()
	}
	return t.Quoted()
}

// Quoted returns the view's quoted, qualified name.
func (v *View) Quoted() string { return pgx.Identifier{v.Schema, v.Rel}.Sanitize() }

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Copyable returns the columns that a copy carries: all but generated ones.
func (t *Table) Copyable() []string {
	out := []string{}
	for _, c := range t.Columns {
		if !c.Generated {
			out = append(out, c.Name)
		}
	}
	return out
}

// Key returns the columns that identify a row: the primary key, else a unique
// index over not-null columns, else nothing.
func (t *Table) Key() []string {
	if len(t.PrimaryKey) > 0 {
		return t.PrimaryKey
	}
	for _, u := range t.Uniques {
		if u.Expression || u.Predicate != "" || len(u.Columns) == 0 || !u.Immediate {
			continue
		}
		ok := true
		for _, c := range u.Columns {
			if col := t.Column(c); col == nil || !col.NotNull {
				ok = false
			}
		}
		if ok {
			return u.Columns
		}
	}
	return nil
}

// NameOf returns how a table is called outside: without public.
func NameOf(schema, rel string) string {
	if schema == "public" {
		return rel
	}
	return schema + "." + rel
}

//go:embed tables.sql
var tablesSQL string

//go:embed views.sql
var viewsSQL string

// Read reads every user table; schemas of ours (shard_admin…) are left out by
// the caller's list of names to ignore.
func Read(ctx context.Context, q Querier, ignore []string) (*Schema, error) {
	if ignore == nil {
		ignore = []string{}
	}
	ignore = append(append([]string{}, ignore...), "shard_admin", "shard_admin_move")
	rows, err := q.Query(ctx, tablesSQL, ignore)
	if err != nil {
		return nil, err
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (part, error) {
		var p part
		return p, row.Scan(&p.kind, &p.rel, &p.fields)
	})
	if err != nil {
		return nil, err
	}
	s := &Schema{Tables: map[string]*Table{}, Views: map[string]*View{}}
	tables, err := assemble(parts)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		s.Tables[t.Name] = t
		s.Names = append(s.Names, t.Name)
	}
	sort.Strings(s.Names)
	rows, err = q.Query(ctx, viewsSQL, ignore)
	if err != nil {
		return nil, err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var v View
		if err := row.Scan(&v.Schema, &v.Rel, &v.Tables, &v.UniqueIndex, &v.Populated, &v.Bytes, &v.Over); err != nil {
			return struct{}{}, err
		}
		v.Name = NameOf(v.Schema, v.Rel)
		s.Views[v.Name] = &v
		return struct{}{}, nil
	})
	return s, err
}
