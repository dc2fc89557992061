package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/home"
	"shardadmin/internal/web"
)

// ruled is what one kind of change needs, and how each face asks for it.
type ruled struct {
	flags int    // how many of the flags, in their order
	role  int    // 0 nobody, 1 viewer, 2 operator, 3 admin
	args  string // of the command line
	call  string // of the page, "" where it has none
	body  string
}

// rulesOf is the one table that every face is held against. Nobody gives
// a reason: who passes is refused for that alone, and nothing ever happens.
func rulesOf(move string) []ruled {
	act := func(action string) string {
		b, _ := json.Marshal([]any{action, map[string]any{"id": move}})
		return string(b)
	}
	return []ruled{
		{1, 0, "fleet install", "Settings/Install", `[{"admin":"ann@example.com"}]`},
		{1, 3, "fleet uninstall", "", ""},
		{1, 3, "fleet operator set eve@example.com --role viewer", "Settings/SetOperatorRole", `[{"email":"eve@example.com","role":"viewer"}]`},
		{1, 3, "fleet policy set SHARD_BULK_OPS_ENABLED false", "Settings/SetFlag", `[{"flag":"SHARD_BULK_OPS_ENABLED","on":false}]`},
		{3, 3, "fleet stripe-sequences --apply", "", ""},
		{2, 2, "shards assign 9 shard_1", "Tenants/Assign", `[{"tenant":"9","shard":"shard_1"}]`},
		{3, 2, "move start 9 shard_1", "Moves/Start", `[{"tenant":"9","target":"shard_1"}]`},
		{3, 2, "move switch " + move, "Moves/Act", act("switch")},
		{3, 2, "move resume " + move, "Moves/Act", act("resume")},
		{3, 2, "move cancel " + move, "Moves/Act", act("cancel")},
		{3, 2, "move rollback " + move, "Moves/Act", act("rollback")},
		{3, 2, "move finalize " + move, "Moves/Act", act("finalize")},
		{1, 2, "move queue pause", "Moves/PauseQueue", `[{}]`},
		{3, 2, "move queue resume", "Moves/ResumeQueue", `[{}]`},
		{0, 1, "audit export --format csv -o /nowhere/trail.csv", "", ""},
	}
}

var (
	flagNames = []string{"SHARD_ADMIN_ENABLED", "SHARD_ASSIGNMENT_ENABLED", "SHARD_MIGRATIONS_ENABLED"}
	people    = []string{"nobody@example.com", "vic@example.com", "olga@example.com", "ann@example.com"}
	roleNames = []string{"", "viewer", "operator", "admin"}
)

// Flag by role by change by face: the same refusal everywhere, which names the
// flag or the role, where it is missing, and the command that grants it.
func TestEveryFaceHoldsThePolicy(t *testing.T) {
	t.Parallel()
	l := populated(t)
	l.json(0, "fleet", "operator", "set", people[1], "--role", "viewer", "--note", "x")
	l.json(0, "fleet", "operator", "set", people[2], "--role", "operator", "--note", "x")
	l.json(0, "settings", "set", "TENANT_ADMIN_EMAILS", "")
	move := l.json(0, "move", "start", "7", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	browser := l.page()
	before := l.all()
	for on := len(flagNames); on >= 0; on-- {
		for i, f := range flagNames {
			l.json(0, "settings", "set", f, fmt.Sprint(i < on))
		}
		for role, who := range people {
			l.json(0, "settings", "set", "operator_email", who)
			status, text := browser("Shell/SetOperator", fmt.Sprintf("[%q]", who))
			require.Equal(t, http.StatusOK, status, text)
			for _, r := range rulesOf(move) {
				code, message, hint := "reason_missing", "reason", "--note"
				switch {
				case on < r.flags:
					code, message, hint = "flag_off", flagNames[on], "shard-admin settings set "+flagNames[on]+" true"
				case role < r.role && role == 0:
					code, message, hint = "operator_unknown", "needs the role "+roleNames[r.role], "shard-admin fleet operator set "+who
				case role < r.role:
					code, message, hint = "role_too_low", "needs the role "+roleNames[r.role], "shard-admin fleet operator set "+who
				}
				where := fmt.Sprintf("%d flags, %s: %s", on, who, r.args)
				e := l.refused(3, code, strings.Fields(r.args)...)
				require.Contains(t, e["message"], message, where)
				require.Contains(t, e["hint"], hint, where)
				if r.call == "" {
					continue
				}
				status, text := browser(r.call, r.body)
				require.NotEqual(t, http.StatusOK, status, where)
				var p struct{ Code, Message, Hint string }
				require.NoError(t, json.Unmarshal([]byte(text), &p), text)
				require.Equal(t, []any{e["code"], e["message"], e["hint"]}, []any{p.Code, p.Message, p.Hint}, "the page, %s", where)
			}
		}
	}
	// Several tenants at once need one flag more; only the page queues them.
	for _, f := range flagNames {
		l.json(0, "settings", "set", f, "true")
	}
	l.json(0, "settings", "set", "operator_email", people[2])
	status, text := browser("Shell/SetOperator", fmt.Sprintf("[%q]", people[2]))
	require.Equal(t, http.StatusOK, status, text)
	for on, code := range map[bool]string{false: "flag_off", true: "reason_missing"} {
		l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", fmt.Sprint(on))
		status, text := browser("Moves/Start", `[{"tenant":"9","target":"shard_1","bulk":true}]`)
		require.NotEqual(t, http.StatusOK, status)
		var p struct{ Code, Message, Hint string }
		require.NoError(t, json.Unmarshal([]byte(text), &p), text)
		require.Equal(t, code, p.Code, text)
		if !on {
			require.Contains(t, p.Message, "SHARD_BULK_OPS_ENABLED")
			require.Contains(t, p.Hint, "shard-admin settings set SHARD_BULK_OPS_ENABLED true")
		}
	}
	alike(t, before, l.all(), "refusals")

	// A worker asks again when a run starts: a flag that is off by then, or
	// a role that was taken away, ends the run before it began.
	l.allow()
	l.json(0, "settings", "set", "operator_email", people[2])
	for _, change := range [][2][]string{
		{{"settings", "set", flagNames[2], "false"}, {"settings", "set", flagNames[2], "true"}},
		{{"--as", people[3], "fleet", "operator", "set", people[2], "--role", "viewer", "--note", "x"}, {"--as", people[3], "fleet", "operator", "set", people[2], "--role", "operator", "--note", "x"}},
	} {
		require.NotNil(t, l.json(0, "move", "switch", move, "--note", "queued while it was allowed")["notice"])
		l.json(0, change[0]...)
		before := l.all()
		l.works(func() bool {
			log := fmt.Sprint(l.json(0, "move", "show", move)["log"])
			return strings.Contains(log, "was not begun") && strings.Count(log, "was not begun") > 0
		})
		log := fmt.Sprint(l.json(0, "move", "show", move)["log"])
		require.Contains(t, log, "switch was not begun: move.switch needs the")
		after := l.all()
		alike(t, before[:2], after[:2], "the source")
		require.Equal(t, "ready", l.json(0, "move", "show", move)["state"])
		l.json(0, change[1]...)
	}
	require.Equal(t, "cancelled", l.json(0, "move", "cancel", move, "--wait", "--note", "x")["state"])
}

// works runs a worker until something is so.
func (l *lab) works(until func() bool) {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	defer stop()
	done := make(chan int, 1)
	go func() {
		var out bytes.Buffer
		done <- cli.Main(ctx, cli.Faces{}, []string{"--home", l.home, "--json", "worker"}, strings.NewReader(""), &out, &out)
	}()
	require.Eventually(l.t, until, 60*time.Second, 200*time.Millisecond)
	stop()
	require.Equal(l.t, 0, <-done)
}

// page serves the page for the lab's folder and returns how to call it.
func (l *lab) page() func(method, body string) (int, string) {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	h, err := home.Open(home.Options{Dir: l.home})
	require.NoError(l.t, err)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- web.Serve(ctx, web.Options{Home: h, Fleet: l.name(), Assets: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Ready: func(u string) { ready <- u }})
	}()
	first := <-ready
	l.t.Cleanup(func() {
		stop()
		require.NoError(l.t, <-ended)
		require.NoError(l.t, h.Close())
	})
	jar, err := cookiejar.New(nil)
	require.NoError(l.t, err)
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	base := first[:strings.Index(first[8:], "/")+8]
	do := func(method, address, body string) (int, string) {
		r, err := http.NewRequestWithContext(l.t.Context(), method, address, strings.NewReader(body))
		require.NoError(l.t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", base)
		a, err := client.Do(r)
		require.NoError(l.t, err)
		defer func() { _ = a.Body.Close() }()
		b, err := io.ReadAll(a.Body)
		require.NoError(l.t, err)
		return a.StatusCode, string(b)
	}
	do(http.MethodGet, first, "")
	return func(method, body string) (int, string) { return do(http.MethodPost, base+"/bindings/"+method, body) }
}
