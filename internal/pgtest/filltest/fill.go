//go:build unix

// Package filltest gives tests rows of a tenant in every table of a map,
// whatever the schema: values by type, references by the map's edges. It also
// tells what is in a database without asking the product's own code.
package filltest

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// Map reads a database's map.
func Map(t testing.TB, c *pgx.Conn, profile string) *tenancy.Map {
	t.Helper()
	p, err := tenancy.LoadProfile(profile)
	require.NoError(t, err)
	s, err := structure.Read(context.Background(), c, nil)
	require.NoError(t, err)
	m, err := tenancy.BuildMap(s, p)
	require.NoError(t, err)
	return m
}

// Tenant files n rows of a tenant in every table that moves. Ids of one column
// are base+1 … base+n. The root row has to be there.
func Tenant(t testing.TB, c *pgx.Conn, m *tenancy.Map, tenant string, base, n int) {
	t.Helper()
	keys := map[string][]map[string]string{} // table → rows → column → value
	root := map[string]string{m.Profile.Tenants.Key: tenant}
	for range n {
		keys[m.Root.Name()] = append(keys[m.Root.Name()], root)
	}
	for _, class := range m.Order {
		if !class.Kind.Moves() {
			continue
		}
		for i := range n {
			row := fill(class, tenant, base+i+1)
			refer(m, class, keys, row, i)
			if class.TenantColumn != "" {
				row[class.TenantColumn] = tenant
			}
			keys[class.Name()] = append(keys[class.Name()], insert(t, c, class.Table, row))
		}
	}
	// References to tables that came later, and rows owned by who points at
	// them.
	for _, class := range m.Order {
		for _, e := range class.Owners {
			if e.Backward || !class.Kind.Moves() {
				continue
			}
			for i, row := range keys[class.Name()] {
				if row[e.FromColumns[0]] == "" && i < len(keys[e.To]) && e.TypeColumn == "" {
					set(t, c, class.Table, row, e.FromColumns[0], keys[e.To][i][e.ToColumns[0]])
				}
			}
		}
	}
	for _, class := range m.Order {
		if !class.Kind.Moves() && class != m.Root {
			continue
		}
		for _, other := range m.Order {
			for _, e := range other.Owners {
				if !e.Backward || e.To != class.Name() || len(keys[other.Name()]) == 0 || !other.Kind.Moves() {
					continue
				}
				for i := range keys[class.Name()] {
					if class == m.Root && i > 0 {
						continue
					}
					set(t, c, class.Table, keys[class.Name()][i], e.ToColumns[0], keys[other.Name()][i][e.FromColumns[0]])
				}
			}
		}
	}
}

// fill gives every column that must have a value one.
func fill(class *tenancy.TableClass, tenant string, id int) map[string]string {
	row := map[string]string{}
	key := class.Table.Key()
	for _, col := range class.Table.Columns {
		inKey := false
		for _, k := range key {
			inKey = inKey || k == col.Name
		}
		unique := false
		for _, u := range class.Table.Uniques {
			for _, n := range u.Columns {
				unique = unique || n == col.Name
			}
		}
		if col.Generated || (!inKey && !unique && (!col.NotNull || col.Default != "")) {
			continue
		}
		row[col.Name] = value(col.Type, class.Name(), col.Name, tenant, id)
	}
	return row
}

func value(typ, table, column, tenant string, id int) string {
	if strings.HasSuffix(typ, "[]") {
		return "{}"
	}
	text := func(limit int) string {
		v := fmt.Sprintf("%s-%d-%s-%s", tenant, id, column, table)
		if limit > 0 && len(v) > limit {
			v = v[:limit]
		}
		return v
	}
	switch {
	case strings.HasPrefix(typ, "character varying("), strings.HasPrefix(typ, "character("):
		n, _ := strconv.Atoi(strings.Trim(typ[strings.Index(typ, "("):], "()"))
		return text(n)
	case typ == "integer", typ == "bigint", typ == "numeric", typ == "double precision", typ == "real", strings.HasPrefix(typ, "numeric("):
		return strconv.Itoa(id)
	case typ == "smallint":
		return strconv.Itoa(id % 1000)
	case typ == "uuid":
		h := fmt.Sprintf("%x", text(0))
		for len(h) < 20 {
			h += "0"
		}
		sum := uint64(1469598103934665603)
		for _, b := range []byte(text(0)) {
			sum = (sum ^ uint64(b)) * 1099511628211
		}
		return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(id), sum&0xffffffffffff)
	case typ == "boolean":
		return "false"
	case typ == "jsonb", typ == "json":
		return "{}"
	case typ == "date":
		return "2026-01-02"
	case strings.HasPrefix(typ, "timestamp"):
		return "2026-01-02 03:04:05.678901"
	case typ == "inet":
		return "10.0.0.1"
	case typ == "bytea":
		return `\x00ff`
	}
	return text(0)
}

// refer points a row at rows of its tenant that are there.
func refer(m *tenancy.Map, class *tenancy.TableClass, keys map[string][]map[string]string, row map[string]string, i int) {
	point := func(e tenancy.Edge) {
		to := keys[e.To]
		if e.Backward || len(to) <= i {
			return
		}
		if e.TypeColumn != "" {
			if row[e.TypeColumn] != "" && !strings.HasPrefix(row[e.TypeColumn], "\x00") {
				return
			}
			row[e.TypeColumn] = e.TypeValues[0]
		}
		for k, col := range e.FromColumns {
			row[col] = to[i][e.ToColumns[k]]
		}
	}
	for _, e := range class.Owners {
		if e.TypeColumn != "" {
			delete(row, e.TypeColumn)
		}
	}
	for _, e := range class.Owners {
		point(e)
	}
	for _, e := range m.References {
		if e.From == class.Name() && e.TypeColumn == "" {
			point(e)
		}
	}
	for _, f := range class.Table.ForeignKeys {
		point(tenancy.Edge{From: class.Name(), FromColumns: f.Columns, To: f.RefTable, ToColumns: f.RefColumns})
	}
}

func insert(t testing.TB, c *pgx.Conn, table *structure.Table, row map[string]string) map[string]string {
	t.Helper()
	cols, vals, args := []string{}, []string{}, []any{}
	names := make([]string, 0, len(row))
	for name := range row {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if row[name] == "" {
			continue
		}
		args = append(args, row[name])
		cols = append(cols, pgx.Identifier{name}.Sanitize())
		vals = append(vals, fmt.Sprintf("$%d::text::%s", len(args), table.Column(name).Type))
	}
	var text string
	err := c.QueryRow(context.Background(), "INSERT INTO "+table.Quoted()+" AS x ("+strings.Join(cols, ", ")+") OVERRIDING SYSTEM VALUE VALUES ("+strings.Join(vals, ", ")+") RETURNING row_to_json(x)::text", args...).Scan(&text)
	require.NoError(t, err, table.Name)
	return parse(t, c, text)
}

func parse(t testing.TB, c *pgx.Conn, text string) map[string]string {
	t.Helper()
	rows, err := c.Query(context.Background(), "SELECT key, value FROM json_each_text($1::json)", text)
	require.NoError(t, err)
	out := map[string]string{}
	var k string
	var v *string
	_, err = pgx.ForEachRow(rows, []any{&k, &v}, func() error {
		if v != nil {
			out[k] = *v
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

func set(t testing.TB, c *pgx.Conn, table *structure.Table, key map[string]string, column, v string) {
	t.Helper()
	cond, args := []string{}, []any{v}
	for _, k := range table.Key() {
		args = append(args, key[k])
		cond = append(cond, fmt.Sprintf("%s = $%d::text::%s", pgx.Identifier{k}.Sanitize(), len(args), table.Column(k).Type))
	}
	_, err := c.Exec(context.Background(), "UPDATE "+table.Quoted()+" SET "+pgx.Identifier{column}.Sanitize()+" = $1::text::"+table.Column(column).Type+" WHERE "+strings.Join(cond, " AND "), args...)
	require.NoError(t, err, table.Name)
}

// Dump is every row of every table as text, sorted, by table: what two moments
// of one database are compared with. Tables of ours are left out, and those
// that except names.
func Dump(t testing.TB, c *pgx.Conn, except ...string) map[string][]string {
	t.Helper()
	rows, err := c.Query(context.Background(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT LIKE 'shard\_admin%' ORDER BY 1`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	out := map[string][]string{}
next:
	for _, table := range tables {
		for _, x := range except {
			if strings.HasSuffix(table, "."+x) {
				continue next
			}
		}
		rows, err := c.Query(context.Background(), "SELECT x::text FROM "+table+" x ORDER BY 1")
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		if len(list) > 0 {
			out[table] = list
		}
	}
	return out
}
