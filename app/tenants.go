package app

import (
	"context"

	"shardadmin/internal/session"
)

// Tenants finds and places tenants.
type Tenants struct{ app *App }

// List returns a page of tenants.
func (t *Tenants) List(f session.TenantFilter) (session.TenantList, error) {
	return ask(t.app, short, func(ctx context.Context, s *session.Session) (session.TenantList, error) { return s.Tenants(ctx, f) })
}

// Get returns one tenant with its rows and history.
func (t *Tenants) Get(idOrLabel string) (session.TenantView, error) {
	return ask(t.app, short, func(ctx context.Context, s *session.Session) (session.TenantView, error) {
		return s.Tenant(ctx, idOrLabel)
	})
}

// Assign points a tenant to another shard without moving rows.
func (t *Tenants) Assign(r session.AssignRequest) (session.Assignment, error) {
	return ask(t.app, long, func(ctx context.Context, s *session.Session) (session.Assignment, error) { return s.Assign(ctx, r) })
}

// Check compares every tenant's pointer with where its rows are.
func (t *Tenants) Check() (session.PlacementCheck, error) {
	return ask(t.app, long, func(ctx context.Context, s *session.Session) (session.PlacementCheck, error) {
		return s.CheckTenants(ctx)
	})
}

// Map returns how every table's rows belong to a tenant.
func (t *Tenants) Map() (session.MapView, error) {
	return ask(t.app, short, func(ctx context.Context, s *session.Session) (session.MapView, error) { return s.Map(ctx) })
}
