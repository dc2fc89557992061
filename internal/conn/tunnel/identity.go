package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// identities gathers the keys for one login and remembers why some could not
// be used.
type identities struct {
	hop        hop
	ctx        context.Context //nolint:containedctx // the library asks for signatures without one
	passphrase func(ctx context.Context, key string) (credential.Secret, error)

	mu      sync.Mutex
	tried   []string
	agent   io.Closer
	refusal error
}

// signers lists the keys in ssh's order: those of the configuration that the
// agent has, the agent's other ones, then the files.
func (d *identities) signers() ([]ssh.Signer, error) {
	files := []fileKey{}
	for _, path := range d.hop.identities {
		k, err := readKey(path)
		if errors.Is(err, fs.ErrNotExist) && !d.hop.chosen {
			continue
		}
		if err != nil {
			d.note(path + ": " + reason(err))
			continue
		}
		files = append(files, k)
	}
	held := d.held()
	var first, rest []ssh.Signer
	for _, s := range held {
		name := -1
		for i, k := range files {
			if k.public != nil && string(k.public.Marshal()) == string(s.PublicKey().Marshal()) {
				name = i
			}
		}
		switch {
		case name >= 0:
			first = append(first, s)
			files[name].held = true
		case !d.hop.identitiesOnly:
			rest = append(rest, s)
		}
	}
	out := append(first, rest...)
	if n := len(out); n > 0 {
		d.note(fmt.Sprintf("the agent's %d", n))
	}
	for _, k := range files {
		if k.held {
			continue
		}
		s, err := d.signer(k)
		if err != nil {
			d.note(k.path + ": " + reason(err))
			continue
		}
		if s == nil {
			continue
		}
		d.note(k.path)
		if c := certificate(k.path, s); c != nil {
			out = append(out, c)
		}
		out = append(out, s)
	}
	return out, nil
}

func (d *identities) note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried = append(d.tried, text)
}

func (d *identities) refuse(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refusal == nil {
		d.refusal = err
	}
	return err
}

// held are the keys of the agent; an agent that does not answer has none.
func (d *identities) held() []ssh.Signer {
	if d.hop.agent == "" {
		return nil
	}
	c, err := dialAgent(d.ctx, d.hop.agent)
	if err != nil {
		d.note("the agent does not answer")
		return nil
	}
	d.mu.Lock()
	d.agent = c
	d.mu.Unlock()
	list, err := agent.NewClient(c).Signers()
	if err != nil {
		d.note("the agent does not answer")
		return nil
	}
	return list
}

func (d *identities) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.agent != nil {
		_ = d.agent.Close()
	}
}

// fileKey is a key file. Without raw only the public half is there, for a key
// that an agent holds.
type fileKey struct {
	path   string
	text   []byte
	public ssh.PublicKey
	plain  ssh.Signer
	held   bool
}

var errTooOpen = errors.New("others may read it, so it is not used: chmod 600")

// readKey reads a private key, encrypted or not, or a public one alone.
func readKey(path string) (fileKey, error) {
	k := fileKey{path: path}
	b, err := os.ReadFile(path)
	if err != nil {
		// The agent may have the key of which only the public half is here.
		if pub, perr := os.ReadFile(path + ".pub"); perr == nil {
			if k.public, _, _, _, perr = ssh.ParseAuthorizedKey(pub); perr == nil {
				return k, nil
			}
		}
		return k, err
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(b); err == nil {
		k.public = pub
		return k, nil
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return k, errTooOpen
	}
	return parseKey(path, b)
}

// parseKey reads the text of a private key.
func parseKey(path string, b []byte) (fileKey, error) {
	k := fileKey{path: path}
	s, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		k.plain, k.public = s, s.PublicKey()
		return k, nil
	case !errors.As(err, &locked):
		return k, errors.New("it is no private key that is understood here")
	}
	k.text, k.public = b, locked.PublicKey
	if k.public == nil {
		if pub, err := os.ReadFile(path + ".pub"); err == nil {
			k.public, _, _, _, _ = ssh.ParseAuthorizedKey(pub)
		}
	}
	return k, nil
}

// signer returns what signs with a key; nil where there is only the public
// half. An encrypted key is opened when a host has accepted it, not before.
func (d *identities) signer(k fileKey) (ssh.Signer, error) {
	switch {
	case k.plain != nil:
		return k.plain, nil
	case k.text == nil:
		return nil, nil //nolint:nilnil // no signer is an answer
	case k.public == nil:
		return d.unlock(k)
	}
	return &locked{of: d, key: k}, nil
}

func (d *identities) unlock(k fileKey) (ssh.Signer, error) {
	word, err := d.passphrase(d.ctx, k.path)
	if err != nil {
		return nil, d.refuse(fault.Wrapf(err, fault.CodeOf(err), fault.HintOf(err), "the key %s has a passphrase: %s", k.path, err))
	}
	hint := "ssh-add " + k.path + " gives it to the agent; shard-admin fleet credential set ssh-key keeps its passphrase"
	if word.Empty() {
		return nil, d.refuse(fault.Newf(fault.SSHLoginRefused, hint, "the key %s has a passphrase, and nobody has given it", k.path))
	}
	s, err := ssh.ParsePrivateKeyWithPassphrase(k.text, []byte(word.Reveal()))
	if err != nil {
		return nil, d.refuse(fault.Newf(fault.SSHLoginRefused, hint, "the passphrase that is kept does not open the key %s", k.path))
	}
	return s, nil
}

// locked is an encrypted key that is opened when it has to sign.
type locked struct {
	of   *identities
	key  fileKey
	once sync.Once
	s    ssh.Signer
	err  error
}

func (l *locked) PublicKey() ssh.PublicKey { return l.key.public }

// Algorithms lists what the key signs with; SHA-1 is not among it.
func (l *locked) Algorithms() []string {
	if l.key.public.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{l.key.public.Type()}
}

func (l *locked) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return l.SignWithAlgorithm(r, data, "")
}

func (l *locked) SignWithAlgorithm(r io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	l.once.Do(func() { l.s, l.err = l.of.unlock(l.key) })
	if l.err != nil {
		return nil, l.err
	}
	if r == nil {
		r = rand.Reader
	}
	if a, ok := l.s.(ssh.AlgorithmSigner); ok {
		return a.SignWithAlgorithm(r, data, algorithm)
	}
	return l.s.Sign(r, data)
}

// certificate is the certificate that lies beside a key, if it is the key's.
func certificate(path string, s ssh.Signer) ssh.Signer {
	b, err := os.ReadFile(path + "-cert.pub")
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return nil
	}
	c, ok := pub.(*ssh.Certificate)
	if !ok || string(c.Key.Marshal()) != string(s.PublicKey().Marshal()) {
		return nil
	}
	with, err := ssh.NewCertSigner(c, s)
	if err != nil {
		return nil
	}
	return with
}

// reason is the short form of why a key is not used; it never holds any of it.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read it"
	}
	return err.Error()
}

// listed says what was tried.
func (d *identities) listed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.tried) == 0 {
		return "there is no key: neither an agent's nor a file"
	}
	return "tried " + strings.Join(d.tried, ", ")
}
