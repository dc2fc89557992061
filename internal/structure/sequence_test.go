package structure_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
)

// A sequence that others restart all the time is read each time.
func TestASequenceIsReadWhileOthersRestartIt(t *testing.T) {
	t.Parallel()
	url := pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, `CREATE SEQUENCE "A seq" INCREMENT 3`))
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	defer pool.Close()
	s, err := structure.ReadSequence(t.Context(), pool, `public."A seq"`)
	require.NoError(t, err)
	require.Equal(t, structure.Sequence{Increment: 3, Last: 1}, s)

	var wg sync.WaitGroup
	for range 4 {
		c := pgtest.Connect(t, url)
		wg.Go(func() {
			for n := range 1500 {
				if _, err := structure.ReadSequence(t.Context(), c, `public."A seq"`); err != nil {
					t.Errorf("read %d: %v", n, err)
					return
				}
			}
		})
	}
	read := make(chan struct{})
	go func() {
		wg.Wait()
		close(read)
	}()
	c := pgtest.Connect(t, url)
	for n := 1; ; n++ {
		select {
		case <-read:
			return
		default:
		}
		_, err := c.Exec(t.Context(), fmt.Sprintf(`ALTER SEQUENCE "A seq" RESTART WITH %d`, n), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
}
