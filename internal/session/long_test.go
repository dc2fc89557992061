package session_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// Counting a large tenant takes longer than the pool lets other statements.
func TestATenantIsPlannedWhoseRowsTakeLongToCount(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 2)
	// A policy is asked about each row that the operator reads.
	for n := range 2 {
		_, err := f.super(n).Exec(t.Context(), `CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.8); RETURN true; END $$;
			ALTER TABLE authors ENABLE ROW LEVEL SECURITY; ALTER TABLE authors FORCE ROW LEVEL SECURITY; CREATE POLICY slow ON authors USING (slow())`, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	s := f.openAs(session.Config{StatementTimeout: 2 * time.Second})
	began := time.Now()
	plan, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1"})
	require.NoError(t, err)
	require.Greater(t, time.Since(began), 2400*time.Millisecond, "each look at the three rows takes as long")
	require.Equal(t, int64(43), plan.Rows)
}

// So does what a move does behind its copy: refreshing a view, deleting, taking
// away its lists.
func TestAMovesStatementsTakeLongerThanThePoolLets(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	s.Close()
	const slow = `CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2.2); RETURN 1; END $$;
		CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2.2); RETURN NULL; END $$;`
	for n := range 2 {
		_, err := f.super(n).Exec(t.Context(), slow+`CREATE MATERIALIZED VIEW counted AS SELECT account_id, count(*) AS n, slow() AS how FROM notes GROUP BY account_id`, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	s = f.openAs(session.Config{StatementTimeout: 2 * time.Second})
	f.grant(s)
	m := f.moved(s, "1", "shard_1")
	// Under the fence there was no time for it, behind the switch there was.
	require.Equal(t, "40", f.text(1, "SELECT n::text FROM counted WHERE account_id = 1"))

	_, err := f.super(0).Exec(t.Context(), `CREATE TRIGGER slowly BEFORE DELETE ON shard_admin_move.owned FOR EACH STATEMENT EXECUTE FUNCTION slowly();
		CREATE TRIGGER slowly BEFORE DELETE ON notes FOR EACH STATEMENT EXECUTE FUNCTION slowly()`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Note: "test", Wait: true})
	require.Equal(t, "finalized", m.State)
	require.Equal(t, "0", f.text(0, "SELECT count(*)::text FROM notes"))
}
