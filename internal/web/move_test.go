package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/app"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
	"shardadmin/internal/web"
)

// A person starts a move in the page and looks on: the app carries it out, and
// tells every step, and goes on although the person looks at something else.
func TestAMoveFromThePage(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Home: fleetHome(t), Fleet: "test"}).enter()
	next := p.stream(t.Context())
	text, err := next()
	require.NoError(t, err)
	require.Contains(t, text, `"ready"`)

	view := func(method, args string) session.MoveView {
		t.Helper()
		status, text, _ := p.call(method, args)
		require.Equal(t, http.StatusOK, status, text)
		var v session.MoveView
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		return v
	}
	until := func(id, state string) session.MoveView {
		t.Helper()
		for {
			text, err := next()
			require.NoError(t, err)
			require.LessOrEqual(t, len(text), 9<<10)
			var e struct {
				Event   string
				Payload session.MoveView
			}
			require.NoError(t, json.Unmarshal([]byte(text), &e))
			if e.Event != "move" || e.Payload.ID != id {
				continue
			}
			require.NotEqual(t, "failed", e.Payload.State, text)
			if e.Payload.State == state && e.Payload.Settled {
				return e.Payload
			}
		}
	}
	m := view("Moves/Start", `[{"tenant":"sub7","target":"shard_1","mode":"fenced","note":"from the page"}]`)
	for _, call := range [][2]string{
		{"Settings/Set", `["TENANT_ADMIN_EMAILS","ann@example.com"]`}, // opens the fleet anew
		{"Moves/List", `["",5]`},
		{"Settings/AddFleet", `[{"name":"other","environment":"staging","profile":"property_web_builder","control":"postgres://ops@127.0.0.1:1/none","shards":[{"name":"default","url":"control"}]}]`},
		{"Shell/UseFleet", `["other"]`},
	} {
		status, text, _ := p.call(call[0], call[1])
		require.Equal(t, http.StatusOK, status, text)
	}
	status, text, _ := p.call("Moves/Get", `["`+m.ID+`"]`)
	require.Equal(t, http.StatusBadGateway, status, "another fleet is on the screen: %s", text)
	done := until(m.ID, "retained")
	status, text, _ = p.call("Shell/UseFleet", `["test"]`)
	require.Equal(t, http.StatusOK, status, text)
	require.True(t, done.Verified)
	require.Positive(t, done.RowsCopied)

	m = view("Moves/Act", `["rollback",{"id":"`+m.ID+`","note":"back"}]`)
	until(m.ID, "rolled_back")
	m = view("Moves/Get", `["`+m.ID+`"]`)
	require.Equal(t, "rolled_back", m.State)
	require.NotEmpty(t, m.Tables)
	require.Equal(t, "ann@example.com", m.CreatedBy)

	// The report is the program's, shown and saved.
	status, text, _ = p.call("Moves/Report", `["`+m.ID+`"]`)
	require.Equal(t, http.StatusOK, status, text)
	var report, saved session.MoveReport
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	require.Equal(t, m.ID, report.Move.ID)
	require.True(t, report.ChainOK, report.ChainReason)
	require.NotEmpty(t, report.Events)
	require.NotEmpty(t, report.Phases)
	status, text, _ = p.call("Moves/SaveReport", `["`+m.ID+`"]`)
	require.Equal(t, http.StatusOK, status, text)
	var file app.MoveReportFile
	require.NoError(t, json.Unmarshal([]byte(text), &file))
	written, err := os.ReadFile(file.Path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(written, &saved))
	saved.MadeAt, saved.Move.Owner = report.MadeAt, report.Move.Owner // its lease may just be ending
	require.Equal(t, report, saved)
	mode, err := os.Stat(file.Path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), mode.Mode().Perm())

	// The queue is paused and goes on, with a reason.
	for _, change := range []struct{ call, args, by string }{
		{"Moves/PauseQueue", `[{"note":"a disk is full","confirm":""}]`, "ann@example.com"}, {"Moves/ResumeQueue", `[{"note":"there is room","confirm":""}]`, ""},
	} {
		status, text, _ = p.call(change.call, change.args)
		require.Equal(t, http.StatusOK, status, text)
		var q session.QueueState
		require.NoError(t, json.Unmarshal([]byte(text), &q))
		require.Equal(t, change.by != "", q.Paused)
		require.Equal(t, change.by, q.PausedBy)
		require.Equal(t, q.Paused, q.PausedAt != nil)
		status, text, _ = p.call("Moves/List", `["",5]`)
		require.Equal(t, http.StatusOK, status, text)
		var list session.MoveList
		require.NoError(t, json.Unmarshal([]byte(text), &list))
		require.Equal(t, &q, list.Queue)
	}

	status, text, _ = p.call("Audit/Export", `[{"format":"csv","filter":{"tenant":"7"},"note":"for the auditor"}]`)
	require.Equal(t, http.StatusOK, status, text)
	var export session.AuditExport
	require.NoError(t, json.Unmarshal([]byte(text), &export))
	require.FileExists(t, export.File)
	info, err := os.Stat(export.File)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Positive(t, export.Count)
}

// What somebody else queued waits until this computer is told to run it.
func TestThisComputerRunsQueuedWork(t *testing.T) {
	t.Parallel()
	h := fleetHome(t)
	s, err := h.Session(t.Context(), "test", home.SessionOptions{Source: "cli"})
	require.NoError(t, err)
	defer s.Close()
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "sub8", Target: "shard_1", Mode: "fenced", Note: "for whoever runs it"})
	require.NoError(t, err)

	p := serve(t, web.Options{Home: h}).enter()
	workers := func() string {
		status, text, _ := p.call("Moves/Workers", "[]")
		require.Equal(t, http.StatusOK, status, text)
		return strings.TrimSpace(text)
	}
	require.Equal(t, "0", workers())
	status, text, _ := p.call("Settings/Set", `["run_queued_work","true"]`)
	require.Equal(t, http.StatusOK, status, text)
	v, err := s.Watch(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "retained", v.State)
	require.Equal(t, "1", workers())
	status, text, _ = p.call("Settings/Set", `["run_queued_work","false"]`)
	require.Equal(t, http.StatusOK, status, text)
	require.Eventually(t, func() bool { return workers() == "0" }, 30*time.Second, 100*time.Millisecond)
}
