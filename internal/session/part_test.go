//go:build unix

package session_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
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

// The trail's end is signed once when the program ends, whether or not a worker of it
// did so already, and not at all where there is no key.
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
		working, stop := context.WithTimeout(ctx, time.Second)
		_ = s.Work(working, all)
		stop()
		s.Part(ctx, "the page closes")
	}
	require.Equal(t, []string{"the page closes", "a worker ends", "the window closes"}, f.checkpointsSigned(plain), "each end once")
	require.NotContains(t, log.String(), "no checkpoint")

	nobody, log := f.parting(f.fleet.Control.URL, keyless{fixedResolver{f.role}})
	nobody.Part(ctx, "the window closes")
	require.Len(t, f.checkpointsSigned(plain), 3)
	require.Empty(t, log.String())
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
			require.Less(t, time.Since(began), 5*time.Second)
			require.Contains(t, log.String(), "no checkpoint of the audit trail was taken")
		})
	}
}
