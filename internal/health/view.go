package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/sample"
)

// Kind is what a column of a View holds, so that a face can align, sort and write
// it: Rows hold plain figures without units.
type Kind string

// The kinds of columns.
const (
	KindText    Kind = "text"
	KindCode    Kind = "code"    // names, SQL
	KindCount   Kind = "count"   // a whole number
	KindBytes   Kind = "bytes"   // a whole number of bytes
	KindSeconds Kind = "seconds" // a decimal number
	KindMillis  Kind = "ms"      // a decimal number of milliseconds
	KindShare   Kind = "share"   // from 0 to 1
	KindTime    Kind = "time"    // RFC 3339, UTC
)

// Column is a column of a View.
type Column struct {
	Name string
	Kind Kind
}

// View is what a reading has of one subject, whole: where a check speaks of what
// is wrong, a view shows what there is.
type View struct {
	// Name is short, for a command line; Group is the part of a shard that it
	// belongs to: queries, locks, tables, replication, settings.
	Name, Title, Group string
	// At is when the answer had come; zero where there is none.
	At time.Time
	// Over is the time over which counters ran; 0 where none are shown.
	Over time.Duration
	// Reason is why there is no answer, or what is missing from one; Grant is
	// the statement that mends it.
	Reason, Grant string
	// Empty says what no row means.
	Empty   string
	Columns []Column
	// Rows hold a text for each column; empty is unknown or does not apply.
	Rows [][]string
	// Sessions are the sessions that the rows speak of, one for each row; nil where
	// rows are something else.
	Sessions []Backend
}

// Backend is a session of a server: its number, which is another's after it, and when
// it began. The number 0 is none, a zero time is not known.
type Backend struct {
	PID     int64
	Started time.Time
}

// subjectOf is one View: the query that it is made of, and how.
type subjectOf struct {
	name, title, group, query, empty string
	monitor                          bool
	columns                          []Column
	rows                             func(now Reading) [][]string
	sessions                         func(now Reading) []Backend
	// blind says what is missing among the rows; it may be nil.
	blind func(now, before Reading) (reason, grant string)
}

// TextOf knows the text of a statement of pg_stat_statements by its id.
type TextOf func(id int64) (string, bool)

// Views is everything that a reading has, subject by subject.
func Views(now, before Reading, texts TextOf) []View {
	out := []View{statementView(now, before, texts)}
	for _, s := range subjects() {
		v := View{Name: s.name, Title: s.title, Group: s.group, Empty: s.empty, Columns: s.columns, Rows: [][]string{}}
		c := Check{Name: s.name, Monitor: s.monitor, Queries: []sample.Query{{Name: s.query}}}
		if u, is := c.unavailable(now, before); is {
			v.Reason, v.Grant = u.Reason, u.Grant
		} else {
			v.At, v.Rows = now.Results[s.query].At, s.rows(now)
			if s.sessions != nil {
				v.Sessions = s.sessions(now)
			}
			if s.blind != nil {
				v.Reason, v.Grant = s.blind(now, before)
			}
		}
		out = append(out, v)
	}
	return out
}

// plain writes columns of a query as they are, one row for each of its rows.
func plain(query string, columns []Column) func(Reading) [][]string {
	return func(now Reading) [][]string {
		out := [][]string{}
		for _, r := range now.rows(query) {
			line := make([]string, len(columns))
			for i, c := range columns {
				if c.Name == "table" || c.Name == "index" {
					line[i] = named(r, c.Name)
					continue
				}
				line[i] = figureOf(r, c.Name)
			}
			out = append(out, line)
		}
		return out
	}
}

// figureOf is a value as Rows hold it.
func figureOf(r sample.Row, column string) string {
	switch v := r.Value(column).(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return decimal(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(v, ", ")
	case string:
		return v
	}
	return ""
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func of(query string, s subjectOf) subjectOf {
	s.query = query
	if s.rows == nil {
		s.rows = plain(query, s.columns)
	}
	return s
}

func subjects() []subjectOf {
	return []subjectOf{
		of("sessions", subjectOf{
			name: "transactions", title: "Open transactions", group: "queries", monitor: true, blind: sessionsLeftOut, empty: "no session of others is in a transaction",
			columns: []Column{
				{"pid", KindCode},
				{"user", KindText},
				{"application", KindText},
				{"client", KindText},
				{"state", KindText},
				{"waits for", KindText},
				{"transaction", KindSeconds},
				{"statement", KindSeconds},
				{"query", KindCode},
			},
			sessions: func(now Reading) []Backend { return backends(now, "sessions") },
			rows: func(now Reading) [][]string {
				out := [][]string{}
				for _, r := range now.rows("sessions") {
					out = append(out, []string{
						figureOf(r, "pid"), r.Text("user"), r.Text("application"), r.Text("client"), r.Text("state"), waitsFor(r),
						figureOf(r, "transaction_seconds"), figureOf(r, "statement_seconds"), Masked(r.Text("query")),
					})
				}
				return out
			},
		}),
		of("progress", subjectOf{
			name: "progress", title: "Long commands at work", group: "queries", monitor: true, empty: "nobody builds an index, analyzes, clusters or copies",
			columns: []Column{
				{"pid", KindCode},
				{"command", KindText},
				{"table", KindCode},
				{"phase", KindText},
				{"done", KindShare},
				{"rows", KindCount},
				{"seconds", KindSeconds},
				{"application", KindText},
			},
			rows: progressRows, sessions: func(now Reading) []Backend { return backends(now, "progress") },
		}),
		of("blocking", subjectOf{
			name: "locks", title: "Who waits for whom", group: "locks", monitor: true, empty: "nobody waits for a lock",
			columns: []Column{
				{"session", KindCode}, {"waits", KindSeconds}, {"user", KindText}, {"application", KindText}, {"state", KindText}, {"relation", KindCode}, {"query", KindCode},
			},
			rows: lockRows, sessions: lockSessions, blind: waitersLeftOut,
		}),
		of("prepared_transactions", subjectOf{
			name: "prepared", title: "Prepared transactions", group: "locks", empty: "there is none",
			columns: []Column{{"gid", KindCode}, {"owner", KindText}, {"seconds", KindSeconds}},
		}),
		of("horizon", subjectOf{
			name: "horizon", title: "What keeps vacuum from removing old rows", group: "locks", monitor: true, empty: "nothing does",
			columns: []Column{{"kind", KindText}, {"holder", KindCode}, {"user", KindText}, {"application", KindText}, {"age", KindCount}},
		}),
		of("tables", subjectOf{
			name: "tables", title: "Tables", group: "tables", empty: "there is no table",
			columns: []Column{
				{"table", KindCode},
				{"rows", KindCount},
				{"bytes", KindBytes},
				{"dead", KindShare},
				{"seq", KindCount},
				{"index", KindCount},
				{"vacuumed", KindTime},
				{"analyzed", KindTime},
			},
			rows: tableRows,
		}),
		of("unused_indexes", subjectOf{
			name: "indexes", title: "Indexes", group: "tables", empty: "there is no index",
			columns: []Column{{"index", KindCode}, {"table", KindCode}, {"bytes", KindBytes}, {"scans", KindCount}, {"last scan", KindTime}, {"needed", KindText}},
			rows: func(now Reading) [][]string {
				out := [][]string{}
				list := now.rows("unused_indexes")
				slices.SortStableFunc(list, func(a, b sample.Row) int { return cmp.Compare(b.IntOr("bytes", 0), a.IntOr("bytes", 0)) })
				for _, r := range list {
					needed := ""
					if r.Is("needed") {
						needed = "key"
					}
					out = append(out, []string{named(r, "index"), named(r, "table"), figureOf(r, "bytes"), figureOf(r, "scans"), figureOf(r, "last_scan"), needed})
				}
				return out
			},
		}),
		of("vacuum_progress", subjectOf{
			name: "vacuums", title: "Vacuum at work", group: "tables", empty: "no vacuum runs in this database",
			columns: []Column{{"pid", KindCode}, {"table", KindCode}, {"phase", KindText}, {"scanned", KindShare}, {"index rounds", KindCount}, {"seconds", KindSeconds}, {"by", KindText}},
			rows: func(now Reading) [][]string {
				out := [][]string{}
				for _, r := range now.rows("vacuum_progress") {
					done := ""
					if all := r.FloatOr("blocks", 0); all > 0 {
						done = decimal(r.FloatOr("scanned", 0) / all)
					}
					out = append(out, []string{figureOf(r, "pid"), named(r, "table"), r.Text("phase"), done, figureOf(r, "index_rounds"), figureOf(r, "seconds"), r.Text("by")})
				}
				return out
			},
		}),
		of("replication", subjectOf{
			name: "standbys", title: "Standbys", group: "replication", monitor: true, empty: "no standby is connected",
			columns: []Column{{"standby", KindText}, {"client", KindText}, {"state", KindText}, {"mode", KindText}, {"seconds", KindSeconds}, {"bytes", KindBytes}},
		}),
		of("slots", subjectOf{
			name: "slots", title: "Replication slots", group: "replication", empty: "there is no slot",
			columns: []Column{
				{"slot", KindCode}, {"type", KindText}, {"database", KindText}, {"active", KindText}, {"status", KindText}, {"kept", KindBytes}, {"limit", KindBytes}, {"inactive", KindSeconds},
			},
			rows: func(now Reading) [][]string {
				out := [][]string{}
				for _, r := range now.rows("slots") {
					out = append(out, []string{
						r.Text("slot"), r.Text("type"), r.Text("database"), figureOf(r, "active"), r.Text("status"),
						figureOf(r, "kept_bytes"), figureOf(r, "limit_bytes"), figureOf(r, "inactive_seconds"),
					})
				}
				return out
			},
		}),
		of("archiver", subjectOf{
			name: "archive", title: "Archiving of WAL", group: "replication", empty: "nothing is known of it",
			columns: []Column{{"mode", KindText}, {"archived", KindCount}, {"failed", KindCount}, {"last archived", KindTime}, {"last failed", KindTime}},
			rows: func(now Reading) [][]string {
				out := [][]string{}
				for _, r := range now.rows("archiver") {
					out = append(out, []string{r.Text("mode"), figureOf(r, "archived_count"), figureOf(r, "failed_count"), figureOf(r, "last_archived_time"), figureOf(r, "last_failed_time")})
				}
				return out
			},
		}),
		of("settings", subjectOf{
			name: "settings", title: "Settings", group: "settings", empty: "none could be read",
			columns: []Column{{"name", KindCode}, {"setting", KindCode}, {"unit", KindText}, {"source", KindText}, {"waits for a restart", KindText}},
			rows: func(now Reading) [][]string {
				out, untouched := [][]string{}, [][]string{}
				for _, r := range now.rows("settings") {
					// What our own session has set says nothing of the server.
					if s := r.Text("source"); s == "client" || s == "session" {
						continue
					}
					waits := ""
					if r.Is("pending_restart") {
						waits = "yes"
					}
					line := []string{r.Text("name"), r.Text("setting"), r.Text("unit"), r.Text("source"), waits}
					if r.Text("source") == "default" {
						untouched = append(untouched, line)
					} else {
						out = append(out, line)
					}
				}
				return append(out, untouched...)
			},
		}),
		of("extensions", subjectOf{
			name: "extensions", title: "Extensions", group: "settings", empty: "there is none",
			columns: []Column{{"extension", KindCode}, {"installed", KindText}, {"available", KindText}},
		}),
	}
}

// backends are the sessions of a query's rows, in their order.
func backends(now Reading, query string) []Backend {
	out := []Backend{}
	for _, r := range now.rows(query) {
		started, _ := r.Time("backend_start")
		out = append(out, Backend{r.IntOr("pid", 0), started})
	}
	return out
}

func waitsFor(r sample.Row) string {
	kind, event := r.Text("wait_event_type"), r.Text("wait_event")
	if kind == "" {
		return ""
	}
	return kind + ": " + event
}

// lockRows is the tree of those who wait, those that wait for another below it.
func lockRows(now Reading) [][]string {
	out := [][]string{}
	for _, root := range Tree(now) {
		root.walk(0, func(depth int, b *Blocked) {
			who := "prepared transaction"
			if b.PID != 0 {
				who = strconv.FormatInt(b.PID, 10)
			}
			waits := ""
			if len(b.By) > 0 {
				waits = decimal(b.Waiting)
			}
			out = append(out, []string{strings.Repeat("└ ", min(depth, 8)) + who, waits, b.User, b.Application, b.State, b.Relation, b.Query})
		})
	}
	return out
}

// lockSessions are the sessions of the tree, in the order of its rows.
func lockSessions(now Reading) []Backend {
	out := []Backend{}
	for _, root := range Tree(now) {
		root.walk(0, func(_ int, b *Blocked) { out = append(out, Backend{b.PID, b.Started}) })
	}
	return out
}

func tableRows(now Reading) [][]string {
	out := [][]string{}
	for _, r := range now.rows("tables") {
		rows := ""
		// Below 0 nothing is known: the table was never analyzed.
		if n, ok := r.Float("rows"); ok && n >= 0 {
			rows = strconv.FormatInt(int64(n), 10)
		}
		dead := ""
		if live, gone := r.FloatOr("live", 0), r.FloatOr("dead", 0); live+gone > 0 {
			dead = decimal(gone / (live + gone))
		}
		out = append(out, []string{
			named(r, "table"), rows, figureOf(r, "bytes"), dead, figureOf(r, "seq_scan"), figureOf(r, "idx_scan"),
			later(r, "last_vacuum", "last_autovacuum"), later(r, "last_analyze", "last_autoanalyze"),
		})
	}
	return out
}

// later is the later one of two times.
func later(r sample.Row, a, b string) string {
	x, _ := r.Time(a)
	y, _ := r.Time(b)
	if y.After(x) {
		x = y
	}
	if x.IsZero() {
		return ""
	}
	return x.UTC().Format(time.RFC3339)
}

// preloaded: the server counts statements, whether a database shows them or not.
func preloaded(now Reading) bool {
	for _, r := range now.rows("settings") {
		if r.Text("name") == "shared_preload_libraries" {
			return strings.Contains(r.Text("setting"), pgss)
		}
	}
	return true // whoever may not see the setting is not told that it is wrong
}

// uncounted is why the statements of a database are not known, and what mends it.
func uncounted(c Check, now, before Reading) (Unavailable, bool) {
	u, is := c.unavailable(now, before)
	if !is {
		return u, false
	}
	if _, has := now.Server.Extensions[pgss]; !has {
		u.Grant = "CREATE EXTENSION " + pgss
		if !preloaded(now) {
			u.Reason += ", nor in shared_preload_libraries, which needs a restart"
		}
	}
	return u, true
}

// MostStatements is how many statements a view shows.
const MostStatements = 50

func statementView(now, before Reading, texts TextOf) View {
	v := View{
		Name: "statements", Title: "Statements that take most", Group: "queries", Empty: "no statement ran in this time", Rows: [][]string{},
		Columns: []Column{
			{"statement", KindCode}, {"share", KindShare}, {"total", KindSeconds}, {"calls", KindCount}, {"mean", KindMillis}, {"rows", KindCount}, {"from cache", KindShare},
		},
	}
	if u, is := uncounted(statements(), now, before); is {
		v.Reason, v.Grant = u.Reason, u.Grant
		return v
	}
	top, ok := TopStatements(now, before)
	if !ok {
		v.Reason = twoLooks
		return v
	}
	v.At, v.Over = now.Results["statements"].At, top.Window
	if top.Incomplete {
		v.Reason = "statements were displaced in this time, what they cost is missing: raise pg_stat_statements.max"
	}
	for _, s := range top.List[:min(len(top.List), MostStatements)] {
		text, known := texts(s.ID)
		if !known {
			text = "statement " + strconv.FormatInt(s.ID, 10)
		}
		cached := ""
		if s.Hit+s.Read > 0 {
			cached = decimal(s.Hit / (s.Hit + s.Read))
		}
		v.Rows = append(v.Rows, []string{
			Masked(text), decimal(s.Share), decimal(s.Seconds), strconv.FormatInt(int64(s.Calls), 10), decimal(s.Seconds * 1000 / s.Calls),
			strconv.FormatInt(int64(s.Rows), 10), cached,
		})
	}
	return v
}
