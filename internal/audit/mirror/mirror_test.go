package mirror

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
	"shardadmin/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type setup struct {
	*controltest.Control
	trail *audit.Trail
	store *store.Store
	*Mirror
}

func open(t testing.TB) *setup {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return openIn(t, s)
}

func openIn(t testing.TB, s *store.Store) *setup {
	t.Helper()
	c := controltest.Installed(t, fleet.Demo)
	trail := audit.New(c.DB, install.DefaultSchema)
	key, err := trail.Key(t.Context())
	require.NoError(t, err)
	m := New(s, key)
	m.batch = 3
	return &setup{c, trail, s, m}
}

func (s *setup) fill(t testing.TB, n int, reason string) {
	t.Helper()
	gate := policy.NewGate(policy.Config{Fleet: s.Fleet, Control: s.DB, Schema: install.DefaultSchema, Email: "ann@example.com", Source: "cli"})
	for i := range n {
		p, err := gate.Permit(t.Context(), policy.Request{Action: policy.AssignTenant, Reason: reason})
		require.NoError(t, err)
		_, err = s.trail.Begin(t.Context(), p, audit.Intent{Tenant: fmt.Sprint(i)})
		require.NoError(t, err)
	}
}

// offline does to the control database what no session may look on at: a
// template's copy is a backup, and takes no program that the servers come without.
func (s *setup) offline(t testing.TB, statements ...string) {
	t.Helper()
	s.Set.Close()
	for _, sql := range statements {
		pgtest.Exec(t, pgtest.Server(t, 0), "postgres", sql)
	}
	s.Set = s.As(s.Role)
	s.DB = s.Set.Control()
	s.trail = audit.New(s.DB, install.DefaultSchema)
}

const off = `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER;
	ALTER TABLE shard_admin.audit_head DISABLE TRIGGER USER;`

const on = `; ALTER TABLE shard_admin.audit_event ENABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link ENABLE TRIGGER USER;
	ALTER TABLE shard_admin.audit_head ENABLE TRIGGER USER;`

// cut removes the tail and rewinds the head, so that the chain itself verifies.
func cut(seq int) string {
	return fmt.Sprintf(off+`CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq > %[1]d;
		DELETE FROM shard_admin.audit_link WHERE seq > %[1]d; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone);
		UPDATE shard_admin.audit_head SET (seq, hash, sealed_at) = (SELECT seq, hash, sealed_at FROM shard_admin.audit_link WHERE seq = %[1]d)`+on, seq)
}

func TestSyncIsIncrementalAndFindable(t *testing.T) {
	t.Parallel()
	s := open(t)
	res, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.Equal(t, Result{}, res, "an empty trail is copied too")
	s.fill(t, 7, "Grüße ticket-17")
	res, err = s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.Equal(t, Result{Pulled: 7, Seq: 7, Head: 7}, res)
	s.fill(t, 2, "other words")
	res, err = s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.Equal(t, Result{Pulled: 2, Seq: 9, Head: 9}, res)
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 9, v.Events)

	for words, n := range map[string]int{"": 9, "other": 2, "ticket-17": 7, "tick": 7, "OTHER words": 2, "ann@example.com": 9, `" OR *`: 0, "other ticket": 0, "tenant.assign": 9, "grüße": 7} {
		found, err := s.List(t.Context(), audit.Filter{Search: words, Limit: 0})
		require.NoError(t, err, words)
		require.Len(t, found, n, words)
	}
	onServer, err := s.trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	here, err := s.List(t.Context(), audit.Filter{Search: "", Limit: 0})
	require.NoError(t, err)
	require.Equal(t, onServer, here, "the copy shows what the server shows")
}

func TestALongTrailIsCopiedInBatches(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.batch = New(s.store, "").batch
	const n = 2*insertRows + 7
	trailtest.Many(s.Control, n)
	res, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.Equal(t, Result{Pulled: n, Seq: n, Head: n}, res)
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, n, v.Events)
	found, err := s.List(t.Context(), audit.Filter{Search: "ticket1999"})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestTwoProcessesCopyTheSameTrail(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 20, "x")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Sync(t.Context(), s.trail) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 20, v.Events)
}

func TestWhatTheChainCannotShowTheCopyDoes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, kind  string
		first, last int64
		tamper      func(s *setup)
		chainFinds  bool
	}{
		{"the tail is cut and the head rewound", Rollback, 6, 8, func(s *setup) { s.Exec(cut(5)) }, false},
		{"everything is cut", Rollback, 1, 8, func(s *setup) {
			s.Exec(off + `DELETE FROM shard_admin.audit_link; DELETE FROM shard_admin.audit_event;
				UPDATE shard_admin.audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')` + on)
		}, false},
		{"the schema is made anew", Rollback, 1, 8, func(s *setup) {
			s.Exec("DROP SCHEMA shard_admin CASCADE")
			_ = install.New("").Install(t.Context(), s.DB)
		}, false},
		{"the tail is cut and other events are written", Fork, 6, 8, func(s *setup) {
			s.Exec(cut(5))
			s.fill(t, 9, "another history")
		}, false},
		{"an event is edited and all that follows is hashed anew", Fork, 3, 8, func(s *setup) {
			s.Exec(off + `UPDATE shard_admin.audit_event SET body = replace(body, 'reason', 'excuse') WHERE event_id = (SELECT event_id FROM shard_admin.audit_link WHERE seq = 3);
				DO $$ DECLARE l record; prev bytea; eh bytea; BEGIN
					SELECT hash INTO prev FROM shard_admin.audit_link WHERE seq = 2;
					FOR l IN SELECT k.*, e AS ev FROM shard_admin.audit_link k JOIN shard_admin.audit_event e USING (event_id) WHERE seq >= 3 ORDER BY seq LOOP
						eh := shard_admin.audit_event_hash(l.ev);
						UPDATE shard_admin.audit_link SET event_hash = eh, prev_hash = prev, hash = shard_admin.audit_link_hash(l.seq, l.sealed_at, eh, prev)
							WHERE seq = l.seq RETURNING hash INTO prev;
					END LOOP;
					UPDATE shard_admin.audit_head SET hash = prev;
				END $$` + on)
		}, false},
		{"an event that was not copied yet is edited", Changed, 9, 9, func(s *setup) {
			s.fill(t, 3, "new")
			s.Exec(off + `UPDATE shard_admin.audit_event SET db_user = 'mallory' WHERE event_id = (SELECT event_id FROM shard_admin.audit_link WHERE seq = 9)` + on)
		}, true},
		{"an event that was not copied yet is deleted", Gap, 10, 11, func(s *setup) {
			s.fill(t, 4, "new")
			s.Exec(off + `CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq = 10;
				DELETE FROM shard_admin.audit_link WHERE seq = 10; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone)` + on)
		}, true},
		{"the end that was not copied yet is cut without the head", Gap, 9, 11, func(s *setup) {
			s.fill(t, 3, "new")
			s.Exec(off + `DELETE FROM shard_admin.audit_link WHERE seq > 8` + on)
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.fill(t, 8, "the reason")
			_, err := s.Sync(t.Context(), s.trail)
			require.NoError(t, err)
			tc.tamper(s)
			v, err := s.trail.Verify(t.Context())
			require.NoError(t, err)
			bad := 0
			for _, f := range v.Findings {
				if f.Kind != "unguarded" { // the test switched triggers, a thief would switch them back
					bad++
				}
			}
			require.Equal(t, tc.chainFinds, bad > 0, v.Findings)

			for range 2 { // it does not go away
				_, err = s.Sync(t.Context(), s.trail)
				require.Equal(t, fault.MirrorConflict, fault.CodeOf(err))
				require.Equal(t, 4, fault.Exit(err))
				require.NotEmpty(t, fault.HintOf(err))
				require.ErrorContains(t, err, fmt.Sprint(tc.first))
			}
			alarms, err := s.Alarms(t.Context())
			require.NoError(t, err)
			require.Len(t, alarms, 1, "it is filed once for as long as it is the same")
			a := alarms[0]
			require.Equal(t, []any{tc.kind, tc.first, tc.last}, []any{a.Kind, a.FirstSeq, a.LastSeq}, a.Message)
			copied, err := s.Verify(t.Context())
			require.NoError(t, err)
			require.True(t, copied.OK)
			require.GreaterOrEqual(t, copied.Events, int64(8), "the copy is kept")
		})
	}
}

func TestARestartKeepsTheOldCopy(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 4, "before the restore")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	s.Exec(cut(2))
	require.Equal(t, fault.ReasonMissing, fault.CodeOf(s.Restart(t.Context(), " ")))
	require.NoError(t, s.Restart(t.Context(), "restored from the backup of Monday"))
	res, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.Equal(t, Result{Pulled: 2, Seq: 2, Head: 2}, res)
	var kept int
	require.NoError(t, s.store.DB().QueryRow("SELECT count(*) FROM mirror_event").Scan(&kept))
	require.Equal(t, 6, kept)
}

func TestSeveralFleetsShareAFile(t *testing.T) {
	t.Parallel()
	a := open(t)
	b := openIn(t, a.store)
	require.NotEqual(t, a.key, b.key)
	a.fill(t, 3, "alpha")
	b.fill(t, 5, "beta")
	for _, s := range []*setup{a, b, a} {
		_, err := s.Sync(t.Context(), s.trail)
		require.NoError(t, err)
	}
	found, err := a.List(t.Context(), audit.Filter{Search: "beta", Limit: 0})
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = b.List(t.Context(), audit.Filter{Search: "beta", Limit: 2})
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.EqualValues(t, 5, found[0].Seq)
}

func TestTheCopyIsAppendOnly(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 1, "x")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	for _, sql := range []string{"DELETE FROM mirror_event", "UPDATE mirror_event SET body = '{}'", "INSERT OR REPLACE INTO mirror_event SELECT * FROM mirror_event"} {
		_, err := s.store.DB().Exec(sql)
		require.Error(t, err, sql)
	}
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK)
	require.EqualValues(t, 1, v.Events)
}

func TestAServerThatIsAwayChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 2, "x")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	s.Exec("REVOKE USAGE ON SCHEMA shard_admin FROM " + s.Role + "; ALTER SCHEMA shard_admin OWNER TO postgres")
	_, err = s.Sync(t.Context(), s.trail)
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	alarms, err := s.Alarms(t.Context())
	require.NoError(t, err)
	require.Empty(t, alarms, "a right that is missing is no tampering")
}

// An older backup verifies by itself: the chain in it is whole. The copy knows
// what came after.
func TestARestoredBackupIsFound(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 5, "before the backup")
	backup := pgtest.Random("backup_")
	s.offline(t, "CREATE DATABASE "+backup+" TEMPLATE "+s.Database)
	s.fill(t, 3, "after the backup")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	s.offline(t, "DROP DATABASE "+s.Database, "ALTER DATABASE "+backup+" RENAME TO "+s.Database)
	v, err := s.trail.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 5, v.Events)
	_, err = s.Sync(t.Context(), s.trail)
	require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), "%v", err)
	alarms, err := s.Alarms(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{Rollback, int64(6), int64(8)}, []any{alarms[0].Kind, alarms[0].FirstSeq, alarms[0].LastSeq})
	// Another history from there is a fork.
	s.fill(t, 4, "written over the restored one")
	_, err = s.Sync(t.Context(), s.trail)
	require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), "%v", err)
	alarms, err = s.Alarms(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{Fork, int64(6)}, []any{alarms[0].Kind, alarms[0].FirstSeq})
	kept, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, kept.OK)
	require.EqualValues(t, 8, kept.Events)
}
