package session_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// While the tenant writes, its copy makes way for others on the shards, and says
// so. Under a fence the tenant waits, and it does not.
func TestOnlyAnOnlineCopyMakesWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode           string
		full, makesWay bool
	}{
		"online": {"online", false, true}, "fenced": {"fenced", false, false}, "online at full speed": {"online", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := ready(t)
			f.tenant("7", "default", 7000, 2)
			f.exec(0, "INSERT INTO pwb_contacts (id, website_id, first_name, created_at, updated_at) SELECT 100000 + n, 7, repeat('x', 1000), now(), now() FROM generate_series(1, 2000) n")
			// Another tenant writes on the source all the time.
			writing, stop := context.WithCancel(t.Context())
			var others sync.WaitGroup
			defer others.Wait()
			defer stop()
			super := f.super(0)
			others.Go(func() {
				for writing.Err() == nil {
					_, _ = super.Exec(writing, "UPDATE pwb_contacts SET last_name = 'x' WHERE id = (SELECT min(id) FROM pwb_contacts WHERE website_id <> 7)")
				}
			})
			seen := ""
			m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: c.mode, FullSpeed: c.full, Note: "test"})
			require.NoError(t, err)
			m, err = s.Await(t.Context(), m.ID, func(v session.MoveView) {
				if v.Phase == "Copy" && v.Slowed != "" {
					seen = v.Slowed
				}
			})
			require.NoError(t, err, "%+v", m.Log)
			require.Equal(t, "retained", m.State)
			require.True(t, m.Verified)
			require.Empty(t, m.Slowed)
			said := ""
			for _, l := range m.Log {
				said += l.Message + "\n"
			}
			if !c.makesWay {
				require.NotContains(t, said, "making way")
				require.Empty(t, seen)
				return
			}
			require.Contains(t, said, "making way: one stream, at work for 10 % of the time: others are at work, it begins slowly\n")
			require.Regexp(t, `^(one stream, at work for \d+ % of the time|[\d.]+ of 4 streams)( again|: )`, seen)
		})
	}
}
