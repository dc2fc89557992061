package renumber

import (
	"slices"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/tenancy"
)

// Rule says how a new value is found.
type Rule string

// The rules.
const (
	// Sequence takes the next value of the sequence that fills the column.
	Sequence Rule = "sequence"
	// Rename appends the tenant to a text; see Renamed.
	Rename Rule = "rename"
)

// Value is a column whose values are replaced where they are taken.
type Value struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Rule   Rule   `json:"rule"`
	// Fold says that the values are compared without regard to case.
	Fold bool `json:"fold,omitempty"`
	// Predicate is the condition of a unique index that holds for some rows only;
	// "" is every row.
	Predicate string `json:"predicate,omitempty"`
}

// and is the predicate as a further condition.
func (v Value) and() string {
	if v.Predicate == "" {
		return ""
	}
	return " AND (" + v.Predicate + ")"
}

// Use is a column whose values follow those of another, or are them.
type Use struct {
	// Table.Column is replaced by the list of Of.
	Table, Column string
	Of            Value
	// TypeColumn of the row has to be one of TypeValues.
	TypeColumn string
	TypeValues []string
	// own says that it is the column itself.
	own bool
}

// String names the column, and by which of its types it refers.
func (u Use) String() string {
	text := u.Table + "." + u.Column
	if u.TypeColumn != "" {
		text += " (" + u.TypeColumn + " " + strings.Join(u.TypeValues, ", ") + ")"
	}
	return text
}

func (u Use) id() string {
	return strings.Join([]string{u.Table, u.Column, u.Of.Table, u.Of.Column, u.TypeColumn, strings.Join(u.TypeValues, ",")}, "\x00")
}

// reference is a way from one column to another.
type reference struct {
	table, column, toTable, toColumn, typeColumn string
	typeValues                                   []string
}

// references lists the ways of a map by which a column holds another's values.
func references(m *tenancy.Map) []reference {
	out := []reference{}
	file := func(e tenancy.Edge) {
		if e.Backward {
			e = tenancy.Edge{From: e.To, FromColumns: e.ToColumns, To: e.From, ToColumns: e.FromColumns}
		}
		for i := range e.FromColumns {
			out = append(out, reference{e.From, e.FromColumns[i], e.To, e.ToColumns[i], e.TypeColumn, e.TypeValues})
		}
	}
	for _, c := range m.Order {
		for _, f := range c.Table.ForeignKeys {
			file(tenancy.Edge{From: c.Name(), FromColumns: f.Columns, To: f.RefTable, ToColumns: f.RefColumns})
		}
		for _, e := range c.Owners {
			file(e)
		}
	}
	for _, e := range m.References {
		file(e)
	}
	return out
}

// Refers reports whether a column holds values of another: such a column has no
// values of its own to give.
func Refers(m *tenancy.Map, table, column string) bool {
	for _, r := range references(m) {
		if r.table == table && r.column == column && (r.toTable != table || r.toColumn != column) {
			return true
		}
	}
	return false
}

// Column names a column of a table.
type Column struct{ Table, Column string }

// Owners lists the columns whose values a column holds, at the end of the way from
// reference to reference.
func Owners(m *tenancy.Map, table, column string) []Column {
	refs := references(m)
	out := []Column{}
	seen := map[Column]bool{{table, column}: true}
	for next := []Column{{table, column}}; len(next) > 0; {
		at := next[0]
		next = next[1:]
		end := true
		for _, r := range refs {
			to := Column{r.toTable, r.toColumn}
			if r.table != at.Table || r.column != at.Column {
				continue
			}
			end = false
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		if end && (at != Column{table, column}) {
			out = append(out, at)
		}
	}
	return out
}

// Uses lists the columns of moving tables that follow the values, themselves
// first, and of tables that stay those that would have to.
func Uses(m *tenancy.Map, values []Value) (uses, fixed []Use) {
	seen := map[string]bool{}
	refs := references(m)
	for _, v := range values {
		list := []Use{{Table: v.Table, Column: v.Column, Of: v, own: true}}
		seen[list[0].id()] = true
		for i := 0; i < len(list); i++ {
			for _, r := range refs {
				if r.toTable != list[i].Table || r.toColumn != list[i].Column {
					continue
				}
				u := Use{Table: r.table, Column: r.column, Of: v, TypeColumn: r.typeColumn, TypeValues: r.typeValues}
				if seen[u.id()] || (u.Table == v.Table && u.Column == v.Column) {
					continue
				}
				seen[u.id()] = true
				if c := m.Table(r.table); c == nil || !c.Kind.Moves() {
					fixed = append(fixed, u)
					continue
				}
				list = append(list, u)
			}
		}
		uses = append(uses, list...)
	}
	return uses, fixed
}

// Ambiguous names columns of which nobody can say whose values they hold: they
// refer to two tables at once and nothing in the row tells to which.
func Ambiguous(uses []Use) []string {
	out := []string{}
	of := map[string]Use{}
	for _, u := range uses {
		if u.TypeColumn != "" {
			continue
		}
		key := u.Table + "." + u.Column
		if before, there := of[key]; there && (before.Of.Table != u.Of.Table || before.Of.Column != u.Of.Column) && !slices.Contains(out, key) {
			out = append(out, key)
		}
		of[key] = u
	}
	sort.Strings(out)
	return out
}

// Lens reads the rows of one side as the other side has them. A nil Lens reads
// them as they are.
type Lens struct {
	move string
	back bool
	uses map[string]map[string][]Use
}

// Through returns the lens for the source of a move, or with back for its target;
// nil where nothing is replaced.
func Through(m *tenancy.Map, move string, values []Value, back bool) *Lens {
	if len(values) == 0 {
		return nil
	}
	l := &Lens{move: move, back: back, uses: map[string]map[string][]Use{}}
	uses, _ := Uses(m, values)
	for _, u := range uses {
		if l.uses[u.Table] == nil {
			l.uses[u.Table] = map[string][]Use{}
		}
		l.uses[u.Table][u.Column] = append(l.uses[u.Table][u.Column], u)
	}
	return l
}

// Touches reports whether rows of a table may look different through the lens.
func (l *Lens) Touches(table string) bool { return l != nil && len(l.uses[table]) > 0 }

// Shows reports whether values of a column may look different through the lens.
func (l *Lens) Shows(table, column string) bool { return l != nil && len(l.uses[table][column]) > 0 }

// Rows returns what follows FROM to read a table's rows t for which a condition
// on the table itself holds. Further conditions may be added with AND; they see
// the rows as the lens shows them.
func (l *Lens) Rows(c *tenancy.TableClass, where string) string {
	if !l.Touches(c.Name()) {
		return c.Table.Own() + " t WHERE " + where
	}
	cols := make([]string, len(c.Table.Columns))
	for i, col := range c.Table.Columns {
		cols[i] = l.shown(c, col.Name) + " AS " + pgx.Identifier{col.Name}.Sanitize()
	}
	return "(SELECT " + strings.Join(cols, ", ") + " FROM " + c.Table.Own() + " t WHERE " + where + ") t WHERE true"
}

// Columns returns the named columns of row t of a table as the lens shows them.
func (l *Lens) Columns(c *tenancy.TableClass, names []string) string {
	cols := make([]string, len(names))
	for i, n := range names {
		cols[i] = l.shown(c, n)
	}
	return strings.Join(cols, ", ")
}

func (l *Lens) shown(c *tenancy.TableClass, column string) string {
	raw := "t." + pgx.Identifier{column}.Sanitize()
	if l == nil || len(l.uses[c.Name()][column]) == 0 {
		return raw
	}
	typ := c.Table.Column(column).SQLType
	rest, cases := raw, ""
	for _, u := range l.uses[c.Name()][column] {
		value := "coalesce(" + l.Replaced(u.Of, raw+"::text") + "::" + typ + ", " + raw + ")"
		if u.TypeColumn == "" {
			rest = value
			continue
		}
		values := make([]string, len(u.TypeValues))
		for i, v := range u.TypeValues {
			values[i] = tenancy.Quote(v)
		}
		cases += " WHEN t." + pgx.Identifier{u.TypeColumn}.Sanitize() + " IN (" + strings.Join(values, ", ") + ") THEN " + value
	}
	if cases == "" {
		return rest
	}
	return "CASE" + cases + " ELSE " + rest + " END"
}

// Replaced is the value, as text, that the list has for a text of the lens's
// side, or null.
func (l *Lens) Replaced(v Value, text string) string {
	from, to := "source", "target"
	if l.back {
		from, to = to, from
	}
	return "(SELECT sa_r." + to + " FROM shard_admin_move.replaced sa_r WHERE sa_r.move_id = " + tenancy.Quote(l.move) + " AND sa_r.tbl = " + tenancy.Quote(v.Table) +
		" AND sa_r.col = " + tenancy.Quote(v.Column) + " AND sa_r." + from + " = " + text + ")"
}

// Key is the value that a table's key of one column, given as text, has on the
// other side.
func (l *Lens) Key(c *tenancy.TableClass, text string) string {
	k := c.Table.Key()
	if !l.Touches(c.Name()) || len(k) != 1 {
		return text
	}
	for _, u := range l.uses[c.Name()][k[0]] {
		if u.TypeColumn == "" {
			return "coalesce(" + l.Replaced(u.Of, text) + ", " + text + ")"
		}
	}
	return text
}
