package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/sample"
)

// pgss is the extension that counts statements.
const pgss = "pg_stat_statements"

// statementsQuery chooses by the version of the extension, which an upgrade of
// the server leaves as it was.
func statementsQuery(query string) func(sample.Server) (string, string) {
	return func(s sample.Server) (string, string) {
		e, ok := s.Extensions[pgss]
		if !ok {
			return "", "the extension " + pgss + " is not installed in the database"
		}
		file := query
		switch {
		case !atLeast(e.Version, 1, 8):
			return "", "needs " + pgss + " 1.8, the database has " + e.Version
		case query == "statements" && atLeast(e.Version, 1, 11):
			file = "statements.1.11"
		case query == "statements" && atLeast(e.Version, 1, 9):
			file = "statements.1.9"
		case query == "statements_info" && !atLeast(e.Version, 1, 9):
			return "", "needs " + pgss + " 1.9, the database has " + e.Version
		}
		sql, reason := read(file)
		return strings.ReplaceAll(sql, "{schema}", name(e.Schema)), reason
	}
}

// atLeast compares an extension's version, which has two numbers.
func atLeast(version string, major, minor int) bool {
	a, b, _ := strings.Cut(version, ".")
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return x > major || x == major && y >= minor
}

// StatementTexts asks for the texts of statements, which the numbers come
// without: reading them all costs more than all else together.
func StatementTexts(ids []int64) sample.Query {
	return sample.Query{Name: "statement_texts", Tier: sample.Minute, SQL: statementsQuery("statement_texts"), Args: []any{ids}}
}

// Statement is what one statement cost between two readings.
type Statement struct {
	// User, Database and ID together with TopLevel name an entry.
	User, Database, ID int64
	TopLevel           bool
	Calls              float64
	Seconds            float64 // of all calls
	Rows               float64
	Share              float64 // of the seconds of all statements of the window
	Read, Hit          float64 // blocks
	Temp               float64 // blocks written
}

// Statements is the statements of a window, the most expensive first.
type Statements struct {
	List    []Statement
	Seconds float64 // of all
	Window  time.Duration
	// Incomplete is true where entries were displaced in between: what they
	// cost is missing.
	Incomplete bool
}

// TopStatements is what statements cost between two readings; false where that
// is not known. Counters are never reset: an entry that began anew counts from
// its beginning.
func TopStatements(now, before Reading) (Statements, bool) {
	d, reason := window(now, before, "statements")
	if reason != "" || now.Results["statements"].Err != nil || before.Results["statements"].Err != nil || len(before.Results["statements"].Columns) == 0 {
		return Statements{}, false
	}
	type key struct {
		user, database, id int64
		top                bool
	}
	of := func(r sample.Row) key {
		return key{r.IntOr("userid", 0), r.IntOr("dbid", 0), r.IntOr("queryid", 0), r.Is("toplevel")}
	}
	earlier := map[key]sample.Row{}
	for _, r := range before.rows("statements") {
		earlier[of(r)] = r
	}
	anew := false
	if a, ok := now.row("statements_info"); ok {
		b, _ := before.row("statements_info")
		x, _ := a.Time("stats_reset")
		y, _ := b.Time("stats_reset")
		anew = !x.Equal(y)
	}
	out := Statements{Window: d}
	for _, r := range now.rows("statements") {
		k := of(r)
		b, known := earlier[k]
		sa, _ := r.Time("since")
		sb, _ := b.Time("since")
		if anew || !sa.Equal(sb) || r.FloatOr("calls", 0) < b.FloatOr("calls", 0) {
			known = false
		}
		grew := func(column string) float64 {
			if known {
				return r.FloatOr(column, 0) - b.FloatOr(column, 0)
			}
			return r.FloatOr(column, 0)
		}
		s := Statement{
			User: k.user, Database: k.database, ID: k.id, TopLevel: k.top, Calls: grew("calls"), Seconds: grew("milliseconds") / 1000, Rows: grew("rows"),
			Read: grew("shared_blks_read"), Hit: grew("shared_blks_hit"), Temp: grew("temp_blks_written"),
		}
		if s.Calls > 0 {
			out.List = append(out.List, s)
			out.Seconds += s.Seconds
		}
	}
	if out.Seconds > 0 {
		for i := range out.List {
			out.List[i].Share = out.List[i].Seconds / out.Seconds
		}
	}
	slices.SortStableFunc(out.List, func(a, b Statement) int { return cmp.Compare(b.Seconds, a.Seconds) })
	gone, _ := delta(now, before, "statements_info", "dealloc")
	out.Incomplete = gone > 0
	return out, true
}

type statementsLimits struct {
	StatementShare float64 // of the time of all statements
	StatementBusy  float64 // seconds of statements a second from which a share means something
	Dealloc        float64 // shortest hours in which all statements may be displaced
}

func statements() Check {
	return Check{
		Name: "statements", Title: "No statement takes most of the time", Group: "load", Tier: sample.Minute, Monitor: true, Server: true, Deltas: true,
		Queries: []sample.Query{
			{Name: "statements", Tier: sample.Minute, SQL: statementsQuery("statements")}, {Name: "statements_info", Tier: sample.Minute, SQL: statementsQuery("statements_info")},
		},
		Why:    "One statement that takes most of the time is where an index or a cache helps all tenants. Where statements are displaced all the time, no figure about them is whole.",
		Remedy: "EXPLAIN (ANALYZE, BUFFERS) the statement; raise pg_stat_statements.max.",
		Limits: func(l *Limits) { l.StatementShare, l.StatementBusy, l.Dealloc = 0.5, 0.5, 48 },
		Thresholds: func(l Limits) string {
			return "info from " + percent(l.StatementShare) + " of the time of all, while they take " + strconv.FormatFloat(l.StatementBusy, 'g', -1, 64) + " s a second; warning where all entries are displaced within " + whole(l.Dealloc) + " hours"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			top, ok := TopStatements(now, before)
			if !ok {
				return nil
			}
			out := []Finding{}
			if len(top.List) > 0 && top.Seconds/top.Window.Seconds() >= l.StatementBusy && top.List[0].Share >= l.StatementShare {
				s := top.List[0]
				out = append(out, Finding{
					Severity: Info, Subject: "statement " + strconv.FormatInt(s.ID, 10), Value: percent(s.Share), Message: "one statement took " + percent(s.Share) + " of the time of all statements" + over(top.Window) + ", in " + whole(s.Calls) + " calls",
					Advice: "look at its plan", Statement: "SELECT query FROM " + name(now.Server.Extensions[pgss].Schema) + ".pg_stat_statements WHERE queryid = " + strconv.FormatInt(s.ID, 10),
				})
			}
			// Each displacement takes the twentieth part of all entries away.
			gone, ok := delta(now, before, "statements_info", "dealloc")
			if hours := top.Window.Hours() * 20 / gone; ok && gone > 0 && hours < l.Dealloc {
				out = append(out, Finding{
					Severity: Warning, Value: whole(gone), Message: "at this pace all counted statements are displaced within " + span(hours*3600), Advice: "raise pg_stat_statements.max, and bind values instead of writing them into statements",
				})
			}
			return out
		},
	}
}
