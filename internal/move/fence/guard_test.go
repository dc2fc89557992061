package fence_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/fence"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Moves that begin at once on a shard without guards make them together.
func TestManyMovesGuardAShardAtOnce(t *testing.T) {
	t.Parallel()
	sql := strings.Builder{}
	sql.WriteString("CREATE TABLE owners (id bigint PRIMARY KEY, shard text);")
	for i := range 12 {
		fmt.Fprintf(&sql, "CREATE TABLE things%d (id bigint PRIMARY KEY, owner_id bigint NOT NULL);", i)
	}
	pair := twoshards.Open(t, sql.String(), sql.String())
	const moves = 8
	errs := make([]error, moves)
	var wg sync.WaitGroup
	for i := range moves {
		wg.Go(func() {
			f := fence.New(pair.There, pair.Map)
			if errs[i] = f.Enter(t.Context(), uuid.NewString(), 1); errs[i] == nil {
				errs[i] = f.InstallGuards(t.Context(), fence.Serving, fence.Hooks{})
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	left, err := fence.New(pair.There, pair.Map).Leftovers(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 1+2*len(pair.Map.Moving()))
}

// Whatever a shard is to the move that guarded it, its writers are kept out, told
// why before anything else of their statement is judged, and noted.
func TestGuardsOfBothRoles(t *testing.T) {
	t.Parallel()
	for _, as := range []fence.Role{fence.Serving, fence.Receiving} {
		t.Run(map[fence.Role]string{fence.Serving: "serving", fence.Receiving: "receiving"}[as], func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			sql := `CREATE TABLE owners (id bigint PRIMARY KEY, shard text);
				CREATE TABLE boxes (id bigint PRIMARY KEY, owner_id bigint NOT NULL);
				CREATE TABLE things (id bigint PRIMARY KEY, box_id bigint NOT NULL REFERENCES boxes);
				INSERT INTO owners VALUES (1), (2); INSERT INTO boxes VALUES (10, 1), (20, 2); INSERT INTO things VALUES (100, 10);`
			pair := twoshards.Open(t, sql, sql)
			f, move := fence.New(pair.There, pair.Map), uuid.NewString()
			require.NoError(t, f.Enter(ctx, move, 1))
			require.NoError(t, f.InstallGuards(ctx, as, fence.Hooks{}))
			require.NoError(t, f.InstallGuards(ctx, fence.Serving, fence.Hooks{}), "whatever guards are there are good")
			require.NoError(t, f.Arm(ctx, "1", move, 1, fence.Incoming, fence.NoteEach))
			app := pgtest.Connect(t, pair.ThereURL)
			for _, statement := range []string{
				"INSERT INTO boxes VALUES (11, 1)",
				"INSERT INTO boxes VALUES (21, 2), (11, 1)",
				"INSERT INTO boxes VALUES (21, 2) ON CONFLICT (id) DO UPDATE SET owner_id = 1; INSERT INTO boxes VALUES (11, 1)",
				"UPDATE boxes SET owner_id = 1 WHERE id = 20",
				"UPDATE boxes SET id = 12 WHERE id = 10",
				"DELETE FROM things",
				"INSERT INTO things VALUES (101, 10)",
				"WITH b AS (INSERT INTO boxes VALUES (11, 1) RETURNING id) INSERT INTO things SELECT 101, id FROM b",
				"COPY boxes FROM STDIN",
			} {
				var err error
				if strings.HasPrefix(statement, "COPY") {
					_, err = app.PgConn().CopyFrom(ctx, strings.NewReader("11\t1\n"), statement)
				} else {
					_, err = app.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
				}
				require.Equal(t, "SA001", fence.SQLState(err), statement)
			}
			_, err := app.Exec(ctx, "INSERT INTO boxes VALUES (22, 2)")
			require.NoError(t, err, "another tenant's writers are not kept out")

			require.NoError(t, f.SetState(ctx, "1", move, 1, fence.Open))
			_, err = app.Exec(ctx, "INSERT INTO boxes VALUES (11, 1); INSERT INTO things VALUES (101, 11); UPDATE boxes SET id = 12 WHERE id = 10 AND false; DELETE FROM things WHERE id = 100", pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
			rows, err := app.Query(ctx, "SELECT DISTINCT tbl || ' ' || key[1] FROM shard_admin_move.touched WHERE move_id = $1 ORDER BY 1", move)
			require.NoError(t, err)
			noted, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Equal(t, []string{"boxes 11", "things 100", "things 101"}, noted)

			require.NoError(t, f.Remove(ctx, "1", move, 1))
			require.NoError(t, f.Forget(ctx, move, 1))
			left, err := f.Leftovers(ctx)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A writer at a shard that its tenant has left is told that, not that what it
// refers to is not there.
func TestTheGuardSpeaksBeforeForeignKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	sql := `CREATE TABLE owners (id bigint PRIMARY KEY, shard text);
		CREATE TABLE boxes (id bigint PRIMARY KEY, owner_id bigint NOT NULL);
		CREATE TABLE things (id bigint PRIMARY KEY, owner_id bigint NOT NULL, box_id bigint REFERENCES boxes); INSERT INTO owners VALUES (1)`
	pair := twoshards.Open(t, sql, sql)
	f, move := fence.New(pair.There, pair.Map), uuid.NewString()
	require.NoError(t, f.Enter(ctx, move, 1))
	require.NoError(t, f.InstallGuards(ctx, fence.Receiving, fence.Hooks{}))
	require.NoError(t, f.Arm(ctx, "1", move, 1, fence.Moved, fence.NoteNothing))
	_, err := pgtest.Connect(t, pair.ThereURL).Exec(ctx, "INSERT INTO things VALUES (1, 1, 99)")
	require.Equal(t, "SA001", fence.SQLState(err))
}

// The guards are asked whether they look once for each statement, not when it was
// prepared: one that was prepared and used while its session copied is kept out
// afterwards, also by who may only use the table.
func TestAStatementOfACopyIsGuardedAfterwards(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	user := pgtest.Random("plain_")
	pgtest.Exec(t, pgtest.Server(t, 1), "postgres", "CREATE ROLE "+user+" NOLOGIN")
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), pgtest.Server(t, 1).URL("", "postgres"))
		if err == nil {
			_, _ = c.Exec(context.Background(), "DROP OWNED BY "+user+"; DROP ROLE "+user, pgx.QueryExecModeSimpleProtocol)
			_ = c.Close(context.Background())
		}
	})
	sql := `CREATE TABLE owners (id bigint PRIMARY KEY, shard text);
		CREATE TABLE boxes (id bigint PRIMARY KEY, owner_id bigint NOT NULL); INSERT INTO owners VALUES (1)`
	pair := twoshards.Open(t, sql, sql)
	f, move := fence.New(pair.There, pair.Map), uuid.NewString()
	require.NoError(t, f.Enter(ctx, move, 1))
	require.NoError(t, f.InstallGuards(ctx, fence.Receiving, fence.Hooks{}))
	require.NoError(t, f.Arm(ctx, "1", move, 1, fence.Incoming, fence.NoteNothing))
	c := pgtest.Connect(t, pair.ThereURL)
	for _, setting := range []string{"GRANT ALL ON boxes TO " + user, "SET plan_cache_mode = force_generic_plan", "PREPARE add(bigint) AS INSERT INTO boxes VALUES ($1, 1)"} {
		_, err := c.Exec(ctx, setting)
		require.NoError(t, err)
	}
	require.NoError(t, pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if err := fence.BeginCopy(ctx, tx, move, 1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "EXECUTE add(1)")
		return err
	}))
	_, err := c.Exec(ctx, "EXECUTE add(2)")
	require.Equal(t, "SA001", fence.SQLState(err))
	_, err = c.Exec(ctx, "SET ROLE "+user)
	require.NoError(t, err)
	_, err = c.Exec(ctx, "INSERT INTO boxes VALUES (3, 1)")
	require.Equal(t, "SA001", fence.SQLState(err), "%v", err)
}
