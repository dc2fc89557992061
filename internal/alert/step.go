package alert

import (
	"slices"
	"time"

	"shardadmin/internal/fleet"
	"shardadmin/internal/job/window"
	"shardadmin/internal/notify"
)

// State is where an alert stands.
type State string

// The states.
const (
	Pending      State = "pending"
	Firing       State = "firing"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// The severities, as of findings.
const (
	Info     = "info"
	Warning  = "warning"
	Critical = "critical"
)

// Rank orders severities, the worst highest.
func Rank(severity string) int {
	return slices.Index([]string{Info, Warning, Critical}, severity)
}

// Condition is something that is seen now.
type Condition struct {
	Rule, Subject string
	// Shard is what a silence goes by; empty where it is about the fleet.
	Shard                            string
	Severity, Message, Value, Advice string
	// Hold is how long it has to last before it fires, Clear how long it has to be
	// gone before it is resolved.
	Hold time.Duration
	// Near is true for a value between the limit and where it is well again: it
	// keeps an alert open and begins none.
	Near bool
	// Once is true for what happened and is told once.
	Once bool
}

// Seen is one look at a fleet.
type Seen struct {
	Conditions []Condition
	// Unknown reports whether nobody could look at what an alert is about.
	Unknown func(a Alert) bool
	// Clear is how long what a rule speaks of has to be gone.
	Clear func(rule string) time.Duration
	// Servers are the shards of each server that holds several, by the subject of its
	// alerts.
	Servers map[string][]string
}

// Alert is a condition with its history.
type Alert struct {
	ID                               int64 // 0 before it is kept
	Rule, Subject, Shard             string
	Severity, Message, Value, Advice string
	Once                             bool
	State                            State
	Since                            time.Time
	FiredAt, ClearSince, ResolvedAt  *time.Time
	AcknowledgedAt                   *time.Time
	AcknowledgedBy, AcknowledgedWhy  string
	// Told is the severity that was told; empty where nobody was.
	Told string
	// Of are all the shards that it is about, where it is about a server of several. They
	// are not kept: whoever asks about silences fills them in.
	Of []string `db:"-"`
}

// Key names what the alert is about.
func (a Alert) Key() string { return a.Rule + " " + a.Subject }

// Change is what became of one alert in a step.
type Change struct {
	Alert Alert
	// Gone is true for a pending one that is not seen any more: it is forgotten.
	Gone bool
}

// Step says what becomes of the open alerts, of which there is one for each key.
// Alerts that stay as they are are not listed.
func Step(now time.Time, open []Alert, seen Seen) []Change {
	out := []Change{}
	left := map[string]Condition{}
	order := []string{}
	for _, c := range seen.Conditions {
		k := c.Rule + " " + c.Subject
		if was, ok := left[k]; !ok {
			order = append(order, k)
		} else if Rank(was.Severity) >= Rank(c.Severity) {
			continue // the worst stands for all
		}
		left[k] = c
	}
	for _, a := range open {
		c, there := left[a.Key()]
		delete(left, a.Key())
		next := a
		switch {
		case there && c.Near && a.State == Pending:
			out = append(out, Change{Alert: a, Gone: true})
			continue
		case there:
			next.ClearSince = nil
			if !c.Near {
				next.Severity, next.Message, next.Value, next.Advice, next.Shard = c.Severity, c.Message, c.Value, c.Advice, c.Shard
			}
			if a.State == Pending && now.Sub(a.Since) >= c.Hold {
				next.State, next.FiredAt = Firing, &now
			}
		case seen.Unknown != nil && seen.Unknown(a):
			continue
		case a.State == Pending:
			out = append(out, Change{Alert: a, Gone: true})
			continue
		case a.ClearSince == nil && seen.clear(a.Rule) > 0:
			next.ClearSince = &now
		case a.ClearSince == nil || now.Sub(*a.ClearSince) >= seen.clear(a.Rule):
			next.State, next.ResolvedAt = Resolved, &now
		}
		if changed(a, next) {
			out = append(out, Change{Alert: next})
		}
	}
	for _, k := range order {
		c, ok := left[k]
		if !ok || c.Near {
			continue
		}
		a := Alert{
			Rule: c.Rule, Subject: c.Subject, Shard: c.Shard, Severity: c.Severity, Message: c.Message, Value: c.Value, Advice: c.Advice, Once: c.Once,
			State: Pending, Since: now,
		}
		if c.Hold <= 0 {
			a.State, a.FiredAt = Firing, &now
		}
		out = append(out, Change{Alert: a})
	}
	return out
}

func (s Seen) clear(rule string) time.Duration {
	if s.Clear == nil {
		return 0
	}
	return s.Clear(rule)
}

// changed reports whether something has to be written; the figures of an alert that
// stays as it is are not worth a write each time.
func changed(a, b Alert) bool {
	return a.State != b.State || a.Severity != b.Severity || a.Shard != b.Shard || a.Message != b.Message || a.Advice != b.Advice || (a.ClearSince == nil) != (b.ClearSince == nil)
}

// Silence is a time in which nobody is told.
type Silence struct {
	ID           int64
	Shard, Rule  string // empty for all
	Begins, Ends time.Time
	Reason, By   string
	// Every are the windows in which it holds between the two; all the time where it
	// has none.
	Every window.Set
	// Unread is true for windows that this version cannot read: they silence nothing.
	Unread bool
}

// Holds reports whether the silence holds now.
func (s Silence) Holds(now time.Time) bool {
	return !now.Before(s.Begins) && now.Before(s.Ends) && !s.Unread && s.Every.Open(now)
}

// Covers reports whether the silence is about the alert now. One of a shard is not about
// its server, unless the server holds no other: who works on the one wants to hear of what
// ails the others.
func (s Silence) Covers(now time.Time, a Alert) bool {
	return s.of(now, a.Rule) && (s.Shard == "" || s.Shard == a.Subject || s.Shard == a.Shard && len(a.Of) < 2)
}

// of reports whether the silence is about a rule now.
func (s Silence) of(now time.Time, rule string) bool {
	return s.Holds(now) && (s.Rule == "" || s.Rule == rule)
}

// Silenced reports whether the silences are about the alert now: one of them, or for a
// server those of all of its shards together.
func Silenced(now time.Time, a Alert, list []Silence) bool {
	if slices.ContainsFunc(list, func(s Silence) bool { return s.Covers(now, a) }) {
		return true
	}
	for _, shard := range a.Of {
		if !slices.ContainsFunc(list, func(s Silence) bool { return s.Shard == shard && s.of(now, a.Rule) }) {
			return false
		}
	}
	return len(a.Of) > 0
}

// groupWait is how long what is due waits for what comes with it.
const groupWait = 3 * time.Second

// Due says of which alerts, open or resolved, the channels have to be told now. It
// returns them with Told as it is afterwards; all of them are one message. Nothing is
// due before what is due first has waited groupWait, nor what is silent before it is not
// any more.
func Due(now time.Time, list []Alert, silences []Silence) []Alert {
	out, ripe := []Alert{}, false
	for _, a := range list {
		at := a.FiredAt
		switch {
		case a.State == Resolved && a.Told != "" && !a.Once && !Silenced(now, a, silences):
			a.Told, at = "", a.ResolvedAt
		case a.State == Firing && Rank(a.Severity) > Rank(a.Told) && !Silenced(now, a, silences):
			a.Told = a.Severity
		default:
			continue
		}
		out = append(out, a)
		ripe = ripe || at == nil || now.Sub(*at) >= groupWait
	}
	if !ripe {
		return []Alert{}
	}
	return out
}

// Told is an alert in a telling, with the severity at which it was told before, "" where
// it was not.
type Told struct {
	notify.Item
	Before string `json:"before"`
}

// For is what a channel is to have of what was told, in that order: each alert once, as
// it was told last. The end is for those who were told of the beginning, so what began
// and ended in it is nothing.
func For(c fleet.Channel, told []Told) []notify.Item {
	out, began := []notify.Item{}, map[int64]bool{}
	for _, t := range told {
		over, known := t.State == string(Resolved), t.Before != "" && Rank(t.Before) >= Rank(c.Severity)
		if !c.Wants(t.Rule) || over && !known || !over && Rank(t.Severity) < Rank(c.Severity) {
			continue
		}
		began[t.ID] = began[t.ID] || !over && !known
		out = slices.DeleteFunc(out, func(i notify.Item) bool { return i.ID == t.ID })
		if !over || !began[t.ID] {
			out = append(out, t.Item)
		}
	}
	return out
}
