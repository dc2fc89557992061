package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardadmin/internal/audit"
)

// did says an action in words; one that is new is said as it is called.
func did(action string) string {
	if w, ok := map[string]string{
		"fleet.install": "Schema installed", "fleet.uninstall": "Schema removed", "fleet.stripe": "Sequences striped", "operator.set": "Operator filed",
		"policy.set": "Policy set", "tenant.assign": "Tenant assigned", "move.start": "Move started", "move.switch": "Move switched", "move.resume": "Move resumed",
		"move.cancel": "Move cancelled", "move.rollback": "Move rolled back", "move.finalize": "Move finalized", "audit.export": "Trail exported",
		"credential.set": "Credential set", "credential.rotate": "Credential replaced", "credential.forget": "Credential forgotten", "queue.pause": "Queue paused", "queue.resume": "Queue resumed", "queue.set": "Queue rules set",
		"audit.key.enroll": "Signing key enrolled", "audit.key.revoke": "Signing key revoked", "audit.checkpoint": "Chain signed", "audit.purge": "Trail archived", "audit.erase": "Person erased", "audit.restart": "Copy begun anew", "session.cancel": "Statement cancelled", "session.terminate": "Connection ended", "rebalance.apply": "Fleet rebalanced",
		"alert.acknowledge": "Alert taken", "alert.silence": "Alerts silenced", "alert.unsilence": "Silence ended",
	}[action]; ok {
		return w
	}
	return action
}

// outcomes are the statuses in the order in which charts stack them.
func outcomes() []Series {
	return []Series{
		{Name: "ok", Tone: "ok"},
		{Name: "rolled back", Tone: "warn"},
		{Name: "cancelled", Tone: "off"},
		{Name: "refused", Tone: "warn2"},
		{Name: "failed", Tone: "bad"},
		{Name: audit.Interrupted, Tone: "accent3"},
		{Name: "no outcome", Tone: "accent2"},
		{Name: "other", Tone: "accent"},
	}
}

// outcome is how an event ended, in words.
func outcome(e audit.Event) string {
	switch e.Status {
	case "begun":
		return "no outcome"
	case "rolled_back":
		return "rolled back"
	}
	return e.Status
}

func way(source, target string) string {
	switch {
	case source == "" && target == "":
		return ""
	case source == "":
		return "→ " + target
	case target == "":
		return source
	}
	return source + " → " + target
}

// changed says what an event recorded before and after, what went wrong, and
// nothing else.
func changed(e audit.Event) string {
	var parts []string
	keys := map[string]bool{}
	for k := range e.Before {
		keys[k] = true
	}
	for k := range e.After {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		was, had := e.Before[k]
		is, has := e.After[k]
		switch {
		case had && has && said(was) == said(is):
		case had && has:
			parts = append(parts, k+": "+said(was)+" → "+said(is))
		case has:
			parts = append(parts, k+": "+said(is))
		case e.After != nil:
			parts = append(parts, k+": "+said(was)+" → none")
		}
	}
	if m, ok := e.Details["message"].(string); ok && e.Status != "ok" {
		parts = append(parts, m)
	}
	return strings.Join(parts, "\n")
}

func said(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		if v == "" {
			return "none"
		}
		return v
	case float64, bool:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
