//go:build unix

package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

// trusted logs in to control without a password, as by a client certificate.
type trusted struct{ fixedResolver }

func (r trusted) Resolve(ctx context.Context, name, item string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	c, from, err := r.fixedResolver.Resolve(ctx, name, item, at)
	if item == fleet.ControlName {
		c.Password = credential.Secret{}
	}
	return c, from, err
}

// Whoever logs in without a password has none to type again: the tenant's name and
// a fresh login confirm a finalize in production, and the trail says so.
func TestAFinalizeIsConfirmedWhereThereIsNoPassword(t *testing.T) {
	t.Parallel()
	f, demo := small(t, 2)
	ctx := t.Context()
	_, err := demo.Reentry(ctx)
	require.NoError(t, err)
	m := f.moved(demo, "1", "shard_1")
	fl := *f.fleet
	fl.Environment = fleet.Production
	// Through the socket the server trusts who comes.
	fl.Control.URL = strings.Replace(f.server(0).URL("", f.dbs[0]), "user=postgres", "user="+f.role, 1)
	require.Contains(t, fl.Control.URL, f.role)
	open := func(r credential.Resolver) *session.Session {
		s := session.Open(session.Config{
			Fleet: &fl, Resolver: r, Email: "ann@example.com", Source: "cli", DBPath: f.dbPath,
			Flag: func(policy.Flag) (bool, string) { return true, "test" },
		})
		t.Cleanup(s.Close)
		return s
	}
	s := open(trusted{fixedResolver{f.role}})
	how, err := s.Reentry(ctx)
	require.NoError(t, err)
	require.Equal(t, session.ReentryLogin, how)
	_, err = s.ActOnMove(ctx, "finalize", session.MoveAction{ID: m.ID, Note: "done", Password: "anything", Confirm: "tenant1", Wait: true})
	require.Equal(t, fault.ReentryRefused, fault.CodeOf(err), "%v", err)
	_, err = s.ActOnMove(ctx, "finalize", session.MoveAction{ID: m.ID, Note: "done", Wait: true})
	require.Equal(t, fault.ConfirmMissing, fault.CodeOf(err), "%v", err)
	_, err = s.ActOnMove(ctx, "finalize", session.MoveAction{ID: m.ID, Note: "done", Confirm: "tenant1", Wait: true})
	require.NoError(t, err)
	v, err := s.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "finalized", v.State)
	list, err := s.Events(ctx, session.AuditFilter{Action: "move.finalize"})
	require.NoError(t, err)
	require.Equal(t, "login", list.Events[len(list.Events)-1].Details["reentered"])

	// With a password it is asked for, and compared.
	s = open(fixedResolver{f.role})
	how, err = s.Reentry(ctx)
	require.NoError(t, err)
	require.Equal(t, session.ReentryPassword, how)
	m = f.moved(demo, "2", "shard_1")
	for typed, code := range map[string]fault.Code{"": fault.ConfirmMissing, "wrong": fault.ReentryRefused} {
		_, err = s.ActOnMove(ctx, "finalize", session.MoveAction{ID: m.ID, Note: "done", Confirm: "tenant2", Password: typed})
		require.Equal(t, code, fault.CodeOf(err), "%v", err)
	}
}
