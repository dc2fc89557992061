package session

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"shardadmin/internal/alert"
	"shardadmin/internal/capacity"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/health"
	"shardadmin/internal/job"
	"shardadmin/internal/notify"
	"shardadmin/internal/sample"
)

// How often what is seen becomes alerts, how long the lease of who does it lasts, and how
// often what has been over for long is forgotten.
const (
	alertEvery = 2 * time.Second
	alertLease = 30 * time.Second
	pruneEvery = 6 * time.Hour
)

// The rules that are no checks, and the first parts of names.
const (
	ruleControl   = "control.unreachable"
	ruleCapacity  = "capacity.full"
	ruleImbalance = "imbalance.size"
	rulePlacement = "placement.failed"
	ruleCopy      = "audit.copy"
	ruleHealth    = "health."
	ruleMove      = "move."
	ruleReachable = ruleHealth + "reachable"
)

// holds are how long a condition has to last, and how long it has to be gone. That a
// shard does not answer was looked at twice already, and an imbalance has lasted a day.
// What a server counted has happened, within a minute that is over, and is seen for the
// next one alone: to wait for it to last would be to say nothing of a single deadlock.
// Shares and speeds that waver, as that of the cache, have to last; the minutes of which
// they speak follow each other.
func holdOf(rule, severity string) time.Duration {
	switch {
	case rule == ruleReachable, rule == ruleControl, rule == ruleImbalance, rule == ruleCopy, strings.HasPrefix(rule, ruleMove):
		return 0
	case rule == ruleHealth+"deadlocks", rule == ruleHealth+"temp_files", rule == ruleHealth+"rollbacks":
		return 0
	case severity == alert.Critical:
		return 30 * time.Second
	}
	return 2 * time.Minute
}

func clearOf(rule string) time.Duration {
	switch {
	case strings.HasPrefix(rule, ruleMove):
		return 0
	case rule == ruleReachable, rule == ruleControl:
		return 10 * time.Second
	}
	return 2 * time.Minute
}

// alerting turns what an observer sees into alerts, and sends what is to be told. It
// evaluates while it holds the lease; it sends whoever holds it.
type alerting struct {
	b     *Observer
	s     *Session
	store *alert.Store
	lease *job.Lease
	known string // why nothing can be kept, as it was logged last
	able  map[string]ability
	// unclaimed is why no message could be taken, and unhanded why none could be made, as
	// they were logged last.
	unclaimed, unhanded string
	pruned              time.Time // when what is over was forgotten last
	// taken is when the last look at the spread was made that is in the control database,
	// and untaken why the last one is not, as it was logged last.
	taken   time.Time
	untaken string
	// channels are those by which this one tells.
	channels []fleet.Channel
	// down is the alert of a control database that does not answer, which nobody can
	// keep there.
	down []alert.Alert
	// telling are the messages of it that are not sent yet, in order.
	telling []told
	// replans are what is offered in the place of plans that were stopped.
	replans replans
	// refusals are the writes that former shards of tenants refused lately.
	refusals refusals
}

// alerting makes one that tells by the channels of the fleet file that are the desktop,
// or by the others.
func (b *Observer) alerting(desktop bool) *alerting {
	a := &alerting{b: b, s: b.s, store: b.s.alerts(), able: map[string]ability{}, channels: []fleet.Channel{}}
	for _, c := range b.s.cfg.Fleet.Channels {
		if (c.Kind == fleet.ChannelDesktop) == desktop {
			a.channels = append(a.channels, c)
		}
	}
	return a
}

func (b *Observer) alerts(ctx context.Context) {
	a := b.alerting(false)
	defer a.replans.working.Wait()
	defer func() {
		if a.lease != nil {
			_ = a.lease.Release(context.WithoutCancel(ctx))
		}
	}()
	every(ctx, alertEvery, func() { a.noted(ctx, a.look(ctx)) })
}

func (b *Observer) sending(ctx context.Context) {
	a := b.alerting(false)
	every(ctx, alertEvery, func() {
		// Where nothing is kept nothing waits; that is said by who evaluates.
		limited, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		if b.s.installed(limited) == nil {
			a.hand(limited)
			a.send(ctx)
		}
	})
}

// hand makes messages of what another program told whose fleet file has not the channels
// of this one.
func (a *alerting) hand(ctx context.Context) {
	why := ""
	if err := a.store.Hand(ctx, a.channels); err != nil && ctx.Err() == nil {
		why = *errorText(err)
	}
	if why != a.unhanded && why != "" {
		a.s.cfg.Log.Warn("what was told cannot be handed to the channels of this fleet file", "error", why)
	}
	a.unhanded = why
}

// noted logs why alerts are not kept, once for each reason.
func (a *alerting) noted(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	why := ""
	if err != nil {
		why = *errorText(err)
	}
	if why != a.known && why != "" {
		a.s.cfg.Log.Warn("alerts are not kept, and nobody is told", "error", err)
	}
	a.known = why
}

// look evaluates once.
func (a *alerting) look(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 2*answerLimit)
	defer cancel()
	err := a.s.works(limited, &a.lease)
	if ctx.Err() != nil {
		return nil
	}
	a.control(ctx, time.Now(), err)
	if err != nil {
		return err
	}
	if a.lease == nil {
		if a.lease, err = a.s.jobs.Acquire(limited, alert.LeaseName, alertLease); err != nil {
			a.lease = nil
			if fault.CodeOf(err) == fault.LeaseHeld {
				return nil // another one evaluates
			}
			return err
		}
	}
	if time.Since(a.pruned) >= pruneEvery { // a worker may hold the lease for months
		if err := a.store.Prune(limited); err != nil {
			return err
		}
		a.pruned = time.Now()
	}
	seen, err := a.s.conditions(limited, a.b.Figures(), &a.replans, &a.refusals)
	if err != nil {
		return err
	}
	if err := a.store.Evaluate(limited, a.lease, seen, a.channels); err != nil {
		return err
	}
	a.s.replan(ctx, &a.replans)
	a.takeGlance(limited)
	return nil
}

// takeGlance takes into the control database what this program saw last of how uneven
// the fleet is. Alerts are kept whether or not that can be.
func (a *alerting) takeGlance(ctx context.Context) {
	g := a.b.glance()
	if !g.at.After(a.taken) {
		return
	}
	err, why := a.s.keepEvenness(ctx, a.lease, g), ""
	switch {
	case err == nil:
		a.taken = g.at
	case fault.CodeOf(err) != fault.LeaseLost:
		why = *errorText(err)
	}
	if why != a.untaken && why != "" {
		a.s.cfg.Log.Warn("how uneven the fleet is cannot be kept in the control database", "error", err)
	}
	a.untaken = why
}

// control tells of a control database that does not answer. Nobody can keep that
// there: each program that evaluates tells of it by itself, and forgets it when it
// ends. One that is over waits until that can be told; a new one comes after it.
func (a *alerting) control(ctx context.Context, now time.Time, err error) {
	seen := alert.Seen{Clear: clearOf}
	if fault.Unreachable(err) || fault.CodeOf(err) == fault.TimedOut || err != nil && fault.As(err) == nil {
		seen.Conditions = append(seen.Conditions, alert.Condition{
			Rule: ruleControl, Subject: fleet.ControlName, Severity: alert.Critical, Message: "the control database does not answer: " + *errorText(err),
			Advice: "no tenant can be moved or assigned meanwhile, and other alerts are not kept", Hold: 10 * time.Second,
		})
	}
	over := func() bool { return len(a.down) > 0 && a.down[0].State == alert.Resolved }
	if !over() {
		for _, c := range alert.Step(now, a.down, seen) {
			a.down = []alert.Alert{}
			if !c.Gone {
				a.down = append(a.down, c.Alert)
			}
		}
	}
	for _, due := range alert.Due(now, a.down, nil) {
		a.down[0].Told = due.Told
		a.tellControl(now, alert.ItemOf(due))
	}
	a.sendControl(ctx, now)
	if over() && a.down[0].Told == "" {
		a.down = nil
	}
}

// told is a message about the control database, which no row there can be.
type told struct {
	channel fleet.Channel
	message notify.Message
	since   time.Time // when it was due first
	tries   int
	next    time.Time // when it is tried again
}

// over reports whether it says that something has ended.
func (t told) over() bool { return t.message.Items[0].State == string(alert.Resolved) }

// tellControl makes a message to each channel. One that never got the beginning out is
// not told of the end: what began and ended unsaid is nothing.
func (a *alerting) tellControl(now time.Time, item notify.Item) {
	key := uuid.NewString()
	for _, c := range a.channels {
		if !c.Wants(ruleControl) {
			continue
		}
		next := told{channel: c, message: notify.Message{Key: key, Items: []notify.Item{item}}, since: now, next: now}
		unsaid := func(t told) bool { return next.over() && t.channel.Name == c.Name && !t.over() }
		if slices.ContainsFunc(a.telling, unsaid) {
			a.telling = slices.DeleteFunc(a.telling, unsaid)
			continue
		}
		a.telling = append(a.telling, next)
	}
}

// sendControl tries what is due about the control database, each channel by itself and
// in order, under the same key each time, as the store does with its messages: until it
// is sent, or refused for good. A beginning is tried as long as it lasts, an end for as
// long as any other message.
func (a *alerting) sendControl(ctx context.Context, now time.Time) {
	ended := len(a.down) > 0 && a.down[0].State == alert.Resolved
	errs := make([]error, len(a.telling))
	tried, busy := map[int]bool{}, map[string]bool{}
	var wg sync.WaitGroup
	for i := range a.telling {
		t := &a.telling[i]
		if busy[t.channel.Name] {
			continue
		}
		busy[t.channel.Name] = true // what comes later waits for it
		if now.Before(t.next) || ended && !t.over() {
			continue
		}
		tried[i] = true
		wg.Go(func() { errs[i] = a.s.sendTo(ctx, t.channel, t.message) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	left := []told{}
	for i, t := range a.telling {
		if !tried[i] {
			left = append(left, t)
			continue
		}
		if errs[i] == nil {
			continue
		}
		t.tries++
		l, again := notify.AsLater(errs[i])
		if again = again && (!t.over() || now.Sub(t.since) < alert.Patience); again {
			t.next = now.Add(alert.Delay(t.tries, l.After))
			left = append(left, t)
		}
		a.s.cfg.Log.Warn("nobody could be told of the control database", "channel", t.channel.Name, "attempt", t.tries, "again", again, "error", errs[i])
	}
	a.telling = left
}

// send hands out what waits, one after the other.
func (a *alerting) send(ctx context.Context) {
	names := []string{}
	for _, c := range a.channels {
		if !a.b.yield || a.canSend(ctx, c) {
			names = append(names, c.Name)
		}
	}
	for len(names) > 0 && ctx.Err() == nil {
		n, err := a.store.Claim(ctx, names)
		if ctx.Err() != nil {
			return
		}
		why := ""
		if err != nil {
			why = *errorText(err)
		}
		if why != a.unclaimed && why != "" {
			a.s.cfg.Log.Warn("messages that wait cannot be taken to be sent", "error", err)
		}
		if a.unclaimed = why; err != nil || n == nil {
			return
		}
		c, _ := a.s.cfg.Fleet.Channel(n.Channel)
		err = a.s.sendTo(ctx, c, notify.Message{Key: n.Key, Digest: n.Digest, Items: n.Items})
		if err != nil {
			a.s.cfg.Log.Warn("a message could not be sent", "channel", c.Name, "attempt", n.Attempts, "error", err)
		}
		if err := a.store.Mark(ctx, *n, err); err != nil {
			a.s.cfg.Log.Warn("that a message was sent could not be kept: it may be sent again", "channel", c.Name, "error", err)
			return
		}
	}
}

// ability is whether this computer has what a channel needs, and until when that is
// believed.
type ability struct {
	ok    bool
	until time.Time
}

// ableFor is how long it is believed: a keychain is not asked all the time.
const ableFor = time.Minute

// canSend reports whether this computer has what a channel needs. Who only has the
// fleet open takes no message that it could not send: a try that fails here would make
// one wait that a worker could send at once.
func (a *alerting) canSend(ctx context.Context, c fleet.Channel) bool {
	known, ok := a.able[c.Name]
	if !ok || time.Now().After(known.until) {
		_, err := a.s.channel(ctx, c)
		known = ability{err == nil, time.Now().Add(ableFor)}
		a.able[c.Name] = known
	}
	return known.ok
}

// sendTo sends a message through a channel with what the credentials hold. That one is
// missing here may be otherwise on another computer: the message waits.
func (s *Session) sendTo(ctx context.Context, c fleet.Channel, m notify.Message) error {
	m.Fleet, m.Environment = s.cfg.Fleet.Name, string(s.cfg.Fleet.Environment)
	ch, err := s.channel(ctx, c)
	if err != nil {
		return err
	}
	return ch.Send(ctx, m)
}

// channel is a channel with what the credentials hold of it.
func (s *Session) channel(ctx context.Context, c fleet.Channel) (notify.Channel, error) {
	ch := notify.Channel{Spec: c}
	var err error
	if c.NeedsCredential() {
		first, err := s.secretOf(ctx, c.CredentialName())
		if err != nil {
			return ch, err
		}
		if c.Kind == fleet.ChannelSMTP {
			ch.Password = first
		} else {
			ch.URL = first
		}
	}
	if c.Kind == fleet.ChannelWebhook {
		if ch.Secret, err = s.secretOf(ctx, c.SecretName()); err != nil {
			return ch, err
		}
	}
	return ch, err
}

//go:embed sql/alerting.sql
var alertingSQL string

// conditions are what is known now, as conditions.
func (s *Session) conditions(ctx context.Context, f Figures, r *replans, w *refusals) (alert.Seen, error) {
	unknown := map[string]bool{} // by rule and shard; by shard alone for all of its checks but reachable
	out := alert.Seen{Conditions: []alert.Condition{}, Clear: clearOf}
	add := func(c alert.Condition) {
		c.Hold = max(c.Hold, holdOf(c.Rule, c.Severity))
		out.Conditions = append(out.Conditions, c)
	}
	known := s.pastOf(ctx)
	sized := map[string]bool{} // whose size to come is known
	servers, serverOf := s.alertServers(f.Shards)
	for _, sh := range f.Shards {
		if !sh.Configured {
			continue
		}
		switch sh.Reading.State {
		case sample.Up:
		case sample.Down:
			unknown[sh.Name] = true
		default:
			unknown[sh.Name], unknown[ruleReachable+" "+sh.Name] = true, true
			continue
		}
		own := sh.Report
		if server := serverOf[sh.Name]; server != nil && sh.Reading.State == sample.Up {
			own = server.take(own)
		}
		for _, c := range conditionsOf(sh.Name, own) {
			add(c)
		}
		for _, u := range own.Unavailable {
			unknown[ruleHealth+u.Check+" "+sh.Name] = true
		}
		if v, ok := sh.Values[sizeFigure]; ok {
			c, told := capacityOf(known, sh, int64(v))
			if sized[sh.Name] = told; c != nil {
				add(*c)
			}
		}
	}
	out.Servers = shardsOf(servers)
	for _, server := range servers {
		for _, c := range server.conditions() {
			add(c)
		}
		unknown[server.address] = !server.up
		for check := range server.whole {
			unknown[ruleHealth+check+" "+server.address] = !server.judged[check]
		}
	}
	even, err := s.readEvenness(ctx)
	if err != nil {
		return out, err
	}
	c, uneven, unlooked := s.imbalance(evenness{from: KeptInControl, list: even})
	if uneven {
		add(c)
	}
	moves, err := s.movesToTell(ctx, r)
	if err != nil {
		return out, err
	}
	for _, c := range moves {
		add(c)
	}
	if err := s.refused(ctx, w, func(shard string) bool {
		return slices.ContainsFunc(f.Shards, func(x ShardFigures) bool { return x.Name == shard && x.Reading.State == sample.Up })
	}); err != nil {
		return out, err
	}
	for _, c := range w.list {
		add(c)
	}
	if c := s.copyCondition(ctx); c != nil {
		add(*c)
	}
	out.Unknown = func(a alert.Alert) bool {
		switch {
		case unknown[a.Rule+" "+a.Subject]:
			return true
		case placementUnknown(s.cfg.Fleet, a):
			return true
		case a.Rule == ruleRefused:
			return w.untold[a.Subject]
		case a.Rule == ruleImbalance:
			return unlooked
		case a.Rule == ruleCapacity:
			sh, in := s.cfg.Fleet.Shard(a.Subject)
			return in && sh.Configured() && !sized[a.Subject]
		}
		return a.Rule != ruleReachable && strings.HasPrefix(a.Rule, ruleHealth) && unknown[a.Subject]
	}
	return out, nil
}

// conditionsOf makes one condition of what a check found of a shard: the worst stands
// for all. What is merely worth knowing is no alert.
func conditionsOf(shard string, r health.Report) []alert.Condition {
	out, at, more := []alert.Condition{}, map[string]int{}, map[string]int{}
	for _, f := range r.Findings {
		if f.Severity == health.Info {
			continue
		}
		if _, there := at[f.Check]; there {
			more[f.Check]++ // they come the worst first
			continue
		}
		at[f.Check] = len(out)
		message := f.Message
		if f.Subject != "" && !strings.Contains(message, f.Subject) {
			message = f.Subject + ": " + message
		}
		out = append(out, alert.Condition{
			Rule: ruleHealth + f.Check, Subject: shard, Shard: shard, Severity: string(f.Severity), Message: message, Value: f.Value, Advice: f.Advice,
		})
	}
	for check, n := range more {
		out[at[check]].Message += fmt.Sprintf(" (and %d more)", n)
	}
	return out
}

// nearlyFull is how many times the limit of days keeps an alert open: a forecast wavers
// from day to day.
const nearlyFull = 1.25

// capacityOf is a shard that is full or will be within the limits of the check, nil where
// it will not; and whether that is known here, where sizes of some days have to be kept.
func capacityOf(past past, sh ShardFigures, size int64) (c *alert.Condition, known bool) {
	if sh.CapacityBytes <= 0 {
		return nil, true
	}
	c = &alert.Condition{
		Rule: ruleCapacity, Subject: sh.Name, Shard: sh.Name, Severity: alert.Critical,
		Advice: "move tenants to another shard: shard-admin rebalance plan",
	}
	_, f := forecast(past, sh.Name, &size, sh.CapacityBytes)
	limit := health.Defaults().FullDays
	switch {
	case size >= sh.CapacityBytes:
		c.Value, c.Message = "full", sh.Name+" has reached its capacity"
		return c, true
	case f.State == capacity.TooShort:
		return nil, false
	case f.Soonest == nil || *f.Soonest > nearlyFull*limit.Warning:
		return nil, true
	case *f.Soonest > limit.Critical:
		c.Severity = alert.Warning
	}
	c.Near = *f.Soonest > limit.Warning
	c.Value = fmt.Sprintf("%.0f days", *f.Soonest)
	c.Message = fmt.Sprintf("as it grows, %s reaches its capacity in %.0f days at the soonest", sh.Name, *f.Soonest)
	return c, true
}

// movesToTell are the moves that failed, need a person or are done. One that failed and
// stopped a plan says which fresh plan there is.
func (s *Session) movesToTell(ctx context.Context, r *replans) ([]alert.Condition, error) {
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, s.inSchema(alertingSQL))
	if err != nil {
		return nil, conn.Fault(err, fleet.ControlName)
	}
	defer rows.Close()
	out := []alert.Condition{}
	for rows.Next() {
		var id, tenant, label, source, target, state, message, hint, batch string
		var hold, settled bool
		if err := rows.Scan(&id, &tenant, &label, &source, &target, &state, &message, &hint, &hold, &batch, &settled); err != nil {
			return nil, conn.Fault(err, fleet.ControlName)
		}
		name := tenant
		if label != "" {
			name = label + " (" + tenant + ")"
		}
		what := fmt.Sprintf("the move of tenant %s from %s to %s ", name, source, target)
		c := alert.Condition{Rule: ruleMove + state, Subject: id, Shard: source, Severity: alert.Warning, Value: state}
		switch state {
		case "failed":
			c.Severity, c.Message, c.Advice = alert.Critical, what+"failed: "+message, hint
			fresh, soon := r.of(batch, settled)
			if soon {
				c.Hold = replanWait // so that who is told reads of it
			}
			if fresh != "" {
				c.Advice = strings.TrimPrefix(c.Advice+"; "+fresh, "; ")
			}
		case "person":
			c.Message, c.Advice = what+"needs a person: it is ready to be switched", fault.Change("move switch "+id)
			if !hold && message != "" {
				c.Message, c.Advice = what+"needs a person: "+message, hint
			}
		default:
			c.Rule, c.Severity, c.Once = ruleMove+"finished", alert.Info, true
			c.Message = what + map[string]string{"retained": "is done", "cancelled": "was cancelled", "rolled_back": "was moved back"}[state]
		}
		out = append(out, c)
	}
	return out, conn.Fault(rows.Err(), fleet.ControlName)
}
