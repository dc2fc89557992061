package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpCommand shows help and knows a wrong topic from a right one.
func (p *program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about a command",
		GroupID: "show",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			return c.Help()
		},
	}
}

func (p *program) help(cmd *cobra.Command, _ []string) {
	text := helpOf(cmd)
	if p.json {
		_ = p.document(map[string]string{"command": cmd.CommandPath(), "help": text})
		return
	}
	_, _ = io.WriteString(p.stdout, text)
}

// helpOf is a command's help as people read it.
func helpOf(cmd *cobra.Command) string {
	var b strings.Builder
	head := cmd.Long
	if head == "" {
		head = cmd.Short + "."
	}
	line(&b, "%s", head)
	line(&b, "\nUsage:")
	own := ownFlags(cmd)
	if !cmd.HasAvailableSubCommands() || own != "" || !cmd.HasParent() {
		line(&b, "  %s", useOf(cmd, own))
	}
	if cmd.HasAvailableSubCommands() {
		line(&b, "  %s COMMAND", cmd.CommandPath())
	}
	if cmd.HasAvailableSubCommands() {
		commandsOf(&b, cmd)
	}
	if own != "" {
		line(&b, "\nFlags:\n%s", own)
	}
	if cmd.Example != "" {
		line(&b, "\nExamples:\n%s", cmd.Example)
	}
	if !cmd.HasParent() {
		line(&b, "\nFlags of every command:\n%s", flagsOf(cmd.PersistentFlags()))
		line(&b, "\n%s COMMAND --help says more about a command.", cmd.Name())
		return b.String()
	}
	line(&b, "\n%s help lists the flags of every command.", cmd.Root().Name())
	return b.String()
}

func useOf(cmd *cobra.Command, own string) string {
	use := cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
	if own != "" {
		use += " [flags]"
	}
	return use
}

func commandsOf(w io.Writer, cmd *cobra.Command) {
	n := 0
	for _, c := range cmd.Commands() {
		n = max(n, width(c.Name()))
	}
	list := func(title, group string) {
		line(w, "\n%s", title)
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.GroupID == group {
				line(w, "  %s  %s", pad(c.Name(), n, false), c.Short)
			}
		}
	}
	if len(cmd.Groups()) == 0 {
		list("Commands:", "")
		return
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
}

// ownFlags are a command's flags but for --help, which every command has.
func ownFlags(cmd *cobra.Command) string {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	inherited, persistent := cmd.InheritedFlags(), cmd.PersistentFlags()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && inherited.Lookup(f.Name) == nil && persistent.Lookup(f.Name) == nil {
			fs.AddFlag(f)
		}
	})
	return flagsOf(fs)
}

func flagsOf(fs *pflag.FlagSet) string { return strings.TrimRight(fs.FlagUsagesWrapped(wide), "\n") }
