package fleet

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Schedule is a report that workers write of each week or month that has ended.
type Schedule struct {
	Name, Kind, Format string
	// Tenant and Actor are whom it is about, where its kind asks for one.
	Tenant, Actor string
	// Every is week, from Monday on, or month.
	Every string
	// At is when it is written, on the day after the period's last; its zone is the
	// one in which days begin and times are shown.
	At Digest
	// Folder is where the files go; Mail is the channel through which they are sent.
	// One of them may be empty.
	Folder, Mail string
}

// The periods of a schedule.
const (
	EveryWeek  = "week"
	EveryMonth = "month"
)

// ReportKinds and ReportFormats are what a schedule may ask for; a test compares
// them with what can be written.
func ReportKinds() []string {
	return []string{"changes", "tenant", "operator", "moves", "access", "failed", "schema"}
}

// ReportFormats are the forms of a report.
func ReportFormats() []string { return []string{"csv", "jsonl", "xlsx", "html", "pdf", "ocsf"} }

// Span is a period of a schedule, its end not included, and when its report is due.
type Span struct{ Since, Until, Due time.Time }

// Days are the first day of the period and the first after it, as a calendar there
// shows them.
func (s Schedule) Days(p Span) (first, next string) {
	return p.Since.In(s.At.Zone).Format(time.DateOnly), p.Until.In(s.At.Zone).Format(time.DateOnly)
}

// Due lists the periods whose reports are due and not there, the oldest first. done
// is the end of the last one that is; where none ever was, only the last period that
// has ended is due: nobody asked for those before it.
func (s Schedule) Due(done, now time.Time) []Span {
	day := s.first(now)
	if s.due(day).After(now) {
		day = s.step(day, -1)
	}
	var out []Span
	for until := day; ; until = s.step(until, -1) {
		p := Span{s.midnight(s.step(until, -1)), s.midnight(until), s.due(until)}
		if !p.Until.After(done) || len(out) == mostMissed {
			break
		}
		out = append(out, p)
		if done.IsZero() {
			break
		}
	}
	slices.Reverse(out)
	return out
}

// Skipped is the time of which no report is written any more, because more periods were
// missed than are caught up, and how many periods that is; zero and 0 where there is
// none.
func (s Schedule) Skipped(done, now time.Time) (Span, int) {
	due := s.Due(done, now)
	if done.IsZero() || len(due) < mostMissed {
		return Span{}, 0
	}
	last := s.step(s.first(due[0].Since), -1)
	out, n := Span{Until: due[0].Since, Due: s.due(s.step(last, 1))}, 0
	for day := last; s.midnight(s.step(day, 1)).After(done); day = s.step(day, -1) {
		out.Since = s.midnight(day)
		n++
	}
	if n == 0 {
		return Span{}, 0
	}
	return out, n
}

// Next is the first period whose report is due after a time.
func (s Schedule) Next(now time.Time) Span {
	day := s.first(now)
	for !s.due(day).After(now) {
		day = s.step(day, 1)
	}
	return Span{s.midnight(s.step(day, -1)), s.midnight(day), s.due(day)}
}

// mostMissed bounds how far back is caught up.
const mostMissed = 120

// first is the first day of the period that a time lies in. Days are midnights of
// UTC here, because that has each of them once.
func (s Schedule) first(t time.Time) time.Time {
	t = t.In(s.At.Zone)
	if s.Every == EveryWeek {
		return time.Date(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func (s Schedule) step(day time.Time, n int) time.Time {
	if s.Every == EveryWeek {
		return day.AddDate(0, 0, 7*n)
	}
	return day.AddDate(0, n, 0)
}

// midnight is when a day begins there: later where the clock skips it.
func (s Schedule) midnight(day time.Time) time.Time {
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, s.At.Zone)
	for at.Day() != day.Day() {
		at = at.Add(30 * time.Minute)
	}
	return at
}

func (s Schedule) due(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), s.At.Hour, s.At.Minute, 0, 0, s.At.Zone)
}

type fileSchedule struct {
	Name   string `toml:"name"`
	Kind   string `toml:"kind"`
	Format string `toml:"format,omitempty"`
	Tenant string `toml:"tenant,omitempty"`
	Actor  string `toml:"actor,omitempty"`
	Every  string `toml:"every"`
	At     string `toml:"at,omitempty"`
	Zone   string `toml:"zone,omitempty"`
	Folder string `toml:"folder,omitempty"`
	Mail   string `toml:"mail,omitempty"`
}

func (s Schedule) inFile() fileSchedule {
	text := strings.Fields(s.At.String())
	return fileSchedule{
		Name: s.Name, Kind: s.Kind, Format: s.Format, Tenant: s.Tenant, Actor: s.Actor, Every: s.Every, At: text[1], Zone: text[2], Folder: s.Folder, Mail: s.Mail,
	}
}

// scheduleOf checks one [[report]]; bad says what is wrong with a key of it.
func scheduleOf(m fileSchedule, f *Fleet, bad func(key, hint, format string, args ...any) error) (Schedule, error) {
	s := Schedule{Name: m.Name, Kind: m.Kind, Format: m.Format, Tenant: m.Tenant, Actor: m.Actor, Every: m.Every, Folder: m.Folder, Mail: m.Mail}
	if !validName(m.Name) || slices.ContainsFunc(f.Schedules, func(k Schedule) bool { return k.Name == m.Name }) {
		return s, bad("name", "use letters, digits, - and _, and each name once", "the report's name %q is not usable", m.Name)
	}
	if !slices.Contains(ReportKinds(), m.Kind) {
		return s, bad("kind", "write one of "+strings.Join(ReportKinds(), ", "), "there is no report %q", m.Kind)
	}
	if s.Format == "" {
		s.Format = "pdf"
	}
	if !slices.Contains(ReportFormats(), s.Format) || s.Kind == "moves" && s.Format == "ocsf" {
		return s, bad("format", "write one of "+strings.Join(ReportFormats(), ", ")+"; moves are no events, so not as ocsf", "the report %s cannot be written as %q", m.Name, m.Format)
	}
	if s.Kind == "tenant" && s.Tenant == "" {
		return s, bad("tenant", `write tenant = "7"`, "the report %s is about a tenant and names none", m.Name)
	}
	if s.Kind == "operator" && s.Actor == "" {
		return s, bad("actor", `write actor = "ann@example.com"`, "the report %s is about an operator and names none", m.Name)
	}
	if s.Every != EveryWeek && s.Every != EveryMonth {
		return s, bad("every", "write week or month", "the report %s cannot be written every %q", m.Name, m.Every)
	}
	at, zone := m.At, m.Zone
	if at == "" {
		at = "06:00"
	}
	if zone == "" {
		zone = "UTC"
	}
	var ok bool
	if s.At, ok = ParseDigest("daily " + at + " " + zone); !ok || strings.EqualFold(zone, "local") {
		return s, bad("at", `write at = "06:00" and zone = "Europe/Berlin"`, "the report %s has no usable time %q in the zone %q", m.Name, m.At, m.Zone)
	}
	if s.Folder == "" && s.Mail == "" {
		return s, bad("folder", `write folder = "/srv/reports", or mail = the name of a [[notify]] of kind smtp, or both`, "the report %s goes nowhere", m.Name)
	}
	if s.Folder != "" && !filepath.IsAbs(s.Folder) {
		return s, bad("folder", "write the whole path; each worker writes to its own", "the folder of the report %s is not a whole path", m.Name)
	}
	if c, there := f.Channel(s.Mail); s.Mail != "" && (!there || c.Kind != ChannelSMTP) {
		return s, bad("mail", "write the name of a [[notify]] of kind smtp", "the report %s is to be sent through %q, which sends no mail", m.Name, m.Mail)
	}
	return s, nil
}
