package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

func TestOpenMakesAPrivateFileAndOpensItAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a folder with ? and #", "shard-admin.db")
	for range 2 {
		s, err := store.Open(t.Context(), path)
		require.NoError(t, err)
		var mode string
		require.NoError(t, s.DB().QueryRow("PRAGMA journal_mode").Scan(&mode))
		require.Equal(t, "wal", mode)
		_, err = s.DB().Exec("INSERT INTO mirror_chain (key, started_at, retired_at) VALUES ('k', 1, 2)")
		require.NoError(t, err)
		for _, f := range []string{path, path + "-wal", path + "-shm"} {
			info, err := os.Stat(f)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f)
		}
		require.NoError(t, s.Close())
	}
	s, err := store.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	var n int
	require.NoError(t, s.DB().QueryRow("SELECT count(*) FROM mirror_chain").Scan(&n))
	require.Equal(t, 2, n)
}

// Programs that meet a new file at the same time make it once, and all have it.
func TestManyOpenANewFileAtTheSameTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shard-admin.db")
	versions := make(chan int, 8)
	var opening sync.WaitGroup
	for range cap(versions) {
		opening.Go(func() {
			s, err := store.Open(t.Context(), path)
			if !assert.NoError(t, err) {
				return
			}
			var n int
			assert.NoError(t, s.DB().QueryRow("SELECT count(*) FROM goose_db_version").Scan(&n))
			versions <- n
			assert.NoError(t, s.Close())
		})
	}
	opening.Wait()
	close(versions)
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	for n := range versions {
		require.Equal(t, len(files)+1, n, "each migration is noted once")
	}
	info, err := os.Stat(path + ".lock")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestANewerFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shard-admin.db")
	s, err := store.Open(t.Context(), path)
	require.NoError(t, err)
	_, err = s.DB().Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = store.Open(t.Context(), path)
	require.Equal(t, fault.SchemaNewer, fault.CodeOf(err))
	require.ErrorContains(t, err, "9999")
}

func TestTransactionsTakeTheWriteLockAtOnce(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	tx, err := s.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	other, err := s.DB().Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "PRAGMA busy_timeout = 0")
	require.NoError(t, err)
	_, err = other.BeginTx(t.Context(), &sql.TxOptions{})
	require.ErrorContains(t, err, "locked")
	require.NoError(t, other.Close())
	require.NoError(t, tx.Rollback())
}

func TestAFolderThatIsAFileIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := store.Open(t.Context(), filepath.Join(file, "shard-admin.db"))
	require.Error(t, err)
	require.NotEmpty(t, fault.HintOf(err))
}
