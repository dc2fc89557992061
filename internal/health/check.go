package health

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/sample"
)

// Severity says how soon somebody should act.
type Severity string

// The severities, the worst last: worth knowing, act today, act now.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Rank orders severities, the worst first.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// Finding is one thing that a check noticed.
type Finding struct {
	Check    string
	Severity Severity
	// Subject is what it is about: a table, a session, a setting; empty for
	// the database as a whole.
	Subject string
	Message string
	// Value is the figure behind it, with its unit.
	Value  string
	Advice string
	// Statement is ready to be run by somebody who has decided to; empty where
	// no statement mends it.
	Statement string
	Evidence  Evidence
}

// Evidence is the rows that a finding rests on.
type Evidence struct {
	Columns []string
	Rows    [][]string
}

// Unavailable is a check that could not look.
type Unavailable struct {
	Check  string
	Reason string
	// Grant gives the right that is missing; empty where no right is.
	Grant string
	// Later is true where a second look, and nothing else, is needed.
	Later bool
}

// Reading is one look at one database.
type Reading struct {
	At     time.Time
	Server sample.Server
	// Err is why the database could not be asked; the rest is empty then, but for
	// what stands before it.
	Err error
	// RoundTrip is how long the most trivial statement took, Connect how long
	// a new connection; zero where it was not measured.
	RoundTrip, Connect time.Duration
	// CapacityBytes is what the operator says the database may take; 0 where
	// nobody said. A server does not know its disk.
	CapacityBytes int64
	// FullSoonest and FullLatest are the days until the capacity is reached as the
	// database grows; nil where that is not known or not near.
	FullSoonest, FullLatest *float64
	Results                 map[string]sample.Result
}

// rows are those of a result, none where it was not asked for.
func (r Reading) rows(query string) []sample.Row {
	res := r.Results[query]
	out := make([]sample.Row, 0, len(res.Rows))
	for row := range res.All() {
		out = append(out, row)
	}
	return out
}

// row is the only row of a result.
func (r Reading) row(query string) (sample.Row, bool) {
	res := r.Results[query]
	if len(res.Rows) == 0 {
		return sample.Row{}, false
	}
	return res.Row(0), true
}

// Check looks for one thing.
type Check struct {
	// Name is fixed; scripts know it. Title and Group are for people.
	Name, Title, Group string
	// Why says what happens when nobody acts, Remedy what helps.
	Why, Remedy string
	// Limits sets those of the check to where they are by default; nil where it has none.
	Limits func(*Limits)
	// Thresholds says in words when it speaks, with the limits in them.
	Thresholds func(Limits) string
	Tier       sample.Tier
	// Monitor is true where a role without pg_monitor would see too little.
	Monitor bool
	// Server is true for what is the server's and the same for all its
	// databases.
	Server bool
	// Beside is true for what is asked of something that stands before the
	// database, which may answer while the database does not. It has no Queries,
	// and where nothing stands there is nothing to say: Stands tells.
	Beside bool
	Stands func(Reading) bool
	// Deltas is true where one look says nothing.
	Deltas  bool
	Queries []sample.Query
	// Judge looks at answers that are all there. Before is empty without Deltas
	// and without an earlier look. It is nil where one database says nothing alone.
	Judge func(now, before Reading, l Limits) []Finding
	// Between looks at all shards, by name, for what one alone cannot know; nil where
	// there is nothing such.
	Between func(shards map[string]Reading, l Limits) []Finding
	// Blind says what of it could not be seen although every query was
	// answered; nil where that cannot be.
	Blind func(now, before Reading) (reason, grant string)
}

// Report is what the checks say of one reading.
type Report struct {
	// Findings, the worst first.
	Findings    []Finding
	Unavailable []Unavailable
}

// Queries returns what the checks of these tiers ask, each once; all tiers
// without any. The most frequent tier is the first: it is the most urgent and
// costs least, and whoever has little time has its answers.
func Queries(tiers ...sample.Tier) []sample.Query {
	out := []sample.Query{}
	seen := map[string]bool{}
	for _, c := range Checks() {
		for _, q := range c.Queries {
			if seen[q.Name] || len(tiers) > 0 && !slices.Contains(tiers, q.Tier) {
				continue
			}
			seen[q.Name] = true
			out = append(out, q)
		}
	}
	order := sample.Tiers()
	slices.SortStableFunc(out, func(a, b sample.Query) int { return slices.Index(order, a.Tier) - slices.Index(order, b.Tier) })
	return out
}

// Examine judges a reading. Before is an earlier one of the same database, or
// the zero Reading.
func Examine(now, before Reading, l Limits) Report {
	r := Report{Findings: []Finding{}, Unavailable: []Unavailable{}}
	if now.Err != nil {
		r.Findings = append(r.Findings, unreachable(now))
	}
	for _, c := range Checks() {
		if c.Beside && !c.Stands(now) || !c.Beside && now.Err != nil {
			continue
		}
		if u, ok := c.unavailable(now, before); ok {
			r.Unavailable = append(r.Unavailable, u)
			continue
		}
		if c.Blind != nil {
			if reason, grant := c.Blind(now, before); reason != "" {
				r.Unavailable = append(r.Unavailable, Unavailable{Check: c.Name, Reason: reason, Grant: grant})
			}
		}
		if c.Judge == nil {
			continue
		}
		for _, f := range c.Judge(now, before, l) {
			f.Check = c.Name
			r.Findings = append(r.Findings, f)
		}
	}
	Sort(r.Findings)
	return r
}

// Sort puts the worst first and keeps the order of the checks otherwise.
func Sort(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int { return a.Severity.Rank() - b.Severity.Rank() })
}

func (c Check) unavailable(now, before Reading) (Unavailable, bool) {
	if c.Beside {
		return Unavailable{}, false
	}
	if c.Monitor && !now.Server.Monitor {
		return Unavailable{Check: c.Name, Reason: "the role " + now.Server.Role + " is not a member of pg_monitor and sees its own only", Grant: grantMonitor(now.Server)}, true
	}
	for _, q := range c.Queries {
		res, asked := now.Results[q.Name]
		switch {
		case !asked:
			return Unavailable{Check: c.Name, Reason: "it was not asked for"}, true
		case res.Err != nil:
			u := Unavailable{Check: c.Name, Reason: fault.As(res.Err).Message}
			if fault.CodeOf(res.Err) == fault.RightMissing {
				u.Grant = grantMonitor(now.Server)
			}
			if fault.CodeOf(res.Err) == fault.LockTimeout {
				u.Reason = "somebody holds a lock on a table that it reads; " + u.Reason
			}
			return u, true
		}
	}
	if c.Deltas {
		for _, q := range c.Queries {
			if _, reason := window(now, before, q.Name); reason != "" {
				return Unavailable{Check: c.Name, Reason: reason, Later: true}, true
			}
			if res, asked := before.Results[q.Name]; !asked || res.Err != nil {
				return Unavailable{Check: c.Name, Reason: twoLooks, Later: true}, true
			}
		}
	}
	return Unavailable{}, false
}

func grantMonitor(s sample.Server) string {
	return "GRANT pg_monitor TO " + pgx.Identifier{s.Role}.Sanitize()
}

// twoLooks is why a rate is not known with the first reading.
const twoLooks = "not known yet: needs two looks"

// window is the time between two readings of one database, or why there is
// none.
func window(now, before Reading, query string) (time.Duration, string) {
	switch {
	case before.At.IsZero() || before.Err != nil:
		return 0, twoLooks
	case before.Server.DatabaseOID != now.Server.DatabaseOID || before.Server.SystemIdentifier != now.Server.SystemIdentifier:
		return 0, twoLooks
	case !before.Server.Started.Equal(now.Server.Started):
		return 0, "not known yet: the server was restarted since the last look"
	}
	d := now.At.Sub(before.At)
	// Queries of one reading may have been asked at different times.
	if a, b := now.Results[query].At, before.Results[query].At; !a.IsZero() && !b.IsZero() {
		d = a.Sub(b)
	}
	if d <= 0 {
		return 0, twoLooks
	}
	return d, ""
}

// delta is how far a counter of a one-row query ran between two readings;
// false where it was reset in between or is not known.
func delta(now, before Reading, query, column string) (float64, bool) {
	a, ok := now.row(query)
	if !ok {
		return 0, false
	}
	b, ok := before.row(query)
	if !ok {
		return 0, false
	}
	return grown(a, b, column)
}

func grown(a, b sample.Row, column string) (float64, bool) {
	if a.Value("stats_reset") != nil || b.Value("stats_reset") != nil {
		ta, _ := a.Time("stats_reset")
		tb, _ := b.Time("stats_reset")
		if !ta.Equal(tb) {
			return 0, false
		}
	}
	va, ok := a.Float(column)
	if !ok {
		return 0, false
	}
	vb, ok := b.Float(column)
	if !ok || va < vb {
		return 0, false
	}
	return va - vb, true
}

// grade is the severity of a value against a pair of limits; empty below both.
func grade(v float64, p Pair) Severity {
	switch {
	case p.Critical > 0 && v >= p.Critical:
		return Critical
	case p.Warning > 0 && v >= p.Warning:
		return Warning
	}
	return ""
}

// worse is the worse of two severities.
func worse(a, b Severity) Severity {
	if a == "" || b != "" && b.Rank() < a.Rank() {
		return b
	}
	return a
}

// table makes evidence of rows, at most most of them.
func table(rows []sample.Row, columns ...string) Evidence {
	e := Evidence{Columns: columns, Rows: [][]string{}}
	for i, r := range rows {
		if i == most {
			break
		}
		line := make([]string, len(columns))
		for k, c := range columns {
			line[k] = cell(r, c)
		}
		e.Rows = append(e.Rows, line)
	}
	return e
}

// most is how many rows a finding shows.
const most = 20

func cell(r sample.Row, column string) string {
	if n, known := r.Float(column); column == "rows" && known && n < 0 {
		return "" // of a table that was never analyzed nobody knows how many it has
	}
	switch v := r.Value(column).(type) {
	case nil:
		return ""
	case string:
		if column == "query" {
			return Masked(v)
		}
		return v
	case []string:
		return strings.Join(v, ", ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return text(r, column)
}
