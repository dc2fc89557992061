package preflight

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
)

//go:embed keys.sql
var keysSQL string

// alike refuses tenants that are told apart by what is equal without being the same:
// the guards know a tenant by the text of its key, as 1 and 1.0 are two of, and an
// operator of an extension is not theirs. Such a row would be the tenant's by its
// foreign key and a stranger's to the guards, so that its writes would pass a fence.
func (w *planner) alike(ctx context.Context) error {
	var tables, columns []string
	var tenant []bool
	add := func(table, column string, is bool) {
		tables, columns, tenant = append(tables, table), append(columns, column), append(tenant, is)
	}
	if w.m.Root != nil {
		add(w.m.Root.Table.Quoted(), w.m.Profile.Tenants.Key, true)
	}
	for _, c := range w.m.Moving() {
		if c.TenantColumn != "" {
			add(c.Table.Quoted(), c.TenantColumn, true)
		}
		for _, e := range c.Owners {
			from, to := w.m.Table(e.From), w.m.Table(e.To)
			if from == nil || to == nil {
				continue
			}
			for i, name := range e.FromColumns {
				a, b := from.Table.Column(name), to.Table.Column(e.ToColumns[i])
				// What differs in type is compared as text on every side.
				if a != nil && b != nil && a.SQLType == b.SQLType {
					add(from.Table.Quoted(), name, false)
				}
			}
		}
	}
	rows, err := w.src.Query(ctx, keysSQL, tables, columns, tenant)
	if err != nil {
		return conn.Fault(err, w.Source.Name())
	}
	bad := []string{}
	var table, column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
		bad = append(bad, fmt.Sprintf("%s.%s (%s)", table, column, kind))
		return nil
	}); err != nil {
		return conn.Fault(err, w.Source.Name())
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		w.p.check("keys", Blocker, "give these columns a type whose equal values are the same text: bigint, uuid or text",
			"rows find their tenant by values that may be equal without being the same text, and a fence would let such a writer pass: "+some(bad)).seen("%s", strings.Join(bad, ", "))
		return nil
	}
	w.p.check("keys", OK, "", "tenants are told apart by values that are equal only where they are the same")
	return nil
}
