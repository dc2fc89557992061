//go:build unix

package cli_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

const apiToken = "an-api-token-of-the-tests-9912"

// What is asked for is handed on, with the token and never in what is printed; what
// cannot be served is refused before anything runs.
func TestAPIAndMetricsAreHandedWhatWasAsked(t *testing.T) {
	t.Setenv("SHARD_API_TOKEN", "")
	s := newShell(t)
	s.json(0, "fleet", "add", "one", "--control", "postgres://ops@127.0.0.1:1/none?sslmode=disable", "--shard", "default=control", "--environment", "staging")
	for _, bad := range [][]string{{"--tls-cert", "x"}, {"--tls-key", "x"}, {"--host", "x"}} {
		s.refused(2, "usage", append([]string{"worker"}, bad...)...)
		s.refused(2, "usage", append([]string{"serve"}, bad...)...)
	}
	s.refused(1, "listen_failed", "worker", "--api-listen", "127.0.0.1:0")
	var got cli.MonitorOptions
	s.faces.Monitor = func(ctx context.Context, x *session.Session, o cli.MonitorOptions) error {
		require.Equal(t, "one", x.Fleet().Name)
		got = o
		o.Ready("http://127.0.0.1:9464/api/v1")
		<-ctx.Done()
		return nil
	}
	e := s.refused(1, "credential_missing", "worker", "--api-listen", "127.0.0.1:0")
	require.Contains(t, e["hint"], "SHARD_API_TOKEN")
	t.Setenv("SHARD_API_TOKEN", "short")
	s.refused(1, "credential_missing", "serve", "--api-listen", "127.0.0.1:0")
	t.Setenv("SHARD_API_TOKEN", apiToken)
	t.Setenv("SHARD_HEALTH_CHECK_INTERVAL", "often")
	s.refused(2, "settings_invalid", "serve", "--api-listen", "127.0.0.1:0")
	t.Setenv("SHARD_HEALTH_CHECK_INTERVAL", "60")
	page := func(ctx context.Context, _ *home.Home, o cli.ServeOptions) error {
		o.Ready("http://127.0.0.1:4711/?token=t")
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
		<-ctx.Done()
		return ctx.Err()
	}
	s.faces.Serve = page
	v := s.json(0, "serve", "--api-listen", "127.0.0.1:9464", "--host", "a", "--host", "b", "--tls-cert", "c", "--tls-key", "k")
	require.Equal(t, "http://127.0.0.1:9464/api/v1", v["api"])
	require.Equal(t, "http://127.0.0.1:4711/?token=t", v["url"])
	require.Equal(t, apiToken, got.Token.Reveal())
	require.Equal(t, []string{"127.0.0.1:9464", "c", "k", "a", "b"}, append([]string{got.Listen, got.Cert, got.Key}, got.Hosts...))
	require.Equal(t, time.Minute, got.Full)

	// The kept one serves where the environment has none.
	t.Setenv("SHARD_API_TOKEN", "")
	kept := "a-kept-token-of-the-tests-3345"
	require.Equal(t, 0, s.runWith(kept+"\n", "fleet", "credential", "set", "api-token").exit)
	r := s.run("serve", "--api-listen", "127.0.0.1:9464")
	require.Equal(t, 0, r.exit, r.stderr)
	require.Contains(t, r.stderr, "http://127.0.0.1:9464/api/v1")
	require.Equal(t, kept, got.Token.Reveal())
	require.NotContains(t, r.out+r.stderr, kept)

	// API and metrics that end take what runs beside them along.
	s.faces.Serve = func(ctx context.Context, _ *home.Home, o cli.ServeOptions) error {
		o.Ready("http://127.0.0.1:4711/?token=t")
		<-ctx.Done()
		return ctx.Err()
	}
	s.faces.Monitor = func(_ context.Context, _ *session.Session, o cli.MonitorOptions) error {
		o.Ready("http://127.0.0.1:9464/api/v1")
		return fault.Wrap(errors.New("the socket is gone"), fault.ListenFailed, "serving the API ended", "start it again")
	}
	require.Equal(t, 1, s.run("serve", "--api-listen", "127.0.0.1:9464").exit)
}

// A credential of a database cannot be called as the API's token.
func TestTheTokenIsNoDatabases(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	e := s.refused(2, "fleet_invalid", "fleet", "add", "one", "--control", "postgres://ops@127.0.0.1:1/none?sslmode=disable", "--shard", "default=control", "--credential", "api-token", "--environment", "staging")
	require.Contains(t, e["message"], "the monitoring API")
}
