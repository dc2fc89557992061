package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

const ofReport = `{"fleet","environment","made_at","move":{"id","tenant","source","target","mode","state","rows","bytes","write_pause_ms","read_only_since","verified","started_at","finished_at","error","next":[]},"mode_reason","phases":[{"phase","began_at","ended_at","duration_ms"}],"steps":[{"at","state","step","error_code"}],"tables":[{"table","kind","rows","bytes","rows_copied","bytes_copied","verified"}],"decisions":[{"table","key","case","choices":[],"choice"}],"shared_copies":[{"table","key"}],"kept_on_source":[{"table","key"}],"refused_writes":[{"shard","count"}],"events":[{"id","at","actor","actor_role","action","tenant","source","target","status","note","move_id","hash"}],"chain_ok","chain_reason","safe"}`

// report is the report of a move, held against the contract: its phases follow
// each other without a gap, and its events are those of the trail.
func (l *lab) report(id string) (map[string]any, []string) {
	l.t.Helper()
	v := l.kept(ofReport, 0, "move", "report", id)
	names := []string{}
	var last any
	for _, p := range list(l.t, v, "phases") {
		if last != nil {
			require.Equal(l.t, last, p["began_at"])
		}
		last = p["ended_at"]
		names = append(names, p["phase"].(string))
		if last == nil {
			continue
		}
		began, err := time.Parse(time.RFC3339Nano, p["began_at"].(string))
		require.NoError(l.t, err)
		ended, err := time.Parse(time.RFC3339Nano, last.(string))
		require.NoError(l.t, err)
		require.Equal(l.t, fmt.Sprint(ended.Sub(began).Milliseconds()), p["duration_ms"].(json.Number).String())
	}
	trail := map[string]string{}
	for _, e := range list(l.t, l.json(0, "audit", "list", "--limit", "500"), "events") {
		if e["move_id"] == v["move"].(map[string]any)["id"] {
			trail[e["id"].(string)] = e["hash"].(string)
		}
	}
	events := list(l.t, v, "events")
	require.Len(l.t, events, len(trail))
	require.Equal(l.t, []any{"move.start", "intent"}, []any{events[0]["action"], events[0]["phase"]})
	for _, e := range events {
		require.Equal(l.t, trail[e["id"].(string)], e["hash"])
	}
	require.Equal(l.t, true, v["chain_ok"])
	l.ok("move", "report", id)
	return v, names
}

func refusals(t *testing.T, v map[string]any) []string {
	t.Helper()
	out := []string{}
	for _, r := range list(t, v, "refused_writes") {
		out = append(out, fmt.Sprint(r["shard"], " ", r["count"]))
	}
	return out
}

func took(t *testing.T, v map[string]any, phases ...string) int64 {
	t.Helper()
	sum := int64(0)
	for _, p := range list(t, v, "phases") {
		for _, name := range phases {
			if p["phase"] == name {
				n, err := p["duration_ms"].(json.Number).Int64()
				require.NoError(t, err)
				sum += n
			}
		}
	}
	return sum
}

func TestAMoveIsReported(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 2)

	// Queued for nobody: there is nothing to report yet.
	id := l.json(0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--hold", "--note", "room")["id"].(string)
	e := l.refused(3, "move_state", "move", "report", id)
	require.Contains(t, e["hint"], "move watch "+id)
	l.refused(3, "move_unknown", "move", "report", "ffff")

	// Held, switched, with writes that came the old way.
	l.json(0, "move", "resume", id, "--wait", "--note", "now")
	_, names := l.report(id)
	require.Equal(t, []string{"Queue", "Check", "Hold"}, names)
	l.json(0, "move", "switch", id, "--wait", "--note", "go")
	app := pgtest.Connect(t, strings.Replace(pgtest.Server(t, 0).URL(pgtest.AppRole, l.dbs[0]), pgtest.AppRole+"@", pgtest.AppRole+":"+pgtest.AppPassword+"@", 1))
	for range 3 {
		_, err := app.Exec(t.Context(), "UPDATE pwb_messages SET title = 'late' WHERE website_id = 7")
		require.ErrorContains(t, err, "SA001")
	}
	want := []string{"Queue", "Check", "Hold", "Check", "Copy", "Verify", "Switch", "Watch"}
	v, names := l.report(id)
	require.Equal(t, want, names)
	refused := refusals(t, v)
	require.Equal(t, "shard_1 0", refused[1])
	require.NotEqual(t, "default 0", refused[0])
	m := v["move"].(map[string]any)
	pause, err := m["write_pause_ms"].(json.Number).Int64()
	require.NoError(t, err)
	require.Positive(t, pause)
	require.LessOrEqual(t, pause, took(t, v, "Copy", "Verify", "Switch")+5, "writes wait from the fence to the opening of the target")
	require.Nil(t, list(t, v, "phases")[len(want)-1]["ended_at"])
	byName := map[string]map[string]any{}
	for _, x := range list(t, v, "tables") {
		require.Equal(t, true, x["verified"], x["table"])
		byName[x["table"].(string)] = x
	}
	messages := byName["pwb_messages"]["digest"].(map[string]any)
	require.Equal(t, "2", fmt.Sprint(messages["rows"]))
	require.Len(t, messages["sha256"], 64)
	require.Contains(t, v["safe"], "lives on shard_1")

	// What the fence has counted outlives it.
	l.exec(0, "UPDATE shard_admin.move SET switched_at = switched_at - interval '1 hour'")
	l.json(0, "move", "finalize", id, "--wait", "--routing-confirmed", "--note", "logs of a week")
	v, names = l.report(id)
	require.Equal(t, append(want, "Finish"), names)
	require.Equal(t, refused, refusals(t, v))
	require.NotNil(t, list(t, v, "phases")[len(want)]["ended_at"])
	require.Empty(t, v["move"].(map[string]any)["next"])

	// To a file, once.
	text, doc := filepath.Join(t.TempDir(), "report.txt"), filepath.Join(t.TempDir(), "report.json")
	require.Contains(t, l.run("move", "report", id, "-o", text).out, text)
	b, err := os.ReadFile(text)
	require.NoError(t, err)
	fits(t, string(b))
	require.Contains(t, string(b), "Move of sub7 (7) from default to shard_1: finalized")
	require.Equal(t, doc, l.json(0, "move", "report", id, "-o", doc)["file"])
	b, err = os.ReadFile(doc)
	require.NoError(t, err)
	var again map[string]any
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, id, again["move"].(map[string]any)["id"])
	info, err := os.Stat(doc)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	l.refused(2, "usage", "move", "report", id, "-o", doc)
}

func TestMovesThatDidNotGoThroughAreReported(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("8", "default", 8000, 1)
	id := l.json(0, "move", "start", "sub8", "shard_1", "--note", "room")["id"].(string)
	l.json(0, "move", "cancel", id, "--wait", "--note", "no")
	v, names := l.report(id)
	require.Equal(t, "cancelled", v["move"].(map[string]any)["state"])
	require.Equal(t, []string{"Queue", "Check"}, names)
	require.Nil(t, list(t, v, "tables")[0]["digest"])
	require.NotEmpty(t, list(t, v, "tables")[0]["digest_reason"])

	id = l.json(0, "move", "start", "sub8", "shard_1", "--mode", "fenced", "--wait", "--note", "room")["id"].(string)
	l.json(0, "move", "rollback", id, "--wait", "--note", "slow")
	v, names = l.report(id)
	require.Equal(t, []string{"Queue", "Check", "Copy", "Verify", "Switch", "Watch", "Move back"}, names)
	require.Equal(t, []string{"default 0", "shard_1 0"}, refusals(t, v))

	id = l.json(0, "move", "start", "sub8", "shard_1", "--mode", "fenced", "--note", "room")["id"].(string)
	l.exec(1, "ALTER TABLE pwb_messages ADD COLUMN surprise int")
	require.Equal(t, "failed", l.json(3, "move", "resume", id, "--wait", "--note", "now")["state"])
	v, names = l.report(id)
	require.Equal(t, "Stopped", names[len(names)-1])
	steps := list(t, v, "steps")
	require.Equal(t, "schema_different", steps[len(steps)-1]["error_code"])
	require.Equal(t, "schema_different", v["move"].(map[string]any)["error"].(map[string]any)["code"])

	// A trail that was changed proves nothing.
	l.exec(0, `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; UPDATE shard_admin.audit_event SET body = replace(body, 'room', 'rumour')`)
	require.Equal(t, false, l.json(0, "move", "report", id)["chain_ok"])
	require.Contains(t, l.ok("move", "report", id), "NOT PROVEN")
}
