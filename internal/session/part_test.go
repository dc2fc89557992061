//go:build unix

package session_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

// silentKey is a keychain that waits for a person who is not there, and heeds nobody.
type silentKey struct {
	fixedResolver
	free chan struct{}
}

func (r silentKey) Resolve(ctx context.Context, name, item string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if item == fleet.AuditCredential {
		<-r.free
	}
	return r.fixedResolver.Resolve(ctx, name, item, at)
}

// keyless keeps passwords and no signing key.
type keyless struct{ fixedResolver }

func (r keyless) Resolve(ctx context.Context, name, item string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if item == fleet.AuditCredential {
		return credential.Credential{}, "", fault.New(fault.CredentialMissing, "there is none", "")
	}
	return r.fixedResolver.Resolve(ctx, name, item, at)
}

// logged is a log that may be written while it is read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (f *fixture) parting(url string, r credential.Resolver) (*session.Session, *logged) {
	f.t.Helper()
	log := &logged{}
	fl := *f.fleet
	fl.Control.URL = url
	s := session.Open(session.Config{
		Fleet: &fl, Resolver: r, Email: "ann@example.com", Source: "window", DBPath: f.dbPath, Log: slog.New(slog.NewTextHandler(log, nil)),
		Flag: func(policy.Flag) (bool, string) { return true, "test" },
	})
	f.t.Cleanup(s.Close)
	return s, log
}

func (f *fixture) checkpointsSigned(s *session.Session) []string {
	f.t.Helper()
	list, err := s.Events(f.t.Context(), session.AuditFilter{Action: string(policy.AuditCheckpoint)})
	require.NoError(f.t, err)
	out := []string{}
	for _, e := range list.Events {
		out = append(out, e.Note)
	}
	return out
}

// change is one that anybody may make and that the trail has.
func (f *fixture) change(s *session.Session, note string) {
	f.t.Helper()
	_, err := s.PauseQueue(f.t.Context(), session.QueueRequest{Note: note})
	require.NoError(f.t, err)
	_, err = s.ResumeQueue(f.t.Context(), session.QueueRequest{Note: note})
	require.NoError(f.t, err)
}

// The trail's end is signed when the program ends, whoever made what is new in it, once
// where nothing came since, and not at all where there is no key.
func TestTheTrailsEndIsSignedAtTheEnd(t *testing.T) {
	t.Parallel()
	f, plain := small(t, 1)
	ctx := t.Context()
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	s, log := f.parting(f.fleet.Control.URL, signing{fixedResolver{f.role}, secret})
	_, err = s.EnrollAuditKey(ctx, "my key")
	require.NoError(t, err)
	ended, end := context.WithCancel(ctx)
	end()
	s.Part(ended, "the window closes")
	s.Part(ctx, "the window closes")
	require.Equal(t, []string{"the window closes"}, f.checkpointsSigned(plain))

	for _, all := range []bool{true, false} {
		f.change(plain, "by somebody else")
		working, stop := context.WithTimeout(ctx, time.Second)
		_ = s.Work(working, all)
		stop()
		s.Part(ctx, "the page closes")
	}
	require.Equal(t, []string{"the page closes", "a worker ends", "the window closes"}, f.checkpointsSigned(plain), "each end once")
	require.NotContains(t, log.String(), "no checkpoint")
	v, err := plain.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 3, v.Checkpoints)

	f.change(plain, "by somebody else")
	nobody, log := f.parting(f.fleet.Control.URL, keyless{fixedResolver{f.role}})
	nobody.Part(ctx, "the window closes")
	require.Len(t, f.checkpointsSigned(plain), 3)
	require.Empty(t, log.String())
}

// A program that stays signs the trail's end from time to time while it is observed, when
// there is something new and then alone.
func TestTheTrailsEndIsSignedFromTimeToTime(t *testing.T) {
	t.Parallel()
	f, plain := small(t, 1)
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	s := session.Open(session.Config{
		Fleet: f.fleet, Resolver: signing{fixedResolver{f.role}, secret}, Email: "ann@example.com", Source: "page", DBPath: f.dbPath,
		Flag: func(policy.Flag) (bool, string) { return true, "test" }, CheckpointEvery: 200 * time.Millisecond,
	})
	t.Cleanup(s.Close)
	_, err = s.EnrollAuditKey(t.Context(), "my key")
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	_, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
	require.NoError(t, err)
	t.Cleanup(func() { end(); <-done })
	signed := func(n int) func() bool { return func() bool { return len(f.checkpointsSigned(plain)) == n } }
	require.Eventually(t, signed(1), 20*time.Second, 50*time.Millisecond)
	time.Sleep(time.Second)
	require.Equal(t, []string{"hourly"}, f.checkpointsSigned(plain), "nothing came since")
	f.change(plain, "by somebody else")
	require.Eventually(t, func() bool { return len(f.checkpointsSigned(plain)) > 1 }, 20*time.Second, 50*time.Millisecond)
}

// A move that fails, is parked or is cancelled is signed like one that goes well.
func TestTheEndOfEveryRunIsSigned(t *testing.T) {
	t.Parallel()
	f, plain := small(t, 3)
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	s, _ := f.parting(f.fleet.Control.URL, signing{fixedResolver{f.role}, secret})
	_, err = s.EnrollAuditKey(t.Context(), "my key")
	require.NoError(t, err)
	ends := func(what string, do func()) {
		t.Helper()
		before := len(f.checkpointsSigned(plain))
		do()
		list, err := plain.Events(t.Context(), session.AuditFilter{Limit: 1})
		require.NoError(t, err)
		require.Greater(t, len(f.checkpointsSigned(plain)), before, "%s: %s is the newest", what, list.Events[0].Action)
		require.Contains(t, f.checkpointsSigned(plain)[0], "a run of", what)
	}
	start := func(tenant, note string, hold bool) string {
		v, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: "fenced", Note: note, Hold: hold})
		require.NoError(t, err)
		return v.ID
	}
	ends("one that fails", func() {
		id := start("1", "it fails", false)
		f.exec(1, `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no room$$; END'; CREATE TRIGGER no_room BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION no_room()`)
		_, err := s.Await(t.Context(), id, nil)
		require.Error(t, err)
		f.exec(1, `DROP TRIGGER no_room ON notes`)
	})
	held := start("2", "it is cancelled", true)
	_, err = s.Await(t.Context(), held, nil)
	require.NoError(t, err)
	ends("one that is cancelled", func() {
		_, err := s.ActOnMove(t.Context(), "cancel", session.MoveAction{ID: held, Note: "not today"})
		require.NoError(t, err)
		_, err = s.Await(t.Context(), held, nil)
		require.NoError(t, err)
	})
	ends("one that is parked", func() {
		ctx, stop := context.WithCancel(t.Context())
		v, err := s.StartMove(ctx, session.MoveRequest{Tenant: "3", Target: "shard_1", Mode: "fenced", Note: "it is parked"})
		require.NoError(t, err)
		_, err = s.Await(ctx, v.ID, func(session.MoveView) { stop() })
		require.Error(t, err)
	})
}

// Nothing that does not answer holds up the end for long, and the log says so.
func TestNothingHoldsUpTheEnd(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes a connection and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	for name, s := range map[string]struct {
		url string
		r   credential.Resolver
	}{
		"control is mute":      {"postgres://" + mute.Addr().String() + "/none?sslmode=disable", signing{fixedResolver{f.role}, secret}},
		"the keychain is mute": {f.fleet.Control.URL, silentKey{fixedResolver{f.role}, free}},
	} {
		t.Run(name, func(t *testing.T) {
			one, log := f.parting(s.url, s.r)
			began := time.Now()
			one.Part(t.Context(), "the window closes")
			one.Part(t.Context(), "and what comes after it")
			require.Less(t, time.Since(began), 3*time.Second, "waited for once")
			require.Equal(t, 1, strings.Count(log.String(), "no checkpoint of the audit trail was taken"))
		})
	}
}
