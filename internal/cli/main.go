package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// program is one run of the command line.
type program struct {
	faces  Faces
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	// The global flags.
	fleet   string
	json    bool
	as      string
	note    string
	yes     bool
	confirm string
	homeDir string
	verbose bool

	// parks is true while something is carried out that stops at safe points.
	parks atomic.Bool

	home   *home.Home
	lines  *lineReader
	closes []func()

	works  *session.Session // the fleet that was opened last
	alarms map[string]bool  // fleets whose alarm was said
}

// Main runs the command line and returns the exit status.
func Main(ctx context.Context, f Faces, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{faces: f, stdin: stdin, stdout: stdout, stderr: stderr, alarms: map[string]bool{}}
	defer p.close()
	ctx, stop := p.interruptible(ctx)
	defer stop()
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	p.json = p.json || wantsJSON(args)
	if p.works != nil {
		p.works.NameGrants(ctx, err)
	}
	return p.finish(err)
}

// wantsJSON looks for --json among the arguments themselves, because a mistake
// among the flags before it is to be told in JSON as well.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// interruptible ends the context at the first Ctrl-C; the second one ends the
// program as if it had never been asked to be careful.
func (p *program) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			if p.parks.Load() {
				p.say("\nStopping at the next safe point; Ctrl-C again ends at once.")
			}
			cancel()
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		signal.Stop(signals)
		cancel()
	}
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "shard-admin",
		Short: "A control room for tenant-sharded PostgreSQL",
		Long: `A control room for tenant-sharded PostgreSQL: see a fleet of shards, place
tenants, move a tenant's rows while its site stays up, and prove it afterwards.

Without a command it opens the window.`,
		Example: `  shard-admin demo                       a local fleet to try everything on
  shard-admin fleet add pwb --control postgres://db1/pwb --shard default=control
  shard-admin shards status
  shard-admin move plan acme shard_1
  shard-admin move start acme shard_1 --wait --note "grew out of default"`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runWindow(cmd.Context()) },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return fault.New(fault.Usage, flagMistake(err), helpHint(cmd))
	})
	fs := root.PersistentFlags()
	fs.StringVar(&p.fleet, "fleet", "", "work on the fleet `NAME`, not the current one")
	fs.BoolVar(&p.json, "json", false, "print one JSON document; progress goes to standard error")
	fs.StringVar(&p.as, "as", "", "work as the operator `EMAIL`")
	fs.StringVar(&p.note, "note", "", "the `REASON` for a change; the audit trail keeps it")
	fs.BoolVar(&p.yes, "yes", false, "ask no questions")
	fs.StringVar(&p.confirm, "confirm", "", "in production: the tenant's or shard's `NAME`")
	fs.StringVar(&p.homeDir, "home", "", "`DIR` with fleets and settings, not $SHARD_ADMIN_HOME")
	fs.BoolVar(&p.verbose, "verbose", false, "write details to the log")
	fs.SortFlags = false
	for _, g := range []struct{ id, title string }{
		{"look", "Look:"}, {"change", "Change:"}, {"set up", "Set up:"}, {"show", "Show and serve:"},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	for _, group := range []struct {
		id   string
		list []*cobra.Command
	}{
		{"look", []*cobra.Command{p.shardsCommand(), p.tenantsCommand(), p.mapCommand(), p.alertsCommand(), p.auditCommand(), p.reportsCommand()}},
		{"change", []*cobra.Command{p.moveCommand(), p.rebalanceCommand()}},
		{"set up", []*cobra.Command{p.fleetCommand(), p.profileCommand(), p.settingsCommand(), p.notifyCommand(), p.doctorCommand()}},
		{"show", []*cobra.Command{p.demoCommand(), p.serveCommand(), p.workerCommand(), p.versionCommand()}},
	} {
		for _, c := range group.list {
			c.GroupID = group.id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID("show")
	root.SetHelpCommand(p.helpCommand())
	root.SetHelpFunc(p.help)
	return root
}

// group is a command that only holds others.
func group(use, short string, list ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			names := []string{}
			for _, s := range cmd.Commands() {
				if s.IsAvailableCommand() {
					names = append(names, s.Name())
				}
			}
			return fault.Newf(fault.Usage, "one of "+strings.Join(names, ", ")+"; "+helpHint(cmd), "%s needs a command", cmd.CommandPath())
		},
	}
	for _, s := range list {
		c.AddCommand(s)
	}
	return c
}

func helpHint(cmd *cobra.Command) string {
	return cmd.CommandPath() + " --help shows how it is written"
}

// harmless repeats what somebody typed unless it may hold a password.
func harmless(text string) string {
	if strings.Contains(text, "://") || strings.Contains(strings.ToLower(text), "password") || len(text) > 60 {
		return "that"
	}
	return fmt.Sprintf("%q", text)
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hint := helpHint(cmd)
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fault.Newf(fault.Usage, hint, "there is no command %s under %s", harmless(name), cmd.CommandPath())
}

// flagMistake says what is wrong with a flag in the parser's words, without
// the value, which may be a secret.
func flagMistake(err error) string {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return "--" + invalid.GetFlag().Name + " does not take " + harmless(invalid.GetValue()) + ": it wants a " + kindOf(invalid.GetFlag().Value.Type())
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return "there is no flag -" + name
		}
		if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz-") != "" {
			return "there is no such flag"
		}
		return "there is no flag --" + name
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		return "--" + missing.GetFlag().Name + " needs a value"
	}
	return "a flag is not written as it should be"
}

func kindOf(t string) string {
	switch t {
	case "int", "int64":
		return "number"
	case "duration":
		return "time such as 90s or 2m"
	case "bool":
		return "true or false"
	}
	return t
}

// want returns the check of a command's arguments; names are for the message.
func want(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fault.Newf(fault.Usage, helpHint(cmd), "%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return fault.Newf(fault.Usage, helpHint(cmd), "%s takes %s, not %d", cmd.CommandPath(), count(int64(len(names)), "argument"), len(args))
		}
		return nil
	}
}

// maybe is want with a last argument that may be left out.
func maybe(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names)-1 {
			return nil
		}
		return want(names...)(cmd, args)
	}
}

// openHome opens the user's folder once.
func (p *program) openHome() (*home.Home, error) {
	if p.home != nil {
		return p.home, nil
	}
	h, err := home.Open(home.Options{Dir: p.homeDir, Verbose: p.verbose})
	if err != nil {
		return nil, err
	}
	p.home = h
	p.closes = append(p.closes, func() { _ = h.Close() })
	if _, is := p.terminal(); is {
		h.AskForVault(p.passphrase)
	}
	return h, nil
}

// session opens the fleet that is meant. Nothing is dialled yet.
func (p *program) session(ctx context.Context) (*session.Session, error) {
	return p.sessionOf(ctx, p.fleet, "cli")
}

// changing opens the fleet for a change, which is recorded under a name: who
// has not said theirs is asked once.
func (p *program) changing(ctx context.Context) (*session.Session, error) {
	h, err := p.openHome()
	if err != nil {
		return nil, err
	}
	f, err := h.Fleet(p.fleet)
	if err != nil {
		return nil, err
	}
	if err := p.identify(ctx, h, f); err != nil {
		return nil, err
	}
	return p.sessionOf(ctx, f.Name, "cli")
}

// identify asks who makes a change, where nobody has said it yet.
func (p *program) identify(ctx context.Context, h *home.Home, f *fleet.Fleet) error {
	if p.as == "" && p.asks() && f.Environment != fleet.Demo {
		known, err := h.Settings().Text(home.OperatorEmail)
		if err != nil {
			return err
		}
		if known == "" {
			email, err := p.ask(ctx, "Who are you? Changes are recorded under your e-mail:")
			if err != nil {
				return err
			}
			if email = strings.TrimSpace(email); email != "" {
				if err := h.Settings().Set(home.OperatorEmail, email); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *program) sessionOf(ctx context.Context, name, source string) (*session.Session, error) {
	return p.opened(ctx, name, home.SessionOptions{Email: p.as, Source: source})
}

func (p *program) opened(ctx context.Context, name string, o home.SessionOptions) (*session.Session, error) {
	h, err := p.openHome()
	if err != nil {
		return nil, err
	}
	s, err := h.Session(ctx, name, o)
	if err != nil {
		return nil, err
	}
	// A worker, or who waits for a move, may sleep with its computer.
	watched, ended := context.WithCancel(ctx)
	go conn.AfterSleep(watched, nil, s.Reconnect)
	p.closes, p.works = append(p.closes, func() {
		ended()
		if s.Changed() {
			s.Part(ctx, "a command ends")
		}
		s.Close()
	}), s
	p.alarmed(ctx, s)
	return s, p.openVault(ctx, h)
}

// openVault opens the vault that credentials are kept in: what needs it later has no
// time to ask. That the environment does not open it is said where nothing else has
// a password.
func (p *program) openVault(ctx context.Context, h *home.Home) error {
	_, err := h.OpenVault(ctx)
	if _, asked := p.terminal(); asked || ctx.Err() != nil {
		return err
	}
	return nil
}

// fleetName returns the name of the fleet that is meant.
func (p *program) fleetName(h *home.Home) (string, error) {
	if p.fleet != "" {
		return p.fleet, nil
	}
	f, err := h.Fleet("")
	if err != nil {
		return "", err
	}
	return f.Name, nil
}

func (p *program) close() {
	for _, f := range slices.Backward(p.closes) {
		f()
	}
}

// found ends a command whose document is printed and whose answer is bad news:
// the document stands, the status is that of the code.
type found struct {
	code fault.Code
	text string
	hint string
}

func (f *found) Error() string { return f.text }

// finish prints the error that a command ended with and returns the status.
func (p *program) finish(err error) int {
	if err == nil {
		return 0
	}
	var f *found
	if errors.As(err, &f) {
		if !p.json && f.text != "" {
			paragraph(p.stderr, "", f.text)
			if f.hint != "" {
				paragraph(p.stderr, "  ", f.hint)
			}
		}
		return fault.Exit(fault.New(f.code, f.text, f.hint))
	}
	if p.home != nil {
		attrs := []any{"code", string(fault.CodeOf(err)), "error", err.Error()}
		if e := fault.As(err); e != nil && e.Cause != nil {
			attrs = append(attrs, "cause", e.Cause.Error())
		}
		p.home.Logger().Error("command failed", attrs...)
	}
	e := p.problem(err)
	if p.json {
		_ = p.document(map[string]any{"error": e})
	} else {
		paragraph(p.stderr, "", "shard-admin: "+e.Message)
		if e.Code != string(fault.Usage) { // who mistypes a command knows that it did nothing
			paragraph(p.stderr, "  ", "Safe now: "+e.Safe)
		}
		if e.Hint != "" {
			paragraph(p.stderr, "  ", e.Hint)
		}
	}
	return fault.Exit(err)
}

// problem is the error as people see it.
func (p *program) problem(err error) session.Problem {
	e := session.Problem{Code: string(fault.CodeOf(err)), Message: err.Error(), Hint: fault.HintOf(err), Safe: fault.Safe(err)}
	if f := fault.As(err); f != nil {
		e.Message = f.Message
	}
	switch fault.CodeOf(err) {
	case fault.Cancelled:
		if fault.As(err) == nil {
			e.Message, e.Hint = "stopped before it was done", "the same command may be given again"
		}
	case fault.Internal:
		if e.Hint == "" && p.home != nil {
			e.Hint = "the log has the cause: " + p.home.LogPath()
		}
	}
	return e
}
