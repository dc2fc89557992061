package fence_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/fence"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
)

// guarded is a shard whose tenant 1 is armed.
func guarded(t *testing.T, sql string) (*twoshards.Pair, *fence.Shard, string) {
	t.Helper()
	pair := twoshards.Open(t, sql, sql)
	f, move := fence.New(pair.There, pair.Map), uuid.NewString()
	require.NoError(t, f.Enter(t.Context(), move, 1))
	require.NoError(t, f.InstallGuards(t.Context(), fence.Serving, fence.Hooks{}))
	require.NoError(t, f.Arm(t.Context(), "1", move, 1, fence.Armed, fence.NoteNothing))
	return pair, f, move
}

// Whoever may create functions in public may not open a fence: what the mover and
// the guards call is the server's own.
func TestAFunctionInPublicDoesNotReplaceWhatTheFenceCalls(t *testing.T) {
	t.Parallel()
	pair, f, move := guarded(t, `CREATE TABLE owners (id bigint PRIMARY KEY, shard text);
		CREATE TABLE boxes (id bigint PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners);
		INSERT INTO owners VALUES (1);
		CREATE FUNCTION public.hashtextextended(text, int) RETURNS bigint LANGUAGE sql AS $$ SELECT 42::bigint $$;
		CREATE FUNCTION public.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT 43::bigint $$;
		CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS $$ SELECT $$;
		CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'on'::text $$;
		CREATE FUNCTION public.md5(text) RETURNS text LANGUAGE sql AS $$ SELECT 'planted'::text $$`)
	app := pgtest.Connect(t, pair.ThereURL)
	_, err := app.Exec(t.Context(), "BEGIN; INSERT INTO boxes VALUES (1, 1)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	closing, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = f.Close(closing, "1", move, 1, time.Minute)
	require.Error(t, err, "a writer's transaction is open")
	_, err = app.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	_, err = f.Close(t.Context(), "1", move, 1, time.Minute)
	require.NoError(t, err)
	_, err = app.Exec(t.Context(), "INSERT INTO boxes VALUES (2, 1)")
	require.Equal(t, "SA001", fence.SQLState(err))
	pool, err := pair.There.Pool(t.Context())
	require.NoError(t, err)
	var hash string
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT md5('x'::text)").Scan(&hash))
	require.Equal(t, "9dd4e461268c8034f5c8564e155c67a6", hash)
}

// Partitions are truncated one by one as well, however deep they lie, and so are
// those of the side that receives.
func TestAPartitionIsNotTruncatedPastTheGuards(t *testing.T) {
	t.Parallel()
	sql := `CREATE TABLE owners (id bigint PRIMARY KEY, shard text); INSERT INTO owners VALUES (1);
		CREATE TABLE events (id bigint, owner_id bigint NOT NULL, at int NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
		CREATE TABLE events_0 PARTITION OF events FOR VALUES FROM (0) TO (100);
		CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (100) TO (200) PARTITION BY HASH (id);
		CREATE TABLE events_1a PARTITION OF events_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
		INSERT INTO events SELECT n, 1, n FROM generate_series(1, 199) n`
	pair, f, move := guarded(t, sql)
	app := pgtest.Connect(t, pair.ThereURL)
	for _, table := range []string{"events", "events_0", "events_1", "events_1a"} {
		_, err := app.Exec(t.Context(), "TRUNCATE "+table)
		require.Equal(t, "SA001", fence.SQLState(err), table)
	}
	require.NoError(t, f.VerifyGuards(t.Context()))
	// One that is made while the move is open is not guarded: the move sees it.
	_, err := app.Exec(t.Context(), "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (200) TO (300)")
	require.NoError(t, err)
	require.Error(t, f.VerifyGuards(t.Context()))
	require.NoError(t, f.InstallGuards(t.Context(), fence.Serving, fence.Hooks{}))
	_, err = app.Exec(t.Context(), "TRUNCATE events_2")
	require.Equal(t, "SA001", fence.SQLState(err))

	require.NoError(t, f.Remove(t.Context(), "1", move, 1))
	require.NoError(t, f.Forget(t.Context(), move, 1))
	require.NoError(t, f.RemoveGuards(t.Context()))
	left, err := f.Leftovers(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = app.Exec(t.Context(), "TRUNCATE events_1a")
	require.NoError(t, err)
}
