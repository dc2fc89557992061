package health

import (
	"fmt"
	"strings"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

func vacuum() Check {
	return Check{
		Name: "vacuum", Title: "Vacuum keeps up", Group: "storage", Tier: sample.Tables,
		Queries: []sample.Query{query("tables", sample.Tables), query("vacuum_progress", sample.Live)},
		Why:     "Dead rows are read and skipped by every scan, and their room is not used again; autovacuum should have come at the table's own trigger.",
		Remedy:  "See whether it runs and is slow, is kept from the table by a lock, or is held back by an old snapshot (horizon); then give it more cost, or run VACUUM.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning from %gx, critical from %gx the table's own trigger, and at least %s dead rows", l.DeadRows.Warning, l.DeadRows.Critical, whole(l.DeadLeast))
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("tables") {
				dead, trigger := r.FloatOr("dead", 0), r.FloatOr("trigger", 0)
				if dead < l.DeadLeast || trigger <= 0 {
					continue
				}
				s := grade(dead/trigger, l.DeadRows)
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "table"), Value: fmt.Sprintf("%.1fx its trigger", dead/trigger),
					Message:   named(r, "table") + " has " + whole(dead) + " dead rows; autovacuum should have come at " + whole(trigger),
					Advice:    "see what keeps vacuum from it, or run it",
					Statement: "VACUUM (VERBOSE) " + quoted(r.Text("schema"), r.Text("table")),
					Evidence:  table([]sample.Row{r}, "schema", "table", "live", "dead", "trigger", "bytes", "last_vacuum", "last_autovacuum"),
				}
				if !r.Is("autovacuum") {
					f.Advice = "autovacuum is switched off for the table; run vacuum, or switch it on"
				}
				for _, p := range now.rows("vacuum_progress") {
					if p.Text("schema") == r.Text("schema") && p.Text("table") == r.Text("table") {
						f.Advice = "a vacuum is at it: " + p.Text("phase")
						f.Statement = ""
						f.Evidence = table([]sample.Row{p}, "pid", "schema", "table", "phase", "blocks", "scanned", "index_rounds", "indexes_total", "indexes_processed", "seconds", "by")
					}
				}
				if out = append(out, f); len(out) == most {
					break
				}
			}
			return out
		},
	}
}

func bloat() Check {
	return Check{
		Name: "bloat", Title: "Tables and indexes are not much larger than their rows", Group: "storage", Tier: sample.Day,
		Queries: []sample.Query{query("bloat", sample.Day), query("unreadable", sample.Day)},
		Why:     "Empty room is read, cached and backed up like the rest.",
		Remedy:  "REINDEX CONCURRENTLY for indexes; for tables pg_repack or a quiet hour for VACUUM FULL, which locks the table. Moving tenants away leaves such room behind.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("estimate: warning from %s and %s, critical from %s and %s", percent(l.BloatShare.Warning), size(l.BloatBytes.Warning), percent(l.BloatShare.Critical), size(l.BloatBytes.Critical))
		},
		Blind: func(now, _ Reading) (string, string) {
			row, _ := now.row("unreadable")
			n := row.IntOr("tables", 0)
			if n == 0 {
				return "", ""
			}
			return "the role may not read " + figure.Count(n, "table") + ", whose bloat cannot be estimated", "GRANT SELECT ON ALL TABLES IN SCHEMA " + quoted(row.Text("schema")) + " TO " + quoted(now.Server.Role)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("bloat") {
				share, wasted := r.FloatOr("share", 0), r.FloatOr("wasted_bytes", 0)
				var s Severity
				switch {
				case share >= l.BloatShare.Critical && wasted >= l.BloatBytes.Critical:
					s = Critical
				case share >= l.BloatShare.Warning && wasted >= l.BloatBytes.Warning:
					s = Warning
				default:
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "name"), Value: size(wasted), Message: "about " + percent(share) + " of the " + r.Text("kind") + " " + named(r, "name") + " is empty room, " + size(wasted) + " (an estimate)",
					Advice: "pg_repack, or VACUUM FULL at a quiet hour: it locks the table", Evidence: table([]sample.Row{r}, "kind", "schema", "name", "bytes", "wasted_bytes", "share"),
				}
				if r.Text("kind") == "index" {
					f.Advice, f.Statement = "write the index anew beside its users", "REINDEX INDEX CONCURRENTLY "+quoted(r.Text("schema"), r.Text("name"))
				}
				out = append(out, f)
			}
			return out
		},
	}
}

func wraparound() Check {
	return Check{
		Name: "wraparound", Title: "Transaction ids are far from wrapping", Group: "storage", Tier: sample.Hour, Queries: []sample.Query{query("wraparound", sample.Hour)},
		Why:    "When the ids run out the server takes no more writes until the oldest tables are frozen, which can take hours.",
		Remedy: "Find out what keeps the aggressive vacuum from the table (a lock, a snapshot, workers that are busy) and freeze it.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning from %gx, critical from %gx the table's own freeze age, or from vacuum_failsafe_age; the same for multixacts", l.Freeze.Warning, l.Freeze.Critical)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("wraparound") {
				for _, kind := range []struct{ age, limit, failsafe, word string }{
					{"xid_age", "xid_limit", "failsafe", "transactions"}, {"mxid_age", "mxid_limit", "multixact_failsafe", "multixacts"},
				} {
					age, limit, failsafe := r.FloatOr(kind.age, 0), r.FloatOr(kind.limit, 0), r.FloatOr(kind.failsafe, 0)
					if limit <= 0 {
						continue
					}
					var s Severity
					switch {
					case age >= min(l.Freeze.Critical*limit, failsafe):
						s = Critical
					case age >= l.Freeze.Warning*limit:
						s = Warning
					default:
						continue
					}
					f := Finding{
						Severity: s, Subject: r.Text("kind") + " " + named(r, "name"), Value: whole(age) + " " + kind.word,
						Message: fmt.Sprintf("the oldest row of %s %s is %s %s old, %.1f times the age at which it should have been frozen", r.Text("kind"), named(r, "name"), whole(age), kind.word, age/limit),
						Advice:  "find out what keeps vacuum from it, then freeze it", Evidence: table([]sample.Row{r}, "kind", "schema", "name", "xid_age", "xid_limit", "mxid_age", "mxid_limit"),
					}
					switch r.Text("kind") {
					case "table", "toast":
						f.Statement = "VACUUM (FREEZE, VERBOSE) " + quoted(r.Text("schema"), r.Text("name"))
					default:
						f.Advice = "freeze the oldest tables of that database"
					}
					out = append(out, f)
				}
			}
			return out
		},
	}
}

func sequences() Check {
	return Check{
		Name: "sequences", Title: "Sequences have numbers left", Group: "storage", Tier: sample.Hour, Queries: []sample.Query{query("sequences", sample.Hour)},
		Why:    "At the end of the sequence, or of the column's type before it, every insert fails.",
		Remedy: "Make the column bigint ahead of time: changing the type writes the whole table anew, so add a new column and fill it in batches. Columns that refer to it need the same.",
		Thresholds: func(l Limits) string {
			return pairOf(l.Sequence, percent) + " of the smaller of the sequence and the column's type"
		},
		Blind: func(now, _ Reading) (string, string) {
			n, schema := int64(0), ""
			for _, r := range now.rows("sequences") {
				if !r.Is("readable") {
					n++
					schema = r.Text("schema")
				}
			}
			if n == 0 {
				return "", ""
			}
			return "the role may not read " + figure.Count(n, "sequence"), "GRANT SELECT ON ALL SEQUENCES IN SCHEMA " + quoted(schema) + " TO " + quoted(now.Server.Role)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("sequences") {
				last, known := r.Float("last")
				if !known || r.Is("cycles") {
					continue
				}
				lowest, end := r.FloatOr("lowest", 1), r.FloatOr("highest", 0)
				if typed, ok := r.Float("type_highest"); ok {
					end = min(end, typed)
				}
				used := (last - max(lowest, 0)) / (end - max(lowest, 0))
				if r.IntOr("increment", 1) < 0 {
					used = (r.FloatOr("highest", 0) - last) / (r.FloatOr("highest", 0) - lowest)
				}
				s := grade(used, l.Sequence)
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "sequence"), Value: percent(used), Message: "the sequence " + named(r, "sequence") + " has given " + percent(used) + " of its numbers; the last was " + text(r, "last"),
					Advice: "make room ahead of time", Evidence: table([]sample.Row{r}, "schema", "sequence", "last", "highest", "increment", "owner_table", "owner_column", "type"),
				}
				switch t := r.Text("type"); {
				case r.Text("owner_table") != "" && t != "bigint":
					f.Advice = "make " + r.Text("owner_table") + "." + r.Text("owner_column") + " (" + t + ") and what refers to it bigint; the statement locks and writes the table anew"
					f.Statement = "ALTER TABLE " + quoted(r.Text("owner_schema"), r.Text("owner_table")) + " ALTER COLUMN " + quoted(r.Text("owner_column")) + " TYPE bigint"
				case end < 1<<62:
					f.Statement = "ALTER SEQUENCE " + quoted(r.Text("schema"), r.Text("sequence")) + " AS bigint NO MAXVALUE"
				}
				out = append(out, f)
			}
			return out
		},
	}
}

func invalidConstraints() Check {
	return Check{
		Name: "invalid_constraints", Title: "Every constraint holds for every row", Group: "storage", Tier: sample.Tables, Queries: []sample.Query{query("invalid_constraints", sample.Tables)},
		Why:        "A constraint that was added NOT VALID is kept by new rows alone: older ones may break it. Such a row is refused when it is written again, as on the target of a move.",
		Remedy:     "Validate it, which reads the table beside its readers and writers and says which row breaks it; mend those rows first.",
		Thresholds: func(Limits) string { return "warning for each that is enforced and not validated" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("invalid_constraints") {
				where, statement := "table ", "ALTER TABLE "
				if r.Is("domain") {
					where, statement = "domain ", "ALTER DOMAIN "
				}
				out = append(out, Finding{
					Severity: Warning, Subject: named(r, "table") + "." + r.Text("constraint"),
					Message: "the " + r.Text("kind") + " constraint " + r.Text("constraint") + " of the " + where + named(r, "table") + " was not validated: rows from before it may break it",
					Advice:  "mend the rows that break it, then validate it", Statement: statement + quoted(r.Text("schema"), r.Text("table")) + " VALIDATE CONSTRAINT " + quoted(r.Text("constraint")),
					Evidence: table([]sample.Row{r}, "schema", "table", "constraint", "kind", "referenced", "rows"),
				})
			}
			return out
		},
	}
}

func invalidIndexes() Check {
	return Check{
		Name: "invalid_indexes", Title: "Every index is valid", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("invalid_indexes", sample.Tables)},
		Why:        "An index that a concurrent build left behind is kept up by every write and used by no read; a unique one does not promise anything.",
		Remedy:     "Build it anew, or drop it.",
		Thresholds: func(Limits) string { return "warning for each that nobody is building" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("invalid_indexes") {
				out = append(out, Finding{
					Severity: Warning, Subject: named(r, "index"), Message: "the index " + named(r, "index") + " of " + r.Text("table") + " is invalid: no read uses it",
					Advice: "build it anew, or drop it", Statement: "REINDEX INDEX CONCURRENTLY " + quoted(r.Text("schema"), r.Text("index")), Evidence: table([]sample.Row{r}, "schema", "table", "index", "written"),
				})
			}
			return out
		},
	}
}

func foreignKeys() Check {
	return Check{
		Name: "foreign_keys", Title: "Foreign keys have an index", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("foreign_keys", sample.Tables)},
		Why:    "Deleting a row that is referred to reads the whole referring table for each such key. A move deletes all rows of a tenant from its source.",
		Remedy: "Create the index concurrently.",
		Thresholds: func(l Limits) string {
			return "info; warning from " + whole(l.SeqScanRows) + " rows in the referring table"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("foreign_keys") {
				s := Info
				if r.FloatOr("rows", 0) >= l.SeqScanRows {
					s = Warning
				}
				columns := make([]string, 0, 2)
				for _, c := range r.Texts("columns") {
					columns = append(columns, quoted(c))
				}
				out = append(out, Finding{
					Severity: s, Subject: named(r, "table"), Message: named(r, "table") + " (" + strings.Join(r.Texts("columns"), ", ") + ") refers to " + r.Text("referenced") + " without an index",
					Advice: "create the index; it takes no lock that writers wait for", Statement: "CREATE INDEX CONCURRENTLY ON " + quoted(r.Text("schema"), r.Text("table")) + " (" + strings.Join(columns, ", ") + ")",
					Evidence: table([]sample.Row{r}, "schema", "table", "key", "columns", "referenced", "rows"),
				})
			}
			return out
		},
	}
}

func missingIndexes() Check {
	return Check{
		Name: "missing_indexes", Title: "Large tables are not read as a whole", Group: "indexes", Tier: sample.Tables, Deltas: true, Queries: []sample.Query{query("tables", sample.Tables)},
		Why:    "Reading a whole table for a few of its rows takes time and pushes other tables out of memory.",
		Remedy: "Look for the statements on that table (top statements, auto_explain) and give their conditions an index.",
		Thresholds: func(l Limits) string {
			return "info where at least " + percent(l.SeqScanShare) + " of the scans between two looks read the whole of a table of " + whole(l.SeqScanRows) + " rows"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			earlier := map[string]sample.Row{}
			for _, r := range before.rows("tables") {
				earlier[r.Text("schema")+"."+r.Text("table")] = r
			}
			d, _ := window(now, before, "tables")
			out := []Finding{}
			for _, r := range now.rows("tables") {
				b, ok := earlier[r.Text("schema")+"."+r.Text("table")]
				if !ok || r.FloatOr("rows", 0) < l.SeqScanRows {
					continue
				}
				seq, ok := grown(r, b, "seq_scan")
				idx, also := grown(r, b, "idx_scan")
				if r.Value("idx_scan") == nil { // it has no index at all
					idx, also = 0, true
				}
				if !ok || !also || seq == 0 || seq/(seq+idx) < l.SeqScanShare {
					continue
				}
				out = append(out, Finding{
					Severity: Info, Subject: named(r, "table"), Value: percent(seq / (seq + idx)), Message: whole(seq) + " of " + whole(seq+idx) + " scans of " + named(r, "table") + " read all its " + whole(r.FloatOr("rows", 0)) + " rows" + over(d),
					Advice: "look for the statements and give their conditions an index", Evidence: table([]sample.Row{r}, "schema", "table", "rows", "bytes", "seq_scan", "idx_scan"),
				})
			}
			return out
		},
	}
}

func duplicateIndexes() Check {
	return Check{
		Name: "duplicate_indexes", Title: "No index repeats another", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("duplicate_indexes", sample.Tables)},
		Why:        "Every write keeps it up, and what it can answer another index answers, too.",
		Remedy:     "Drop the shorter one. Where it is much smaller it may still be the faster one for its column.",
		Thresholds: func(Limits) string { return "info for each; never more" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("duplicate_indexes") {
				out = append(out, Finding{
					Severity: Info, Subject: named(r, "index"), Value: text(r, "bytes"), Message: "the index " + named(r, "index") + " of " + r.Text("table") + " is covered by " + r.Text("covered_by"),
					Advice: "drop it on every shard, in a migration of the application", Statement: "DROP INDEX CONCURRENTLY " + quoted(r.Text("schema"), r.Text("index")),
					Evidence: table([]sample.Row{r}, "schema", "table", "index", "bytes", "covered_by"),
				})
			}
			return out
		},
	}
}

// unusedIndexes asks only; Fleet judges, since one shard cannot know.
func unusedIndexes() Check {
	return Check{
		Name: "unused_indexes", Title: "Every index is used somewhere", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("unused_indexes", sample.Tables)},
		Why:    "An index that no shard has used is kept up by every write for nothing. Standbys count for themselves and are not seen here.",
		Remedy: "Ask whether a report or a standby needs it; then drop it on every shard, in a migration of the application.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("info where no shard used it for %.0f days, each knows so much of its past, and it takes %s somewhere; never more, and never for one shard alone", l.UnusedDays, size(l.UnusedBytes))
		},
		Judge: func(Reading, Reading, Limits) []Finding { return nil },
	}
}
