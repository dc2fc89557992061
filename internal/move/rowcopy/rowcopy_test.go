package rowcopy_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
	"shardadmin/internal/structure"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tables with keys of every shape, some of which refer to themselves or lead
// round in a circle.
const shapes = `
CREATE TABLE owners (id int PRIMARY KEY, shard text);
CREATE TABLE numbers (id bigint PRIMARY KEY, owner_id int NOT NULL, v text);
CREATE TABLE words (word text PRIMARY KEY, owner_id int NOT NULL, number_id bigint REFERENCES numbers);
CREATE TABLE pairs (owner_id int, at timestamptz, v text, PRIMARY KEY (owner_id, at));
CREATE TABLE parts (id uuid, owner_id int NOT NULL, k int, PRIMARY KEY (id, k)) PARTITION BY HASH (k);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE trees (id int PRIMARY KEY, owner_id int NOT NULL, up int REFERENCES trees);
CREATE TABLE keyless (owner_id int NOT NULL, v text);
CREATE TABLE round_a (id int PRIMARY KEY, owner_id int NOT NULL, b int);
CREATE TABLE round_b (id int PRIMARY KEY, owner_id int NOT NULL, a int NOT NULL REFERENCES round_a);
ALTER TABLE round_a ADD FOREIGN KEY (b) REFERENCES round_b DEFERRABLE;
`

const shapesRows = `
INSERT INTO owners VALUES (1), (2);
INSERT INTO numbers SELECT i, 1 + i % 2, 'v' || i FROM generate_series(1, 4000) i;
INSERT INTO words SELECT md5(i::text), 1 + i % 2, i FROM generate_series(1, 3000) i;
INSERT INTO pairs SELECT 1 + i % 2, timestamptz '2026-01-01Z' + i * interval '1 s', 'v' FROM generate_series(1, 3000) i;
INSERT INTO parts SELECT md5(i::text)::uuid, 1 + i % 2, i FROM generate_series(1, 3000) i;
INSERT INTO trees SELECT i, 1 + i % 2, nullif(greatest(i - 2, 0), 0) FROM generate_series(1, 3000) i;
INSERT INTO keyless SELECT 1 + i % 2, 'same' FROM generate_series(1, 100) i;
INSERT INTO round_a SELECT i, 1 + i % 2 FROM generate_series(1, 100) i;
INSERT INTO round_b SELECT i, 1 + i % 2, i FROM generate_series(1, 100) i;
UPDATE round_a SET b = id;
ANALYZE;
`

// busy is a gauge of a server where others are at work.
type busy struct{}

func (busy) Name() string                                  { return "one" }
func (busy) Probe(context.Context) (time.Duration, error)  { return time.Millisecond, nil }
func (busy) Look(context.Context) (rowcopy.Reading, error) { return rowcopy.Reading{Others: 1}, nil }

// Cut into many parts or whole, by a plain role's order or any, the same rows
// arrive, each once.
func TestEveryRowArrivesOnceHoweverTablesAreCut(t *testing.T) {
	t.Parallel()
	for name, job := range map[string]rowcopy.Job{
		"whole, plain":    {Streams: 1},
		"cut, plain":      {Streams: 4, PartBytes: 1},
		"cut, replica":    {Streams: 4, PartBytes: 1, ReplicaRole: true},
		"whole, replica":  {Streams: 3, ReplicaRole: true},
		"cut, governed":   {Streams: 4, PartBytes: 1, Governor: rowcopy.Govern(t.Context(), 4, rowcopy.Rules{}, nil, nil, nil)},
		"cut, slowly":     {Streams: 4, PartBytes: 1, Governor: rowcopy.Govern(t.Context(), 4, rowcopy.Rules{}, []rowcopy.Gauge{busy{}}, func(rowcopy.Decision) {}, nil)},
		"slowly, replica": {Streams: 2, ReplicaRole: true, Governor: rowcopy.Govern(t.Context(), 2, rowcopy.Rules{}, []rowcopy.Gauge{busy{}}, func(rowcopy.Decision) {}, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			pair := twoshards.Open(t, shapes+shapesRows, shapes+"INSERT INTO owners VALUES (1)")
			m := pair.Map
			a, b := pgtest.Connect(t, pair.HereURL), pgtest.Connect(t, pair.ThereURL)
			job.Source, job.Target = pair.Here, pair.There
			job.Map, job.Tenant, job.Move, job.Epoch, job.Tables = m, "1", uuid.NewString(), 1, m.Moving()
			job.Bytes = map[string]int64{}
			for _, c := range job.Tables {
				job.Bytes[c.Name()] = 7
			}
			require.NoError(t, fence.New(job.Target, m).Enter(ctx, job.Move, 1))
			snapshot, err := fence.New(job.Source, m).Snapshot(ctx, job.Move, 1)
			require.NoError(t, err)
			t.Cleanup(func() { snapshot.Close(context.Background()) })
			job.Snapshot = snapshot.ID
			var mu sync.Mutex
			rows, done := map[string]int64{}, map[string]int{}
			job.Progress = func(table string, n, _ int64, end bool) {
				mu.Lock()
				defer mu.Unlock()
				rows[table] = n
				if end {
					done[table]++
				}
			}
			require.NoError(t, rowcopy.Run(ctx, job))
			for _, c := range job.Tables {
				want, got := listing(t, a, c.Table), listing(t, b, c.Table)
				require.NotEmpty(t, want, c.Name())
				require.Equal(t, want, got, c.Name())
				require.EqualValues(t, len(want), rows[c.Name()], c.Name())
				require.Equal(t, 1, done[c.Name()], "%s is told to be done once", c.Name())
			}
			broken, err := rowcopy.AuditKeys(ctx, job)
			require.NoError(t, err)
			require.Empty(t, broken)
		})
	}
}

func listing(t *testing.T, c *pgx.Conn, table *structure.Table) []string {
	t.Helper()
	rows, err := c.Query(t.Context(), fmt.Sprintf("SELECT x::text FROM %s x WHERE owner_id = 1 ORDER BY 1", table.Quoted()))
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

// The keys of a large table take longer to look at than a pool lets a statement,
// and no longer than the fence under which they are looked at.
func TestAnAuditOfKeysTakesTheTimeItNeeds(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	pair := twoshards.OpenWithin(t, limit, shapes, shapes+shapesRows)
	there := pgtest.Connect(t, pair.ThereURL)
	job := rowcopy.Job{Target: pair.There, Map: pair.Map, Tenant: "1", Tables: pair.Map.Moving()}
	// Who waits for a lock is slow without anything to do.
	audit := func(ctx context.Context, held func(waits time.Duration) bool) error {
		_, err := there.Exec(ctx, "BEGIN; LOCK TABLE trees IN ACCESS EXCLUSIVE MODE", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() {
			_, err := rowcopy.AuditKeys(ctx, job)
			done <- err
		}()
		defer func() {
			_, err := there.Exec(context.WithoutCancel(ctx), "ROLLBACK")
			require.NoError(t, err)
		}()
		for {
			var ms float64
			require.NoError(t, there.QueryRow(context.WithoutCancel(ctx), "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)) * 1000, 0)::float8 FROM pg_locks WHERE NOT granted AND relation = 'trees'::regclass").Scan(&ms))
			if !held(time.Duration(ms * float64(time.Millisecond))) {
				_, err := there.Exec(context.WithoutCancel(ctx), "ROLLBACK")
				require.NoError(t, err)
				return <-done
			}
			select {
			case err := <-done:
				return err
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	require.NoError(t, audit(t.Context(), func(waits time.Duration) bool { return waits < 2*limit }))
	fenced, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	require.ErrorIs(t, audit(fenced, func(time.Duration) bool { return true }), context.DeadlineExceeded)
}
