package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
)

// Plans are shown side by side and one is carried out; each step needs what it says.
func TestAFleetIsRebalanced(t *testing.T) {
	t.Parallel()
	l := populated(t)
	for i := range 6 {
		l.tenant(fmt.Sprint(20+i), "default", 20000+i*1000, 1)
	}
	for n, on := range l.dbs {
		c := pgtest.Connect(t, pgtest.Server(t, n).URL("", on))
		_, err := c.Exec(context.Background(), "ANALYZE")
		require.NoError(t, err)
	}
	v := l.json(0, "rebalance", "plan")
	has(t, v, "fleet", "needed", "verdict", "threshold", "by", "tenants", "mean_bytes", "shards", "plans", "oversized", "largest", "pins", "placement", "notes", "checked_at", "load", "recommended", "recommended_reason", "uneven_since", "uneven_since_reason", "dimensions", "kept", "kept_reason")
	require.Len(t, v["dimensions"], 4)
	has(t, v["dimensions"].([]any)[0].(map[string]any), "by", "state", "recommended", "reason", "over", "over_reason", "since", "since_reason", "seen_at", "seen_at_reason", "seen_by", "age_ms")
	require.Len(t, v["plans"], 3)
	p := v["plans"].([]any)[0].(map[string]any)
	has(t, p, "id", "strategy", "moves", "bytes", "rows", "before", "after", "estimate_ms", "estimate_ms_reason", "shards", "rejected", "rejected_total", "left")
	require.Nil(t, p["estimate_ms"])
	require.NotEmpty(t, p["estimate_ms_reason"])
	moves := p["moves"].([]any)
	require.NotEmpty(t, moves)
	has(t, moves[0].(map[string]any), "tenant", "source", "target", "bytes", "why", "reason", "source_before", "target_after")

	text := l.ok("rebalance", "plan") + l.ok("rebalance", "plan", "--strategy", "fewest-moves")
	for _, row := range strings.Split(text, "\n") {
		require.LessOrEqual(t, len([]rune(row)), 80, row)
	}
	require.Contains(t, text, "FEWEST MOVES  FEWEST BYTES     MOST EVEN")
	require.Contains(t, text, p["id"].(string))
	l.refused(2, "usage", "rebalance", "plan", "--strategy", "cheapest")
	l.refused(2, "usage", "rebalance", "plan", "--max-size", "much")
	l.refused(2, "usage", "rebalance", "apply")

	before := l.all()
	tried := l.json(0, "rebalance", "apply", "--strategy", "fewest-moves", "--dry-run")
	require.EqualValues(t, len(moves), tried["queued"].(float64)+tried["assigned"].(float64))
	alike(t, before, l.all(), "a dry run")
	apply := []string{"rebalance", "apply", "--strategy", "fewest-moves", "--plan", p["id"].(string), "--note", "spread"}
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "false")
	l.unchanged("bulk is off", 3, "flag_off", apply)
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "true")
	l.unchanged("another plan", 3, "plan_stale", []string{"rebalance", "apply", "--strategy", "fewest-moves", "--plan", "000000000000", "--note", "spread"})
	done := l.json(0, append(apply, "--wait")...)
	require.Len(t, done["ended"], int(done["queued"].(float64)))
	require.Nil(t, done["next"])
	require.Equal(t, "the plan was not stopped", done["next_reason"])
	filed := list(t, l.json(0, "audit", "list", "--action", "rebalance.apply"), "events")
	require.Len(t, filed, 2)
	for i, phase := range []string{"outcome", "intent"} {
		require.Equal(t, []any{phase, "spread"}, []any{filed[i]["phase"], filed[i]["note"]})
	}
	for _, m := range done["ended"].([]any) {
		require.Equal(t, "retained", m.(map[string]any)["state"])
	}
}

// A plan that stops offers a fresh one, of which nothing is queued.
func TestAPlanThatStopsOffersAFreshOne(t *testing.T) {
	t.Parallel()
	l := populated(t)
	for i := range 5 {
		l.tenant(fmt.Sprint(20+i), "default", 20000+i*1000, 1)
	}
	for n := range l.dbs {
		l.exec(n, "ANALYZE")
	}
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "true")
	l.json(0, "move", "queue", "limit", "1", "--note", "one by one")
	v := l.json(0, "rebalance", "plan", "--by", "count")
	p := v["plans"].([]any)[0].(map[string]any)
	moves := p["moves"].([]any)
	require.Greater(t, len(moves), 2)
	bad := moves[1].(map[string]any)["tenant"].(string)
	// Rows of it come to the target once every move is checked and filed.
	stray := pgtest.Connect(t, pgtest.Server(t, 1).URL("", l.dbs[1]))
	exec := func(sql string) error {
		_, err := stray.Exec(context.Background(), sql)
		return err
	}
	require.NoError(t, exec("BEGIN"))
	require.NoError(t, exec(fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, company_display_name, created_at, updated_at) VALUES (%s, 's', 's', 'default', 'S', now(), now())`, bad)))
	filltest.Tenant(t, stray, l.mapp, bad, 90000, 1)
	watch := pgtest.Connect(t, pgtest.Server(t, 0).URL("", l.dbs[0]))
	came := make(chan error, 1)
	go func() {
		for n := 0; n == 0; time.Sleep(5 * time.Millisecond) {
			if err := watch.QueryRow(context.Background(), "SELECT count(*) FROM shard_admin.run WHERE state = 'running'").Scan(&n); err != nil {
				came <- err
				return
			}
		}
		came <- exec("COMMIT")
	}()
	r := l.run("rebalance", "apply", "--strategy", "fewest-moves", "--by", "count", "--plan", p["id"].(string), "--note", "spread", "--wait", "--json")
	require.NoError(t, <-came)
	require.NotZero(t, r.exit)
	done := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(r.out), &done), r.out)
	states := map[string]int{}
	for _, m := range done["ended"].([]any) {
		states[m.(map[string]any)["state"].(string)]++
	}
	require.Equal(t, 1, states["failed"], "%v", states)
	require.Positive(t, states["cancelled"], "%v", states)
	next := done["next"].(map[string]any)
	require.Empty(t, done["next_reason"])
	has(t, next, "plan", "strategy", "moves", "bytes", "summary", "command")
	require.Positive(t, next["moves"], next["summary"])
	require.NotEqual(t, p["id"], next["plan"])
	waiting := l.json(0, "move", "queue")
	require.NotContains(t, fmt.Sprint(waiting), next["plan"])
	require.Len(t, list(t, l.json(0, "move", "list"), "moves"), len(done["ended"].([]any)), "nothing of it is filed")
	// It can be queued as it was shown.
	again := l.json(0, "rebalance", "apply", "--strategy", "fewest-moves", "--by", "count", "--plan", next["plan"].(string), "--note", "the rest", "--dry-run")
	require.Equal(t, next["plan"], again["plan"])
}
