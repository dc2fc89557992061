package health

import (
	"fmt"

	"shardadmin/internal/sample"
)

type unusedIndexesLimits struct {
	UnusedDays  float64
	UnusedBytes float64 // smaller indexes are not worth a word
}

// unusedIndexes judges all shards only, since one cannot know.
func unusedIndexes() Check {
	return Check{
		Name: "unused_indexes", Title: "Every index is used somewhere", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("unused_indexes", sample.Tables)},
		Why:    "An index that no shard has used is kept up by every write for nothing. Standbys count for themselves and are not seen here.",
		Remedy: "Ask whether a report or a standby needs it; then drop it on every shard, in a migration of the application.",
		Limits: func(l *Limits) { l.UnusedDays, l.UnusedBytes = 35, 32*kB },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("info where no shard used it for %.0f days, each knows so much of its past, and it takes %s somewhere; never more, and never for one shard alone", l.UnusedDays, size(l.UnusedBytes))
		},
		Between: unused,
	}
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
			Severity: Info, Subject: x.name, Value: size(float64(x.largest)), Message: fmt.Sprintf("no shard has used the index %s of %s for %.0f days", x.name, x.table, l.UnusedDays),
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
