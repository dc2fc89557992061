package preflight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"shardadmin/internal/fault"
)

// cases are those that a person may decide.
var cases = []string{"null_tenant", "ownerless", "two_owners", "inbound", "outbound", "collision_key", "collision_unique"}

// ParseDecisions reads choices from TOML ([[decision]] tables) or JSON (a list,
// or a plan as move plan --json prints it).
func ParseDecisions(data []byte, where string) ([]Decision, error) {
	bad := func(format string, args ...any) error {
		return fault.Newf(fault.Usage, "shard-admin move plan TENANT SHARD --json prints the decisions in the form that is read", "%s: %s", where, fmt.Sprintf(format, args...))
	}
	var list []Decision
	switch trimmed := bytes.TrimSpace(data); {
	case len(trimmed) == 0:
		return nil, bad("the file is empty")
	case trimmed[0] == '[' && (len(trimmed) < 2 || trimmed[1] != '['):
		if err := json.Unmarshal(trimmed, &list); err != nil {
			return nil, bad("%s", err)
		}
	case trimmed[0] == '{':
		var plan struct {
			Decisions []Decision `json:"decisions"`
		}
		if err := json.Unmarshal(trimmed, &plan); err != nil {
			return nil, bad("%s", err)
		}
		list = plan.Decisions
	default:
		var file struct {
			Decision []Decision `toml:"decision"`
		}
		dec := toml.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&file); err != nil {
			return nil, bad("%s", err)
		}
		list = file.Decision
	}
	out := []Decision{}
	for i, d := range list {
		if d.Choice == "" {
			continue // undecided, as the plan printed it
		}
		if d.Table == "" || !slices.Contains(cases, d.Case) {
			return nil, bad("decision %d: table and case are needed, the cases are %v", i+1, cases)
		}
		if d.Key == "" {
			d.Key = "*"
		}
		if !slices.Contains([]Choice{Share, Leave, Refuse, Renumber, Rename}, d.Choice) {
			return nil, bad("decision %d: choice %q is none of share, leave, refuse, renumber, rename", i+1, d.Choice)
		}
		out = append(out, d)
	}
	return out, nil
}
