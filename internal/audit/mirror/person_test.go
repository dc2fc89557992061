package mirror

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/install"
	"shardadmin/internal/policy"
	"shardadmin/internal/store"
)

func (s *setup) as(t testing.TB, who string, a policy.Action) policy.Permit {
	t.Helper()
	p, err := policy.NewGate(policy.Config{Fleet: s.Fleet, Control: s.DB, Schema: install.DefaultSchema, Email: who, Source: "cli"}).Permit(t.Context(), policy.Request{Action: a, Reason: "a test"})
	require.NoError(t, err)
	return p
}

func (s *setup) did(t testing.TB, who string) {
	t.Helper()
	_, err := s.trail.Begin(t.Context(), s.as(t, who, policy.AssignTenant), audit.Intent{Tenant: "7", Details: map[string]any{"to": "recipient@example.com"}})
	require.NoError(t, err)
}

func (s *setup) synced(t testing.TB) {
	t.Helper()
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
}

// holds reports whether the file, or what is written ahead of it, has a text anywhere.
func (s *setup) holds(t testing.TB, text string) bool {
	t.Helper()
	files, err := filepath.Glob(s.store.Path() + "*")
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		if bytes.Contains(bytes.ToLower(data), []byte(text)) {
			return true
		}
	}
	return false
}

func TestAnErasedPersonIsGoneFromEveryByteOfTheCopy(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.did(t, "bobby.tables@example.com")
	s.did(t, "ann@example.com")
	s.synced(t)
	found := func(f audit.Filter) []string {
		list, err := s.List(t.Context(), f)
		require.NoError(t, err)
		theirs, err := s.trail.List(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, theirs, list, "the copy answers as the trail does: %+v", f)
		out := []string{}
		for _, e := range list {
			out = append(out, e.Actor)
		}
		return out
	}
	list, err := s.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	bobby := list[1].ActorRef
	one := []string{"bobby.tables@example.com"}
	for _, f := range []audit.Filter{{Actor: "Bobby.tables@example.com"}, {Actor: bobby}, {Search: "bobby.tables"}, {Search: bobby}, {Search: "Bobby.tables@example.com a"}} {
		require.Equal(t, one, found(f), "%+v", f)
	}
	require.Len(t, found(audit.Filter{Search: "recipient@"}), 2)
	sums, err := s.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	theirs, err := s.trail.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Equal(t, theirs, sums)
	require.True(t, s.holds(t, "bobby.tables"))
	require.NoError(t, s.Restart(t.Context(), "a second copy, the first is kept"))
	s.synced(t)

	_, err = s.trail.Erase(t.Context(), s.as(t, "ann@example.com", policy.AuditErase), "bobby.tables@example.com")
	require.NoError(t, err)
	require.Equal(t, one, func() []string { l, _ := s.List(t.Context(), audit.Filter{Actor: bobby}); return []string{l[0].Actor} }(), "the copy does not know yet")
	s.synced(t)
	require.False(t, s.holds(t, "bobby.tables"), "not in the retired copy, in no free page and not in the log either")
	require.True(t, s.holds(t, "recipient@example.com"), "what was not erased is there")
	shown := "erased person " + bobby[7:15]
	require.Equal(t, []string{shown}, found(audit.Filter{Actor: bobby}))
	require.Equal(t, []string{shown}, found(audit.Filter{Actor: shown}))
	require.Empty(t, found(audit.Filter{Search: "bobby.tables"}))
	sums, err = s.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	theirs, err = s.trail.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Equal(t, theirs, sums)

	// A copy that is made now never has the value, and verifies without the server.
	fresh := *s
	fresh.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "fresh.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = fresh.store.Close() })
	fresh.Mirror = New(fresh.store, s.key)
	fresh.batch = 1
	fresh.synced(t)
	require.False(t, fresh.holds(t, "bobby.tables"))

	// Who comes back is somebody new.
	s.did(t, "bobby.tables@example.com")
	s.synced(t)
	list, err = s.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, one, []string{list[0].Actor})
	require.NotEqual(t, bobby, list[0].ActorRef)
}

// A sync that read the trail before an erasure does not put back what one that read it
// afterwards has erased.
func TestALateSyncPutsNobodyBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.did(t, "bob@example.com")
	chain, _, _, err := s.end(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.trail.Read(t.Context(), func(r *audit.Reader) error {
		_, err := r.Persons(t.Context())
		require.NoError(t, err)
		_, err = s.trail.Erase(t.Context(), s.as(t, "ann@example.com", policy.AuditErase), "bob@example.com")
		require.NoError(t, err)
		s.synced(t)
		return s.persons(t.Context(), r, chain, 1, 0)
	}))
	require.False(t, s.holds(t, "bob@example.com"))
	s.synced(t)
}

// What is cut short verifies: of whom the event of the erasure is not copied yet nothing
// is known.
func TestACopyThatIsCutShortVerifies(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.did(t, "bob@example.com")
	for range 4 {
		s.did(t, "ann@example.com")
	}
	_, err := s.trail.Erase(t.Context(), s.as(t, "ann@example.com", policy.AuditErase), "bob@example.com")
	require.NoError(t, err)
	s.batch = 2
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	require.Error(t, s.trail.Read(t.Context(), func(r *audit.Reader) error {
		chain, seq, _, err := s.end(ctx)
		require.NoError(t, err)
		head, err := r.Head(ctx)
		require.NoError(t, err)
		require.NoError(t, s.persons(ctx, r, chain, head.Seq, seq))
		batch, err := r.After(ctx, 0, 2)
		require.NoError(t, err)
		n += len(batch)
		require.NoError(t, s.add(ctx, chain, nil, batch))
		stop()
		return ctx.Err()
	}))
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.Len(t, v.Unproven, 1)
	s.synced(t)
}

func TestWhoTampersWithAPersonIsFoundByTheCopy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ server, local, kind string }{
		"value on the server": {`UPDATE shard_admin.audit_person SET value = 'bob@example.com' WHERE kind = 'email' AND value LIKE 'ann%'`, "", ""},
		"value in the copy":   {"", `UPDATE mirror_person SET value = 'bob@example.com' WHERE kind = 'email'`, "person_changed"},
		"salt in the copy":    {"", `UPDATE mirror_person SET salt = x'00' WHERE kind = 'email'`, "person_changed"},
		"gone from the copy":  {"", `DELETE FROM mirror_person WHERE kind = 'email'`, "person_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.did(t, "ann@example.com")
			s.synced(t)
			if tc.server != "" {
				s.Exec(`ALTER TABLE shard_admin.audit_person DISABLE TRIGGER audit_person_kept; ` + tc.server)
				s.did(t, "eve@example.com")
				_, err := s.Sync(t.Context(), s.trail)
				require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), err)
				v, err := s.Verify(t.Context())
				require.NoError(t, err)
				require.True(t, v.OK, "the copy keeps what it had: %v", v.Findings)
				return
			}
			_, err := s.store.DB().Exec(tc.local)
			require.ErrorContains(t, err, "append-only")
			for _, drop := range []string{"mirror_person_unchanged", "mirror_person_kept"} {
				_, err = s.store.DB().Exec("DROP TRIGGER " + drop)
				require.NoError(t, err)
			}
			_, err = s.store.DB().Exec(tc.local)
			require.NoError(t, err)
			v, err := s.Verify(t.Context())
			require.NoError(t, err)
			require.False(t, v.OK)
			require.Equal(t, tc.kind, v.Findings[0].Kind)
		})
	}
}
