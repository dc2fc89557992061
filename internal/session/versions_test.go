package session_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

// A tenant goes to a newer server and to an older one, with the same rows, and
// back; over the whole range of versions and between neighbours in it.
func TestMovesBetweenVersions(t *testing.T) {
	t.Parallel()
	oldest := 14
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		oldest = 15 // build/postgres/versions has no 14 there
	}
	for _, v := range [][2]int{{oldest, 18}, {18, oldest}, {15, 17}, {17, 16}} {
		t.Run(fmt.Sprintf("%d to %d", v[0], v[1]), func(t *testing.T) {
			t.Parallel()
			f, s := readyOn(t, [2]int{pgtest.Of(v[0]), pgtest.Of(v[1])})
			for i, major := range v {
				var have int
				require.NoError(t, f.super(i).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&have))
				require.Equal(t, major, have)
			}
			f.tenant("7", "default", 7000, 3)
			f.tenant("8", "default", 8000, 2)
			f.tenant("9", "shard_1", 9000, 2)
			source := filltest.Dump(t, f.super(0), "pwb_shard_audit_logs")
			neighbours := filltest.Dump(t, f.super(1), "pwb_websites")
			mine := owned(t, f, 0, "7")
			require.Greater(t, len(mine), 40)

			plan, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
			require.NoError(t, err)
			require.False(t, plan.Blocked, "%+v", plan.Checks)
			m := f.moved(s, "7", "shard_1")
			require.True(t, m.Verified)
			require.Equal(t, mine, owned(t, f, 1, "7"))
			moved := filltest.Dump(t, f.super(1), "pwb_websites")
			for table, rows := range moved {
				require.Subset(t, rows, neighbours[table], table)
				require.Subset(t, source[table], rowsBeside(rows, neighbours[table]), "%s: what came is what the source has", table)
			}

			_, err = f.app(1).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'since' WHERE website_id = 7 AND id = 7001")
			require.NoError(t, err)
			m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
			require.Equal(t, "rolled_back", m.State)
			require.Empty(t, owned(t, f, 1, "7"))
			require.Equal(t, mine, owned(t, f, 0, "7"))
			var name string
			require.NoError(t, f.super(0).QueryRow(t.Context(), "SELECT first_name FROM pwb_contacts WHERE id = 7001").Scan(&name))
			require.Equal(t, "since", name)

			m = f.moved(s, "7", "shard_1")
			m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
			require.Equal(t, "finalized", m.State)
			require.Empty(t, owned(t, f, 0, "7"))
			require.Equal(t, mine, owned(t, f, 1, "7"))
			require.Empty(t, f.leftovers(0))
			require.Empty(t, f.leftovers(1))
		})
	}
}

// rowsBeside returns the rows that are not among others.
func rowsBeside(rows, others []string) []string {
	there := map[string]bool{}
	for _, r := range others {
		there[r] = true
	}
	out := []string{}
	for _, r := range rows {
		if !there[r] {
			out = append(out, r)
		}
	}
	return out
}
