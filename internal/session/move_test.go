package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/figure"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

// A move takes every row of a tenant in every class of table and touches
// nothing else; a rollback brings back what was written since; a finalize
// leaves only the root row.
func TestMoveTakesEveryRowAndNothingElse(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 3)
	f.tenant("8", "default", 8000, 2)
	f.tenant("9", "shard_1", 9000, 2)
	ctx := t.Context()
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"), filltest.Dump(t, f.super(1), "pwb_websites")}

	plan, err := s.PlanMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	for _, c := range plan.Checks {
		require.NotEqual(t, "blocker", c.Status, "%+v %+v", c, plan.Decisions)
	}
	for _, tb := range plan.Tables {
		require.Positive(t, tb.Rows, tb.Table)
	}
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "sub7", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	require.Equal(t, "retained", m.State)
	require.True(t, m.Verified)
	require.NotNil(t, m.WritePauseMS)

	var shard string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = 7").Scan(&shard))
	require.Equal(t, "shard_1", shard)
	// The source is untouched.
	require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"))
	// The target has exactly what it had and the tenant's rows.
	after := filltest.Dump(t, f.super(1), "pwb_websites")
	for table, rows := range after {
		require.Subset(t, rows, before[1][table], table)
	}
	for table, rows := range before[0] {
		mine := 0
		for _, row := range rows {
			for _, x := range after[table] {
				if x == row {
					mine++
				}
			}
		}
		extra := len(after[table]) - len(before[1][table])
		require.Equal(t, extra, mine, "%s: rows that came are rows of the source", table)
	}
	require.Len(t, after["public.active_storage_blobs"], len(before[1]["public.active_storage_blobs"])+3)

	logOf(t, m)
	said := ""
	for _, l := range m.Log {
		said += l.Message + "\n"
	}
	require.Contains(t, said, "read-only on default for at most 5 min")
	require.Contains(t, said, figure.Count(m.RowsCopied, "row")+" copied, "+figure.Count(m.BytesCopied, "byte"))
	require.NotRegexp(t, `\d{4}`, said, "figures are written in groups")
}

func logOf(t *testing.T, m session.MoveView) {
	for _, l := range m.Log {
		t.Log(l.At, l.Message)
	}
	if m.WritePauseMS != nil {
		t.Log("pause", *m.WritePauseMS)
	}
}

// leftovers lists what is still of ours on a shard.
func (f *fixture) leftovers(n int) []string {
	f.t.Helper()
	rows, err := f.super(n).Query(context.Background(), `SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'shard_admin_move'
		UNION ALL SELECT 'trigger on ' || tgrelid::regclass FROM pg_trigger WHERE tgname LIKE '%shard_admin%'
		UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL SELECT 'publication ' || pubname FROM pg_publication`)
	require.NoError(f.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(f.t, err)
	return out
}

// moved starts a move and waits until it is retained.
func (f *fixture) moved(s *session.Session, tenant, target string) session.MoveView {
	f.t.Helper()
	m, err := s.StartMove(f.t.Context(), session.MoveRequest{Tenant: tenant, Target: target, Mode: "fenced", Note: "test"})
	require.NoError(f.t, err)
	m, err = s.Await(f.t.Context(), m.ID, nil)
	require.NoError(f.t, err, "%+v", m.Log)
	require.Equal(f.t, "retained", m.State)
	return m
}

// rowsOf is every row of a side that lies in the tenant's range of keys or has
// its mark, without the product's map: filltest writes both.
func (f *fixture) rowsOf(n int, tenant string) map[string][]string {
	f.t.Helper()
	out := map[string][]string{}
	for table, rows := range filltest.Dump(f.t, f.super(n), "pwb_websites", "pwb_shard_audit_logs") {
		for _, row := range rows {
			if strings.Contains(row, tenant+"0") || strings.Contains(row, ","+tenant+",") || strings.Contains(row, "("+tenant+",") {
				out[table] = append(out[table], row)
			}
		}
	}
	return out
}

func act(t *testing.T, s *session.Session, action string, a session.MoveAction) session.MoveView {
	t.Helper()
	a.Note = "test"
	_, err := s.ActOnMove(t.Context(), action, a)
	require.NoError(t, err)
	m, err := s.Await(t.Context(), a.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	return m
}

func (f *fixture) app(n int) *pgx.Conn {
	return f.connect(f.server(n).URL(pgtest.AppRole, f.dbs[n]) + "&password=" + pgtest.AppPassword)
}

// only returns rows of a dump that the tenant's id marks; every value that
// filltest writes begins with it, and keys lie in a range.
func owned(t *testing.T, f *fixture, n int, tenant string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	m := filltest.Map(t, f.super(n), f.fleet.Profile)
	rows, err := m.Rows(t.Context(), f.super(n), tenant)
	require.NoError(t, err)
	for _, r := range rows {
		if r.Rows > 0 {
			out[r.Table] = r.Rows
		}
	}
	return out
}

func TestRollbackKeepsWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 3)
	f.tenant("9", "shard_1", 9000, 2)
	m := f.moved(s, "7", "shard_1")
	ctx := t.Context()

	// The source refuses, the target takes the application's writes.
	_, err := f.app(0).Exec(ctx, "UPDATE pwb_contacts SET first_name = 'late' WHERE website_id = 7")
	require.ErrorContains(t, err, "SA001")
	app := f.app(1)
	for _, sql := range []string{
		"UPDATE pwb_contacts SET first_name = 'after' WHERE website_id = 7 AND id = 7001",
		"DELETE FROM pwb_prop_photos WHERE id = 7002",
		"INSERT INTO pwb_messages (id, website_id, created_at, updated_at, title) VALUES (7999, 7, now(), now(), 'new')",
		"UPDATE pwb_realty_assets SET slug = 'changed-' || slug WHERE website_id = 7",
		"INSERT INTO active_storage_blobs (id, key, filename, byte_size, service_name, created_at) VALUES (7900, 'k7900', 'f', 1, 'local', now())",
		"INSERT INTO active_storage_attachments (id, name, record_type, record_id, blob_id, created_at) VALUES (7900, 'x', 'Pwb::WebsitePhoto', 7001, 7900, now())",
	} {
		_, err := app.Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	want := filltest.Dump(t, f.super(1), "pwb_websites")
	others := filltest.Dump(t, f.super(1), "pwb_websites")
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)

	require.Empty(t, owned(t, f, 1, "7"))
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
	back := filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs")
	for table, rows := range back {
		require.Subset(t, want[table], rows, table) // all that is on the source was on the target
	}
	target := filltest.Dump(t, f.super(1), "pwb_websites")
	for table, rows := range target {
		require.Subset(t, others[table], rows, table)
		require.Len(t, rows, len(others[table])-len(back[table]), table)
	}
	var name string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT first_name FROM pwb_contacts WHERE id = 7001").Scan(&name))
	require.Equal(t, "after", name)
	_, err = f.app(0).Exec(ctx, "UPDATE pwb_contacts SET first_name = 'again' WHERE website_id = 7")
	require.NoError(t, err)
	var status string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT status FROM pwb_shard_audit_logs ORDER BY id DESC LIMIT 1").Scan(&status))
	require.Equal(t, "rolled_back", status)
	v, err := s.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, v.OK)
}

func TestFinalizePurgesTheSourceAlone(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 3)
	f.tenant("8", "default", 8000, 2)
	mine := owned(t, f, 0, "7")
	before := filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs")
	m := f.moved(s, "7", "shard_1")
	target := filltest.Dump(t, f.super(1))
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	require.Equal(t, target, filltest.Dump(t, f.super(1)))
	require.Equal(t, mine, owned(t, f, 1, "7"))
	require.Empty(t, owned(t, f, 0, "7"))
	after := filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs")
	for table, rows := range before {
		short := table[len("public."):]
		require.Len(t, after[table], len(rows)-int(mine[short]), table)
		require.Subset(t, rows, after[table], table)
	}
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
	var n int
	require.NoError(t, f.super(0).QueryRow(t.Context(), "SELECT count(*) FROM pwb_websites WHERE id = 7").Scan(&n))
	require.Equal(t, 1, n)
}

func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 2)
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_shard_audit_logs"), filltest.Dump(t, f.super(1))}
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Hold: true, Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "ready", m.State)
	require.True(t, m.Held)
	_, err = f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7")
	require.NoError(t, err, "a held move does not keep the tenant from writing")
	_, err = s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.ErrorContains(t, err, "holds the tenant")
	m = act(t, s, "cancel", session.MoveAction{ID: m.ID})
	require.Equal(t, "cancelled", m.State)
	require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_shard_audit_logs"))
	require.Equal(t, before[1], filltest.Dump(t, f.super(1)))
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
}
