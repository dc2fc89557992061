package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
)

const (
	ofRules = `{"queue":{"paused","paused_at","paused_by","paused_why","windows","window_open","window_opens_at","window_closes_at","per_fleet","per_shard","changed_by","changed_at"}}`
	ofQueue = `{"queue":{"paused","paused_at","paused_by","paused_why","windows","window_open","window_opens_at","window_closes_at","per_fleet","per_shard","changed_by","changed_at"},"running","waiting","workers","runs":[{"move_id","tenant","label","source","target","action","state","priority","not_before","created_by","created_at","worker","waits","waits_text"}]}`
)

func TestTheQueueIsPausedAndBounded(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 1)
	l.tenant("8", "default", 8000, 1)
	free := l.kept(ofQueue, 0, "move", "queue")
	require.Equal(t, free, l.kept(ofQueue, 0, "move", "queue", "show"))
	text := l.ok("move", "queue")
	for _, want := range []string{"Paused", "no", "none, moves begin at any time", "no limit", "2 at once", "0 runs waiting, 0 running.", "No worker is alive"} {
		require.Contains(t, text, want)
	}

	// Who may: an operator stops the queue and goes on, an admin sets its rules.
	l.json(0, "fleet", "operator", "set", "bob@example.com", "--role", "operator", "--note", "on call")
	l.json(0, "fleet", "operator", "set", "eve@example.com", "--role", "viewer", "--note", "looks")
	l.refused(3, "reason_missing", "move", "queue", "pause")
	l.refused(3, "role_too_low", "move", "queue", "pause", "--as", "eve@example.com", "--note", "x")
	l.refused(3, "role_too_low", "move", "queue", "window", "none", "--as", "bob@example.com", "--note", "x")
	l.refused(3, "role_too_low", "move", "queue", "limit", "1", "--as", "bob@example.com", "--note", "x")
	l.json(0, "settings", "set", "SHARD_MIGRATIONS_ENABLED", "false")
	paused := l.kept(ofRules, 0, "move", "queue", "pause", "--as", "bob@example.com", "--note", "a disk is full")["queue"].(map[string]any)
	require.Equal(t, true, paused["paused"])
	require.Equal(t, "bob@example.com", paused["paused_by"])
	require.Equal(t, "a disk is full", paused["paused_why"])
	l.refused(3, "flag_off", "move", "queue", "resume", "--note", "x")
	l.json(0, "settings", "set", "SHARD_MIGRATIONS_ENABLED", "true")
	e := l.refused(3, "queue_state", "move", "queue", "pause", "--note", "me too")
	require.Contains(t, e["message"], "paused already, by bob@example.com since")
	require.Contains(t, e["message"], "a disk is full")

	// A pause is seen wherever moves are.
	const notice = "The queue is paused by bob@example.com since"
	for _, args := range [][]string{{"move", "list"}, {"shards", "status"}} {
		require.Contains(t, l.ok(args...), notice)
		seen := l.json(0, args...)["queue"].(map[string]any)
		require.Equal(t, paused["paused_at"], seen["paused_at"], "%v", args)
		require.Equal(t, "a disk is full", seen["paused_why"])
	}
	m := l.json(0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--priority", "4", "--note", "room")
	id := m["id"].(string)
	require.Contains(t, m["notice"], "the queue is paused by bob@example.com")
	require.Contains(t, m["notice"], "no worker is alive")
	stop := l.working()
	time.Sleep(1500 * time.Millisecond) // some looks at the queue
	q := l.kept(ofQueue, 0, "move", "queue")
	run := list(t, q, "runs")[0]
	require.Equal(t, []any{id, "start", "queued", "pause"}, []any{run["move_id"], run["action"], run["state"], run["waits"]})
	require.Equal(t, "4", fmt.Sprint(run["priority"]))
	require.Equal(t, "planned", l.json(0, "move", "show", id)["state"])
	text = l.ok("move", "queue")
	require.Contains(t, text, "by bob@example.com since")
	require.Contains(t, text, "1 run waiting, 0 running. Alive to carry them out: 1 worker.")
	require.Contains(t, text, "start")
	// What brings a tenant back is not kept from it.
	m = l.json(0, "move", "start", "sub8", "shard_1", "--note", "room")
	require.Equal(t, "cancelled", l.json(0, "move", "cancel", m["id"].(string), "--wait", "--note", "no")["state"])

	require.Equal(t, false, l.kept(ofRules, 0, "move", "queue", "resume", "--as", "bob@example.com", "--note", "there is room")["queue"].(map[string]any)["paused"])
	require.Equal(t, "retained", l.json(0, "move", "watch", id)["state"])
	require.NotContains(t, l.ok("move", "list"), "paused")
	l.refused(3, "queue_state", "move", "queue", "resume", "--note", "again")
	stop()

	events := list(t, l.json(0, "audit", "list", "--action", "queue.pause"), "events")
	require.Len(t, events, 1)
	require.Equal(t, []any{"bob@example.com", "a disk is full"}, []any{events[0]["actor"], events[0]["note"]})
	events = list(t, l.json(0, "audit", "list", "--action", "queue.resume"), "events")
	require.Len(t, events, 1)
	before := events[0]["before"].(map[string]any)
	require.Equal(t, []any{"bob@example.com", "a disk is full"}, []any{before["by"], before["why"]})

	// Limits.
	limited := l.json(0, "move", "queue", "limit", "3", "--note", "a small fleet")["queue"].(map[string]any)
	require.EqualValues(t, 3, limited["per_fleet"])
	limited = l.json(0, "move", "queue", "limit", "1", "--per-shard", "--note", "slow disks")["queue"].(map[string]any)
	require.Equal(t, []any{3.0, 1.0}, []any{limited["per_fleet"], limited["per_shard"]})
	require.Contains(t, l.ok("move", "queue"), "3 at once")
	limited = l.json(0, "move", "queue", "limit", "none", "--note", "a large fleet")["queue"].(map[string]any)
	require.Equal(t, []any{nil, 1.0}, []any{limited["per_fleet"], limited["per_shard"]})
	for _, bad := range []string{"0", "10001", "many", "1.5"} {
		l.refused(2, "usage", "move", "queue", "limit", bad, "--note", "x")
	}
	l.refused(2, "usage", "move", "queue", "limit", "--note", "x")
}

// working runs a worker until the returned function is called.
func (l *lab) working() func() {
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var out, errs bytes.Buffer
		if exit := cli.Main(ctx, cli.Faces{}, []string{"--home", l.home, "--json", "worker"}, strings.NewReader(""), &out, &errs); exit != 0 {
			l.t.Errorf("the worker ended with %d: %s%s", exit, out.String(), errs.String())
		}
	}()
	stop := func() { cancel(); <-done }
	l.t.Cleanup(stop)
	return stop
}

func TestMaintenanceWindows(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 1)
	for _, bad := range [][]string{{}, {"sometimes"}, {"sat 22:00-04:00"}, {"sat 22:00-04:00 Europe/Lisboa"}, {"sat 22:00-22:00 UTC"}, {"always"}} {
		l.refused(2, "usage", append(append([]string{"move", "queue", "window"}, bad...), "--note", "x")...)
	}
	from := time.Now().UTC().Add(90 * time.Minute)
	spec := fmt.Sprintf("daily %s-%s UTC", from.Format("15:04"), from.Add(time.Hour).Format("15:04"))
	set := l.kept(ofRules, 0, append(append([]string{"move", "queue", "window"}, strings.Fields(spec)...), "--note", "not by day")...)["queue"].(map[string]any)
	require.Equal(t, spec, set["windows"])
	require.Equal(t, false, set["window_open"])
	require.Equal(t, from.Truncate(time.Minute).Format(time.RFC3339), set["window_opens_at"])
	require.Contains(t, l.ok("move", "queue"), "closed, opens at "+from.Format("2006-01-02 15:04"))
	require.Contains(t, l.ok("move", "list"), "No maintenance window is open, the next one opens at "+from.Format("2006-01-02 15:04"))

	// With --wait as well; Ctrl-C parks it.
	ctx, cancel := context.WithCancel(t.Context())
	look := l.super(0)
	go func() {
		// Once it waits for the window, however long planning it takes.
		for filed := 0; filed == 0 && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			_ = look.QueryRow(ctx, "SELECT count(*) FROM shard_admin.run").Scan(&filed)
		}
		time.Sleep(time.Second)
		cancel()
	}()
	m := l.stopped(ctx, cancel, "move", "start", "sub7", "shard_1", "--wait", "--note", "room")
	require.Equal(t, "planned", m["state"])
	require.Equal(t, "move_parked", m["error"].(map[string]any)["code"])
	r := l.run("move", "resume", m["id"].(string), "--note", "in the window then")
	require.Equal(t, 0, r.exit, r.stderr)
	require.Contains(t, strings.Join(strings.Fields(r.out), " "), "the next maintenance window ("+spec+") opens at")
	set = l.json(0, "move", "queue", "window", "none", "--note", "an emergency")["queue"].(map[string]any)
	require.Equal(t, []any{"", true}, []any{set["windows"], set["window_open"]})
	require.Equal(t, "retained", l.json(0, "move", "resume", m["id"].(string), "--wait", "--note", "now")["state"])
	events := list(t, l.json(0, "audit", "list", "--action", "queue.set"), "events")
	require.Len(t, events, 2)
	require.Equal(t, spec, events[0]["before"].(map[string]any)["windows"])
}
