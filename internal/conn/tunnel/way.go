package tunnel

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// Hop is one host of a way.
type Hop struct {
	// Name is what the fleet file or a ProxyJump calls it.
	Name string
	User string
	Host string
	Port int
	// Fingerprint of the key that the host has shown, SHA256:…; empty while no
	// connection is open.
	Fingerprint string
	// KeyType is the kind of that key, such as ssh-ed25519.
	KeyType string
}

// Address returns host:port.
func (h Hop) Address() string { return net.JoinHostPort(h.Host, strconv.Itoa(h.Port)) }

// String writes user@host:port.
func (h Hop) String() string { return h.User + "@" + h.Address() }

// hop is a host with everything that ssh's configuration says of it.
type hop struct {
	Hop
	// keyName is host:port under which known_hosts has the key.
	keyName        string
	identities     []string
	chosen         bool // identities come from the configuration
	identitiesOnly bool
	agent          string // where the agent listens; empty for none
	known          []string
	hash           bool
	network        string
	hostKeys       []string
	config         ssh.Config
}

// deepest bounds ProxyJump within ProxyJump.
const deepest = 8

// hops resolves a way against ssh's configuration.
func (b *Bastions) hops(way string) ([]hop, error) {
	list, err := fleet.ParseBastions(way)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.New(fault.FleetInvalid, "no SSH host is named", `write ssh = "user@bastion"`)
	}
	s, err := readSettings(b.o.settingsFiles()...)
	if err != nil {
		return nil, err
	}
	return b.follow(s, list, 0)
}

func (b *Bastions) follow(s settings, list []fleet.Bastion, depth int) ([]hop, error) {
	if depth > deepest {
		return nil, fault.Newf(fault.SSHConfigInvalid, "end the circle in ~/.ssh/config", "the jump hosts of the SSH host %s never end", list[0].Host)
	}
	out := []hop{}
	for i, d := range list {
		h, jump, err := b.hop(s, d)
		if err != nil {
			return nil, err
		}
		// A host that is reached through one named here needs no other.
		if i == 0 && jump != "" {
			before, err := fleet.ParseBastions(jump)
			if err != nil || len(before) == 0 {
				return nil, fault.Newf(fault.SSHConfigInvalid, "write ProxyJump user@host:port, or none", "ProxyJump of the SSH host %s cannot be used", d.Host)
			}
			if out, err = b.follow(s, before, depth+1); err != nil {
				return nil, err
			}
		}
		out = append(out, h)
	}
	return out, nil
}

// hop reads what the configuration says of one host, and through which it is
// reached.
func (b *Bastions) hop(s settings, d fleet.Bastion) (h hop, jump string, err error) {
	if err := s.refuse(d.Host); err != nil {
		return h, "", err
	}
	get := func(key string) (v string) {
		if err == nil {
			v, err = s.get(d.Host, key)
		}
		return v
	}
	h.Name, h.User, h.Host, h.Port, h.network = d.String(), d.User, d.Host, d.Port, "tcp"
	if v := get("HostName"); v != "" {
		h.Host = strings.NewReplacer("%%", "%", "%h", d.Host).Replace(v)
	}
	if h.User == "" {
		h.User = get("User")
	}
	if h.User == "" {
		if h.User = b.o.localUser(); h.User == "" {
			return h, "", fault.Newf(fault.SSHConfigInvalid, `write ssh = "user@`+d.Host+`"`, "nobody says which user logs in to the SSH host %s", d.Host)
		}
	}
	if v := get("Port"); h.Port == 0 && v != "" {
		if h.Port, err = strconv.Atoi(v); err != nil || h.Port < 1 || h.Port > 65535 {
			return h, "", fault.Newf(fault.SSHConfigInvalid, "write a number from 1 to 65535", "Port of the SSH host %s is not usable", d.Host)
		}
	}
	if h.Port == 0 {
		h.Port = 22
	}
	switch v := strings.ToLower(get("AddressFamily")); v {
	case "", "any":
	case "inet":
		h.network = "tcp4"
	case "inet6":
		h.network = "tcp6"
	default:
		return h, "", fault.Newf(fault.SSHConfigInvalid, "write any, inet or inet6", "AddressFamily of the SSH host %s is not usable", d.Host)
	}
	h.keyName = h.Address()
	if v := get("HostKeyAlias"); v != "" {
		h.keyName = net.JoinHostPort(v, "22")
	}
	h.hash = strings.EqualFold(get("HashKnownHosts"), "yes")
	h.identitiesOnly = strings.EqualFold(get("IdentitiesOnly"), "yes")
	if jump = get("ProxyJump"); strings.EqualFold(jump, "none") {
		jump = ""
	}
	if h.agent = get("IdentityAgent"); h.agent == "" || h.agent == "SSH_AUTH_SOCK" {
		h.agent = b.o.defaultAgent()
	} else if strings.EqualFold(h.agent, "none") {
		h.agent = ""
	} else if name, ok := strings.CutPrefix(h.agent, "$"); ok {
		h.agent = b.o.env(strings.Trim(name, "{}"))
	} else if h.agent, err = b.path(h, "IdentityAgent", h.agent); err != nil {
		return h, "", err
	}
	for _, key := range []string{"UserKnownHostsFile", "GlobalKnownHostsFile"} {
		names := strings.Fields(get(key))
		if len(names) == 0 {
			names = b.o.knownFiles(key)
		}
		for _, n := range names {
			if strings.EqualFold(n, "none") {
				continue
			}
			if n, err = b.path(h, key, n); err != nil {
				return h, "", err
			}
			h.known = append(h.known, n)
		}
	}
	if err != nil {
		return h, "", err
	}
	files, err := s.all(d.Host, "IdentityFile")
	if err != nil {
		return h, "", err
	}
	for _, n := range files {
		h.chosen = true
		if strings.EqualFold(n, "none") {
			continue
		}
		if n, err = b.path(h, "IdentityFile", n); err != nil {
			return h, "", err
		}
		if !slices.Contains(h.identities, n) {
			h.identities = append(h.identities, n)
		}
	}
	if !h.chosen {
		for _, n := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			h.identities = append(h.identities, filepath.Join(b.o.sshFolder(), n))
		}
	}
	usual, all := knownAlgorithms()
	for _, l := range []struct {
		key        string
		usual, all []string
		to         *[]string
	}{
		{"KexAlgorithms", usual.KeyExchanges, all.KeyExchanges, &h.config.KeyExchanges},
		{"Ciphers", usual.Ciphers, all.Ciphers, &h.config.Ciphers},
		{"MACs", usual.MACs, all.MACs, &h.config.MACs},
		{"HostKeyAlgorithms", usual.HostKeys, all.HostKeys, &h.hostKeys},
	} {
		if *l.to, err = algorithms(d.Host, l.key, get(l.key), l.usual, l.all); err != nil {
			return h, "", err
		}
	}
	return h, jump, err
}

// path makes a file's name whole; ssh_config_invalid for a token that is not
// known here.
func (b *Bastions) path(h hop, key, name string) (string, error) {
	if name == "~" || strings.HasPrefix(name, "~/") {
		name = b.o.home() + name[1:]
	}
	out := strings.Builder{}
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			out.WriteByte(name[i])
			continue
		}
		i++
		token := byte(0)
		if i < len(name) {
			token = name[i]
		}
		switch token {
		case '%':
			out.WriteByte('%')
		case 'd':
			out.WriteString(b.o.home())
		case 'h':
			out.WriteString(h.Host)
		case 'n':
			out.WriteString(h.Name)
		case 'p':
			out.WriteString(strconv.Itoa(h.Port))
		case 'r':
			out.WriteString(h.User)
		case 'u':
			out.WriteString(b.o.localUser())
		default:
			return "", fault.Newf(fault.SSHConfigInvalid, "write the file's path", "%s of the SSH host %s has a token that is not understood here", key, h.Host)
		}
	}
	path := out.String()
	if !filepath.IsAbs(path) && !strings.HasPrefix(path, `\\.\pipe\`) {
		path = filepath.Join(b.o.sshFolder(), path)
	}
	return path, nil
}

func (o Options) env(name string) string {
	if o.Env != nil {
		return o.Env(name)
	}
	return os.Getenv(name)
}

// home is the folder in which ssh's own folder lies.
func (o Options) home() string {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	if h := o.env(name); h != "" {
		return h
	}
	h, _ := os.UserHomeDir()
	return h
}

func (o Options) sshFolder() string { return filepath.Join(o.home(), ".ssh") }

func (o Options) localUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	_, name, within := strings.Cut(u.Username, `\`)
	if within {
		return name
	}
	return u.Username
}

func (o Options) systemFolder() string {
	if o.System != "" {
		return o.System
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(o.env("PROGRAMDATA"), "ssh")
	}
	return "/etc/ssh"
}

func (o Options) settingsFiles() []string {
	return []string{filepath.Join(o.sshFolder(), "config"), filepath.Join(o.systemFolder(), "ssh_config")}
}

func (o Options) knownFiles(key string) []string {
	dir := o.sshFolder()
	name := "known_hosts"
	if key == "GlobalKnownHostsFile" {
		dir, name = o.systemFolder(), "ssh_known_hosts"
	}
	return []string{filepath.Join(dir, name), filepath.Join(dir, name+"2")}
}
