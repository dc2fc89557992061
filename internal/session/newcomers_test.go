package session_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

const placedOnes = `SELECT count(*)::text FROM shard_admin.audit_event WHERE body_json ->> 'action' = 'tenant.assign' AND body_json ->> 'phase' = 'outcome'
	AND body_json ->> 'status' = 'ok' AND body_json ->> 'reason' LIKE 'placed by the rule [placement] automatic of the fleet file: %'`

// workersFor runs two workers for as long as a condition needs, or a time.
func (f *fixture) workersFor(until func() bool, limit time.Duration) bool {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	var wg sync.WaitGroup
	for range 2 {
		s := f.open()
		wg.Go(func() { _ = s.Work(ctx, true) })
	}
	end, came := time.Now().Add(limit), false
	for !came && time.Now().Before(end) {
		came = until()
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // for what would be one too many
	cancel()
	wg.Wait()
	return came
}

// Where the fleet file asks for it, of two workers one points each new tenant once, by
// an assignment with its events; nobody who is excluded, pinned, has rows or was pointed
// by a person. Without the rule nobody is.
func TestNewTenantsArePlacedWhereTheFileAsksForIt(t *testing.T) {
	t.Parallel()
	f, s := small(t, 4)
	f.exec(0, `INSERT INTO accounts SELECT i, 'new' || i, CASE WHEN i = 101 THEN NULL ELSE 'default' END FROM generate_series(101, 107) i`)
	for _, to := range []string{"shard_1", "default"} {
		_, err := s.Assign(t.Context(), session.AssignRequest{Tenant: "106", Shard: to, Note: "it belongs there"})
		require.NoError(t, err)
	}
	f.fleet.Rebalance.Pins = []fleet.Pin{{Tenant: "new104", Reason: "it stays"}}
	f.fleet.Placing = fleet.Placing{AtOnce: 10, Exclude: []string{"new105", "107"}}
	where := func() string {
		return f.text(0, `SELECT string_agg(id || ' ' || coalesce(shard, ''), ', ' ORDER BY id) FROM accounts WHERE shard IS DISTINCT FROM 'default'`)
	}
	f.workersFor(func() bool { return false }, 3*time.Second)
	require.Equal(t, "101 ", where(), "without the rule nobody is placed")
	require.Equal(t, "0", f.text(0, placedOnes))

	f.fleet.Placing.Automatic = true
	const all = "101 shard_1, 102 shard_1, 103 shard_1"
	require.True(t, f.workersFor(func() bool { return where() == all }, 40*time.Second), where())
	require.Equal(t, all, where())
	require.Equal(t, "3", f.text(0, placedOnes), "each once")
	require.Equal(t, "101, 102, 103", f.text(1, "SELECT string_agg(id::text, ', ' ORDER BY id) FROM accounts WHERE id BETWEEN 101 AND 103"), "with its row on the target")
	check, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.True(t, check.OK, check.Tenants)
}

// A round points as many as it may. One that cannot be placed ends it, is told, and
// nobody is placed until it is tried again; then the alert is over.
func TestAFailureStopsThePlacing(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 6)
	ctx := t.Context()
	f.exec(0, `INSERT INTO accounts SELECT i, 'new' || i, 'default' FROM generate_series(101, 104) i`)
	f.fleet.Placing = fleet.Placing{Automatic: true, AtOnce: 1}
	s := f.open()
	told := func() []session.AlertView {
		v, err := s.Alerts(ctx, false)
		require.NoError(t, err)
		out := []session.AlertView{}
		for _, a := range v.Alerts {
			if a.Rule == "placement.failed" {
				out = append(out, a)
			}
		}
		return out
	}
	round, end := s.Newcomers()
	require.NoError(t, round(ctx))
	require.Equal(t, "1", f.text(0, placedOnes), "as many as a round may")
	require.Empty(t, told())

	f.exec(1, "ALTER TABLE accounts ADD CONSTRAINT closed CHECK (id < 102) NOT VALID")
	require.NoError(t, round(ctx))
	require.Equal(t, "1", f.text(0, placedOnes))
	a := told()
	require.Len(t, a, 1)
	require.Equal(t, []string{"firing", "database_failed", "shard_1"}, []string{a[0].State, a[0].Value, a[0].Shard})
	require.Contains(t, a[0].Message, "could not be placed on shard_1, so none is placed for an hour: ")
	require.Contains(t, a[0].Message, "closed")
	require.Contains(t, a[0].Advice, "a worker that is started anew tries at once")
	f.exec(1, "ALTER TABLE accounts DROP CONSTRAINT closed")
	require.NoError(t, round(ctx))
	require.Equal(t, "1", f.text(0, placedOnes), "not before its time")
	require.Len(t, told(), 1)
	require.NoError(t, end(ctx))

	anew, _ := s.Newcomers()
	require.NoError(t, anew(ctx))
	require.Equal(t, "2", f.text(0, placedOnes))
	require.Empty(t, told())

	other, _ := f.open().Newcomers()
	require.NoError(t, other(ctx), "another worker leaves it to the one that has the lease")
	require.Equal(t, "2", f.text(0, placedOnes))

	// A newer version has upgraded the schema: this one's worker leaves the lease to it.
	f.exec(0, "INSERT INTO shard_admin.version (version_id, is_applied) VALUES (9000, true)")
	require.Equal(t, fault.SchemaNewer, fault.CodeOf(anew(ctx)))
	f.exec(0, "DELETE FROM shard_admin.version WHERE version_id = 9000")
	require.NoError(t, other(ctx))
	require.Equal(t, "3", f.text(0, placedOnes))
}

// A round asks how many tenants there are and which is the last, and lists those who came;
// all of them where that does not account for what changed.
func TestARoundListsThoseWhoCame(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 6)
	ctx := t.Context()
	f.fleet.Placing = fleet.Placing{Automatic: true, AtOnce: 10, Exclude: []string{"new300"}}
	log := &bytes.Buffer{}
	s := session.Open(session.Config{
		Fleet: f.fleet, Resolver: fixedResolver{f.role}, Email: "ann@example.com", Source: "worker",
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	defer s.Close()
	round, end := s.Newcomers()
	defer func() { require.NoError(t, end(context.WithoutCancel(ctx))) }()
	came, whole := regexp.MustCompile(`tenants came to the default shard" listed=(\d+)`), regexp.MustCompile(`tenants of the default shard were listed" listed=(\d+)`)
	listed := func() (some, all string) {
		log.Reset()
		require.NoError(t, round(ctx))
		for _, x := range []struct {
			what *regexp.Regexp
			to   *string
		}{{came, &some}, {whole, &all}} {
			if m := x.what.FindStringSubmatch(log.String()); m != nil {
				*x.to = m[1]
			}
		}
		return some, all
	}
	expect := func(some, all, why string) {
		t.Helper()
		a, b := listed()
		require.Equal(t, [2]string{some, all}, [2]string{a, b}, why)
	}
	at := func(id string) string { return f.text(0, "SELECT shard FROM accounts WHERE id = "+id) }
	expect("", "6", "the first lists all")
	expect("", "", "nobody came")
	f.exec(0, "INSERT INTO accounts VALUES (300, 'new300', 'default')")
	expect("1", "", "one came, who is excluded")
	expect("", "", "and is not listed again")
	f.exec(0, "INSERT INTO accounts VALUES (301, 'new301', 'default')")
	expect("1", "", "one came")
	require.Equal(t, "shard_1", at("301"), "and is placed in that round")
	expect("0", "7", "one went, which only the whole list tells")
	expect("", "", "nobody came")
	f.exec(0, "INSERT INTO accounts VALUES (-5, 'new-5', 'default')")
	expect("0", "8", "whose id comes before the last is found by the number")
	require.Equal(t, "shard_1", at("-5"))
}
