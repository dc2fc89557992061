package report

import (
	"slices"
	"strings"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

// Kind is what a report is about.
type Kind string

// The kinds.
const (
	Events   Kind = "events" // what a filter selects, as an export
	Changes  Kind = "changes"
	Tenant   Kind = "tenant"
	Operator Kind = "operator"
	Moves    Kind = "moves"
	Access   Kind = "access"
	Failed   Kind = "failed"
	Schema   Kind = "schema"
)

// About is what a kind is called and what it holds.
type About struct {
	Kind  Kind
	Title string
	Holds string
	// Needs is what has to be named: "tenant", "actor" or nothing.
	Needs string
}

// Kinds lists the kinds of report in the order in which they are offered.
func Kinds() []About {
	return []About{
		{Changes, "Change log", "every change of the period: who, when, why, from what to what", ""},
		{Tenant, "Tenant history", "all that was done to one tenant, with its moves", "tenant"},
		{Operator, "Operator activity", "all that one operator did or tried", "actor"},
		{Moves, "Moves", "moves with verification digests, durations and write pauses", ""},
		{Access, "Access and policy changes", "operators, flags, credentials, signing keys, exports, installations", ""},
		{Failed, "Failed and refused actions", "what failed, was refused or cancelled, and what never ended", ""},
		{Schema, "Schema changes", "schema migrations, our own schema, sequences", ""},
	}
}

// AboutOf describes a kind.
func AboutOf(k Kind) About {
	for _, a := range Kinds() {
		if a.Kind == k {
			return a
		}
	}
	return About{Kind: Events, Title: "Audit events", Holds: "the events that a filter selects"}
}

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, error) {
	i := slices.IndexFunc(Kinds(), func(a About) bool { return string(a.Kind) == name })
	if i < 0 {
		return "", fault.Newf(fault.Usage, "shard-admin report list names them", "there is no report %q", name)
	}
	return Kinds()[i].Kind, nil
}

// accessActions and schemaActions are what two of the kinds are about, each
// the whole of an action or its first part.
func accessActions() []string {
	return []string{
		string(policy.OperatorSet), string(policy.PolicySet), string(policy.FleetInstall), string(policy.FleetUninstall),
		string(policy.AuditExport), "operator", "policy", "credential", "audit.key", string(policy.AuditPurge), string(policy.AuditErase), string(policy.AuditRestart),
	}
}

func schemaActions() []string {
	return []string{string(policy.FleetInstall), string(policy.FleetUninstall), string(policy.StripeFleet), "schema", "migrate", "rollout"}
}

// failedStatuses are the outcomes of what did not do what was asked, or of which
// nobody knows the end.
func failedStatuses() []string {
	return []string{"failed", "refused", "cancelled", "rolled_back", audit.Interrupted, "begun"}
}

// narrow adds to a filter what a kind is about.
func narrow(k Kind, f audit.Filter) audit.Filter {
	switch k {
	case Events:
		return f
	case Moves:
		f.Actions = []string{"move"}
	case Access:
		f.Actions = accessActions()
	case Schema:
		f.Actions = schemaActions()
	case Failed:
		if len(f.Statuses) == 0 {
			f.Statuses = failedStatuses()
		}
	}
	f.Settled = true
	return f
}

// check refuses a request that leaves out what its kind needs.
func (r Request) check() error {
	if _, err := audit.ParseFormat(string(r.Format)); err != nil {
		return err
	}
	for _, s := range r.Filter.Statuses {
		if r.Kind == Failed && !slices.Contains(failedStatuses(), s) {
			return fault.Newf(fault.Usage, "choose one of "+strings.Join(failedStatuses(), ", ")+", or none", "a report of what failed has no event that ended as %q", s)
		}
	}
	switch AboutOf(r.Kind).Needs {
	case "tenant":
		if r.Filter.Tenant == "" {
			return fault.New(fault.Usage, "a tenant's history needs the tenant", "--tenant TENANT")
		}
	case "actor":
		if r.Filter.Actor == "" {
			return fault.New(fault.Usage, "an operator's activity needs the operator", "--actor EMAIL")
		}
	}
	if r.Kind == Moves && r.Format == audit.OCSF {
		return fault.New(fault.Usage, "OCSF describes events, and a report of moves is not made of them", "shard-admin audit export --action move --format ocsf")
	}
	if !r.Filter.Since.IsZero() && !r.Filter.Until.IsZero() && !r.Filter.Since.Before(r.Filter.Until) {
		return fault.New(fault.Usage, "the period ends before it begins", "--since has to be before --until")
	}
	return nil
}
