//go:build unix

package tunnel

import (
	"context"
	"io"
	"net"
	"time"
)

func (o Options) defaultAgent() string { return o.env("SSH_AUTH_SOCK") }

// dialAgent opens an agent's socket. The agent may wait for a person, but no
// longer than the login does.
func dialAgent(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	c, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(end)
	}
	return c, nil
}
