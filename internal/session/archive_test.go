//go:build unix

package session_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
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

// signing keeps a signing key beside the passwords.
type signing struct {
	fixedResolver
	key credential.Secret
}

func (r signing) Resolve(ctx context.Context, name, item string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if item == fleet.AuditCredential {
		return credential.Credential{User: "ann@example.com", Password: r.key}, credential.FromEnvironment, nil
	}
	return r.fixedResolver.Resolve(ctx, name, item, at)
}

func (f *fixture) openSigning(url string) *session.Session {
	f.t.Helper()
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(f.t, err)
	return f.openWith(url, secret)
}

func (f *fixture) openWith(url string, secret credential.Secret) *session.Session {
	fl := *f.fleet
	fl.Control.URL = url
	s := session.Open(session.Config{
		Fleet: &fl, Resolver: signing{fixedResolver{f.role}, secret}, Email: "ann@example.com", Source: "cli", DBPath: f.dbPath,
		Flag: func(policy.Flag) (bool, string) { return true, "test" },
	})
	f.t.Cleanup(s.Close)
	return s
}

// What is older than the retention goes to a signed file and then from the
// control database; this computer's copy keeps it.
func TestTheTrailsBeginningIsArchivedAndRemoved(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	ctx := t.Context()
	s := f.openSigning(f.fleet.Control.URL)
	path := filepath.Join(t.TempDir(), "2026.jsonl")
	_, err := s.ArchiveAudit(ctx, "2200-01-01", path, "retention")
	require.Equal(t, fault.KeyNotEnrolled, fault.CodeOf(err), "%v", err)
	_, err = s.EnrollAuditKey(ctx, "my key")
	require.NoError(t, err)
	for _, until := range []string{"", "soon", "2001-01-01"} {
		_, err = s.ArchiveAudit(ctx, until, path, "retention")
		require.Equal(t, fault.Usage, fault.CodeOf(err), "%q: %v", until, err)
	}
	_, err = s.ArchiveAudit(ctx, "2200-01-01", path, "retention")
	require.NoError(t, err)
	before, err := s.Events(ctx, session.AuditFilter{Limit: 1000})
	require.NoError(t, err)
	_, err = s.PurgeAudit(ctx, filepath.Join(t.TempDir(), "none"), "retention", "")
	require.Equal(t, fault.FileUnreadable, fault.CodeOf(err))
	cut, err := s.PurgeAudit(ctx, path, "retention", "")
	require.NoError(t, err)
	require.Positive(t, cut.Events)
	require.Equal(t, cut.Events, cut.Through)
	v, err := s.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.Equal(t, cut.Through, v.ArchivedTo)
	r, err := s.PreviewReport(ctx, session.ReportRequest{Kind: "changes"})
	require.NoError(t, err)
	require.Contains(t, r.Statement, "(what was before is archived and not counted), chain verified at")
	copied, err := s.CopiedEvents(ctx, session.AuditFilter{Limit: 1000})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(copied.Events), len(before.Events), "the copy has what was removed")
	file, err := session.VerifyAuditFile(ctx, path, "", nil)
	require.NoError(t, err)
	require.True(t, file.OK, file.Findings)
	require.Equal(t, "enrolled", file.Trust)
}

// While the control database is away its trail is read from this computer's
// copy, which says how far it goes and why it is shown.
func TestTheCopyIsReadWhileControlIsAway(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	ctx := t.Context()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = nobody.Close() })
	away := f.openSigning("postgres://127.0.0.1:" + strconv.Itoa(nobody.Addr().(*net.TCPAddr).Port) + "/none?sslmode=disable&connect_timeout=1")
	_, err = away.CopiedEvents(ctx, session.AuditFilter{})
	require.Equal(t, fault.NoCopy, fault.CodeOf(err))
	_, err = away.VerifyMirror(ctx, "", nil)
	require.Equal(t, fault.NoCopy, fault.CodeOf(err))

	_, err = s.Assign(ctx, session.AssignRequest{Tenant: "tenant1", Shard: "shard_1", Note: "offline ticket-9", RowsStay: true})
	require.NoError(t, err)
	synced, err := s.SyncAudit(ctx)
	require.NoError(t, err)
	here, err := s.Events(ctx, session.AuditFilter{})
	require.NoError(t, err)
	require.Nil(t, here.CopyTo)
	begin := time.Now()
	list, err := away.Events(ctx, session.AuditFilter{})
	require.NoError(t, err)
	require.Less(t, time.Since(begin), 20*time.Second)
	require.Equal(t, here.Events, list.Events)
	require.Equal(t, synced.Seq, *list.CopyTo)
	require.NotEmpty(t, list.CopyReason)
	require.NotEmpty(t, *list.CopyAt)
	require.Equal(t, here.Next, list.Next)
	counted, err := s.AuditFacets(ctx, session.AuditFilter{})
	require.NoError(t, err)
	require.Nil(t, counted.CopyTo)
	require.EqualValues(t, len(here.Events), counted.Events)
	copied, err := away.AuditFacets(ctx, session.AuditFilter{})
	require.NoError(t, err)
	require.Equal(t, counted.Facets, copied.Facets)
	require.Equal(t, synced.Seq, *copied.CopyTo)
	require.NotEmpty(t, copied.CopyReason)
	// What a tenant's, an operator's and a search's history is, and one event in full, is
	// the same without the database: a tenant by its label too.
	for name, f := range map[string]session.AuditFilter{
		"tenant by id": {Tenant: "1"}, "tenant by label": {Tenant: "tenant1"}, "operator": {Actor: "ann@example.com"}, "search": {Search: "ticket-9"}, "one event": {ID: here.Events[0].ID},
	} {
		want, err := s.Events(ctx, f)
		require.NoError(t, err, name)
		require.NotEmpty(t, want.Events, name)
		got, err := away.Events(ctx, f)
		require.NoError(t, err, name)
		require.Equal(t, want.Events, got.Events, name)
		require.NotEmpty(t, got.CopyReason, name)
		if f.ID != "" {
			continue
		}
		all, err := s.AuditFacets(ctx, f)
		require.NoError(t, err, name)
		some, err := away.AuditFacets(ctx, f)
		require.NoError(t, err, name)
		require.Equal(t, all.Facets, some.Facets, name)
	}
	none, err := away.Events(ctx, session.AuditFilter{Tenant: "tenant2"})
	require.NoError(t, err)
	require.Empty(t, none.Events)
	v, err := away.VerifyMirror(ctx, "", nil)
	require.NoError(t, err)
	require.True(t, v.OK)
	require.Equal(t, synced.Seq, v.Events)
	require.Equal(t, synced.Seq, *v.CopyTo)
	v, err = away.VerifySeen(ctx)
	require.NoError(t, err)
	require.True(t, v.OK)
	require.Equal(t, synced.Seq, *v.CopyTo)
	require.NotEmpty(t, v.CopyReason)
	v, err = s.VerifySeen(ctx)
	require.NoError(t, err)
	require.Nil(t, v.CopyTo)
	_, err = away.VerifyAudit(ctx)
	require.True(t, fault.Unreachable(err), "what was asked of the trail is not answered of the copy: %v", err)
}

// A file is made of the copy while the control database is away: it says so, it verifies,
// it is signed with a key that the copy knows, and the trail takes it later.
func TestAFileIsMadeOfTheCopyWhileControlIsAway(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	s.Close()
	ctx := t.Context()
	secret, _, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	s = f.openWith(f.fleet.Control.URL, secret)
	_, err = s.EnrollAuditKey(ctx, "my key")
	require.NoError(t, err)
	_, err = s.Assign(ctx, session.AssignRequest{Tenant: "tenant1", Shard: "shard_1", Note: "offline ticket-9", RowsStay: true})
	require.NoError(t, err)
	synced, err := s.SyncAudit(ctx)
	require.NoError(t, err)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = nobody.Close() })
	away := f.openWith("postgres://127.0.0.1:"+strconv.Itoa(nobody.Addr().(*net.TCPAddr).Port)+"/none?sslmode=disable&connect_timeout=1", secret)
	dir := t.TempDir()
	ask := func(kind, format string) session.ReportRequest {
		return session.ReportRequest{Kind: kind, Format: format, Mirror: true, Note: "the auditor waits", Filter: session.AuditFilter{Tenant: "tenant1", Actor: "ann@example.com"}}
	}
	_, err = away.WriteReport(ctx, session.ReportRequest{Format: "csv", Note: "why"}, filepath.Join(dir, "none.csv"))
	require.True(t, fault.Unreachable(err), "a file of the trail is not made of the copy unasked: %v", err)
	_, err = away.WriteReport(ctx, ask("moves", "pdf"), filepath.Join(dir, "none.pdf"))
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "--mirror --action move")
	_, err = away.WriteReport(ctx, ask("events", "csv"), filepath.Join(dir, "no such folder", "none.csv"))
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	p, err := away.PreviewReport(ctx, ask("tenant", ""))
	require.NoError(t, err)
	require.True(t, p.ChainOK)
	require.Contains(t, p.Statement, "in a computer's copy of the trail as of")
	require.Contains(t, p.HTML, "ticket-9")
	require.Contains(t, p.HTML, "Moves are not listed apart")
	for _, x := range []struct{ kind, format string }{{"events", "jsonl"}, {"tenant", "pdf"}, {"operator", "csv"}, {"changes", "html"}, {"access", "xlsx"}, {"failed", "ocsf"}} {
		path := filepath.Join(dir, x.kind+"."+x.format)
		made, err := away.WriteReport(ctx, ask(x.kind, x.format), path)
		require.NoError(t, err, x.kind)
		require.NotNil(t, made.CopiedAt, x.kind)
		require.True(t, made.ChainOK, x.kind)
		require.NotEmpty(t, made.SignedBy, made.SignedByReason)
		require.Contains(t, made.Statement, "in a computer's copy of the trail as of")
		v, err := session.VerifyAuditFile(ctx, path, "", []string{made.SignedBy})
		require.NoError(t, err, x.kind)
		require.True(t, v.OK, "%s: %v", x.kind, v.Findings)
		text, err := os.ReadFile(path + ".manifest.json")
		require.NoError(t, err)
		require.Contains(t, string(text), `"copied_at": "`+*made.CopiedAt)
		require.Contains(t, string(text), `"head_seq": `+strconv.FormatInt(synced.Seq, 10))
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 18, "each has a manifest and its signature")

	// The first that reaches the control database hands in what waits.
	before, err := s.Events(ctx, session.AuditFilter{Action: "audit.export"})
	require.NoError(t, err)
	require.Empty(t, before.Events)
	_, err = s.SyncAudit(ctx)
	require.NoError(t, err)
	now, err := s.Events(ctx, session.AuditFilter{Action: "audit.export"})
	require.NoError(t, err)
	require.Len(t, now.Events, 6)
	for _, e := range now.Events {
		require.Equal(t, "ann@example.com", e.Actor)
		require.Equal(t, "the auditor waits", e.Note)
		require.Equal(t, "1", e.Tenant, "it is in the tenant's history")
		require.Equal(t, "ok", e.Status)
		require.NotEmpty(t, e.Details["copied_at"])
		require.NotEmpty(t, e.Details["done_at"])
		require.NotEmpty(t, e.Details["sha256"])
	}
	whole, err := s.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, whole.OK, whole.Findings)
}

// Who leaves is taken off the list and then erased: what they did stays under a pseudonym,
// on the server and on this computer.
func TestWhoLeftIsErasedAndWhatTheyDidStays(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	ctx := t.Context()
	require.NoError(t, s.SetOperator(ctx, "Bob@example.com", "operator", "", "he joins", ""))
	bob := session.Open(session.Config{
		Fleet: f.fleet, Resolver: fixedResolver{f.role}, Email: "bob@example.com", Source: "cli", DBPath: filepath.Join(t.TempDir(), "bob.db"),
		Flag: func(policy.Flag) (bool, string) { return true, "test" },
	})
	t.Cleanup(bob.Close)
	_, err := bob.WriteReport(ctx, session.ReportRequest{Kind: "events", Format: "csv", Note: "his own"}, filepath.Join(t.TempDir(), "b.csv"))
	require.NoError(t, err)
	_, err = s.RemoveOperator(ctx, "ann@example.com", "by mistake", "")
	require.Equal(t, fault.RoleTooLow, fault.CodeOf(err), "the only admin stays")
	_, err = s.RemoveOperator(ctx, "eve@example.com", "unknown", "")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = s.EraseAudit(ctx, "bob@example.com", "he asked", "")
	require.Equal(t, fault.PersonActive, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "fleet operator remove bob@example.com")
	_, err = s.SyncAudit(ctx)
	require.NoError(t, err)

	was, err := s.RemoveOperator(ctx, "BOB@example.com", "he left", "")
	require.NoError(t, err)
	require.Equal(t, "operator", was.Role)
	list, err := s.Events(ctx, session.AuditFilter{Actor: "bob@example.com"})
	require.NoError(t, err)
	require.Len(t, list.Events, 2)
	ref := list.Events[0].ActorRef
	out, err := s.EraseAudit(ctx, "bob@example.com", "he asked", "")
	require.NoError(t, err)
	require.Equal(t, ref, out.Refs[0])
	require.EqualValues(t, 4, out.Events, "two of his, and those that made and unmade him an operator")
	require.Zero(t, out.PlainEvents)
	require.Empty(t, out.CopyReason)
	for name, verify := range map[string]func() (session.AuditVerification, error){
		"server": func() (session.AuditVerification, error) { return s.VerifyAudit(ctx) },
		"copy":   func() (session.AuditVerification, error) { return s.VerifyMirror(ctx, "", nil) },
	} {
		v, err := verify()
		require.NoError(t, err)
		require.True(t, v.OK, "%s: %v", name, v.Findings)
	}
	for name, events := range map[string]func(context.Context, session.AuditFilter) (session.EventList, error){"server": s.Events, "copy": s.CopiedEvents} {
		list, err := events(ctx, session.AuditFilter{Actor: ref})
		require.NoError(t, err)
		require.Len(t, list.Events, 2, name)
		require.Equal(t, "erased person "+ref[7:15], list.Events[0].Actor, name)
		list, err = events(ctx, session.AuditFilter{Search: "bob@example.com"})
		require.NoError(t, err)
		require.Empty(t, list.Events, name)
	}
	_, err = s.EraseAudit(ctx, ref, "again", "")
	require.Equal(t, fault.PersonUnknown, fault.CodeOf(err))
}
