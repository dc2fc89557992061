//go:build unix

package session_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/pgtest/sshtest"
	"shardadmin/internal/session"
)

// behind is a fleet whose databases are reached through a jump host and a
// bastion, and somebody who has never been there.
type behind struct {
	*fleettest.Fleet
	t             *testing.T
	dir           string
	jump, bastion *sshtest.Sshd
}

func newBehind(t *testing.T) *behind {
	t.Helper()
	b := &behind{Fleet: fleettest.New(t, 2), t: t, dir: t.TempDir()}
	key := sshtest.NewKey(t)
	require.NoError(t, os.MkdirAll(filepath.Join(b.dir, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, ".ssh", "id_ed25519"), key.PEM(t, ""), 0o600))
	b.jump, b.bastion = sshtest.Start(t, []sshtest.Key{key}), sshtest.Start(t, []sshtest.Key{key})
	return b
}

// open opens a session through both hosts.
func (b *behind) open() *session.Session {
	t := b.t
	t.Helper()
	f, err := b.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	way := b.jump.User + "@" + b.jump.Address() + "," + b.bastion.User + "@" + b.bastion.Address()
	f.Control.SSH = way
	for i := range f.Shards {
		if f.Shards[i].Endpoint.URL != "" {
			f.Shards[i].Endpoint.SSH = way
		}
	}
	h, err := home.Open(home.Options{Dir: t.TempDir(), Env: func(name string) string {
		switch {
		case name == "HOME":
			return b.dir
		case strings.HasPrefix(name, "SHARD_ADMIN_PASSWORD_TEST_"):
			return fleettest.Password
		}
		return ""
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	require.NoError(t, h.AddFleet(f))
	s, err := h.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "cli"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// knows has somebody accept both hosts' keys.
func (b *behind) knows() {
	text := ""
	for _, s := range []*sshtest.Sshd{b.jump, b.bastion} {
		text += knownhosts.Line([]string{s.Address()}, s.HostKey) + "\n"
	}
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, ".ssh", "known_hosts"), []byte(text), 0o600))
}

func through(t *testing.T, s *session.Session, action, id string) session.MoveView {
	t.Helper()
	_, err := s.ActOnMove(t.Context(), action, session.MoveAction{ID: id, Note: "through SSH"})
	require.NoError(t, err)
	m, err := s.Await(t.Context(), id, nil)
	require.NoError(t, err, "%+v", m.Log)
	return m
}

// movable is a tenant of default that can be moved as it is.
func (b *behind) movable(s *session.Session) string {
	b.t.Helper()
	for _, x := range b.On("default") {
		id := strconv.Itoa(x.ID)
		p, err := s.PlanMove(b.t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "online"})
		require.NoError(b.t, err)
		if !p.Blocked {
			return id
		}
	}
	require.Fail(b.t, "no tenant can be moved")
	return ""
}

// Somebody who comes through a jump host and a bastion accepts each key once, by
// its fingerprint; then one connection to each carries a whole move, there and
// back.
func TestAWholeMoveGoesThroughAJumpHost(t *testing.T) {
	t.Parallel()
	b := newBehind(t)
	ctx := t.Context()
	s := b.open()
	st, err := s.Status(ctx)
	require.NoError(t, err)
	require.Zero(t, st.Answering)
	require.Equal(t, string(fault.SSHHostUnknown), st.Shards[0].Problem.Code)
	require.Contains(t, st.Shards[0].Problem.Message, ssh.FingerprintSHA256(b.jump.HostKey))
	for _, host := range []*sshtest.Sshd{b.jump, b.bastion} {
		k, err := s.UnknownHost(ctx, "shard_1")
		require.NoError(t, err)
		require.NotNil(t, k)
		require.Equal(t, ssh.FingerprintSHA256(host.HostKey), k.Fingerprint)
		require.Len(t, k.Way, 2)
		require.NoError(t, s.TrustHost(k))
	}
	k, err := s.UnknownHost(ctx, "control")
	require.NoError(t, err)
	require.Nil(t, k, "both are known")

	c, err := s.Check(ctx)
	require.NoError(t, err)
	for _, d := range c.Databases {
		if !d.Configured {
			continue
		}
		require.Nil(t, d.Problem, "%s: %+v", d.Name, d.Problem)
		require.Len(t, d.SSH, 2)
		require.Equal(t, ssh.FingerprintSHA256(b.bastion.HostKey), *d.SSH[1].Fingerprint)
	}
	id := b.movable(s)
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "online", Note: "through SSH"})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "retained", m.State)
	require.True(t, m.Verified)
	m = through(t, s, "rollback", m.ID)
	require.Equal(t, "rolled_back", m.State)
	require.Equal(t, 1, b.jump.Logins(), b.jump.Log())
	require.Equal(t, 1, b.bastion.Logins(), b.bastion.Log())
}

// A bastion that ends takes every connection with it: the move says so, and goes
// on when the bastion is back.
func TestAMoveOutlivesItsBastion(t *testing.T) {
	t.Parallel()
	b := newBehind(t)
	b.knows()
	ctx := t.Context()
	s := b.open()
	id := b.movable(s)
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "online", Hold: true, Note: "through SSH"})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.True(t, m.Held)
	b.bastion.Stop()
	require.Eventually(t, func() bool {
		st, err := s.Status(ctx)
		return err == nil && st.Answering == 0 && st.Shards[0].Problem.Code == string(fault.SSHUnreachable)
	}, time.Minute, 100*time.Millisecond)
	b.bastion.Run()
	require.Eventually(t, func() bool {
		st, err := s.Status(ctx)
		return err == nil && st.Answering == 2
	}, time.Minute, 100*time.Millisecond)
	m = through(t, s, "switch", m.ID)
	require.Equal(t, "retained", m.State)
	require.True(t, m.Verified)
}

// Whoever is in between shows another key: nothing goes there, and both
// fingerprints are said.
func TestAChangedHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	b := newBehind(t)
	b.knows()
	was := ssh.FingerprintSHA256(b.bastion.HostKey)
	b.bastion.Stop()
	b.bastion.Renew()
	b.bastion.Run()
	s := b.open()
	st, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Zero(t, st.Answering)
	p := st.Shards[1].Problem
	require.Equal(t, string(fault.SSHHostChanged), p.Code)
	require.Contains(t, p.Message, was)
	require.Contains(t, p.Message, ssh.FingerprintSHA256(b.bastion.HostKey))
	_, err = s.UnknownHost(t.Context(), "shard_1")
	require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err), "there is nothing to accept")
	require.Equal(t, 5, fault.Exit(err))
	require.Zero(t, b.bastion.Logins())
}

// Only the key that a person has compared is accepted, hop by hop; any other leaves
// known_hosts as it was.
func TestOnlyTheComparedKeyIsAccepted(t *testing.T) {
	t.Parallel()
	b := newBehind(t)
	ctx := t.Context()
	s := b.open()
	known := filepath.Join(b.dir, ".ssh", "known_hosts")
	_, err := s.AcceptHost(ctx, "shard_1", ssh.FingerprintSHA256(b.bastion.HostKey))
	require.Equal(t, fault.SSHHostUnknown, fault.CodeOf(err), "the bastion is not the first on the way: %v", err)
	require.Contains(t, err.Error(), ssh.FingerprintSHA256(b.jump.HostKey))
	require.NoFileExists(t, known)

	k, err := s.AcceptHost(ctx, "shard_1", ssh.FingerprintSHA256(b.jump.HostKey))
	require.NoError(t, err)
	require.NotNil(t, k)
	require.Equal(t, ssh.FingerprintSHA256(b.bastion.HostKey), k.Fingerprint, "the next one is shown and not accepted")
	k, err = s.AcceptHost(ctx, "shard_1", k.Fingerprint)
	require.NoError(t, err)
	require.Nil(t, k)
	text, err := os.ReadFile(known)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(text), "\n"))

	b.bastion.Stop()
	b.bastion.Renew()
	b.bastion.Run()
	s = b.open()
	_, err = s.AcceptHost(ctx, "shard_1", ssh.FingerprintSHA256(b.bastion.HostKey))
	require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err), "a changed key is never accepted, compared or not")
	after, err := os.ReadFile(known)
	require.NoError(t, err)
	require.Equal(t, text, after)
}
