package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/pgtest"
)

// Each command that changes something is refused without a reason, leaving
// nothing in the trail, and with one leaves its action with that reason: an
// outcome, and the intent before it unless both are one commit with the change.
func TestEveryChangeIsInTheTrailWithItsReason(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.vaulted()
	for i := range 5 {
		l.tenant(fmt.Sprint(7+i), "default", 7000+i*100, 1)
	}
	l.tenant("20", "default", 0, 0)
	dir := t.TempDir()
	out := func(name string) string { return filepath.Join(dir, name) }
	control := pgtest.Connect(t, pgtest.Server(t, 0).URL("", l.dbs[0]))
	type event struct{ Action, Phase, Note, Actor string }
	events := func() []event {
		rows, err := control.Query(t.Context(), `SELECT body_json ->> 'action', body_json ->> 'phase', body_json ->> 'reason', body_json ->> 'actor'
			FROM shard_admin.audit_event JOIN shard_admin.audit_link USING (event_id) ORDER BY seq`)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
		require.NoError(t, err)
		return list
	}
	move := func(tenant string, flags ...string) string {
		return l.json(0, append([]string{"move", "start", tenant, "shard_1", "--note", "a move to act on", "--mode", "fenced"}, flags...)...)["id"].(string)
	}
	held := move("sub7", "--wait", "--hold")
	queued := move("sub8")
	retained := move("sub9", "--wait")
	finished := move("sub10", "--wait")
	waiting := move("sub11")
	// One commit with the change: there is no moment at which only one of them is.
	together := map[string]bool{
		"operator.set": true, "policy.set": true, "queue.pause": true, "queue.resume": true, "queue.set": true,
		"alert.acknowledge": true, "alert.silence": true, "alert.unsilence": true, "audit.key.enroll": true, "audit.key.revoke": true, "audit.checkpoint": true,
	}
	var alert int64
	require.NoError(t, control.QueryRow(t.Context(), `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at)
		VALUES ('long_query', 'shard_9', 'warning', 'a query runs long', 'firing', now(), now()) RETURNING id`).Scan(&alert))
	steps := [][]string{
		{"fleet", "operator", "set", "carl@example.com", "--role", "viewer"},
		{"fleet", "policy", "set", "SHARD_BULK_OPS_ENABLED", "true"},
		{"move", "queue", "pause"},
		{"move", "queue", "resume"},
		{"move", "queue", "limit", "4"},
		{"move", "queue", "window", "sat 22:00-23:00 UTC"},
		{"move", "queue", "window", "none"},
		{"shards", "assign", "sub20", "shard_1"},
		{"move", "cancel", queued, "--wait"},
		{"move", "switch", held, "--wait"},
		{"move", "resume", waiting, "--wait"},
		{"move", "rollback", retained, "--wait"},
		{"move", "finalize", finished, "--wait", "--routing-confirmed"},
		{"move", "start", "sub8", "shard_1", "--wait"},
		{"alerts", "ack", fmt.Sprint(alert)},
		{"alerts", "silence", "--shard", "shard_1", "--until", "2h"},
		{"alerts", "unsilence", "1"},
		{"audit", "key", "enroll"},
		{"audit", "checkpoint", "-o", out("trail.checkpoint")},
		{"audit", "export", "-o", out("a.csv")},
		{"audit", "archive", "--until", "0s", "-o", out("archive.jsonl")},
		{"audit", "sync", "--restart"},
		{"fleet", "operator", "remove", "carl@example.com"},
		{"audit", "erase", "carl@example.com"},
	}
	for _, k := range []string{"access", "changes", "failed", "moves", "schema"} {
		steps = append(steps, []string{"report", k, "-o", out(k + ".html")})
	}
	steps = append(steps, []string{"report", "tenant", "--tenant", "sub7", "-o", out("t.pdf")}, []string{"report", "operator", "--actor", "ann@example.com", "-o", out("o.xlsx")})
	// These have tests of their own that read the trail.
	driven := map[string]bool{
		"fleet install": true, "fleet uninstall": true, "fleet stripe-sequences": true, "rebalance apply": true,
		"audit purge": true, "shards cancel": true, "shards terminate": true,
		// They need no reason, because they may come before there is a trail.
		"fleet credential set": true, "fleet credential rotate": true, "fleet credential forget": true,
	}
	steps = append(steps, []string{"audit", "key", "revoke", "KEY"})
	for i, args := range steps {
		if at := slices.Index(args, "KEY"); at > 0 {
			args[at] = list(t, l.json(0, "audit", "key", "list"), "keys")[0]["public"].(string)
		}
		name := ""
		action := ""
		for n := min(3, len(args)); n > 0 && action == ""; n-- {
			name = strings.Join(args[:n], " ")
			action = cli.Changes()[name]
		}
		require.NotEmpty(t, action, args)
		driven[name] = true
		before := events()
		l.refused(3, "reason_missing", args...)
		require.Len(t, events(), len(before), "%s left something although it was refused", name)
		note := fmt.Sprintf("reason %d of %s", i, name)
		r := l.run(append(args, "--note", note)...)
		require.Equal(t, 0, r.exit, "%v: %s%s", args, r.out, r.stderr)
		phases := map[string]int{}
		for _, e := range events()[len(before):] {
			if e.Action != action || e.Note != note {
				continue
			}
			require.NotEmpty(t, e.Actor)
			phases[e.Phase]++
		}
		require.Positive(t, phases["outcome"], "%s has no outcome with its reason", name)
		if !together[action] {
			require.Positive(t, phases["intent"], "%s has no intent with its reason", name)
		}
	}
	for name, does := range cli.Changes() {
		if strings.Contains(does, ".") {
			require.True(t, driven[name], "%s changes something and nothing here drives it", name)
		}
	}
	for _, file := range []string{"a.csv", "moves.html", "t.pdf", "o.xlsx"} {
		v := l.json(0, "audit", "verify", "--file", out(file))
		require.NotEmpty(t, v["signed_by"], file)
		data, err := os.ReadFile(out(file))
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(out(file), data, 0o600))
		require.Equal(t, false, l.json(4, "audit", "verify", "--file", out(file))["ok"])
	}
	require.Equal(t, true, l.json(0, "audit", "verify")["ok"])
}
