package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/policy"
)

// Changes says what each command does, so that none can be added without somebody
// having asked what the trail says of it; internal/web says it of the page's calls:
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
		"audit list": "looks", "audit filters": "looks", "audit filters save": "here", "audit filters remove": "here", "audit verify": "looks", "audit sync": "audit.restart", "audit export": "audit.export",
		"audit checkpoint": "audit.checkpoint", "audit key enroll": "audit.key.enroll", "audit key revoke": "audit.key.revoke", "audit key list": "looks", "audit archive": "audit.export", "audit purge": "audit.purge", "audit erase": "audit.erase",
		"alerts list": "looks", "alerts ack": "alert.acknowledge", "alerts silence": "alert.silence", "alerts unsilence": "alert.unsilence", "notify test": "looks",
		"rebalance plan": "looks", "rebalance apply": "rebalance.apply",
		"report list": "looks", "report schedules": "looks", "report access": "audit.export", "report changes": "audit.export", "report failed": "audit.export", "report moves": "audit.export",
		"report operator": "audit.export", "report schema": "audit.export", "report tenant": "audit.export",
		"demo": "demo", "demo down": "demo", "demo reset": "demo", "demo status": "looks", "doctor": "looks", "map": "looks", "serve": "works", "worker": "works", "version": "looks",
		"fleet add": "here", "fleet import": "here", "fleet remove": "here", "fleet use": "here", "fleet trust": "here", "fleet list": "looks", "fleet show": "looks", "fleet check": "looks",
		"fleet credential set": "credential.set", "fleet credential rotate": "credential.rotate", "fleet credential forget": "credential.forget", "fleet credential test": "looks",
		"fleet install": "fleet.install", "fleet uninstall": "fleet.uninstall", "fleet operator list": "looks", "fleet operator set": "operator.set", "fleet operator remove": "operator.set",
		"fleet policy show": "looks", "fleet policy set": "policy.set", "fleet stripe-sequences": "fleet.stripe",
		"move plan": "looks", "move list": "looks", "move show": "looks", "move watch": "looks", "move ids": "looks", "move points": "looks", "move report": "looks",
		"move start": "move.start", "move switch": "move.switch", "move resume": "move.resume", "move cancel": "move.cancel", "move rollback": "move.rollback", "move finalize": "move.finalize",
		"move queue show": "looks", "move queue pause": "queue.pause", "move queue resume": "queue.resume", "move queue limit": "queue.set", "move queue window": "queue.set",
		"profile init": "here", "profile list": "looks", "profile show": "looks", "settings list": "looks", "settings get": "looks", "settings set": "here",
		"shards assign": "tenant.assign", "shards distribution": "looks", "shards health": "looks", "shards look": "looks", "shards sessions": "looks", "shards cancel": "session.cancel", "shards terminate": "session.terminate", "shards stats": "looks", "shards status": "looks", "shards compare": "looks", "shards history": "looks",
		"tenants check": "looks", "tenants list": "looks", "tenants show": "looks",
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
