package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/app"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
	"shardadmin/internal/web"
)

// changes says what each call of the page does, so that none can be added without
// somebody having asked what the trail says of it:
//
//	looks   reads only
//	here    changes only this computer: its settings, its keychain, its files
//	demo    changes the local demo fleet, which is made and thrown away as a whole
//
// Anything else is the actions that the trail has of it, and the test below carries
// out each of them.
var changes = map[string]string{
	"Alerts.List": "looks", "Alerts.Test": "looks", "Alerts.Acknowledge": "alert.acknowledge", "Alerts.Silence": "alert.silence", "Alerts.Unsilence": "alert.unsilence",
	"Rebalance.Plan": "looks", "Rebalance.Apply": "rebalance.apply",
	"Audit.List": "looks", "Audit.Facets": "looks", "Audit.Verify": "looks", "Audit.Preview": "looks", "Audit.ReportKinds": "looks", "Audit.Schedules": "looks", "Audit.ShowFolder": "looks", "Audit.Sync": "here", "Audit.Alarms": "looks", "Audit.Restart": "audit.restart", "Audit.Filters": "looks", "Audit.SaveFilter": "here", "Audit.RemoveFilter": "here", "Audit.Export": "audit.export",
	"Moves.Get": "looks", "Moves.List": "looks", "Moves.Plan": "looks", "Moves.Report": "looks", "Moves.SaveReport": "here", "Moves.Workers": "looks", "Moves.Reentry": "looks",
	"Moves.Start": "move.start", "Moves.Act": "move.switch move.resume move.cancel move.rollback move.finalize", "Moves.PauseQueue": "queue.pause", "Moves.ResumeQueue": "queue.resume",
	"Overview.Distribution": "looks", "Overview.Health": "looks", "Overview.Recent": "looks", "Overview.Stats": "looks", "Overview.Status": "looks", "Overview.Views": "looks", "Overview.Compare": "looks", "Overview.History": "looks", "Overview.Sessions": "looks", "Overview.CancelSession": "session.cancel", "Overview.EndSession": "session.terminate",
	"Settings.AddFleet": "here", "Settings.ImportFleet": "here", "Settings.RemoveFleet": "here", "Settings.TryFleet": "looks", "Settings.TryImport": "looks", "Settings.TestFleet": "looks", "Settings.UnknownHost": "looks", "Settings.TrustHost": "here", "Settings.Vault": "looks", "Settings.UnlockVault": "here",
	"Settings.Fleets": "looks", "Settings.Doctor": "looks", "Settings.DemoStatus": "looks", "Settings.StartDemo": "demo", "Settings.Set": "here", "Settings.Settings": "looks",
	"Settings.SetCredential": "credential.set", "Settings.RotateCredential": "credential.rotate", "Settings.ForgetCredential": "credential.forget", "Settings.TestCredential": "looks",
	"Settings.Install": "fleet.install", "Settings.InstallScript": "looks", "Settings.InstallStatus": "looks", "Settings.Policy": "looks", "Settings.SetFlag": "policy.set",
	"Settings.SetOperatorRole": "operator.set", "Shell.Info": "looks", "Shell.SetOperator": "here", "Shell.UseFleet": "here",
	"Tenants.Assign": "tenant.assign", "Tenants.AssignMany": "tenant.assign", "Tenants.WouldAssign": "looks", "Tenants.Check": "looks", "Tenants.Export": "here", "Tenants.Find": "looks", "Tenants.Get": "looks", "Tenants.List": "looks", "Tenants.Map": "looks",
}

// together are the actions that are one commit with the change: there is no moment at
// which only one of them is, so they have no intent.
var together = map[string]bool{
	"fleet.install": true, "operator.set": true, "policy.set": true, "queue.pause": true, "queue.resume": true, "alert.acknowledge": true, "alert.silence": true, "alert.unsilence": true,
}

// filed is an event as the database has it.
type filed struct{ Action, Phase, Note, Actor string }

// trailOf reads the trail from its tables, not through the program.
func trailOf(t testing.TB, control *pgx.Conn) []filed {
	t.Helper()
	var there bool
	require.NoError(t, control.QueryRow(t.Context(), "SELECT to_regclass('shard_admin.audit_link') IS NOT NULL").Scan(&there))
	if !there {
		return nil
	}
	rows, err := control.Query(t.Context(), `SELECT body_json ->> 'action', body_json ->> 'phase', body_json ->> 'reason', body_json ->> 'actor'
		FROM shard_admin.audit_event LEFT JOIN shard_admin.audit_link USING (event_id) ORDER BY seq NULLS LAST, event_id`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[filed])
	require.NoError(t, err)
	return list
}

// Each call of the page that changes something is refused without a reason, leaving
// nothing in the trail, and with one leaves its action with that reason: an outcome,
// and the intent before it unless both are one commit with the change. No other call
// leaves anything.
func TestEveryCallThatChangesIsInTheTrailWithItsReason(t *testing.T) {
	t.Parallel()
	h, dbs := emptyFleet(t, fleet.Staging)
	control := pgtest.Connect(t, pgtest.Server(t, 0).URL("", dbs[0]))
	m := filltest.Map(t, control, profile)
	for i := range 6 {
		id := fmt.Sprint(7 + i)
		tenant(t, control, id)
		filltest.Tenant(t, control, m, id, 7000+1000*i, 1)
	}
	for i := range 9 {
		tenant(t, control, fmt.Sprint(20+i))
	}
	for n, db := range dbs { // a plan is made of what the statistics say
		pgtest.Exec(t, pgtest.Server(t, n), db, "ANALYZE")
	}
	p := serve(t, web.Options{Home: h, Fleet: fleetName}).enter()
	must := func(method, args string) map[string]any {
		t.Helper()
		status, text, _ := p.call(method, args)
		require.Equal(t, http.StatusOK, status, "%s %s: %s", method, args, text)
		var v map[string]any
		if strings.HasPrefix(text, "{") {
			require.NoError(t, json.Unmarshal([]byte(text), &v))
		}
		return v
	}
	// settled waits until nobody works on a move any more.
	settled := func(id string) {
		t.Helper()
		require.Eventually(t, func() bool { return must("Moves/Get", `["`+id+`"]`)["settled"] == true }, 2*time.Minute, 100*time.Millisecond)
	}

	driven := map[string]bool{}
	change := func(method, action, args string) map[string]any {
		t.Helper()
		before := trailOf(t, control)
		status, text, _ := p.call(method, strings.Replace(args, "NOTE", "", 1))
		require.Equal(t, http.StatusConflict, status, "%s %s without a reason: %s", method, action, text)
		require.Contains(t, text, "reason_missing", "%s %s", method, action)
		require.Len(t, trailOf(t, control), len(before), "%s left something although it was refused", method)
		note := fmt.Sprintf("reason %d of %s", len(driven), action)
		status, text, _ = p.call(method, strings.Replace(args, "NOTE", note, 1))
		require.Equal(t, http.StatusOK, status, "%s %s: %s", method, args, text)
		outcome, intent := false, together[action]
		require.Eventually(t, func() bool {
			for _, e := range trailOf(t, control)[len(before):] {
				if e.Action == action && e.Note == note && e.Actor != "" {
					outcome, intent = outcome || e.Phase == "outcome", intent || e.Phase == "intent"
				}
			}
			return outcome
		}, time.Minute, 50*time.Millisecond, "%s %s has no outcome with its reason", method, action)
		require.True(t, intent, "%s %s has no intent with its reason", method, action)
		driven[method+" "+action] = true
		var v map[string]any
		_ = json.Unmarshal([]byte(text), &v) // some answer nothing
		return v
	}

	// What opens the control database is kept before that is there, so it needs no
	// reason.
	var waited filed
	kept := func(method, action, args, note string) {
		t.Helper()
		must("Settings/"+method, args)
		var did, actor, why string
		require.NoError(t, control.QueryRow(t.Context(), `SELECT count(*)::text, max(body_json ->> 'actor'), max(body_json ->> 'reason') FROM shard_admin.audit_event
			WHERE body_json ->> 'action' = $1 AND body_json ->> 'phase' = 'outcome' AND body_json -> 'details' ->> 'credential' = 'api-token' AND body_json -> 'details' ? 'done_at'`, action).Scan(&did, &actor, &why))
		require.Equal(t, []string{"1", waited.Actor, note}, []string{did, actor, why}, action)
		driven["Settings/"+method+" "+action] = true
	}
	change("Settings/Install", "fleet.install", `[{"admin":"ann@example.com","note":"NOTE"}]`)
	waited = trailOf(t, control)[0]
	kept("SetCredential", "credential.set", `[{"name":"api-token","password":"first-secret-4471-of-the-tests","note":"for Prometheus"}]`, "for Prometheus")
	kept("RotateCredential", "credential.rotate", `[{"name":"api-token","password":"second-secret-4472-of-the-tests","note":"it is a year old"}]`, "it is a year old")
	kept("ForgetCredential", "credential.forget", `["api-token"]`, "credential api-token of this computer")
	var secrets int
	require.NoError(t, control.QueryRow(t.Context(), `SELECT count(*) FROM shard_admin.audit_event WHERE body ~ 'secret-447'`).Scan(&secrets))
	require.Zero(t, secrets)
	looked(t, p, control, nil)

	change("Settings/SetOperatorRole", "operator.set", `[{"email":"carl@example.com","role":"viewer","note":"NOTE"}]`)
	change("Settings/SetFlag", "policy.set", `[{"flag":"SHARD_BULK_OPS_ENABLED","on":true,"note":"NOTE"}]`)
	change("Moves/PauseQueue", "queue.pause", `[{"note":"NOTE"}]`)
	change("Moves/ResumeQueue", "queue.resume", `[{"note":"NOTE"}]`)
	change("Tenants/Assign", "tenant.assign", `[{"tenant":"20","shard":"shard_1","note":"NOTE"}]`)
	change("Tenants/AssignMany", "tenant.assign", `[{"where":{"tenants":["21","22"]},"shard":"shard_1","note":"NOTE"}]`)
	change("Audit/Export", "audit.export", `[{"format":"csv","note":"NOTE"}]`)
	must("Audit/Sync", "[]")
	change("Audit/Restart", "audit.restart", `["NOTE"]`)

	_, err := control.Exec(t.Context(), `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at) VALUES ('long_query', 'shard_9', 'warning', 'a query runs long', 'firing', now(), now())`)
	require.NoError(t, err)
	var alert int64
	require.NoError(t, control.QueryRow(t.Context(), "SELECT max(id) FROM shard_admin.alert").Scan(&alert))
	change("Alerts/Acknowledge", "alert.acknowledge", fmt.Sprintf(`[%d,"NOTE"]`, alert))
	silence := change("Alerts/Silence", "alert.silence", `[{"shard":"shard_1","ends":"2h","note":"NOTE"}]`)
	change("Alerts/Unsilence", "alert.unsilence", fmt.Sprintf(`[%v,"NOTE"]`, silence["id"]))

	for _, end := range []struct{ method, action string }{{"Overview/CancelSession", "session.cancel"}, {"Overview/EndSession", "session.terminate"}} {
		c := pgtest.Connect(t, pgtest.Server(t, 1).URL("", dbs[1]))
		slept := make(chan error, 1)
		go func() {
			_, err := c.Exec(context.Background(), "SELECT pg_sleep(600)")
			slept <- err
		}()
		pid := c.PgConn().PID()
		watch := pgtest.Connect(t, pgtest.Server(t, 1).URL("", dbs[1]))
		require.Eventually(t, func() bool {
			var state string
			require.NoError(t, watch.QueryRow(t.Context(), "SELECT coalesce(max(state), '') FROM pg_stat_activity WHERE pid = $1", pid).Scan(&state))
			return state == "active"
		}, 10*time.Second, 10*time.Millisecond)
		change(end.method, end.action, fmt.Sprintf(`[{"shard":"shard_1","pid":%d,"note":"NOTE"}]`, pid))
		require.Error(t, <-slept)
	}

	// Moves that another computer has queued are acted on, and one of the page's own.
	s, err := h.Session(t.Context(), fleetName, home.SessionOptions{Source: "cli"})
	require.NoError(t, err)
	defer s.Close()
	queued := func(tenant string, hold bool) string {
		t.Helper()
		v, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: "fenced", Hold: hold, Note: "a move to act on"})
		require.NoError(t, err)
		return v.ID
	}
	act := func(what, id, more string) {
		t.Helper()
		change("Moves/Act", "move."+what, `["`+what+`",{"id":"`+id+`","note":"NOTE"`+more+`}]`)
		settled(id)
	}
	act("cancel", queued("7", false), "")
	held := queued("8", true)
	act("resume", held, "")
	act("switch", held, "")
	act("rollback", held, "")
	started, _ := change("Moves/Start", "move.start", `[{"tenant":"9","target":"shard_1","mode":"fenced","note":"NOTE"}]`)["id"].(string)
	settled(started)
	act("finalize", started, `,"routing_confirmed":true`)
	looked(t, p, control, []string{held, started})

	change("Rebalance/Apply", "rebalance.apply", `[{"strategy":"fewest-moves","by":["count"],"note":"NOTE"}]`)

	for name, does := range changes {
		for _, a := range strings.Fields(does) {
			if strings.Contains(a, ".") {
				require.True(t, driven[strings.Replace(name, ".", "/", 1)+" "+a], "%s changes something (%s) and nothing here drives it", name, a)
			}
		}
	}
	require.Equal(t, true, must("Audit/Verify", "[]")["ok"])
}

// looked calls everything that changes nothing in the fleet, about nothing, about what
// is not there, and about what is, and finds the trail as it was.
func looked(t *testing.T, p *page, control *pgx.Conn, moves []string) {
	t.Helper()
	real := map[string][]string{
		"Audit/Preview": {`[{"kind":"changes"}]`, `[{"kind":"access"}]`, `[{"kind":"tenant","filter":{"tenant":"7"}}]`},
		"Moves/Plan":    {`[{"tenant":"10","target":"shard_1"}]`},
		"Alerts/Test":   {`["none"]`},
	}
	for _, id := range moves {
		for _, method := range []string{"Moves/Get", "Moves/Report", "Moves/SaveReport"} {
			real[method] = append(real[method], `["`+id+`"]`)
		}
	}
	there := map[string]bool{}
	for _, s := range app.New(app.Options{}).Services() {
		v := reflect.ValueOf(s)
		for i := range v.NumMethod() {
			name := v.Elem().Type().Name() + "." + v.Type().Method(i).Name
			there[name] = true
			does, ok := changes[name]
			if !ok {
				t.Errorf("%s: say in changes what the trail has of this call of the page", name)
			}
			if strings.Contains(does, ".") {
				continue
			}
			method := strings.Replace(name, ".", "/", 1)
			lists := append(append([]string{}, given[method]...), real[method]...)
			if len(lists) == 0 {
				lists = []string{"[]"}
			}
			for _, args := range lists {
				before := trailOf(t, control)
				status, text, _ := p.call(method, args)
				require.NotEqual(t, http.StatusNotFound, status, "%s: %s", method, text)
				require.NotContains(t, text, "the arguments are", "%s %s", method, args)
				after := trailOf(t, control)
				require.Equal(t, before, after, "%s %s says that it %s, and the trail has more than before", name, args, does)
			}
		}
	}
	for name := range changes {
		require.True(t, there[name], "%s is listed and is no more", name)
	}
}
