package cli_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

// One right less is a refusal that names it, and nothing is written: for what
// every command needs that changes something.
func TestOneRightLessChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, "staging")
	l.allow()
	// What is printed before the schema is there is what installing needs.
	granted := l.granting()
	install := []string{"fleet", "install", "--admin", "ann@example.com", "--note", "first"}
	for _, g := range granted {
		if g.on != 0 || g.capability != "install" {
			continue
		}
		l.exec(0, g.revoke())
		schemas := rows(t, l.super(0), "SELECT nspname::text FROM pg_namespace ORDER BY 1")
		e := l.refused(3, "right_missing", install...)
		require.Contains(t, fmt.Sprint(e), "fleet check")
		require.Equal(t, schemas, rows(t, l.super(0), "SELECT nspname::text FROM pg_namespace ORDER BY 1"))
		l.names(g)
		l.exec(0, g.grant)
	}
	// A DBA runs what --print writes, so that the role owns nothing of ours.
	for i, x := range list(t, l.json(0, "fleet", "install", "--print"), "scripts") {
		l.exec(i, x["sql"].(string))
		for _, line := range strings.Split(x["sql"].(string), "\n") {
			if strings.HasPrefix(line, "GRANT ") && strings.Contains(line, l.role) {
				granted = append(granted, given{on: i, grant: strings.TrimSuffix(line[:strings.LastIndex(line, ";")], ";")})
			}
		}
	}
	for n, db := range l.dbs {
		pgtest.Exec(t, pgtest.Server(t, n), "postgres", "ALTER DATABASE "+db+" OWNER TO postgres")
	}
	granted = append(granted, l.granting()...)
	l.tenant("7", "default", 7000, 1)
	l.tenant("8", "default", 8000, 1)
	l.tenant("9", "default", 9000, 0)
	held := l.json(0, "move", "start", "7", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	retained := l.json(0, "move", "start", "8", "shard_1", "--wait", "--note", "x")["id"].(string)
	commands := map[string][][]string{
		"assign": {{"shards", "assign", "9", "shard_1", "--note", "x"}},
		"move": {
			{"move", "plan", "9", "shard_1"},
			{"move", "start", "9", "shard_1", "--wait", "--note", "x"},
			{"move", "switch", held, "--wait", "--note", "x"},
			{"move", "rollback", retained, "--wait", "--note", "x"},
			{"move", "finalize", retained, "--wait", "--note", "x"},
		},
	}
	commands["stripe"] = [][]string{{"fleet", "stripe-sequences", "--plan"}, {"fleet", "stripe-sequences", "--apply", "--note", "x"}}
	commands["look"] = append(commands["assign"], commands["move"]...)
	tried := 0
	for _, g := range granted {
		l.exec(g.on, g.revoke())
		missing := l.missing()
		if len(missing) == 0 { // another right brings it
			l.exec(g.on, g.grant)
			continue
		}
		tried++
		l.json(3, "fleet", "check")
		before := l.all()
		require.NotEmpty(t, commands[missing[0].capability], "nothing is run that needs %s: %s", missing[0].capability, g.grant)
		for _, args := range commands[missing[0].capability] {
			r := l.run(append(args, "--json")...)
			require.Equal(t, 3, r.exit, "without %s: %v\n%s%s", g.grant, args, r.out, r.stderr)
			if args[1] != "plan" {
				require.Contains(t, r.out, `"right_missing"`, "without %s: %v", g.grant, args)
			}
			said := texts(t, r.out)
			require.True(t, slices.ContainsFunc(printed(g, missing), func(grant string) bool { return strings.Contains(said, grant) }), "without %s: %v\nfleet check prints %q\n%s", g.grant, args, printed(g, missing), said)
		}
		alike(t, before, l.all(), "without "+g.grant)
		l.exec(g.on, g.grant)
	}
	require.Greater(t, tried, 8)
	require.Empty(t, l.missing())
	require.Equal(t, "rolled_back", l.json(0, "move", "rollback", retained, "--wait", "--note", "x")["state"], "with every right it goes on")
}

// given is a right that was printed and granted.
type given struct {
	on                int
	capability, grant string
}

func (g given) revoke() string {
	i := strings.LastIndex(g.grant, " TO ")
	return "REVOKE" + strings.TrimPrefix(g.grant[:i], "GRANT") + " FROM " + g.grant[i+4:]
}

// printed are the statements that give a right back: the one that was taken back where
// fleet check prints it, else whatever it prints for that database.
func printed(g given, missing []given) []string {
	out := []string{}
	for _, m := range missing {
		grant := strings.TrimSuffix(m.grant, ";")
		if m.on == g.on && grant == strings.TrimSuffix(g.grant, ";") {
			return []string{grant}
		}
		if m.on == g.on {
			out = append(out, grant)
		}
	}
	return out
}

// texts are all texts of a JSON document, as they are without its escapes.
func texts(t *testing.T, document string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(document), &v), document)
	return fmt.Sprint(v)
}

// missing are the rights that fleet check prints.
func (l *lab) missing() []given {
	l.t.Helper()
	out := []given{}
	r := l.run("fleet", "check", "--json")
	require.Contains(l.t, []int{0, 3}, r.exit, r.out)
	v := l.json(r.exit, "fleet", "check")
	for i, d := range list(l.t, v, "databases")[:2] {
		for _, m := range list(l.t, d, "missing") {
			out = append(out, given{i, m["capability"].(string), m["grant"].(string)})
		}
	}
	return out
}

// granting grants what is printed until nothing is, and returns it.
func (l *lab) granting() []given {
	l.t.Helper()
	out := []given{}
	for {
		missing := l.missing()
		if len(missing) == 0 {
			return out
		}
		for _, g := range missing {
			l.exec(g.on, g.grant)
		}
		out = append(out, missing...)
		require.Less(l.t, len(out), 100, "the printed rights do not suffice")
	}
}

// names demands that fleet check ends with 3 and prints the right.
func (l *lab) names(g given) {
	l.t.Helper()
	l.json(3, "fleet", "check")
	grants := []string{}
	for _, m := range l.missing() {
		if m.on == g.on {
			grants = append(grants, m.grant)
		}
	}
	require.Contains(l.t, grants, g.grant)
}
