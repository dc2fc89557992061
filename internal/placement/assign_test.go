//go:build unix

package placement_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/job"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// desk is where an operator assigns tenants of a fleet of two shards, default
// in control and shard_1, with nothing between it and this package.
type desk struct {
	*fleettest.Fleet
	t     *testing.T
	deps  placement.Deps
	gate  *policy.Gate
	super map[string]*pgx.Conn
	limit time.Duration // of a statement of the pools; theirs where it is 0
}

// Super keeps one session of the superuser on each shard.
func (d *desk) Super(shard string) *pgx.Conn {
	d.t.Helper()
	if d.super[shard] == nil {
		d.super[shard] = d.Fleet.Super(shard)
	}
	return d.super[shard]
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Fleet: fleettest.New(t, 2), t: t, super: map[string]*pgx.Conn{}}
	d.open()
	return d
}

// wired is open with a cable between the program and control.
func (d *desk) wired() *cable.Cable {
	d.t.Helper()
	straight := fmt.Sprintf("127.0.0.1:%d", d.Server("default").Port())
	wire := cable.New(d.t, straight)
	d.open(func(f *fleet.Fleet) { f.Control.URL = strings.Replace(f.Control.URL, straight, wire.Address(), 1) })
	return wire
}

// open connects anew; change may let the fleet's addresses lead elsewhere.
func (d *desk) open(change ...func(*fleet.Fleet)) {
	d.t.Helper()
	f, err := d.Home.Fleet(fleettest.Name)
	require.NoError(d.t, err)
	for _, c := range change {
		c(f)
	}
	set := conn.Open(f, conn.Options{Resolver: d.Home.Resolver(), ConnectTimeout: 2 * time.Second, StatementTimeout: d.limit})
	d.t.Cleanup(set.Close)
	profile, err := tenancy.LoadProfile(f.Profile)
	require.NoError(d.t, err)
	const schema = install.DefaultSchema
	d.deps = placement.Deps{
		Set: set, Schema: schema, Profile: profile, Catalogue: tenancy.NewCatalogue(set, profile, schema),
		Trail: audit.New(set.Control(), schema), Jobs: job.New(set.Control(), schema, job.LocalHolder("test")),
		Open: func(context.Context, string) (string, string, error) { return "", "", nil },
	}
	d.gate = policy.NewGate(policy.Config{
		Fleet: f, Control: set.Control(), Schema: schema, Email: fleettest.Admin, Source: "cli",
		Local: func(policy.Flag) (bool, string) { return true, "a test" },
	})
}

// empty files a tenant without rows on a shard.
func (d *desk) empty(id, shard string) {
	d.t.Helper()
	for _, on := range []string{"default", shard} {
		_, err := d.Super(on).Exec(d.t.Context(), `INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at)
			VALUES ($1::int, 'e' || $1, 'e' || $1, $2, now(), now()) ON CONFLICT DO NOTHING`, id, shard)
		require.NoError(d.t, err)
	}
}

// assign is an assignment as a face asks for it.
func (d *desk) assign(ctx context.Context, id, to string) (placement.Result, error) {
	t, err := d.deps.Catalogue.Find(ctx, id)
	if err != nil {
		return placement.Result{}, err
	}
	permit, err := d.gate.Permit(ctx, policy.Request{Action: policy.AssignTenant, Tenant: t.ID, Label: t.Label, Shard: to, Reason: "a test"})
	if err != nil {
		return placement.Result{}, err
	}
	return placement.Assign(ctx, d.deps, permit, placement.Request{Tenant: t, Target: to})
}

type answer struct {
	placement.Result
	err error
}

// assigning is assign behind the test's back.
func (d *desk) assigning(ctx context.Context, id, to string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		r, err := d.assign(ctx, id, to)
		c <- answer{r, err}
	}()
	return c
}

func (d *desk) await(c <-chan answer) answer {
	d.t.Helper()
	select {
	case a := <-c:
		return a
	case <-time.After(90 * time.Second):
		require.Fail(d.t, "the assignment did not end")
		return answer{}
	}
}

func (d *desk) ask(shard, sql string, args ...any) string {
	d.t.Helper()
	var v string
	require.NoError(d.t, d.Super(shard).QueryRow(d.t.Context(), sql, args...).Scan(&v), sql)
	return v
}

// said is what became of a tenant: the pointer, the statuses of the outcomes in
// our trail, and those of the application's own records.
func (d *desk) said(id string) []string {
	d.t.Helper()
	return []string{
		d.ask("default", "SELECT shard_name FROM pwb_websites WHERE id::text = $1", id),
		d.ask("default", `SELECT coalesce(string_agg(body_json ->> 'status', ' ' ORDER BY occurred_at), '') FROM shard_admin.audit_event
			WHERE body_json ->> 'tenant' = $1 AND body_json ->> 'phase' = 'outcome'`, id),
		d.ask("default", "SELECT coalesce(string_agg(status, ' '), '') FROM pwb_shard_audit_logs WHERE website_id::text = $1", id),
	}
}

// nothingLeft demands that a shard has nothing of ours any more.
func (d *desk) nothingLeft(shard string) {
	d.t.Helper()
	require.Equal(d.t, "0", d.ask(shard, `SELECT ((SELECT count(*) FROM pg_namespace WHERE nspname = 'shard_admin_move')
		+ (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%shard_admin%'))::text`))
}

const contact = "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES ($1, now(), now())"

// refusesWrites says whether the application may not write for a tenant.
func (d *desk) refusesWrites(app *pgx.Conn, id string) bool {
	d.t.Helper()
	tx, err := app.Begin(d.t.Context())
	require.NoError(d.t, err)
	defer func() { _ = tx.Rollback(d.t.Context()) }()
	_, err = tx.Exec(d.t.Context(), contact, id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "SA001" {
		return true
	}
	require.NoError(d.t, err)
	return false
}

// "No rows" has to be true when the pointer changes, not when somebody looked:
// a row that a transaction has written and not yet committed counts.
func TestAWriterThatIsUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for id, end := range map[string]func(pgx.Tx) error{
		"9001": func(tx pgx.Tx) error { return tx.Commit(t.Context()) },
		"9002": func(tx pgx.Tx) error { return tx.Rollback(t.Context()) },
	} {
		d.empty(id, "default")
		tx, err := d.App("default").Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), contact, id)
		require.NoError(t, err)
		c := d.assigning(t.Context(), id, "shard_1")
		require.Eventually(t, func() bool {
			return d.ask("default", "SELECT (to_regclass('shard_admin_move.epoch') IS NOT NULL)::text") == "true"
		}, 30*time.Second, 10*time.Millisecond, "it looked before the fence and saw nothing")
		select {
		case a := <-c:
			require.Fail(t, "it did not wait", "%+v", a)
		case <-time.After(time.Second):
		}
		require.NoError(t, end(tx))
		a := d.await(c)
		if id == "9001" {
			require.Equal(t, fault.RowsExist, fault.CodeOf(a.err), "%v", a.err)
			require.Contains(t, fault.HintOf(a.err), "--rows-stay")
			require.Equal(t, []string{"default", "refused", ""}, d.said(id))
		} else {
			require.NoError(t, a.err)
			require.Equal(t, []string{"shard_1", "ok", "completed"}, d.said(id))
		}
		d.nothingLeft("default")
		require.False(t, d.refusesWrites(d.App("default"), id))
	}
}

// While the pointer is about to change nobody writes; when it cannot change,
// the tenant is let in again where it was, and both trails say that it failed.
func TestAPointerThatCannotChangeLeavesTheTenantWhereItIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9003"
	d.empty(id, "default")
	app := d.App("default")
	_, err := d.Super("default").Exec(t.Context(), `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RAISE EXCEPTION ''no''; END';
		CREATE TRIGGER broken BEFORE UPDATE ON pwb_websites FOR EACH ROW EXECUTE FUNCTION broken()`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	c := d.assigning(t.Context(), id, "shard_1")
	refused := false
	var a answer
	for done := false; !done; {
		select {
		case a = <-c:
			done = true
		case <-time.After(5 * time.Millisecond):
			if d.state("default", id) == "committing" {
				refused = refused || d.refusesWrites(app, id)
			}
		}
	}
	require.Error(t, a.err)
	require.True(t, refused, "the tenant was not closed while the pointer was about to change")
	require.Empty(t, a.AuditEvent)
	_, err = d.Super("default").Exec(t.Context(), "DROP TRIGGER broken ON pwb_websites")
	require.NoError(t, err)
	require.Equal(t, []string{"default", "failed", ""}, d.said(id))
	require.Equal(t, "1", d.ask("shard_1", "SELECT count(*)::text FROM pwb_websites WHERE id = "+id), "the tenant's row is there before the pointer leads there")
	d.nothingLeft("default")
	require.False(t, d.refusesWrites(app, id))

	// The row on shard_1 stands in nobody's way.
	_, err = d.assign(t.Context(), id, "shard_1")
	require.NoError(t, err)
	require.Equal(t, []string{"shard_1", "failed ok", "completed"}, d.said(id))
}

// Whoever took over has said that an assignment was interrupted: the one that wakes and
// cannot go on is no success for having an outcome, and adds none.
func TestAnAssignmentThatWasTakenOverIsNoSuccess(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9013"
	d.empty(id, "default")
	_, err := d.Super("default").Exec(t.Context(), `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RAISE EXCEPTION ''no''; END';
		CREATE TRIGGER broken BEFORE UPDATE ON pwb_websites FOR EACH ROW EXECUTE FUNCTION broken()`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	c := d.assigning(t.Context(), id, "shard_1")
	require.Eventually(t, func() bool { return d.state("default", id) == "committing" }, 60*time.Second, 5*time.Millisecond)
	permit, err := d.gate.Permit(t.Context(), policy.Request{Action: policy.AssignTenant, Tenant: id, Label: id, Shard: "shard_1", Reason: "it sleeps"})
	require.NoError(t, err)
	_, err = d.deps.Trail.TakeOver(t.Context(), permit, audit.Abandoned{Tenant: id}, func(context.Context, pgx.Tx) error { return nil }, nil)
	require.NoError(t, err)
	a := d.await(c)
	require.Error(t, a.err)
	require.Empty(t, a.AuditEvent)
	_, err = d.Super("default").Exec(t.Context(), "DROP TRIGGER broken ON pwb_websites")
	require.NoError(t, err)
	require.Equal(t, []string{"default", audit.Interrupted, ""}, d.said(id))
}

// state is that of a tenant's fence on a shard.
func (d *desk) state(shard, id string) string {
	d.t.Helper()
	var v string
	err := d.Super(shard).QueryRow(d.t.Context(), "SELECT state FROM shard_admin_move.fence WHERE tenant = $1", id).Scan(&v)
	var pg *pgconn.PgError
	if errors.Is(err, pgx.ErrNoRows) || (errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")) {
		return "" // it was taken down meanwhile
	}
	require.NoError(d.t, err)
	return v
}

// slowCommit lets every transaction that changes a tenant's row take its time
// over the commit, and not be talked out of it, as one that waits for a standby.
const slowCommit = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
		BEGIN PERFORM pg_sleep(8); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(4); END;
		RETURN NULL;
	END';
	CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON pwb_websites DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`

const committing = `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND query = 'commit'`

// stillCommitting also counts the moment between the two sleeps of slowCommit,
// when the line's loss cancels the first.
const stillCommitting = `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'commit'`

// The line to control is lost while it commits: the tenant's present shard
// keeps refusing until the commit has ended, and the answer and the trail say
// what came of it, once.
func TestACommitThatOutlivesItsConnectionIsWaitedFor(t *testing.T) {
	t.Parallel()
	// Where the line's loss ends the commit at once there is nothing to wait for: that
	// is another try.
	for range 5 {
		if waitsForTheCommit(t) {
			return
		}
	}
	t.Fatal("no commit outlived its connection, or none was waited for")
}

// waitsForTheCommit is false where the commit had ended before anybody looked.
func waitsForTheCommit(t *testing.T) bool {
	t.Helper()
	d := newDesk(t)
	const id = "9004"
	d.empty(id, "shard_1")
	wire := d.wired()
	_, err := d.Super("default").Exec(t.Context(), slowCommit, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	app := d.App("shard_1")
	c := d.assigning(t.Context(), id, "default")
	require.Eventually(t, func() bool { return d.ask("default", committing) == "1" }, 60*time.Second, 10*time.Millisecond)
	wire.Cut()
	wire.Mend()
	for tries := 0; ; tries++ {
		refused := d.refusesWrites(app, id)
		if d.ask("default", stillCommitting) != "1" {
			if tries == 0 {
				d.await(c)
				return false
			}
			break
		}
		require.True(t, refused, "it was let in on shard_1 while control may still commit")
		time.Sleep(20 * time.Millisecond)
	}
	a := d.await(c)
	require.NoError(t, a.err)
	require.NotEmpty(t, a.AuditEvent)
	require.Equal(t, []string{"default", "ok", "completed"}, d.said(id))
	d.nothingLeft("shard_1")
	return true
}

// Whoever interrupts an assignment while it commits is told that it came to be.
func TestAnInterruptedCommitIsNotTakenForAFailure(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9005"
	d.empty(id, "default")
	_, err := d.Super("default").Exec(t.Context(), slowCommit, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	ctx, interrupt := context.WithCancel(t.Context())
	c := d.assigning(ctx, id, "shard_1")
	require.Eventually(t, func() bool { return d.ask("default", committing) == "1" }, 60*time.Second, 10*time.Millisecond)
	interrupt()
	a := d.await(c)
	require.NoError(t, a.err)
	require.NotEmpty(t, a.AuditEvent)
	require.Equal(t, []string{"shard_1", "ok", "completed"}, d.said(id))
	d.nothingLeft("default")
}

// Control is lost for good while it commits: nobody knows where the tenant is,
// so its present shard keeps refusing, and the error says so. When control is
// there again the next assignment opens it.
func TestWithoutControlATenantStaysClosedUntilItIsKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9006"
	d.empty(id, "shard_1")
	wire := d.wired()
	_, err := d.Super("default").Exec(t.Context(), slowCommit, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	c := d.assigning(t.Context(), id, "default")
	require.Eventually(t, func() bool { return d.ask("default", committing) == "1" }, 60*time.Second, 10*time.Millisecond)
	wire.Cut()
	a := d.await(c)
	require.True(t, fault.Unreachable(a.err), "%v", a.err)
	require.Contains(t, a.err.Error(), "shard_1 keeps refusing its writes")
	require.Contains(t, fault.HintOf(a.err), "docs/break-glass.md")
	require.Equal(t, "committing", d.state("shard_1", id))
	require.True(t, d.refusesWrites(d.App("shard_1"), id))
	require.Equal(t, []string{"default", "ok", "completed"}, d.said(id), "it was committed all the same")

	// Back to where its fence is: that goes first, else the tenant would be
	// closed on the shard that it lives on.
	wire.Mend()
	_, err = d.Super("default").Exec(t.Context(), `DROP TRIGGER slow ON pwb_websites; UPDATE shard_admin.lease SET expires_at = '-infinity'`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	_, err = d.assign(t.Context(), id, "shard_1")
	require.NoError(t, err)
	require.False(t, d.refusesWrites(d.App("shard_1"), id))
	d.nothingLeft("shard_1")
	d.nothingLeft("default")
}

// A fence that cannot be taken down in time makes no failure of an assignment
// that came to be.
func TestWhatIsLeftBehindMakesNoFailure(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9007"
	d.empty(id, "default")
	// A report begins after the fence is closed and reads for as long as it is
	// let: triggers cannot be dropped meanwhile.
	_, err := d.Super("default").Exec(t.Context(), slowCommit, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	c := d.assigning(t.Context(), id, "shard_1")
	require.Eventually(t, func() bool { return d.ask("default", committing) == "1" }, 60*time.Second, 10*time.Millisecond)
	report, err := d.App("default").Begin(t.Context())
	require.NoError(t, err)
	_, err = report.Exec(t.Context(), "SELECT count(*) FROM pwb_contacts")
	require.NoError(t, err)
	a := d.await(c)
	require.NoError(t, a.err)
	require.Equal(t, []string{"shard_1", "ok", "completed"}, d.said(id))
	require.NoError(t, report.Rollback(t.Context()))

	// What is left guards nobody, and goes with the next one on that shard.
	require.False(t, d.refusesWrites(d.App("default"), id))
	_, err = d.Super("default").Exec(t.Context(), "DROP TRIGGER slow ON pwb_websites")
	require.NoError(t, err)
	d.empty("9008", "default")
	_, err = d.assign(t.Context(), "9008", "shard_1")
	require.NoError(t, err)
	d.nothingLeft("default")
}

// A move that begins after the first look, before the tenant's lease is taken,
// holds the tenant all the same.
func TestAMoveThatBeginsMeanwhileHoldsTheTenant(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const id = "9009"
	d.empty(id, "default")
	looked := 0
	d.deps.Open = func(context.Context, string) (string, string, error) {
		if looked++; looked == 1 {
			return "", "", nil
		}
		return "01a210da-c8db-7495-854b-ce895cd59ffb", "planned", nil
	}
	_, err := d.assign(t.Context(), id, "shard_1")
	require.Equal(t, fault.MoveInProgress, fault.CodeOf(err), "%v", err)
	require.Equal(t, []string{"default", "refused", ""}, d.said(id))
	require.Equal(t, "0", d.ask("shard_1", "SELECT count(*)::text FROM pwb_websites WHERE id = "+id))
	d.nothingLeft("default")
}

// reads lets each look at the contacts take so long, as one at a large table without
// an index, and leaves one row there: a cheap condition is asked before the tenant's.
func (d *desk) reads(shard, seconds string) {
	d.t.Helper()
	_, err := d.Super(shard).Exec(d.t.Context(), `DELETE FROM pwb_contacts WHERE id NOT IN (SELECT min(id) FROM pwb_contacts);
		CREATE FUNCTION slowly() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN PERFORM pg_sleep(`+seconds+`); RETURN true; END';
		ALTER TABLE pwb_contacts ENABLE ROW LEVEL SECURITY; ALTER TABLE pwb_contacts FORCE ROW LEVEL SECURITY; CREATE POLICY slowly ON pwb_contacts USING (slowly())`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(d.t, err)
}

// Looking for rows of a tenant takes longer than the pool lets other statements where
// a large table has no index on its tenant column: the tenant is assigned all the same,
// and one that has rows there is refused for them.
func TestATenantIsAssignedWhoseRowsTakeLongToLookFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.limit = time.Second
	d.open()
	d.empty("9011", "default")
	d.empty("9012", "default")
	for shard := range d.super {
		_, err := d.Super(shard).Exec(t.Context(), "SET session_replication_role = replica") // keys of what goes stand in the way
		require.NoError(t, err)
	}
	d.reads("default", "1.5")
	began := time.Now()
	_, err := d.assign(t.Context(), "9011", "shard_1")
	require.NoError(t, err)
	require.Greater(t, time.Since(began), 3*time.Second, "it looked before the fence and under it")
	require.Equal(t, []string{"shard_1", "ok", "completed"}, d.said("9011"))
	d.nothingLeft("default")

	_, err = d.Super("default").Exec(t.Context(), "UPDATE pwb_contacts SET website_id = 9012")
	require.NoError(t, err)
	_, err = d.assign(t.Context(), "9012", "shard_1")
	require.Equal(t, fault.RowsExist, fault.CodeOf(err), "%v", err)
}

// Where tenants have rows is told of a shard whose large tables have to be read from the
// beginning to the end, which takes longer than the pool lets other statements; and a
// shard that falls silent meanwhile is not waited for.
func TestWhereRowsAreIsToldThoughItTakesLong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.limit = time.Second
	straight := fmt.Sprintf("127.0.0.1:%d", d.Server("shard_1").Port())
	wire := cable.New(t, straight)
	d.open(func(f *fleet.Fleet) {
		f.Shards[1].Endpoint.URL = strings.Replace(f.Shards[1].Endpoint.URL, straight, wire.Address(), 1)
	})
	_, err := d.Super("shard_1").Exec(t.Context(), "SET session_replication_role = replica")
	require.NoError(t, err)
	d.reads("shard_1", "2")
	found, err := placement.Check(t.Context(), d.deps)
	require.NoError(t, err)
	require.Empty(t, found.Unreachable)
	on := map[string]int{}
	for _, w := range found.Tenants {
		for _, shard := range w.RowsOn {
			on[shard]++
		}
	}
	require.Positive(t, on["shard_1"])

	_, err = d.Super("shard_1").Exec(t.Context(), "CREATE OR REPLACE FUNCTION slowly() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN PERFORM pg_sleep(300); RETURN true; END'")
	require.NoError(t, err)
	go func() {
		for range 200 {
			var looking bool
			if err := d.Super("shard_1").QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").Scan(&looking); err != nil || looking {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		wire.Stall()
	}()
	began := time.Now()
	again, err := placement.Check(t.Context(), d.deps)
	wire.Resume()
	require.NoError(t, err)
	require.Equal(t, []string{"shard_1"}, slices.Collect(maps.Keys(again.Unreachable)))
	require.ErrorContains(t, again.Unreachable["shard_1"], "shard_1")
	require.Less(t, time.Since(began), time.Minute)
	still := 0
	for _, w := range again.Tenants {
		if slices.Contains(w.RowsOn, "default") {
			still++
		}
	}
	require.Equal(t, on["default"], still, "the others are told of")
}

// A look that outlasts the fence ends with it, on the server too: the tenant is let in
// again where it was, and the refusal says what makes the look short.
func TestALookThatOutlastsTheFenceEndsWithIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.empty("9013", "default")
	_, err := d.Super("default").Exec(t.Context(), "SET session_replication_role = replica; DELETE FROM pwb_contacts WHERE id NOT IN (SELECT min(id) FROM pwb_contacts)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	// Only under the fence it takes so long: before, there is none to be seen.
	_, err = d.Super("default").Exec(t.Context(), `CREATE FUNCTION slowly() RETURNS boolean LANGUAGE plpgsql COST 0.0001 SECURITY DEFINER AS 'BEGIN
			IF to_regclass(''shard_admin_move.fence'') IS NOT NULL THEN PERFORM pg_sleep(40); END IF; RETURN true; END';
		ALTER TABLE pwb_contacts ENABLE ROW LEVEL SECURITY; ALTER TABLE pwb_contacts FORCE ROW LEVEL SECURITY; CREATE POLICY slowly ON pwb_contacts USING (slowly())`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	began := time.Now()
	_, err = d.assign(t.Context(), "9013", "shard_1")
	require.Equal(t, fault.TimedOut, fault.CodeOf(err), "%v", err)
	require.Contains(t, fault.HintOf(err), "an index on the column of the tenant")
	require.Less(t, time.Since(began), 35*time.Second)
	require.Equal(t, []string{"default", "failed", ""}, d.said("9013"))
	d.nothingLeft("default")
	_, err = d.Super("default").Exec(t.Context(), "DROP POLICY slowly ON pwb_contacts; ALTER TABLE pwb_contacts DISABLE ROW LEVEL SECURITY", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	require.False(t, d.refusesWrites(d.App("default"), "9013"))
}
