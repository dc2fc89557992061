package session_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// While the tenant writes, its copy makes way for others on the shards, and says
// so. Under a fence the tenant waits, and it does not.
func TestOnlyAnOnlineCopyMakesWay(t *testing.T) {
	t.Parallel()
	for mode, makesWay := range map[string]bool{"online": true, "fenced": false} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f, s := ready(t)
			f.tenant("7", "default", 7000, 2)
			f.exec(0, "INSERT INTO pwb_contacts (id, website_id, first_name, created_at, updated_at) SELECT 100000 + n, 7, repeat('x', 200), now(), now() FROM generate_series(1, 2000) n")
			for n := range 2 {
				f.exec(n, `CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END'`)
				f.exec(n, `CREATE TRIGGER slowly BEFORE INSERT ON pwb_contacts FOR EACH ROW EXECUTE FUNCTION slowly()`)
				f.exec(n, `ALTER TABLE pwb_contacts ENABLE ALWAYS TRIGGER slowly`)
			}
			m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: mode, Note: "test"})
			require.NoError(t, err)
			id := m.ID

			// Who asks for a lock of the table while the copy writes to it lets
			// every reader wait.
			super := f.super(1)
			asking, stop := context.WithCancel(t.Context())
			seen := ""
			var others sync.WaitGroup
			defer others.Wait()
			defer stop()
			var once sync.Once
			hear := func(v session.MoveView) {
				if v.Phase != "Copy" || v.RowsCopied == 0 {
					return
				}
				once.Do(func() {
					others.Go(func() {
						time.Sleep(500 * time.Millisecond) // by then it writes to the table, the largest
						limited, end := context.WithTimeout(asking, 3*time.Second)
						defer end()
						_, _ = super.Exec(limited, "BEGIN; LOCK TABLE pwb_contacts; ROLLBACK")
					})
					others.Go(func() {
						for asking.Err() == nil && seen == "" {
							time.Sleep(50 * time.Millisecond)
							if v, err := s.Move(asking, id); err == nil {
								seen = v.Slowed
							}
						}
					})
				})
			}
			m, err = s.Await(t.Context(), id, hear)
			require.NoError(t, err, "%+v", m.Log)
			require.Equal(t, "retained", m.State)
			require.True(t, m.Verified)
			require.Empty(t, m.Slowed)
			stop()
			others.Wait()
			said := ""
			for _, l := range m.Log {
				said += l.Message + "\n"
			}
			if !makesWay {
				require.NotContains(t, said, "streams")
				require.Empty(t, seen)
				return
			}
			require.Contains(t, said, "copying: 2 of 4 streams: shard_1 answers a small read in ")
			require.True(t, strings.HasPrefix(seen, "2 of 4 streams: shard_1 answers a small read in "), seen)
		})
	}
}
