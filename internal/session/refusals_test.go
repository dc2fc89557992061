package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/alert"
	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// An application that still writes where a tenant has moved away from is told of while
// the source refuses it: not what comes within its routing time after the switch, and
// not for ever.
func TestWhoStillWritesOnTheFormerShardIsToldOf(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("701", "default", 701000, 1)
	m := f.moved(s, "701", "shard_1")
	f.exec(0, "UPDATE shard_admin.move SET switched_at = clock_timestamp() WHERE id = $1", m.ID)
	figures := func(state sample.State) session.Figures {
		return session.Figures{Shards: []session.ShardFigures{{Name: "default", Configured: true, Reading: sample.Reading{State: state}}}}
	}
	told := func(state sample.State) (out []alert.Condition, unknown bool) {
		t.Helper()
		seen, err := s.Seen(t.Context(), figures(state))
		require.NoError(t, err)
		for _, c := range seen.Conditions {
			if c.Rule == "move.refused_writes" {
				out = append(out, c)
			}
		}
		return out, seen.Unknown(alert.Alert{Rule: "move.refused_writes", Subject: m.ID, Shard: "default"})
	}
	list, unknown := told(sample.Up)
	require.Empty(t, list)
	require.False(t, unknown)

	write := func() {
		t.Helper()
		_, err := f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'by who has not heard of the move' WHERE website_id = 701")
		var pg *pgconn.PgError
		require.True(t, errors.As(err, &pg), "%v", err)
		require.Equal(t, "SA001", pg.Code)
	}
	write()
	list, _ = told(sample.Up)
	require.Empty(t, list, "its route may be as old as that")
	f.exec(0, "UPDATE shard_admin.move SET switched_at = switched_at - interval '2 hours' WHERE id = $1", m.ID)
	write()
	list, unknown = told(sample.Up)
	require.False(t, unknown)
	require.Len(t, list, 1)
	require.Equal(t, []string{m.ID, "default", alert.Warning, "2 writes"}, []string{list[0].Subject, list[0].Shard, list[0].Severity, list[0].Value})
	require.Contains(t, list[0].Message, "default still refuses writes of tenant sub701 (701), which moved to shard_1 2 h ago: 2 writes, the last ")
	list, unknown = told(sample.Down)
	require.Empty(t, list)
	require.True(t, unknown, "an alert of it stays")

	// The last one was long ago: the application has heard.
	at := f.text(0, "SELECT refused_at::text FROM shard_admin_move.fence WHERE tenant = '701'")
	f.exec(0, "SELECT setval($1::regclass, $2)", at, time.Now().Add(-11*time.Minute).UnixMilli())
	list, _ = told(sample.Up)
	require.Empty(t, list)
}
