package tunnel

import (
	"io"
	"net"
	"sync"
)

// carried is a connection inside an SSH connection. SSH has no deadlines,
// which the driver needs to end a call; the pipe in front of it has them.
type carried struct {
	net.Conn
	remote net.Addr
}

// RemoteAddr is the database as seen from the last host, so that the driver
// sends a cancel request the same way.
func (c carried) RemoteAddr() net.Addr { return c.remote }

// address is where a database listens, as the last host of a way names it.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }

// carry puts the pipe in front of a channel; done is called when both ways have
// ended.
func carry(channel net.Conn, remote net.Addr, done func()) net.Conn {
	near, far := net.Pipe()
	var both sync.WaitGroup
	both.Go(func() {
		// What was written before the close still goes out.
		_, _ = io.Copy(channel, far)
		_ = channel.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(far, channel)
		_ = far.Close()
	})
	go func() {
		both.Wait()
		done()
	}()
	return carried{Conn: near, remote: remote}
}
