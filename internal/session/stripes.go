package session

import (
	"context"

	"shardadmin/internal/policy"
	"shardadmin/internal/stripe"
)

// StripeFinding is one thing that the plan of the stripes noticed.
type StripeFinding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"` // info, warning or blocker
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Code     string `json:"code"` // of the refusal, of a blocker
}

// StripeSequence is one sequence as it counts now and as it will.
type StripeSequence struct {
	Sequence  string   `json:"sequence"`
	Columns   []string `json:"columns"`
	Identity  bool     `json:"identity"`
	Increment int64    `json:"increment"`
	// LastValue is null where none was drawn yet, or the reason says why it is
	// not known; Highest is the largest value in the columns on this shard.
	LastValue       *int64 `json:"last_value"`
	LastValueReason string `json:"last_value_reason"`
	Highest         *int64 `json:"highest"`
	HighestReason   string `json:"highest_reason"`
	NewIncrement    int64  `json:"new_increment"`
	// NextValue is the first that it hands out afterwards.
	NextValue       *int64          `json:"next_value"`
	NextValueReason string          `json:"next_value_reason"`
	Striped         bool            `json:"striped"`
	Findings        []StripeFinding `json:"findings"`
}

// StripeShard is one shard in the plan of the stripes.
type StripeShard struct {
	Name       string `json:"name"`
	Configured bool   `json:"configured"`
	Reachable  bool   `json:"reachable"`
	// SameAs names the shard under which the database counts already.
	SameAs        string `json:"same_as"`
	Residue       *int   `json:"residue"`
	ResidueReason string `json:"residue_reason"`
	// Stored is true where the residue was given to the shard before.
	Stored    bool             `json:"stored"`
	Sequences []StripeSequence `json:"sequences"`
	Findings  []StripeFinding  `json:"findings"`
	Error     *string          `json:"error"`
	Problem   *Problem         `json:"problem"`
}

// StripeLeftOut is a column whose sequence stays as it is.
type StripeLeftOut struct {
	Column string `json:"column"`
	Reason string `json:"reason"`
}

// StripePlan is what striping the fleet's sequences would do.
type StripePlan struct {
	Fleet   string `json:"fleet"`
	Stripes int    `json:"stripes"`
	// Chosen is true where the number is stored and cannot change.
	Chosen bool `json:"chosen"`
	// Done is true where nothing is left to do.
	Done     bool            `json:"done"`
	Blocked  bool            `json:"blocked"`
	Shards   []StripeShard   `json:"shards"`
	LeftOut  []StripeLeftOut `json:"left_out"`
	Findings []StripeFinding `json:"findings"`
	MadeAt   string          `json:"made_at"`
	// Refusal is why the plan cannot be carried out.
	Refusal *Problem `json:"refusal"`
}

// StripeChange is what was done to one sequence.
type StripeChange struct {
	Sequence          string `json:"sequence"`
	IncrementBefore   int64  `json:"increment_before"`
	LastValueBefore   *int64 `json:"last_value_before"`
	LastBeforeMissing string `json:"last_value_before_reason"`
	Increment         int64  `json:"increment"`
	NextValue         int64  `json:"next_value"`
}

// StripedShard is what was done to one shard.
type StripedShard struct {
	Name    string         `json:"name"`
	Residue int            `json:"residue"`
	Changed []StripeChange `json:"changed"`
}

// StripeResult is what a run has done.
type StripeResult struct {
	Fleet   string `json:"fleet"`
	Stripes int    `json:"stripes"`
	// AuditEvent is empty where nothing was left to do.
	AuditEvent string         `json:"audit_event"`
	Shards     []StripedShard `json:"shards"`
}

// StripeRequest asks for the sequences to be striped; Stripes is 0 for the
// stored or a fitting number.
type StripeRequest struct {
	Stripes       int
	Note, Confirm string
}

func (s *Session) stripes() stripe.Deps {
	return stripe.Deps{Set: s.set, Schema: s.schema, Profile: s.profile, Trail: s.trail, Jobs: s.jobs}
}

// PlanStripes says what striping the fleet's sequences would do.
func (s *Session) PlanStripes(ctx context.Context, stripes int) (StripePlan, error) {
	if err := s.ready(); err != nil {
		return StripePlan{}, err
	}
	p, err := stripe.Make(ctx, s.stripes(), stripes)
	if err != nil {
		return StripePlan{}, err
	}
	refusal := p.Refusal()
	out := StripePlan{
		Fleet: s.cfg.Fleet.Name, Stripes: p.Stripes, Chosen: p.Chosen, Done: p.Done(), Blocked: refusal != nil, Refusal: problem(refusal),
		Shards: []StripeShard{}, LeftOut: []StripeLeftOut{}, Findings: stripeFindings(p.Findings), MadeAt: now(),
	}
	for _, l := range p.LeftOut {
		out.LeftOut = append(out.LeftOut, StripeLeftOut{l.Table, l.Reason})
	}
	for _, sh := range p.Shards {
		out.Shards = append(out.Shards, stripeShard(sh, int64(p.Stripes)))
	}
	return out, nil
}

func stripeShard(sh *stripe.Shard, n int64) StripeShard {
	v := StripeShard{
		Name: sh.Name, Configured: sh.Configured, Reachable: sh.Configured && sh.Err == nil, SameAs: sh.SameAs, Residue: sh.Residue, Stored: sh.Given,
		Sequences: []StripeSequence{}, Findings: stripeFindings(sh.Findings), Error: errorText(sh.Err), Problem: problem(sh.Err),
	}
	if v.Residue == nil {
		switch {
		case !sh.Configured:
			v.ResidueReason = "the shard has no connection in the fleet file"
		case sh.SameAs != "":
			v.ResidueReason = "the database counts as " + sh.SameAs
		default:
			v.ResidueReason = "no stripe is free"
		}
	}
	for _, q := range sh.Sequences {
		x := StripeSequence{
			Sequence: q.Name, Columns: []string{}, Identity: q.Identity, Increment: q.Increment, LastValue: q.Last, LastValueReason: q.LastReason,
			Highest: q.Highest, NewIncrement: n, NextValue: q.Next, Striped: q.Striped, Findings: stripeFindings(q.Findings),
		}
		for _, c := range q.Columns {
			x.Columns = append(x.Columns, c.String())
		}
		if x.LastValue == nil && x.LastValueReason == "" {
			x.LastValueReason = "no value was drawn yet"
		}
		if x.Highest == nil {
			x.HighestReason = "its columns hold no number on this shard"
			if q.LastReason != "" {
				x.HighestReason = q.LastReason
			}
		}
		if x.NextValue == nil {
			x.NextValueReason = "a finding stands against it"
			if q.LastReason != "" {
				x.NextValueReason = q.LastReason
			}
		}
		v.Sequences = append(v.Sequences, x)
	}
	return v
}

func stripeFindings(list []stripe.Finding) []StripeFinding {
	out := []StripeFinding{}
	for _, f := range list {
		out = append(out, StripeFinding{f.Check, string(f.Severity), f.Message, f.Fix, string(f.Code)})
	}
	return out
}

// StripeSequences lets the sequences of every shard count in stripes.
func (s *Session) StripeSequences(ctx context.Context, r StripeRequest) (StripeResult, error) {
	out := StripeResult{Fleet: s.cfg.Fleet.Name, Shards: []StripedShard{}}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.StripeFleet, Shard: s.cfg.Fleet.Name, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return out, err
	}
	res, err := stripe.Apply(ctx, s.stripes(), permit, r.Stripes)
	out.Stripes, out.AuditEvent = res.Stripes, res.AuditEvent
	for _, c := range res.Shards {
		v := StripedShard{Name: c.Shard, Residue: c.Residue, Changed: []StripeChange{}}
		for _, x := range c.Changes {
			y := StripeChange{Sequence: x.Sequence, IncrementBefore: x.IncrementBefore, LastValueBefore: x.LastBefore, Increment: x.Increment, NextValue: x.Next}
			if y.LastValueBefore == nil {
				y.LastBeforeMissing = "no value had been drawn"
			}
			v.Changed = append(v.Changed, y)
		}
		out.Shards = append(out.Shards, v)
	}
	return out, err
}
