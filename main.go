// Shard Admin is a control room for tenant-sharded PostgreSQL: a window, a
// loopback page and a command line in one binary.
package main

import (
	"context"
	"encoding/json"
	"os"

	"shardadmin/app"
	"shardadmin/app/window"
	"shardadmin/internal/cli"
	"shardadmin/internal/demo"
	"shardadmin/internal/home"
	"shardadmin/internal/monitor"
	"shardadmin/internal/session"
	"shardadmin/internal/web"
)

func main() {
	faces := cli.Faces{Serve: serve, Monitor: observe, Demo: sample{}}
	if window.Available {
		faces.Window = open
	}
	os.Exit(cli.Main(context.Background(), faces, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func open(ctx context.Context, h *home.Home, o cli.WindowOptions) error {
	return window.Run(ctx, window.Options{Home: h, Fleet: o.Fleet, Email: o.Email, Demo: starter{demo.New(h)}})
}

func serve(ctx context.Context, h *home.Home, o cli.ServeOptions) error {
	return web.Serve(ctx, web.Options{Home: h, Listen: o.Listen, Fleet: o.Fleet, Email: o.Email, Ready: o.Ready, Demo: starter{demo.New(h)}})
}

// observe serves API and metrics of a fleet that it looks at meanwhile.
func observe(ctx context.Context, s *session.Session, o cli.MonitorOptions) error {
	ctx, end := context.WithCancel(ctx)
	b, done, err := s.Observe(ctx, session.ObserveOptions{Full: o.Full, Alerts: true})
	if err != nil {
		end()
		return err
	}
	err = monitor.Serve(ctx, monitor.Options{
		Session: s, Figures: b.Figures, Listen: o.Listen, Cert: o.Cert, Key: o.Key, Hosts: o.Hosts, Token: o.Token, Log: o.Log, Ready: o.Ready,
	})
	end()
	<-done
	return err
}

// sample is the demo as the command line knows it.
type sample struct{ d *demo.Demo }

// In returns the demo of a folder.
func (s sample) In(h *home.Home) cli.Demo { return sample{demo.New(h)} }

func (s sample) Run(ctx context.Context, o cli.DemoOptions) error {
	out := o.Stdout
	if o.JSON {
		out = o.Stderr
	}
	sum, err := s.d.Run(ctx, demo.Options{Web: o.Web, NoWindow: o.NoWindow, Exit: o.Exit, Out: out, OpenWindow: o.OpenWindow, OpenPage: o.OpenPage})
	if err == nil && o.JSON {
		enc := json.NewEncoder(o.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(sum)
	}
	return err
}

func (s sample) Status(ctx context.Context) (cli.DemoStatus, error) {
	up, servers, err := s.d.Status(ctx)
	v := cli.DemoStatus{Running: up, Fleet: demo.FleetName, Servers: []cli.DemoServer{}}
	for _, x := range servers {
		server := cli.DemoServer{Name: x.Name, Running: x.Running, Database: x.Database}
		if x.Port != 0 {
			server.Port = &x.Port
		}
		v.Servers = append(v.Servers, server)
	}
	return v, err
}

func (s sample) Reset(ctx context.Context) error { return s.d.Reset(ctx) }

func (s sample) Down(ctx context.Context) error { return s.d.Down(ctx) }

// starter is the demo as window and page know it.
type starter struct{ d *demo.Demo }

func (s starter) Status(ctx context.Context) (app.DemoStatus, error) {
	up, servers, err := s.d.Status(ctx)
	v := app.DemoStatus{Available: true, Running: up, Fleet: demo.FleetName, Servers: []app.DemoServer{}}
	for _, x := range servers {
		v.Servers = append(v.Servers, app.DemoServer{Name: x.Name, Port: x.Port, Running: x.Running})
	}
	return v, err
}

func (s starter) Start(ctx context.Context, progress func(string)) error {
	return s.d.Start(ctx, progress)
}
