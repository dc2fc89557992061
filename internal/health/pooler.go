package health

import (
	"fmt"

	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

const (
	poolsResult     = "pooler_pools"
	databasesResult = "pooler_databases"
)

// PoolerStatements are what the console of PgBouncer is asked, by the names of
// their results.
func PoolerStatements() map[string]string {
	return map[string]string{poolsResult: "SHOW POOLS", databasesResult: "SHOW DATABASES"}
}

// PoolerOf keeps of what a console answered what is of one database, by the name
// that the pooler has for it.
func PoolerOf(answers map[string]sample.Result, database string) map[string]sample.Result {
	out := map[string]sample.Result{}
	for name, column := range map[string]string{poolsResult: "database", databasesResult: "name"} {
		r, asked := answers[name]
		if !asked {
			continue
		}
		kept := r
		kept.Rows = [][]any{}
		for i := range r.Rows {
			if r.Row(i).Text(column) == database {
				kept.Rows = append(kept.Rows, r.Rows[i])
			}
		}
		out[name] = kept
	}
	return out
}

// NoPooler are the results where the console could not be asked.
func NoPooler(at sample.Result) map[string]sample.Result {
	return map[string]sample.Result{poolsResult: at, databasesResult: at}
}

type poolerLimits struct {
	PoolerWait Pair // seconds that a client of a pooler waits for the server
}

// pooler looks at the pools of PgBouncer, which are asked even while the database
// does not answer: clients that wait there are why.
func pooler() Check {
	return Check{
		Name: "pooler", Title: "The pooler has a connection for whoever asks", Group: "sessions", Tier: sample.Live, Beside: true,
		Why:    "A client that waits for the pooler waits before its statement has begun: the server looks idle, and the application stands still.",
		Remedy: "Find who holds the pool's connections: transactions that are open and idle. Then raise pool_size in pgbouncer.ini, within max_connections of the server.",
		Limits: func(l *Limits) { l.PoolerWait = Pair{1, 10} },
		Thresholds: func(l Limits) string {
			return "by the longest wait: " + pairOf(l.PoolerWait, span) + "; critical where the database is paused or disabled; info where a pool is used up and nobody waits. For a url through PgBouncer, whose console the same user may look at"
		},
		Stands: func(now Reading) bool { _, is := now.Results[poolsResult]; return is },
		Blind: func(now, _ Reading) (reason, grant string) {
			for _, name := range []string{poolsResult, databasesResult} {
				if err := now.Results[name].Err; err != nil {
					reason = fault.As(err).Message
					if hint := fault.HintOf(err); hint != "" {
						reason += "; " + hint
					}
					return reason, ""
				}
			}
			return "", ""
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			limit, full := int64(0), false
			for _, r := range now.rows(databasesResult) {
				limit = r.IntOr("pool_size", 0)
				most := r.IntOr("max_connections", 0)
				full = most > 0 && r.IntOr("current_connections", 0) >= most
				for _, bad := range []struct{ column, says, advice, statement string }{
					{"disabled", "is disabled in the pooler: new clients are refused", "enable it when what it was disabled for is done", "ENABLE "},
					{"paused", "is paused in the pooler: clients wait until somebody resumes it", "resume it when what it was paused for is done", "RESUME "},
				} {
					if r.IntOr(bad.column, 0) != 0 {
						out = append(out, Finding{
							Severity: Critical, Subject: r.Text("name"), Value: bad.column, Message: "the database " + r.Text("name") + " " + bad.says,
							Advice: bad.advice + ", on the pooler's console", Statement: bad.statement + quoted(r.Text("name")), Evidence: table([]sample.Row{r}, "name", "host", "database", "pool_size", "current_connections", "max_connections", "paused", "disabled"),
						})
					}
				}
			}
			for _, r := range now.rows(poolsResult) {
				waiting, wait := r.IntOr("cl_waiting", 0), r.FloatOr("maxwait", 0)+r.FloatOr("maxwait_us", 0)/1e6
				used := r.IntOr("sv_active", 0)
				up := full || limit > 0 && used >= limit
				f := Finding{Severity: grade(wait, l.PoolerWait), Subject: "pool of " + r.Text("user"), Evidence: table([]sample.Row{r}, "database", "user", "cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_login", "maxwait", "pool_mode")}
				switch {
				case waiting > 0 && f.Severity != "":
					f.Value = span(wait)
					f.Message = fmt.Sprintf("%s of %s for a connection of the pooler, the longest for %s", figure.Count(waiting, "client")+waits(waiting), r.Text("user"), span(wait))
					f.Advice = "look whether the database is paused, and whether the server takes connections"
					if up {
						f.Message += "; all " + figure.Number(used) + " of its pool are in use"
						f.Advice = "find the transactions that hold them, then raise pool_size"
					}
				case up && used > 0:
					f.Severity, f.Value = Info, figure.Number(used)
					f.Message = "all " + figure.Number(used) + " connections of the pool of " + r.Text("user") + " are in use: the next client waits"
					f.Advice = "raise pool_size if that lasts"
				default:
					continue
				}
				out = append(out, f)
			}
			return out
		},
	}
}

func waits(n int64) string {
	if n == 1 {
		return " waits"
	}
	return " wait"
}
