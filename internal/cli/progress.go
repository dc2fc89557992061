package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"shardadmin/internal/session"
)

// progress shows how a move goes on standard error: one line that is written
// over at a terminal, a line per step and every few seconds elsewhere.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	over  bool
	last  map[string]string
	shown string
	next  time.Time
}

func (p *program) progress() *progress {
	f, ok := p.stderr.(*os.File)
	return &progress{out: p.stderr, over: ok && term.IsTerminal(int(f.Fd())), last: map[string]string{}}
}

// move shows a move where something of it has changed.
func (p *progress) move(v session.MoveView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	step := v.Phase + "/" + v.State
	now := time.Now()
	stepped := p.last[v.ID] != step
	if !stepped && now.Before(p.next) {
		return
	}
	pause := 5 * time.Second
	if p.over {
		pause = 200 * time.Millisecond
	}
	p.last[v.ID], p.next = step, now.Add(pause)
	text := fmt.Sprintf("%-8s %-13s %s", v.Phase, state(v.State), or(v.Label, v.Tenant))
	if v.Rows > 0 && (v.Phase == "Copy" || v.RowsCopied > 0) && !(carries(v) && v.Behind != nil) {
		// Rows may have come since the plan counted them.
		if v.RowsCopied > v.Rows {
			text += "  " + count(v.RowsCopied, "row")
		} else {
			text += fmt.Sprintf("  %s of %s", number(v.RowsCopied), count(v.Rows, "row"))
		}
	}
	if v.Slowed != "" {
		text += "  " + v.Slowed
	}
	if v.ReadOnlySince != nil {
		text += "  read-only"
		if t, err := time.Parse(time.RFC3339Nano, *v.ReadOnlySince); err == nil {
			text += " for " + span(now.Sub(t))
		}
	}
	text = plain(text + going(v, now))
	if !p.over {
		line(p.out, "%s  %s", now.UTC().Format(time.TimeOnly), text)
		return
	}
	if stepped && p.shown != "" {
		line(p.out, "")
	}
	p.shown = cut(text, wide-1)
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", p.shown)
}

// end leaves the last line standing.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over && p.shown != "" {
		line(p.out, "")
		p.shown = ""
	}
}
