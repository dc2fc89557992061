package session

import (
	"context"
	"sync"
	"time"

	"shardadmin/internal/fault"
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
	// CheckedAt is when it answered; null where it did not. The Problem is why there
	// is nothing of it, or why what there is is old.
	CheckedAt *string  `json:"checked_at"`
	Problem   *Problem `json:"problem"`
}

// Compare puts the configured shards side by side. One that does not answer is not
// known and hides none of the others.
func (s *Session) Compare(ctx context.Context) (FleetComparison, error) {
	return s.compareWithin(ctx, checksLimit)
}

// CompareSoon is Compare for a page: it waits for no shard longer than answerLimit. What
// one that takes longer told last stands in for what it does not tell.
func (s *Session) CompareSoon(ctx context.Context) (FleetComparison, error) {
	return s.compareWithin(ctx, answerLimit)
}

func (s *Session) compareWithin(ctx context.Context, limit time.Duration) (FleetComparison, error) {
	out := FleetComparison{Fleet: s.cfg.Fleet.Name, Shards: []ComparedShard{}, Views: []ShardView{}}
	configured := []fleet.Shard{}
	for _, sh := range s.cfg.Fleet.Shards {
		if sh.Configured() {
			configured = append(configured, sh)
		}
	}
	all, late := make([]health.Compared, len(configured)), make([]error, len(configured))
	var wg sync.WaitGroup
	for i, sh := range configured {
		wg.Go(func() { all[i], late[i] = s.compared(ctx, sh.Name, limit) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return out, err
	}
	byName := map[string]health.Compared{}
	for i, sh := range configured {
		byName[sh.Name] = all[i]
		c := ComparedShard{Name: sh.Name, Problem: problem(late[i])}
		if all[i].Err == nil {
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

// compared is what a shard says by the limit; late is why that is nothing, or old.
func (s *Session) compared(ctx context.Context, shard string, limit time.Duration) (c health.Compared, late error) {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c = health.Compared{Reading: health.Reading{At: time.Now()}}
	_, late = s.askWithin(limit)(within, shard, &c.Reading)
	texts := s.textsOf(shard) // of a shard that is late nothing more is asked
	if c.Err == nil && late == nil {
		if texts, c.Err = s.textsFor(within, shard, c.Reading, health.MostOf(c.Reading)); fault.CodeOf(c.Err) == fault.TimedOut {
			texts, c.Err = s.textsOf(shard), nil
		}
	}
	if c.Err != nil {
		late = c.Err
	}
	c.Texts = textOf(texts)
	return c, late
}
