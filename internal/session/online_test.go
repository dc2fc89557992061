//go:build faults && unix

package session_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

// online starts an online move and waits until it is settled.
func (f *fixture) online(s *session.Session, tenant, target string) session.MoveView {
	f.t.Helper()
	m, err := s.StartMove(f.t.Context(), session.MoveRequest{Tenant: tenant, Target: target, Mode: "online", Note: "test"})
	require.NoError(f.t, err)
	m, err = s.Await(f.t.Context(), m.ID, nil)
	require.NoError(f.t, err, "%+v", m.Log)
	require.Equal(f.t, "retained", m.State)
	return m
}

// An online move takes every row of a tenant in every class of table and touches
// nothing else; a rollback brings it back.
func TestOnlineMoveTakesEveryRowAndNothingElse(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("70177", "default", 70177000, 3)
	f.tenant("80288", "default", 80288000, 2)
	f.tenant("90399", "shard_1", 90399000, 2)
	want := f.rowsOf(0, "70177")
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"), filltest.Dump(t, f.super(1), "pwb_websites")}
	m := f.online(s, "70177", "shard_1")
	logOf(t, m)
	require.Equal(t, "online", m.Mode)
	require.True(t, m.Verified)
	require.NotNil(t, m.WritePauseMS)
	require.Equal(t, "shard_1", f.pointer("70177"))
	require.Equal(t, want, f.rowsOf(1, "70177"))
	require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"), "the source is untouched")
	after := filltest.Dump(t, f.super(1), "pwb_websites")
	for table, rows := range after {
		require.Subset(t, rows, before[1][table], table)
	}
	_, err := f.app(1).Exec(context.Background(), "UPDATE pwb_contacts SET first_name = 'changed on the target' WHERE website_id = 70177; DELETE FROM pwb_messages WHERE website_id = 70177 AND id = (SELECT min(id) FROM pwb_messages WHERE website_id = 70177)")
	require.NoError(t, err)
	want = f.rowsOf(1, "70177")
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	logOf(t, m)
	require.Equal(t, "rolled_back", m.State)
	f.whole(m, want)
	m = f.online(s, "70177", "shard_1")
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	f.whole(m, want)
}

// An online move that fails after the copy says so, and keeps the copy although a
// resume fails as well before it has done anything.
func TestAResumeThatFailsBeforeItBeginsKeepsTheCopy(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("70177", "default", 70177000, 3)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "70177", Target: "shard_1", Mode: "online", Hold: true, Note: "test"})
	require.NoError(t, err)
	require.False(t, m.GoesOn, "nothing is copied yet")
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.True(t, m.Held && m.Hold && m.GoesOn)
	copied := m.RowsCopied
	require.Equal(t, m.Rows, copied)

	fails := func(action string) {
		t.Helper()
		_, err := s.ActOnMove(t.Context(), action, session.MoveAction{ID: m.ID, Note: "test"})
		require.NoError(t, err)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.Error(t, err)
		require.Equal(t, "failed", m.State)
		require.Equal(t, "Switch", m.Phase, "where it stopped")
		require.True(t, m.GoesOn)
		require.Nil(t, m.ReadOnlySince)
	}
	f.exec(1, "ALTER TABLE pwb_contacts ADD COLUMN in_the_way int")
	fails("switch")
	f.exec(1, "ALTER TABLE pwb_contacts DROP COLUMN in_the_way")
	f.exec(1, "ALTER TABLE shard_admin_move.epoch ADD CONSTRAINT in_the_way CHECK (false) NOT VALID")
	fails("resume")
	f.exec(1, "ALTER TABLE shard_admin_move.epoch DROP CONSTRAINT in_the_way")

	f.writes("70177", "between two tries")
	want := f.rowsOf(0, "70177")
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.True(t, m.Held, "it was asked to stop there")
	require.Equal(t, copied, m.RowsCopied)
	for _, l := range m.Log {
		require.NotContains(t, l.Message, "removed from")
	}
	m = act(t, s, "switch", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	require.Equal(t, want, f.rowsOf(1, "70177"))
}

// Every stop point of an online move: kill -9 there while the tenant writes, then
// resume or cancel. What was acknowledged is on the open side, once.
func TestOnlineKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	list := append(killings("online"), killing{"passed", "rollback", "resume"})
	lanes := 2
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			f, s := core(t)
			f.tenant("700777", "default", 700777000, 1)
			bystander := f.rowsOf(0, "700777")
			for i, sc := range list {
				if i%lanes != lane {
					continue
				}
				id := fmt.Sprint(400000 + i)
				f.tenant(id, "default", (400000+i)*1000, 2)
				require.Greater(t, len(f.rowsOf(0, id)), 15)
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "online", Note: sc.point, Hold: sc.point == "held" || sc.action == "cancel"})
				require.NoError(t, err)
				if sc.action != "start" {
					m, err = s.Await(t.Context(), m.ID, nil)
					require.NoError(t, err, sc.point)
					f.writes(id, "before the crash")
				}
				f.killedAt(sc.action, m.ID, sc.point)
				require.LessOrEqual(t, f.openSides(id), 1, "%s: two open sides", sc.point)
				if f.openSides(id) == 1 {
					f.writes(id, "after the crash")
				}
				m, err = s.Move(t.Context(), m.ID)
				require.NoError(t, err)
				action := sc.recover(t, m)
				was := m.State
				if action != "" {
					m = act(t, s, action, session.MoveAction{ID: m.ID, Wait: true})
				}
				require.True(t, m.Settled, "%s: %s", sc.point, m.State)
				if m.State == "ready" {
					require.Equal(t, 1, f.openSides(id))
					m = act(t, s, "cancel", session.MoveAction{ID: m.ID, Wait: true})
				}
				f.wrote(m)
				// A cancel has said that the copy goes before it opens the source.
				if sc.action == "start" && action == "resume" && (was == "catching_up" || was == "ready" || was == "switching") {
					for _, l := range m.Log {
						require.NotContains(t, l.Message, "copied rows removed", "%s: the copy was not kept", sc.point)
					}
				}
				t.Logf("%s of %s, found %s, then %s: %s", sc.action, sc.point, was, action, m.State)
				if m.State == "retained" { // it would keep the guards of the next
					f.writes(id, "on the target")
					m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
					f.wrote(m)
				}
				require.Equal(t, bystander, f.rowsOf(0, "700777"))
			}
			v, err := s.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK)
		})
	}
}

// A process that is killed anywhere leaves what a worker brings to its end by
// itself: nobody has to type anything.
func TestAWorkerAloneEndsWhatWasKilled(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	work, stop := context.WithCancel(context.Background())
	defer stop()
	type killed struct{ point, action, id, move string }
	list := []killed{}
	for i, p := range move.Points() {
		if p.Mode == "fenced" || i%3 != 0 {
			continue
		}
		k := killed{point: p.Name, action: "start", id: fmt.Sprint(500000 + i)}
		switch {
		case p.State == move.RollingBack:
			k.action = "rollback"
		case p.State == move.Finalizing:
			continue // it waits for the routes first
		case strings.HasPrefix(p.Name, "cancel") || p.Name == "source_reopened" || p.Name == "copy_removed":
			k.action = "cancel"
		}
		f.tenant(k.id, "default", (500000+i)*1000, 1)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: k.id, Target: "shard_1", Mode: "online", Note: "worker", Hold: k.action == "cancel" || k.point == "held"})
		require.NoError(t, err)
		if k.action != "start" {
			_, err = s.Await(t.Context(), m.ID, nil)
			require.NoError(t, err)
		}
		f.writes(k.id, "before")
		f.killedAt(k.action, m.ID, k.point)
		k.move = m.ID
		list = append(list, k)
	}
	require.Greater(t, len(list), 8)
	ended := make(chan error, 1)
	go func() { ended <- s.Work(work, true) }()
	for _, k := range list {
		var m session.MoveView
		require.Eventually(t, func() bool {
			var err error
			m, err = s.Move(t.Context(), k.move)
			return err == nil && m.Settled && m.State != "failed" && (k.action != "rollback" || m.State == "rolled_back") && (k.action != "cancel" || m.State == "cancelled")
		}, 120*time.Second, 200*time.Millisecond, "%s of %s: %+v", k.action, k.point, m)
		t.Logf("%s of %s: %s", k.action, k.point, m.State)
		require.Equal(t, 1, f.openSides(k.id), k.point)
		// Other moves are open, so guards stay.
		at := map[string]int{"default": 0, "shard_1": 1}[f.pointer(k.id)]
		require.Equal(t, f.acked[k.id], f.rowsOf(at, k.id), k.point)
		if m.State == "rolled_back" || m.State == "cancelled" {
			require.Empty(t, owned(t, f, 1, k.id), k.point)
		}
	}
	stop()
	require.NoError(t, <-ended)
}

// writes lets the application write for a tenant where the catalogue says, in
// several classes of table.
func (f *fixture) writes(tenant, what string) {
	f.t.Helper()
	at := sideOf(f.pointer(tenant))
	_, err := f.app(at).Exec(context.Background(), fmt.Sprintf(`UPDATE pwb_contacts SET first_name = '%[2]s' WHERE website_id = %[1]s;
		UPDATE pwb_features SET feature_key = '%[2]s ' || id WHERE realty_asset_id IN (SELECT id FROM pwb_realty_assets WHERE website_id = %[1]s);
		DELETE FROM pwb_ticket_messages WHERE website_id = %[1]s AND id = (SELECT min(id::text)::uuid FROM pwb_ticket_messages WHERE website_id = %[1]s)`, tenant, what), pgx.QueryExecModeSimpleProtocol)
	require.NoError(f.t, err)
	if f.acked == nil {
		f.acked = map[string]map[string][]string{}
	}
	f.acked[tenant] = f.rowsOf(at, tenant)
}

// wrote checks that a settled tenant has on the open side what was acknowledged.
func (f *fixture) wrote(m session.MoveView) {
	f.t.Helper()
	want := f.acked[m.Tenant]
	if want == nil {
		at := sideOf(f.pointer(m.Tenant))
		want = f.rowsOf(at, m.Tenant)
		require.Greater(f.t, len(want), 15)
	}
	f.whole(m, want)
}

// A rollback after 100,000 writes on the target loses none of them.
func TestRollbackAfterManyWrites(t *testing.T) {
	t.Parallel()
	f, s := entries(t, "INSERT INTO accounts VALUES (1, 'mine', 'default'); INSERT INTO entries SELECT i, 1, 'm' || i, 'before' FROM generate_series(1, 60000) i")
	m := f.online(s, "1", "shard_1")
	_, err := f.app(1).Exec(t.Context(), `UPDATE entries SET note = 'changed' WHERE id % 2 = 0; DELETE FROM entries WHERE id % 3 = 0;
		INSERT INTO entries SELECT 100000 + i, 1, 'n' || i, 'new' FROM generate_series(1, 50000) i`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	rows := func(n int) []string {
		list, err := f.super(n).Query(t.Context(), "SELECT x::text FROM entries x ORDER BY id")
		require.NoError(t, err)
		out, err := pgx.CollectRows(list, pgx.RowTo[string])
		require.NoError(t, err)
		return out
	}
	want := rows(1)
	require.Len(t, want, 90000)
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	logOf(t, m)
	require.Equal(t, want, rows(0))
	require.Empty(t, rows(1))
}

// Rows that came while the move waited for a person count for the target's
// sequences, whichever pass brought them.
func TestSequencesCountWhatCameWhileHeld(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("70177", "default", 70177000, 2)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "70177", Target: "shard_1", Mode: "online", Hold: true, Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.True(t, m.Held)
	_, err = f.super(0).Exec(t.Context(), "SELECT setval(pg_get_serial_sequence('pwb_contacts', 'id'), 900000000)")
	require.NoError(t, err)
	var id, next int64
	require.NoError(t, f.app(0).QueryRow(t.Context(), "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (70177, now(), now()) RETURNING id").Scan(&id))
	m = act(t, s, "switch", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	require.NoError(t, f.app(1).QueryRow(t.Context(), "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (70177, now(), now()) RETURNING id").Scan(&next))
	require.Greater(t, next, id)
	// And the other way.
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	require.NoError(t, f.app(0).QueryRow(t.Context(), "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (70177, now(), now()) RETURNING id").Scan(&id))
	require.Greater(t, id, next)
}
