package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/home"
)

func (p *program) settingsCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List every setting with its value and where it comes from", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runSettingsList() },
	}
	get := &cobra.Command{
		Use: "get NAME", Short: "Show one setting", Args: want("NAME"),
		RunE: func(_ *cobra.Command, args []string) error { return p.runSettingsGet(args[0]) },
	}
	set := &cobra.Command{
		Use: "set NAME VALUE", Short: "Store a setting; an empty value goes back to the default", Args: want("NAME", "VALUE"),
		RunE: func(_ *cobra.Command, args []string) error { return p.runSettingsSet(args[0], args[1]) },
	}
	return group("settings", "What is set on this computer", list, get, set)
}

func (p *program) runSettingsList() error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	all, err := h.Settings().List()
	if err != nil {
		return err
	}
	return p.answer(struct {
		Settings []home.Setting `json:"settings"`
	}{all}, func(w io.Writer) {
		t := newTable(left("SETTING"), long("VALUE", 20), left("FROM"))
		for _, s := range all {
			t.add(s.Name, or(s.Value, none), string(s.Source))
		}
		t.print(w)
	})
}

func (p *program) runSettingsGet(name string) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	s, err := h.Settings().Get(name)
	if err != nil {
		return err
	}
	return p.answer(s, func(w io.Writer) { printSetting(w, s) })
}

func printSetting(w io.Writer, s home.Setting) {
	facts(w, "Setting", s.Name, "Value", or(s.Value, none), "From", string(s.Source), "Default", s.Default,
		"Choices", strings.Join(s.Choices, ", "), "Variable", s.Variable, "Meaning", s.Help)
}

func (p *program) runSettingsSet(name, value string) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	if err := h.Settings().Set(name, value); err != nil {
		return err
	}
	s, err := h.Settings().Get(name)
	if err != nil {
		return err
	}
	if s.Source == home.FromEnvironment {
		p.say("The environment variable %s is set and wins over what was stored.", s.Variable)
	}
	return p.answer(s, func(w io.Writer) { line(w, "%s = %s", s.Name, or(s.Value, none)) })
}
