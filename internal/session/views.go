package session

import (
	"context"
	"maps"
	"slices"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/sample"
)

// ShardViews is what a shard's server says of itself, subject by subject.
type ShardViews struct {
	Name      string      `json:"name"`
	Views     []ShardView `json:"views"`
	CheckedAt string      `json:"checked_at"`
}

// ShardView is one subject of a shard: a table.
type ShardView struct {
	// Name is what a command calls it, Group the part of a shard it belongs to:
	// queries, locks, tables, replication or settings.
	Name  string `json:"name"`
	Title string `json:"title"`
	Group string `json:"group"`
	// CheckedAt is when the server answered; null where it did not.
	CheckedAt *string `json:"checked_at"`
	// OverMS is the time over which counters ran; null where none are shown.
	OverMS *float64 `json:"over_ms"`
	// Reason is why there is no answer or an incomplete one, Grant what mends it.
	Reason string `json:"reason"`
	Grant  string `json:"grant"`
	// Empty says what it means that there is no row.
	Empty   string       `json:"empty"`
	Columns []ViewColumn `json:"columns"`
	// Rows hold plain figures as text; empty is unknown or does not apply.
	Rows [][]string `json:"rows"`
	// Sessions are the sessions that the rows speak of, one for each row, as an
	// EndRequest names them; empty where rows are something else.
	Sessions []ViewSession `json:"sessions"`
}

// ViewSession is the session of a row; the number 0 is none.
type ViewSession struct {
	PID int `json:"pid"`
	// StartedAt is null where it is not known when the session began.
	StartedAt *string `json:"started_at"`
}

// ViewColumn is a column and the kind of its figures: text, code, count, bytes,
// seconds, ms, share or time.
type ViewColumn struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Views returns what a shard's server says of itself. Figures that cost more are
// as old as their own time says.
func (s *Session) Views(ctx context.Context, shard string) (ShardViews, error) {
	out := ShardViews{Name: shard, Views: []ShardView{}}
	if _, err := s.set.Shard(shard); err != nil {
		return out, err
	}
	now := health.Reading{At: time.Now()}
	before, _ := s.ask(ctx, shard, &now)
	if now.Err != nil {
		return out, now.Err
	}
	texts, err := s.statementTexts(ctx, shard, now, before)
	if err != nil {
		return out, err
	}
	out.CheckedAt = now.At.UTC().Format(time.RFC3339)
	for _, v := range health.Views(now, before, textOf(texts)) {
		out.Views = append(out.Views, viewOf(v))
	}
	return out, nil
}

func textOf(texts map[int64]string) health.TextOf {
	return func(id int64) (string, bool) { t, ok := texts[id]; return t, ok }
}

func viewOf(v health.View) ShardView {
	view := ShardView{
		Name: v.Name, Title: v.Title, Group: v.Group, Reason: v.Reason, Grant: v.Grant, Empty: v.Empty,
		Columns: make([]ViewColumn, len(v.Columns)), Rows: v.Rows, Sessions: make([]ViewSession, len(v.Sessions)),
	}
	for i, c := range v.Columns {
		view.Columns[i] = ViewColumn{Name: c.Name, Kind: string(c.Kind)}
	}
	for i, b := range v.Sessions {
		view.Sessions[i].PID = int(b.PID)
		if !b.Started.IsZero() {
			view.Sessions[i].StartedAt = stampPtr(&b.Started)
		}
	}
	if !v.At.IsZero() {
		at := v.At.UTC().Format(time.RFC3339)
		view.CheckedAt = &at
	}
	if v.Over > 0 {
		view.OverMS = ptr(milliseconds(v.Over))
	}
	return view
}

// statementTexts are the texts of the statements that took most.
func (s *Session) statementTexts(ctx context.Context, shard string, now, before health.Reading) (map[int64]string, error) {
	top, ok := health.TopStatements(now, before)
	if !ok {
		return nil, nil
	}
	ids := []int64{}
	for _, st := range top.List[:min(len(top.List), health.MostStatements)] {
		if !slices.Contains(ids, st.ID) {
			ids = append(ids, st.ID)
		}
	}
	return s.textsFor(ctx, shard, now, ids)
}

// mostTexts is how many texts of a shard are kept from one look to the next.
const mostTexts = 2 * (health.MostCompared + health.MostStatements)

// textsFor are the texts of statements by their ids. They lie in a file of the
// server's that may be large, so that only those are asked for that no earlier
// look knew.
func (s *Session) textsFor(ctx context.Context, shard string, now health.Reading, ids []int64) (map[int64]string, error) {
	known := s.textsOf(shard)
	out, missing := map[int64]string{}, []int64{}
	for _, id := range ids {
		if t, ok := known[id]; ok {
			out[id] = t
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		if err := s.askTexts(ctx, shard, now.Server, missing, out); err != nil {
			return nil, err
		}
	}
	keep := maps.Clone(out)
	for id, t := range known {
		if len(keep) >= mostTexts {
			break
		}
		keep[id] = t
	}
	s.keepTexts(shard, keep)
	return out, nil
}

func (s *Session) askTexts(ctx context.Context, shard string, server sample.Server, ids []int64, to map[int64]string) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	leave, err := s.lanes.enter(ctx, shard, statistics)
	if err != nil {
		return err
	}
	defer leave()
	c, err := s.acquire(ctx, shard)
	if err != nil {
		return err
	}
	defer c.Release()
	query := health.StatementTexts(ids)
	results, err := sample.Collect(ctx, c.Conn(), server, []sample.Query{query})
	if err != nil {
		return named(err, shard)
	}
	r := results[query.Name]
	if r.Err != nil {
		if fault.CodeOf(r.Err) == fault.RightMissing || fault.CodeOf(r.Err) == fault.NotAvailable {
			return nil // their numbers are shown without
		}
		return named(r.Err, shard)
	}
	for row := range r.All() {
		if id, ok := row.Int("queryid"); ok {
			to[id] = row.Text("query")
		}
	}
	return nil
}

func (s *Session) textsOf(shard string) map[int64]string {
	l := s.looksOf(shard)
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.texts
}

func (s *Session) keepTexts(shard string, texts map[int64]string) {
	l := s.looksOf(shard)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.texts = texts
}
