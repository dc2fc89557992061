package session_test

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/seed"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// byHand is what SQL that knows nothing of the product's map finds of a tenant in a
// database: its own rows, and those of everybody else, by table.
type byHand struct{ own, others map[string][]string }

func (b byHand) rows() (n int) {
	for _, list := range b.own {
		n += len(list)
	}
	return n
}

// look reads every table of the application but its audit of shards. The tenant's own
// row of the catalogue is neither.
func look(t *testing.T, c *pgx.Conn, tenant int) byHand {
	t.Helper()
	ctx := context.Background()
	names, err := c.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'pwb_shard_audit_logs' ORDER BY 1")
	require.NoError(t, err)
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 70)
	conditions, out := seed.Conditions(), byHand{map[string][]string{}, map[string][]string{}}
	read := func(table, where string, args ...any) []string {
		rows, err := c.Query(ctx, "SELECT x::text FROM "+pgx.Identifier{table}.Sanitize()+" x WHERE "+where+" ORDER BY 1", args...)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, table)
		return list
	}
	for _, table := range tables {
		where, has := conditions[table]
		switch {
		case table == "pwb_websites":
			out.others[table] = read(table, "id <> $1", tenant)
		case has:
			if own := read(table, where, tenant); len(own) > 0 {
				out.own[table] = own
			}
			out.others[table] = read(table, "NOT coalesce(("+where+"), false)", tenant)
		default:
			out.others[table] = read(table, "true")
		}
	}
	return out
}

// A fenced move of a tenant with rows in every class of table, there, back, there again
// and to its end, as SQL sees it that was written by hand: every row of the tenant is
// where it belongs, and no row of anybody else has changed on either shard.
func TestAFencedMoveSeenByHandWrittenSQL(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx, s := t.Context(), f.Session
	source, target := f.Super("default"), f.Super("shard_1")
	x := slices.MaxFunc(f.On("default"), func(a, b seed.Tenant) int { return a.Properties - b.Properties })
	id := strconv.Itoa(x.ID)
	both := func() (here, there byHand) { return look(t, source, x.ID), look(t, target, x.ID) }
	here, there := both()
	mine := here.own
	require.Greater(t, len(mine), 50, "rows in every class of table")
	require.Empty(t, there.own)
	others := [2]map[string][]string{here.others, there.others}
	unchanged := func(here, there byHand) {
		t.Helper()
		require.Equal(t, others[0], here.others, "other rows of the source")
		require.Equal(t, others[1], there.others, "other rows of the target")
	}
	move := func() session.MoveView {
		t.Helper()
		m, err := s.StartMove(ctx, session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "fenced", Note: "test"})
		require.NoError(t, err)
		m, err = s.Await(ctx, m.ID, nil)
		require.NoError(t, err, "%+v", m.Log)
		require.Equal(t, "retained", m.State)
		return m
	}
	where := func() (shard string) {
		t.Helper()
		require.NoError(t, source.QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = $1", x.ID).Scan(&shard))
		return shard
	}

	m := move()
	require.Equal(t, int64(here.rows()), m.RowsCopied)
	here, there = both()
	require.Equal(t, "shard_1", where())
	require.Equal(t, mine, there.own, "every row is there")
	require.Equal(t, mine, here.own, "and untouched here")
	unchanged(here, there)

	// What the application writes there comes back.
	app := f.App("shard_1")
	for _, sql := range []string{
		"UPDATE pwb_contacts SET first_name = 'since the switch' WHERE website_id = $1",
		"DELETE FROM pwb_features WHERE id = (SELECT min(f.id) FROM pwb_features f JOIN pwb_realty_assets a ON a.id = f.realty_asset_id WHERE a.website_id = $1)",
		"INSERT INTO pwb_messages (website_id, content, created_at, updated_at) VALUES ($1, 'since the switch', now(), now())",
	} {
		tag, err := app.Exec(ctx, sql, x.ID)
		require.NoError(t, err)
		require.Positive(t, tag.RowsAffected(), sql)
	}
	mine = look(t, target, x.ID).own
	require.NotEqual(t, here.own, mine)
	require.Equal(t, "rolled_back", act(t, s, "rollback", session.MoveAction{ID: m.ID}).State)
	here, there = both()
	require.Equal(t, "default", where())
	require.Equal(t, mine, here.own, "every write came back")
	require.Empty(t, there.own)
	unchanged(here, there)

	m = move()
	require.Equal(t, "finalized", act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true}).State)
	here, there = both()
	require.Equal(t, "shard_1", where())
	require.Equal(t, mine, there.own)
	require.Empty(t, here.own, "but for its row in the catalogue")
	unchanged(here, there)
}
