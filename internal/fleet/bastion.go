package fleet

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"shardadmin/internal/fault"
)

// Bastion is an SSH host through which a database is reached, as the fleet
// file names it. What it leaves open, ~/.ssh/config says.
type Bastion struct {
	// User is empty where the file names none.
	User string
	// Host is a name, an address, or a Host of ~/.ssh/config.
	Host string
	// Port is 0 where the file names none.
	Port int
}

// SSHCredential is the name of the credential with the passphrase of SSH keys,
// APICredential that of the monitoring API's token, AuditCredential that of the
// key that signs the audit trail's checkpoints.
const (
	SSHCredential   = "ssh-key"
	APICredential   = "api-token"
	AuditCredential = "audit-key"
)

var (
	bastionUser = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@\\+-]*\$?$`)
	bastionHost = regexp.MustCompile(`^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$`)
)

const bastionHint = `write ssh = "user@bastion", "user@bastion:2222", or several hosts in their order with commas between`

// ParseBastions reads the hosts of an ssh entry, in the order in which they are
// gone through. An empty text gives none; fleet_invalid is the only error, and
// fleet_holds_secret where a password stands in it.
func ParseBastions(text string) ([]Bastion, error) {
	out := []Bastion{}
	if strings.TrimSpace(text) == "" {
		return out, nil
	}
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		b := Bastion{Host: strings.TrimSuffix(strings.TrimPrefix(part, "ssh://"), "/")}
		if i := strings.LastIndex(b.Host, "@"); i >= 0 {
			b.User, b.Host = b.Host[:i], b.Host[i+1:]
			if strings.Contains(b.User, ":") {
				return nil, fault.New(fault.FleetHoldsSecret, "ssh holds a password; a fleet file must not", `write ssh = "user@bastion"; ssh finds its key by itself`)
			}
			if !bastionUser.MatchString(b.User) {
				return nil, fault.New(fault.FleetInvalid, "the user of an ssh host is not usable", bastionHint)
			}
		}
		port := ""
		switch {
		case strings.HasPrefix(b.Host, "["):
			end := strings.Index(b.Host, "]")
			if end < 0 {
				return nil, fault.New(fault.FleetInvalid, "an ssh host has no closing bracket", bastionHint)
			}
			rest := b.Host[end+1:]
			b.Host = b.Host[1:end]
			if rest != "" {
				if port = strings.TrimPrefix(rest, ":"); port == rest || port == "" {
					return nil, fault.New(fault.FleetInvalid, "the port of an ssh host is not usable", bastionHint)
				}
			}
		case strings.Count(b.Host, ":") == 1:
			b.Host, port, _ = strings.Cut(b.Host, ":")
			if port == "" {
				return nil, fault.New(fault.FleetInvalid, "the port of an ssh host is not usable", bastionHint)
			}
		}
		if port != "" {
			n, err := strconv.Atoi(port)
			if err != nil || n < 1 || n > 65535 {
				return nil, fault.New(fault.FleetInvalid, "the port of an ssh host is not a number from 1 to 65535", bastionHint)
			}
			b.Port = n
		}
		if !bastionHost.MatchString(b.Host) {
			return nil, fault.New(fault.FleetInvalid, "an ssh host is not usable", bastionHint)
		}
		out = append(out, b)
	}
	return out, nil
}

// String writes the host as a fleet file has it.
func (b Bastion) String() string {
	text := b.Host
	if b.Port != 0 {
		text = net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
	}
	if b.User != "" {
		text = b.User + "@" + text
	}
	return text
}

// ReachThrough has every database of the fleet reached through SSH hosts, as a fleet
// file names them; empty leaves the shards as they are and control without.
func (f *Fleet) ReachThrough(way string) {
	if f.Control.SSH = way; way == "" {
		return
	}
	for i := range f.Shards {
		if f.Shards[i].Endpoint.URL != "" {
			f.Shards[i].Endpoint.SSH = way
		}
	}
}
