package health

import (
	"maps"
	"slices"
	"strings"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

// Fleet compares shards, by name: what one alone cannot know. Shards that did
// not answer are left out of comparisons, and nothing is called unused while
// one of them is.
func Fleet(shards map[string]Reading, l Limits) []Finding {
	out := []Finding{}
	for _, c := range Checks() {
		if c.Between == nil {
			continue
		}
		for _, f := range c.Between(shards, l) {
			f.Check = c.Name
			out = append(out, f)
		}
	}
	Sort(out)
	return out
}

func sorted(shards map[string]Reading) []string {
	names := []string{}
	for n := range shards {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// drift finds what has different values on shards. Settings that one version
// has and another has not are no drift; a missing extension is.
func drift(shards map[string]Reading, query, key, value string, leaveOut func(sample.Row) bool) []Finding {
	// Settings are the server's; the shards of one agree with themselves.
	if query == "settings" {
		shards = oneOfEach(shards)
	}
	out := []Finding{}
	for _, k := range spread(shards, query, key, value, leaveOut) {
		if len(k.rows) < 2 {
			continue
		}
		out = append(out, Finding{
			Severity: Info, Subject: k.key, Value: figure.Number(int64(len(k.rows))), Message: strings.TrimSuffix(query, "s") + " " + k.key + " differs between shards: " + strings.Join(told(k.rows), "; "),
			Advice: "make them equal, or know why they are not", Evidence: Evidence{Columns: []string{"value", "shards"}, Rows: k.rows},
		})
	}
	return out
}

// oneOfEach keeps one shard of each server that answered.
func oneOfEach(shards map[string]Reading) map[string]Reading {
	out, servers := map[string]Reading{}, map[string]bool{}
	for _, shard := range sorted(shards) {
		if now := shards[shard]; now.Err == nil && !servers[now.Server.Instance()] {
			servers[now.Server.Instance()] = true
			out[shard] = now
		}
	}
	return out
}

// valued is what has a value on each shard; rows are a value and the shards that
// have it.
type valued struct {
	key  string
	rows [][]string
}

// spread is which shards have which values, by key.
func spread(shards map[string]Reading, query, key, value string, leaveOut func(sample.Row) bool) []valued {
	values := map[string]map[string][]string{} // by key, by value: shards
	asked := []string{}
	for _, shard := range sorted(shards) {
		now := shards[shard]
		if res, ok := now.Results[query]; now.Err != nil || !ok || res.Err != nil {
			continue
		}
		asked = append(asked, shard)
		for r := range now.Results[query].All() {
			if leaveOut != nil && leaveOut(r) {
				continue
			}
			if values[r.Text(key)] == nil {
				values[r.Text(key)] = map[string][]string{}
			}
			v := r.Text(value)
			if u := r.Text("unit"); u != "" {
				v += " " + u
			}
			values[r.Text(key)][v] = append(values[r.Text(key)][v], shard)
		}
	}
	out := []valued{}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if query == "extensions" {
			has := slices.Concat(slices.Collect(maps.Values(values[k]))...)
			for _, s := range asked {
				if !slices.Contains(has, s) {
					values[k][notInstalled] = append(values[k][notInstalled], s)
				}
			}
		}
		rows := [][]string{}
		for v, on := range values[k] {
			rows = append(rows, []string{v, strings.Join(on, ", ")})
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
		out = append(out, valued{k, rows})
	}
	return out
}

func told(rows [][]string) []string {
	out := []string{}
	for i, r := range rows {
		if i == 3 {
			return append(out, "…")
		}
		v := r[0]
		if v == "" {
			v = "empty"
		}
		out = append(out, v+" on "+r[1])
	}
	return out
}
