package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

// After a switch both shards go on handing out ids. A rollback that would write
// over a row of somebody else changes nothing and leaves the choice.
func TestARollbackNeverWritesOverTheRowsOfOthers(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("8", "default", 8000, 2)
	m := f.moved(s, "7", "shard_1")
	ctx := t.Context()
	for i, row := range []string{"7, 'ours'", "8, 'theirs'"} {
		_, err := f.app(1-i).Exec(ctx, "INSERT INTO pwb_messages (id, website_id, title, created_at, updated_at) VALUES (990001, "+row+", now(), now())")
		require.NoError(t, err)
	}
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_websites"), filltest.Dump(t, f.super(1), "pwb_websites")}
	_, err := s.ActOnMove(ctx, "rollback", session.MoveAction{ID: m.ID, Note: "back", Wait: true})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.ErrorContains(t, err, "990001")
	require.Equal(t, "retained", m.State)
	require.Equal(t, []string{"finalize", "rollback"}, m.Actions)
	require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_websites"))
	require.Equal(t, before[1], filltest.Dump(t, f.super(1), "pwb_websites"))
	_, err = f.app(1).Exec(ctx, "UPDATE pwb_messages SET title = 'still written' WHERE website_id = 7")
	require.NoError(t, err, "the tenant goes on where it is served")

	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	require.Empty(t, owned(t, f, 0, "7"))
	var title string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT title FROM pwb_messages WHERE id = 990001").Scan(&title))
	require.Equal(t, "theirs", title)
}

// Rows that come to the target between plan and copy are not the move's: it
// stops before it copies, and its cancel leaves them.
func TestRowsThatCameToTheTargetMeanwhileAreLeft(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("9", "shard_1", 9000, 2)
	ctx := t.Context()
	want := f.rowsOf(0, "7")
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "strays", Hold: true})
	require.NoError(t, err)
	// Nobody carries it out yet: an application that routes wrongly writes.
	f.exec(1, "INSERT INTO pwb_websites (id, subdomain, slug, created_at, updated_at) SELECT 7, 'sub7', 'slug7', now(), now()")
	_, err = f.app(1).Exec(ctx, "INSERT INTO pwb_messages (id, website_id, title, created_at, updated_at) VALUES (990002, 7, 'stray', now(), now())")
	require.NoError(t, err)
	strays := filltest.Dump(t, f.super(1))
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "ready", m.State)
	_, err = s.ActOnMove(ctx, "switch", session.MoveAction{ID: m.ID, Note: "go", Wait: true})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.ErrorContains(t, err, "pwb_messages")
	require.Equal(t, "failed", m.State)
	require.Equal(t, strays, filltest.Dump(t, f.super(1)))
	m = act(t, s, "cancel", session.MoveAction{ID: m.ID})
	require.Equal(t, "cancelled", m.State)
	require.Equal(t, strays, filltest.Dump(t, f.super(1)))
	require.Equal(t, want, f.rowsOf(0, "7"))
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
}

// A transaction that was prepared before the guards may commit behind the
// fence; it is waited for and named.
func TestPreparedTransactionsAreOlderThanTheGuards(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	ctx := t.Context()
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "prepared"})
	require.NoError(t, err)
	gid := pgtest.Random("gid_")
	app := f.app(0)
	for _, sql := range []string{"BEGIN", "UPDATE pwb_contacts SET first_name = 'prepared' WHERE website_id = 7", "PREPARE TRANSACTION '" + gid + "'"} {
		_, err := app.Exec(ctx, sql)
		require.NoError(t, err)
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		require.Eventually(t, func() bool {
			v, err := s.Move(ctx, m.ID)
			return err == nil && v.Owner != ""
		}, 30*time.Second, 50*time.Millisecond)
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, err = s.Await(ctx, m.ID, nil)
	}()
	<-said
	require.Never(t, func() bool {
		v, err := s.Move(ctx, m.ID)
		return err == nil && v.State != "planned"
	}, 2*time.Second, 50*time.Millisecond)
	_, cerr := app.Exec(ctx, "COMMIT PREPARED '"+gid+"'")
	require.NoError(t, cerr)
	<-done
	require.NoError(t, err)
	require.Equal(t, "retained", m.State)
	var n int
	require.NoError(t, f.super(1).QueryRow(ctx, "SELECT count(*) FROM pwb_contacts WHERE website_id = 7 AND first_name = 'prepared'").Scan(&n))
	require.Equal(t, 2, n, "what was prepared was copied")
}

// The replica of the tenant's row follows the catalogue's at every flip, with
// the pointer.
func TestTheReplicaOfTheTenantsRowFollowsTheFlip(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("9", "shard_1", 9000, 1)
	f.tenant("7", "default", 7000, 1)
	f.exec(0, "UPDATE pwb_websites SET company_display_name = 'Renamed since' WHERE id = 9")
	replica := func(id string) (shard, name string) {
		require.NoError(t, f.super(1).QueryRow(t.Context(), "SELECT shard_name, company_display_name FROM pwb_websites WHERE id = "+id).Scan(&shard, &name))
		return shard, name
	}
	f.moved(s, "7", "shard_1")
	shard, _ := replica("7")
	require.Equal(t, "shard_1", shard)
	m := f.moved(s, "9", "default")
	shard, name := replica("9")
	require.Equal(t, "default", shard)
	require.Equal(t, "Renamed since", name)
	act(t, s, "rollback", session.MoveAction{ID: m.ID})
	shard, _ = replica("9")
	require.Equal(t, "shard_1", shard)
}

// A control database that was restored to before the switch has forgotten it;
// the fences have not. What was written on the target since is not undone.
func TestAForgottenSwitchIsNotUndone(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	m := f.moved(s, "7", "shard_1")
	_, err := f.app(1).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'since' WHERE website_id = 7")
	require.NoError(t, err)
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"), filltest.Dump(t, f.super(1), "pwb_websites")}
	f.exec(0, "UPDATE shard_admin.move SET state = 'ready', step = 'verified'")
	f.exec(0, "UPDATE pwb_websites SET shard_name = 'default' WHERE id = 7")
	for _, action := range []string{"cancel", "resume"} {
		_, err = s.ActOnMove(t.Context(), action, session.MoveAction{ID: m.ID, Note: "as control knows it", Wait: true})
		require.NoError(t, err)
		_, err = s.Await(t.Context(), m.ID, nil)
		require.ErrorContains(t, err, "nothing was undone")
		require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"))
		require.Equal(t, before[1], filltest.Dump(t, f.super(1), "pwb_websites"))
	}
}
