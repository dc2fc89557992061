package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/cable"
)

// wired lets every address of a server in the lab's fleet file lead through
// a cable.
func (l *lab) wired(n int) *cable.Cable {
	l.t.Helper()
	straight := "127.0.0.1:" + fmt.Sprint(pgtest.Server(l.t, n).Port())
	wire := cable.New(l.t, straight)
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	b, err := os.ReadFile(path)
	require.NoError(l.t, err)
	require.Contains(l.t, string(b), straight)
	require.NoError(l.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(b), straight, wire.Address())), 0o600))
	return wire
}

// The pointer, the application's record and our event are one transaction:
// wherever the connection to control breaks, all are there or none, and the
// answer says which.
func TestAnAssignmentIsWholeWhereverTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	l := populated(t)
	wire := l.wired(0)
	const pointer, record, event = `UPDATE "public"."pwb_websites"`, `INSERT INTO "pwb_shard_audit_logs"`, `INSERT INTO "shard_admin".audit_event`
	for i, point := range []struct {
		late  bool
		at    []string
		whole bool
	}{
		{false, []string{pointer}, false},
		{true, []string{pointer}, false},
		{false, []string{pointer, record}, false},
		{true, []string{pointer, record}, false},
		{false, []string{pointer, record, "commit"}, false},
		{true, []string{pointer, record, "commit"}, true},
		{false, []string{event}, true}, // the intent is sent again under its id
	} {
		id := strconv.Itoa(50 + i)
		l.tenant(id, "default", 1000*(50+i), 0)
		what := fmt.Sprintf("at %v, late %v", point.at, point.late)
		wire.BreakAt(point.late, point.at...)
		r := l.run("shards", "assign", id, "shard_1", "--rows-stay", "--note", "x", "--json")
		require.True(t, wire.Broke(), "%s: %s", what, r.out)
		if point.whole {
			require.Equal(t, []int{1, 1, 1}, l.assigned(id), what)
			require.Equal(t, 0, r.exit, "%s: %s", what, r.out)
		} else {
			require.Equal(t, []int{0, 0, 0}, l.assigned(id), what)
			require.Equal(t, 5, r.exit, "%s: %s", what, r.out)
			l.json(0, "shards", "assign", id, "shard_1", "--rows-stay", "--note", "again")
		}
		require.Empty(t, l.unfinished(), what)
	}
	require.Equal(t, true, l.json(0, "audit", "verify")["ok"])
}

// A network that goes and comes back: a page that was open answers again by
// itself, and a shard that is silent delays nobody meanwhile.
func TestASilentShardDelaysNobodyAndComesBack(t *testing.T) {
	t.Parallel()
	l := populated(t)
	wire := l.wired(1)
	browser := l.page()
	status := func() (reachable []bool, took time.Duration) {
		begin := time.Now()
		code, text := browser("Overview/Status", "[]")
		took = time.Since(begin)
		require.Equal(t, 200, code, text)
		for _, name := range []string{"default", "shard_1"} {
			at := strings.Index(text, `"name":"`+name+`"`)
			require.Positive(t, at, text)
			reachable = append(reachable, strings.HasPrefix(text[strings.Index(text[at:], `"reachable":`)+at:], `"reachable":true`))
		}
		return reachable, took
	}
	up, _ := status()
	require.Equal(t, []bool{true, true}, up)
	for what, harm := range map[string]func(){"cut": wire.Cut, "stalled": wire.Stall} {
		harm()
		// What was looked at within the last second is not looked at again.
		require.Eventually(t, func() bool {
			up, took := status()
			require.Less(t, took, 2500*time.Millisecond, what)
			return !up[1]
		}, 5*time.Second, 100*time.Millisecond, what)
		for range 3 {
			up, took := status()
			require.Equal(t, []bool{true, false}, up, what)
			require.Less(t, took, 2500*time.Millisecond, what)
		}
		wire.Mend()
		require.Eventually(t, func() bool {
			up, _ := status()
			return up[0] && up[1]
		}, 20*time.Second, 100*time.Millisecond, "%s: it comes back by itself", what)
	}
}
