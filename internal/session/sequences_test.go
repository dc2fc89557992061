package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// next is what a sequence hands out next.
func (f *fixture) next(n int, sequence string) int64 {
	f.t.Helper()
	var v int64
	require.NoError(f.t, f.super(n).QueryRow(context.Background(), "SELECT CASE WHEN q.is_called THEN q.last_value + s.seqincrement ELSE q.last_value END FROM "+sequence+" q, pg_sequence s WHERE s.seqrelid = '"+sequence+"'::regclass").Scan(&v))
	return v
}

// A sequence that is striped while a move waits to raise it is raised by its
// new steps.
func TestAMoveRaisesByTheStepsOfTheMoment(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Hold: true, Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "ready", m.State)
	tx, err := f.super(1).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "ALTER SEQUENCE pwb_contacts_id_seq INCREMENT BY 64 RESTART WITH 5")
	require.NoError(t, err)
	_, err = s.ActOnMove(t.Context(), "switch", session.MoveAction{ID: m.ID, Note: "test"})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		v, err := s.Await(context.WithoutCancel(t.Context()), m.ID, nil)
		if err == nil && v.State != "retained" {
			err = fault.New(fault.MoveState, "the move is "+v.State, "")
		}
		done <- err
	}()
	watch, err := pgx.Connect(t.Context(), f.server(1).URL("", f.dbs[1]))
	require.NoError(t, err)
	defer func() { _ = watch.Close(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		n := 0
		err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pwb_contacts_id_seq'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&n)
		return err == nil && n > 0
	}, 30*time.Second, 10*time.Millisecond, "the move waits for the sequence")
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-done)
	require.Greater(t, f.next(1, "pwb_contacts_id_seq"), int64(7002))
	require.EqualValues(t, 5, f.next(1, "pwb_contacts_id_seq")%64)
}
