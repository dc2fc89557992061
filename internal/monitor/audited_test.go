//go:build unix

package monitor_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/monitor"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// changes are the routes of the API that change something, with the action that the
// trail has of each. There is none: whoever adds one drives it here, without a reason
// and with one, as the test of the page's calls does.
var changes = map[string]string{}

// Every route that the API describes is called, and none leaves anything in the trail.
// No other method than the one described is answered, so nothing else can.
func TestEveryRouteLooksOnly(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	s := f.Session
	events := func() []session.Event {
		t.Helper()
		list, err := s.Events(t.Context(), session.AuditFilter{Limit: 1000})
		require.NoError(t, err)
		return list.Events
	}
	r := serve(t, monitor.Options{Session: s, Figures: func() session.Figures { return session.Figures{Fleet: "test"} }})
	status, _, body := r.ask(http.MethodGet, r.url+"/openapi.json")
	require.Equal(t, http.StatusOK, status, body)
	var doc struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	require.Greater(t, len(doc.Paths), 5)
	before := events()
	require.NotEmpty(t, before)
	for path, methods := range doc.Paths {
		for method := range methods {
			route := strings.ToUpper(method) + " " + path
			if method != "get" {
				require.NotEmpty(t, changes[route], "%s: say in changes what the trail has of it, and drive it", route)
			}
		}
		at := r.root + strings.ReplaceAll(path, "{name}", "default")
		status, _, body := r.ask(http.MethodGet, at)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		require.Equal(t, before, events(), "%s left something in the trail", path)
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if changes[method+" "+path] != "" {
				continue
			}
			status, _, body := r.ask(method, at)
			require.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusNotFound}, status, "%s %s: %s", method, path, body)
			require.Equal(t, before, events(), "%s %s left something in the trail", method, path)
		}
	}
}
