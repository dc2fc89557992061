package cli_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

// player is a demo that remembers what it was asked for.
type player struct {
	asked []string
	got   cli.DemoOptions
	err   error
}

func (d *player) Run(ctx context.Context, o cli.DemoOptions) error {
	d.asked, d.got = append(d.asked, "run"), o
	if o.Web {
		return o.OpenPage(ctx, nil)
	}
	return d.err
}

func (d *player) Status(context.Context) (cli.DemoStatus, error) {
	port := 5501
	return cli.DemoStatus{Running: true, Fleet: "demo", Servers: []cli.DemoServer{{Name: "control", Port: &port, Running: true, Database: "pwb"}, {Name: "shard_1"}}}, d.err
}

func (d *player) Reset(context.Context) error { d.asked = append(d.asked, "reset"); return d.err }
func (d *player) Down(context.Context) error  { d.asked = append(d.asked, "down"); return d.err }

func TestDemo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.refused(1, "demo_failed", "demo")
	d := &player{}
	s.faces.Demo = d
	require.Equal(t, 0, s.run("demo", "--exit").exit)
	require.True(t, d.got.Exit)
	require.Nil(t, d.got.OpenWindow)
	require.Nil(t, d.got.OpenPage)
	v := s.json(0, "demo", "status")
	has(t, v, "running", "fleet", "servers")
	stopped := list(t, v, "servers")[1]
	require.Nil(t, stopped["port"])
	require.Contains(t, stopped["port_reason"], "stopped")
	golden(t, "demo-status.txt", s.ok("demo", "status"))
	s.json(0, "demo", "down")
	s.json(0, "demo", "reset")
	require.Equal(t, []string{"run", "down", "reset"}, d.asked)
	d.err = fault.New(fault.DemoRunning, "another demo runs", "shard-admin demo down")
	s.refused(3, "demo_running", "demo")
	s.refused(3, "demo_running", "demo", "reset")
	s.refused(2, "usage", "demo", "sideways")
}

func TestWindowAndPageAreHandedWhatWasAsked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.refused(1, "listen_failed", "serve")
	var window cli.WindowOptions
	var page cli.ServeOptions
	s.faces.Window = func(_ context.Context, h *home.Home, o cli.WindowOptions) error {
		require.Equal(t, s.home, h.Dir())
		window = o
		return nil
	}
	s.faces.Serve = func(_ context.Context, _ *home.Home, o cli.ServeOptions) error {
		page = o
		o.Ready("http://127.0.0.1:4711/?token=t")
		return nil
	}
	require.Equal(t, result{}, s.run("--fleet", "pwb", "--as", "ann@example.com"))
	require.Equal(t, cli.WindowOptions{Fleet: "pwb", Email: "ann@example.com"}, window)
	require.Equal(t, "http://127.0.0.1:4711/?token=t", s.json(0, "serve", "--listen", "127.0.0.1:4711")["url"])
	require.Equal(t, "127.0.0.1:4711", page.Listen)
	require.Contains(t, s.run("serve").out, "http://127.0.0.1:4711")

	s.faces.Demo = &player{}
	r := s.run("demo", "--web")
	require.Equal(t, 0, r.exit)
	require.Contains(t, r.out, "http://127.0.0.1:4711")
	require.Equal(t, "demo", page.Fleet)

	s.faces.Window = func(context.Context, *home.Home, cli.WindowOptions) error {
		return fault.New(fault.NoDisplay, "there is no display", "shard-admin serve shows the same page")
	}
	s.refused(2, "no_display")
	s.faces.Window = func(context.Context, *home.Home, cli.WindowOptions) error { return errors.New("odd") }
	s.refused(1, "internal")
}

// Not parallel: the signal goes to the whole process.
func TestTheFirstCtrlCEndsWithoutHarm(t *testing.T) {
	s := newShell(t)
	s.faces.Serve = func(ctx context.Context, _ *home.Home, o cli.ServeOptions) error {
		o.Ready("http://127.0.0.1:1/")
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
		<-ctx.Done()
		return ctx.Err()
	}
	require.Equal(t, 0, s.run("serve").exit)
	s.faces.Demo = &player{}
	require.Equal(t, 0, s.run("demo", "--web").exit)
}
