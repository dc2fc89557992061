package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

func (p *program) runWindow(ctx context.Context) error {
	if p.faces.Window == nil {
		return fault.New(fault.NoDisplay, "this build has no window", "shard-admin serve shows the same page; shard-admin help lists the commands")
	}
	h, err := p.openHome()
	if err != nil {
		return err
	}
	if err := p.openVault(ctx, h); err != nil {
		return err
	}
	h.AskForVault(nil) // nobody looks at the terminal from now on
	if err := p.faces.Window(ctx, h, WindowOptions{Fleet: p.fleet, Email: p.as}); err != nil {
		return err
	}
	if p.json {
		return p.document(map[string]bool{"closed": true})
	}
	return nil
}

func (p *program) serveCommand() *cobra.Command {
	var listen string
	var api apiOptions
	c := &cobra.Command{
		Use: "serve", Short: "Show the page in a browser of this computer", Args: want(),
		Long: `Show the page that the window shows, on a loopback address, until Ctrl-C. The
address that is printed holds a token and opens the page once. The fleet that
the page shows is observed meanwhile.

` + apiHelp,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runServe(cmd.Context(), listen, api) },
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "a loopback `ADDRESS` of the page; port 0 takes a free one")
	api.flags(c.Flags())
	return c
}

func (p *program) runServe(ctx context.Context, listen string, o apiOptions) (err error) {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	if err := p.openVault(ctx, h); err != nil {
		return err
	}
	h.AskForVault(nil) // nobody looks at the terminal from now on
	url, within, end, err := p.api(ctx, h, o)
	if err != nil {
		return err
	}
	defer func() {
		if ended := end(); err == nil {
			err = ended
		}
	}()
	return p.serve(within, h, p.fleet, listen, url, p.stdout)
}

func (p *program) serve(ctx context.Context, h *home.Home, fleet, listen, api string, out io.Writer) error {
	if p.faces.Serve == nil {
		return fault.New(fault.ListenFailed, "this build has no page", "make build-headless builds one that has")
	}
	err := p.faces.Serve(ctx, h, ServeOptions{Listen: listen, Fleet: fleet, Email: p.as, Ready: func(url string) {
		if p.json && out == p.stdout {
			v := map[string]string{"url": url}
			if api != "" {
				v["api"] = api
			}
			_ = p.document(v)
			return
		}
		line(out, "The page is at %s", url)
		p.say("Ctrl-C ends it.")
	}})
	if ctx.Err() != nil && (err == nil || fault.CodeOf(err) == fault.Cancelled) {
		return nil // Ctrl-C is how it ends
	}
	return err
}

func (p *program) workerCommand() *cobra.Command {
	var api apiOptions
	c := &cobra.Command{
		Use: "worker", Short: "Carry out queued moves until Ctrl-C", Args: want(),
		Long: `Carry out queued moves until Ctrl-C. The fleet is observed meanwhile, and who is
named by a [[notify]] of the fleet file is told of alerts. Reports that it asks
for are written, and with automatic under its [placement] new tenants without
rows are pointed to the shard that is suggested for them.

` + apiHelp,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runWorker(cmd.Context(), api) },
	}
	c.Flags().SortFlags = false
	api.flags(c.Flags())
	return c
}

func (p *program) runWorker(ctx context.Context, o apiOptions) (err error) {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	if err := p.openVault(ctx, h); err != nil {
		return err
	}
	h.AskForVault(nil) // nobody looks at the terminal from now on
	_, ctx, end, err := p.api(ctx, h, o)
	if err != nil {
		return err
	}
	defer func() {
		if ended := end(); err == nil {
			err = ended
		}
	}()
	s, err := p.sessionOf(ctx, p.fleet, "worker")
	if err != nil {
		return err
	}
	if o.listen == "" { // the API looks at the fleet itself
		full, err := h.Settings().HealthInterval()
		if err != nil {
			return err
		}
		observing, stop := context.WithCancel(ctx)
		_, done, err := s.Observe(observing, session.ObserveOptions{Full: full, Alerts: true, Yield: len(s.Fleet().Channels) == 0})
		if err != nil {
			stop()
			return err
		}
		defer func() { stop(); <-done }()
	}
	name := s.Fleet().Name
	p.parks.Store(true)
	show := p.progress()
	defer s.Subscribe(show.move)()
	p.say("Carrying out what is queued for %s. Ctrl-C stops at the next safe point.", name)
	if err := s.Work(ctx, true); err != nil && (ctx.Err() == nil || fault.CodeOf(err) != fault.Cancelled) {
		return err
	}
	return p.answer(map[string]any{"fleet": name, "stopped": true}, func(w io.Writer) { line(w, "The worker of %s has stopped.", name) })
}
