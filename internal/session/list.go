package session

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/tenancy"
)

// moving is the state of a tenant that a move holds.
const moving = "moving"

// whole reports whether the list has to be put together here: by what the
// catalogue's own order and conditions do not know.
func (f TenantFilter) whole() bool {
	switch strings.TrimPrefix(f.Sort, "-") {
	case "size", "rows", "changed", "status", "demo":
		return true
	}
	return f.State != "" || f.Demo != "" || f.MinBytes > 0
}

func (f TenantFilter) check() error {
	switch f.Demo {
	case "", "yes", "no":
	default:
		return fault.Newf(fault.Usage, "choose yes or no", "%q says nothing about demo tenants", f.Demo)
	}
	if f.MinBytes > 0 && !f.Full {
		return fault.New(fault.Usage, "a list by size has to ask for sizes", "tenants cannot be listed by a size that nobody estimated")
	}
	return nil
}

// all is how many tenants a list by estimates looks at, at most.
const all = 1_000_000

// Tenants lists tenants.
func (s *Session) Tenants(ctx context.Context, f TenantFilter) (TenantList, error) {
	out := TenantList{Tenants: []TenantRow{}, Fields: []string{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	if err := f.check(); err != nil {
		return out, err
	}
	out.Fields = append(out.Fields, s.profile.Tenants.Show...)
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Offset = max(0, f.Offset)
	ask := tenancy.Filter{Shard: f.Shard, Search: f.Search, Sort: f.Sort, Limit: f.Limit, Offset: f.Offset}
	if f.whole() {
		ask.Limit, ask.Offset = all, 0
	}
	total, list, err := s.cat.List(ctx, ask)
	if err != nil {
		return out, err
	}
	// Tenants may point to a shard that the fleet file lacks; a name that nobody
	// knows is a mistake and not an empty shard.
	if f.Shard != "" && total == 0 {
		if _, err := s.set.Shard(f.Shard); fault.CodeOf(err) == fault.ShardUnknown {
			return out, err
		}
	}
	open := s.openMoves(ctx)
	if open.err != nil && f.State == moving {
		return out, open.err // which tenants these are is not known
	}
	rows := make([]TenantRow, len(list))
	for i, t := range list {
		rows[i] = s.row(t, open)
		rows[i].EstimateReason = "only a list that asks for sizes has them"
	}
	if f.whole() {
		if f.Full {
			s.estimate(ctx, rows)
		}
		rows = slices.DeleteFunc(rows, func(r TenantRow) bool { return !f.takes(r) })
		total = len(rows)
		if strings.TrimPrefix(f.Sort, "-") == "changed" {
			out.ChangedReason = s.changed(ctx, rows, nil)
		}
		f.order(rows)
		rows = rows[min(f.Offset, total):min(f.Offset+f.Limit, total)]
	} else if f.Full {
		s.estimate(ctx, rows)
	}
	if f.Full {
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		out.ChangedReason = s.changed(ctx, rows, ids)
	}
	out.Total, out.Tenants = total, append(out.Tenants, rows...)
	return out, nil
}

// estimate gives each row the size that its shard's statistics tell.
func (s *Session) estimate(ctx context.Context, rows []TenantRow) {
	names := []string{}
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.Shard] {
			seen[r.Shard] = true
			names = append(names, r.Shard)
		}
	}
	shares := s.shares(ctx, names)
	for i := range rows {
		of := shares[rows[i].Shard]
		rows[i].EstimateReason = of.reason
		if of.known {
			n, bytes := of.of(rows[i].ID)
			rows[i].RowsEstimate, rows[i].BytesEstimate = &n, &bytes
		}
	}
}

// changed gives each row the time of its last change; it returns why there is
// none.
func (s *Session) changed(ctx context.Context, rows []TenantRow, ids []string) string {
	at, err := s.trail.Changes(ctx, ids)
	if err != nil {
		return *errorText(err)
	}
	for i := range rows {
		if t, ok := at[rows[i].ID]; ok {
			rows[i].ChangedAt = ptr(t.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

func (f TenantFilter) takes(r TenantRow) bool {
	if f.State == moving && r.MoveID == nil || f.State != "" && f.State != moving && (r.Status == nil || *r.Status != f.State) {
		return false
	}
	if f.Demo != "" && (r.Demo == nil || *r.Demo != (f.Demo == "yes")) {
		return false
	}
	return f.MinBytes <= 0 || r.BytesEstimate != nil && *r.BytesEstimate >= f.MinBytes
}

// order sorts by what the catalogue cannot; what is not known comes last. Rows
// that are equal stay as they came, by key.
func (f TenantFilter) order(rows []TenantRow) {
	by, down := strings.CutPrefix(f.Sort, "-")
	var compare func(a, b TenantRow) int
	switch by {
	case "size":
		compare = func(a, b TenantRow) int { return known(a.BytesEstimate, b.BytesEstimate, down) }
	case "rows":
		compare = func(a, b TenantRow) int { return known(a.RowsEstimate, b.RowsEstimate, down) }
	case "changed":
		compare = func(a, b TenantRow) int { return known(a.ChangedAt, b.ChangedAt, down) }
	case "status":
		compare = func(a, b TenantRow) int { return known(a.Status, b.Status, down) }
	case "demo":
		compare = func(a, b TenantRow) int { return known(yes(a.Demo), yes(b.Demo), down) }
	default:
		return
	}
	slices.SortStableFunc(rows, compare)
}

func yes(b *bool) *int {
	if b == nil {
		return nil
	}
	if *b {
		return ptr(1)
	}
	return ptr(0)
}

func known[T cmp.Ordered](a, b *T, down bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case down:
		return cmp.Compare(*b, *a)
	}
	return cmp.Compare(*a, *b)
}
