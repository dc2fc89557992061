// Package doctor says what this computer lacks of what the program needs: its
// folder, the fleet files, the keychain, PostgreSQL for the demo, a display for
// the window. It opens no database; a fleet's check does that.
package doctor

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/home"
	"shardadmin/internal/localpg"
)

// The states of a finding. A warning has a way around it.
const (
	OK      = "ok"
	Warning = "warning"
	Error   = "error"
)

// Finding is one thing that was looked at.
type Finding struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

// Options of Examine.
type Options struct {
	// Home is the program's folder, nil where it could not be opened: NoHome
	// says why.
	Home   *home.Home
	NoHome error
	// As is who works here, said for this start alone; empty means the settings'.
	As string
	// Window reports whether this build has one.
	Window bool
	// Env looks up a variable.
	Env func(string) string
}

// Examine looks at everything that the program needs here.
func Examine(ctx context.Context, o Options) []Finding {
	out := []Finding{}
	if o.Home == nil {
		out = append(out, wellOr("home folder", "", Error, o.NoHome))
	} else {
		out = append(out, Finding{Name: "home folder", Status: OK, Message: o.Home.Dir() + ", for nobody else"}, o.settings(), o.fleets())
	}
	out = append(out, o.credentials(ctx))
	b, err := localpg.Find(ctx, 0)
	pg := wellOr("PostgreSQL binaries", fmt.Sprintf("version %d in %s", b.Major, b.Dir), Warning, err)
	return append(out, pg, o.display())
}

func wellOr(name, well, status string, err error) Finding {
	if err == nil {
		return Finding{Name: name, Status: OK, Message: well}
	}
	return Finding{Name: name, Status: status, Message: err.Error(), Fix: fault.HintOf(err)}
}

// credentials looks at the store that is in use.
func (o Options) credentials(ctx context.Context) Finding {
	if o.Home == nil || o.Home.Credentials().Source() != credential.FromVault {
		return wellOr("keychain", "it answers, and keeps passwords", Warning, credential.Keychain{Patience: 5 * time.Second}.Check(ctx))
	}
	there, err := o.Home.OpenVault(ctx)
	well := "passwords are kept in vault.age, which can be opened"
	if !there {
		well = "passwords are to be kept in vault.age: the first one that is kept makes it"
	}
	return wellOr("vault", well, Warning, err)
}

func (o Options) settings() Finding {
	email, err := o.Home.Settings().Text(home.OperatorEmail)
	if err != nil {
		return wellOr("settings", "", Error, err)
	}
	if o.As != "" {
		email = o.As
	}
	if email == "" {
		return Finding{
			Name: "settings", Status: Warning, Message: "nobody said who you are, and changes are recorded under a name",
			Fix: "shard-admin settings set " + home.OperatorEmail + " EMAIL",
		}
	}
	return Finding{Name: "settings", Status: OK, Message: "you are " + email}
}

func (o Options) fleets() Finding {
	entries, err := o.Home.Fleets()
	if err != nil {
		return wellOr("fleets", "", Error, err)
	}
	for _, e := range entries {
		if e.Err != nil {
			return wellOr("fleets", "", Error, e.Err)
		}
	}
	if len(entries) == 0 {
		return Finding{
			Name: "fleets", Status: Warning, Message: "no fleet is known on this computer",
			Fix: "shard-admin fleet add describes one; shard-admin demo starts one to try",
		}
	}
	return Finding{Name: "fleets", Status: OK, Message: figure.Count(int64(len(entries)), "fleet file") + " can be read"}
}

func (o Options) display() Finding {
	switch {
	case !o.Window:
		return Finding{Name: "display", Status: OK, Message: "not needed: this build has no window, serve shows the page"}
	case runtime.GOOS != "linux" || o.Env("DISPLAY") != "" || o.Env("WAYLAND_DISPLAY") != "":
		return Finding{Name: "display", Status: OK, Message: "there is one for the window"}
	}
	return Finding{Name: "display", Status: Warning, Message: "there is none to open a window on", Fix: "shard-admin serve shows the same page in a browser"}
}
