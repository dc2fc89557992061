//go:build unix

package tunnel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"shardadmin/internal/conn/tunnel"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/pgtest/sshtest"
)

// person is somebody with a home folder.
type person struct {
	t    *testing.T
	home string
	key  sshtest.Key
	env  map[string]string
	word string
	asks int
}

func newPerson(t *testing.T) *person {
	t.Helper()
	p := &person{t: t, home: t.TempDir(), key: sshtest.NewKey(t), env: map[string]string{}}
	p.env["HOME"] = p.home
	p.write(".ssh/id_ed25519", string(p.key.PEM(t, "")))
	return p
}

func (p *person) path(name string) string { return filepath.Join(p.home, name) }

func (p *person) write(name, text string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(p.path(name)), 0o700))
	require.NoError(p.t, os.WriteFile(p.path(name), []byte(text), 0o600))
}

func (p *person) read(name string) string {
	p.t.Helper()
	b, err := os.ReadFile(p.path(name))
	require.NoError(p.t, err)
	return string(b)
}

// knows has the person accept the servers' keys.
func (p *person) knows(list ...*sshtest.Sshd) {
	text := ""
	for _, s := range list {
		text += knownhosts.Line([]string{s.Address()}, s.HostKey) + "\n"
	}
	p.write(".ssh/known_hosts", text)
}

func (p *person) open(o tunnel.Options) *tunnel.Bastions {
	o.Env = func(name string) string { return p.env[name] }
	o.System = p.path("etc") // the machine's own says other things elsewhere
	var mu sync.Mutex
	o.Passphrase = func(context.Context, string) (credential.Secret, error) {
		mu.Lock()
		defer mu.Unlock()
		p.asks++
		return credential.NewSecret(p.word), nil
	}
	b := tunnel.New(o)
	p.t.Cleanup(b.Close)
	return b
}

// echo answers what it is told, behind the SSH host.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
	b := make([]byte, len(text))
	_, err = io.ReadFull(c, b)
	require.NoError(t, err)
	require.Equal(t, text, string(b))
}

func way(s *sshtest.Sshd) string { return s.User + "@" + s.Address() }

func TestOneConnectionCarriesAll(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(s)
	b := p.open(tunnel.Options{})
	hops, err := b.Way(way(s))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.Log())
		}
	})
	require.Empty(t, hops[0].Fingerprint, "nothing was dialled")
	require.Zero(t, s.Logins())
	at := echo(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, err := b.Dial(t.Context(), way(s), "tcp", at)
			if !errors.Is(err, nil) {
				t.Errorf("%v", err)
				return
			}
			defer func() { _ = c.Close() }()
			says(t, c, "hello through the tunnel")
			if c.RemoteAddr().String() != at {
				t.Errorf("%s", c.RemoteAddr())
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, s.Logins(), s.Log())
	hops, err = b.Way(way(s))
	require.NoError(t, err)
	require.Equal(t, ssh.FingerprintSHA256(s.HostKey), hops[0].Fingerprint)
	require.Equal(t, s.User+"@"+s.Address(), hops[0].String())
}

func TestDeadlinesEndReads(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(s)
	c, err := p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	says(t, c, "and it goes on")
}

func TestUnknownAndChangedKeys(t *testing.T) {
	t.Parallel()
	for name, hashed := range map[string]bool{"plain": false, "hashed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			s := sshtest.Start(t, []sshtest.Key{p.key})
			other := knownhosts.Line([]string{"other.example.com"}, sshtest.NewKey(t).Public)
			if hashed {
				other = knownhosts.HashHostname("other.example.com") + other[len("other.example.com"):]
			}
			p.write(".ssh/known_hosts", other) // without an end of line
			b := p.open(tunnel.Options{})
			first := ssh.FingerprintSHA256(s.HostKey)
			_, err := b.Dial(t.Context(), way(s), "tcp", echo(t))
			require.Equal(t, fault.SSHHostUnknown, fault.CodeOf(err))
			require.ErrorContains(t, err, first)
			require.Contains(t, fault.HintOf(err), "fleet trust")
			require.Zero(t, s.Logins(), "no key is offered to a stranger")
			k, err := b.Unknown(t.Context(), way(s))
			require.NoError(t, err)
			require.Equal(t, []string{first, "ssh-ed25519", p.path(".ssh/known_hosts")}, []string{k.Fingerprint, k.KeyType, k.File})
			require.NoError(t, b.Trust(k))
			require.NoError(t, b.Trust(k), "a second time it is known")
			text := p.read(".ssh/known_hosts")
			require.Equal(t, 2, strings.Count(text, "\n"), text)
			require.True(t, strings.HasPrefix(text, other+"\n"))
			require.Equal(t, hashed, !strings.Contains(text, "127.0.0.1"), text)
			info, err := os.Stat(p.path(".ssh/known_hosts"))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			c, err := b.Dial(t.Context(), way(s), "tcp", echo(t))
			require.NoError(t, err)
			says(t, c, "known now")
			k, err = b.Unknown(t.Context(), way(s))
			require.NoError(t, err)
			require.Nil(t, k)

			s.Stop()
			s.Renew()
			s.Run()
			second := ssh.FingerprintSHA256(s.HostKey)
			require.NotEqual(t, first, second)
			logins := s.Logins()
			_, err = p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
			require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err))
			for _, want := range []string{first, second, p.path(".ssh/known_hosts") + ":2"} {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, logins, s.Logins())
			_, err = b.Unknown(t.Context(), way(s))
			require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err), "nor can it be accepted")
			require.Equal(t, text, p.read(".ssh/known_hosts"))
		})
	}
}

func TestAnotherKindOfKeyIsNoWayAroundTheAcceptedOne(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	// Known by an ECDSA key that the server does not have.
	line := s.Address() // [127.0.0.1]:port
	ecdsa := "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
	p.write(".ssh/known_hosts", knownhosts.Normalize(line)+" "+ecdsa+"\n")
	_, err := p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
	require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err), "%v", err)
}

func TestJumpHosts(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	jump, last := sshtest.Start(t, []sshtest.Key{p.key}), sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(jump, last)
	p.write(".ssh/config", `
Host jump
  HostName 127.0.0.1
  Port `+strconv.Itoa(jump.Port)+`
Host last
  HostName 127.0.0.1
  Port `+strconv.Itoa(last.Port)+`
  ProxyJump jump
Host *
  User `+jump.User+`
`)
	b := p.open(tunnel.Options{})
	for _, text := range []string{"last", way(jump) + "," + way(last), "jump,last"} {
		c, err := b.Dial(t.Context(), text, "tcp", echo(t))
		require.NoError(t, err, text)
		says(t, c, "through two hosts")
	}
	require.Equal(t, []int{1, 1}, []int{jump.Logins(), last.Logins()}, "all go the same way")
	hops, err := b.Way("last")
	require.NoError(t, err)
	require.Len(t, hops, 2)
	require.Equal(t, ssh.FingerprintSHA256(jump.HostKey), hops[0].Fingerprint)
	require.Equal(t, ssh.FingerprintSHA256(last.HostKey), hops[1].Fingerprint)
	// The jump host ends: both are dialled anew at the next use.
	jump.Stop()
	_, err = b.Dial(t.Context(), "last", "tcp", echo(t))
	require.Equal(t, fault.SSHUnreachable, fault.CodeOf(err))
	require.ErrorContains(t, err, jump.Address())
	jump.Run()
	c, err := b.Dial(t.Context(), "last", "tcp", echo(t))
	require.NoError(t, err)
	says(t, c, "again")
}

func TestKeysAndTheirPassphrases(t *testing.T) {
	t.Parallel()
	const word = "a passphrase nobody may read 7731"
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(s)
	p.write(".ssh/id_ed25519", string(p.key.PEM(t, word)))
	dial := func() error {
		c, err := p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
		if err == nil {
			says(t, c, "let in")
		}
		return err
	}
	err := dial()
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(err))
	require.ErrorContains(t, err, "nobody has given it")
	p.word = "wrong " + word
	err = dial()
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(err))
	require.ErrorContains(t, err, "does not open the key")
	require.NotContains(t, err.Error()+fault.HintOf(err), word)
	p.word = word
	require.NoError(t, dial())

	// A key that the host does not accept is never opened.
	asked := p.asks
	p.write(".ssh/id_ed25519", string(sshtest.NewKey(t).PEM(t, word)))
	err = dial()
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(err))
	require.ErrorContains(t, err, "does not let")
	require.ErrorContains(t, err, "id_ed25519")
	require.Equal(t, asked, p.asks)

	// A key that others may read is not used.
	p.write(".ssh/id_ed25519", string(p.key.PEM(t, "")))
	require.NoError(t, os.Chmod(p.path(".ssh/id_ed25519"), 0o644)) //nolint:gosec // that is the point
	require.ErrorContains(t, dial(), "others may read it")
}

func TestTheAgentsKeys(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	other := sshtest.NewKey(t)
	s := sshtest.Start(t, []sshtest.Key{other})
	p.knows(s)
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: other.Private}))
	dir, err := os.MkdirTemp("", "agent")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "a")) //nolint:noctx // ends with the test
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c); _ = c.Close() }()
		}
	}()
	dial := func() error {
		c, err := p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
		if err == nil {
			says(t, c, "let in")
		}
		return err
	}
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(dial()), "the file's key is another")
	p.env["SSH_AUTH_SOCK"] = l.Addr().String()
	require.NoError(t, dial())
	// IdentitiesOnly leaves the agent's other keys out, unless one is named by
	// its public half.
	p.write(".ssh/config", "IdentitiesOnly yes\n")
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(dial()))
	p.write(".ssh/chosen.pub", string(ssh.MarshalAuthorizedKey(other.Public)))
	p.write(".ssh/config", "IdentitiesOnly yes\nIdentityFile ~/.ssh/chosen\n")
	require.NoError(t, dial())
	p.write(".ssh/config", "IdentityAgent none\n")
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(dial()))
}

func TestAnAgentThatSaysNothingIsLimited(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(s)
	p.env["SSH_AUTH_SOCK"] = filepath.Join(p.home, "no-agent")
	c, err := p.open(tunnel.Options{}).Dial(t.Context(), way(s), "tcp", echo(t))
	require.NoError(t, err, "an agent that is gone hides no file")
	says(t, c, "let in")
}

func TestWhatTheConfigurationAsksFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, message string }{
		"proxy command":  {"Host *\n ProxyCommand nc %h %p\n", "ProxyCommand"},
		"match exec":     {"Match exec \"true\"\n User x\n", "config"},
		"dns":            {"VerifyHostKeyDNS yes\n", "VerifyHostKeyDNS"},
		"hosts command":  {"KnownHostsCommand /bin/true\n", "KnownHostsCommand"},
		"circle":         {"Host a 127.0.0.1\n ProxyJump a\n", "never end"},
		"token":          {"IdentityFile ~/.ssh/%C\n", "token"},
		"no ciphers":     {"Ciphers nothing-known\n", "no algorithm"},
		"port":           {"Host *\n Port many\n", "Port"},
		"known hosts":    {"UserKnownHostsFile " + "/dev/null/x\n", "/dev/null/x"},
		"address family": {"AddressFamily ipx\n", "AddressFamily"},
		"no public keys": {"PubkeyAuthentication no\n", "PubkeyAuthentication"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			p.write(".ssh/config", c.config)
			_, err := p.open(tunnel.Options{}).Dial(t.Context(), "u@127.0.0.1", "tcp", "x:1")
			require.Equal(t, fault.SSHConfigInvalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, c.message)
			require.NotEmpty(t, fault.HintOf(err))
		})
	}
}

func TestAlgorithmsAndFamiliesAreHonoured(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key}, "Ciphers aes256-ctr", "MACs hmac-sha2-512")
	p.knows(s)
	b := p.open(tunnel.Options{})
	p.write(".ssh/config", "Ciphers chacha20*\n")
	_, err := b.Dial(t.Context(), way(s), "tcp", echo(t))
	require.Equal(t, fault.SSHUnreachable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "no algorithm in common")
	p.write(".ssh/config", "Ciphers ^aes256-ctr\nMACs +hmac-sha2-512\nAddressFamily inet\nHostKeyAlgorithms ssh-ed25519\n")
	c, err := b.Dial(t.Context(), way(s), "tcp", echo(t))
	require.NoError(t, err)
	says(t, c, "as asked for")
}

func TestRefusalsBehindTheHost(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	shut, open := sshtest.Start(t, []sshtest.Key{p.key}, "AllowTcpForwarding no"), sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(shut, open)
	b := p.open(tunnel.Options{})
	_, err := b.Dial(t.Context(), way(shut), "tcp", echo(t))
	require.Equal(t, fault.SSHLoginRefused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "does not let")
	_, err = b.Dial(t.Context(), way(open), "tcp", "127.0.0.1:1")
	require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err), "%v", err)
	c, err := b.Dial(t.Context(), way(open), "tcp", echo(t))
	require.NoError(t, err, "the connection stays for others")
	says(t, c, "fine")
	require.Equal(t, 1, open.Logins())
}

func TestADeadHostDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	line := cable.New(t, s.Address())
	line.Stall()
	p.knows(s)
	b := p.open(tunnel.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		_, err := b.Dial(ctx, s.User+"@"+line.Address(), "tcp", echo(t))
		waits <- err
	}()
	c, err := b.Dial(t.Context(), way(s), "tcp", echo(t))
	require.NoError(t, err)
	says(t, c, "on time")
	cancel()
	require.ErrorIs(t, <-waits, context.Canceled, "who asks waits by the own context")
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	line := cable.New(t, s.Address())
	p.write(".ssh/known_hosts", knownhosts.Line([]string{line.Address()}, s.HostKey)+"\n")
	b := p.open(tunnel.Options{Every: 20 * time.Millisecond, Silent: 500 * time.Millisecond})
	way := s.User + "@" + line.Address()
	c, err := b.Dial(t.Context(), way, "tcp", echo(t))
	require.NoError(t, err)
	says(t, c, "before")
	line.Stall() // as after a sleep
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "the connections in it end with it")
	line.Cut()
	line.Mend()
	c, err = b.Dial(t.Context(), way, "tcp", echo(t))
	require.NoError(t, err)
	says(t, c, "after")
	require.Equal(t, 2, s.Logins())
}

func TestResetLetsWhatRunsGoOn(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	s := sshtest.Start(t, []sshtest.Key{p.key})
	p.knows(s)
	b := p.open(tunnel.Options{})
	at := echo(t)
	old, err := b.Dial(t.Context(), way(s), "tcp", at)
	require.NoError(t, err)
	b.Reset()
	c, err := b.Dial(t.Context(), way(s), "tcp", at)
	require.NoError(t, err)
	require.Equal(t, 2, s.Logins())
	says(t, old, "still there")
	says(t, c, "and the new one")
	b.Close()
	_, err = old.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_, err = b.Dial(t.Context(), way(s), "tcp", at)
	require.Equal(t, fault.Cancelled, fault.CodeOf(err))
}
