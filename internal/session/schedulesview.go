package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
)

// ReportSchedule is a report that workers write by themselves, and how that goes. The
// trail says what was delivered and what has failed; the rest follows from the calendar.
type ReportSchedule struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Format string `json:"format"`
	Every  string `json:"every"`
	// TimeOfDay is when it is due on its day, as 06:00.
	TimeOfDay string `json:"time_of_day"`
	Zone      string `json:"zone"`
	Folder    string `json:"folder"`
	Mail      string `json:"mail"`
	// Status is delivered where nothing is due, else due, late (no worker has written
	// it), or failed; Missing counts the periods, and Reason says why.
	Status  string `json:"status"`
	Missing int    `json:"missing"`
	Reason  string `json:"status_reason"`
	// DueAt is since when the oldest that is missing is due; null where none is.
	DueAt  *string `json:"due_at"`
	NextAt string  `json:"next_at"`
	// DeliveredAt is when the newest was delivered; null with a reason where the trail
	// does not say. DeliveredUntil is the end of the last period that counts as delivered.
	DeliveredAt       *string `json:"delivered_at"`
	DeliveredAtReason string  `json:"delivered_at_reason"`
	DeliveredUntil    *string `json:"delivered_until"`
	FailedAt          *string `json:"failed_at"`
}

// ScheduleList is every schedule of the fleet.
type ScheduleList struct {
	Schedules []ReportSchedule `json:"schedules"`
	// Workers counts those that carry out queued work and so write reports.
	Workers int `json:"workers"`
}

const writtenByNone = "no worker has written it, and none runs; shard-admin worker does"

// scheduleEvents bounds how far back outcomes of one schedule are looked for.
const scheduleEvents = 200

// ReportSchedules lists the fleet's schedules with what the trail says of them.
func (s *Session) ReportSchedules(ctx context.Context) (ScheduleList, error) {
	out := ScheduleList{Schedules: []ReportSchedule{}}
	if len(s.cfg.Fleet.Schedules) == 0 {
		return out, nil
	}
	if err := s.trailThere(ctx); err != nil {
		return out, err
	}
	var err error
	if out.Workers, err = s.WorkersAlive(ctx); err != nil {
		return out, err
	}
	for _, r := range s.cfg.Fleet.Schedules {
		v, err := s.reportSchedule(ctx, r, time.Now())
		if err != nil {
			return out, err
		}
		if v.Status == "late" && out.Workers > 0 {
			v.Reason = strings.Replace(v.Reason, writtenByNone, "no worker has written it; one runs now", 1)
		}
		out.Schedules = append(out.Schedules, v)
	}
	return out, nil
}

func (s *Session) reportSchedule(ctx context.Context, r fleet.Schedule, now time.Time) (ReportSchedule, error) {
	v := ReportSchedule{
		Name: r.Name, Kind: r.Kind, Format: r.Format, Every: r.Every, TimeOfDay: fmt.Sprintf("%02d:%02d", r.At.Hour, r.At.Minute), Zone: r.At.Zone.String(), Folder: r.Folder, Mail: r.Mail,
		Status: "delivered", NextAt: stamp(r.Next(now).Due), DeliveredAtReason: "the trail has no delivery of it",
	}
	done, err := s.trail.Delivered(ctx, r.Name)
	if err != nil {
		return v, err
	}
	if !done.IsZero() {
		v.DeliveredUntil = stampPtr(&done)
	}
	list, err := s.trail.List(ctx, audit.Filter{
		Action: string(policy.AuditExport), Statuses: []string{"ok", "failed", "refused", "cancelled"}, Search: r.Name, Limit: scheduleEvents,
	})
	if err != nil {
		return v, err
	}
	failure := ""
	for _, e := range list {
		if e.Details["schedule"] != r.Name || e.Phase != "outcome" {
			continue
		}
		if e.Status == "ok" {
			v.DeliveredAt, v.DeliveredAtReason = stampPtr(&e.At), ""
			break
		}
		if v.FailedAt == nil {
			v.FailedAt = stampPtr(&e.At)
			failure, _ = e.Details["message"].(string)
		}
	}
	due := r.Due(done, now)
	if len(due) == 0 {
		return v, nil
	}
	v.Missing, v.DueAt = len(due), stampPtr(&due[0].Due)
	switch {
	case v.FailedAt != nil:
		v.Status, v.Reason = "failed", failure
	case now.Sub(due[0].Due) > scheduleLate:
		v.Status, v.Reason = "late", writtenByNone
	default:
		v.Status, v.Reason = "due", "a worker writes it"
	}
	if lost, n := r.Skipped(done, now); n > 0 {
		v.Reason += "; " + leftOut(r, lost, n)
	}
	return v, nil
}
