package notify

import (
	"context"
	"errors"
	"time"

	"github.com/wneessen/go-mail"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// mail sends a message over SMTP.
func (c Channel) mail(ctx context.Context, m Message) error {
	return c.deliver(ctx, m.Key, m.Title(), m.Text(), nil)
}

// SendFiles sends files by mail, once. The key is the same for each try: it becomes the
// Message-ID. Errors: Later, else notify_refused.
func (c Channel) SendFiles(ctx context.Context, key, title, text string, paths []string) error {
	if c.Spec.Kind != fleet.ChannelSMTP {
		return fault.Newf(fault.Internal, "", "a channel of the kind %q sends no files", c.Spec.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, filesLimit)
	defer cancel()
	return c.deliver(ctx, key, oneLine(title), text, paths)
}

// filesLimit bounds one try to send files.
const filesLimit = 5 * time.Minute

func (c Channel) deliver(ctx context.Context, key, title, text string, paths []string) error {
	s := c.Spec
	msg := mail.NewMsg()
	if err := msg.From(s.From); err != nil {
		return refused(err, "mend from in the fleet file", "%s is not the address of a sender", s.From)
	}
	if err := msg.To(s.To...); err != nil {
		return refused(err, "mend to in the fleet file", "the channel %s has an address that is none", s.Name)
	}
	msg.Subject(title)
	msg.SetMessageIDWithValue(key + "@shard-admin")
	msg.SetDate()
	msg.SetGenHeader(mail.Header("Auto-Submitted"), "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, text)
	for _, path := range paths {
		msg.AttachFile(path)
	}
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(sendLimit), mail.WithoutNoop()}
	switch s.TLS {
	case fleet.TLSNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case fleet.TLSImplicit:
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		how := mail.SMTPAuthAutoDiscover
		if s.TLS == fleet.TLSNone {
			how = mail.SMTPAuthPlainNoEnc // to this computer alone, which the fleet file's check sees to
		}
		options = append(options, mail.WithSMTPAuth(how), mail.WithUsername(s.User), mail.WithPassword(c.Password.Reveal()))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return refused(err, "mend the channel in the fleet file", "the channel %s cannot be used: %s", s.Name, err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return nil // the server has it, whatever it said to goodbye
	}
	var sending *mail.SendError
	if errors.As(err, &sending) && !sending.IsTemp() {
		return refused(err, "look at sender, receivers and rights on the mail server", "the mail server %s refuses the message", s.Host)
	}
	return later(0, err, "the mail server %s did not take the message", s.Host)
}
