package health

import (
	"fmt"
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
	out = append(out, unused(shards, l)...)
	out = append(out, drift(shards, "settings", "name", "setting", differsByNature)...)
	out = append(out, drift(shards, "extensions", "extension", "installed", nil)...)
	out = append(out, versions(shards)...)
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

// unused are the indexes that no shard has used in UnusedDays. A shard whose
// statistics are younger, or that did not answer, may have used any.
func unused(shards map[string]Reading, l Limits) []Finding {
	list, unread := indexes(shards)
	if len(unread) > 0 {
		return nil
	}
	out := []Finding{}
	for _, x := range list {
		used, rows := false, [][]string{}
		for _, on := range x.on {
			used = used || on.row.Is("needed") || !idle(shards[on.shard], on.row, l)
			rows = append(rows, []string{on.shard, text(on.row, "scans"), text(on.row, "bytes"), cell(on.row, "last_scan")})
		}
		if used || float64(x.largest) < l.UnusedBytes {
			continue
		}
		f := Finding{
			Check: "unused_indexes", Severity: Info, Subject: x.name, Value: size(float64(x.largest)), Message: fmt.Sprintf("no shard has used the index %s of %s for %.0f days", x.name, x.table, l.UnusedDays),
			Advice: "ask whether a standby or a rare report needs it; then drop it on every shard, in a migration", Statement: "DROP INDEX CONCURRENTLY " + quoted(x.schema, x.name),
			Evidence: Evidence{Columns: []string{"shard", "scans", "bytes", "last_scan"}, Rows: rows},
		}
		out = append(out, f)
	}
	return out
}

// index is an index by its names, with what the shards that have it say of it.
type index struct {
	schema, table, name string
	// bytes are those of all shards, largest those of one.
	bytes, largest int64
	on             []indexOn
}

type indexOn struct {
	shard string
	row   sample.Row
}

// indexes are those of all shards, and the shards that did not say which they
// have, in the order of their names.
func indexes(shards map[string]Reading) (list []*index, unread []string) {
	type key struct{ schema, table, name string }
	known := map[key]*index{}
	for _, shard := range sorted(shards) {
		now := shards[shard]
		if res, asked := now.Results["unused_indexes"]; now.Err != nil || !asked || res.Err != nil {
			unread = append(unread, shard)
			continue
		}
		for r := range now.Results["unused_indexes"].All() {
			k := key{r.Text("schema"), r.Text("table"), r.Text("index")}
			if known[k] == nil {
				known[k] = &index{schema: k.schema, table: k.table, name: k.name}
				list = append(list, known[k])
			}
			x, bytes := known[k], r.IntOr("bytes", 0)
			x.bytes += bytes
			x.largest = max(x.largest, bytes)
			x.on = append(x.on, indexOn{shard, r})
		}
	}
	return list, unread
}

// idle reports whether a shard knows that it did not use an index for so long.
func idle(now Reading, r sample.Row, l Limits) bool {
	days := l.UnusedDays * 24 * 3600
	if r.FloatOr("known_seconds", 0) < days {
		return false
	}
	if last, ok := r.Time("last_scan"); ok {
		return now.At.Sub(last).Seconds() >= days
	}
	return r.IntOr("scans", 1) == 0
}

// differsByNature are settings that say where a server is and what it is
// called, or that a session has for itself.
func differsByNature(r sample.Row) bool {
	switch r.Text("source") {
	case "client", "session", "override":
		return true
	}
	switch n := r.Text("name"); {
	case slices.Contains([]string{
		"port", "listen_addresses", "cluster_name", "primary_conninfo", "primary_slot_name", "application_name", "archive_command", "restore_command", "recovery_target_timeline", "server_version", "server_version_num",
		"transaction_isolation", "transaction_read_only", "transaction_deferrable", "in_hot_standby", "search_path",
	}, n):
		return true
	case strings.HasSuffix(n, "_file"), strings.HasSuffix(n, "_directory"), strings.HasSuffix(n, "_directories"), strings.HasPrefix(n, "ssl"), strings.HasPrefix(n, "log_"), strings.HasPrefix(n, "lc_"):
		return true
	}
	return false
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
			Check: query, Severity: Info, Subject: k.key, Value: figure.Number(int64(len(k.rows))), Message: strings.TrimSuffix(query, "s") + " " + k.key + " differs between shards: " + strings.Join(told(k.rows), "; "),
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

// notInstalled is the value of an extension where it is not.
const notInstalled = "not installed"

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

// versions finds minor versions of one major that differ between servers.
func versions(shards map[string]Reading) []Finding {
	byMajor := map[int]map[string][]string{}
	majors := []int{}
	for _, shard := range sorted(shards) {
		now := shards[shard]
		if now.Err != nil || now.Server.Version == 0 {
			continue
		}
		if byMajor[now.Server.Major()] == nil {
			byMajor[now.Server.Major()] = map[string][]string{}
			majors = append(majors, now.Server.Major())
		}
		short, _, _ := strings.Cut(now.Server.VersionText, " ")
		byMajor[now.Server.Major()][short] = append(byMajor[now.Server.Major()][short], shard)
	}
	out := []Finding{}
	slices.Sort(majors)
	for _, m := range majors {
		if len(byMajor[m]) < 2 {
			continue
		}
		rows := [][]string{}
		for v, on := range byMajor[m] {
			rows = append(rows, []string{v, strings.Join(on, ", ")})
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		out = append(out, Finding{
			Check: "version", Severity: Info, Subject: fmt.Sprintf("PostgreSQL %d", m), Value: figure.Number(int64(len(rows))), Message: "shards run different minor versions: " + strings.Join(told(rows), "; "),
			Advice: "bring all to the newest", Evidence: Evidence{Columns: []string{"version", "shards"}, Rows: rows},
		})
	}
	return out
}
