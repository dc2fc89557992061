package notify

import (
	"context"
	"strings"

	"github.com/gen2brain/beeep"

	"shardadmin/internal/credential"
)

func init() { beeep.AppName = "Shard Admin" } // the name that a desktop shows

// desktop shows a message on this computer's desktop, without the details of Text.
func (c Channel) desktop(ctx context.Context, m Message) error {
	// Without a session bus the library would start one that nobody sees.
	if err := credential.SessionBus(); err != nil {
		return refused(err, "run it in the session of a desktop", "there is no desktop to show the channel %s on", c.Spec.Name)
	}
	done := make(chan error, 1)
	go func() { done <- beeep.Notify(shown(m.Title()), shown(m.brief()), "") }()
	select {
	case err := <-done:
		if err != nil {
			return later(0, err, "the desktop showed no notification")
		}
		return nil
	case <-ctx.Done(): // the library takes no context
		return later(0, ctx.Err(), "the desktop did not answer")
	}
}

// mostShown is how many alerts a notification names.
const mostShown = 4

// brief is the message in a few lines.
func (m Message) brief() string {
	if m.Test {
		return "Somebody tests this channel. Nothing is wrong."
	}
	lines := []string{}
	for n, i := range m.Items {
		if n == mostShown {
			lines = append(lines, "…")
			break
		}
		if len(m.Items) > 1 {
			lines = append(lines, oneLine(headOf(i)))
		} else if i.Advice != "" {
			lines = append(lines, oneLine(i.Advice))
		}
	}
	return strings.Join(lines, "\n")
}

// shown keeps what a server or a person wrote from being markup of a desktop, or more
// than text to the scripts by which some desktops are told.
func shown(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "'", "`", "'", "$", "", `\`, "/").Replace(s)
}
