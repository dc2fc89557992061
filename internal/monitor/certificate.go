package monitor

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// certificate is a certificate in files that somebody else renews.
type certificate struct {
	cert, key string

	mu   sync.Mutex
	is   *tls.Certificate
	read time.Time // when the files it was read from were written
}

// get returns the certificate, read anew where a file has changed. Files that
// cannot be read leave the one that was good.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	written, err := c.written()
	if err == nil && c.is != nil && written.Equal(c.read) {
		return c.is, nil
	}
	var next tls.Certificate
	if err == nil {
		next, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	switch {
	case err == nil:
		c.is, c.read = &next, written
	case c.is == nil:
		return nil, err
	}
	return c.is, nil
}

// written is when the newer of the two files was written.
func (c *certificate) written() (time.Time, error) {
	var at time.Time
	for _, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return at, err
		}
		if info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at, nil
}
