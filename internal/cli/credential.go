package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

type credentialOptions struct {
	name, user string
	rotate     bool
}

func (p *program) credentialCommand() *cobra.Command {
	var o credentialOptions
	set := &cobra.Command{
		Use: "set NAME [--user USER]", Short: "Keep a user name and password in the keychain", Args: want("NAME"),
		Long: `Keep a user name and password in the keychain. The password is asked for, or is
a line on standard input; it is never an argument.

Where a computer has no keychain, "settings set credential_store vault" keeps
them in a file instead that age encrypts, vault.age beside the settings. Its
passphrase is asked for, or is SHARD_ADMIN_VAULT_PASSPHRASE;
SHARD_ADMIN_VAULT_IDENTITY is the path of an age identity or an SSH key.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return p.runCredentialSet(cmd.Context(), o)
		},
	}
	set.Flags().StringVar(&o.user, "user", "", "the database `USER` (default: the one kept before, or the URL's)")
	rotate := &cobra.Command{
		Use: "rotate NAME", Short: "Replace a kept password by one that works", Args: want("NAME"),
		Long: `Replace a kept password by a new one, which the database must accept; otherwise
the old one stays. Change it in the database first.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runCredentialSet(cmd.Context(), credentialOptions{name: args[0], rotate: true})
		},
	}
	test := &cobra.Command{
		Use: "test NAME", Short: "Open the databases that a credential is for", Args: want("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runCredentialTest(cmd.Context(), args[0]) },
	}
	forget := &cobra.Command{
		Use: "forget NAME", Short: "Take a credential out of the keychain", Args: want("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runCredentialForget(cmd.Context(), args[0]) },
	}
	return group("credential", "Keep passwords in the keychain", set, test, rotate, forget)
}

type credentialKept struct {
	Fleet      string `json:"fleet"`
	Credential string `json:"credential"`
	User       string `json:"user"`
	Stored     bool   `json:"stored"`
	Replaced   bool   `json:"replaced"`
	// TakenOut is true where the fleet file held the password and does so no more.
	TakenOut bool `json:"taken_out_of_file"`
}

func (p *program) runCredentialSet(ctx context.Context, o credentialOptions) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	name, err := p.fleetName(h)
	if err != nil {
		return err
	}
	f, err := h.Fleet(name)
	// A file with a password in it is refused until this very command has kept
	// the password elsewhere.
	if err != nil && (fault.CodeOf(err) != fault.FleetHoldsSecret || o.rotate) {
		return err
	}
	keychain := h.Credentials()
	before, err := keychain.Get(ctx, name, o.name)
	known := err == nil
	if err != nil && !errors.Is(err, credential.ErrNotFound) && fault.CodeOf(err) != fault.CredentialMissing {
		return err
	}
	if o.rotate && !known {
		return fault.Newf(fault.CredentialMissing, "shard-admin --fleet "+name+" fleet credential set "+o.name+" keeps one", "the %s holds no credential %q of fleet %s", keychain.Source(), o.name, name)
	}
	user := o.user
	if user == "" {
		user = before.User
	}
	if user == "" && f != nil {
		user = userOf(f, o.name)
	}
	// Neither the key of SSH nor a token has a user.
	key := o.name == fleet.SSHCredential || o.name == fleet.APICredential
	if _, ok := p.terminal(); ok && user == "" && !key && !p.yes {
		if user, err = p.ask(ctx, "User name:"); err != nil {
			return err
		}
		user = strings.TrimSpace(user)
	}
	what := "Password of " + or(user, o.name)
	switch o.name {
	case fleet.SSHCredential:
		what = "Passphrase of the SSH key"
	case fleet.APICredential:
		what = "Token of the monitoring API"
	}
	password, err := p.secret(ctx, what)
	if err != nil {
		return err
	}
	taken := false
	if f == nil {
		if err := keychain.Set(ctx, name, o.name, credential.Credential{User: user, Password: password}); err != nil {
			return err
		}
		if taken, err = h.TakeSecrets(name, o.name); err != nil {
			return err
		}
		// A file with another password in it is refused still; that of the last records.
		if s, err := p.sessionOf(ctx, name, "cli"); err == nil {
			s.TookCredential(ctx, o.name, user, p.note)
		}
	} else {
		s, err := p.sessionOf(ctx, name, "cli")
		if err != nil {
			return err
		}
		if o.rotate {
			_, err = s.RotateCredential(ctx, o.name, password, p.note)
		} else {
			err = s.SetCredential(ctx, o.name, user, password, p.note)
		}
		if err != nil {
			return err
		}
	}
	return p.answer(credentialKept{name, o.name, user, true, known, taken}, func(w io.Writer) {
		line(w, "The %s holds %s.", keychain.Source(), credential.Account(name, o.name))
		if taken {
			line(w, "The password is taken out of the fleet file.")
		}
		if !o.rotate && f != nil {
			line(w, "Next: shard-admin --fleet %s fleet credential test %s", name, o.name)
		}
	})
}

// userOf returns the user that the URLs name for a credential.
func userOf(f *fleet.Fleet, name string) string {
	urls := []string{}
	if f.CredentialOf(fleet.ControlName) == name {
		urls = append(urls, f.Control.URL)
	}
	for _, s := range f.Shards {
		if s.Configured() && !s.InControl && f.CredentialOf(s.Name) == name {
			urls = append(urls, s.Endpoint.URL)
		}
	}
	for _, u := range urls {
		if _, c, err := fleet.SplitSecret(u); err == nil && c.User != "" {
			return c.User
		}
	}
	return ""
}

func (p *program) runCredentialTest(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	t, err := s.TestCredential(ctx, name)
	if err != nil {
		return err
	}
	if err := p.answer(t, func(w io.Writer) {
		if t.OK {
			from := "from the " + t.Source
			if t.Source == string(credential.FromNowhere) {
				from = "no password was needed"
			}
			line(w, "%s works: user %s, %s.", t.Name, or(t.User, "of the URL"), from)
			return
		}
		line(w, "%s does not work.", t.Name)
		if t.Problem != nil {
			paragraph(w, "  ", t.Problem.Message)
			paragraph(w, "  ", t.Problem.Hint)
		}
	}); err != nil {
		return err
	}
	if !t.OK {
		f := &found{code: fault.LoginRefused}
		if t.Problem != nil {
			f.code = fault.Code(t.Problem.Code)
		}
		return f
	}
	return nil
}

func (p *program) runCredentialForget(ctx context.Context, name string) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	of, err := p.fleetName(h)
	if err != nil {
		return err
	}
	if p.asks() {
		p.say("%s is taken out of the %s.", credential.Account(of, name), h.Credentials().Source())
		if err := p.sure(ctx); err != nil {
			return err
		}
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	if err := s.ForgetCredential(ctx, name, p.note); err != nil {
		return err
	}
	return p.answer(map[string]any{"fleet": of, "credential": name, "forgotten": true}, func(w io.Writer) {
		line(w, "The %s no longer holds %s.", h.Credentials().Source(), credential.Account(of, name))
	})
}
