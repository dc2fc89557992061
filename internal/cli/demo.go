package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

func (p *program) demoCommand() *cobra.Command {
	var o DemoOptions
	c := &cobra.Command{
		Use: "demo", Short: "A local fleet of real servers, and a guided live move",
		Long: `Start a local fleet of real PostgreSQL servers with sample tenants, move one of
them under traffic, verify it, and open the window or the page.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemo(cmd.Context(), o) },
	}
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&o.Web, "web", false, "open the page instead of the window")
	c.Flags().BoolVar(&o.NoWindow, "no-window", false, "open neither; the servers stay up")
	c.Flags().BoolVar(&o.Exit, "exit", false, "end after the guided move; exit 1 if anything was not as promised")
	status := &cobra.Command{
		Use: "status", Short: "Say which servers of the demo run", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemoStatus(cmd.Context()) },
	}
	reset := &cobra.Command{
		Use: "reset", Short: "Remove the demo's data", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemoEnd(cmd.Context(), "reset") },
	}
	down := &cobra.Command{
		Use: "down", Short: "Stop the demo's servers and keep their data", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemoEnd(cmd.Context(), "down") },
	}
	c.AddCommand(status, reset, down)
	return c
}

// Rooted is a demo that lives in a user's folder.
type Rooted interface{ In(h *home.Home) Demo }

func (p *program) demo() (Demo, error) {
	if p.faces.Demo == nil {
		return nil, fault.New(fault.DemoFailed, "this build has no demo", "make build builds one that has")
	}
	rooted, ok := p.faces.Demo.(Rooted)
	if !ok {
		return p.faces.Demo, nil
	}
	h, err := p.openHome()
	if err != nil {
		return nil, err
	}
	return rooted.In(h), nil
}

func (p *program) runDemo(ctx context.Context, o DemoOptions) error {
	d, err := p.demo()
	if err != nil {
		return err
	}
	o.JSON, o.Stdout, o.Stderr = p.json, p.stdout, p.stderr
	if p.faces.Window != nil {
		o.OpenWindow = func(ctx context.Context, h *home.Home) error {
			return p.faces.Window(ctx, h, WindowOptions{Fleet: "demo"})
		}
	}
	if p.faces.Serve != nil {
		out := p.stdout
		if p.json {
			out = p.stderr
		}
		o.OpenPage = func(ctx context.Context, h *home.Home) error { return p.serve(ctx, h, "demo", "127.0.0.1:0", "", out) }
	}
	return d.Run(ctx, o)
}

func (p *program) runDemoStatus(ctx context.Context) error {
	d, err := p.demo()
	if err != nil {
		return err
	}
	v, err := d.Status(ctx)
	if err != nil {
		return err
	}
	if v.Servers == nil {
		v.Servers = []DemoServer{}
	}
	for i, x := range v.Servers {
		if x.Port == nil {
			v.Servers[i].PortReason = "the server is stopped: it takes a port when it starts"
		}
	}
	return p.answer(v, func(w io.Writer) {
		if !v.Running {
			line(w, "The demo does not run; shard-admin demo starts it.")
		} else {
			line(w, "The demo runs; its fleet is %s.", v.Fleet)
		}
		if len(v.Servers) == 0 {
			return
		}
		line(w, "")
		t := newTable(long("SERVER", 10), left("STATUS"), right("PORT"), long("DATABASE", 10))
		for _, s := range v.Servers {
			status, port := "stopped", none
			if s.Running {
				status = "running"
			}
			if s.Port != nil {
				port = strconv.Itoa(*s.Port)
			}
			t.add(s.Name, status, port, or(s.Database, none))
		}
		t.print(w)
	})
}

func (p *program) runDemoEnd(ctx context.Context, what string) error {
	d, err := p.demo()
	if err != nil {
		return err
	}
	said := "The demo's servers are stopped; their data is kept."
	end := d.Down
	if what == "reset" {
		said, end = "The demo's data is removed; shard-admin demo makes it anew.", d.Reset
		if p.asks() {
			p.say("The demo's servers are stopped and their data is removed.")
			if err := p.sure(ctx); err != nil {
				return err
			}
		}
	}
	if err := end(ctx); err != nil {
		return err
	}
	return p.answer(map[string]string{"done": what}, func(w io.Writer) { line(w, "%s", said) })
}
