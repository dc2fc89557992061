package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/localpg"
)

func (p *program) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what this computer lacks", Args: want(),
		Long: `Look at what this program needs on this computer: its folder, the fleet files,
the keychain, PostgreSQL for the demo, a display for the window. No database is
opened; fleet check does that.

Exit status: 0 nothing is broken, though something may be missing; 1 something
is.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDoctor(cmd.Context()) },
	}
}

// finding is one thing that doctor looked at: ok, warning (a way around it
// exists) or error.
type finding struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

func wellOr(name, well, status string, err error) finding {
	if err == nil {
		return finding{Name: name, Status: "ok", Message: well}
	}
	return finding{Name: name, Status: status, Message: err.Error(), Fix: fault.HintOf(err)}
}

func (p *program) runDoctor(ctx context.Context) error {
	checks := p.examine(ctx)
	if err := p.answer(struct {
		Checks []finding `json:"checks"`
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
		if c.Status == "error" {
			return &found{code: fault.Internal}
		}
	}
	return nil
}

func (p *program) examine(ctx context.Context) []finding {
	out := []finding{}
	h, err := p.openHome()
	if err != nil {
		out = append(out, wellOr("home folder", "", "error", err))
	} else {
		out = append(out, finding{Name: "home folder", Status: "ok", Message: h.Dir() + ", for nobody else"})
		out = append(out, p.examineSettings(h), p.examineFleets(h))
	}
	out = append(out, wellOr("keychain", "it answers", "warning", credential.Keychain{Patience: 5 * time.Second}.Check(ctx)))
	b, err := localpg.Find(ctx, 0)
	pg := wellOr("PostgreSQL binaries", fmt.Sprintf("version %d in %s", b.Major, b.Dir), "warning", err)
	return append(out, pg, p.examineDisplay(os.Getenv))
}

func (p *program) examineSettings(h *home.Home) finding {
	email, err := h.Settings().Text(home.OperatorEmail)
	if err != nil {
		return wellOr("settings", "", "error", err)
	}
	if email == "" && p.as == "" {
		return finding{
			Name: "settings", Status: "warning", Message: "nobody said who you are, and changes are recorded under a name",
			Fix: "shard-admin settings set " + home.OperatorEmail + " EMAIL",
		}
	}
	return finding{Name: "settings", Status: "ok", Message: "you are " + or(p.as, email)}
}

func (p *program) examineFleets(h *home.Home) finding {
	entries, err := h.Fleets()
	if err != nil {
		return wellOr("fleets", "", "error", err)
	}
	for _, e := range entries {
		if e.Err != nil {
			return wellOr("fleets", "", "error", e.Err)
		}
	}
	if len(entries) == 0 {
		return finding{
			Name: "fleets", Status: "warning", Message: "no fleet is known on this computer",
			Fix: "shard-admin fleet add describes one; shard-admin demo starts one to try",
		}
	}
	return finding{Name: "fleets", Status: "ok", Message: count(int64(len(entries)), "fleet file") + " can be read"}
}

func (p *program) examineDisplay(env func(string) string) finding {
	switch {
	case p.faces.Window == nil:
		return finding{Name: "display", Status: "ok", Message: "not needed: this build has no window, serve shows the page"}
	case runtime.GOOS != "linux" || env("DISPLAY") != "" || env("WAYLAND_DISPLAY") != "":
		return finding{Name: "display", Status: "ok", Message: "there is one for the window"}
	}
	return finding{Name: "display", Status: "warning", Message: "there is none to open a window on", Fix: "shard-admin serve shows the same page in a browser"}
}
