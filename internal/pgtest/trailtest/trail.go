//go:build unix

// Package trailtest gives tests an audit trail in a control database of their
// own, with events and a signing key. Tests alone may import it.
package trailtest

import (
	_ "embed"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/policy"
)

// Installed is a control database with an empty trail.
func Installed(t testing.TB) (*controltest.Control, *audit.Trail) {
	t.Helper()
	c := controltest.Installed(t, fleet.Staging)
	return c, audit.New(c.DB, install.DefaultSchema)
}

// Permit is one for an action of ann@example.com on tenant 7.
func Permit(t testing.TB, c *controltest.Control, a policy.Action, reason string) policy.Permit {
	t.Helper()
	f := *c.Fleet
	f.Environment = fleet.Demo // the demo fleet lets everyone do everything
	p, err := policy.NewGate(policy.Config{Fleet: &f, Control: c.DB, Schema: install.DefaultSchema, Email: "ann@example.com", Source: "cli"}).
		Permit(t.Context(), policy.Request{Action: a, Tenant: "7", Reason: reason})
	require.NoError(t, err)
	return p
}

// Fill begins n changes, each with its number as tenant and in its reason, and
// finishes every second one.
func Fill(t testing.TB, c *controltest.Control, trail *audit.Trail, n int) {
	t.Helper()
	for i := range n {
		open, err := trail.Begin(t.Context(), Permit(t, c, policy.AssignTenant, fmt.Sprintf("reason %d", i)), audit.Intent{Tenant: fmt.Sprint(i), Source: "default", Target: "shard_1"})
		require.NoError(t, err)
		if i%2 == 1 {
			_, err = open.Finish(t.Context(), audit.Outcome{})
			require.NoError(t, err)
		}
	}
}

// Enrolled makes a signing key and enrolls it.
func Enrolled(t testing.TB, c *controltest.Control, trail *audit.Trail) *audit.SigningKey {
	t.Helper()
	secret, key, err := audit.NewSigningKey("ann+ops@example.com")
	require.NoError(t, err)
	again, err := audit.ParseSigningKey(secret)
	require.NoError(t, err)
	require.Equal(t, key.Public, again.Public)
	_, err = trail.EnrollKey(t.Context(), Permit(t, c, policy.AuditKeyEnroll, "my key"), key.Public)
	require.NoError(t, err)
	return key
}

//go:embed many.sql
var manySQL string

// Many fills an empty trail with n sealed events of 1,000 tenants in one go.
func Many(c *controltest.Control, n int) {
	c.Exec(strings.ReplaceAll(manySQL, "$N", strconv.Itoa(n)))
}

// Million is how many events a benchmark of the trail takes: a million, or what
// BENCH_EVENTS says for a quicker trial.
func Million(b *testing.B) int {
	b.Helper()
	text := os.Getenv("BENCH_EVENTS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err)
	return n
}

// Processor is the time that the process has had of the processors; what waits for
// other programs is not in it.
func Processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
