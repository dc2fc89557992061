package session

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	words "shardadmin/internal/figure"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
	"shardadmin/internal/tenancy"
)

//go:embed sql/activity.sql
var activitySQL string

// The longest and the shortest time of which the load is estimated.
const (
	loadLongest  = 24 * time.Hour
	loadShortest = 10 * time.Minute
)

// LoadMethod says what the load of a tenant is.
const LoadMethod = "estimated: rows that were read and written in each table a second, shared among tenants as the table's rows are, so that one that is busier than its rows tell is not seen"

// activity is what the tables of a shard had read and written when it was asked.
type activity struct {
	epoch  string
	counts map[string]float64
}

// shardLoad is how busy each table of a shard was, in rows a second, and when that was.
type shardLoad struct {
	rates    map[string]float64
	from, to time.Time
	reason   string // why it is not known
}

// load is what a tenant touches of its shard in a second. PostgreSQL keeps nothing by
// tenant: a tenant that is busier than its rows tell is not seen.
func (s sharesOf) load(tenant string, l shardLoad) float64 {
	out := 0.0
	for _, t := range s.tables {
		out += t.share.of(tenant) * l.rates[t.name]
	}
	return out
}

// readActivity reads what the tables that move had read and written.
func readActivity(ctx context.Context, db *conn.Database, m *tenancy.Map) (activity, error) {
	out := activity{counts: map[string]float64{}}
	pool, err := db.Pool(ctx)
	if err != nil {
		return out, err
	}
	names, schemas, rels := movingTables(m)
	rows, err := pool.Query(ctx, activitySQL, names, schemas, rels)
	if err != nil {
		return out, conn.Fault(err, db.Name())
	}
	var name string
	var n float64
	_, err = pgx.ForEachRow(rows, []any{&name, &n, &out.epoch}, func() error { out.counts[name] = n; return nil })
	return out, conn.Fault(err, db.Name())
}

// activityNow is what the tables of each shard that answers had read and written.
func (s *Session) activityNow(ctx context.Context) []history.Activity {
	names := []string{}
	for _, sh := range s.cfg.Fleet.Shards {
		if sh.Configured() {
			names = append(names, sh.Name)
		}
	}
	out := []history.Activity{}
	for name, c := range s.shares(ctx, names) {
		if c.activity.epoch != "" {
			out = append(out, history.Activity{Shard: name, At: c.at, Epoch: c.activity.epoch, Counts: c.activity.counts})
		}
	}
	return out
}

// loads is how busy the shards were, from what they say now and looks that are kept.
func (s *Session) loads(ctx context.Context, shares map[string]sharesOf) map[string]shardLoad {
	out := map[string]shardLoad{}
	all := func(reason string) map[string]shardLoad {
		for name := range shares {
			out[name] = shardLoad{reason: reason}
		}
		return out
	}
	if s.cfg.DBPath == "" {
		return all("no history is kept")
	}
	known := s.pastOf(ctx)
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return all(*errorText(err))
	}
	defer func() { _ = db.Close() }()
	kept := history.New(db, time.Now)
	for name, c := range shares {
		out[name] = s.loadOf(ctx, kept, name, c, known.moved[name])
	}
	return out
}

func (s *Session) loadOf(ctx context.Context, kept *history.History, name string, c sharesOf, moved []time.Time) shardLoad {
	if !c.known {
		return shardLoad{reason: cmp.Or(c.reason, "nothing is known of it")}
	}
	since, after := c.at.Add(-loadLongest), ""
	for _, at := range moved {
		// What was done before tenants came or went is no measure of those who are there.
		if at.After(since) {
			since, after = at, " since tenants were moved there or away at "+clock(at)
		}
	}
	old, err := kept.Activity(ctx, s.cfg.Fleet.Name, name, c.activity.epoch, since)
	if err != nil {
		return shardLoad{reason: *errorText(err)}
	}
	return rateOf(old, c.activity, c.at, after)
}

// rateOf is what two looks make of each table.
func rateOf(old *history.Activity, now activity, at time.Time, after string) shardLoad {
	if old == nil {
		return shardLoad{reason: "no look at the activity of its tables is kept on this computer" + after + ", or its statistics began anew: the window, serve and worker look each quarter of an hour"}
	}
	over := at.Sub(old.At)
	if over < loadShortest {
		return shardLoad{reason: fmt.Sprintf("the first look at the activity of its tables%s is %s old, and %s have to be between two", after, words.Span(over), words.Span(loadShortest))}
	}
	out := shardLoad{rates: map[string]float64{}, from: old.At, to: at}
	for table, n := range now.counts {
		was, there := old.Counts[table]
		switch {
		case n < was:
			return shardLoad{reason: "the statistics of its table " + table + " began anew at some time since " + clock(old.At)}
		case there:
			out.rates[table] = (n - was) / over.Seconds()
		default: // the table is new
			out.rates[table] = n / over.Seconds()
		}
	}
	return out
}

// loaded gives every tenant its load, or why it is not known.
func (sp *spread) loaded(shares map[string]sharesOf, loads map[string]shardLoad) {
	sp.loads = loads
	for i := range sp.in.Tenants {
		t := &sp.in.Tenants[i]
		at := sp.homes[t.ID]
		l, ok := loads[at]
		switch {
		case !ok:
			t.NoLoad = "nothing is known of its shard"
		case l.reason != "":
			t.NoLoad = l.reason
		default:
			t.Load = shares[at].load(t.ID, l)
		}
	}
}

// RebalanceLoad says how the load of tenants is known.
type RebalanceLoad struct {
	// Method says what it is; From and To are the time of which it is estimated, null
	// with Reason where it is known of no shard.
	Method string         `json:"method"`
	From   *string        `json:"from"`
	To     *string        `json:"to"`
	Reason string         `json:"reason"`
	Hot    []RebalanceHot `json:"hottest"`
}

// RebalanceHot is one of the tenants with the most load.
type RebalanceHot struct {
	Tenant string  `json:"tenant"`
	Label  string  `json:"label"`
	Shard  string  `json:"shard"`
	Load   float64 `json:"load"`
	Share  float64 `json:"share"` // of its shard's tenants
}

// loadView is how load is known, with the tenants that have most of it.
func (sp *spread) loadView() RebalanceLoad {
	v := RebalanceLoad{Method: LoadMethod, Hot: []RebalanceHot{}}
	var from, to time.Time
	for _, sh := range sp.in.Shards {
		l, ok := sp.loads[sh.Name]
		if !ok || l.reason != "" {
			if v.Reason == "" && ok {
				v.Reason = sh.Name + ": " + l.reason
			}
			continue
		}
		if from.IsZero() || l.from.Before(from) {
			from = l.from
		}
		if l.to.After(to) {
			to = l.to
		}
	}
	if to.IsZero() {
		if v.Reason == "" {
			v.Reason = "no shard could be asked"
		}
		return v
	}
	v.From, v.To = ptr(stamp(from)), ptr(stamp(to))
	total := map[string]float64{}
	for _, t := range sp.in.Tenants {
		total[t.Shard] += t.Load
	}
	for _, t := range largestBy(sp.in.Tenants, func(t rebalance.Tenant) float64 { return t.Load }) {
		v.Hot = append(v.Hot, RebalanceHot{Tenant: t.ID, Label: t.Label, Shard: t.Shard, Load: *rounded(&t.Load), Share: math.Round(t.Load/total[t.Shard]*1e4) / 1e4})
	}
	return v
}
