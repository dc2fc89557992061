package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/app"
	"shardadmin/internal/policy"
)

// Changes says what each command and each call of the page does, so that none
// can be added without somebody having asked what the trail says of it:
//
//	looks   reads only
//	here    changes only this computer: its settings, its keychain, its files
//	demo    changes the local demo fleet, which is made and thrown away as a whole
//	works   carries out what others have recorded, and records what the fleet file
//	        asks for
//
// Anything else is the action that the trail has of it.
func Changes() map[string]string {
	return map[string]string{
		"audit list": "looks", "audit filters": "looks", "audit filters save": "here", "audit filters remove": "here", "audit verify": "looks", "audit sync": "here", "audit export": "audit.export",
		"audit checkpoint": "audit.checkpoint", "audit key enroll": "audit.key.enroll", "audit key revoke": "audit.key.revoke", "audit key list": "looks", "audit archive": "audit.export", "audit purge": "audit.purge", "audit erase": "audit.erase",
		"alerts list": "looks", "alerts ack": "alert.acknowledge", "alerts silence": "alert.silence", "alerts unsilence": "alert.unsilence", "notify test": "looks",
		"rebalance plan": "looks", "rebalance apply": "rebalance.apply",
		"report list": "looks", "report schedules": "looks", "report access": "audit.export", "report changes": "audit.export", "report failed": "audit.export", "report moves": "audit.export",
		"report operator": "audit.export", "report schema": "audit.export", "report tenant": "audit.export",
		"demo": "demo", "demo down": "demo", "demo reset": "demo", "demo status": "looks", "doctor": "looks", "map": "looks", "serve": "works", "worker": "works", "version": "looks",
		"fleet add": "here", "fleet import": "here", "fleet remove": "here", "fleet use": "here", "fleet trust": "here", "fleet list": "looks", "fleet show": "looks", "fleet check": "looks",
		"fleet credential set": "here", "fleet credential rotate": "here", "fleet credential forget": "here", "fleet credential test": "looks",
		"fleet install": "fleet.install", "fleet uninstall": "fleet.uninstall", "fleet operator list": "looks", "fleet operator set": "operator.set", "fleet operator remove": "operator.set",
		"fleet policy show": "looks", "fleet policy set": "policy.set", "fleet stripe-sequences": "fleet.stripe",
		"move plan": "looks", "move list": "looks", "move show": "looks", "move watch": "looks", "move ids": "looks", "move points": "looks", "move report": "looks",
		"move start": "move.start", "move switch": "move.switch", "move resume": "move.resume", "move cancel": "move.cancel", "move rollback": "move.rollback", "move finalize": "move.finalize",
		"move queue show": "looks", "move queue pause": "queue.pause", "move queue resume": "queue.resume", "move queue limit": "queue.set", "move queue window": "queue.set",
		"profile init": "here", "profile list": "looks", "profile show": "looks", "settings list": "looks", "settings get": "looks", "settings set": "here",
		"shards assign": "tenant.assign", "shards distribution": "looks", "shards health": "looks", "shards look": "looks", "shards sessions": "looks", "shards cancel": "session.cancel", "shards terminate": "session.terminate", "shards stats": "looks", "shards status": "looks", "shards compare": "looks", "shards history": "looks",
		"tenants check": "looks", "tenants list": "looks", "tenants show": "looks",

		"Alerts.List": "looks", "Alerts.Test": "looks", "Alerts.Acknowledge": "alert.acknowledge", "Alerts.Silence": "alert.silence", "Alerts.Unsilence": "alert.unsilence",
		"Rebalance.Plan": "looks", "Rebalance.Apply": "rebalance.apply",
		"Audit.List": "looks", "Audit.Facets": "looks", "Audit.Verify": "looks", "Audit.Preview": "looks", "Audit.ReportKinds": "looks", "Audit.Schedules": "looks", "Audit.ShowFolder": "looks", "Audit.Sync": "here", "Audit.Alarms": "looks", "Audit.Restart": "here", "Audit.Filters": "looks", "Audit.SaveFilter": "here", "Audit.RemoveFilter": "here", "Audit.Export": "audit.export",
		"Moves.Get": "looks", "Moves.List": "looks", "Moves.Plan": "looks", "Moves.Report": "looks", "Moves.SaveReport": "here", "Moves.Workers": "looks", "Moves.Reentry": "looks",
		"Moves.Start": "move.start", "Moves.Act": "move.switch move.resume move.cancel move.rollback move.finalize", "Moves.PauseQueue": "queue.pause", "Moves.ResumeQueue": "queue.resume",
		"Overview.Distribution": "looks", "Overview.Health": "looks", "Overview.Recent": "looks", "Overview.Stats": "looks", "Overview.Status": "looks", "Overview.Views": "looks", "Overview.Compare": "looks", "Overview.History": "looks", "Overview.Sessions": "looks", "Overview.CancelSession": "session.cancel", "Overview.EndSession": "session.terminate",
		"Settings.AddFleet": "here", "Settings.ImportFleet": "here", "Settings.RemoveFleet": "here", "Settings.TryFleet": "looks", "Settings.TryImport": "looks", "Settings.TestFleet": "looks", "Settings.UnknownHost": "looks", "Settings.TrustHost": "here", "Settings.Vault": "looks", "Settings.UnlockVault": "here",
		"Settings.Fleets": "looks", "Settings.Doctor": "looks", "Settings.DemoStatus": "looks", "Settings.StartDemo": "demo", "Settings.Set": "here", "Settings.Settings": "looks",
		"Settings.SetCredential": "here", "Settings.RotateCredential": "here", "Settings.ForgetCredential": "here", "Settings.TestCredential": "looks",
		"Settings.Install": "fleet.install", "Settings.InstallScript": "looks", "Settings.InstallStatus": "looks", "Settings.Policy": "looks", "Settings.SetFlag": "policy.set",
		"Settings.SetOperatorRole": "operator.set", "Shell.Info": "looks", "Shell.SetOperator": "here", "Shell.UseFleet": "here",
		"Tenants.Assign": "tenant.assign", "Tenants.AssignMany": "tenant.assign", "Tenants.WouldAssign": "looks", "Tenants.Check": "looks", "Tenants.Export": "here", "Tenants.Find": "looks", "Tenants.Get": "looks", "Tenants.List": "looks", "Tenants.Map": "looks",
	}
}

func TestEveryWayToChangeSomethingIsListed(t *testing.T) {
	t.Parallel()
	known := Changes()
	there := map[string]bool{}
	for _, c := range commands((&program{}).root()) {
		if !c.Runnable() || c.HasSubCommands() && c.Name() != "demo" && c.Name() != "filters" {
			continue
		}
		name := strings.TrimPrefix(c.CommandPath(), "shard-admin ")
		if name == "shard-admin" || name == "help" {
			continue
		}
		there[name] = true
		if _, ok := known[name]; !ok {
			t.Errorf("%s: say in Changes what the trail has of this command", name)
		}
	}
	for _, s := range app.New(app.Options{}).Services() {
		v := reflect.ValueOf(s)
		for i := range v.NumMethod() {
			name := v.Elem().Type().Name() + "." + v.Type().Method(i).Name
			there[name] = true
			if _, ok := known[name]; !ok {
				t.Errorf("%s: say in Changes what the trail has of this call of the page", name)
			}
		}
	}
	actions := map[string]bool{}
	for _, a := range policy.Actions() {
		actions[string(a)] = true
	}
	for name, does := range known {
		if !there[name] {
			t.Errorf("%s is listed and is no more", name)
		}
		switch does {
		case "looks", "here", "demo", "works":
			continue
		}
		for _, a := range strings.Fields(does) {
			require.True(t, actions[a], "%s: there is no action %s", name, a)
		}
	}
}
