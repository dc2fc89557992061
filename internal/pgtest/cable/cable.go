//go:build unix

// Package cable is the network between a test and a server: it can be cut,
// stalled and mended, and it can break at the very message that a test names,
// before or after the server has seen it. Tests alone may import it.
package cable

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Cable leads to one server.
type Cable struct {
	t    testing.TB
	to   string
	door net.Listener

	mu      sync.Mutex
	open    map[net.Conn]bool
	strands chan struct{} // closed where connections of before carry nothing any more
	cut     bool
	stalled chan struct{} // closed while traffic flows
	on      *wire         // where the first of it came by
	at      [][]byte      // what has to come by, in order; it breaks at the last
	late    bool
	lags    time.Duration // how long the last of them is on its way without its sender
	broke   bool

	delay time.Duration // of each message to the server

	stalls   []byte        // what StallAt holds back, nil where nothing
	released chan struct{} // closed where that may go on

	gone chan struct{} // closed where the test is over

	carried int64 // bytes, both ways
	taken   int   // connections that were let in
}

// New lays a cable to an address. The test's end removes it.
func New(t testing.TB, to string) *Cable {
	t.Helper()
	door, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	flows := make(chan struct{})
	close(flows)
	c := &Cable{t: t, to: to, door: door, open: map[net.Conn]bool{}, stalled: flows, strands: make(chan struct{}), gone: make(chan struct{})}
	go c.accept()
	t.Cleanup(func() {
		_ = door.Close()
		close(c.gone)
		c.Mend()
		c.Cut()
	})
	return c
}

// Address is where the cable begins.
func (c *Cable) Address() string { return c.door.Addr().String() }

// Cut ends every connection and lets none in.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	c.drop()
}

func (c *Cable) drop() {
	for n := range c.open {
		_ = n.Close()
	}
	c.open = map[net.Conn]bool{}
}

// Stall lets connections stand and carries nothing, as after a sleep or behind
// a firewall that forgot them.
func (c *Cable) Stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = make(chan struct{})
}

// Strand lets connections stand and never carries anything on them again, as after a
// sleep or on another network: neither end hears of it. New ones are as any.
func (c *Cable) Strand() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.strands)
	c.strands = make(chan struct{})
}

// Delay lets each message to the server take so long from now on, as a network that
// leads far away.
func (c *Cable) Delay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// Restore ends a Cut; what else was asked of the cable stays.
func (c *Cable) Restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// Resume ends a Stall; what else was asked of the cable stays.
func (c *Cable) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.stalled:
	default:
		close(c.stalled)
	}
}

// StallAt lets everything through but messages to the server that hold the text, and
// what comes after one on the same connection: the server is there and does not answer
// that.
func (c *Cable) StallAt(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalls, c.released = []byte(text), make(chan struct{})
}

// Mend lets traffic flow again.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.at, c.broke, c.delay = false, nil, false, 0
	if c.stalls != nil {
		c.stalls = nil
		close(c.released)
	}
	select {
	case <-c.stalled:
	default:
		close(c.stalled)
	}
}

// BreakAt ends every connection once, at the message to the server that holds
// the last text after messages with the others have come by on the same
// connection in their order: before the server sees it or, when late, after it
// has answered and before the answer comes through. New connections are let in.
func (c *Cable) BreakAt(late bool, texts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.at, c.late, c.lags, c.broke = nil, nil, late, 0, false
	for _, t := range texts {
		c.at = append(c.at, []byte(t))
	}
}

// LagAt breaks like BreakAt, but the message is on its way already: the server
// sees it after the time, when its sender has long lost the connection and asks
// on another.
func (c *Cable) LagAt(after time.Duration, texts ...string) {
	c.BreakAt(false, texts...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lags = after
}

// Broke reports whether the message came by.
func (c *Cable) Broke() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broke
}

// Carried is how many bytes came by, both ways, and how many connections were let in.
func (c *Cable) Carried() (bytes int64, connections int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carried, c.taken
}

func (c *Cable) accept() {
	for {
		from, err := c.door.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		if c.cut {
			c.mu.Unlock()
			_ = from.Close()
			continue
		}
		to, err := net.Dial("tcp", c.to) //nolint:noctx // as long as the connection that asks for it
		if err != nil {
			c.mu.Unlock()
			_ = from.Close()
			continue
		}
		c.open[from], c.open[to] = true, true
		c.taken++
		w := &wire{cable: c, from: from, to: to, stranded: c.strands}
		c.mu.Unlock()
		go w.carry(from, to, true)
		go w.carry(to, from, false)
	}
}

// wire is one connection.
type wire struct {
	cable    *Cable
	from, to net.Conn
	stranded chan struct{} // closed where nothing comes by any more
	mu       sync.Mutex
	last     bool // the next answer is the one that gets lost
	lags     bool // the server's end stands until what is on its way has arrived
}

func (w *wire) carry(in, out net.Conn, asks bool) {
	defer func() {
		_ = w.from.Close()
		if !w.lagging() {
			_ = w.to.Close()
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		select {
		case <-w.stranded:
			// Not even that an end has closed it comes by.
			<-w.cable.gone
			return
		default:
		}
		if n > 0 {
			w.cable.mu.Lock()
			flows := w.cable.stalled
			w.cable.carried += int64(n)
			delay := w.cable.delay
			w.cable.mu.Unlock()
			<-flows
			if asks {
				time.Sleep(delay)
			}
			w.cable.stall(buf[:n], asks)
			if w.breaks(buf[:n], asks) {
				return
			}
			if _, err := out.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stall waits where these bytes are not to go on.
func (c *Cable) stall(b []byte, asks bool) {
	c.mu.Lock()
	stalls := asks && c.stalls != nil && bytes.Contains(b, c.stalls)
	released := c.released
	c.mu.Unlock()
	if stalls {
		<-released
	}
}

func (w *wire) lagging() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lags
}

// breaks reports whether the cable breaks at these bytes.
func (w *wire) breaks(b []byte, asks bool) bool {
	c := w.cable
	c.mu.Lock()
	defer c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !asks {
		if w.last {
			c.broke, w.last = true, false
			c.drop()
			return true
		}
		return false
	}
	if len(c.at) == 0 || (c.on != nil && c.on != w) || !bytes.Contains(b, c.at[0]) {
		return false
	}
	c.on = w
	if c.at = c.at[1:]; len(c.at) > 0 {
		return false
	}
	if c.late {
		w.last = true
		return false
	}
	c.broke = true
	if c.lags > 0 {
		delete(c.open, w.to)
		w.lags = true
		go w.arrive(bytes.Clone(b), c.lags)
	}
	c.drop()
	return true
}

// arrive brings the server what was on its way.
func (w *wire) arrive(b []byte, after time.Duration) {
	defer func() { _ = w.to.Close() }()
	time.Sleep(after)
	_, _ = w.to.Write(b)
	time.Sleep(after) // for what the server does with it
}
