package fence_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
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
