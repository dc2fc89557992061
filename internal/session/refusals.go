package session

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/alert"
	"shardadmin/internal/conn"
	words "shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/fence"
)

//go:embed sql/retained.sql
var retainedSQL string

const (
	// ruleRefused is that an application still writes where a tenant has moved away from.
	ruleRefused = ruleMove + "refused_writes"
	// refusedEvery is how often the shards are asked, refusedFresh how long ago the last
	// refusal may be for the alert to fire.
	refusedEvery = time.Minute
	refusedFresh = 10 * time.Minute
)

// refusals are the writes that the former shards of retained tenants refused lately, as
// they were asked last.
type refusals struct {
	asked time.Time
	begin int // where the next round begins, so that each has its turn
	list  []alert.Condition
	// untold are the moves whose shard did not say.
	untold map[string]bool
}

// refused asks the shards that answer how many writes they refused of tenants that have
// moved away, now and then. What an application wrote within its routing time after the
// switch is to be expected; later it has not heard of the move. A round has answerLimit:
// what does not fit is not told, and asked first by the next.
func (s *Session) refused(ctx context.Context, r *refusals, up func(shard string) bool) error {
	if time.Since(r.asked) < refusedEvery {
		return nil
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	type retained struct {
		ID, Tenant, Label, Source, Target string
		Since                             float64 // seconds
	}
	rows, err := pool.Query(ctx, s.inSchema(retainedSQL))
	if err != nil {
		return conn.Fault(err, fleet.ControlName)
	}
	moves, err := pgx.CollectRows(rows, pgx.RowToStructByPos[retained])
	if err != nil {
		return conn.Fault(err, fleet.ControlName)
	}
	next := refusals{asked: time.Now(), untold: map[string]bool{}}
	silent := map[string]bool{}
	limited, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for k := range moves {
		at := (r.begin + k) % len(moves)
		m := moves[at]
		if next.untold[m.ID] = true; limited.Err() != nil {
			continue
		}
		db, err := s.set.Shard(m.Source)
		if err != nil || silent[m.Source] || !up(m.Source) {
			continue
		}
		x, err := fence.New(db, nil).Refused(limited, m.Tenant)
		if limited.Err() != nil {
			next.begin = at
			continue
		}
		if err != nil {
			silent[m.Source] = true
			continue
		}
		delete(next.untold, m.ID)
		since := time.Duration(m.Since * float64(time.Second))
		if x.Count == 0 || x.Ago > refusedFresh || x.Ago > since-s.profile.RoutingTTL {
			continue
		}
		name := m.Tenant
		if m.Label != "" {
			name = m.Label + " (" + m.Tenant + ")"
		}
		next.list = append(next.list, alert.Condition{
			Rule: ruleRefused, Subject: m.ID, Shard: m.Source, Severity: alert.Warning, Value: words.Count(x.Count, "write"),
			Message: fmt.Sprintf("%s still refuses writes of tenant %s, which moved to %s %s ago: %s, the last %s ago", m.Source, name, m.Target, words.Span(max(time.Second, since.Truncate(time.Second))), words.Count(x.Count, "write"), words.Span(max(time.Second, x.Ago.Truncate(time.Second)))),
			Advice:  fmt.Sprintf("part of the application has the tenant on %s still: have it ask for the pointer again (docs/application.md); the move is not finalized before it does", m.Source),
		})
	}
	*r = next
	return nil
}
