package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/rebalance"
)

// RebalanceNext is a fresh plan in the place of one that was stopped. It is offered: a
// person queues it, or does not.
type RebalanceNext struct {
	Plan     string `json:"plan"`
	Strategy string `json:"strategy"`
	Moves    int    `json:"moves"`
	Bytes    int64  `json:"bytes"`
	// Summary is what it does, in a sentence; Command queues it, and is "" where it has
	// no moves.
	Summary string `json:"summary"`
	Command string `json:"command"`
}

// Replan makes a fresh plan of the fleet as it is now, in the way of one that was
// stopped. Nothing is queued.
func (s *Session) Replan(ctx context.Context, r RebalanceRequest, strategy string) (RebalanceNext, error) {
	v, err := s.Rebalance(ctx, r)
	if err != nil {
		return RebalanceNext{}, err
	}
	i := slices.IndexFunc(v.Plans, func(p RebalancePlan) bool { return p.Strategy == strategy })
	if i < 0 {
		return RebalanceNext{}, fault.Newf(fault.Usage, "choose fewest-moves, fewest-bytes or most-even", "there is no strategy %q", strategy)
	}
	p := v.Plans[i]
	n := RebalanceNext{Plan: p.ID, Strategy: strategy, Moves: len(p.Moves), Bytes: p.Bytes}
	if n.Moves == 0 {
		n.Summary = strings.Join(append([]string{"no move that is possible would help now: " + v.Verdict}, v.Notes...), "; ")
		return n, nil
	}
	to := []string{}
	for _, m := range p.Moves {
		if !slices.Contains(to, m.Target) {
			to = append(to, m.Target)
		}
	}
	slices.Sort(to)
	n.Summary = fmt.Sprintf("%s, ≈ %s, to %s", words.Count(int64(n.Moves), "move"), words.Size(p.Bytes), strings.Join(to, ", "))
	if p.After.Max != nil {
		n.Summary += fmt.Sprintf("; the fullest shard then holds %.2f times an even spread", *p.After.Max)
	}
	command := "rebalance apply --strategy " + strategy
	if len(r.By) > 0 {
		command += " --by " + strings.Join(r.By, ",")
	}
	if r.MaxMoves > 0 {
		command += fmt.Sprintf(" --max-moves %d", r.MaxMoves)
	}
	if r.MaxBytes > 0 {
		command += fmt.Sprintf(" --max-size %dB", r.MaxBytes)
	}
	n.Command = fault.Change(command + " --plan " + p.ID)
	return n, nil
}

// sentence offers the plan in an alert's advice.
func (n RebalanceNext) sentence() string {
	if n.Moves == 0 {
		return "the plan that it was of was stopped, and " + n.Summary
	}
	return "the plan that it was of was stopped; a fresh one, " + n.Plan + ", has " + n.Summary + ", and is not queued: " + n.Command
}

// How long an alert waits for the fresh plan that it is to offer, and how old that may
// be: a fleet goes on changing, and sizes that nobody knows right after a move are known
// once its target was analyzed.
const (
	replanWait  = 30 * time.Second
	replanFresh = 10 * time.Minute
)

// replans are the fresh plans that are offered in the place of stopped ones, by batch.
// The zero value is ready; a nil one offers nothing.
type replans struct {
	mu      sync.Mutex
	by      map[string]replanned
	wanted  []string
	working sync.WaitGroup
}

type replanned struct {
	text  string // "" while it is being made
	begun time.Time
}

// of is what is offered for a batch, and whether it is worth waiting for that. Asking for
// it orders it once the batch is settled: before, moves that are about to be cancelled
// count as if they went where they were to go.
func (r *replans) of(batch string, settled bool) (text string, soon bool) {
	if r == nil || batch == "" {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	have, begun := r.by[batch]
	if settled && (!begun || have.text != "" && time.Since(have.begun) > replanFresh) && !slices.Contains(r.wanted, batch) {
		r.wanted = append(r.wanted, batch)
	}
	return have.text, have.text == ""
}

// replan makes the plans that were asked for, beside what the caller goes on with.
func (s *Session) replan(ctx context.Context, r *replans) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]replanned{}
	}
	for _, batch := range r.wanted {
		have := r.by[batch]
		have.begun = time.Now()
		r.by[batch] = have
		r.working.Go(func() {
			text := ""
			n, err := s.replanBatch(ctx, batch)
			if err == nil {
				text = n.sentence()
			} else {
				text = "the plan that it was of was stopped, and a fresh one could not be made: " + *errorText(err) + "; shard-admin rebalance plan tries again"
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if ctx.Err() == nil {
				r.by[batch] = replanned{text: text, begun: time.Now()}
			}
		})
	}
	r.wanted = nil
}

// replanBatch plans in the way of the plan whose moves these are: the audit trail has how
// it was asked for.
func (s *Session) replanBatch(ctx context.Context, batch string) (RebalanceNext, error) {
	ctx, cancel := context.WithTimeout(ctx, replanWait)
	defer cancel()
	events, err := s.trail.List(ctx, audit.Filter{ID: batch, Limit: 1})
	if err != nil {
		return RebalanceNext{}, err
	}
	r, strategy := RebalanceRequest{}, ""
	if len(events) == 1 {
		d := events[0].Details
		strategy, _ = d["strategy"].(string)
		r.MaxMoves, r.MaxBytes = int(whole(d["max_moves"])), whole(d["max_bytes"])
		by, _ := d["by"].([]any)
		for _, one := range by {
			if name, ok := one.(string); ok {
				r.By = append(r.By, name)
			}
		}
	}
	return s.Replan(ctx, r, cmp.Or(strategy, string(rebalance.FewestMoves)))
}

// whole is a number of an event's details, 0 where there is none.
func whole(v any) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(v), 10, 64)
	return n
}
