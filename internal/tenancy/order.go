package tenancy

import "slices"

// Groups puts tables into the order of their foreign keys, parents first.
// Tables whose keys lead round in a circle make one group; within it only the
// keys that cannot wait for the end of a transaction give the order.
func Groups(tables []*TableClass) [][]*TableClass {
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
		for _, f := range in[v].Table.ForeignKeys {
			w := f.RefTable
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
