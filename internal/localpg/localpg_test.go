package localpg_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestServerKeepsItsDataOverRestartAndCrash(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	bin, err := localpg.Find(ctx, 0)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "shard-admin-localpg-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	cfg := localpg.Config{Binaries: bin, Dir: dir + "/one", Child: true}
	s, err := localpg.Start(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	exec := func(sql string) {
		c, err := pgx.Connect(ctx, s.URL("", "postgres"))
		require.NoError(t, err)
		defer func() { _ = c.Close(ctx) }()
		_, err = c.Exec(ctx, sql)
		require.NoError(t, err)
	}
	exec("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
	port := s.Port()
	require.NoError(t, s.Restart(ctx))
	require.Equal(t, port, s.Port())
	exec("INSERT INTO kept SELECT n + 1 FROM kept")
	require.NoError(t, s.Crash(ctx))
	_, ok := localpg.Running(cfg.Dir)
	require.False(t, ok)

	again, err := localpg.Start(ctx, cfg)
	require.NoError(t, err)
	found, err := localpg.Start(ctx, cfg) // a second caller finds the running one
	require.NoError(t, err)
	require.Equal(t, again.Port(), found.Port())
	c, err := pgx.Connect(ctx, found.URL("", "postgres"))
	require.NoError(t, err)
	var n int
	require.NoError(t, c.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&n))
	require.NoError(t, c.Close(ctx))
	require.Equal(t, 2, n)
	require.NoError(t, again.Stop(ctx))
}

func TestPWBSchemaLoads(t *testing.T) {
	t.Parallel()
	name := pgtest.Database(t, 0, "pwb")
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", name))
	var tables, fks int
	require.NoError(t, c.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace),
		(SELECT count(*) FROM pg_constraint WHERE contype = 'f')`).Scan(&tables, &fks))
	require.Equal(t, 78, tables)
	require.Equal(t, 78, fks)
}
