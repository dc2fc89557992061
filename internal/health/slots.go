package health

import (
	"shardadmin/internal/sample"
)

type slotsLimits struct {
	SlotBytes Pair    // WAL that is kept
	SlotLeft  float64 // share of max_slot_wal_keep_size
}

func slots() Check {
	return Check{
		Name: "slots", Title: "Replication slots are read", Group: "server", Tier: sample.Hour, Server: true, Queries: []sample.Query{query("slots", sample.Hour)},
		Why:    "A slot keeps all WAL that its reader has not taken. With nobody reading it the disk of the server fills up.",
		Remedy: "Start its reader, or drop the slot. max_slot_wal_keep_size bounds what all slots may keep.",
		Limits: func(l *Limits) { l.SlotBytes, l.SlotLeft = Pair{5 * gB, 20 * gB}, 0.25 },
		Thresholds: func(l Limits) string {
			return "warning where nobody reads it; " + pairOf(l.SlotBytes, size) + " kept; warning below " + percent(l.SlotLeft) + " of max_slot_wal_keep_size left; critical where it is unreserved or lost"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("slots") {
				kept := r.FloatOr("kept_bytes", 0)
				s := grade(kept, l.SlotBytes)
				says := "keeps " + size(kept) + " of WAL"
				if !r.Is("active") {
					s = worse(s, Warning)
					says += " and nobody reads it"
					if d, ok := r.Float("inactive_seconds"); ok {
						says += ", for " + span(d)
					}
				}
				safe, bounded := r.Float("safe_bytes")
				if all, ok := r.Float("limit_bytes"); ok && bounded && safe < all*l.SlotLeft {
					s = worse(s, Warning)
					says += "; " + size(max(safe, 0)) + " are left before it is lost"
				}
				if status := r.Text("status"); status == "unreserved" || status == "lost" {
					s = Critical
					says += "; its WAL is " + status
				}
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: "slot " + r.Text("slot"), Value: size(kept), Message: "the slot " + r.Text("slot") + " " + says, Advice: "start its reader; drop the slot only when nobody needs it",
					Evidence: table([]sample.Row{r}, "slot", "type", "database", "active", "status", "kept_bytes", "safe_bytes", "invalid"),
				}
				if !r.Is("active") {
					f.Statement = "SELECT pg_drop_replication_slot(" + literal(r.Text("slot")) + ")"
				}
				out = append(out, f)
			}
			return out
		},
	}
}
