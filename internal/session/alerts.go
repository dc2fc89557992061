package session

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shardadmin/internal/alert"
	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job/window"
	"shardadmin/internal/notify"
	"shardadmin/internal/policy"
)

// DefaultImbalance is how far the largest shard may be above the mean.
const DefaultImbalance = 0.2

// AlertView is an alert as it is shown.
type AlertView struct {
	ID       int64  `json:"id"`
	Rule     string `json:"rule"`
	Subject  string `json:"subject"`
	Shard    string `json:"shard"`
	Severity string `json:"severity"`
	// State is pending, firing, acknowledged or resolved, and done for what happened
	// once and has no end to wait for, as a move that is done.
	State   string `json:"state"`
	Message string `json:"message"`
	Value   string `json:"value"`
	Advice  string `json:"advice"`
	Since   string `json:"since"`
	// FiredAt and ResolvedAt are null before they are.
	FiredAt         *string `json:"fired_at"`
	ResolvedAt      *string `json:"resolved_at"`
	AcknowledgedAt  *string `json:"acknowledged_at"`
	AcknowledgedBy  string  `json:"acknowledged_by"`
	AcknowledgedWhy string  `json:"acknowledged_why"`
	// Silenced is true where nobody is told now.
	Silenced bool `json:"silenced"`
}

// SilenceView is a time in which nobody is told.
type SilenceView struct {
	ID     int64  `json:"id"`
	Shard  string `json:"shard"`
	Rule   string `json:"rule"`
	Begins string `json:"begins"`
	Ends   string `json:"ends"`
	// Every are the windows in which it holds between the two; empty where it holds all
	// the time. NextAt is when the next one opens, null where one is open or none comes.
	Every  string  `json:"every"`
	NextAt *string `json:"next_at"`
	Active bool    `json:"active"`
	Reason string  `json:"reason"`
	By     string  `json:"by"`
}

// ChannelView is a channel of the fleet file and how it goes.
type ChannelView struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	To       []string `json:"to"`
	Severity string   `json:"severity"`
	Events   []string `json:"events"`
	Digest   string   `json:"digest"`
	Waiting  int      `json:"waiting"`
	SentAt   *string  `json:"sent_at"`
	Error    string   `json:"error"`
}

// AlertList is what is wrong, who is told, and what is silent.
type AlertList struct {
	Alerts   []AlertView   `json:"alerts"`
	Silences []SilenceView `json:"silences"`
	Channels []ChannelView `json:"channels"`
	// Firing counts those that fire and nobody has acknowledged.
	Firing int `json:"firing"`
	// Kept is false where nothing is kept and nobody told; Reason says why.
	Kept   bool   `json:"kept"`
	Reason string `json:"reason"`
	// Evaluated is false where no program evaluates now.
	Evaluated bool `json:"evaluated"`
}

func (s *Session) alerts() *alert.Store { return alert.NewStore(s.set.Control(), s.schema) }

// Alerts returns the open alerts, with all also what is over.
func (s *Session) Alerts(ctx context.Context, all bool) (AlertList, error) {
	out := AlertList{Alerts: []AlertView{}, Silences: []SilenceView{}, Channels: []ChannelView{}}
	for _, c := range s.cfg.Fleet.Channels {
		v := ChannelView{Name: c.Name, Kind: c.Kind, To: append([]string{}, c.To...), Severity: c.Severity, Events: append([]string{}, c.Events...)}
		if c.Digest != nil {
			v.Digest = c.Digest.String()
		}
		out.Channels = append(out.Channels, v)
	}
	if err := s.installed(ctx); err != nil {
		switch fault.CodeOf(err) {
		case fault.NotInstalled, fault.SchemaOlder, fault.SchemaNewer:
			out.Reason = *errorText(err) + "; nobody is told"
			return out, nil
		}
		return out, err
	}
	list, silences, err := s.alerts().List(ctx, all)
	if err != nil {
		return out, err
	}
	out.Kept = true
	at, servers := time.Now(), s.serversNow()
	for _, a := range list {
		a.Of = servers[a.Subject]
		v := AlertView{
			ID: a.ID, Rule: a.Rule, Subject: a.Subject, Shard: a.Shard, Severity: a.Severity, State: shownState(a), Message: a.Message, Value: a.Value, Advice: a.Advice,
			Since: stamp(a.Since), FiredAt: stampPtr(a.FiredAt), ResolvedAt: stampPtr(a.ResolvedAt), AcknowledgedAt: stampPtr(a.AcknowledgedAt),
			AcknowledgedBy: audit.Named(a.AcknowledgedBy), AcknowledgedWhy: a.AcknowledgedWhy, Silenced: a.State != alert.Resolved && alert.Silenced(at, a, silences),
		}
		if a.State == alert.Firing && !a.Once {
			out.Firing++
		}
		out.Alerts = append(out.Alerts, v)
	}
	for _, n := range silences {
		out.Silences = append(out.Silences, silenceView(n, at))
	}
	if out.Evaluated, err = s.evaluated(ctx); err != nil {
		return out, err
	}
	return out, s.troubles(ctx, out.Channels)
}

// shownState is an alert's state as people read it: what happened once fires for the
// store, so that it is told, and is nothing that goes on.
func shownState(a alert.Alert) string {
	if a.Once && a.State == alert.Firing {
		return "done"
	}
	return string(a.State)
}

func silenceView(n alert.Silence, at time.Time) SilenceView {
	v := SilenceView{ID: n.ID, Shard: n.Shard, Rule: n.Rule, Begins: stamp(n.Begins), Ends: stamp(n.Ends), Every: n.Every.String(), Active: n.Holds(at), Reason: n.Reason, By: audit.Named(n.By)}
	if n.Unread {
		v.Every = "windows that this version cannot read"
	} else if !v.Active {
		from := at
		if from.Before(n.Begins) {
			from = n.Begins
		}
		if next := n.Every.Opens(from); !next.IsZero() && next.Before(n.Ends) {
			v.NextAt = ptr(stamp(next.UTC()))
		}
	}
	return v
}

// evaluated reports whether some program holds the lease.
func (s *Session) evaluated(ctx context.Context) (bool, error) {
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return false, err
	}
	var held bool
	err = pool.QueryRow(ctx, s.inSchema(`SELECT EXISTS (SELECT FROM {{schema}}.lease WHERE resource = $1 AND expires_at > clock_timestamp())`), alert.LeaseName).Scan(&held)
	return held, conn.Fault(err, fleet.ControlName)
}

func (s *Session) troubles(ctx context.Context, channels []ChannelView) error {
	list, err := s.alerts().Channels(ctx)
	for _, t := range list {
		for i := range channels {
			if c := &channels[i]; c.Name == t.Channel {
				c.Waiting, c.Error, c.SentAt = t.Waiting, t.Error, stampPtr(t.SentAt)
			}
		}
	}
	return err
}

func (s *Session) changeAlerts(ctx context.Context, a policy.Action, shard, note string, f func(tx pgx.Tx, p policy.Permit) (audit.Record, error)) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: a, Shard: shard, Reason: note})
	if err != nil {
		return err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	// The change and its event are one transaction, as of the queue: neither is without
	// the other.
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		rec, err := f(tx, permit)
		if err != nil {
			return err
		}
		_, err = s.trail.AppendTx(ctx, tx, permit, rec)
		return err
	}), fleet.ControlName)
}

// AckAlert takes an alert that fires: nobody is told of it any more but its end.
func (s *Session) AckAlert(ctx context.Context, id int64, note string) error {
	return s.changeAlerts(ctx, policy.AlertAck, "", note, func(tx pgx.Tx, p policy.Permit) (audit.Record, error) {
		a, err := s.alerts().Acknowledge(ctx, tx, p, id)
		return audit.Record{
			Before: map[string]any{"state": string(a.State)}, After: map[string]any{"state": string(alert.Acknowledged)},
			Details: map[string]any{"alert": id, "rule": a.Rule, "subject": a.Subject},
		}, err
	})
}

// SilenceRequest asks that nobody be told for a time.
type SilenceRequest struct {
	// Shard and Rule are empty for all.
	Shard string `json:"shard"`
	Rule  string `json:"rule"`
	// Begins is a time, or empty where it begins at once; Ends is a time or a
	// duration such as 2h.
	Begins string `json:"begins"`
	Ends   string `json:"ends"`
	// Every are windows such as "sun 02:00-04:00 Europe/Berlin", in which it holds again
	// and again until its end; it may be empty. Then Ends may be empty as well: a year.
	Every string `json:"every"`
	Note  string `json:"note"`
}

// mostSilence bounds a silence: one that is forgotten ends by itself.
// One that comes again may last a year.
const (
	mostSilence   = 31 * 24 * time.Hour
	mostRecurring = 366 * 24 * time.Hour
)

// Silence files a time in which nobody is told of a shard, of a server that holds several,
// by its address, or of the fleet.
func (s *Session) Silence(ctx context.Context, r SilenceRequest) (SilenceView, error) {
	n := alert.Silence{Shard: r.Shard, Rule: r.Rule}
	_, server := s.serversNow()[r.Shard]
	if _, ok := s.cfg.Fleet.Shard(r.Shard); !ok && r.Shard != "" && !server {
		_, err := s.set.Shard(r.Shard)
		return SilenceView{}, err
	}
	var err error
	at := time.Now().UTC()
	if n.Begins, err = timeOf(r.Begins, at); err != nil {
		return SilenceView{}, err
	}
	if n.Every, err = window.Parse(r.Every); err != nil {
		return SilenceView{}, err
	}
	most, within := mostSilence, "31 days"
	if len(n.Every) > 0 {
		most, within = mostRecurring, "a year"
	}
	if n.Ends, err = timeOf(r.Ends, n.Begins); err != nil {
		return SilenceView{}, err
	}
	if len(n.Every) > 0 && r.Ends == "" {
		n.Ends = n.Begins.AddDate(1, 0, 0)
	}
	if !n.Ends.After(n.Begins) || !n.Ends.After(at) || n.Ends.Sub(n.Begins) > most {
		return SilenceView{}, fault.Newf(fault.Usage, "give its end as 2h or 2026-01-31T06:00:00Z", "a silence ends after its beginning, in the future and within %s", within)
	}
	err = s.changeAlerts(ctx, policy.AlertSilence, r.Shard, r.Note, func(tx pgx.Tx, p policy.Permit) (audit.Record, error) {
		n.Reason, n.By = p.Reason(), p.Operator()
		var err error
		n.ID, err = s.alerts().Silence(ctx, tx, p, n)
		return audit.Record{After: map[string]any{"silence": n.ID, "shard": n.Shard, "rule": n.Rule, "begins": stamp(n.Begins), "ends": stamp(n.Ends), "every": n.Every.String()}}, err
	})
	return silenceView(n, at), err
}

// timeOf reads a moment, or a duration after from.
func timeOf(text string, from time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return from, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return from.Add(d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fault.New(fault.Usage, "a time is a moment or a duration", "write 2026-01-31T06:00:00Z or 2h30m")
	}
	return at.UTC(), nil
}

// Unsilence ends a silence.
func (s *Session) Unsilence(ctx context.Context, id int64, note string) error {
	return s.changeAlerts(ctx, policy.AlertUnsilence, "", note, func(tx pgx.Tx, p policy.Permit) (audit.Record, error) {
		n, err := s.alerts().Unsilence(ctx, tx, p, id)
		return audit.Record{Before: map[string]any{"silence": id, "shard": n.Shard, "rule": n.Rule, "ends": stamp(n.Ends), "reason": n.Reason}}, err
	})
}

// ChannelTest is what a channel said to a test.
type ChannelTest struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
}

// TestChannel sends a message that says it is a test. It changes nothing of the fleet.
func (s *Session) TestChannel(ctx context.Context, name string) (ChannelTest, error) {
	c, ok := s.cfg.Fleet.Channel(name)
	if !ok {
		return ChannelTest{}, fault.Newf(fault.ChannelUnknown, "add a [[notify]] with that name to the fleet file", "the fleet %s has no channel %q", s.cfg.Fleet.Name, name)
	}
	if err := s.sendTo(ctx, c, notify.Message{Key: uuid.NewString(), Test: true, Items: []notify.Item{}}); err != nil {
		return ChannelTest{Channel: name}, err
	}
	return ChannelTest{Channel: name, OK: true}, nil
}

// secretOf is a secret of a channel. Where none is kept here another computer may have
// it, so that a message waits for it.
func (s *Session) secretOf(ctx context.Context, name string) (credential.Secret, error) {
	c, _, err := s.cfg.Resolver.Resolve(ctx, s.cfg.Fleet.Name, name, credential.Endpoint{})
	if err == nil && c.Password.Empty() {
		if err = c.Lacking; err == nil {
			err = fault.Newf(fault.CredentialMissing, "shard-admin fleet credential set "+name+" keeps one", "the credential %s is empty", name)
		}
	}
	if err != nil {
		return credential.Secret{}, &notify.Later{Err: err}
	}
	return c.Password, nil
}
