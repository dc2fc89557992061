package purge_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/purge"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Rows that their owner names in every way: a column, a key, a reference
// without a constraint and one upon it, a pair of type and id, rows that are
// pointed at, and rows of these; and tables that refer to themselves and to one
// another, whose rows go at once.
const shapes = `
CREATE TABLE owners (id int PRIMARY KEY, shard text);
CREATE TABLE posts (id int PRIMARY KEY, owner_id int NOT NULL);
CREATE TABLE lines (id int PRIMARY KEY, post_id int NOT NULL REFERENCES posts);
CREATE TABLE notes (id int PRIMARY KEY, post_id int NOT NULL);
CREATE TABLE marks (id int PRIMARY KEY, note_id int NOT NULL);
CREATE TABLE blobs (id int PRIMARY KEY);
CREATE TABLE files (id int PRIMARY KEY, blob_id int NOT NULL REFERENCES blobs, of_type text, of_id int);
CREATE TABLE sizes (id int PRIMARY KEY, blob_id int NOT NULL REFERENCES blobs);
CREATE TABLE looks (id int PRIMARY KEY, size_id int NOT NULL);
CREATE TABLE trees (id int PRIMARY KEY, owner_id int NOT NULL, parent_id int REFERENCES trees);
CREATE TABLE heads (id char(4) PRIMARY KEY, owner_id int NOT NULL, last int);
CREATE TABLE tails (head_id char(4) REFERENCES heads, n int, PRIMARY KEY (head_id, n));
ALTER TABLE heads ADD FOREIGN KEY (id, last) REFERENCES tails DEFERRABLE INITIALLY DEFERRED;
`

const rows = `
INSERT INTO owners VALUES (1), (2);
INSERT INTO posts SELECT i, 1 + i % 2 FROM generate_series(1, 60) i;
INSERT INTO lines SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO notes SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO marks SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO blobs SELECT i FROM generate_series(1, 60) i;
INSERT INTO files SELECT i, i, 'post', i FROM generate_series(1, 60) i;
INSERT INTO sizes SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO looks SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO trees SELECT i, 1 + i % 2, CASE WHEN i > 2 THEN i - 2 END FROM generate_series(1, 60) i;
INSERT INTO heads SELECT i, 1 + i % 2, i FROM generate_series(1, 60) i;
INSERT INTO tails SELECT i, n FROM generate_series(1, 60) i, LATERAL (VALUES (i), (0)) v (n);
`

func profile(p *tenancy.Profile) {
	p.Soft = []tenancy.SoftRef{{Table: "notes", Column: "post_id", To: "posts"}, {Table: "marks", Column: "note_id", To: "notes"}, {Table: "looks", Column: "size_id", To: "sizes"}}
	p.Polymorphic = []tenancy.Polymorphic{{Table: "files", Type: "of_type", ID: "of_id", Types: map[string]string{"post": "posts"}}}
	p.Backward = []tenancy.Backward{{Table: "blobs", From: []string{"files.blob_id"}}}
}

// A copy that ends at any table, and a removal that ends after any batch and
// is taken up again, leave nothing of the tenant and touch nothing else.
func TestWhatAnUnfinishedCopyLeftIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"posts", "lines", "notes", "marks", "blobs", "files", "sizes", "looks", "trees", "tails", ""} {
		for _, replica := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, replica role %v", fails, replica), func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				others := shapes + "INSERT INTO owners VALUES (1), (2); INSERT INTO posts VALUES (1001, 2); INSERT INTO notes VALUES (1001, 1001); INSERT INTO blobs VALUES (1001); INSERT INTO files VALUES (1001, 1001, 'post', 1001); INSERT INTO trees VALUES (1001, 2, NULL), (1002, 2, 1001); INSERT INTO heads VALUES ('x', 2); INSERT INTO tails VALUES ('x', 1); UPDATE heads SET last = 1"
				pair := twoshards.Open(t, shapes+rows, others, profile)
				there := pgtest.Connect(t, pair.ThereURL)
				before := everything(t, there, pair.Map)
				move := uuid.NewString()
				shard := fence.New(pair.There, pair.Map)
				require.NoError(t, shard.Enter(ctx, move, 1))
				snapshot, err := fence.New(pair.Here, pair.Map).Snapshot(ctx, move, 1)
				require.NoError(t, err)
				t.Cleanup(func() { snapshot.Close(context.Background()) })
				// What is owned seems the largest, and so would go first.
				bytes := map[string]int64{}
				for i, c := range pair.Map.Moving() {
					bytes[c.Name()] = int64(100 * (i + 1))
				}
				if fails != "" {
					_, err = there.Exec(ctx, `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RAISE EXCEPTION 'no'; END $$;
						CREATE TRIGGER no BEFORE INSERT ON `+fails+` FOR EACH ROW EXECUTE FUNCTION no(); ALTER TABLE `+fails+` ENABLE ALWAYS TRIGGER no`, pgx.QueryExecModeSimpleProtocol)
					require.NoError(t, err)
				}
				err = rowcopy.Run(ctx, rowcopy.Job{
					Source: pair.Here, Snapshot: snapshot.ID, Target: pair.There, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1,
					Tables: pair.Map.Moving(), Bytes: bytes, Streams: 4, ReplicaRole: replica,
				})
				if fails == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, "no")
					_, err = there.Exec(ctx, "DROP FUNCTION no() CASCADE")
					require.NoError(t, err)
				}
				job := purge.Job{Shard: shard, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1, Tables: pair.Map.Moving(), Batch: 7, Pause: time.Microsecond}
				for n := 0; ; n++ {
					require.Less(t, n, 1000, "it comes to an end")
					short, stop := context.WithCancel(ctx)
					job.AfterBatch = func(bool) { stop() }
					_, err := purge.Undo(short, job, true)
					stop()
					if err == nil {
						break
					}
					require.ErrorIs(t, err, context.Canceled)
				}
				require.Equal(t, before, everything(t, there, pair.Map))
			})
		}
	}
}

// What is listed and deleted may take longer than a pool lets a statement, and rows
// that refer to rows of their own table, or in a circle, go by batches as others do.
func TestAPurgeTakesTheTimeItNeedsByBatches(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const tables = `CREATE TABLE owners (id int PRIMARY KEY, shard text);
		CREATE TABLE trees (id int PRIMARY KEY, owner_id int NOT NULL, parent_id int REFERENCES trees ON DELETE CASCADE);
		CREATE TABLE heads (id char(4) PRIMARY KEY, owner_id int NOT NULL, last int);
		CREATE TABLE tails (head_id char(4) REFERENCES heads, n int, PRIMARY KEY (head_id, n));
		ALTER TABLE heads ADD FOREIGN KEY (id, last) REFERENCES tails DEFERRABLE INITIALLY DEFERRED;`
	// A chain, a tree whose root has all others, and roots of their own.
	const filled = tables + `INSERT INTO owners VALUES (1), (2);
		INSERT INTO trees SELECT i, 1 + i % 2, CASE WHEN i > 2 THEN i - 2 END FROM generate_series(1, 100) i;
		INSERT INTO trees SELECT i, 1, CASE WHEN i > 201 THEN 201 END FROM generate_series(201, 240) i;
		INSERT INTO trees SELECT i, 1, i FROM generate_series(301, 320) i;
		INSERT INTO heads SELECT i, 1 + i % 2, i FROM generate_series(1, 60) i;
		INSERT INTO tails SELECT i, n FROM generate_series(1, 60) i, LATERAL (VALUES (i), (0)) v (n)`
	pair := twoshards.OpenWithin(t, 100*time.Millisecond, tables, filled)
	there := pgtest.Connect(t, pair.ThereURL)
	move := uuid.NewString()
	shard := fence.New(pair.There, pair.Map)
	require.NoError(t, shard.Enter(ctx, move, 1))
	_, err := there.Exec(ctx, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END $$;
		CREATE TRIGGER slow BEFORE INSERT ON shard_admin_move.owned FOR EACH STATEMENT EXECUTE FUNCTION slow();
		CREATE TRIGGER slow BEFORE DELETE ON heads FOR EACH STATEMENT EXECUTE FUNCTION slow()`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	owned := func() (n int64) {
		require.NoError(t, there.QueryRow(ctx, "SELECT (SELECT count(*) FROM trees WHERE owner_id = 1) + (SELECT count(*) FROM heads WHERE owner_id = 1) + (SELECT count(*) FROM tails t JOIN heads h ON h.id = t.head_id WHERE h.owner_id = 1)").Scan(&n))
		return n
	}
	before := everything(t, there, pair.Map)
	left, most := owned(), int64(0)
	all := left
	job := purge.Job{Shard: shard, Map: pair.Map, Tenant: "1", Move: move, Epoch: 1, Tables: pair.Map.Moving(), Batch: 10, Pause: time.Microsecond}
	job.AfterBatch = func(bool) {
		now := owned()
		left, most = now, max(most, left-now)
	}

	// Another's row that refers to one of the tenant's stays, and that one with it: a
	// cascade would take it along.
	_, err = there.Exec(ctx, "INSERT INTO trees VALUES (1001, 2, 210)")
	require.NoError(t, err)
	_, err = purge.Undo(ctx, job, false)
	require.Equal(t, fault.PurgeUnlisted, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "row 210 of trees")
	_, err = there.Exec(ctx, "DELETE FROM trees WHERE id = 1001")
	require.NoError(t, err)

	_, err = purge.Undo(ctx, job, false)
	require.NoError(t, err)
	require.Zero(t, owned())
	require.LessOrEqual(t, most, int64(40), "of %d rows: no batch takes all that hang together", all)
	after := everything(t, there, pair.Map)
	for table, rows := range before {
		stay := []string{}
		for _, row := range rows {
			if slices.Contains(after[table], row) {
				stay = append(stay, row)
			}
		}
		require.Equal(t, stay, after[table], table)
	}
	var others int
	require.NoError(t, there.QueryRow(ctx, "SELECT (SELECT count(*) FROM trees) + (SELECT count(*) FROM heads) + (SELECT count(*) FROM tails)").Scan(&others))
	require.Equal(t, 50+30+60, others)
}

func everything(t *testing.T, c *pgx.Conn, m *tenancy.Map) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, k := range m.Order {
		list, err := c.Query(t.Context(), "SELECT t::text FROM "+k.Table.Own()+" t ORDER BY 1")
		require.NoError(t, err)
		out[k.Name()], err = pgx.CollectRows(list, pgx.RowTo[string])
		require.NoError(t, err)
	}
	return out
}
