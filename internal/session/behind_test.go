//go:build faults && unix

package session_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// A held online move says how many rows the target is behind, a retained one how
// many a rollback would carry back; a shard that is silent makes it unknown.
func TestAMoveSaysHowFarTheOtherSideIsBehind(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("70177", "default", 70177000, 3)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "70177", Target: "shard_1", Mode: "online", Hold: true, Note: "test"})
	require.NoError(t, err)
	require.Nil(t, m.Behind)
	require.Equal(t, "the target does not follow yet", m.BehindReason)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.True(t, m.Held)
	shown := func() session.MoveView {
		v, err := s.Move(t.Context(), m.ID)
		require.NoError(t, err)
		return v
	}
	v := shown()
	require.NotNil(t, v.Behind, v.BehindReason)
	require.Equal(t, "default", v.Behind.Shard)
	require.Zero(t, v.Behind.Rows)
	require.Nil(t, v.Behind.OldestMS)
	require.Empty(t, v.Behind.OldestReason, "there is none")

	write := func(n int, value string) {
		_, err := f.app(n).Exec(t.Context(), fmt.Sprintf("UPDATE pwb_contacts SET first_name = '%[1]s' WHERE website_id = 70177; UPDATE pwb_contacts SET last_name = '%[1]s' WHERE website_id = 70177", value), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	write(0, "held")
	var contacts int64
	require.NoError(t, f.super(0).QueryRow(t.Context(), "SELECT count(*) FROM pwb_contacts WHERE website_id = 70177").Scan(&contacts))
	require.Positive(t, contacts)
	before := v.Behind.At
	require.Equal(t, before, shown().Behind.At, "it is not asked twice in a second")
	require.Eventually(t, func() bool { v = shown(); return v.Behind.Rows == contacts }, 5*time.Second, 100*time.Millisecond, "a row that was written twice is one")
	require.NotEqual(t, before, v.Behind.At)
	require.False(t, v.Behind.AtLeast)
	require.Nil(t, v.Behind.OldestMS)
	require.Contains(t, v.Behind.OldestReason, "track_commit_timestamp is off")
	require.Equal(t, "nothing goes on", v.TimeLeftReason)
	list, err := s.Moves(t.Context(), "", 10)
	require.NoError(t, err)
	require.Nil(t, list.Moves[0].Behind)
	require.NotEmpty(t, list.Moves[0].BehindReason)

	// Somebody keeps the notes locked: the figure is unknown, the move is not.
	locked, err := f.super(0).Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), "LOCK TABLE shard_admin_move.touched IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	require.Eventually(t, func() bool { v = shown(); return v.Behind == nil }, 5*time.Second, 100*time.Millisecond)
	require.Contains(t, v.BehindReason, "default did not answer within")
	begin := time.Now()
	shown()
	require.Less(t, time.Since(begin), time.Second, "it is not asked again at once")
	require.NoError(t, locked.Rollback(context.Background()))

	m = act(t, s, "switch", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	v = shown()
	require.NotNil(t, v.Behind, v.BehindReason)
	require.Equal(t, "shard_1", v.Behind.Shard)
	require.Zero(t, v.Behind.Rows)
	write(1, "retained")
	require.Eventually(t, func() bool { v = shown(); return v.Behind.Rows == contacts }, 5*time.Second, 100*time.Millisecond)
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	v = shown()
	require.Nil(t, v.Behind)
	require.Equal(t, "nothing is carried any more", v.BehindReason)
}

// While rows are copied and compared a move says how fast and how much longer,
// as a range and to everybody; while they are carried, how many are to come.
func TestARunningMoveSaysHowLongItTakes(t *testing.T) {
	t.Parallel()
	f, s := entries(t, "INSERT INTO accounts VALUES (1, 'mine', 'default'); INSERT INTO entries SELECT i, 1, 'm' || i, repeat('before', 60) FROM generate_series(1, 500000) i; ANALYZE")
	other := f.open() // it carries out nothing
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online", Note: "test"})
	require.NoError(t, err)
	watching, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var elsewhere []session.MoveView
	wg.Go(func() {
		_, _ = other.Watch(watching, m.ID, func(v session.MoveView) { elsewhere = append(elsewhere, v) })
	})
	var seen []session.MoveView
	wrote := false
	m, err = s.Await(t.Context(), m.ID, func(v session.MoveView) {
		seen = append(seen, v)
		if v.RowsCopied > 0 && !wrote {
			wrote = true
			_, err := f.app(0).Exec(context.Background(), "UPDATE entries SET note = 'changed' WHERE id % 20 = 0")
			require.NoError(t, err)
		}
	})
	require.NoError(t, err, "%+v", m.Log)
	stop()
	wg.Wait()
	logOf(t, m)
	said := map[string]int{}
	for where, views := range map[string][]session.MoveView{"here": seen, "elsewhere": elsewhere} {
		for _, v := range views {
			if v.TimeLeft != nil {
				require.LessOrEqual(t, v.TimeLeft.Low, v.TimeLeft.High)
				require.NotEmpty(t, v.TimeLeftUntil)
				require.NotNil(t, v.MeasuredAt)
				said[where+" "+v.Phase]++
			} else {
				require.NotEmpty(t, v.TimeLeftReason)
			}
			if v.RowsPerS != nil {
				require.Positive(t, *v.RowsPerS)
				require.Positive(t, *v.BytesPerS)
				said[where+" rate"]++
				for _, x := range v.Tables {
					if x.RowsPerS != nil {
						require.Equal(t, "entries", x.Table)
						said[where+" table"]++
					}
				}
			} else {
				require.NotEmpty(t, v.RateReason)
			}
			if v.Behind != nil {
				require.NotEmpty(t, v.Behind.At)
				said[where+" behind"]++
			} else {
				require.NotEmpty(t, v.BehindReason)
			}
		}
	}
	t.Log(said)
	for _, what := range []string{"here Copy", "here rate", "here table", "here behind", "elsewhere Copy", "elsewhere rate", "elsewhere table"} {
		require.Positive(t, said[what], what)
	}
}
