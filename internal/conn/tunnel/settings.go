package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"

	"shardadmin/internal/fault"
)

// settings are the operator's ssh_config files, the user's before the system's.
type settings []*ssh_config.Config

// readSettings reads the files that are there; ssh_config_invalid for one that
// cannot be read or holds what the reader does not know, such as Match exec.
func readSettings(paths ...string) (settings, error) {
	out := settings{}
	for _, path := range paths {
		if path == "" {
			continue
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fault.Wrapf(err, fault.SSHConfigInvalid, "let this user read it", "%s cannot be read", path)
		}
		c, err := parseSettings(b)
		if err != nil {
			return nil, fault.Wrapf(err, fault.SSHConfigInvalid, "of Match, only Match all and Match host are understood; write the rest as Host", "%s cannot be used: %s", path, strings.TrimPrefix(err.Error(), "ssh_config: "))
		}
		out = append(out, c)
	}
	return out, nil
}

// parseSettings reads one file. The library ends in a panic over some texts.
func parseSettings(b []byte) (c *ssh_config.Config, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%v", r)
		}
	}()
	return ssh_config.Decode(bytes.NewReader(b))
}

// get returns the first value, as ssh takes it; empty when there is none.
func (s settings) get(alias, key string) (string, error) {
	for _, c := range s {
		v, err := c.Get(alias, key)
		if err != nil {
			return "", fault.Wrapf(err, fault.SSHConfigInvalid, "mend ~/.ssh/config", "%s of the SSH host %s cannot be read", key, alias)
		}
		if v != "" {
			return v, nil
		}
	}
	return "", nil
}

func (s settings) all(alias, key string) ([]string, error) {
	out := []string{}
	for _, c := range s {
		v, err := c.GetAll(alias, key)
		if err != nil {
			return nil, fault.Wrapf(err, fault.SSHConfigInvalid, "mend ~/.ssh/config", "%s of the SSH host %s cannot be read", key, alias)
		}
		out = append(out, v...)
	}
	return out, nil
}

// beyond are directives that would change which host is reached, by what, or
// who is believed to be there, and that are not carried out here. Each has the
// values that ask for nothing.
var beyond = map[string][]string{
	"ProxyCommand":         {"none"},
	"ProxyUseFdpass":       {"no"},
	"CertificateFile":      {"none"},
	"PKCS11Provider":       {"none"},
	"BindAddress":          {},
	"BindInterface":        {},
	"CanonicalizeHostname": {"no"},
	"PubkeyAuthentication": {"yes", "host-bound", "unbound"},
	"KnownHostsCommand":    {"none"},
	"VerifyHostKeyDNS":     {"no", "ask"},
	"RevokedHostKeys":      {"none"},
}

// refuse reports the first directive for a host that cannot be honoured.
func (s settings) refuse(alias string) error {
	keys := make([]string, 0, len(beyond))
	for k := range beyond {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, err := s.get(alias, k)
		if err != nil {
			return err
		}
		if v != "" && !slices.Contains(beyond[k], strings.ToLower(v)) {
			hint := "give the host a Host entry of its own without it"
			if k == "ProxyCommand" {
				hint = "write ProxyJump in place of it, or the hosts in the fleet file: ssh = \"user@jump,user@bastion\""
			}
			return fault.Newf(fault.SSHConfigInvalid, hint, "the SSH host %s has %s in ssh's configuration, which is not understood here", alias, k)
		}
	}
	return nil
}

// algorithms carries out a list such as "a,b", "+a", "-a*" or "^a" of a
// directive over what is known here; nil leaves the library's own choice.
func algorithms(alias, key, spec string, usual, known []string) ([]string, error) {
	if spec == "" {
		return nil, nil
	}
	mode := byte(0)
	if strings.ContainsRune("+-^", rune(spec[0])) {
		mode, spec = spec[0], spec[1:]
	}
	matches := func(pattern string) []string {
		p, err := ssh_config.NewPattern(pattern)
		if err != nil {
			return nil
		}
		h := ssh_config.Host{Patterns: []*ssh_config.Pattern{p}}
		return slices.DeleteFunc(slices.Clone(known), func(a string) bool { return !h.Matches(a) })
	}
	named := []string{}
	for _, p := range strings.Split(spec, ",") {
		if p = strings.TrimSpace(p); p == "" || p[0] == '!' {
			continue
		}
		for _, a := range matches(p) {
			if !slices.Contains(named, a) {
				named = append(named, a)
			}
		}
	}
	without := slices.DeleteFunc(slices.Clone(usual), func(a string) bool { return slices.Contains(named, a) })
	var out []string
	switch mode {
	case '+':
		out = append(slices.Clone(usual), slices.DeleteFunc(named, func(a string) bool { return slices.Contains(usual, a) })...)
	case '-':
		out = without
	case '^':
		out = append(named, without...)
	default:
		out = named
	}
	if len(out) == 0 {
		return nil, fault.Newf(fault.SSHConfigInvalid, "name one of "+strings.Join(usual, ", "), "%s of the SSH host %s leaves no algorithm that is known here", key, alias)
	}
	return out, nil
}

// knownAlgorithms are all that can be asked for by name, and those used unasked.
func knownAlgorithms() (usual, all ssh.Algorithms) {
	usual, weak := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	return usual, ssh.Algorithms{
		KeyExchanges: slices.Concat(usual.KeyExchanges, weak.KeyExchanges), Ciphers: slices.Concat(usual.Ciphers, weak.Ciphers),
		MACs: slices.Concat(usual.MACs, weak.MACs), HostKeys: slices.Concat(usual.HostKeys, weak.HostKeys), PublicKeyAuths: slices.Concat(usual.PublicKeyAuths, weak.PublicKeyAuths),
	}
}
