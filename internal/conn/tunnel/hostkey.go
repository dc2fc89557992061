package tunnel

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"shardadmin/internal/fault"
)

// HostKey is a key that a host has shown and nobody has accepted yet.
type HostKey struct {
	// Host is host:port as known_hosts names it.
	Host string
	// Hop is the host on its way.
	Hop Hop
	// Fingerprint is SHA256:… of the key, KeyType its kind.
	Fingerprint, KeyType string
	// File is where Trust writes the key.
	File string

	key   ssh.PublicKey
	known []string
	hash  bool
}

// Error makes the key the cause of the refusal.
func (k *HostKey) Error() string { return "no known host has the key " + k.Fingerprint }

// existing leaves out files that are not there.
func existing(files []string) ([]string, error) {
	out := []string{}
	for _, f := range files {
		switch info, err := os.Stat(f); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fault.Wrapf(err, fault.SSHConfigInvalid, "let this user read it", "%s cannot be read", f)
		case info.Mode().IsRegular():
			out = append(out, f)
		}
	}
	return out, nil
}

// checker returns what asks the files of known hosts.
func checker(files []string) (ssh.HostKeyCallback, error) {
	there, err := existing(files)
	if err != nil {
		return nil, err
	}
	check, err := knownhosts.New(there...)
	if err != nil {
		return nil, fault.Wrapf(err, fault.SSHConfigInvalid, "mend that line or take it out", "known hosts cannot be read: %s", strings.TrimPrefix(err.Error(), "knownhosts: "))
	}
	return check, nil
}

// nowhere stands for the address that a name leads to: only names count.
type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "0.0.0.0:0" }

// noKey is a key that no host has, to be told which ones a host may have.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// accepted lists the keys that the files have for a host, and whether an
// authority may vouch for it.
func accepted(check ssh.HostKeyCallback, host string) (keys []knownhosts.KnownKey, authority bool) {
	var e *knownhosts.KeyError
	if err := check(host, nowhere{}, noKey{}); !errors.As(err, &e) {
		return nil, false
	}
	for _, k := range e.Want {
		if isAuthority(k) {
			authority = true
			continue
		}
		keys = append(keys, k)
	}
	return keys, authority
}

// isAuthority reports whether a line is about an authority: the library tells
// the two apart and does not say.
func isAuthority(k knownhosts.KnownKey) bool {
	b, err := os.ReadFile(k.Filename)
	if err != nil {
		return false
	}
	lines := bytes.Split(b, []byte("\n"))
	return k.Line >= 1 && k.Line <= len(lines) && bytes.HasPrefix(bytes.TrimSpace(lines[k.Line-1]), []byte("@cert-authority"))
}

// preferred puts the kinds of key first that the files have for a host: a host
// with several keys then shows the one that is known.
func preferred(chosen []string, keys []knownhosts.KnownKey, authority bool) []string {
	all := chosen
	if all == nil {
		usual, _ := knownAlgorithms()
		all = usual.HostKeys
	}
	first := []string{}
	for _, a := range all {
		certificate := strings.Contains(a, "-cert-")
		if certificate && authority {
			first = append(first, a)
			continue
		}
		if !certificate && slices.ContainsFunc(keys, func(k knownhosts.KnownKey) bool { return signs(k.Key.Type(), a) }) {
			first = append(first, a)
		}
	}
	for _, a := range all {
		// A certificate that no known authority has signed would hide the key.
		if !slices.Contains(first, a) && (authority || !strings.Contains(a, "-cert-")) {
			first = append(first, a)
		}
	}
	return first
}

// signs reports whether keys of a kind sign with an algorithm.
func signs(kind, algorithm string) bool {
	if kind == ssh.KeyAlgoRSA {
		return slices.Contains([]string{ssh.KeyAlgoRSA, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512}, algorithm)
	}
	return kind == algorithm
}

// judge turns the files' answer into a refusal, or nil for a known key.
func judge(h hop, check ssh.HostKeyCallback, key ssh.PublicKey) error {
	err := check(h.keyName, nowhere{}, key)
	if err == nil {
		return nil
	}
	shown := ssh.FingerprintSHA256(key)
	var revoked *knownhosts.RevokedError
	if errors.As(err, &revoked) {
		return fault.Wrapf(err, fault.SSHHostChanged, "do not connect; ask whoever runs the host", "the SSH host %s shows the key %s, which %s:%d says is revoked",
			h.keyName, shown, revoked.Revoked.Filename, revoked.Revoked.Line)
	}
	var e *knownhosts.KeyError
	if !errors.As(err, &e) {
		return fault.Wrapf(err, fault.SSHHostChanged, "ask whoever runs the host for its certificate", "the SSH host %s shows a certificate that cannot be believed: %s", h.keyName, err)
	}
	keys, _ := accepted(check, h.keyName)
	if len(keys) == 0 {
		k := &HostKey{Host: h.keyName, Hop: h.Hop, Fingerprint: shown, KeyType: key.Type(), key: key, known: h.known, hash: h.hash}
		if len(h.known) > 0 {
			k.File = h.known[0]
		}
		return fault.Wrapf(k, fault.SSHHostUnknown, "compare it with what whoever runs the host says, then accept it: shard-admin fleet trust DATABASE --fingerprint "+shown,
			"nobody has accepted the key of the SSH host %s yet: %s (%s)", h.keyName, shown, key.Type())
	}
	// Of several keys, the one of the same kind is the one that changed.
	was := keys[0]
	for _, k := range keys {
		if k.Key.Type() == key.Type() {
			was = k
			break
		}
	}
	return fault.Wrapf(err, fault.SSHHostChanged,
		"somebody may be in between: ask whoever runs the host whether its key was changed, and only then take the old one out: ssh-keygen -f "+was.Filename+" -R '"+knownhosts.Normalize(h.keyName)+"'",
		"the SSH host %s shows another key than the accepted one: %s (%s) in place of %s (%s) of %s:%d",
		h.keyName, shown, key.Type(), ssh.FingerprintSHA256(was.Key), was.Key.Type(), was.Filename, was.Line)
}

// Trust writes a host's key to the first file of known hosts, mode 0600, as
// a whole or not at all, and with the name hashed where the file's names are.
// A key that was accepted meanwhile is left as it is; ssh_host_key_changed
// where another one was.
func (b *Bastions) Trust(k *HostKey) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	if k.File == "" {
		return fault.Newf(fault.SSHConfigInvalid, "name a file as UserKnownHostsFile in ~/.ssh/config", "the SSH host %s has no file of known hosts", k.Host)
	}
	check, err := checker(k.known)
	if err != nil {
		return err
	}
	h := hop{Hop: k.Hop, keyName: k.Host, known: k.known}
	if err := judge(h, check, k.key); err == nil {
		return nil
	} else if fault.CodeOf(err) != fault.SSHHostUnknown {
		return err
	}
	return addLine(k)
}

func addLine(k *HostKey) error {
	path := k.File
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	failed := func(err error) error {
		return fault.Wrapf(err, fault.SSHConfigInvalid, "let this user write there", "%s cannot be written", k.File)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return failed(err)
	}
	for {
		before, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(err)
		}
		text := slices.Clone(before)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		text = append(text, lineOf(k, before)...)
		f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
		if err != nil {
			return failed(err)
		}
		_, err = f.Write(text)
		if err == nil {
			err = f.Sync()
		}
		if gone := f.Close(); err == nil {
			err = gone
		}
		// ssh adds lines to the same file: what it wrote meanwhile stays.
		if now, _ := os.ReadFile(path); err == nil && !bytes.Equal(now, before) {
			_ = os.Remove(f.Name())
			continue
		}
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name())
			return failed(err)
		}
		return nil
	}
}

func lineOf(k *HostKey, before []byte) string {
	name := knownhosts.Normalize(k.Host)
	if k.hash || bytes.HasPrefix(before, []byte("|1|")) || bytes.Contains(before, []byte("\n|1|")) {
		name = knownhosts.HashHostname(name)
	}
	return name + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.key))) + "\n"
}

var _ net.Addr = nowhere{}
