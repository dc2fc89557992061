package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
	"shardadmin/internal/web"
)

// A person starts a move in the page and looks on: the app carries it out, and
// tells every step, and goes on although the person looks at something else.
func TestAMoveFromThePage(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Home: fleetHome(t)}).enter()
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
	done := until(m.ID, "retained")
	require.True(t, done.Verified)
	require.Positive(t, done.RowsCopied)

	m = view("Moves/Act", `["rollback",{"id":"`+m.ID+`","note":"back"}]`)
	until(m.ID, "rolled_back")
	m = view("Moves/Get", `["`+m.ID+`"]`)
	require.Equal(t, "rolled_back", m.State)
	require.NotEmpty(t, m.Tables)
	require.Equal(t, "ann@example.com", m.CreatedBy)

	status, text, _ := p.call("Audit/Export", `["csv",{"tenant":"7"},"for the auditor"]`)
	require.Equal(t, http.StatusOK, status, text)
	var export session.AuditExport
	require.NoError(t, json.Unmarshal([]byte(text), &export))
	require.FileExists(t, export.File)
	info, err := os.Stat(export.File)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Positive(t, export.Count)
}
