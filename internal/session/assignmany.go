package session

import (
	"context"
	"fmt"
	glob "path"
	"slices"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/tenancy"
)

// AssignWhere selects the tenants of an assignment of many; what is empty selects
// all, and something has to be said.
type AssignWhere struct {
	// Shard is the one that tenants are pointed to.
	Shard string `json:"shard"`
	// Demo is yes or no.
	Demo string `json:"demo"`
	// Subdomain is a pattern for labels with *, ? and […], in small letters.
	Subdomain string `json:"subdomain"`
	// Tenants are ids or labels that somebody chose; each has to be there.
	Tenants []string `json:"tenants"`
}

// ParseAssignWhere reads shard=…,demo=…,subdomain=GLOB,tenant=…, the last more than
// once; usage for anything else.
func ParseAssignWhere(text string) (AssignWhere, error) {
	w := AssignWhere{}
	const hint = "write --where shard=NAME,demo=yes,subdomain=acme-*,tenant=acme; each may be left out, not all"
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || value == "" {
			return w, fault.Newf(fault.Usage, hint, "%q selects nothing", part)
		}
		if key == "tenant" {
			w.Tenants = append(w.Tenants, value)
			continue
		}
		to := map[string]*string{"shard": &w.Shard, "demo": &w.Demo, "subdomain": &w.Subdomain}[key]
		switch {
		case to == nil:
			return w, fault.Newf(fault.Usage, hint, "tenants are not selected by %q", key)
		case *to != "":
			return w, fault.Newf(fault.Usage, hint, "%s is given twice", key)
		}
		*to = value
	}
	switch strings.ToLower(w.Demo) {
	case "":
	case "yes", "true":
		w.Demo = "yes"
	case "no", "false":
		w.Demo = "no"
	default:
		return w, fault.Newf(fault.Usage, "write demo=yes or demo=no", "%q says nothing about demo tenants", w.Demo)
	}
	return w, w.check()
}

func (w AssignWhere) check() error {
	if w.Shard+w.Demo+w.Subdomain == "" && len(w.Tenants) == 0 {
		return fault.New(fault.Usage, "every tenant at once is not assigned: say which", "nothing selects the tenants")
	}
	if _, err := glob.Match(w.Subdomain, ""); err != nil {
		return fault.Newf(fault.Usage, "a bracket is not closed", "%q is no pattern", w.Subdomain)
	}
	return nil
}

// String writes the selection as ParseAssignWhere reads it.
func (w AssignWhere) String() string {
	parts := []string{}
	for _, p := range [][2]string{{"shard", w.Shard}, {"demo", w.Demo}, {"subdomain", w.Subdomain}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	for _, t := range w.Tenants {
		parts = append(parts, "tenant="+t)
	}
	return strings.Join(parts, ",")
}

func (w AssignWhere) takes(t tenancy.Tenant) bool {
	if w.Shard != "" && t.Shard != w.Shard || w.Demo != "" && (t.Demo == nil || *t.Demo != (w.Demo == "yes")) {
		return false
	}
	if len(w.Tenants) > 0 && !slices.Contains(w.Tenants, t.ID) && !slices.Contains(w.Tenants, t.Label) {
		return false
	}
	if w.Subdomain == "" {
		return true
	}
	ok, _ := glob.Match(strings.ToLower(w.Subdomain), strings.ToLower(t.Label)) // the pattern is good
	return ok
}

// AssignManyRequest points many tenants to a shard without moving rows.
type AssignManyRequest struct {
	Where AssignWhere `json:"where"`
	Shard string      `json:"shard"`
	// RowsStay lets it pass although a tenant's present shard has rows.
	RowsStay bool `json:"rows_stay"`
	// DryRun says what would become of each, and changes nothing.
	DryRun  bool   `json:"dry_run"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// What became of a tenant of many.
const (
	Assigned    = "assigned"
	WouldAssign = "would_assign"
	AlreadyIn   = "already_there"
	NotAssigned = "refused"
	NotTried    = "not_tried"
)

// AssignedOne is one tenant of many.
type AssignedOne struct {
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	From   string `json:"from"`
	// Status is assigned, would_assign, already_there, refused, or not_tried where
	// the assignment ended before.
	Status     string   `json:"status"`
	AuditEvent string   `json:"audit_event"`
	Problem    *Problem `json:"problem"`
}

// AssignedMany is what became of them all. Each has its own audit event.
type AssignedMany struct {
	Where   string        `json:"where"`
	To      string        `json:"to"`
	DryRun  bool          `json:"dry_run"`
	Tenants []AssignedOne `json:"tenants"`
	// Assigned counts those that were, or would be; Refused those that were not, or
	// would not be.
	Assigned int `json:"assigned"`
	Refused  int `json:"refused"`
	// Ended is what ended it before the last of them; null where nothing did.
	Ended *Problem `json:"ended"`
}

// AssignMany points every tenant that is selected to a shard, one after the other,
// each as Assign does. One that is refused stops no other; a database that does not
// answer, or a permission that is taken away meanwhile, ends it, and the rest is not
// tried.
func (s *Session) AssignMany(ctx context.Context, r AssignManyRequest) (AssignedMany, error) {
	out := AssignedMany{Where: r.Where.String(), To: r.Shard, DryRun: r.DryRun, Tenants: []AssignedOne{}}
	if err := r.Where.check(); err != nil {
		return out, err
	}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	if _, err := s.set.Shard(r.Shard); err != nil {
		return out, err
	}
	tenants, err := s.selected(ctx, r.Where)
	if err != nil {
		return out, err
	}
	if r.DryRun {
		return out, s.wouldAssign(ctx, r, tenants, &out)
	}
	// One confirmation stands for all: the shard's name, and no tenant's.
	if _, err := s.gate.Permit(ctx, permitFor(r, tenancy.Tenant{})); err != nil {
		return out, err
	}
	var ended error
	for _, t := range tenants {
		one := AssignedOne{Tenant: t.ID, Label: t.Label, From: t.Shard, Status: NotTried}
		switch {
		case t.Shard == r.Shard:
			one.Status = AlreadyIn
		case ended == nil:
			// What an operator may do can change meanwhile.
			permit, err := s.gate.Permit(ctx, permitFor(r, t))
			if err != nil {
				ended = err
				break
			}
			res, err := placement.Assign(ctx, s.placement(), permit, placement.Request{Tenant: t, Target: r.Shard, RowsStay: r.RowsStay})
			one.AuditEvent = res.AuditEvent
			if err == nil {
				one.Status = Assigned
				out.Assigned++
				break
			}
			one.Status, one.Problem = NotAssigned, failed(err)
			out.Refused++
			if fault.Unreachable(err) || ctx.Err() != nil {
				ended = err
			}
		}
		out.Tenants = append(out.Tenants, one)
	}
	if ended != nil {
		out.Ended = failed(ended)
	}
	return out, ended
}

// permitFor asks for one tenant of many, or for all with none.
func permitFor(r AssignManyRequest, t tenancy.Tenant) policy.Request {
	return policy.Request{Action: policy.AssignTenant, Tenant: t.ID, Label: t.Label, Shard: r.Shard, Reason: r.Note, Confirm: r.Confirm, Bulk: true}
}

// selected lists the tenants that are meant, by label.
func (s *Session) selected(ctx context.Context, w AssignWhere) ([]tenancy.Tenant, error) {
	if _, known := s.cfg.Fleet.Shard(w.Shard); w.Shard != "" && !known {
		_, err := s.set.Shard(w.Shard)
		return nil, err
	}
	_, list, err := s.cat.List(ctx, tenancy.Filter{Shard: w.Shard, Sort: "label", Limit: all})
	if err != nil {
		return nil, err
	}
	for _, one := range w.Tenants {
		if !slices.ContainsFunc(list, func(t tenancy.Tenant) bool { return t.ID == one || t.Label == one }) {
			if w.Shard != "" {
				return nil, fault.Newf(fault.TenantUnknown, "leave the shard or the tenant out", "there is no tenant %q on shard %s", one, w.Shard)
			}
			return nil, fault.Newf(fault.TenantUnknown, "shard-admin tenants list --search "+one, "there is no tenant %q", one)
		}
	}
	return slices.DeleteFunc(list, func(t tenancy.Tenant) bool { return !w.takes(t) }), nil
}

// wouldAssign says what would become of each: those with rows, or in a move, would
// be refused.
func (s *Session) wouldAssign(ctx context.Context, r AssignManyRequest, tenants []tenancy.Tenant, out *AssignedMany) error {
	found, err := placement.Check(ctx, s.placement())
	if err != nil {
		return err
	}
	rowsOn := map[string][]string{}
	for _, w := range found.Tenants {
		rowsOn[w.Tenant.ID] = w.RowsOn
	}
	open := s.openMoves(ctx)
	if open.err != nil {
		return open.err
	}
	for _, t := range tenants {
		m, held := open.of(t.ID)
		one := AssignedOne{Tenant: t.ID, Label: t.Label, From: t.Shard, Status: WouldAssign}
		var why error
		switch {
		case t.Shard == r.Shard:
			one.Status = AlreadyIn
		case held:
			why = fault.Newf(fault.MoveInProgress, "shard-admin move show "+m.ID, "tenant %s is held by move %s, which is %s", t.Label, m.ID, m.State)
		case r.RowsStay:
		case found.Unreachable[t.Shard] != nil:
			why = found.Unreachable[t.Shard]
		case slices.Contains(rowsOn[t.ID], t.Shard):
			why = fault.Newf(fault.RowsExist, fault.Change("move start "+t.Label+" "+r.Shard)+" takes them along", "tenant %s has rows on %s", t.Label, t.Shard)
		}
		switch {
		case why != nil:
			one.Status, one.Problem = NotAssigned, failed(why)
			out.Refused++
		case one.Status == WouldAssign:
			out.Assigned++
		}
		out.Tenants = append(out.Tenants, one)
	}
	return nil
}

// Sum says in a sentence what became of them.
func (m AssignedMany) Sum() string {
	verb := "were assigned to"
	if m.DryRun {
		verb = "would be assigned to"
	}
	there, left := 0, 0
	for _, t := range m.Tenants {
		switch t.Status {
		case AlreadyIn:
			there++
		case NotTried:
			left++
		}
	}
	text := fmt.Sprintf("%d of %d tenants %s %s, %d refused, %d there already", m.Assigned, len(m.Tenants), verb, m.To, m.Refused, there)
	if left > 0 {
		text += fmt.Sprintf(", %d not tried", left)
	}
	return text
}
