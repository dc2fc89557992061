package health

import (
	"fmt"
	"time"

	"shardadmin/internal/sample"
)

type cacheHitsLimits struct {
	CacheHits  float64 // share below which
	CacheReads float64 // and reads a second above which it warns
}

func cacheHits() Check {
	return Check{
		Name: "cache_hits", Title: "Reads come from memory", Group: "load", Tier: sample.Minute, Deltas: true,
		Queries: []sample.Query{query("database", sample.Minute), query("index_reads", sample.Minute)},
		Why:     "A block from memory costs a thousandth of one from the disk. A rate alone says little: a shard that does nothing may have a low one.",
		Remedy:  "Look for statements that read whole tables first; then shared_buffers and memory against the size of what is used.",
		Limits:  func(l *Limits) { l.CacheHits, l.CacheReads = 0.95, 1000 },
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
