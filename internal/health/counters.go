package health

import (
	"fmt"
	"time"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

// databaseQuery is asked once for all checks of the database's counters.
func databaseQuery() []sample.Query { return []sample.Query{query("database", sample.Minute)} }

// over says of which time a rate is.
func over(d time.Duration) string { return " in the last " + figure.Span(d) }

// perMinute is how fast a counter of the database ran.
func perMinute(now, before Reading, column string) (rate float64, d time.Duration, ok bool) {
	d, reason := window(now, before, "database")
	grown, ok := delta(now, before, "database", column)
	if reason != "" || !ok {
		return 0, d, false
	}
	return grown / d.Minutes(), d, true
}

// Transactions is how many transactions a second ended in the database between two
// looks; false where that is not known.
func Transactions(now, before Reading) (perSecond float64, over time.Duration, ok bool) {
	d, reason := window(now, before, "database")
	commits, first := delta(now, before, "database", "xact_commit")
	rollbacks, second := delta(now, before, "database", "xact_rollback")
	if reason != "" || !first || !second {
		return 0, d, false
	}
	return (commits + rollbacks) / d.Seconds(), d, true
}

// HitRate is a share of blocks that came from memory.
type HitRate struct {
	// Share is 0 to 1; nil where nothing was read.
	Share *float64
	// Window is the time that it is about; 0 where it is about all since Since,
	// when the statistics were last reset, which may be unknown (zero).
	Window time.Duration
	Since  time.Time
	// Reads is how many blocks a second did not come from memory; 0 without
	// a window.
	Reads float64
}

// CacheHits is the share of all blocks of the database.
func CacheHits(now, before Reading) HitRate {
	return hits(now, before, "database", "blks_hit", "blks_read")
}

// IndexHits is the share of the blocks of its indexes.
func IndexHits(now, before Reading) HitRate {
	return hits(now, before, "index_reads", "index_hit", "index_read")
}

func hits(now, before Reading, query, hit, read string) HitRate {
	var h HitRate
	d, reason := window(now, before, query)
	a, ok := delta(now, before, query, hit)
	b, also := delta(now, before, query, read)
	if reason == "" && ok && also && a+b > 0 {
		share := a / (a + b)
		return HitRate{Share: &share, Window: d, Reads: b / d.Seconds()}
	}
	row, known := now.row(query)
	if !known {
		return h
	}
	h.Since, _ = row.Time("stats_reset")
	if all := row.FloatOr(hit, 0) + row.FloatOr(read, 0); all > 0 {
		share := row.FloatOr(hit, 0) / all
		h.Share = &share
	}
	return h
}

func cacheHits() Check {
	return Check{
		Name: "cache_hits", Title: "Reads come from memory", Group: "load", Tier: sample.Minute, Deltas: true,
		Queries: []sample.Query{query("database", sample.Minute), query("index_reads", sample.Minute)},
		Why:     "A block from memory costs a thousandth of one from the disk. A rate alone says little: a shard that does nothing may have a low one.",
		Remedy:  "Look for statements that read whole tables first; then shared_buffers and memory against the size of what is used.",
		Thresholds: func(l Limits) string {
			return "warning below " + percent(l.CacheHits) + " while more than " + whole(l.CacheReads) + " blocks a second are read; never critical"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			h := CacheHits(now, before)
			if h.Window == 0 || h.Share == nil || *h.Share >= l.CacheHits || h.Reads < l.CacheReads {
				return nil
			}
			return []Finding{{
				Severity: Warning, Value: percent(*h.Share), Message: fmt.Sprintf("%s of blocks came from memory%s, and %s a second did not", percent(*h.Share), over(h.Window), whole(h.Reads)),
				Advice: "look for statements that read whole tables; then at shared_buffers and memory",
			}}
		},
	}
}

func tempFiles() Check {
	return Check{
		Name: "temp_files", Title: "Sorts fit into memory", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:        "What does not fit into work_mem is written to the disk and read back: the statement is slow, and so are its neighbours.",
		Remedy:     "log_temp_files names the statements; give them an index, less to sort, or the role that runs them more work_mem.",
		Thresholds: func(l Limits) string { return pairOf(l.TempBytes, size) + " a minute" },
		Judge: func(now, before Reading, l Limits) []Finding {
			rate, d, ok := perMinute(now, before, "temp_bytes")
			s := grade(rate, l.TempBytes)
			if !ok || s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: size(rate) + " a minute", Message: "temporary files take " + size(rate) + " a minute" + over(d),
				Advice: "find the statements with log_temp_files; they need an index, less to sort or more work_mem",
			}}
		},
	}
}

func deadlocks() Check {
	return Check{
		Name: "deadlocks", Title: "Transactions do not lock each other out", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:    "The server ends one of the two transactions with an error; somebody's request failed.",
		Remedy: "The server's log has both statements. Lock rows in the same order everywhere, or try again.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning with any, critical from %s a minute", whole(l.Deadlocks.Critical))
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			rate, d, ok := perMinute(now, before, "deadlocks")
			s := grade(rate, l.Deadlocks)
			if !ok || s == "" {
				return nil
			}
			n, _ := delta(now, before, "database", "deadlocks")
			return []Finding{{
				Severity: s, Value: whole(n), Message: figure.Count(int64(n), "deadlock") + over(d),
				Advice: "the server's log has the statements; rows must be locked in the same order everywhere",
			}}
		},
	}
}

func rollbacks() Check {
	return Check{
		Name: "rollbacks", Title: "Transactions succeed", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:    "Many rollbacks are failed requests, or an application that tries what it could have asked.",
		Remedy: "The server's log has the errors; the application's log knows the requests.",
		Thresholds: func(l Limits) string {
			return pairOf(l.Rollbacks, percent) + " of at least " + whole(l.RollbackLeast) + " transactions"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			back, ok := delta(now, before, "database", "xact_rollback")
			done, also := delta(now, before, "database", "xact_commit")
			d, reason := window(now, before, "database")
			if !ok || !also || reason != "" || back+done < l.RollbackLeast {
				return nil
			}
			s := grade(back/(back+done), l.Rollbacks)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: percent(back / (back + done)), Message: whole(back) + " of " + whole(back+done) + " transactions were rolled back" + over(d),
				Advice: "the server's log has the errors",
			}}
		},
	}
}

func checksums() Check {
	return Check{
		Name: "checksums", Title: "No block is damaged", Group: "storage", Tier: sample.Minute, Queries: databaseQuery(),
		Why:        "The disk or the memory gave back something else than what was written: data is lost and more may follow.",
		Remedy:     "Stop moving tenants there. Fail over to a standby or restore; have the storage examined before it is used again.",
		Thresholds: func(Limits) string { return "critical with any" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			row, _ := now.row("database")
			n := row.IntOr("checksum_failures", 0)
			if n == 0 {
				return nil
			}
			return []Finding{{
				Severity: Critical, Value: figure.Number(n), Message: figure.Count(n, "checksum failure") + " since the statistics were reset, the last at " + cell(row, "checksum_last_failure"),
				Advice: "fail over or restore; have the storage examined",
			}}
		},
	}
}

func capacity() Check {
	return Check{
		Name: "capacity", Title: "There is room", Group: "storage", Tier: sample.Minute, Queries: append(databaseQuery(), query("tables", sample.Tables)),
		Why:    "A full disk stops every write on the server, vacuum included.",
		Remedy: "Move tenants to another shard, or give the server a larger disk and the fleet file the new capacity.",
		Thresholds: func(l Limits) string {
			return pairOf(l.Capacity, percent) + fmt.Sprintf(" of the capacity in the fleet file, or when growth reaches it within %.0f and %.0f days; nothing without one", l.FullDays.Warning, l.FullDays.Critical)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			row, _ := now.row("database")
			bytes := row.FloatOr("bytes", 0)
			if now.CapacityBytes <= 0 {
				return nil
			}
			s := grade(bytes/float64(now.CapacityBytes), l.Capacity)
			if soon := soonFull(now, l); s == "" || soon != nil && soon.Severity.Rank() < s.Rank() {
				if soon == nil {
					return nil
				}
				soon.Evidence = table(now.rows("tables"), "schema", "table", "bytes", "rows")
				return []Finding{*soon}
			}
			return []Finding{{
				Severity: s, Value: percent(bytes / float64(now.CapacityBytes)), Message: "the database has " + size(bytes) + " of the " + size(float64(now.CapacityBytes)) + " that the fleet file gives it",
				Advice: "move tenants to another shard, or make room", Evidence: table(now.rows("tables"), "schema", "table", "bytes", "rows"),
			}}
		},
	}
}

// soonFull is what is said of a database that grows towards its capacity.
func soonFull(now Reading, l Limits) *Finding {
	if now.FullSoonest == nil || *now.FullSoonest > l.FullDays.Warning {
		return nil
	}
	f := &Finding{Severity: Warning, Value: fmt.Sprintf("%.0f days", *now.FullSoonest), Advice: "move tenants to another shard before it is full"}
	if *now.FullSoonest <= l.FullDays.Critical {
		f.Severity = Critical
	}
	f.Message = fmt.Sprintf("as it grows, the database reaches its capacity of %s in %.0f days at the soonest", size(float64(now.CapacityBytes)), *now.FullSoonest)
	if now.FullLatest != nil {
		f.Message += fmt.Sprintf(", in %.0f at the latest", *now.FullLatest)
	}
	return f
}

// checkpointsOver is the time of which the share of requested checkpoints is made:
// checkpoint_timeout is 5 minutes and more, so that two neighbouring looks hardly ever
// have two checkpoints between them.
const checkpointsOver = time.Hour

func checkpoints() Check {
	asks := query("checkpoints", sample.Minute)
	asks.Over = checkpointsOver
	return Check{
		Name: "checkpoints", Title: "Checkpoints keep to their time", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Queries: []sample.Query{asks},
		Why:    "A checkpoint that comes because the WAL is full comes at the worst moment and writes whole pages anew after each.",
		Remedy: "Raise max_wal_size until checkpoints are started by checkpoint_timeout.",
		Thresholds: func(l Limits) string {
			return "warning above " + percent(l.Requested) + " requested of at least " + whole(l.RequestedLeast) + " checkpoints" + over(checkpointsOver)
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			asked, ok := delta(now, before, "checkpoints", "requested")
			timed, also := delta(now, before, "checkpoints", "timed")
			d, _ := window(now, before, "checkpoints")
			if !ok || !also || asked+timed < l.RequestedLeast || asked/(asked+timed) <= l.Requested {
				return nil
			}
			return []Finding{{
				Severity: Warning, Value: percent(asked / (asked + timed)), Message: whole(asked) + " of " + whole(asked+timed) + " checkpoints did not wait for their time" + over(d),
				Advice: "raise max_wal_size",
			}}
		},
	}
}

func wal() Check {
	return Check{
		Name: "wal", Title: "Not too much is logged", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Queries: []sample.Query{query("wal", sample.Minute)},
		Why:        "Standbys, slots and the archive must keep up with the WAL; where they do not, they fall behind or the disk fills.",
		Remedy:     "Find the statements that write most; slow a move down, or split up a large change.",
		Thresholds: func(l Limits) string { return pairOf(l.WALBytes, size) + " a second" },
		Judge: func(now, before Reading, l Limits) []Finding {
			n, ok := delta(now, before, "wal", "wal_bytes")
			d, reason := window(now, before, "wal")
			if !ok || reason != "" {
				return nil
			}
			s := grade(n/d.Seconds(), l.WALBytes)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: size(n/d.Seconds()) + " a second", Message: "the server writes " + size(n/d.Seconds()) + " of WAL a second" + over(d), Advice: "find the statements that write most",
			}}
		},
	}
}

func transfers() Check {
	return Check{
		Name: "io", Title: "The disk is not the limit", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Monitor: true, Queries: []sample.Query{query("io", sample.Minute)},
		Why:    "Every disk has a speed above which all statements wait for it.",
		Remedy: "Find the statements that read most; more memory, or a faster disk.",
		Thresholds: func(l Limits) string {
			return "info from " + size(l.IOBytes) + " a second, read and written"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			read, ok := delta(now, before, "io", "read_bytes")
			written, also := delta(now, before, "io", "write_bytes")
			d, reason := window(now, before, "io")
			if !ok || !also || reason != "" {
				return nil
			}
			value := size(read/d.Seconds()) + " read and " + size(written/d.Seconds()) + " written a second"
			if (read+written)/d.Seconds() >= l.IOBytes {
				return []Finding{{Severity: Info, Value: value, Message: value + over(d), Advice: "find the statements that read most"}}
			}
			return nil
		},
	}
}
