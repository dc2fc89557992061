package sample

import "time"

// Tag is in every statement of this package. Who lists sessions or statements
// leaves out those that carry it.
const Tag = "/* shard-admin sample */"

// The limits of a statement. A lock that is not free at once belongs to
// somebody who changes a table: the figure can wait, they cannot.
const (
	StatementTimeout = 5 * time.Second
	LockTimeout      = 100 * time.Millisecond
)

// Query is something that can be asked of a server.
type Query struct {
	// Name is the key of its result; unique among those that are asked together.
	Name string
	Tier Tier
	// SQL returns the statement for a server, or the reason why there is none.
	SQL func(Server) (sql, reason string)
	// Args are bound to $1 and so on: nil, bool, int, int64, float64, string,
	// []string or []int64. The server gives them their types.
	Args []any
	// Over is the time of which rates are made, for counters of one row that run too
	// slowly for two neighbouring looks: what is compared with is as old. Without it
	// the look before is.
	Over time.Duration
}

// Always is the SQL of a query that is the same on every server.
func Always(sql string) func(Server) (string, string) {
	return func(Server) (string, string) { return sql, "" }
}

// Settings are those of a session that samples, for whoever opens it: startup
// parameters, or the names and values of SET. A statement is compiled never,
// since that takes longer than most of them.
func Settings() map[string]string {
	return map[string]string{
		"statement_timeout": ms(StatementTimeout), "lock_timeout": ms(LockTimeout), "default_transaction_read_only": "on",
		"jit": "off", "DateStyle": "ISO, MDY", "TimeZone": "UTC", "IntervalStyle": "postgres", "extra_float_digits": "1", "client_encoding": "UTF8",
	}
}
