package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A control database that a newer binary has upgraded is read; every change is
// refused and names both versions.
func TestANewerSchemaIsReadAndNotChanged(t *testing.T) {
	t.Parallel()
	l := populated(t)
	move := l.json(0, "move", "start", "7", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	l.exec(0, "INSERT INTO shard_admin.version (version_id, is_applied) VALUES (4711, true)")
	before, trail := l.all(), len(list(t, l.json(0, "audit", "list", "--limit", "500"), "events"))
	for _, args := range [][]string{
		{"shards", "assign", "9", "shard_1", "--note", "x"},
		{"move", "start", "9", "shard_1", "--wait", "--note", "x"},
		{"move", "switch", move, "--wait", "--note", "x"},
		{"move", "resume", move, "--wait", "--note", "x"},
		{"move", "cancel", move, "--wait", "--note", "x"},
		{"move", "rollback", move, "--wait", "--note", "x"},
		{"move", "finalize", move, "--wait", "--note", "x"},
		{"fleet", "install", "--note", "x"},
		{"fleet", "uninstall", "--note", "x"},
		{"fleet", "operator", "set", "eve@example.com", "--role", "viewer", "--note", "x"},
		{"fleet", "policy", "set", "SHARD_ADMIN_ENABLED", "true", "--note", "x"},
		{"fleet", "stripe-sequences", "--apply", "--note", "x"},
		{"audit", "export", "--format", "csv", "-o", l.home + "/trail.csv", "--note", "x"},
		{"worker"},
	} {
		e := l.refused(3, "schema_newer", args...)
		require.Contains(t, e["message"], "version 4711, this program knows", args)
	}
	alike(t, before, l.all(), "a newer schema")
	require.Len(t, list(t, l.json(0, "audit", "list", "--limit", "500"), "events"), trail)
	for _, args := range [][]string{
		{"shards", "status"},
		{"shards", "distribution"},
		{"tenants", "list"},
		{"tenants", "show", "7"},
		{"move", "list"},
		{"move", "show", move},
		{"audit", "verify"},
		{"audit", "sync"},
		{"fleet", "policy", "show"},
		{"fleet", "stripe-sequences", "--plan"},
	} {
		l.json(0, args...)
	}
	require.Contains(t, l.json(0, "shards", "status")["install_note"], "version 4711")
	// The newer binary is gone: an older schema says how it is upgraded.
	l.exec(0, "DELETE FROM shard_admin.version WHERE version_id IN (4711, (SELECT max(version_id) FROM shard_admin.version WHERE version_id < 4711))")
	require.Contains(t, l.refused(3, "schema_older", "shards", "assign", "9", "shard_1", "--note", "x")["hint"], "fleet install")
}

// A run that a newer engine has made is never taken over: not by a person with
// the older binary, and not by its worker, which leaves it to the newer one.
func TestANewerEnginesMoveIsLeftAlone(t *testing.T) {
	t.Parallel()
	l := populated(t)
	move := l.json(0, "move", "start", "7", "shard_1", "--note", "x")["id"].(string)
	l.exec(0, "UPDATE shard_admin.move SET engine = engine + 1")
	before := l.all()
	for _, args := range [][]string{
		{"move", "resume", move, "--wait", "--note", "x"},
		{"move", "cancel", move, "--wait", "--note", "x"},
	} {
		e := l.refused(3, "engine_newer", args...)
		require.Contains(t, e["message"], "made by engine 2, this is engine 1", args)
	}
	run := func() string {
		return rows(t, l.super(0), "SELECT concat_ws(' ', state, attempt, not_before > now()) FROM shard_admin.run")[0]
	}
	require.Equal(t, "queued 0 f", run())
	l.works(func() bool { return strings.HasPrefix(run(), "queued 1") })
	require.Equal(t, "queued 1 t", run(), "it waits for a worker that knows it")
	alike(t, before, l.all(), "a newer engine")
	require.Equal(t, "planned", l.json(0, "move", "show", move)["state"])
	require.Equal(t, []string{"move.start intent"}, rows(t, l.super(0), fmt.Sprintf("SELECT concat_ws(' ', body_json ->> 'action', body_json ->> 'phase') FROM shard_admin.audit_event WHERE body_json ->> 'move_id' = '%s'", move)))
	// With the engine that made it, it is done.
	l.exec(0, "UPDATE shard_admin.move SET engine = engine - 1; UPDATE shard_admin.run SET not_before = now()")
	deadline := time.Now().Add(time.Minute)
	l.works(func() bool {
		return l.json(0, "move", "show", move)["state"] == "retained" || time.Now().After(deadline)
	})
	require.Equal(t, "retained", l.json(0, "move", "show", move)["state"])
}
