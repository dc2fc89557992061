package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/fleet"
)

// How often a worker looks whether a report is due, how long the lease of who writes
// lasts, and when one is tried again that could not be written or sent. What is later
// than the last is said to be late.
const (
	scheduleEvery = 30 * time.Second
	scheduleLease = 30 * time.Second
	scheduleAgain = time.Hour
	scheduleLate  = 2 * time.Hour
)

// scheduleLeaseName is the resource that whoever writes scheduled reports holds.
const scheduleLeaseName = "report"

// schedules writes the reports that the fleet file asks for. Of any number of workers
// one does, the one that holds the lease. What was delivered is in the trail, as the
// outcome of an export under the schedule's name, and nowhere else: a worker that dies
// before it writes one again, to the same file or under the same Message-ID.
type schedules struct {
	*turns
	done  map[string]time.Time // the end of the last period that was delivered, read since the lease
	later map[string]time.Time // not before, after a failure
}

func (s *Session) schedules(ctx context.Context) {
	if len(s.cfg.Fleet.Schedules) == 0 {
		return
	}
	w := &schedules{
		turns: &turns{s: s, name: scheduleLeaseName, lasts: scheduleLease, often: scheduleEvery, fails: "scheduled reports are not written"},
		later: map[string]time.Time{},
	}
	w.run(ctx, w.look)
}

func (w *schedules) look(ctx context.Context, fresh bool) error {
	if fresh { // another worker may have written meanwhile
		w.done = map[string]time.Time{}
	}
	var errs []error
	for _, one := range w.s.cfg.Fleet.Schedules {
		errs = append(errs, w.one(ctx, one))
	}
	return errors.Join(errs...)
}

// one writes what is due of a schedule, the oldest first.
func (w *schedules) one(ctx context.Context, r fleet.Schedule) error {
	now := time.Now()
	if now.Before(w.later[r.Name]) {
		return nil
	}
	if _, known := w.done[r.Name]; !known {
		done, err := w.s.trail.Delivered(ctx, r.Name)
		if err != nil {
			return err
		}
		w.done[r.Name] = done
	}
	// The first that is written says what no report is written of.
	lost, skipped := r.Skipped(w.done[r.Name], now)
	for i, p := range r.Due(w.done[r.Name], now) {
		if i > 0 {
			skipped = 0
		}
		if err := w.write(ctx, r, p, now, lost, skipped); err != nil {
			w.later[r.Name] = time.Now().Add(scheduleAgain)
			w.s.cfg.Log.WarnContext(ctx, "a scheduled report was not delivered", "report", r.Name, "until", p.Until, "again", w.later[r.Name], "error", err)
			return nil
		}
		w.done[r.Name] = p.Until
	}
	return nil
}

// leftOut says of which periods no report is written any more.
func leftOut(r fleet.Schedule, lost fleet.Span, n int) string {
	first, next := r.Days(lost)
	return fmt.Sprintf("%s before it, from %s until %s, passed by longer ago than is caught up: no report is written of that", words.Count(int64(n), r.Every), first, next)
}

func (w *schedules) write(ctx context.Context, r fleet.Schedule, p fleet.Span, now time.Time, lost fleet.Span, skipped int) (err error) {
	first, next := r.Days(p)
	note := fmt.Sprintf("scheduled report %s of the %s from %s until %s", r.Name, r.Every, first, next)
	if now.Sub(p.Due) > scheduleLate {
		note += ", late: it was due at " + p.Due.In(r.At.Zone).Format("2006-01-02 15:04 MST") + " and no worker wrote it"
	}
	if skipped > 0 {
		note += "; " + leftOut(r, lost, skipped)
	}
	folder := r.Folder
	if folder == "" {
		if folder, err = os.MkdirTemp("", "shard-admin-report-"); err != nil {
			return fault.Wrap(err, fault.Internal, "make room for temporary files", "there is no place to write the report to")
		}
		defer func() { _ = os.RemoveAll(folder) }()
	}
	ending := r.Format
	if ending == "ocsf" {
		ending = "ocsf.jsonl"
	}
	name := w.s.cfg.Fleet.Name + "-" + r.Name + "-" + first
	request := ReportRequest{
		Kind: r.Kind, Format: r.Format, Zone: r.At.Zone.String(), Note: note,
		Filter: AuditFilter{Tenant: r.Tenant, Actor: r.Actor, Since: p.Since.Format(time.RFC3339), Until: p.Until.Format(time.RFC3339)},
	}
	details := audit.Scheduled(r.Name, p.Until)
	details["folder"], details["mail"] = r.Folder, r.Mail
	if skipped > 0 {
		details["skipped"], details["skipped_since"], details["skipped_until"] = skipped, stamp(lost.Since), stamp(lost.Until)
		w.s.cfg.Log.WarnContext(ctx, "scheduled reports are left out", "report", r.Name, "periods", skipped, "since", lost.Since, "until", lost.Until)
	}
	v, err := w.s.writeReport(ctx, request, filepath.Join(folder, name+"."+ending), details, func(ctx context.Context, path string, m audit.Manifest) error {
		return w.send(ctx, r, "report-"+name, note, path, m)
	})
	if err == nil {
		w.s.cfg.Log.InfoContext(ctx, "a scheduled report was delivered", "report", r.Name, "note", note, "events", v.Count, "folder", r.Folder, "mail", r.Mail)
	}
	return err
}

// send mails what was written, where the schedule says so.
func (w *schedules) send(ctx context.Context, r fleet.Schedule, key, note, path string, m audit.Manifest) error {
	if r.Mail == "" {
		return nil
	}
	spec, _ := w.s.cfg.Fleet.Channel(r.Mail)
	c, err := w.s.channel(ctx, spec)
	if err != nil {
		return err
	}
	files := []string{path, path + ".manifest.json"}
	signed := "It is not signed: " + m.SignedByReason + "."
	if m.SignedBy != "" {
		files = append(files, path+".manifest.sig")
		signed = "Its manifest is signed by " + m.SignedBy + "."
	}
	text := fmt.Sprintf("This is the %s.\n\n%s.\n%s\n\nshard-admin audit verify --file %s\nchecks it, with the manifest beside it.\n", note, m.Statement, signed, filepath.Base(path))
	return c.SendFiles(ctx, key, "["+w.s.cfg.Fleet.Name+"] "+note, text, files)
}
