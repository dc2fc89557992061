package session

import (
	"context"
	"sync"
	"time"

	"shardadmin/internal/fleet"
	"shardadmin/internal/health"
)

// FleetComparison is the shards of a fleet side by side, subject by subject.
type FleetComparison struct {
	Fleet  string          `json:"fleet"`
	Shards []ComparedShard `json:"shards"`
	// Views are statements, settings, extensions, versions and indexes. The reason
	// of one names the shards that it says nothing of.
	Views     []ShardView `json:"views"`
	CheckedAt string      `json:"checked_at"`
}

// ComparedShard is a shard that was asked.
type ComparedShard struct {
	Name string `json:"name"`
	// CheckedAt is when it answered; null where it did not, for the Problem.
	CheckedAt *string  `json:"checked_at"`
	Problem   *Problem `json:"problem"`
}

// Compare puts the configured shards side by side. One that does not answer is not
// known and hides none of the others.
func (s *Session) Compare(ctx context.Context) (FleetComparison, error) {
	out := FleetComparison{Fleet: s.cfg.Fleet.Name, Shards: []ComparedShard{}, Views: []ShardView{}}
	configured := []fleet.Shard{}
	for _, sh := range s.cfg.Fleet.Shards {
		if sh.Configured() {
			configured = append(configured, sh)
		}
	}
	all := make([]health.Compared, len(configured))
	var wg sync.WaitGroup
	for i, sh := range configured {
		wg.Go(func() { all[i] = s.compared(ctx, sh.Name) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return out, err
	}
	byName := map[string]health.Compared{}
	for i, sh := range configured {
		byName[sh.Name] = all[i]
		c := ComparedShard{Name: sh.Name}
		if c.Problem = problem(all[i].Err); c.Problem == nil {
			at := all[i].At.UTC().Format(time.RFC3339)
			c.CheckedAt = &at
		}
		out.Shards = append(out.Shards, c)
	}
	for _, v := range health.Compare(byName) {
		out.Views = append(out.Views, viewOf(v))
	}
	out.CheckedAt = time.Now().UTC().Format(time.RFC3339)
	return out, nil
}

func (s *Session) compared(ctx context.Context, shard string) health.Compared {
	c := health.Compared{Reading: health.Reading{At: time.Now()}}
	s.askServer(ctx, shard, &c.Reading) // a pooler is not compared
	texts := map[int64]string{}
	if c.Err == nil {
		texts, c.Err = s.textsFor(ctx, shard, c.Reading, health.MostOf(c.Reading))
	}
	c.Texts = textOf(texts)
	return c
}
