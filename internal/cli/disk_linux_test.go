package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
)

// smallDisk leaves room for next to nothing under shard_1, on a file system of
// its own; nil where this process may not mount one. What it returns makes room.
func smallDisk(t *testing.T, l *lab) (room func()) {
	t.Helper()
	s := pgtest.Server(t, 1)
	dir := filepath.Join(s.Dir(), pgtest.Random("small_"))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	owner, err := os.Stat(filepath.Join(s.Dir(), "data"))
	require.NoError(t, err)
	own := owner.Sys().(*syscall.Stat_t)
	size := databaseSize(t, s, l.dbs[1])
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700,uid=%d,gid=%d", size+(2<<20), own.Uid, own.Gid)); err != nil {
		t.Logf("no file system of its own: %v", err)
		return nil
	}
	space := pgtest.Random("small_")
	c := pgtest.Connect(t, s.URL("", "postgres"))
	_, err = c.Exec(t.Context(), "CREATE TABLESPACE "+space+" LOCATION '"+dir+"'")
	require.NoError(t, err)
	t.Cleanup(func() {
		if c, err := pgx.Connect(context.Background(), s.URL("", "postgres")); err == nil {
			_, _ = c.Exec(context.Background(), "DROP DATABASE IF EXISTS "+l.dbs[1]+" WITH (FORCE)")
			_, _ = c.Exec(context.Background(), "DROP TABLESPACE IF EXISTS "+space)
			_ = c.Close(context.Background())
		}
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
	})
	_, err = c.Exec(t.Context(), "ALTER DATABASE "+l.dbs[1]+" SET TABLESPACE "+space)
	require.NoError(t, err)
	// All but a little of what is left.
	var fs syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &fs))
	left := int64(fs.Bavail) * fs.Bsize
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, []byte(strings.Repeat("x", int(max(0, left-(1200<<10))))), 0o600))
	return func() { require.NoError(t, os.Remove(ballast)) }
}

func databaseSize(t *testing.T, s *localpg.Server, name string) int64 {
	t.Helper()
	var n int64
	require.NoError(t, pgtest.Connect(t, s.URL("", "postgres")).QueryRow(t.Context(), "SELECT pg_database_size($1)", name).Scan(&n))
	return n
}
