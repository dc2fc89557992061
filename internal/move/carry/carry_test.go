//go:build unix

package carry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Rows in every class of table and keys of every shape: children by one and by
// several keys, a tree, polymorphic and soft references, rows owned by whoever
// points at them, rows without a key, unique values, generated and identity
// columns, and what foreign keys do to the rows below.
const shapes = `
CREATE TABLE owners (id int PRIMARY KEY, shard text);
CREATE TABLE projects (id bigint PRIMARY KEY, owner_id int NOT NULL, slug text UNIQUE, name text, long text);
CREATE TABLE tasks (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects, title text, doubled bigint GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE steps (task_id bigint REFERENCES tasks ON DELETE CASCADE, at timestamptz(3), note text, PRIMARY KEY (task_id, at));
CREATE TABLE marks (id bigint PRIMARY KEY, task_id bigint REFERENCES tasks ON DELETE SET NULL, owner_id int NOT NULL, mark char(4));
CREATE TABLE tree (id bigint PRIMARY KEY, owner_id int NOT NULL, parent_id bigint REFERENCES tree ON UPDATE CASCADE, place int UNIQUE);
CREATE TABLE comments (id bigint PRIMARY KEY, on_type text NOT NULL, on_id bigint NOT NULL, body text);
CREATE TABLE hints (code varchar(20) PRIMARY KEY, project_slug text, body text);
CREATE TABLE files (id bigint PRIMARY KEY, name text, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE attachments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id int NOT NULL, file_id bigint NOT NULL REFERENCES files);
CREATE TABLE "odd Name" ("the Key" text PRIMARY KEY, owner_id int NOT NULL, "val%ue" numeric);
CREATE TABLE visits (owner_id int NOT NULL, page text);
CREATE TABLE stamps (project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE, ink text);
CREATE INDEX ON tasks (project_id); CREATE INDEX ON comments (on_id); CREATE INDEX ON attachments (file_id);
`

// some fills both tenants; the ids of one are even, of the other odd.
const some = `
INSERT INTO owners VALUES (1, 'here'), (2, 'here');
INSERT INTO projects SELECT i, 1 + i % 2, 'slug' || i, 'name' || i, repeat(md5(i::text), 200) FROM generate_series(1, 12) i;
INSERT INTO stamps SELECT 1 + i % 12, 'ink' || i % 5 FROM generate_series(1, 30) i;
INSERT INTO tasks SELECT i, 1 + (i - 1) % 12, 'task' || i FROM generate_series(1, 40) i;
INSERT INTO steps SELECT 1 + i % 40, timestamptz '2026-01-01Z' + i * interval '1.001 s', 'step' || i FROM generate_series(1, 60) i;
INSERT INTO marks SELECT i, CASE WHEN i % 3 > 0 THEN 1 + (i - 1) % 12 END, 1 + i % 2, i::text FROM generate_series(1, 30) i;
INSERT INTO tree SELECT i, 1 + i % 2, CASE WHEN i > 4 THEN i - 4 END, i FROM generate_series(1, 30) i;
INSERT INTO comments SELECT i, CASE WHEN i % 2 = 0 THEN 'Task' ELSE 'Project' END, 1 + i % 12, 'comment' || i FROM generate_series(1, 40) i;
INSERT INTO hints SELECT 'c' || i, 'slug' || (1 + i % 12), 'hint' || i FROM generate_series(1, 20) i;
INSERT INTO files SELECT i, 'file' || i, '2020-01-01Z' FROM generate_series(1, 30) i;
INSERT INTO attachments (owner_id, file_id) SELECT 1 + i % 2, i FROM generate_series(1, 20) i;
INSERT INTO "odd Name" SELECT 'k' || i || ' "x"', 1 + i % 2, i / 3.0 FROM generate_series(1, 20) i;
INSERT INTO visits SELECT 1 + i % 2, 'page' || i % 3 FROM generate_series(1, 12) i;
`

func profile(p *tenancy.Profile) {
	p.Polymorphic = []tenancy.Polymorphic{{Table: "comments", Type: "on_type", ID: "on_id", Types: map[string]string{"Task": "tasks", "Project": "projects"}}}
	p.Soft = []tenancy.SoftRef{{Table: "hints", Column: "project_slug", To: "projects", Key: "slug"}}
	p.Backward = []tenancy.Backward{{Table: "files", From: []string{"attachments.file_id"}, Created: "created_at"}}
}

// bench is a pair of shards with the tenant 1 copied and noting on.
type bench struct {
	t           testing.TB
	pair        *twoshards.Pair
	move        string
	here, there *fence.Shard
	app         *pgx.Conn
	tables      []*tenancy.TableClass
	// limit and most are those of the passes, if most is not 0.
	limit, most int
	shared      []carry.Row
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	pair := twoshards.Open(t, shapes+some, shapes+"INSERT INTO owners VALUES (3, 'there'); INSERT INTO projects VALUES (1001, 3, 'theirs', 'n', 'l'); INSERT INTO tasks VALUES (1001, 1001, 't'); INSERT INTO files VALUES (1001, 'f'); INSERT INTO attachments (owner_id, file_id) OVERRIDING SYSTEM VALUE VALUES (3, 1001)", profile)
	b := &bench{t: t, pair: pair, move: uuid.NewString(), here: fence.New(pair.Here, pair.Map), there: fence.New(pair.There, pair.Map), tables: pair.Map.Moving()}
	// Identities of the two servers do not collide.
	exec(t, pair.ThereURL, "ALTER TABLE attachments ALTER COLUMN id RESTART WITH 100000")
	for s, state := range map[*fence.Shard]fence.State{b.here: fence.Armed, b.there: fence.Incoming} {
		as := fence.Serving
		if state == fence.Incoming {
			as = fence.Receiving
		}
		require.NoError(t, s.Enter(ctx, b.move, 1))
		require.NoError(t, s.InstallGuards(ctx, as, fence.Hooks{}))
		require.NoError(t, s.Arm(ctx, "1", b.move, 1, state, fence.NoteEach))
	}
	exec(t, pair.ThereURL, "INSERT INTO owners VALUES (1, 'here')")
	snapshot, err := b.here.Snapshot(ctx, b.move, 1)
	require.NoError(t, err)
	defer snapshot.Close(ctx)
	require.NoError(t, rowcopy.Run(ctx, rowcopy.Job{Source: pair.Here, Snapshot: snapshot.ID, Target: pair.There, Map: pair.Map, Tenant: "1", Move: b.move, Epoch: 1, Tables: b.tables, Streams: 1}))
	require.NoError(t, carry.Keep(ctx, b.there, b.move, 1, b.same()))
	b.app = pgtest.Connect(t, pair.HereURL)
	return b
}

func (b *bench) job() carry.Job {
	return carry.Job{From: b.pair.Here, To: b.pair.There, Map: b.pair.Map, Tenant: "1", Move: b.move, Epoch: 1, Tables: b.tables, Target: b.pair.There, Shared: b.shared}
}

// open opens what passes are made with.
func (b *bench) open(ctx context.Context) *carry.Carrier {
	b.t.Helper()
	c, err := carry.Open(ctx, b.job())
	require.NoError(b.t, err)
	if b.most > 0 {
		c.Limit(b.limit, b.most)
	}
	return c
}

// eachWay tests a pass whose candidates stay in memory, one whose candidates
// never do, and one where they do as long as nothing follows from them.
func eachWay(t *testing.T, test func(*testing.T, *bench)) {
	t.Parallel()
	for _, way := range []struct {
		name        string
		limit, most int
	}{{"held", 1 << 30, 5000}, {"filed", 0, 2}, {"too many soon", 2000, 3}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.limit, b.most = way.limit, way.most
			test(t, b)
		})
	}
}

// same compares all rows of the tenant on both sides and returns their digests.
func (b *bench) same() map[string]compare.Digest {
	b.t.Helper()
	res, err := compare.Verify(context.Background(), compare.Job{Source: b.pair.Here, Target: b.pair.There, Map: b.pair.Map, Tenant: "1", Move: b.move, Epoch: 1, Tables: b.tables, Streams: 1})
	require.NoError(b.t, err)
	require.Empty(b.t, res.Differences)
	return res.Digests
}

// noted counts the rows that wait to be carried.
func (b *bench) noted(ctx context.Context) (n int64, err error) {
	pool, err := b.pair.Here.Pool(ctx)
	if err != nil {
		return 0, err
	}
	return n, pool.QueryRow(ctx, "SELECT count(*) FROM (SELECT tbl, key FROM shard_admin_move.touched UNION SELECT tbl, key FROM shard_admin_move.touched_once) x").Scan(&n)
}

// dump is all rows of a side but those of the tenants given.
func dump(t require.TestingT, url string, sql string) []string {
	c, err := pgx.Connect(context.Background(), url)
	require.NoError(t, err)
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(context.Background(), sql)
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

const theirs = `SELECT x::text FROM projects x WHERE owner_id = 3 UNION ALL SELECT x::text FROM tasks x WHERE id > 1000 AND project_id = 1001 UNION ALL SELECT x::text FROM files x WHERE id = 1001 UNION ALL SELECT x::text FROM attachments x WHERE owner_id = 3 ORDER BY 1`

// pass carries and holds both sides to each other: all rows, and the digests
// that were carried along.
func (b *bench) pass(ctx context.Context) carry.Passed {
	b.t.Helper()
	c := b.open(ctx)
	defer c.Close()
	p, err := c.Pass(ctx, nil)
	require.NoError(b.t, err)
	want := b.same()
	kept, err := carry.Kept(ctx, b.pair.There, b.move)
	require.NoError(b.t, err)
	require.Equal(b.t, want, kept)
	n, err := b.noted(ctx)
	require.NoError(b.t, err)
	require.Zero(b.t, n)
	return p
}

// Whatever the tenant does between two passes, the second makes both sides
// equal, and nobody else's rows change.
func TestAPassMakesBothSidesEqual(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		before := dump(t, b.pair.ThereURL, theirs)
		for _, sql := range []string{
			"UPDATE projects SET name = 'other' WHERE id = 2",
			"INSERT INTO projects VALUES (50, 1, 'fresh', 'n', 'l'); INSERT INTO tasks VALUES (50, 50, 't'), (51, 50, 'u'); INSERT INTO steps VALUES (50, '2026-02-02 02:02:02.123Z', 's')",
			// A child goes from a parent that is deleted to another.
			"UPDATE tasks SET project_id = 4 WHERE project_id = 50; DELETE FROM projects WHERE id = 50",
			// Two rows swap a unique value.
			"UPDATE projects SET slug = 'x' WHERE id = 2; UPDATE projects SET slug = 'slug2' WHERE id = 4; UPDATE projects SET slug = 'slug4' WHERE id = 2",
			// A value goes to a new row from one that is deleted.
			"DELETE FROM tree WHERE id = 28; INSERT INTO tree VALUES (60, 1, NULL, 28)",
			"UPDATE tree SET place = -place WHERE owner_id = 1; UPDATE tree SET place = 100 + place WHERE owner_id = 1",
			// Keys change, with those of the rows below.
			"UPDATE tree SET id = 1000 + id WHERE id = 2",
			`UPDATE "odd Name" SET "the Key" = 'moved ''"' WHERE "the Key" LIKE 'k2 %'`,
			"UPDATE steps SET at = at + interval '0.001 s' WHERE task_id = 2",
			// What foreign keys do by themselves.
			"DELETE FROM tasks WHERE id = 50",
			"UPDATE marks SET task_id = 51 WHERE owner_id = 1 AND id < 9; DELETE FROM tasks WHERE id = 51",
			// References without a constraint: the owner goes, comes, has another key.
			"INSERT INTO projects VALUES (52, 1, 'gone', 'n', 'l'); INSERT INTO hints VALUES ('h', 'gone', 'b'); INSERT INTO comments VALUES (100, 'Project', 52, 'c')",
			"DELETE FROM projects WHERE id = 52",
			"INSERT INTO projects VALUES (52, 1, 'back', 'n', 'l')",
			"UPDATE projects SET slug = 'gone' WHERE id = 52",
			"UPDATE projects SET slug = 'gone2' WHERE id = 52",
			// Rows owned by whoever points at them.
			"INSERT INTO files VALUES (200, 'new', '2020-01-01Z'); INSERT INTO attachments (owner_id, file_id) VALUES (1, 200)",
			"UPDATE files SET name = 'renamed' WHERE id = 200",
			"UPDATE attachments SET file_id = 25 WHERE file_id = 200",
			"DELETE FROM attachments WHERE file_id = 25",
			"DELETE FROM files WHERE id = 200",
			// No key at all.
			"INSERT INTO visits VALUES (1, 'page1'), (1, 'page9'); DELETE FROM visits WHERE ctid = (SELECT min(ctid) FROM visits WHERE owner_id = 1)",
			// More rows than are asked about at a time, that refer to each other.
			"DELETE FROM tree WHERE owner_id = 1",
			"INSERT INTO tree SELECT 2000 + i, 1, CASE WHEN i > 1 THEN 1999 + i END, 2000 + i FROM generate_series(1, 20) i",
			"UPDATE tree SET id = id + 1000 WHERE owner_id = 1; UPDATE tree SET place = CASE place % 2 WHEN 0 THEN -place - 1 ELSE -place + 1 END WHERE owner_id = 1; UPDATE tree SET place = -place WHERE owner_id = 1",
			// Other tenants, and nothing.
			"UPDATE projects SET name = 'not mine' WHERE owner_id = 2; DELETE FROM visits WHERE owner_id = 2",
			"BEGIN; UPDATE projects SET name = 'never' WHERE owner_id = 1; ROLLBACK",
			"BEGIN; SAVEPOINT a; UPDATE projects SET name = 'never' WHERE owner_id = 1; ROLLBACK TO a; UPDATE projects SET name = 'once' WHERE id = 4; COMMIT",
			"INSERT INTO projects VALUES (53, 1, 's53', 'n', 'l'); UPDATE projects SET name = 'm' WHERE id = 53; DELETE FROM projects WHERE id = 53",
			"SET session_replication_role = replica; UPDATE projects SET name = 'by a replica' WHERE id = 2; RESET session_replication_role",
			"MERGE INTO projects p USING (VALUES (2, 'merged'), (54, 'fresh')) v (id, name) ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT VALUES (v.id, 1, 's54', v.name, 'l')",
			"INSERT INTO projects VALUES (2, 1, 'q', 'upserted', 'l') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
		} {
			_, err := b.app.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err, sql)
			p := b.pass(t.Context())
			t.Logf("%-60.60s noted %d, followed %d, +%d ~%d -%d", sql, p.Noted, p.Followed, p.Inserted, p.Updated, p.Deleted)
			require.Equal(t, before, dump(t, b.pair.ThereURL, theirs), sql)
			if strings.Contains(sql, "not mine") || strings.Contains(sql, "'never' WHERE owner_id = 1; ROLLBACK") && strings.HasPrefix(sql, "BEGIN; UPDATE") {
				require.Zero(t, p.Noted, sql)
			}
		}
	})
}

// The same with what nobody thought of: random statements, several in a
// transaction, some of which fail or are rolled back.
func TestRandomWritesAreCarried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := dump(t, b.pair.ThereURL, theirs)
	id := rapid.IntRange(1, 70)
	statements := []func(r *rapid.T) string{
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO projects VALUES (%d, 1, 'slug%d', 'n', 'l')", id.Draw(r, "id"), id.Draw(r, "slug"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("UPDATE projects SET slug = 'slug%d', name = name || '+' WHERE owner_id = 1 AND id = %d", id.Draw(r, "slug"), id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("DELETE FROM projects WHERE owner_id = 1 AND id = %d", id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO tasks SELECT %d, id, 't' FROM projects WHERE owner_id = 1 AND id = %d", id.Draw(r, "id"), id.Draw(r, "project"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("UPDATE tasks SET project_id = (SELECT min(id) FROM projects WHERE owner_id = 1 AND id >= %d) WHERE project_id IN (SELECT id FROM projects WHERE owner_id = 1 AND id = %d)", id.Draw(r, "to"), id.Draw(r, "from"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("DELETE FROM tasks WHERE id = %d AND project_id IN (SELECT id FROM projects WHERE owner_id = 1)", id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO steps SELECT id, '2026-03-03Z'::timestamptz + %d * interval '1 ms', 's' FROM tasks WHERE id = %d AND project_id IN (SELECT id FROM projects WHERE owner_id = 1)", id.Draw(r, "at"), id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO tree VALUES (%d, 1, (SELECT min(id) FROM tree WHERE owner_id = 1 AND id > %d), %d)", id.Draw(r, "id"), id.Draw(r, "parent"), id.Draw(r, "place"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("UPDATE tree SET parent_id = (SELECT min(id) FROM tree WHERE owner_id = 1 AND id > %d) WHERE owner_id = 1 AND parent_id = %d", id.Draw(r, "to"), id.Draw(r, "from"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("DELETE FROM tree WHERE owner_id = 1 AND id = %d", id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("WITH a AS (SELECT %d AS x, %d AS y) UPDATE tree SET place = CASE place WHEN a.x THEN a.y + 1000 ELSE a.x + 1000 END FROM a WHERE owner_id = 1 AND place IN (a.x, a.y); UPDATE tree SET place = place - 1000 WHERE owner_id = 1 AND place > 900", id.Draw(r, "x"), id.Draw(r, "y"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO comments SELECT %d, 'Project', id, 'c' FROM projects WHERE owner_id = 1 AND id = %d", id.Draw(r, "id"), id.Draw(r, "project"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("UPDATE comments SET body = body || '+' WHERE id = %d AND on_type = 'Project' AND on_id IN (SELECT id FROM projects WHERE owner_id = 1)", id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO hints SELECT 'r%d', slug, 'h' FROM projects WHERE owner_id = 1 AND id = %d", id.Draw(r, "id"), id.Draw(r, "project"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO files VALUES (%d, 'f', '2020-01-01Z'); INSERT INTO attachments (owner_id, file_id) VALUES (1, %[1]d)", 300+id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("DELETE FROM attachments WHERE owner_id = 1 AND file_id = %d", 300+id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("DELETE FROM attachments WHERE owner_id = 1 AND file_id = %d; DELETE FROM files WHERE id = %[1]d", 300+id.Draw(r, "id"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("INSERT INTO visits VALUES (1, 'page%d')", id.Draw(r, "page"))
		},
		func(r *rapid.T) string {
			return fmt.Sprintf("UPDATE marks SET task_id = (SELECT min(t.id) FROM tasks t JOIN projects p ON p.id = t.project_id WHERE p.owner_id = 1 AND t.id > %d) WHERE owner_id = 1 AND id = %d", id.Draw(r, "task"), id.Draw(r, "id"))
		},
	}
	b2 := *b
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(r, "transactions") {
			list := []string{}
			for range rapid.IntRange(1, 8).Draw(r, "statements") {
				list = append(list, statements[rapid.IntRange(0, len(statements)-1).Draw(r, "which")](r))
			}
			end := "COMMIT"
			if rapid.IntRange(0, 5).Draw(r, "end") == 0 {
				end = "ROLLBACK"
			}
			if _, err := b.app.Exec(context.Background(), "BEGIN; "+strings.Join(list, "; ")+"; "+end, pgx.QueryExecModeSimpleProtocol); err != nil {
				_, err = b.app.Exec(context.Background(), "ROLLBACK") // a key was taken, or rows hang on it
				require.NoError(r, err)
			}
		}
		// Of what memory there is some is enough for nothing, some for the notes, some
		// until something is in the way, and most for all.
		b2.limit, b2.most = rapid.SampledFrom([]int{0, 600, 2000, 4000, 8000, 16000, 1 << 20}).Draw(r, "limit"), rapid.IntRange(1, 9).Draw(r, "most")
		b2.pass(context.Background())
	})
	require.Equal(t, before, dump(t, b.pair.ThereURL, theirs))
}

// A transaction that commits only after the pass opened its snapshot is carried
// by the next one, although its note has the smaller number.
func TestANoteOfALaterCommitStays(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		slow := pgtest.Connect(t, b.pair.HereURL)
		tx, err := slow.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "UPDATE projects SET name = 'late' WHERE id = 2")
		require.NoError(t, err)
		_, err = b.app.Exec(ctx, "UPDATE projects SET name = 'early' WHERE id = 4")
		require.NoError(t, err)
		c := b.open(ctx)
		defer c.Close()
		p, err := c.Pass(ctx, func(ctx context.Context, _ string) error { return tx.Commit(ctx) })
		require.NoError(t, err)
		require.EqualValues(t, 1, p.Noted)
		n, err := b.noted(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "the late one is noted still")
		require.EqualValues(t, 1, b.pass(ctx).Noted)
	})
}

// A row is written while it is nobody's, by a transaction that ends only after a
// pass has carried whoever makes it the tenant's.
func TestARowThatWasNobodysIsNoted(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		_, err := b.app.Exec(ctx, "INSERT INTO files VALUES (500, 'plain', '2020-01-01Z')")
		require.NoError(t, err)
		b.pass(ctx)
		child, file := pgtest.Connect(t, b.pair.HereURL), pgtest.Connect(t, b.pair.HereURL)
		early, err := child.Begin(ctx) // refers to a project that nobody sees yet
		require.NoError(t, err)
		_, err = early.Exec(ctx, "INSERT INTO hints VALUES ('early', 'soon', 'b'); INSERT INTO comments VALUES (500, 'Project', 500, 'early')", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		analyse, err := file.Begin(ctx) // changes a file that nobody points at yet
		require.NoError(t, err)
		_, err = analyse.Exec(ctx, "UPDATE files SET name = 'analysed' WHERE id = 500")
		require.NoError(t, err)
		_, err = b.app.Exec(ctx, "INSERT INTO projects VALUES (500, 1, 'soon', 'n', 'l')")
		require.NoError(t, err)
		b.pass(ctx)
		require.NoError(t, early.Commit(ctx))
		require.NoError(t, analyse.Commit(ctx))
		_, err = b.app.Exec(ctx, "INSERT INTO attachments (owner_id, file_id) VALUES (1, 500)")
		require.NoError(t, err)
		b.pass(ctx)
		require.Equal(t, []string{"analysed"}, dump(t, b.pair.ThereURL, "SELECT name FROM files WHERE id = 500"))
		require.Equal(t, []string{"early"}, dump(t, b.pair.ThereURL, "SELECT body FROM comments WHERE id = 500"))
	})
}

// A row of another tenant that has the key of one of this tenant's stops the
// pass, and nothing is written.
func TestAKeyOfSomebodyElseStopsThePass(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		before := dump(t, b.pair.ThereURL, "SELECT x::text FROM projects x ORDER BY 1")
		_, err := b.app.Exec(ctx, "INSERT INTO projects VALUES (1001, 1, 'mine', 'n', 'l'); UPDATE projects SET name = 'too' WHERE id = 2", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		c := b.open(ctx)
		defer c.Close()
		_, err = c.Pass(ctx, nil)
		require.Equal(t, fault.MoveBlocked, fault.CodeOf(err), err)
		require.ErrorContains(t, err, "1001")
		require.Equal(t, before, dump(t, b.pair.ThereURL, "SELECT x::text FROM projects x ORDER BY 1"))
		n, err := b.noted(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
	})
}

// A row of somebody else that the move brought along is kept equal, and one that
// it did not bring is not written over.
func TestSharedRowsAreKeptEqual(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		exec(t, b.pair.HereURL, "INSERT INTO files VALUES (700, 'lent'), (701, 'not lent'); INSERT INTO attachments (owner_id, file_id) VALUES (2, 700), (2, 701)")
		exec(t, b.pair.ThereURL, "INSERT INTO files SELECT * FROM (VALUES (700, 'old'), (701, 'old')) v; INSERT INTO shard_admin_move.owned VALUES ('"+b.move+"', '"+b.name("files")+"', '700', 'shared')")
		b.shared = []carry.Row{{Table: b.name("files"), Key: "700"}, {Table: b.name("files"), Key: "702"}}
		_, err := b.app.Exec(ctx, "UPDATE projects SET name = 'with it' WHERE owner_id = 1")
		require.NoError(t, err)
		b.pass(ctx)
		require.Equal(t, []string{"lent", "old"}, dump(t, b.pair.ThereURL, "SELECT name FROM files WHERE id IN (700, 701) ORDER BY id"))
		b.shared = append(b.shared, carry.Row{Table: b.name("files"), Key: "701"})
		c := b.open(ctx)
		defer c.Close()
		_, err = c.Pass(ctx, nil)
		require.Equal(t, fault.MoveBlocked, fault.CodeOf(err), err)
		require.ErrorContains(t, err, "701")
	})
}

// A trigger of the target that changes what is carried is found before the pass
// commits.
func TestWhatTheTargetChangesIsFound(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		exec(t, b.pair.ThereURL, "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'meddled'; RETURN NEW; END $$; CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION meddle()")
		_, err := b.app.Exec(ctx, "UPDATE projects SET name = 'mine' WHERE id = 2")
		require.NoError(t, err)
		c := b.open(ctx)
		defer c.Close()
		_, err = c.Pass(ctx, nil)
		require.Equal(t, fault.VerifyDifferent, fault.CodeOf(err), err)
		require.Equal(t, []string{"name2"}, dump(t, b.pair.ThereURL, "SELECT name FROM projects WHERE id = 2"))
	})
}

// An owner of an earlier epoch carries nothing.
func TestAnOldEpochCarriesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		_, err := b.app.Exec(ctx, "UPDATE projects SET name = 'mine' WHERE id = 2")
		require.NoError(t, err)
		c := b.open(ctx)
		defer c.Close()
		for _, db := range []*conn.Database{b.pair.There} {
			pool, err := db.Pool(ctx)
			require.NoError(t, err)
			_, err = pool.Exec(ctx, "UPDATE shard_admin_move.epoch SET epoch = 2")
			require.NoError(t, err)
		}
		_, err = c.Pass(ctx, nil)
		require.Equal(t, fault.LeaseLost, fault.CodeOf(err), err)
		require.False(t, slices.Contains(dump(t, b.pair.ThereURL, "SELECT name FROM projects"), "mine"))
	})
}

func exec(t testing.TB, url, sql string) {
	t.Helper()
	_, err := pgtest.Connect(t, url).Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

// While nobody carries, a row is noted once however often it is written; notes are
// taken away only when every transaction that may rely on one has ended.
func TestRowsAreNotedOnceWhileNobodyCarries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	require.NoError(t, b.here.NoteAnew(ctx, "1", b.move, 1, fence.NoteOnce))
	for range 20 {
		_, err := b.app.Exec(ctx, "UPDATE projects SET name = name || 'x' WHERE owner_id = 1")
		require.NoError(t, err)
	}
	require.Equal(t, []string{"6"}, dump(t, b.pair.HereURL, "SELECT count(*)::text FROM shard_admin_move.touched_once"))
	require.Equal(t, []string{"0"}, dump(t, b.pair.HereURL, "SELECT count(*)::text FROM shard_admin_move.touched"))
	slow := pgtest.Connect(t, b.pair.HereURL)
	tx, err := slow.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "UPDATE projects SET name = 'relies on the note' WHERE id = 2")
	require.NoError(t, err)
	older, err := b.here.NoteWrites(ctx, "1", b.move, 1, 200*time.Millisecond)
	require.NoError(t, err)
	require.Len(t, older, 1)
	noting, err := b.here.Noting(ctx, "1")
	require.NoError(t, err)
	require.NotEqual(t, fence.NoteEach, noting)
	require.NoError(t, tx.Commit(ctx))
	older, err = b.here.NoteWrites(ctx, "1", b.move, 1, 5*time.Second)
	require.NoError(t, err)
	require.Empty(t, older)
	require.EqualValues(t, 6, b.pass(ctx).Noted)
	_, err = b.app.Exec(ctx, "UPDATE projects SET name = 'each' WHERE id = 2")
	require.NoError(t, err)
	require.EqualValues(t, 1, b.pass(ctx).Noted)
	require.Equal(t, []string{"0"}, dump(t, b.pair.HereURL, "SELECT count(*)::text FROM shard_admin_move.touched_once"))
}
