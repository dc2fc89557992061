package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"shardadmin/app"
)

const (
	// keepAlive is how often an idle stream shows that it lives.
	keepAlive = 15 * time.Second
	// queued is how many events wait for a slow page before it loses some; it
	// asks again for what it shows when it comes back.
	queued = 256
)

// hub sends the app's events to every open page.
type hub struct {
	mu     sync.Mutex
	pages  map[chan []byte]bool
	closed chan struct{}
	once   sync.Once
}

func newHub() *hub { return &hub{pages: map[chan []byte]bool{}, closed: make(chan struct{})} }

// Emit sends an event to every open page; it never waits for one.
func (h *hub) Emit(event string, payload any) {
	text, err := message(event, payload)
	if err != nil {
		return // payloads are views, which always marshal
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for page := range h.pages {
		select {
		case page <- text:
		default:
		}
	}
}

// SaveAs takes the suggestion: a page has no dialogue for files of Go's.
func (h *hub) SaveAs(_, suggestion string) (string, error) { return suggestion, nil }

// Reveal refuses: the browser may be on another computer.
func (h *hub) Reveal(string) error { return app.NoFolder() }

// Guard has nothing to do: no web view changes signal handlers here.
func (h *hub) Guard() {}

func (h *hub) close() { h.once.Do(func() { close(h.closed) }) }

// message is one event as a stream has it.
func message(event string, payload any) ([]byte, error) {
	text, err := json.Marshal(struct {
		Event   string `json:"event"`
		Payload any    `json:"payload"`
	}{event, payload})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("data: ")
	b.Write(text) // JSON has no line breaks
	b.WriteString("\n\n")
	return b.Bytes(), nil
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := make(chan []byte, queued)
	h.mu.Lock()
	h.pages[page] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.pages, page)
		h.mu.Unlock()
	}()

	stream := http.NewResponseController(w)
	_ = stream.SetReadDeadline(time.Time{}) // a stream is not a slow request
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(text []byte) bool {
		// A page that reads nothing for long is gone, whatever its socket says.
		_ = stream.SetWriteDeadline(time.Now().Add(2 * keepAlive))
		if _, err := w.Write(text); err != nil {
			return false
		}
		return stream.Flush() == nil
	}
	ready, err := message("ready", map[string]string{"mode": "page"})
	if err != nil || !send(append([]byte("retry: 1000\n"), ready...)) {
		return
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		text := []byte(": still here\n\n")
		select {
		case <-r.Context().Done():
			return
		case <-h.closed:
			return
		case <-alive.C:
		case text = <-page:
		}
		if !send(text) {
			return
		}
	}
}
