package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// sendLimit bounds one try.
const sendLimit = 15 * time.Second

// Channel sends messages one way.
type Channel struct {
	Spec fleet.Channel
	// Password is that of the mail server; URL and Secret are a webhook's, whose
	// secret signs.
	Password, URL, Secret credential.Secret
	// Client sends webhooks; one that follows no redirect where it is nil.
	Client *http.Client
	// Now is the clock of signatures; time.Now where it is nil.
	Now func() time.Time
}

// Later says that the receiver may take the message at another time.
type Later struct {
	// After is what the receiver said; 0 where it said nothing.
	After time.Duration
	Err   error
}

// Error is the reason.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap is the reason.
func (l *Later) Unwrap() error { return l.Err }

// AsLater returns the delay of an error that says the message may be taken later.
func AsLater(err error) (*Later, bool) {
	var l *Later
	ok := errors.As(err, &l)
	return l, ok
}

// Send sends a message once. Errors: Later, else notify_refused.
func (c Channel) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	switch c.Spec.Kind {
	case fleet.ChannelSMTP:
		return c.mail(ctx, m)
	case fleet.ChannelSlack, fleet.ChannelWebhook:
		return c.post(ctx, m)
	case fleet.ChannelDesktop:
		return c.desktop(ctx, m)
	}
	return fault.Newf(fault.Internal, "", "a channel of the kind %q cannot send", c.Spec.Kind)
}

func later(after time.Duration, err error, format string, args ...any) error {
	return &Later{After: after, Err: fault.Wrapf(err, fault.NotifyFailed, "is the receiver up, and can this computer reach it? what an alert says is sent again by itself", format, args...)}
}

func refused(err error, hint, format string, args ...any) error {
	return fault.Wrapf(err, fault.NotifyRefused, hint, format, args...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
