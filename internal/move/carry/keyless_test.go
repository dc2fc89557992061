//go:build unix

package carry_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
)

// Rows of a table without a key follow the row that owns them, when it becomes the
// tenant's and when it ceases to be, whether the target checks foreign keys or not.
func TestRowsWithoutAKeyFollowTheirOwner(t *testing.T) {
	t.Parallel()
	for _, replica := range []bool{false, true} {
		t.Run(map[bool]string{false: "checked", true: "replica role"}[replica], func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			sql := `CREATE TABLE owners (id bigint PRIMARY KEY, shard text);
				CREATE TABLE boxes (id bigint PRIMARY KEY, owner_id bigint);
				CREATE TABLE logs (box_id bigint NOT NULL REFERENCES boxes, body text);
				INSERT INTO owners VALUES (1, 'here'), (2, 'here');`
			pair := twoshards.Open(t, sql+"INSERT INTO boxes VALUES (10, 1), (11, 1), (20, 2); INSERT INTO logs VALUES (10, 'a'), (10, 'a'), (11, 'b'), (20, 'other')", sql)
			move := uuid.NewString()
			here, there, tables := fence.New(pair.Here, pair.Map), fence.New(pair.There, pair.Map), pair.Map.Moving()
			for s, state := range map[*fence.Shard]fence.State{here: fence.Armed, there: fence.Incoming} {
				require.NoError(t, s.Enter(ctx, move, 1))
				require.NoError(t, s.InstallGuards(ctx, fence.Serving, fence.Hooks{}))
				require.NoError(t, s.Arm(ctx, "1", move, 1, state, fence.NoteEach))
			}
			snapshot, err := here.Snapshot(ctx, move, 1)
			require.NoError(t, err)
			require.NoError(t, rowcopy.Run(ctx, rowcopy.Job{Source: pair.Here, Snapshot: snapshot.ID, Target: pair.There, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1, Tables: tables, Streams: 1}))
			snapshot.Close(ctx)
			c, err := carry.Open(ctx, carry.Job{From: pair.Here, To: pair.There, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1, Tables: tables, Target: pair.There, ReplicaRole: replica})
			require.NoError(t, err)
			defer c.Close()
			app, far := pgtest.Connect(t, pair.HereURL), pgtest.Connect(t, pair.ThereURL)
			equal := func(write string, rows int) {
				t.Helper()
				_, err := app.Exec(ctx, write)
				require.NoError(t, err, write)
				_, err = c.Pass(ctx, nil)
				require.NoError(t, err, write)
				res, err := compare.Verify(ctx, compare.Job{Source: pair.Here, Target: pair.There, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1, Tables: tables, Streams: 1})
				require.NoError(t, err)
				require.Empty(t, res.Differences, write)
				var n int
				require.NoError(t, far.QueryRow(ctx, "SELECT count(*) FROM logs").Scan(&n))
				require.Equal(t, rows, n, "%s: nothing is left that is nobody's", write)
			}
			equal("INSERT INTO boxes VALUES (30, NULL)", 3)
			equal("INSERT INTO logs VALUES (30, 'c'), (30, 'd')", 3)
			equal("UPDATE boxes SET owner_id = 1 WHERE id = 30", 5)
			equal("UPDATE boxes SET owner_id = NULL WHERE id = 10", 3)
			equal("UPDATE logs SET body = 'e' WHERE box_id = 11", 3)
			equal("DELETE FROM logs WHERE box_id = 30", 1)
		})
	}
}
