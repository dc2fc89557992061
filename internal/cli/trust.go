package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
)

func (p *program) trustCommand() *cobra.Command {
	var fingerprints []string
	c := &cobra.Command{
		Use: "trust DATABASE [--fingerprint SHA256:…]", Short: "Accept the keys of the SSH hosts on the way to a database", Args: want("DATABASE"),
		Long: `Accept the keys of the SSH hosts on the way to a database, which is control or a
shard. Each key that nobody has accepted yet is shown with its fingerprint and
asked about; compare it with what whoever runs the host says. Without a question
only keys are accepted whose fingerprints are given.

An accepted key goes to known_hosts, where ssh finds it too. A host that shows
another key than the accepted one is never accepted here.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runFleetTrust(cmd.Context(), args[0], fingerprints)
		},
	}
	c.Flags().StringArrayVar(&fingerprints, "fingerprint", nil, "the `SHA256:…` that a key must have; may be given several times")
	return c
}

func (p *program) runFleetTrust(ctx context.Context, database string, fingerprints []string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	out := struct {
		Database string             `json:"database"`
		Accepted []document.HostKey `json:"accepted"`
	}{database, []document.HostKey{}}
	for {
		k, err := s.UnknownHost(ctx, database)
		if err != nil {
			return err
		}
		if k == nil {
			break
		}
		switch {
		case slices.Contains(fingerprints, k.Fingerprint):
		case len(fingerprints) > 0:
			return fault.Newf(fault.SSHHostUnknown, "ask whoever runs the host which of them is its own", "the SSH host %s shows the key %s (%s), which is not among the fingerprints given", k.Host, k.Fingerprint, k.KeyType)
		case !p.asks():
			return fault.Newf(fault.SSHHostUnknown, "compare it with what whoever runs the host says, then add --fingerprint "+k.Fingerprint, "nobody has accepted the key of the SSH host %s yet: %s (%s)", k.Host, k.Fingerprint, k.KeyType)
		default:
			p.say("The SSH host %s shows the key", k.Host)
			p.say("  %s (%s)", k.Fingerprint, k.KeyType)
			p.say("Accepted, it is written to %s.", k.File)
			if err := p.sure(ctx); err != nil {
				return err
			}
		}
		if err := s.TrustHost(k); err != nil {
			return err
		}
		out.Accepted = append(out.Accepted, document.OfHostKey(*k))
	}
	return p.answer(out, func(w io.Writer) {
		for _, k := range out.Accepted {
			line(w, "Accepted: %s %s, in %s.", k.Host, k.Fingerprint, k.File)
		}
		line(w, "Every SSH host on the way to %s is known.", database)
	})
}
