package session

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"sync"
	"time"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// answerLimit is how long a shard has to answer before its row says so.
const answerLimit = 2 * time.Second

//go:embed sql/status.sql
var statusSQL string

//go:embed sql/stats.sql
var statsSQL string

func ptr[T any](v T) *T { return &v }

// Status looks at every shard at once. A shard that does not answer is a row
// with the reason.
func (s *Session) Status(ctx context.Context) (Status, error) {
	out, _ := s.status(ctx)
	return out, nil
}

// status is Status, with why tenants are not counted.
func (s *Session) status(ctx context.Context) (Status, error) {
	f := s.cfg.Fleet
	out := Status{Fleet: f.Name, Environment: string(f.Environment), Profile: f.Profile, Shards: make([]ShardStatus, len(f.Shards)), CheckedAt: now()}
	var wg sync.WaitGroup
	for i, sh := range f.Shards {
		wg.Go(func() { out.Shards[i] = s.shardStatus(ctx, sh) })
	}
	wg.Go(func() {
		out.Control = s.look(ctx, s.set.Control(), ShardStatus{Name: fleet.ControlName, Configured: true, InControl: true})
	})
	var counts map[string]int
	var countErr error
	var open map[string]int
	var openReason string
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		if countErr = s.ready(); countErr == nil {
			counts, countErr = s.cat.CountByShard(ctx)
		}
	})
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		st, err := s.install.Status(ctx, s.set.Control())
		switch {
		case err != nil:
			out.InstallNote = "what is installed is not known: " + *errorText(err)
			out.InstalledReason, openReason = *errorText(err), *errorText(err)
		case !st.Installed:
			out.InstallNote = "look only: shard-admin fleet install makes the schema that changes need"
		case st.Version > st.Wanted:
			out.Installed, out.InstallNote = true, fmt.Sprintf("look only: the schema has version %d, this program knows %d", st.Version, st.Wanted)
			openReason = out.InstallNote
		case st.Version < st.Wanted:
			out.Installed, out.InstallNote = true, fmt.Sprintf("shard-admin fleet install brings the schema from version %d to %d", st.Version, st.Wanted)
			openReason = out.InstallNote
		default:
			out.Installed = true
			var err error
			if open, err = s.openByShard(ctx); err != nil {
				openReason = *errorText(err)
			}
		}
	})
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		out.Queue, out.QueueReason = s.queueState(ctx)
	})
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	if countErr == nil {
		out.Tenants = &total
	} else {
		out.TenantsReason = *errorText(countErr)
	}
	for i := range out.Shards {
		sh := &out.Shards[i]
		if countErr == nil {
			sh.Tenants = ptr(counts[sh.Name])
		} else {
			sh.TenantsReason = out.TenantsReason
		}
		if sh.OpenMovesReason = openReason; openReason == "" {
			sh.OpenMoves = ptr(open[sh.Name])
		}
		if sh.Configured {
			out.Configured++
		}
		if sh.Reachable {
			out.Answering++
		}
	}
	return out, countErr
}

func (s *Session) openByShard(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	if s.engine == nil {
		return out, nil
	}
	list, err := s.engine.Unfinished(ctx)
	for _, m := range list {
		out[m.Source]++
		out[m.Target]++
	}
	return out, err
}

func (s *Session) shardStatus(ctx context.Context, sh fleet.Shard) ShardStatus {
	v := ShardStatus{Name: sh.Name, Configured: sh.Configured(), InControl: sh.InControl, Placement: string(sh.Placement), Region: sh.Region, CheckedAt: now()}
	if sh.Capacity > 0 {
		v.CapacityBytes = ptr(sh.Capacity)
	}
	if !v.Configured {
		reason := "the shard is known and has no connection in the fleet file"
		v.Status, v.SizeReason, v.LatencyReason, v.AnsweredReason = "not_configured", reason, reason, reason
		v.Error, v.Problem = &reason, &Problem{Code: string(fault.ShardNotConfigured), Message: reason, Hint: "add its url to the fleet file"}
		return v
	}
	db, err := s.set.Shard(sh.Name)
	if err != nil {
		v.Status, v.Error, v.Problem = "unreachable", errorText(err), problem(err)
		v.AnsweredReason = *v.Error
		return v
	}
	return s.look(ctx, db, v)
}

// look asks one database; it answers in answerLimit whatever happens.
func (s *Session) look(ctx context.Context, db *conn.Database, v ShardStatus) ShardStatus {
	v.Host, v.Port, v.Database, v.TLS, v.CheckedAt = db.Host(), db.Port(), db.DatabaseName(), db.TLSMode(), now()
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	fail := func(err error) ShardStatus {
		v.Status, v.Error, v.Problem = "unreachable", errorText(err), problem(err)
		v.SizeReason, v.LatencyReason = *v.Error, *v.Error
		if at, ok := s.answered.Load(db.Name()); ok {
			v.AnsweredAt = ptr(at.(string)) //nolint:forcetypeassert // nothing else is stored
		} else {
			v.AnsweredReason = "it has not answered since this program first looked"
		}
		return v
	}
	if r, ok := s.sampled(ctx, db.Name()); ok {
		remembered(r, &v)
		s.answered.Store(db.Name(), *v.AnsweredAt)
		return v
	}
	leave, err := s.enterAnswers(ctx, db.Name())
	if err != nil {
		// That others look longer says nothing of whether it answers.
		if at, ok := s.answered.Load(db.Name()); ok && lately(at.(string)) { //nolint:forcetypeassert // nothing else is stored
			v.Status, v.Error, v.Problem, v.Reachable, v.AnsweredAt = "degraded", errorText(err), problem(err), true, ptr(at.(string)) //nolint:forcetypeassert // as above
			v.SizeReason, v.LatencyReason = *v.Error, *v.Error
			return v
		}
		return fail(err)
	}
	defer leave()
	pool, err := db.Pool(ctx)
	if err != nil {
		return fail(err)
	}
	if err := pool.Ping(ctx); err != nil {
		return fail(conn.Fault(err, db.Name()))
	}
	begin := time.Now()
	var one int
	if err := pool.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return fail(conn.Fault(err, db.Name()))
	}
	v.LatencyMS = ptr(milliseconds(time.Since(begin)))
	v.Reachable, v.AnsweredAt = true, ptr(now())
	s.answered.Store(db.Name(), *v.AnsweredAt)
	var connections, limit int
	var size int64
	if err := pool.QueryRow(ctx, statusSQL).Scan(&v.Version, &size, &connections, &limit); err != nil {
		f := conn.Fault(err, db.Name())
		v.Status, v.Error, v.Problem, v.SizeReason = "degraded", errorText(f), problem(f), *errorText(f)
		return v
	}
	v.SizeBytes, v.Connections, v.MaxConnections = &size, &connections, &limit
	v.Status = grade(*v.LatencyMS, connections, limit)
	return v
}

// lately reports whether a shard that answered then is taken to be there still, where
// nobody could look again.
func lately(at string) bool {
	t, err := time.Parse(time.RFC3339, at)
	return err == nil && time.Since(t) < 15*time.Second
}

// grade names a shard's condition: slow from 500 ms, degraded from 1 s or when
// nine in ten connections are taken.
func grade(latency float64, connections, limit int) string {
	switch {
	case latency >= 1000 || limit > 0 && connections*10 >= limit*9:
		return "degraded"
	case latency >= 500:
		return "slow"
	}
	return "healthy"
}

func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e3 }

// Stats is what one shard holds.
func (s *Session) Stats(ctx context.Context, shard string) (ShardStats, error) {
	out := ShardStats{Name: shard, Counts: map[string]int64{}, CheckedAt: now()}
	db, err := s.set.Shard(shard)
	if err != nil {
		return out, err
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return out, err
	}
	leave, err := s.lanes.enter(ctx, shard, statistics)
	if err != nil {
		return out, err
	}
	err = pool.QueryRow(ctx, statsSQL).Scan(&out.TableCount, &out.SizeBytes, &out.IndexBytes)
	leave()
	if err != nil {
		return out, conn.Fault(err, shard)
	}
	if err := s.ready(); err != nil {
		return out, err
	}
	counts, err := s.cat.CountByShard(ctx)
	if err != nil {
		return out, err
	}
	out.Tenants = counts[shard]
	for _, c := range s.profile.Counts {
		// A turn for each, which takes as long as the table is large.
		leave, err := s.lanes.enter(ctx, shard, statistics)
		if err != nil {
			return out, err
		}
		var n int64
		err = pool.QueryRow(ctx, "SELECT count(*) FROM "+quoteTable(c.Table)).Scan(&n)
		leave()
		if err != nil {
			return out, conn.Fault(err, shard)
		}
		out.Counts[c.Name] = n
	}
	return out, nil
}

// Distribution is how tenants spread over the shards.
func (s *Session) Distribution(ctx context.Context) (Distribution, error) {
	out := Distribution{Shards: []ShardShare{}}
	var recommended Recommendation
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		recommended = s.recommended(ctx)
	})
	st, uncounted := s.status(ctx)
	wg.Wait()
	if uncounted != nil {
		return out, uncounted
	}
	out.Total, out.Recommendation = *st.Tenants, recommended
	for _, sh := range st.Shards {
		v := ShardShare{Name: sh.Name, Tenants: *sh.Tenants, SizeBytes: sh.SizeBytes, SizeReason: sh.SizeReason}
		if sh.Configured {
			v.Problem = sh.Problem
		}
		if out.Total > 0 {
			v.Percent = math.Round(float64(v.Tenants)*1000/float64(out.Total)) / 10
		}
		out.Shards = append(out.Shards, v)
	}
	return out, nil
}
