package app

import (
	"context"

	"shardadmin/internal/session"
)

// Tenants finds and places tenants.
type Tenants struct{ app *App }

// List returns a page of tenants.
func (t *Tenants) List(f session.TenantFilter) (session.TenantList, error) {
	return look(t.app, short, func(ctx context.Context, s *session.Session) (session.TenantList, error) { return s.Tenants(ctx, f) })
}

// Find returns one tenant with its history, at once: its rows are not counted.
func (t *Tenants) Find(idOrLabel string) (session.TenantView, error) {
	return look(t.app, short, func(ctx context.Context, s *session.Session) (session.TenantView, error) {
		return s.FindTenant(ctx, idOrLabel)
	})
}

// Get returns one tenant with its history and its rows, counted in every table.
func (t *Tenants) Get(idOrLabel string) (session.TenantView, error) {
	return look(t.app, long, func(ctx context.Context, s *session.Session) (session.TenantView, error) {
		return s.Tenant(ctx, idOrLabel)
	})
}

// Assign points a tenant to another shard without moving rows.
func (t *Tenants) Assign(r session.AssignRequest) (session.Assignment, error) {
	return change(t.app, long, func(ctx context.Context, s *session.Session) (session.Assignment, error) { return s.Assign(ctx, r) })
}

// WouldAssign says what would become of each of many tenants, and changes nothing.
func (t *Tenants) WouldAssign(r session.AssignManyRequest) (session.AssignedMany, error) {
	r.DryRun = true
	return look(t.app, long, func(ctx context.Context, s *session.Session) (session.AssignedMany, error) {
		return s.AssignMany(ctx, r)
	})
}

// AssignMany points many tenants to a shard without moving rows. What was done before
// something ended it is in the answer.
func (t *Tenants) AssignMany(r session.AssignManyRequest) (session.AssignedMany, error) {
	r.DryRun = false
	return change(t.app, long, func(ctx context.Context, s *session.Session) (session.AssignedMany, error) {
		out, err := s.AssignMany(ctx, r)
		if out.Ended != nil {
			err = nil
		}
		return out, err
	})
}

// Check compares every tenant's pointer with where its rows are.
func (t *Tenants) Check() (session.PlacementCheck, error) {
	return look(t.app, long, func(ctx context.Context, s *session.Session) (session.PlacementCheck, error) {
		return s.CheckTenants(ctx)
	})
}

// Map returns how every table's rows belong to a tenant.
func (t *Tenants) Map() (session.MapView, error) {
	return look(t.app, short, func(ctx context.Context, s *session.Session) (session.MapView, error) { return s.Map(ctx) })
}
