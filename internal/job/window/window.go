package window

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // not every computer has the time zones

	"shardadmin/internal/fault"
)

// day is how many minutes a clock on the wall has.
const day = 24 * 60

// Set is the windows of a fleet; an empty one is always open.
type Set []window

type window struct {
	days [7]bool // by time.Weekday, on which it begins
	// from and to are minutes after midnight; to may be no later than from.
	from, to int
	zone     *time.Location
}

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

var form = regexp.MustCompile(`^(\S+)\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})\s+(\S+)$`)

// Parse reads windows; an empty text is none. Whatever it does not understand
// it refuses: a window that is read wrongly is open at the wrong time.
func Parse(text string) (Set, error) {
	out := Set{}
	if strings.TrimSpace(text) == "" {
		return out, nil
	}
	for _, part := range strings.Split(text, ";") {
		w, err := parse(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func parse(text string) (window, error) {
	bad := func(format string, args ...any) (window, error) {
		return window{}, fault.Newf(fault.Usage, `write it as "sat,sun 22:00-04:00 Europe/Lisbon"; more than one with ; between`, format, args...)
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		return bad("%q is not a window", text)
	}
	w := window{from: minute(m[2], m[3]), to: minute(m[4], m[5])}
	if w.from < 0 || w.from == day || w.to < 0 {
		return bad("a window's times are from 00:00 to 24:00")
	}
	if w.from == w.to {
		return bad("the window %q is empty: a whole day is 00:00-24:00", text)
	}
	if err := w.on(m[1]); err != nil {
		return bad("%s", err)
	}
	// Go gives these two a meaning of its own.
	if m[6] == "Local" {
		return bad("a window needs the name of a time zone, not %q", m[6])
	}
	var err error
	if w.zone, err = time.LoadLocation(m[6]); err != nil {
		return bad("there is no time zone %q", m[6])
	}
	return w, nil
}

func minute(hour, minute string) int {
	h, m := int(hour[0]-'0')*10+int(hour[1]-'0'), int(minute[0]-'0')*10+int(minute[1]-'0')
	if m > 59 || h*60+m > day {
		return -1
	}
	return h*60 + m
}

// on sets the days: a list of days and ranges of days, or daily.
func (w *window) on(text string) error {
	if text == "daily" {
		for i := range w.days {
			w.days[i] = true
		}
		return nil
	}
	for _, part := range strings.Split(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		a, b := slices.Index(days, first), slices.Index(days, last)
		if a < 0 || b < 0 {
			return fmt.Errorf("%q is no day: days are mon, tue, wed, thu, fri, sat, sun, a range such as mon-fri, or daily", part)
		}
		for i := a; ; i = (i + 1) % 7 {
			w.days[i] = true
			if i == b {
				break
			}
		}
	}
	return nil
}

// String writes the windows as Parse reads them, with the days in full.
func (s Set) String() string {
	parts := []string{}
	for _, w := range s {
		on := []string{}
		for i := range 7 {
			if d := (i + 1) % 7; w.days[d] { // a week begins on Monday
				on = append(on, days[d])
			}
		}
		text := strings.Join(on, ",")
		if len(on) == 7 {
			text = "daily"
		}
		parts = append(parts, fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", text, w.from/60, w.from%60, w.to/60, w.to%60, w.zone))
	}
	return strings.Join(parts, "; ")
}

// Open reports whether a window is open; where there is none, it always is.
func (s Set) Open(t time.Time) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(w window) bool { return w.open(t) })
}

func (w window) open(t time.Time) bool {
	t = t.In(w.zone)
	now, today := t.Hour()*60+t.Minute(), int(t.Weekday())
	if w.from < w.to {
		return w.days[today] && w.from <= now && now < w.to
	}
	return w.days[today] && w.from <= now || w.days[(today+6)%7] && now < w.to
}

// horizon is how far Opens and Closes look: a window of one day in the week
// may fall into the hour that the clock skips on that day, and then it opens
// a week later.
const horizon = 15 * 24 * time.Hour

// Opens returns when the next window opens: t itself where one is open, and
// the zero time where none opens within two weeks.
func (s Set) Opens(t time.Time) time.Time { return s.next(t, true) }

// Closes returns from when on no window is open: t itself where none is, and
// the zero time where that does not happen within two weeks.
func (s Set) Closes(t time.Time) time.Time { return s.next(t, false) }

// next looks at every minute: a clock is only ever set by whole minutes.
func (s Set) next(t time.Time, open bool) time.Time {
	if s.Open(t) == open {
		return t
	}
	end := t.Add(horizon)
	for at := t.Truncate(time.Minute).Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
		if s.Open(at) == open {
			return at
		}
	}
	return time.Time{}
}
