package tenancy

import "slices"

// Groups puts tables into the order in which their rows may come: after the
// parents that foreign keys name and after their owners. It is also, backwards,
// the order in which they may go. Tables that lead round in a circle make one
// group and come or go in one transaction; within it only the keys that cannot
// wait for its end give the order.
func (m *Map) Groups(tables []*TableClass) [][]*TableClass {
	in := map[string]*TableClass{}
	for _, c := range tables {
		in[c.Name()] = c
	}
	// Tarjan's strongly connected parts; parents come out first.
	index, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var stack []string
	out := [][]*TableClass{}
	var visit func(string)
	visit = func(v string) {
		index[v] = len(index) + 1
		low[v] = index[v]
		stack, on[v] = append(stack, v), true
		for _, w := range m.after(in[v]) {
			if in[w] == nil {
				continue
			}
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		at := slices.Index(stack, v)
		group := []*TableClass{}
		for _, w := range stack[at:] {
			on[w] = false
			group = append(group, in[w])
		}
		stack = stack[:at]
		out = append(out, within(group))
	}
	for _, c := range tables {
		if index[c.Name()] == 0 {
			visit(c.Name())
		}
	}
	return out
}

// Listed tables have rows whose owner only a list tells once they are copied:
// those that others point at, and those of an ownership cycle.
func (c *TableClass) Listed() bool { return c.Kind == OwnedByRef || c.Cycle > 0 }

// OwnerTables are the tables without whose rows nobody can tell whose rows c
// has. While c's rows are there theirs must be, or a copy that ends in its
// middle leaves rows that nothing finds again. A listed owner is itself known by
// its own owners only, so these count too.
func (m *Map) OwnerTables(c *TableClass) []string {
	out := []string{}
	if c.Listed() {
		return out
	}
	var add func(from *TableClass)
	add = func(from *TableClass) {
		for _, e := range from.Owners {
			if e.To == c.Name() || slices.Contains(out, e.To) {
				continue
			}
			out = append(out, e.To)
			if to := m.byName[e.To]; to != nil && to.Listed() {
				add(to)
			}
		}
	}
	add(c)
	return out
}

// after are the tables whose rows come before those of c.
func (m *Map) after(c *TableClass) []string {
	out := []string{}
	for _, f := range c.Table.ForeignKeys {
		out = append(out, f.RefTable)
	}
	return append(out, m.OwnerTables(c)...)
}

// within orders a group by the keys that cannot wait; a circle of such keys is
// broken at its first table.
func within(group []*TableClass) []*TableClass {
	if len(group) == 1 {
		return group
	}
	slices.SortFunc(group, func(a, b *TableClass) int {
		if a.Name() < b.Name() {
			return -1
		}
		return 1
	})
	in, seen := map[string]*TableClass{}, map[string]bool{}
	for _, c := range group {
		in[c.Name()] = c
	}
	out := make([]*TableClass, 0, len(group))
	var visit func(c *TableClass)
	visit = func(c *TableClass) {
		if seen[c.Name()] {
			return
		}
		seen[c.Name()] = true
		for _, f := range c.Table.ForeignKeys {
			if to := in[f.RefTable]; to != nil && !f.Deferrable {
				visit(to)
			}
		}
		out = append(out, c)
	}
	for _, c := range group {
		visit(c)
	}
	return out
}
