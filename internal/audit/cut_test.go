package audit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

// archived writes the trail up to an entry to a signed file.
func archived(t testing.TB, c *controltest.Control, trail *audit.Trail, through int64, key *audit.SigningKey) string {
	t.Helper()
	return exported(t, c, trail, audit.JSONL, audit.Filter{Before: through + 1}, audit.Evidence{Key: key})
}

func purge(t testing.TB, c *controltest.Control, trail *audit.Trail, path string) (audit.Cut, error) {
	t.Helper()
	return trail.Purge(t.Context(), trailtest.Permit(t, c, policy.AuditPurge, "thirteen months are over"), path)
}

func sound(t testing.TB, c *controltest.Control, trail *audit.Trail) audit.Verification {
	t.Helper()
	v, err := trail.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	agree(t, c, v)
	return v
}

// What an archive holds is removed, and the trail verifies from there on: its
// keys count, its exports verify, and it is cut again where it begins.
func TestAnArchivedBeginningIsRemovedAndTheTrailStillVerifies(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 3)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 3)
	_, err := trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "before"), key)
	require.NoError(t, err)
	before := sound(t, c, trail)
	require.Zero(t, before.ArchivedTo)

	const through = 7
	path := archived(t, c, trail, through, key)
	cut, err := purge(t, c, trail, path)
	require.NoError(t, err)
	require.EqualValues(t, through, cut.Through)
	require.EqualValues(t, through, cut.Events)
	trailtest.Fill(t, c, trail, 2)
	v := sound(t, c, trail)
	require.EqualValues(t, through, v.ArchivedTo)
	require.EqualValues(t, through+1, v.FirstSeq)
	require.Len(t, v.Keys, 1, "its own event is in the archive")
	require.Zero(t, v.Unchecked, "the checkpoint speaks of an event that is still here")
	events, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.EqualValues(t, through+1, events[len(events)-1].Seq)
	said, err := trail.List(t.Context(), audit.Filter{ID: cut.EventID})
	require.NoError(t, err)
	require.Equal(t, "audit.purge", said[0].Action)
	require.Equal(t, "thirteen months are over", said[0].Note)

	file := verified(t, path, audit.FileOptions{})
	require.True(t, file.OK, file.Findings)
	require.Equal(t, key.Public, file.SignedBy)
	for name, ev := range map[string]audit.Evidence{"whole": {Key: key}, "proof": {Key: key, Proof: true}} {
		f := audit.Filter{}
		if ev.Proof {
			f.Tenant = "1"
		}
		rest := verified(t, exported(t, c, trail, audit.JSONL, f, ev), audit.FileOptions{Public: []string{key.Public}})
		require.True(t, rest.OK, "%s: %v", name, rest.Findings)
	}
	_, err = trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "after"), key)
	require.NoError(t, err, "the key still counts")

	_, err = purge(t, c, trail, path)
	require.Equal(t, fault.NotAnArchive, fault.CodeOf(err), "what it holds is removed already")
	again := sound(t, c, trail)
	_, err = purge(t, c, trail, archived(t, c, trail, again.LastSeq-1, key))
	require.NoError(t, err)
	v = sound(t, c, trail)
	require.Equal(t, again.LastSeq-1, v.ArchivedTo, "the event of the first cut is in the second archive")
	require.Len(t, v.Keys, 1)
}

func TestOnlyAWholeSignedArchiveOfThisTrailIsRemoved(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		code fault.Code
		make func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string
	}{
		{"nobody signed", fault.AuditTampered, func(t *testing.T, c *controltest.Control, trail *audit.Trail, _ *audit.SigningKey) string {
			return archived(t, c, trail, 4, nil)
		}},
		{"signed by a stranger", fault.AuditTampered, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			path := archived(t, c, trail, 4, key)
			resign(t, path)
			return path
		}},
		{"the key was revoked", fault.KeyNotEnrolled, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			path := archived(t, c, trail, 4, key)
			_, err := trail.RevokeKey(t.Context(), trailtest.Permit(t, c, policy.AuditKeyRevoke, "lost"), key.Public)
			require.NoError(t, err)
			return path
		}},
		{"a line was changed", fault.AuditTampered, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			path := archived(t, c, trail, 4, key)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "reason 1", "reason 9", 1)), 0o600))
			return path
		}},
		{"some tenants only", fault.NotAnArchive, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			return exported(t, c, trail, audit.JSONL, audit.Filter{Tenant: "2"}, audit.Evidence{Key: key})
		}},
		{"with lines for what was left out", fault.NotAnArchive, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			return exported(t, c, trail, audit.JSONL, audit.Filter{Tenant: "2"}, audit.Evidence{Key: key, Proof: true})
		}},
		{"a table", fault.NotAnArchive, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			return exported(t, c, trail, audit.CSV, audit.Filter{}, audit.Evidence{Key: key})
		}},
		{"nothing in it", fault.NotAnArchive, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			return exported(t, c, trail, audit.JSONL, audit.Filter{Tenant: "none"}, audit.Evidence{Key: key})
		}},
		{"no such file", fault.FileUnreadable, func(t *testing.T, _ *controltest.Control, _ *audit.Trail, _ *audit.SigningKey) string {
			return t.TempDir() + "/none"
		}},
		{"of another trail", fault.AuditTampered, func(t *testing.T, _ *controltest.Control, _ *audit.Trail, _ *audit.SigningKey) string {
			c, trail := trailtest.Installed(t)
			trailtest.Fill(t, c, trail, 4)
			return archived(t, c, trail, 4, trailtest.Enrolled(t, c, trail))
		}},
		{"the trail does not verify", fault.AuditTampered, func(t *testing.T, c *controltest.Control, trail *audit.Trail, key *audit.SigningKey) string {
			path := archived(t, c, trail, 4, key)
			c.Exec(`ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; UPDATE shard_admin.audit_event SET db_user = 'x' WHERE event_id = (SELECT event_id FROM shard_admin.audit_link WHERE seq = 6)`)
			return path
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, trail := trailtest.Installed(t)
			trailtest.Fill(t, c, trail, 4)
			key := trailtest.Enrolled(t, c, trail)
			path := tc.make(t, c, trail, key)
			before, err := trail.Verify(t.Context())
			require.NoError(t, err)
			_, err = purge(t, c, trail, path)
			require.Equal(t, tc.code, fault.CodeOf(err), "%v", err)
			after, err := trail.Verify(t.Context())
			require.NoError(t, err)
			require.Equal(t, before, after, "nothing was removed")
		})
	}
}

// The rights decide who may: an operator's role that does not own the schema
// removes nothing, whatever the policy lets it.
func TestOnlyTheOwnerMayCut(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 4)
	key := trailtest.Enrolled(t, c, trail)
	path := archived(t, c, trail, 4, key)
	other := controltest.Role(t)
	pgtest.Exec(t, pgtest.Server(t, 0), c.Database, "GRANT USAGE ON SCHEMA shard_admin TO "+other+"; GRANT SELECT ON ALL TABLES IN SCHEMA shard_admin TO "+other+"; GRANT INSERT (event_id, occurred_at, body) ON shard_admin.audit_event TO "+other)
	t.Cleanup(func() { pgtest.Exec(t, pgtest.Server(t, 0), c.Database, "DROP OWNED BY "+other) })
	set := c.As(other)
	theirs := audit.New(set.Control(), install.DefaultSchema)
	_, err := theirs.Purge(t.Context(), trailtest.Permit(t, c, policy.AuditPurge, "mine now"), path)
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	require.Zero(t, sound(t, c, trail).ArchivedTo)
	set.Close()
	for _, sql := range []string{
		"DELETE FROM shard_admin.audit_link WHERE seq < 3", "INSERT INTO shard_admin.audit_anchor VALUES (1, 'x', now(), now(), gen_random_uuid(), 'x')",
		"SELECT set_config('shard_admin.audit_cut', '2', false); DELETE FROM shard_admin.audit_link WHERE seq > 3",
		"SELECT set_config('shard_admin.audit_cut', '2', false); DELETE FROM shard_admin.audit_event WHERE event_id = (SELECT event_id FROM shard_admin.audit_link WHERE seq = 3)",
	} {
		_, err := c.Super().Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		require.ErrorContains(t, err, "audit trail", sql)
	}
}

// A beginning that somebody cut off by hand, with the superuser's means, is
// found whatever they leave in place of it.
func TestABeginningThatWasCutOffByHandIsFound(t *testing.T) {
	t.Parallel()
	off := `SET LOCAL session_replication_role = replica; ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_anchor DISABLE TRIGGER USER; `
	gone := `CREATE TEMP TABLE gone AS SELECT event_id, hash, seq FROM shard_admin.audit_link WHERE seq <= 3; DELETE FROM shard_admin.audit_link WHERE seq <= 3; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone); `
	for _, tc := range []struct{ name, sql, kind string }{
		{"with a beginning that no event speaks of", off + gone + `INSERT INTO shard_admin.audit_anchor SELECT 3, hash, now(), now(), gen_random_uuid(), 'x' FROM gone WHERE seq = 3`, "cut"},
		{"without a beginning", off + gone, "gap"},
		{"after a cut, more of it", `CUT` + off + `CREATE TEMP TABLE gone AS SELECT event_id, hash, seq FROM shard_admin.audit_link WHERE seq = 5; DELETE FROM shard_admin.audit_link WHERE seq = 5;
			DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone); UPDATE shard_admin.audit_anchor SET seq = 5, hash = (SELECT hash FROM gone)`, "cut"},
		{"after a cut, another archive", `CUT` + off + `UPDATE shard_admin.audit_anchor SET archive_sha256 = 'another'`, "cut"},
		{"after a cut, the beginning forgotten", `CUT` + off + `DELETE FROM shard_admin.audit_anchor`, "gap"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, trail := trailtest.Installed(t)
			trailtest.Fill(t, c, trail, 4)
			key := trailtest.Enrolled(t, c, trail)
			sql, after := strings.CutPrefix(tc.sql, "CUT")
			if after {
				_, err := purge(t, c, trail, archived(t, c, trail, 4, key))
				require.NoError(t, err)
			}
			c.Exec(sql)
			v, err := trail.Verify(t.Context())
			require.NoError(t, err)
			require.False(t, v.OK)
			require.Contains(t, kinds(v), tc.kind)
		})
	}
}

// Fifty writers whose transactions are rolled back, in part and as a whole, and
// whose sessions are ended at any moment leave a chain without a gap or a fork,
// and every event whose commit was answered is in it.
func TestFiftyWritersWithCrashesLeaveNoGapAndNoFork(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	p := trailtest.Permit(t, c, policy.AssignTenant, "load")
	url := c.Fleet.Control.URL
	var acknowledged sync.Map
	var crashed atomic.Int64
	var wg, ends sync.WaitGroup
	work, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	end := func(pid uint32) {
		pgtest.Exec(t, pgtest.Server(t, 0), "postgres", fmt.Sprintf("SELECT pg_terminate_backend(%d, 5000)", pid))
	}
	writer := func(w int) {
		r := rand.New(rand.NewPCG(uint64(w), 7)) //nolint:gosec // a test's dice
		for i := range 12 {
			err := func() error {
				cfg, err := pgx.ParseConfig(url)
				if err != nil {
					return err
				}
				cfg.Password = controltest.Password
				db, err := pgx.ConnectConfig(work, cfg)
				if err != nil {
					return err
				}
				defer func() { _ = db.Close(context.WithoutCancel(work)) }()
				tx, err := db.Begin(work)
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback(context.WithoutCancel(work)) }()
				ids := []string{}
				for range 1 + r.IntN(3) {
					id, err := trail.AppendTx(work, tx, p, audit.Record{Tenant: fmt.Sprint(w), Details: map[string]any{"i": i}})
					if err != nil {
						return err
					}
					ids = append(ids, id)
				}
				if r.IntN(3) == 0 { // a part of it is taken back
					part, err := tx.Begin(work)
					if err != nil {
						return err
					}
					if _, err := trail.AppendTx(work, part, p, audit.Record{Tenant: "never"}); err != nil {
						return err
					}
					if err := part.Rollback(work); err != nil {
						return err
					}
				}
				switch r.IntN(6) {
				case 0:
					return tx.Rollback(work)
				case 1: // the session is ended before it commits
					end(db.PgConn().PID())
				case 2: // or while it does
					pid := db.PgConn().PID()
					ends.Go(func() { end(pid) })
				}
				if err := tx.Commit(work); err != nil {
					return err
				}
				for _, id := range ids {
					acknowledged.Store(id, true)
				}
				return nil
			}()
			if err != nil {
				crashed.Add(1)
				if f := conn.Fault(err, "control"); fault.CodeOf(f) != fault.DatabaseGone && !errors.Is(err, pgx.ErrTxClosed) {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		}
	}
	for w := range 50 {
		wg.Go(func() { writer(w) })
	}
	wg.Wait()
	ends.Wait()
	require.NoError(t, work.Err())
	v := sound(t, c, trail)
	require.Equal(t, v.Head, v.Events)
	require.Positive(t, crashed.Load(), "no session was ended in time")
	events, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	there := map[string]bool{}
	for i, e := range events {
		require.EqualValues(t, len(events)-i, e.Seq)
		require.NotEqual(t, "never", e.Tenant)
		there[e.ID] = true
	}
	acknowledged.Range(func(id, _ any) bool {
		require.True(t, there[id.(string)], "event %s was acknowledged", id)
		return true
	})
}

// What lies in an archive is not counted, and no schedule takes it for undone.
func TestWhatWasArchivedIsNeitherCountedNorDeliveredAgain(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 3)
	never, err := trail.Delivered(t.Context(), "monthly")
	require.NoError(t, err)
	require.Zero(t, never)
	until := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	d := audit.EventFile(audit.CSV, audit.Filter{}, audit.Evidence{})
	d.Details = audit.Scheduled("monthly", until)
	d.Deliver = func(context.Context, string, audit.Manifest) error { return errors.New("the mail server is away") }
	path := t.TempDir() + "/f"
	_, err = trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "scheduled"), path, d)
	require.Error(t, err)
	got, err := trail.Delivered(t.Context(), "monthly")
	require.NoError(t, err)
	require.Zero(t, got, "what could not be handed on was not delivered")
	d.Deliver = nil
	m, err := trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "scheduled"), path, d)
	require.NoError(t, err)
	require.False(t, m.Archived)
	got, err = trail.Delivered(t.Context(), "monthly")
	require.NoError(t, err)
	require.True(t, got.Equal(until))
	other, err := trail.Delivered(t.Context(), "weekly")
	require.NoError(t, err)
	require.Zero(t, other)

	last, err := trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	_, err = purge(t, c, trail, archived(t, c, trail, last[0].Seq, key))
	require.NoError(t, err)
	got, err = trail.Delivered(t.Context(), "monthly")
	require.NoError(t, err)
	require.True(t, got.After(until))
	for since, want := range map[time.Duration]bool{-time.Hour: true, time.Hour: false} {
		m, err := trail.Write(t.Context(), io.Discard, audit.EventFile(audit.CSV, audit.Filter{Since: time.Now().Add(since)}, audit.Evidence{}))
		require.NoError(t, err)
		require.Equal(t, last[0].Seq, m.BeginsAfter)
		require.Equal(t, want, m.Archived, since)
	}
}
