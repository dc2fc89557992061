package job

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/job/window"
)

// defaultPerShard is how many runs may load one shard where nobody says else.
const defaultPerShard = 2

// Wait is what a queued run that nobody has begun waits for, besides its turn.
type Wait string

// What a run waits for.
const (
	// WaitNever is for what brings a tenant back to where it is safe.
	WaitNever Wait = "never"
	// WaitPause is for what goes on with something, WaitWindow for what begins
	// something: the first waits for the end of a pause, the second for a
	// maintenance window as well.
	WaitPause  Wait = "pause"
	WaitWindow Wait = "window"
)

// Pause is why nothing is begun.
type Pause struct {
	At      time.Time
	By, Why string
}

// Rules is what the whole queue keeps to, whoever works on it.
type Rules struct {
	Paused *Pause // nil: it is not
	// Windows are when a run that waits for a window may begin.
	Windows window.Set
	// Unread is the text of windows that this version cannot read; they count
	// as closed.
	Unread string
	// PerFleet and PerShard bound the runs at once; nil leaves it to the
	// workers.
	PerFleet, PerShard *int
	ChangedAt          *time.Time
	ChangedBy          string
	// Now is the moment at which they were read, by the database's clock.
	Now time.Time
}

// Open reports whether a window is open.
func (r Rules) Open() bool { return r.Unread == "" && r.Windows.Open(r.Now) }

// ShardLimit is how many runs may load one shard, if the workers say nothing.
func (r Rules) ShardLimit() int {
	if r.PerShard != nil {
		return *r.PerShard
	}
	return defaultPerShard
}

// Rules reads what the queue keeps to.
func (j *Jobs) Rules(ctx context.Context) (Rules, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return Rules{}, err
	}
	r, err := j.rules(ctx, pool)
	return r, j.fault(err)
}

func (j *Jobs) rules(ctx context.Context, q querier) (Rules, error) {
	var r Rules
	var at *time.Time
	var by, why, changed *string
	var windows string
	err := q.QueryRow(ctx, j.sql(`SELECT q.paused_at, q.paused_by, q.paused_why, coalesce(q.windows, ''), q.per_fleet, q.per_shard, q.changed_at, q.changed_by, clock_timestamp()
		FROM (SELECT true) one LEFT JOIN {{schema}}.queue q ON true`)).Scan(&at, &by, &why, &windows, &r.PerFleet, &r.PerShard, &r.ChangedAt, &changed, &r.Now)
	if err != nil {
		return r, err
	}
	if at != nil {
		r.Paused = &Pause{*at, *by, *why}
	}
	if changed != nil {
		r.ChangedBy = *changed
	}
	if r.Windows, err = window.Parse(windows); err != nil {
		r.Unread = windows // of a newer version; nothing is begun at a time that nobody meant
	}
	return r, nil
}

// lock keeps the rules as they are, and workers from claiming, until tx ends.
func (j *Jobs) lock(ctx context.Context, tx pgx.Tx) (Rules, error) {
	if err := j.lockClaims(ctx, tx); err != nil {
		return Rules{}, err
	}
	if _, err := tx.Exec(ctx, j.sql(`INSERT INTO {{schema}}.queue DEFAULT VALUES ON CONFLICT (one) DO NOTHING`)); err != nil {
		return Rules{}, err
	}
	if _, err := tx.Exec(ctx, j.sql(`SELECT FROM {{schema}}.queue FOR UPDATE`)); err != nil {
		return Rules{}, err
	}
	return j.rules(ctx, tx)
}

// Pause lets no worker begin anything more until Unpause: what runs goes on,
// and so does what a worker has left. It returns the rules from before.
func (j *Jobs) Pause(ctx context.Context, tx pgx.Tx, by, why string) (Rules, error) {
	r, err := j.lock(ctx, tx)
	if err != nil {
		return r, j.fault(err)
	}
	if p := r.Paused; p != nil {
		return r, fault.Newf(fault.QueueState, "shard-admin move queue resume ends the pause", "the queue is paused already, by %s since %s: %s", p.By, utc(p.At), p.Why)
	}
	_, err = tx.Exec(ctx, j.sql(`UPDATE {{schema}}.queue SET paused_at = clock_timestamp(), paused_by = $1, paused_why = $2`), by, why)
	return r, j.fault(err)
}

// Unpause lets workers begin again; it returns the rules from before.
func (j *Jobs) Unpause(ctx context.Context, tx pgx.Tx) (Rules, error) {
	r, err := j.lock(ctx, tx)
	if err != nil {
		return r, j.fault(err)
	}
	if r.Paused == nil {
		return r, fault.New(fault.QueueState, "the queue is not paused", "shard-admin move queue show says what its runs wait for")
	}
	_, err = tx.Exec(ctx, j.sql(`UPDATE {{schema}}.queue SET paused_at = NULL, paused_by = NULL, paused_why = NULL`))
	return r, j.fault(err)
}

// SetWindows sets the maintenance windows; it returns the rules from before.
func (j *Jobs) SetWindows(ctx context.Context, tx pgx.Tx, by string, s window.Set) (Rules, error) {
	r, err := j.lock(ctx, tx)
	if err != nil {
		return r, j.fault(err)
	}
	_, err = tx.Exec(ctx, j.sql(`UPDATE {{schema}}.queue SET windows = $1, changed_by = $2, changed_at = clock_timestamp()`), s.String(), by)
	return r, j.fault(err)
}

// SetLimit bounds how many runs are carried out at once, in the fleet or on each
// shard; nil takes the bound away. It returns the rules from before.
func (j *Jobs) SetLimit(ctx context.Context, tx pgx.Tx, by string, perShard bool, n *int) (Rules, error) {
	if n != nil && (*n < 1 || *n > 10_000) {
		return Rules{}, fault.Newf(fault.Usage, "shard-admin move queue pause stops the queue", "a limit is a number from 1 to 10,000, not %d", *n)
	}
	r, err := j.lock(ctx, tx)
	if err != nil {
		return r, j.fault(err)
	}
	_, err = tx.Exec(ctx, j.sql(`UPDATE {{schema}}.queue SET per_fleet = CASE WHEN $2 THEN per_fleet ELSE $1 END, per_shard = CASE WHEN $2 THEN $1 ELSE per_shard END,
		changed_by = $3, changed_at = clock_timestamp()`), n, perShard, by)
	return r, j.fault(err)
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Hold is why a queued run is not taken now. The code is one of time, pause,
// window, resource, fleet, shard and worker; empty: it is next.
type Hold struct{ Code, Text string }

// Line is a run that waits or runs, and what keeps it waiting.
type Line struct {
	Run
	Hold Hold
}

// Line returns the rules with the runs that run and wait, in the order in which
// they go, each with what keeps it waiting.
func (j *Jobs) Line(ctx context.Context) (Rules, []Line, error) {
	rules, err := j.Rules(ctx)
	if err != nil {
		return rules, nil, err
	}
	pending, err := j.Pending(ctx)
	if err != nil {
		return rules, nil, err
	}
	live, err := j.Live(ctx)
	if err != nil {
		return rules, nil, err
	}
	out := make([]Line, 0, len(pending))
	for _, r := range pending {
		l := Line{Run: r}
		if r.State == Queued {
			l.Hold = rules.hold(r, pending, live)
		}
		out = append(out, l)
	}
	return rules, out, nil
}

// hold follows the claim's statement.
func (r Rules) hold(run Run, pending []Run, live []WorkerInfo) Hold {
	fresh := run.StartedAt == nil
	running, loads := 0, map[string]int{}
	busy := false
	for _, o := range pending {
		if o.State != Running {
			continue
		}
		busy = busy || o.Resource == run.Resource
		if !o.Interrupts {
			running++
			for _, s := range o.Shards {
				loads[s]++
			}
		}
	}
	perShard := r.ShardLimit()
	switch {
	case run.NotBefore.After(r.Now):
		return Hold{"time", "it begins no sooner than " + utc(run.NotBefore)}
	case r.Paused != nil && fresh && run.Waits != WaitNever:
		return Hold{"pause", fmt.Sprintf("the queue is paused by %s since %s: %s", r.Paused.By, utc(r.Paused.At), r.Paused.Why)}
	case !r.Open() && fresh && run.Waits == WaitWindow:
		return Hold{"window", r.opens()}
	case run.Interrupts:
	case busy:
		return Hold{"resource", "another run of the tenant comes first"}
	case r.PerFleet != nil && running >= *r.PerFleet:
		return Hold{"fleet", fmt.Sprintf("the fleet has as many runs as its limit allows: %d", *r.PerFleet)}
	default:
		for _, s := range run.Shards {
			if loads[s] >= perShard {
				return Hold{"shard", fmt.Sprintf("%s has as many runs as its limit allows: %d", s, perShard)}
			}
		}
	}
	if !slices.ContainsFunc(live, func(w WorkerInfo) bool { return w.RunsAll || holderOf(w.ID) == run.QueuedOn }) {
		return Hold{"worker", "no worker is alive to carry it out"}
	}
	return Hold{}
}

// opens says for which window is waited.
func (r Rules) opens() string {
	if r.Unread != "" {
		return fmt.Sprintf("the maintenance windows %q cannot be read by this version, so none is open", r.Unread)
	}
	at := r.Windows.Opens(r.Now)
	if at.IsZero() {
		return fmt.Sprintf("no maintenance window (%s) opens within two weeks", r.Windows)
	}
	return fmt.Sprintf("the next maintenance window (%s) opens at %s", r.Windows, utc(at))
}
