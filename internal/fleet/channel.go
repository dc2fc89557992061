package fleet

import (
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // not every computer has the time zones
)

// The kinds of channels.
const (
	ChannelSMTP    = "smtp"
	ChannelSlack   = "slack"
	ChannelWebhook = "webhook"
	// ChannelDesktop is the desktop of whoever has the window open.
	ChannelDesktop = "desktop"
)

// How a mail server is spoken to.
const (
	TLSStart    = "starttls"
	TLSImplicit = "tls"
	TLSNone     = "none"
)

// Channel is one way to tell people. Passwords, addresses of webhooks and the secrets
// that sign are credentials and never here.
type Channel struct {
	Name, Kind string
	// Of mail.
	Host string
	Port int
	TLS  string
	User string
	From string
	To   []string
	// Severity is the least that is told; Events are rules or the first parts of their
	// names, empty for all.
	Severity string
	Events   []string
	// Digest collects what is told until then; nil tells at once.
	Digest *Digest
}

// CredentialName is the keychain item of the mail server's password or of the
// webhook's address.
func (c Channel) CredentialName() string { return "notify-" + c.Name }

// NeedsCredential reports whether CredentialName has to be kept for it.
func (c Channel) NeedsCredential() bool {
	return c.Kind == ChannelSlack || c.Kind == ChannelWebhook || c.Kind == ChannelSMTP && c.User != ""
}

// SecretName is the keychain item of what signs a webhook.
func (c Channel) SecretName() string { return "notify-" + c.Name + "-secret" }

// Wants reports whether the channel is told of a rule.
func (c Channel) Wants(rule string) bool {
	return len(c.Events) == 0 || slices.ContainsFunc(c.Events, func(e string) bool { return rule == e || strings.HasPrefix(rule, e+".") })
}

// Channel returns the channel of that name.
func (f *Fleet) Channel(name string) (Channel, bool) {
	i := slices.IndexFunc(f.Channels, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		return Channel{}, false
	}
	return f.Channels[i], true
}

// Digest is a time of each day.
type Digest struct {
	Hour, Minute int
	Zone         *time.Location
}

var digestForm = regexp.MustCompile(`^daily (\d{2}):(\d{2}) (\S+)$`)

// ParseDigest reads "daily 08:00 Europe/Berlin".
func ParseDigest(text string) (Digest, bool) {
	m := digestForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Digest{}, false
	}
	zone, err := time.LoadLocation(m[3])
	h, _ := strconv.Atoi(m[1])
	n, _ := strconv.Atoi(m[2])
	return Digest{h, n, zone}, err == nil && h < 24 && n < 60
}

// Next is the first such time after now. One that the clock skips comes as much later
// as it skips.
func (d Digest) Next(now time.Time) time.Time {
	day := now.In(d.Zone)
	for n := 0; ; n++ {
		at := time.Date(day.Year(), day.Month(), day.Day()+n, d.Hour, d.Minute, 0, 0, d.Zone)
		if at.After(now) {
			return at
		}
	}
}

type fileChannel struct {
	Name     string   `toml:"name"`
	Kind     string   `toml:"kind"`
	Host     string   `toml:"host,omitempty"`
	Port     int      `toml:"port,omitempty"`
	TLS      string   `toml:"tls,omitempty"`
	User     string   `toml:"user,omitempty"`
	From     string   `toml:"from,omitempty"`
	To       []string `toml:"to,omitempty"`
	Severity string   `toml:"severity,omitempty"`
	Events   []string `toml:"events,omitempty"`
	Digest   string   `toml:"digest,omitempty"`
}

func (c Channel) inFile() fileChannel {
	out := fileChannel{
		Name: c.Name, Kind: c.Kind, Host: c.Host, Port: c.Port, TLS: c.TLS, User: c.User, From: c.From, To: c.To, Severity: c.Severity, Events: c.Events,
	}
	if c.Digest != nil {
		out.Digest = c.Digest.String()
	}
	return out
}

// String is the digest as the fleet file has it.
func (d Digest) String() string { return fmt.Sprintf("daily %02d:%02d %s", d.Hour, d.Minute, d.Zone) }

var eventForm = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*$`)

// channelOf checks one [[notify]]; bad says what is wrong with a key of it.
func channelOf(m fileChannel, known []Channel, bad func(key, hint, format string, args ...any) error) (Channel, error) {
	c := Channel{
		Name: m.Name, Kind: m.Kind, Host: m.Host, Port: m.Port, TLS: m.TLS, User: m.User, From: m.From, To: m.To, Severity: m.Severity, Events: m.Events,
	}
	if !validName(m.Name) || slices.ContainsFunc(known, func(k Channel) bool { return k.Name == m.Name }) {
		return c, bad("name", "use letters, digits, - and _, and each name once", "the channel's name %q is not usable", m.Name)
	}
	if c.Severity == "" {
		c.Severity = "warning"
	}
	if !slices.Contains([]string{"info", "warning", "critical"}, c.Severity) {
		return c, bad("severity", "write info, warning or critical", "there is no severity %q", m.Severity)
	}
	for _, e := range m.Events {
		if !eventForm.MatchString(e) {
			return c, bad("events", `write rules or their beginnings, as "health" or "move.failed"`, "an event of the channel %s is not usable", m.Name)
		}
	}
	if m.Digest != "" {
		d, ok := ParseDigest(m.Digest)
		if !ok {
			return c, bad("digest", `write "daily 08:00 Europe/Berlin"`, "the digest %q is not a time", m.Digest)
		}
		c.Digest = &d
	}
	switch m.Kind {
	case ChannelSMTP:
		return c, c.checkMail(bad)
	case ChannelSlack, ChannelWebhook:
		if m.Host != "" || m.Port != 0 || m.TLS != "" || m.User != "" || m.From != "" || len(m.To) > 0 {
			return c, bad("kind", "its address is a secret: shard-admin fleet credential set "+c.CredentialName(), "the channel %s is a webhook and takes neither host, port, tls, user, from nor to", m.Name)
		}
		return c, nil
	case ChannelDesktop:
		if m.Host != "" || m.Port != 0 || m.TLS != "" || m.User != "" || m.From != "" || len(m.To) > 0 || c.Digest != nil {
			return c, bad("kind", "name, severity and events are all there is", "the channel %s is the desktop and takes neither host, port, tls, user, from, to nor digest", m.Name)
		}
		return c, nil
	}
	return c, bad("kind", "write smtp, slack, webhook or desktop", "there is no kind of channel %q", m.Kind)
}

func (c *Channel) checkMail(bad func(key, hint, format string, args ...any) error) error {
	if c.Host == "" || strings.ContainsAny(c.Host, "/@: ") {
		return bad("host", `write host = "mail.example.com"`, "the channel %s names no mail server", c.Name)
	}
	if c.TLS == "" {
		c.TLS = TLSStart
	}
	if !slices.Contains([]string{TLSStart, TLSImplicit, TLSNone}, c.TLS) {
		return bad("tls", "write starttls, tls or none", "there is no tls %q", c.TLS)
	}
	ip := net.ParseIP(c.Host)
	if c.TLS == TLSNone && c.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return bad("tls", "write starttls or tls", "without TLS mail goes to this computer alone, and %s is another", c.Host)
	}
	if c.Port == 0 {
		c.Port = map[string]int{TLSStart: 587, TLSImplicit: 465, TLSNone: 25}[c.TLS]
	}
	if c.Port < 1 || c.Port > 65535 {
		return bad("port", "write a number from 1 to 65535", "the port %d is none", c.Port)
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		return bad("from", `write from = "shard-admin@example.com"`, "the channel %s has no address of a sender", c.Name)
	}
	if len(c.To) == 0 {
		return bad("to", `write to = ["ops@example.com"]`, "the channel %s has no receiver", c.Name)
	}
	for _, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return bad("to", "write e-mail addresses", "the channel %s has a receiver that is no address", c.Name)
		}
	}
	return nil
}
