package session

import (
	"context"
	_ "embed"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/capacity"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

//go:embed sql/moved.sql
var movedSQL string

// growthAge is how long a forecast is kept: sizes count by the day.
const growthAge = 10 * time.Minute

// growths keeps what was read for forecasts.
type growths struct {
	mu sync.Mutex
	at time.Time
	// sizes are those of the history, moved the times of our moves, by shard; why is
	// why the history could not be read.
	sizes map[string][]capacity.Point
	moved map[string][]time.Time
	why   string
}

// pasts reads what is known of the past of every shard, now and then.
func (s *Session) pasts(ctx context.Context) *growths {
	g := &s.growth
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.at) < growthAge {
		return g
	}
	g.sizes, g.moved, g.why = map[string][]capacity.Point{}, map[string][]time.Time{}, ""
	if err := s.readSizes(ctx, g.sizes); err != nil {
		g.why = *errorText(err)
	}
	// Without control nobody knows what was moved; shifts are found all the same.
	_ = s.readMoved(ctx, g.moved)
	if ctx.Err() == nil {
		g.at = time.Now()
	}
	return g
}

func (s *Session) readSizes(ctx context.Context, into map[string][]capacity.Point) error {
	if s.cfg.DBPath == "" {
		return nil
	}
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	past := history.New(db, time.Now)
	for _, sh := range s.cfg.Fleet.Shards {
		to := time.Now()
		series, err := past.Range(ctx, s.cfg.Fleet.Name, sh.Name, sizeFigure, to.AddDate(0, 0, -91), to, 200)
		if err != nil {
			return err
		}
		for _, p := range series.Points {
			into[sh.Name] = append(into[sh.Name], capacity.Point{At: p.At, Bytes: p.Mean})
		}
	}
	return nil
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
func (s *Session) forecast(ctx context.Context, shard string, size *int64, most int64) (Growth, capacity.Forecast) {
	g := s.pasts(ctx)
	points := append([]capacity.Point{}, g.sizes[shard]...)
	if size != nil {
		points = append(points, capacity.Point{At: time.Now(), Bytes: float64(*size)})
	}
	f := capacity.Make(points, g.moved[shard], float64(most))
	out := Growth{State: string(f.State), Days: f.Days}
	if f.State == capacity.TooShort {
		out.Reason = "sizes of fewer than seven days are kept on this computer; serve and worker keep them with --api-listen"
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
