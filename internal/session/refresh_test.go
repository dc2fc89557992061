package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// view makes a materialized view of a tenant's rows on both shards of a small fleet,
// which the operator may refresh.
func (f *fixture) view(name, query, index string) {
	f.t.Helper()
	for n := range f.dbs {
		f.exec(n, "CREATE MATERIALIZED VIEW "+name+" AS "+query+" WITH NO DATA")
		if index != "" {
			f.exec(n, "CREATE UNIQUE INDEX ON "+name+" ("+index+")")
		}
		f.exec(n, "REFRESH MATERIALIZED VIEW "+name)
	}
	f.grant(f.open())
}

// planned is the check of that name that is not ok, nil where there is none.
func planned(t *testing.T, s *session.Session, r session.MoveRequest, name string) *session.Check {
	t.Helper()
	p, err := s.PlanMove(t.Context(), r)
	require.NoError(t, err)
	for _, c := range p.Checks {
		if c.Name == name && c.Status != "ok" {
			return &c
		}
	}
	return nil
}

func warnings(m session.MoveView) []string {
	out := []string{}
	for _, l := range m.Log {
		if l.Level == "warning" {
			out = append(out, l.Message)
		}
	}
	return out
}

// Whether a view can be refreshed beside its readers is a matter of the shard where
// it is refreshed: one that nobody has filled there, as a dump of the schema alone
// leaves it, cannot, and has no readers either.
func TestAViewThatWasNeverFilledOnTheTargetHasTheTenantsRows(t *testing.T) {
	t.Parallel()
	f, s := small(t, 2)
	f.view("notices", "SELECT id, account_id FROM notes", "id")
	for tenant, mode := range map[string]string{"1": "fenced", "2": "online"} {
		f.exec(1, "REFRESH MATERIALIZED VIEW notices WITH NO DATA")
		c := planned(t, s, session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: mode}, "materialized views")
		require.NotNil(t, c)
		require.Contains(t, c.Message, "notices on shard_1 has never been filled")
		require.Contains(t, c.Fix, `REFRESH MATERIALIZED VIEW "public"."notices" on shard_1`)
		require.NotEmpty(t, c.Evidence)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: mode, Note: "a view"})
		require.NoError(t, err)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.NoError(t, err)
		require.Equal(t, "retained", m.State)
		require.Empty(t, warnings(m))
		require.Equal(t, "40", f.text(1, "SELECT count(*)::text FROM notices WHERE account_id = "+tenant))
	}
	require.Nil(t, planned(t, s, session.MoveRequest{Tenant: "1", Target: "default"}, "materialized views"), "it is filled now and has its index")
}

// A view that reads from another is refreshed after it, and rows that a cancelled
// move had brought do not stay in one.
func TestViewsThatReadFromEachOtherAreRefreshedInThatOrder(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	f.view("b_notices", "SELECT id, account_id FROM notes", "id")
	f.view("a_counts", "SELECT account_id, count(*) AS n FROM b_notices GROUP BY 1", "account_id")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online", Note: "views", Hold: true})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "ready", m.State)
	require.Equal(t, "40", f.text(1, "SELECT coalesce(max(n), 0)::text FROM a_counts"))
	m = act(t, s, "cancel", session.MoveAction{ID: m.ID})
	require.Equal(t, "cancelled", m.State)
	require.Equal(t, "0", f.text(1, "SELECT count(*)::text FROM a_counts"))
	require.Equal(t, "0", f.text(1, "SELECT count(*)::text FROM b_notices"))
}

// Who is in the way of a refresh for longer than the fence has time does not keep
// the tenant's rows out of the view: it is tried again when the tenant writes.
func TestAViewIsRefreshedAfterTheSwitchWhereTheFenceHadNoTime(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	f.view("notices", "SELECT id, account_id FROM notes", "id")
	ctx := t.Context()
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "fenced", Note: "in the way", MaxReadOnlyMS: 8000, Hold: true})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "ready", m.State)
	tx, err := f.super(1).Begin(ctx) // younger than the guards, which wait for older ones
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "CREATE INDEX ON notices (account_id)") // keeps a refresh out, and no reader
	require.NoError(t, err)
	_, err = s.ActOnMove(ctx, "switch", session.MoveAction{ID: m.ID, Note: "go", Wait: true})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, err = s.Await(ctx, m.ID, nil)
	}()
	id := m.ID
	require.Eventually(t, func() bool {
		v, err := s.Move(ctx, id)
		return err == nil && v.State == "switched"
	}, 60*time.Second, 50*time.Millisecond)
	require.NoError(t, tx.Commit(ctx))
	<-done
	require.NoError(t, err)
	require.Equal(t, "retained", m.State)
	require.Less(t, *m.WritePauseMS, int64(8000))
	require.Empty(t, warnings(m))
	require.Equal(t, "40", f.text(1, "SELECT count(*)::text FROM notices WHERE account_id = 1"))
}

// A view that cannot be refreshed does not hold the tenant up, but is no line among
// others either: it is a warning with what is stale and what makes it fresh.
func TestAViewThatStaysStaleIsAWarningOfTheMove(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	f.view("notices", "SELECT id, account_id FROM notes", "id")
	// Only on the target is there something that the view cannot do.
	f.exec(1, `DROP MATERIALIZED VIEW notices; CREATE MATERIALIZED VIEW notices AS SELECT id, account_id, 1 / (account_id - 1) AS share FROM notes;
		CREATE UNIQUE INDEX ON notices (id)`)
	f.grant(f.open())
	m := f.moved(s, "1", "shard_1")
	require.True(t, m.Verified)
	require.Len(t, warnings(m), 1, "%+v", m.Log)
	w := warnings(m)[0]
	require.Contains(t, w, "notices on shard_1 is stale: rows of tenant1 are missing from it, or are old.")
	require.Contains(t, w, "division by zero")
	require.True(t, strings.HasSuffix(w, `On shard_1 run: REFRESH MATERIALIZED VIEW CONCURRENTLY "public"."notices"`), w)
}

// A fenced move refreshes the target's views before the tenant writes again, so the
// plan counts that, and says whom a refresh keeps waiting.
func TestThePlanCountsTheRefreshAndSaysWhoWaits(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	least := func(mode string) (pause int64) {
		for n := range 3 {
			p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: mode})
			require.NoError(t, err)
			require.False(t, p.Blocked, "%+v", p.Checks)
			if n == 0 || *p.PauseMS < pause {
				pause = *p.PauseMS
			}
		}
		return pause
	}
	f.exec(1, "INSERT INTO accounts VALUES (90, 'tenant90', 'shard_1'); INSERT INTO authors VALUES (900, 90, 'of others')")
	f.exec(1, "INSERT INTO notes SELECT 100000 + i, 90, 900, repeat(md5(i::text), 50) FROM generate_series(1, 30000) i")
	before := least("fenced")
	f.view("notices", "SELECT * FROM notes", "")
	after := least("fenced")
	require.Greater(t, after, before+100, "30,000 rows are read and written anew")
	require.Less(t, least("online"), after, "an online move refreshes them before the fence")

	c := planned(t, s, session.MoveRequest{Tenant: "1", Target: "shard_1"}, "materialized views")
	require.NotNil(t, c)
	require.Equal(t, "warning", c.Status)
	require.Regexp(t, `notices on shard_1 has no unique index: while it is refreshed, for about [0-9.]+ (s|ms|min)`, c.Message)
	require.Contains(t, c.Fix, "CREATE UNIQUE INDEX")
	require.Regexp(t, `^[0-9.]+ [kMG]?B of notices and of what it reads from: notes$`, c.Evidence)
}
