package session

import (
	"context"
	_ "embed"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/capacity"
	"shardadmin/internal/fault"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

//go:embed sql/moved.sql
var movedSQL string

// growthAge is how long what forecasts are made of is kept, since sizes count by the
// day; noGrowthAge how long where control did not answer.
const (
	growthAge   = 10 * time.Minute
	noGrowthAge = 15 * time.Second
)

// growths keeps what was read for forecasts.
type growths struct {
	mu sync.Mutex
	// until is how long it is kept.
	until time.Time
	past  past
}

// forget lets it be read anew.
func (g *growths) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
}

// past is what is known of every shard: its sizes in the history, the times at which
// we moved something there, why the history could not be read, and how the spread went.
type past struct {
	sizes map[string][]capacity.Point
	moved map[string][]time.Time
	why   string
	// spread is how uneven the fleet was by each dimension, as this computer saw it.
	spread []dimension
}

// pastOf reads it now and then. A control database that does not answer costs no
// more than any other: without it nobody knows what was moved, and shifts are found
// all the same.
func (s *Session) pastOf(ctx context.Context) past {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	g := &s.growth
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.until) {
		return g.past
	}
	p, age := past{sizes: map[string][]capacity.Point{}, moved: map[string][]time.Time{}}, growthAge
	if err := s.readKept(ctx, &p); err != nil {
		p.why = *errorText(err)
	}
	if err := s.readMoved(ctx, p.moved); fault.Unreachable(err) || ctx.Err() != nil {
		age = noGrowthAge
	}
	g.past, g.until = p, time.Now().Add(age)
	return p
}

// readKept reads what the local history has.
func (s *Session) readKept(ctx context.Context, p *past) error {
	if s.cfg.DBPath == "" {
		return nil
	}
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	kept := history.New(db, time.Now)
	for _, sh := range s.cfg.Fleet.Shards {
		to := time.Now()
		series, err := kept.Range(ctx, s.cfg.Fleet.Name, sh.Name, sizeFigure, to.AddDate(0, 0, -91), to, 200)
		if err != nil {
			return err
		}
		for _, x := range series.Points {
			p.sizes[sh.Name] = append(p.sizes[sh.Name], capacity.Point{At: x.At, Bytes: x.Mean})
		}
	}
	p.spread, err = s.readSpread(ctx, kept, time.Now())
	return err
}

func (s *Session) readMoved(ctx context.Context, into map[string][]time.Time) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, s.inSchema(movedSQL))
	if err != nil {
		return err
	}
	var shard string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&shard, &at}, func() error {
		into[shard] = append(into[shard], at)
		return nil
	})
	return err
}

// forecast is how a shard's database grows, by what is kept of it and its size now.
func forecast(g past, shard string, size *int64, most int64) (Growth, capacity.Forecast) {
	points := append([]capacity.Point{}, g.sizes[shard]...)
	if size != nil {
		points = append(points, capacity.Point{At: time.Now(), Bytes: float64(*size)})
	}
	f := capacity.Make(points, g.moved[shard], float64(most))
	out := Growth{State: string(f.State), Days: f.Days}
	if f.State == capacity.TooShort {
		out.Reason = "sizes of fewer than seven days are kept on this computer; the window, serve and worker keep them while they run"
		if g.why != "" {
			out.Reason = g.why
		}
		out.FullReason = out.Reason
		return out, f
	}
	round := func(v float64) *int64 { return ptr(int64(math.Round(v))) }
	out.BytesPerDay, out.BytesPerDayFrom, out.BytesPerDayTo = round(f.Recent.PerDay), round(f.Recent.From), round(f.Recent.To)
	switch {
	case most <= 0:
		out.FullReason = "the fleet file says nothing of a capacity"
	case f.Full:
		out.FullReason = "its capacity is reached"
	case f.Soonest == nil:
		out.FullReason = "not within two years"
	default:
		out.FullInDaysFrom = ptr(int(*f.Soonest))
		if f.Latest != nil {
			out.FullInDaysTo = ptr(int(math.Ceil(*f.Latest)))
		}
	}
	return out, f
}
