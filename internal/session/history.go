package session

import (
	"context"
	_ "embed"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/sample"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

// MostPoints is how many points a course has at the most, and mostMarks how many
// marks are beside it.
const (
	MostPoints = 600
	mostMarks  = 200
)

// HistoryRequest says of what and of when a course is asked for.
type HistoryRequest struct {
	// Shard is empty for every configured one.
	Shard string `json:"shard"`
	// Metrics are names of metrics; all where there is none.
	Metrics []string `json:"metrics"`
	// Since is a moment, or an age such as 24h; a day ago where it is empty. Until is
	// another; now where it is empty.
	Since string `json:"since"`
	Until string `json:"until"`
	// Points bounds the points of a course; MostPoints where it is 0.
	Points int `json:"points"`
	// Marks asks for what was done to the shard as well.
	Marks bool `json:"marks"`
}

// HistoryView is how figures of shards went.
type HistoryView struct {
	// From and To are seconds since 1970.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// StepSeconds is the time that a point stands for; 0 where it is one measurement.
	StepSeconds int64          `json:"step_seconds"`
	Shards      []ShardHistory `json:"shards"`
	Marks       []HistoryMark  `json:"marks"`
	// MarksReason is why no marks are known, where they were asked for.
	MarksReason string `json:"marks_reason"`
	// Sampling says who measures on this computer, which keeps the history.
	Sampling Sampling `json:"sampling"`
}

// ShardHistory is one shard's.
type ShardHistory struct {
	Name string `json:"name"`
	// KeptSince is when the oldest was measured that is kept; null where nothing is.
	KeptSince *string         `json:"kept_since"`
	Metrics   []MetricHistory `json:"metrics"`
}

// MetricHistory is the course of one figure in columns: at each time the mean, the
// least and the most of what a point stands for. null is a gap, in which nothing was
// measured. Of single measurements Least and Most are empty.
type MetricHistory struct {
	Name  string     `json:"name"`
	Title string     `json:"title"`
	Unit  string     `json:"unit"` // ms, count, per_second, share, bytes
	At    []int64    `json:"at"`   // seconds since 1970, rising
	Mean  []*float64 `json:"mean"`
	Least []*float64 `json:"least"`
	Most  []*float64 `json:"most"`
	// Reason is why there is no point at all.
	Reason string `json:"reason"`
}

// HistoryMark is something that was done to a shard.
type HistoryMark struct {
	At     int64  `json:"at"`
	Kind   string `json:"kind"` // move_started, move_switched, assigned
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	Source string `json:"source"`
	Target string `json:"target"`
	Move   string `json:"move"`
}

// metric is a figure whose course can be asked for.
type metric struct {
	name, title, unit, figure string
	factor                    float64
	every                     time.Duration // how often it is measured
	none                      string        // why there may be nothing
}

func metrics() []metric {
	live, minute := sample.Live.Every(), sample.Minute.Every()
	const none = "nothing was measured in this time"
	return []metric{
		{"latency_ms", "Latency", "ms", latencyFigure, 1000, live, none},
		{"connections", "Connections", "count", connectionsFigure, 1, live, none},
		{"transactions_per_second", "Transactions", "per_second", transactionsFigure, 1, minute, none},
		{"cache_hit_rate", "Cache hits", "share", cacheFigure, 1, minute, none + ", or nothing was read"},
		{"size_bytes", "Size", "bytes", sizeFigure, 1, minute, none},
		{"replication_lag_bytes", "Replication lag", "bytes", lagFigure, 1, live, "no standby was seen in this time"},
	}
}

// MetricNames are the figures whose course can be asked for.
func MetricNames() []string {
	out := []string{}
	for _, m := range metrics() {
		out = append(out, m.name)
	}
	return out
}

// History returns how figures went, from what this computer keeps. Errors: usage,
// shard_unknown, not_available where nothing is kept.
func (s *Session) History(ctx context.Context, r HistoryRequest) (HistoryView, error) {
	out := HistoryView{Shards: []ShardHistory{}, Marks: []HistoryMark{}}
	until, err := moment(r.Until, time.UTC)
	if err != nil {
		return out, err
	}
	if until.IsZero() {
		until = time.Now()
	}
	since, err := moment(r.Since, time.UTC)
	if err != nil {
		return out, err
	}
	if since.IsZero() {
		since = until.Add(-24 * time.Hour)
	}
	if !since.Before(until) {
		return out, fault.New(fault.Usage, "the time begins after its end", "give an earlier beginning")
	}
	wanted, err := wantedMetrics(r.Metrics)
	if err != nil {
		return out, err
	}
	names := []string{}
	for _, sh := range s.cfg.Fleet.Shards {
		if r.Shard == "" && sh.Configured() || sh.Name == r.Shard {
			names = append(names, sh.Name)
		}
	}
	if len(names) == 0 && r.Shard != "" {
		_, err := s.set.Shard(r.Shard)
		return out, err
	}
	if s.cfg.DBPath == "" {
		return out, fault.New(fault.NotAvailable, "no history is kept", "")
	}
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return out, err
	}
	defer func() { _ = db.Close() }()
	past := history.New(db, time.Now)
	out.From, out.To, out.Sampling = since.Unix(), until.Unix(), s.sampling(ctx, past)
	most := r.Points
	if most <= 0 || most > MostPoints {
		most = MostPoints
	}
	for _, name := range names {
		sh := ShardHistory{Name: name, Metrics: []MetricHistory{}}
		first, err := past.First(ctx, s.cfg.Fleet.Name, name)
		if err != nil {
			return out, err
		}
		sh.KeptSince = stampPtr(first)
		for _, m := range wanted {
			series, err := past.Range(ctx, s.cfg.Fleet.Name, name, m.figure, since, until, most)
			if err != nil {
				return out, err
			}
			out.StepSeconds = int64(series.Step / time.Second)
			sh.Metrics = append(sh.Metrics, m.columns(series))
		}
		out.Shards = append(out.Shards, sh)
	}
	if r.Marks {
		if out.Marks, err = s.marks(ctx, r.Shard, since, until); err != nil {
			out.MarksReason = *errorText(err)
		}
	}
	return out, nil
}

func wantedMetrics(names []string) ([]metric, error) {
	all := metrics()
	if len(names) == 0 {
		return all, nil
	}
	out := []metric{}
	for _, name := range names {
		i := slices.IndexFunc(all, func(m metric) bool { return m.name == name })
		if i < 0 {
			return nil, fault.Newf(fault.Usage, "there are "+strings.Join(MetricNames(), ", "), "there is no metric %q", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// columns are the points of a series with a null wherever two are further apart than
// they would be had it been measured all the time.
func (m metric) columns(series history.Series) MetricHistory {
	v := MetricHistory{Name: m.name, Title: m.title, Unit: m.unit, At: []int64{}, Mean: []*float64{}, Least: []*float64{}, Most: []*float64{}}
	if len(series.Points) == 0 {
		v.Reason = m.none
	}
	gap := max(series.Step*3/2, m.every*5/2)
	add := func(at int64, p *history.Point) {
		var mean, least, most *float64
		if p != nil {
			mean, least, most = m.rounded(p.Mean), m.rounded(p.Min), m.rounded(p.Max)
		}
		v.At, v.Mean = append(v.At, at), append(v.Mean, mean)
		if series.Step > 0 {
			v.Least, v.Most = append(v.Least, least), append(v.Most, most)
		}
	}
	for i, p := range series.Points {
		at := p.At.Unix()
		if i > 0 {
			before := series.Points[i-1].At
			if at == before.Unix() {
				continue // two looks within a second say the same
			}
			if p.At.Sub(before) > gap && at-before.Unix() > 1 {
				add(before.Unix()+1, nil)
			}
		}
		add(at, &p)
	}
	return v
}

// rounded is a value in the metric's unit, without digits that mean nothing.
func (m metric) rounded(v float64) *float64 {
	v *= m.factor
	digits := 1e4
	if m.unit == "bytes" {
		digits = 1
	}
	return ptr(math.Round(v*digits) / digits)
}

//go:embed sql/marks.sql
var marksSQL string

// marks are what was done to a shard, or to all, in a time, the oldest first.
func (s *Session) marks(ctx context.Context, shard string, since, until time.Time) ([]HistoryMark, error) {
	out := []HistoryMark{}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return out, err
	}
	rows, err := pool.Query(ctx, s.inSchema(marksSQL), since, until, shard, mostMarks)
	if err != nil {
		return out, conn.Fault(err, fleet.ControlName)
	}
	var at time.Time
	var m HistoryMark
	_, err = pgx.ForEachRow(rows, []any{&at, &m.Kind, &m.Tenant, &m.Label, &m.Source, &m.Target, &m.Move}, func() error {
		m.At = at.Unix()
		out = append(out, m)
		return nil
	})
	slices.Reverse(out)
	return out, conn.Fault(err, fleet.ControlName)
}
