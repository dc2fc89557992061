package session

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/audit/mirror"
	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
	"shardadmin/internal/store"
)

func eventView(e audit.Event) Event {
	v := Event{
		ID: e.ID, Seq: e.Seq, At: stamp(e.At), Actor: e.Actor, ActorRef: e.ActorRef, ActorRole: e.ActorRole, DBUser: e.DBUser, Action: e.Action, Phase: e.Phase,
		Tenant: e.Tenant, Source: e.Source, Target: e.Target, Status: e.Status, Note: e.Note, MoveID: e.MoveID, Via: e.Via, Hash: e.Hash,
		Before: e.Before, After: e.After, Details: e.Details,
	}
	for _, m := range []*map[string]any{&v.Before, &v.After, &v.Details} {
		if *m == nil {
			*m = map[string]any{}
		}
	}
	return v
}

// moment reads a time, a date in a zone, or an age such as 24h.
func moment(text string, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d), nil
	}
	if days, err := strconv.ParseUint(strings.TrimSuffix(text, "d"), 10, 16); err == nil && strings.HasSuffix(text, "d") {
		return time.Now().AddDate(0, 0, -int(days)), nil
	}
	return time.Time{}, fault.Newf(fault.Usage, "write 2026-01-31, 2026-01-31T10:00:00Z or an age such as 24h or 30d", "%q is not a time", text)
}

func (f AuditFilter) filter(zone *time.Location) (audit.Filter, error) {
	out := audit.Filter{ID: f.ID, Tenant: f.Tenant, Actor: f.Actor, Shard: f.Shard, Action: f.Action, Search: f.Search, Before: f.Before, After: f.After, Limit: f.Limit}
	if f.Status != "" {
		out.Statuses = []string{f.Status}
	}
	var err error
	if out.Since, err = moment(f.Since, zone); err != nil {
		return out, err
	}
	out.Until, err = moment(f.Until, zone)
	return out, err
}

// auditFilter resolves the tenant's label, so that both names find its events.
func (s *Session) auditFilter(ctx context.Context, f AuditFilter, zone *time.Location) (audit.Filter, error) {
	out, err := f.filter(zone)
	if err != nil || out.Tenant == "" || s.cat == nil {
		return out, err
	}
	// A tenant that is gone has events all the same.
	if t, err := s.cat.Find(ctx, out.Tenant); err == nil {
		out.Tenant = t.ID
	}
	return out, nil
}

// copiedFilter is auditFilter where the catalogue does not answer: the tenant's label is
// the one that events of the copy name.
func copiedFilter(ctx context.Context, m *mirror.Mirror, f AuditFilter) (audit.Filter, error) {
	out, err := f.filter(time.UTC)
	if err != nil || out.Tenant == "" {
		return out, err
	}
	id, err := m.Tenant(ctx, out.Tenant)
	if id != "" {
		out.Tenant = id
	}
	return out, err
}

// trailThere refuses what reads the trail where there is none.
func (s *Session) trailThere(ctx context.Context) error {
	st, err := s.install.Status(ctx, s.set.Control())
	if err != nil {
		return err
	}
	if !st.Installed {
		return fault.New(fault.NotInstalled, "the control database has no "+s.schema+" schema, so there is no audit trail", "shard-admin fleet install makes it")
	}
	return nil
}

// trailAway is trailThere that tells why the control database does not answer apart
// from why it cannot be read.
func (s *Session) trailAway(ctx context.Context) (away, err error) {
	if err = s.trailThere(ctx); fault.Unreachable(err) {
		return err, nil
	}
	return nil, err
}

// AuditFacets counts the values of the newest events that the filter selects. Where
// the control database does not answer it counts in this computer's copy and says so.
func (s *Session) AuditFacets(ctx context.Context, f AuditFilter) (AuditFacets, error) {
	out := AuditFacets{Most: audit.FacetEvents, Facets: []AuditFacet{}}
	away, err := s.trailAway(ctx)
	if err != nil {
		return out, err
	}
	var v audit.Facets
	if away != nil {
		if err := s.withCopy(ctx, func(m *mirror.Mirror, _ time.Time) error {
			filter, err := copiedFilter(ctx, m, f)
			if err != nil {
				return err
			}
			if v, err = m.Facets(ctx, filter); err != nil {
				return err
			}
			end, _, err := m.End(ctx)
			out.CopyTo, out.CopyReason = &end, fault.As(away).Message
			return err
		}); err != nil {
			return out, away // without a copy the database is what is missing
		}
	} else {
		filter, err := s.auditFilter(ctx, f, time.UTC)
		if err != nil {
			return out, err
		}
		if v, err = s.trail.Facets(ctx, filter); err != nil {
			return out, err
		}
	}
	out.Events, out.More = v.Events, v.More
	for _, k := range v.Kinds {
		facet := AuditFacet{Kind: k.Kind, Distinct: k.Distinct, Values: []AuditFacetValue{}}
		for _, x := range k.Values {
			facet.Values = append(facet.Values, AuditFacetValue(x))
		}
		out.Facets = append(out.Facets, facet)
	}
	return out, nil
}

// Events lists the trail, the newest first. Where the control database does not
// answer it lists this computer's copy of it and says so.
func (s *Session) Events(ctx context.Context, f AuditFilter) (EventList, error) {
	out := EventList{Events: []Event{}}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	away, err := s.trailAway(ctx)
	if err != nil {
		return out, err
	}
	if away != nil {
		copied, err := s.CopiedEvents(ctx, f)
		if err != nil {
			return out, away // without a copy the database is what is missing
		}
		copied.CopyReason = fault.As(away).Message
		return copied, nil
	}
	filter, err := s.auditFilter(ctx, f, time.UTC)
	if err != nil {
		return out, err
	}
	list, next, err := s.trail.Page(ctx, filter)
	for _, e := range list {
		out.Events = append(out.Events, eventView(e))
	}
	out.Next = next
	return out, err
}

// VerifyAudit reads the whole chain and computes every hash.
func (s *Session) VerifyAudit(ctx context.Context) (AuditVerification, error) {
	return s.VerifyAuditFrom(ctx, "", nil)
}

// VerifyAuditFrom is VerifyAudit against a signed checkpoint that was kept
// elsewhere, and with keys that are trusted from elsewhere.
func (s *Session) VerifyAuditFrom(ctx context.Context, checkpoint string, keys []string) (AuditVerification, error) {
	if err := s.trailThere(ctx); err != nil {
		return verificationView(audit.Verification{}), err
	}
	v, err := s.trail.VerifyFrom(ctx, checkpoint, keys...)
	return verificationView(v), err
}

// VerifyMirror computes every hash of this computer's copy; it asks no database.
func (s *Session) VerifyMirror(ctx context.Context, checkpoint string, keys []string) (AuditVerification, error) {
	var v audit.Verification
	err := s.withCopy(ctx, func(m *mirror.Mirror, _ time.Time) error {
		var err error
		v, err = m.VerifyFrom(ctx, checkpoint, keys...)
		return err
	})
	out := verificationView(v)
	out.CopyTo = &v.LastSeq
	return out, err
}

// VerifySeen is VerifyAudit, and VerifyMirror with the reason where the control database
// does not answer.
func (s *Session) VerifySeen(ctx context.Context) (AuditVerification, error) {
	away, err := s.trailAway(ctx)
	if away == nil || err != nil {
		if err != nil {
			return verificationView(audit.Verification{}), err
		}
		return s.VerifyAudit(ctx)
	}
	v, err := s.VerifyMirror(ctx, "", nil)
	if err != nil {
		return v, away // without a copy the database is what is missing
	}
	v.CopyReason = fault.As(away).Message
	return v, nil
}

func verificationView(v audit.Verification) AuditVerification {
	out := AuditVerification{
		OK: v.OK, Events: v.Events, FirstBad: v.FirstBad, Findings: []AuditFinding{}, VerifiedAt: now(),
		Checkpoints: v.Checkpoints, LastCheckpoint: v.LastCheckpoint, Keys: []AuditKey{}, Unproven: append([]string{}, v.Unproven...), ArchivedTo: v.ArchivedTo,
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, AuditFinding(f))
	}
	for _, k := range v.Keys {
		out.Keys = append(out.Keys, AuditKey(k))
	}
	return out
}

// CopiedEvents lists this computer's copy of the trail, the newest first, and asks
// no database.
func (s *Session) CopiedEvents(ctx context.Context, f AuditFilter) (EventList, error) {
	out := EventList{Events: []Event{}}
	// What is asked for wrongly is told before it is told that there is no copy.
	if _, err := f.filter(time.UTC); err != nil {
		return out, err
	}
	err := s.withCopy(ctx, func(m *mirror.Mirror, synced time.Time) error {
		filter, err := copiedFilter(ctx, m, f)
		if err != nil {
			return err
		}
		// The end first: what is copied in between is then listed once more, not passed over.
		end, _, err := m.End(ctx)
		if err != nil {
			return err
		}
		list, err := m.List(ctx, filter)
		for _, e := range list {
			out.Events = append(out.Events, eventView(e))
		}
		at := stamp(synced)
		out.CopyTo, out.CopyAt = &end, &at
		// A copy that ends before what was seen of the trail itself has nothing new.
		out.Next = max(filter.Next(list, end), filter.After)
		return err
	})
	return out, err
}

// withMirror runs f on this computer's copy of the trail of the database that
// answers.
func (s *Session) withMirror(ctx context.Context, f func(*mirror.Mirror) error) error {
	key, err := s.trail.Key(ctx)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	m := mirror.New(db, key)
	if err := f(m); err != nil {
		return err
	}
	return m.Remember(ctx, s.cfg.Fleet.Name, s.schema)
}

// withCopy runs f on the copy that this computer last brought up to date for the
// fleet, whether or not the control database answers.
func (s *Session) withCopy(ctx context.Context, f func(m *mirror.Mirror, synced time.Time) error) error {
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	m, synced, ok, err := mirror.Of(ctx, db, s.cfg.Fleet.Name, s.schema)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.NoCopy, "this computer has no copy of the fleet's audit trail", "shard-admin audit sync makes one while the control database answers")
	}
	return f(m, synced)
}

// SyncAudit brings this computer's copy of the trail up to date.
func (s *Session) SyncAudit(ctx context.Context) (AuditSync, error) {
	if err := s.trailThere(ctx); err != nil {
		return AuditSync{}, err
	}
	s.handIn(ctx)
	var res mirror.Result
	err := s.withMirror(ctx, func(m *mirror.Mirror) error {
		var err error
		res, err = m.Sync(ctx, s.trail)
		return err
	})
	return AuditSync(res), err
}

// RestartCopy keeps this computer's copy of the trail as it is, with the reason, and
// begins a new one: after a restore or a new installation that everybody knows of. It ends
// an alarm, so the trail that answers takes who did it, why, and both ends, before and
// after; where it takes nothing the alarm stays.
func (s *Session) RestartCopy(ctx context.Context, note string) (AuditSync, error) {
	if err := s.trailThere(ctx); err != nil {
		return AuditSync{}, err
	}
	if err := mirror.RestartReason(note); err != nil {
		return AuditSync{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditRestart, Shard: s.cfg.Fleet.Name, Reason: note})
	if err != nil {
		return AuditSync{}, err
	}
	if err := s.withMirror(ctx, func(m *mirror.Mirror) error {
		seq, hash, err := m.End(ctx)
		if err != nil {
			return err
		}
		alarms, err := m.Alarms(ctx)
		if err != nil {
			return err
		}
		in := audit.Intent{Before: map[string]any{"seq": seq, "hash": hash}}
		if len(alarms) > 0 {
			in.Details = map[string]any{"alarm": alarms[0].Kind, "first_seq": alarms[0].FirstSeq, "last_seq": alarms[0].LastSeq, "message": alarms[0].Message}
		}
		intent, err := s.trail.Begin(ctx, permit, in)
		if err != nil {
			return err
		}
		var head audit.Head
		if err := s.trail.Read(ctx, func(r *audit.Reader) error {
			var err error
			head, err = r.Head(ctx)
			return err
		}); err != nil {
			_, _ = intent.Finish(ctx, audit.Outcome{Err: err})
			return err
		}
		if err := m.Restart(ctx, note); err != nil {
			_, _ = intent.Finish(ctx, audit.Outcome{Err: err})
			return err
		}
		_, err = intent.Finish(ctx, audit.Outcome{After: map[string]any{"seq": head.Seq, "hash": hex.EncodeToString(head.Hash)}, Details: in.Details})
		return err
	}); err != nil {
		return AuditSync{}, err
	}
	return s.SyncAudit(ctx)
}

// AuditAlarms lists what this computer's copy of the trail found wrong with the
// server's, the newest first; it asks no database. No copy has no alarms.
func (s *Session) AuditAlarms(ctx context.Context) (AlarmList, error) {
	out := AlarmList{Alarms: []AuditAlarm{}, Hint: mirror.ConflictHint}
	if !mirror.Kept(s.cfg.DBPath) {
		return out, nil // and none is made by looking
	}
	err := s.withCopy(ctx, func(m *mirror.Mirror, _ time.Time) error {
		list, err := m.Alarms(ctx)
		for _, a := range list {
			out.Alarms = append(out.Alarms, AuditAlarm{At: stamp(a.At), Kind: a.Kind, FirstSeq: a.FirstSeq, LastSeq: a.LastSeq, Message: a.Message})
		}
		if len(list) > 0 {
			out.Hint = mirror.Hint(list[0].Kind)
		}
		return err
	})
	if fault.CodeOf(err) == fault.NoCopy {
		err = nil
	}
	return out, err
}
