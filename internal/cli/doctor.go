package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"shardadmin/internal/doctor"
	"shardadmin/internal/fault"
)

func (p *program) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what this computer lacks", Args: want(),
		Long: `Look at what this program needs on this computer: its folder, the fleet files,
the keychain or vault, PostgreSQL for the demo, a display for the window. No
database is
opened; fleet check does that.

Exit status: 0 nothing is broken, though something may be missing; 1 something
is.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDoctor(cmd.Context()) },
	}
}

func (p *program) runDoctor(ctx context.Context) error {
	checks := p.examine(ctx)
	if err := p.answer(struct {
		Checks []doctor.Finding `json:"checks"`
	}{checks}, func(w io.Writer) {
		t := newTable(left("CHECK"), left("STATUS"), whole("FOUND", 20))
		for _, c := range checks {
			t.add(c.Name, c.Status, c.Message)
		}
		t.print(w)
		for _, c := range checks {
			if c.Fix != "" {
				line(w, "")
				paragraph(w, "", c.Name+": "+c.Fix)
			}
		}
	}); err != nil {
		return err
	}
	for _, c := range checks {
		if c.Status == doctor.Error {
			return &found{code: fault.Internal}
		}
	}
	return nil
}

func (p *program) examine(ctx context.Context) []doctor.Finding {
	h, err := p.openHome()
	if err != nil {
		h = nil
	}
	return doctor.Examine(ctx, doctor.Options{Home: h, NoHome: err, As: p.as, Window: p.faces.Window != nil, Env: os.Getenv})
}
