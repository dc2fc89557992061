package move

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// saidAgain is how often the log gets how fast the copy is while that changes.
const saidAgain = 30 * time.Second

// copyUnderFence closes the fence, copies every row on one snapshot, verifies
// each on both sides and stores the digests. It ends in ready with the fence
// still closed.
func (r *run) copyUnderFence(ctx context.Context) error {
	r.keepAwake("a tenant is being moved")
	// The state says copying before the fence closes, so that whoever finds a
	// closed fence finds a move that owns it.
	if err := r.to(ctx, Copying, ""); err != nil {
		return err
	}
	if err := r.closeFence(ctx, r.src, r.m.limit(), nil); err != nil {
		return err
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = clock_timestamp(), write_pause_ms = NULL`); err != nil {
		return err
	}
	if err := r.to(ctx, Copying, stepFenced); err != nil {
		return err
	}
	r.say(ctx, "the tenant is read-only on %s for at most %s", r.m.Source, figure.Span(r.m.limit()))
	stopAt("fenced")
	if err := r.recheck(ctx, r.src); err != nil {
		return err
	}
	if err := r.appAuditNow(ctx, tenancy.AppInProgress); err != nil {
		return err
	}

	// What cannot finish inside the limit is ended before the tenant's
	// writers come back.
	ctx, cancel := context.WithDeadline(ctx, r.closedUntil())
	defer cancel()

	if err := r.replace(ctx); err != nil {
		return r.inTime(ctx, err)
	}
	stopAt("replaced")
	if err := r.copyRows(ctx); err != nil {
		return r.inTime(ctx, err)
	}
	stopAt("copied")
	if err := r.to(ctx, Copying, stepVerifying); err != nil {
		return err
	}
	digests, err := r.verify(ctx, "")
	if err != nil {
		return r.inTime(ctx, err)
	}
	stopAt("verified")
	if err := r.raiseSequences(ctx, r.dst, nil); err != nil {
		return r.inTime(ctx, err)
	}
	r.refreshed = r.refreshUnderFence(ctx)
	if err := r.mark(ctx, r.dst); err != nil {
		return r.inTime(ctx, err)
	}
	if err := r.verified(ctx, digests, Ready, stepVerified); err != nil {
		return r.inTime(ctx, err)
	}
	r.say(ctx, "every row was compared: source and target are equal")
	stopAt("digests_stored")
	return nil
}

// storeDigests records what every table's rows of the tenant amounted to when
// both sides were equal: only such rows may a finalize purge.
func (r *run) storeDigests(ctx context.Context, q querier, digests map[string]compare.Digest) error {
	for i := range r.m.Tables {
		t := &r.m.Tables[i]
		var err error
		if t.Digest, err = json.Marshal(digests[t.Table]); err != nil {
			return fault.Wrapf(err, fault.Internal, "", "the digest of %s could not be stored", t.Table)
		}
		t.Verified = true
		if err := r.e.record.progress(ctx, q, r.m, t); err != nil {
			return err
		}
	}
	return nil
}

// inTime turns the end of the fence's time into what it means.
func (r *run) inTime(ctx context.Context, err error) error {
	if err == nil || context.Cause(ctx) != context.DeadlineExceeded {
		return err
	}
	what, on, hint := "the copy", r.m.Source, "shard-admin move start … --max-read-only with a longer time, or move the tenant when it is smaller"
	switch {
	case r.m.State == RollingBack:
		what, on, hint = "bringing the tenant back", r.m.Target, fault.Change("move rollback "+r.m.ID+" --wait")+" tries again, better at a quieter time"
	case r.m.online():
		what, hint = "the switch", fault.Change("move resume "+r.m.ID+" --wait")+" goes on, better at a quieter time"
	}
	return fault.Wrapf(err, fault.FenceExpired, hint, "%s did not finish within %s; the tenant writes on %s again", what, figure.Span(r.closedFor), on)
}

// copyRows places the root row, then copies every table on one snapshot.
func (r *run) copyRows(ctx context.Context) error {
	if err := r.beginCopy(ctx); err != nil {
		return err
	}
	r.beginMeasure(ctx, "the copy has not gone on for long enough to say")
	snapshot, err := r.src.fence.Snapshot(ctx, r.m.ID, r.lease.Epoch)
	if err != nil {
		return err
	}
	defer snapshot.Close(context.WithoutCancel(ctx))
	stopAt("snapshot_exported")

	if !r.dst.home {
		if err := r.onTarget(ctx, func(tx pgx.Tx) error {
			placed, err := r.e.deps.Catalogue.PlaceRootReplica(ctx, tx, r.tm, r.m.Tenant)
			if err != nil || !placed {
				return err
			}
			// What this move placed it removes when it is undone.
			_, err = tx.Exec(ctx, `INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) VALUES ($1, $2, $3, 'root') ON CONFLICT DO NOTHING`, r.m.ID, r.tm.Root.Name(), r.m.Tenant)
			return err
		}); err != nil {
			return err
		}
	}
	stopAt("root_placed")

	var mu sync.Mutex
	byName := map[string]*Table{}
	for i := range r.m.Tables {
		byName[r.m.Tables[i].Table] = &r.m.Tables[i]
	}
	parkCtx, park := context.WithCancelCause(ctx)
	defer park(nil)
	go func() {
		select {
		case <-r.opt.Park:
			park(r.parkedAt())
		case <-parkCtx.Done():
		}
	}()
	var once sync.Once
	var last time.Time
	job := rowcopy.Job{
		Source: r.src.db, Snapshot: snapshot.ID, Target: r.dst.db, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch,
		Tables: r.copied(), Lens: r.lens(false), Bytes: r.sizes(), Streams: preflight.Streams, ReplicaRole: r.plan.ReplicaRole,
		Progress: func(table string, rows, bytes int64, done bool) {
			mu.Lock()
			defer mu.Unlock()
			t := byName[table]
			if t == nil {
				return
			}
			t.RowsCopied, t.BytesCopied = rows, bytes
			r.m.RowsCopied, r.m.BytesCopied = 0, 0
			for i := range r.m.Tables {
				r.m.RowsCopied += r.m.Tables[i].RowsCopied
				r.m.BytesCopied += r.m.Tables[i].BytesCopied
			}
			if done || time.Since(last) > 100*time.Millisecond {
				last = time.Now()
				_ = r.e.record.progress(ctx, r.ctl, r.m, t)
				r.copying(ctx, t)
				r.tell(table)
			}
			if done {
				once.Do(func() { stopAt("first_table_copied") })
			}
		},
	}
	job.Governor = r.governor
	err = r.copyShared(parkCtx, job)
	if err == nil {
		err = rowcopy.Run(parkCtx, job)
	}
	if err != nil {
		if cause := context.Cause(parkCtx); fault.CodeOf(cause) == fault.MoveParked {
			return cause
		}
		return err
	}
	r.say(ctx, "%s copied, %s", figure.Count(r.m.RowsCopied, "row"), figure.Count(r.m.BytesCopied, "byte"))
	return nil
}

// govern lets what is done until end is called make way for those who use either
// shard. A tenant whose rows are copied and compared in a moment needs no governor,
// and under a fence the tenant waits: nothing holds the copy back there. least is
// the least speed, in streams.
func (r *run) govern(ctx context.Context, least float64) (end func()) {
	var bytes int64
	for _, t := range r.m.Tables {
		bytes += t.Bytes
	}
	if bytes < preflight.MakesWay || r.plan.FullSpeed {
		return func() {}
	}
	job := rowcopy.Job{Map: r.tm, Move: r.m.ID, Epoch: r.lease.Epoch, Tables: r.copied(), Bytes: r.sizes()}
	source, target := rowcopy.NewGauge(r.src.db, job), rowcopy.NewGauge(r.dst.db, job)
	var said time.Time
	decided := func(d rowcopy.Decision) {
		slow := d.Speed < float64(d.Of)
		r.slowed(map[bool]string{true: d.String()}[slow])
		// What changes all the time is shown; the log gets it now and then.
		if !slow || !d.Often || time.Since(said) >= saidAgain {
			said = time.Now()
			r.e.record.log(ctx, r.m, "info", "making way: %s", d)
		}
	}
	lost := func(shard string, err error) {
		if ctx.Err() == nil {
			r.e.record.log(ctx, r.m, "info", "how %s bears it is not seen: %s", shard, err)
		}
	}
	r.governor = rowcopy.Govern(ctx, preflight.Streams, rowcopy.Rules{Bytes: bytes, Least: least}, []rowcopy.Gauge{source, target}, decided, lost)
	// A run that is to stop at a safe point does so after the comparison.
	ended := make(chan struct{})
	go func(g *rowcopy.Governor) {
		select {
		case <-r.opt.Park:
			g.Hurry()
		case <-ended:
		}
	}(r.governor)
	return func() {
		close(ended)
		r.governor.Close()
		r.governor = nil
		source.Close()
		target.Close()
		r.slowed("")
	}
}

func (r *run) slowed(how string) {
	if r.opt.Slowed != nil {
		r.opt.Slowed(r.m.ID, how)
	}
}

// beginCopy looks once more whether the target holds rows of the tenant, now
// that its guards keep new ones out, and records that from here on what it holds
// came with this move: only then may an undo remove it.
func (r *run) beginCopy(ctx context.Context) error {
	return r.dst.fence.WriteLong(ctx, r.m.ID, r.lease.Epoch, func(tx pgx.Tx) error {
		has, err := r.tm.HasRows(ctx, tx, r.m.Tenant)
		if err != nil {
			return err
		}
		if has != "" {
			return fault.Newf(fault.RowsExist, "shard-admin tenants check says whose they are; cancel the move, remove them, then plan anew",
				"%s: rows of the tenant have come there since the move was planned, in %s; nothing was copied", r.m.Target, has)
		}
		_, err = tx.Exec(ctx, `INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) VALUES ($1, '', '', 'begun') ON CONFLICT DO NOTHING`, r.m.ID)
		return err
	})
}

// copyShared brings the rows of others that the plan lists, then the young
// rows that belong to nobody yet.
func (r *run) copyShared(ctx context.Context, job rowcopy.Job) error {
	for i := 0; i < len(r.plan.SharedCopies); {
		table, keys := r.plan.SharedCopies[i].Table, []string{}
		for ; i < len(r.plan.SharedCopies) && r.plan.SharedCopies[i].Table == table; i++ {
			keys = append(keys, r.plan.SharedCopies[i].Key)
		}
		c := r.tm.Table(table)
		if c == nil {
			return fault.Newf(fault.SchemaDifferent, "plan the move anew", "the table %s of a shared row is gone", table)
		}
		if err := rowcopy.Shared(ctx, job, c, keys); err != nil {
			return err
		}
	}
	_, err := r.freshRows(ctx, job)
	return err
}

func (r *run) freshRows(ctx context.Context, job rowcopy.Job) (int64, error) {
	var total int64
	for _, f := range r.plan.Fresh {
		c := r.tm.Table(f.Table)
		if c == nil || c.FreshColumn == "" {
			continue
		}
		n, err := rowcopy.Fresh(ctx, job, c, preflight.FreshWhere(r.tm, c))
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// copied lists the classes whose rows a move carries, parents first.
func (r *run) copied() []*tenancy.TableClass {
	out := []*tenancy.TableClass{}
	for _, c := range r.tm.Order {
		if c.Kind.Moves() {
			out = append(out, c)
		}
	}
	return out
}

// onTarget runs one writing transaction on the target: epoch first, guards
// bypassed for this move.
func (r *run) onTarget(ctx context.Context, f func(pgx.Tx) error) error {
	return r.dst.fence.Write(ctx, r.m.ID, r.lease.Epoch, f)
}

// sizes are the planned bytes of the tenant's part of each table.
func (r *run) sizes() map[string]int64 {
	out := map[string]int64{}
	for _, t := range r.m.Tables {
		out[t.Table] = t.Bytes
	}
	return out
}

// verify compares every row of every table on both sides, and the root row. With
// a snapshot of the source it is that which the target has to hold.
func (r *run) verify(ctx context.Context, snapshot string) (map[string]compare.Digest, error) {
	var res *compare.Result
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		res, err = r.compare(gctx, snapshot, 0)
		return err
	})
	if r.plan.ReplicaRole && r.m.State == Copying {
		g.Go(func() error { return r.auditKeys(gctx) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(res.Differences) > 0 {
		r.say(ctx, "verification found %s%s", map[bool]string{true: "at least "}[res.More], figure.Count(int64(len(res.Differences)), "differing row"))
		for _, d := range res.Differences {
			r.e.record.log(ctx, r.m, "error", "%s", d)
		}
		return nil, different(r.m, res)
	}
	missing, columns, err := r.e.deps.Catalogue.CompareRoot(ctx, r.dst.db, r.m.Tenant)
	if err != nil {
		return nil, err
	}
	if snapshot != "" {
		columns = nil // the tenant may have changed it since; the switch refreshes it
	}
	if missing || len(columns) > 0 {
		return nil, fault.Newf(fault.VerifyDifferent, fault.Change("move resume "+r.m.ID+" --wait")+" refreshes it",
			"%s: the tenant's row differs from the catalogue's: %s", r.m.Target, strings.Join(append(columns, map[bool]string{true: "it is missing"}[missing]), ", "))
	}
	return res.Digests, nil
}

// auditKeys asks the target for foreign keys that the copy may have broken, because
// the role left their checks out.
func (r *run) auditKeys(ctx context.Context) error {
	broken, err := rowcopy.AuditKeys(ctx, rowcopy.Job{Target: r.dst.db, Map: r.tm, Tenant: r.m.Tenant, Tables: r.copied()})
	if err != nil || len(broken) == 0 {
		return err
	}
	return fault.Newf(fault.VerifyDifferent, "the rows are missing on the source as well, or were not planned; "+fault.Change("move cancel "+r.m.ID+" --wait"),
		"foreign keys do not hold on %s: %s", r.m.Target, strings.Join(broken, "; "))
}

// compare compares every row and describes at most limit that differ; 0 is a few.
func (r *run) compare(ctx context.Context, snapshot string, limit int) (*compare.Result, error) {
	r.beginComparing(ctx)
	return compare.Verify(ctx, compare.Job{
		Source: r.src.db, Target: r.dst.db, Snapshot: snapshot, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch,
		Tables: r.copied(), Lens: r.lens(false), Bytes: r.sizes(), Streams: preflight.Streams, Limit: limit, Governor: r.governor,
		Progress: func(table string, share float64) { r.comparing(ctx, table, share) },
	})
}

func different(m *Move, res *compare.Result) error {
	examples := ""
	for i, x := range res.Differences {
		if i == 3 {
			examples += fmt.Sprintf("; %s%d more", map[bool]string{true: "at least "}[res.More], len(res.Differences)-i)
			break
		}
		if i > 0 {
			examples += "; "
		}
		examples += x.String()
	}
	hint := "the tenant stays on " + m.Source + "; " + fault.Change("move cancel "+m.ID+" --wait") + " removes the copy"
	if m.online() && m.stood() == Copying {
		hint = "the tenant stays on " + m.Source + "; " + fault.Change("move resume "+m.ID+" --wait --repair") + " brings those rows anew, move cancel removes the copy"
	}
	return fault.Newf(fault.VerifyDifferent, hint,
		"source and target differ: %s", examples)
}

// copyFresh brings rows without an owner that came to the source while the
// tenant was closed: an upload that is attached only now would miss them.
func (r *run) copyFresh(ctx context.Context) error {
	if len(r.plan.Fresh) == 0 {
		return nil
	}
	if _, err := r.src.fence.WaitOlder(ctx, 5*time.Second); err != nil {
		return err
	}
	snapshot, err := r.src.fence.Snapshot(ctx, r.m.ID, r.lease.Epoch)
	if err != nil {
		return err
	}
	defer snapshot.Close(context.WithoutCancel(ctx))
	n, err := r.freshRows(ctx, rowcopy.Job{
		Source: r.src.db, Snapshot: snapshot.ID, Target: r.dst.db, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch, Lens: r.lens(false),
	})
	if fault.CodeOf(err) == fault.VerifyDifferent {
		// The tenant is served already; a collision of a row that is nobody's
		// is said and does not hold the move up.
		r.say(ctx, "a young row without an owner stayed behind: %s", err)
		return nil
	}
	if err != nil {
		return err
	}
	if n > 0 {
		r.say(ctx, "%s without an owner followed", figure.Count(n, "young row"))
	}
	return nil
}

func (r *run) appAuditNow(ctx context.Context, status tenancy.AppStatus) error {
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error { return r.appAudit(ctx, tx, status) })
	return conn.Fault(err, "control")
}
