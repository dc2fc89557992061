package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

func quoteTable(name string) string {
	return pgx.Identifier(strings.SplitN(name, ".", 2)).Sanitize()
}

// mapCache keeps the map of each database for a short while: reading
// a structure costs two queries, and screens ask again and again.
type mapCache struct {
	mu   sync.Mutex
	maps map[string]cachedMap
}

type cachedMap struct {
	m  *tenancy.Map
	at time.Time
}

const mapAge = 15 * time.Second

// mapOf reads the table map of a database.
func (s *Session) mapOf(ctx context.Context, db *conn.Database) (*tenancy.Map, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	s.maps.mu.Lock()
	if c, ok := s.maps.maps[db.Name()]; ok && time.Since(c.at) < mapAge {
		s.maps.mu.Unlock()
		return c.m, nil
	}
	s.maps.mu.Unlock()
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	schema, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	m, err := tenancy.BuildMap(schema, s.profile)
	if err != nil {
		return nil, err
	}
	s.maps.mu.Lock()
	defer s.maps.mu.Unlock()
	if s.maps.maps == nil {
		s.maps.maps = map[string]cachedMap{}
	}
	s.maps.maps[db.Name()] = cachedMap{m, time.Now()}
	return m, nil
}

// holding are the moves that hold tenants, by tenant, or why they are not known.
type holding struct {
	by  map[string]move.Unfinished
	err error
}

// of is the move that holds a tenant.
func (h holding) of(tenant string) (move.Unfinished, bool) {
	m, held := h.by[tenant]
	return m, held
}

func (s *Session) row(t tenancy.Tenant, open holding) TenantRow {
	r := TenantRow{ID: t.ID, Label: t.Label, Title: t.Title, Shard: t.Shard, Status: t.Status, Demo: t.Demo, CreatedAt: t.Created, Fields: t.Fields}
	if m, held := open.of(t.ID); held {
		state := string(m.State)
		r.MoveState, r.MoveID = &state, &m.ID
	} else if open.err != nil {
		r.MoveReason = *errorText(open.err)
	}
	return r
}

// openMoves are the unfinished moves by tenant; none where our schema is not
// installed.
func (s *Session) openMoves(ctx context.Context) holding {
	list, err := s.engine.Unfinished(ctx)
	if err != nil {
		return holding{err: err}
	}
	out := holding{by: map[string]move.Unfinished{}}
	for _, m := range list {
		out.by[m.Tenant] = m
	}
	return out
}

// uncounted is why the rows of a tenant are not known where nobody asked.
const uncounted = "its rows were not counted"

// FindTenant is one tenant with its history. Its rows are not counted, which
// takes a while where there are many.
func (s *Session) FindTenant(ctx context.Context, idOrLabel string) (TenantView, error) {
	out := TenantView{Tables: []TableRows{}, TablesReason: uncounted, History: []Event{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	t, err := s.cat.Find(ctx, idOrLabel)
	if err != nil {
		return out, err
	}
	out.TenantRow = s.row(t, s.openMoves(ctx))
	events, err := s.trail.List(ctx, audit.Filter{Tenant: t.ID, Limit: 50})
	if err != nil {
		out.HistoryReason = *errorText(err)
	}
	for _, e := range events {
		out.History = append(out.History, eventView(e))
	}
	if out.MoveID != nil {
		m, err := s.engine.Show(ctx, *out.MoveID)
		if err != nil {
			out.MoveState, out.MoveID, out.MoveReason = nil, nil, *errorText(err)
			return out, nil
		}
		v := s.seen(m)
		out.Move = &v
	}
	return out, nil
}

// Tenant is one tenant with its history and its rows, exactly counted where it
// lives.
func (s *Session) Tenant(ctx context.Context, idOrLabel string) (TenantView, error) {
	out, err := s.FindTenant(ctx, idOrLabel)
	if err != nil {
		return out, err
	}
	out.CountedAt, out.TablesReason = now(), ""
	out.EstimateReason = "its rows are counted, table by table"
	db, err := s.set.Shard(out.Shard)
	if err == nil {
		out.Tables, out.Rows, out.Bytes, err = s.countRows(ctx, db, out.ID)
	}
	if err != nil {
		out.Tables, out.TablesReason = []TableRows{}, *errorText(err)
	}
	return out, nil
}

// TenantOn is what one tenant has on a shard, exactly counted, wherever the
// catalogue says that it lives: before a move, and after one as long as the copy
// is kept.
func (s *Session) TenantOn(ctx context.Context, shard, idOrLabel string) (TenantOnShard, error) {
	out := TenantOnShard{Name: shard, Tables: []TableRows{}}
	db, err := s.set.Shard(shard)
	if err != nil {
		return out, err
	}
	if err := s.ready(); err != nil {
		return out, err
	}
	t, err := s.cat.Find(ctx, idOrLabel)
	if err != nil {
		return out, err
	}
	out.Tenant, out.Label, out.Pointer = t.ID, t.Label, t.Shard
	out.Tables, out.Rows, out.Bytes, err = s.countRows(ctx, db, t.ID)
	out.CountedAt = now()
	return out, err
}

func (s *Session) countRows(ctx context.Context, db *conn.Database, tenant string) (tables []TableRows, total, bytes int64, err error) {
	tables = []TableRows{}
	m, err := s.mapOf(ctx, db)
	if err != nil {
		return tables, 0, 0, err
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return tables, 0, 0, err
	}
	rows, err := m.Rows(ctx, pool, tenant)
	if err != nil {
		return tables, 0, 0, conn.Fault(err, db.Name())
	}
	for _, r := range rows {
		tables = append(tables, TableRows{Table: r.Table, Kind: string(r.Kind), Rows: r.Rows, Bytes: r.Bytes})
		total += r.Rows
		bytes += r.Bytes
	}
	slices.SortStableFunc(tables, func(a, b TableRows) int { return int(b.Rows - a.Rows) })
	return tables, total, bytes, nil
}

// CheckTenants compares every pointer with where rows are. A tenant whose move
// is not finished may have rows on both of its shards.
func (s *Session) CheckTenants(ctx context.Context) (PlacementCheck, error) {
	out := PlacementCheck{Tenants: []Placement{}, Unreachable: []string{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	found, err := placement.Check(ctx, s.placement())
	if err != nil {
		return out, err
	}
	// Whether rows are where they may be is not to be judged without them.
	open := s.openMoves(ctx)
	if open.err != nil {
		return out, open.err
	}
	for _, sh := range s.cfg.Fleet.Shards {
		if found.Unreachable[sh.Name] != nil {
			out.Unreachable = append(out.Unreachable, sh.Name)
		}
	}
	out.OK = len(out.Unreachable) == 0
	for _, w := range found.Tenants {
		out.Checked++
		p := Placement{ID: w.Tenant.ID, Label: w.Tenant.Label, Pointer: w.Tenant.Shard, RowsOn: w.RowsOn, OK: true}
		if p.RowsOn == nil {
			p.RowsOn = []string{}
		}
		elsewhere := []string{}
		for _, on := range w.RowsOn {
			if on == w.Tenant.Shard {
				continue
			}
			if m, held := open.of(w.Tenant.ID); held && (m.Source == on || m.Target == on) {
				continue
			}
			elsewhere = append(elsewhere, on)
		}
		silent := found.Unreachable[w.Tenant.Shard] != nil
		if silent {
			p.RowsOnReason = "shard " + w.Tenant.Shard + " does not answer: whether its rows are there is not known"
		}
		switch {
		case !w.Known:
			p.OK, p.Why = false, "the catalogue has no such tenant"
			out.Disagree++
		case len(elsewhere) > 0:
			p.OK, p.Why = false, "rows are on "+strings.Join(elsewhere, ", ")+", the pointer says "+w.Tenant.Shard
			out.Disagree++
		case silent:
			p.OK, p.Why = false, p.RowsOnReason
		}
		if !p.OK {
			out.OK = false
			out.Tenants = append(out.Tenants, p)
		}
	}
	return out, nil
}

// Map is the table map, read from the first shard that answers.
func (s *Session) Map(ctx context.Context) (MapView, error) {
	out := MapView{Profile: s.cfg.Fleet.Profile, Tables: []MapTable{}, Problems: []string{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	var m *tenancy.Map
	err := error(fault.New(fault.ShardNotConfigured, "no shard of the fleet has a connection", "add a url to the fleet file"))
	for _, db := range s.set.Configured() {
		if m, err = s.mapOf(ctx, db); err == nil {
			out.Database = db.Name()
			break
		}
	}
	if err != nil {
		return out, err
	}
	out.Unclassified = m.Unclassified
	for _, name := range m.Schema.Names {
		c := m.Table(name)
		if c == nil {
			continue // a partition: its rows are its parent's
		}
		v := MapTable{Table: name, Kind: string(c.Kind), Mixed: c.Mixed, TenantColumn: c.TenantColumn, Path: path(m, c), Follows: string(c.Follows), Moves: c.Kind.Moves(), Edges: []string{}}
		if c.Table.RowsEstimate >= 0 {
			v.RowsEstimate = ptr(c.Table.RowsEstimate)
		}
		for _, e := range c.Owners {
			v.Edges = append(v.Edges, e.String())
		}
		if c.Kind == tenancy.Unclassified {
			out.Problems = append(out.Problems, name+" is not classified: name it in the profile as reference, control or excluded, or say how it reaches a tenant")
		}
		out.Tables = append(out.Tables, v)
	}
	for _, t := range m.NotFollowing() {
		out.Problems = append(out.Problems, t+" does not follow the pointer: moves are blocked")
	}
	return out, nil
}

// path is the shortest way from a table up to one with a tenant column, as
// "child.column" at each step.
func path(m *tenancy.Map, c *tenancy.TableClass) []string {
	out := []string{}
	seen := map[string]bool{}
	for c != nil && c.Kind.Moves() && !seen[c.Name()] {
		seen[c.Name()] = true
		if c.TenantColumn != "" {
			return append(out, c.Name()+"."+c.TenantColumn)
		}
		var next *tenancy.TableClass
		for _, e := range c.Owners {
			to := m.Table(e.To)
			if to == nil || seen[to.Name()] {
				continue
			}
			if next == nil || to.TenantColumn != "" && next.TenantColumn == "" {
				if next != nil {
					out = out[:len(out)-1]
				}
				next = to
				column := c.Name() + "." + e.FromColumns[0]
				if e.Backward {
					column = e.To + "." + e.ToColumns[0]
				}
				out = append(out, column)
			}
		}
		c = next
	}
	return out
}

// Assign points a tenant to another shard without moving rows.
func (s *Session) Assign(ctx context.Context, r AssignRequest) (Assignment, error) {
	out := Assignment{}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	t, err := s.cat.Find(ctx, r.Tenant)
	if err != nil {
		return out, err
	}
	out = Assignment{Tenant: t.ID, Label: t.Label, From: t.Shard, To: r.Shard}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AssignTenant, Tenant: t.ID, Label: t.Label, Shard: r.Shard, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return out, err
	}
	res, err := placement.Assign(ctx, s.placement(), permit, placement.Request{Tenant: t, Target: r.Shard, RowsStay: r.RowsStay})
	out.AuditEvent = res.AuditEvent
	return out, err
}

// Profiles lists the built-in profiles.
func Profiles() []ProfileInfo {
	out := []ProfileInfo{}
	for _, name := range tenancy.Builtins() {
		p, err := tenancy.LoadProfile(name)
		if err != nil {
			out = append(out, ProfileInfo{Name: name, Description: fmt.Sprintf("cannot be read: %s", *errorText(err))})
			continue
		}
		out = append(out, ProfileInfo{Name: name, Description: p.Description})
	}
	return out
}

// ProfileInfo is a profile in one line.
type ProfileInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// ShowProfile returns a profile as a file, whole.
func ShowProfile(name string) ([]byte, error) {
	p, err := tenancy.LoadProfile(name)
	if err != nil {
		return nil, err
	}
	return p.Marshal()
}
