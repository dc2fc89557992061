package cli

import (
	"io"

	"github.com/spf13/cobra"

	"shardadmin/internal/version"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which build this is", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runVersion() },
	}
}

func (p *program) runVersion() error {
	v := version.Read()
	return p.answer(v, func(w io.Writer) {
		with := "window and command line"
		if v.Headless {
			with = "command line and page"
		}
		line(w, "shard-admin %s (%s, %s; %s)", v.Version, v.Commit, v.Go, with)
	})
}
