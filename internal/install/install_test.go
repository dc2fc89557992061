package install_test

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/controltest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

//go:embed testdata/describe.sql
var describeSQL string

// describe lists everything that the schema of a database is.
func describe(t *testing.T, c *controltest.Control) []string {
	t.Helper()
	rows, err := c.Super().Query(t.Context(), describeSQL)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(lines), 50)
	return lines
}

func status(t *testing.T, db *conn.Database) install.Status {
	t.Helper()
	s, err := install.New("").Status(t.Context(), db)
	require.NoError(t, err)
	return s
}

// versionOne is the schema as the first version made it.
func versionOne(t *testing.T) string {
	t.Helper()
	text := install.New("").Script("")
	const end = "INSERT INTO shard_admin.version (version_id, is_applied) VALUES (1, true);"
	first, _, ok := strings.Cut(text, end)
	require.True(t, ok)
	return first + end + "\nCOMMIT;"
}

const (
	event = `INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(), '{"action": "x"}')`
	move  = `INSERT INTO shard_admin.move (id, tenant, source, target, mode, state, engine, max_read_only_ms, plan, note, created_by)
		VALUES (gen_random_uuid(), '%s', 'a', 'b', 'fenced', '%s', 1, 1, '{}', 'n', 'x')`
)

func TestInstallOnceAndAgain(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	i := install.New("")
	require.Equal(t, "shard_admin", i.Schema())
	before := status(t, c.DB)
	require.False(t, before.Installed)
	require.False(t, before.Current())
	err := i.RequireCurrent(t.Context(), c.DB)
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "fleet install --admin")

	require.NoError(t, i.Install(t.Context(), c.DB))
	require.NoError(t, i.RequireCurrent(t.Context(), c.DB))
	after := status(t, c.DB)
	require.True(t, after.Current())
	require.Equal(t, after.Wanted, after.Version)
	want := describe(t, c)
	c.Exec(event)
	require.NoError(t, i.Install(t.Context(), c.DB), "installing again changes nothing")
	require.Equal(t, want, describe(t, c))
	var n int
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT count(*) FROM shard_admin.audit_link").Scan(&n))
	require.Equal(t, 1, n)
}

func TestManyInstallAtOnce(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		db := c.As(c.Role).Control()
		wg.Go(func() { errs[i] = install.New("").Install(t.Context(), db) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.True(t, status(t, c.DB).Current())
}

func TestUpgradeKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	i := install.New("")
	c.Exec("SET ROLE " + c.Role + ";" + versionOne(t))
	c.Exec("INSERT INTO shard_admin.operator (email, role, added_by) VALUES ('a@b', 'admin', 'x');" + event)
	old := status(t, c.DB)
	require.Equal(t, int64(1), old.Version)
	err := i.RequireCurrent(t.Context(), c.DB)
	require.Equal(t, fault.SchemaOlder, fault.CodeOf(err))
	require.Contains(t, err.Error(), fmt.Sprintf("version 1, this program needs %d", old.Wanted))
	require.Contains(t, fault.HintOf(err), "fleet install")

	require.NoError(t, i.Install(t.Context(), c.DB))
	require.True(t, status(t, c.DB).Current())
	fresh := controltest.Installed(t, fleet.Staging)
	require.Equal(t, describe(t, fresh), describe(t, c), "an upgraded schema is a new one")
	var operators, links, bad int
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT (SELECT count(*) FROM shard_admin.operator), (SELECT count(*) FROM shard_admin.audit_link), (SELECT count(*) FROM shard_admin.audit_verify())").Scan(&operators, &links, &bad))
	require.Equal(t, []int{1, 1, 0}, []int{operators, links, bad})
}

func TestANewerSchemaIsLookedAtAndNotTouched(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	c.Exec("INSERT INTO shard_admin.version (version_id, is_applied) VALUES (9000, true)")
	want := describe(t, c)
	i := install.New("")
	for name, f := range map[string]func() error{
		"require": func() error { return i.RequireCurrent(t.Context(), c.DB) }, "install": func() error { return i.Install(t.Context(), c.DB) },
		"uninstall": func() error { return i.Uninstall(t.Context(), c.DB, nil) },
	} {
		err := f()
		require.Equal(t, fault.SchemaNewer, fault.CodeOf(err), name)
		require.True(t, fault.Refused(err))
		require.Contains(t, err.Error(), fmt.Sprintf("version 9000, this program knows %d", status(t, c.DB).Wanted))
		require.Contains(t, fault.HintOf(err), "newer shard-admin")
	}
	require.Equal(t, want, describe(t, c))
}

func TestADBAsScriptGivesTheSame(t *testing.T) {
	t.Parallel()
	installed := controltest.Installed(t, fleet.Staging)
	c := controltest.New(t, fleet.Staging, "")
	// The DBA is another role; the operator may not even create a schema.
	dba := pgtest.Random("dba_")
	c.Exec("CREATE ROLE " + dba + " NOSUPERUSER; GRANT CREATE ON DATABASE " + c.Database + " TO " + dba + "; REVOKE CREATE ON DATABASE " + c.Database + " FROM " + c.Role)
	t.Cleanup(func() { c.Exec("DROP OWNED BY " + dba + " CASCADE; DROP ROLE " + dba) })
	err := install.New("").Install(t.Context(), c.DB)
	require.Equal(t, fault.RightMissing, fault.CodeOf(err))

	script := install.New("").Script(c.Role)
	require.NotContains(t, script, "goose")
	require.NotContains(t, script, "{{")
	c.Exec("SET ROLE " + dba + ";\n" + script)
	require.Equal(t, describe(t, installed), describe(t, c))
	require.NoError(t, install.New("").RequireCurrent(t.Context(), c.DB))
	require.NoError(t, install.New("").Install(t.Context(), c.DB), "nothing is left to do")

	// What the script grants is enough to work, and not to touch the trail.
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	for _, sql := range []string{
		event, fmt.Sprintf(move, "1", "planned"), "INSERT INTO shard_admin.operator (email, role, added_by) VALUES ('a@b', 'admin', 'x')",
		"INSERT INTO shard_admin.policy (name, value, changed_by) VALUES ('n', 'v', 'x')", "INSERT INTO shard_admin.placement (tenant, shard) VALUES ('1', 'a')",
		"INSERT INTO shard_admin.lease (resource, epoch, holder, expires_at) VALUES ('r', 1, 'h', now())",
		"INSERT INTO shard_admin.run (id, kind, resource, payload, created_by) VALUES (gen_random_uuid(), 'move', 'r', '{}', 'x')",
		"INSERT INTO shard_admin.run_step (run_id, worker, step) SELECT id, 'w', 's' FROM shard_admin.run",
		"INSERT INTO shard_admin.move_log (move_id, message) SELECT id, 'm' FROM shard_admin.move", "UPDATE shard_admin.move SET state = 'cancelled'",
		"INSERT INTO shard_admin.move_step (move_id, state, step, epoch) SELECT id, 's', '', 1 FROM shard_admin.move", "INSERT INTO shard_admin.move_replaced SELECT id, 't', 'c', '1', '2', 'source' FROM shard_admin.move", "UPDATE shard_admin.queue SET windows = ''",
		"INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since) VALUES ('r', 's', 'info', 'm', 'pending', now())", "DELETE FROM shard_admin.silence", "DELETE FROM shard_admin.notice", "DELETE FROM shard_admin.telling", "INSERT INTO shard_admin.spread (dimension, tried_at, tried_by) VALUES ('bytes', now(), 'h')",
		"DELETE FROM shard_admin.placement", "SELECT * FROM shard_admin.audit_verify()",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	for _, sql := range []string{
		"UPDATE shard_admin.audit_event SET body = '{}'", "DELETE FROM shard_admin.audit_link", "UPDATE shard_admin.audit_head SET seq = 0", "TRUNCATE shard_admin.audit_event CASCADE", "DELETE FROM shard_admin.queue",
		"INSERT INTO shard_admin.audit_event (event_id, occurred_at, body, db_user) VALUES (gen_random_uuid(), now(), '{}', 'boss')", "UPDATE shard_admin.version SET version_id = 0",
		"ALTER TABLE shard_admin.audit_event DISABLE TRIGGER ALL", "DROP SCHEMA shard_admin CASCADE",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.Equal(t, fault.RightMissing, fault.CodeOf(conn.Fault(err, "control")), sql)
	}
}

func TestUninstallTakesEverythingAndWaitsForMoves(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	i := install.New("")
	for n, state := range []string{"planned", "copying", "retained", "failed", "rolling_back"} {
		c.Exec(fmt.Sprintf(move, fmt.Sprint(n), state))
	}
	err := i.Uninstall(t.Context(), c.DB, nil)
	require.Equal(t, fault.MoveInProgress, fault.CodeOf(err))
	require.Contains(t, err.Error(), "5 moves are not finished")
	require.Contains(t, fault.HintOf(err), "shard-admin move list")
	require.True(t, status(t, c.DB).Current(), "nothing was taken")
	c.Exec("UPDATE shard_admin.move SET state = CASE tenant WHEN '0' THEN 'cancelled' WHEN '1' THEN 'rolled_back' ELSE 'finalized' END;" + event)
	require.NoError(t, i.Uninstall(t.Context(), c.DB, nil))
	require.False(t, status(t, c.DB).Installed)
	var left int
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shard_admin%'").Scan(&left))
	require.Zero(t, left)
	require.Equal(t, fault.NotInstalled, fault.CodeOf(i.Uninstall(t.Context(), c.DB, nil)))
	require.NoError(t, i.Install(t.Context(), c.DB), "and may come back")

	older := controltest.New(t, fleet.Staging, "")
	older.Exec("SET ROLE " + older.Role + ";" + versionOne(t))
	require.NoError(t, i.Uninstall(t.Context(), older.DB, nil))
	require.False(t, status(t, older.DB).Installed)
}

func TestASchemaOfAnotherName(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	one, two := install.New("steering"), install.New("")
	require.NoError(t, one.Install(t.Context(), c.DB))
	require.NoError(t, two.Install(t.Context(), c.DB), "two names live beside each other")
	s, err := one.Status(t.Context(), c.DB)
	require.NoError(t, err)
	require.Equal(t, "steering", s.Schema)
	require.True(t, s.Current())
	c.Exec(strings.ReplaceAll(event, "shard_admin", "steering"))
	require.NoError(t, two.Uninstall(t.Context(), c.DB, nil))
	var sealed int
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT count(*) FROM steering.audit_link").Scan(&sealed))
	require.Equal(t, 1, sealed, "its functions are its own")
	for _, bad := range []string{"Steering", "pg_mine", "a b", "a.b", `a"b`, "1a", strings.Repeat("a", 64)} {
		err := install.New(bad).Install(t.Context(), c.DB)
		require.Equal(t, fault.Usage, fault.CodeOf(err), bad)
		require.Contains(t, fault.HintOf(err), "lower-case")
	}
}

func TestAFailedInstallSaysWhy(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	c.Exec("CREATE SCHEMA shard_admin AUTHORIZATION " + c.Role + "; CREATE TABLE shard_admin.move (id int)")
	err := install.New("").Install(t.Context(), c.DB)
	require.Equal(t, fault.InstallFailed, fault.CodeOf(err))
	require.Contains(t, err.Error(), "move")
	require.Contains(t, fault.HintOf(err), "rolled back")
	require.Equal(t, int64(1), status(t, c.DB).Version, "the step that failed left nothing")
	c.Exec("DROP TABLE shard_admin.move")
	require.NoError(t, install.New("").Install(t.Context(), c.DB))
}
