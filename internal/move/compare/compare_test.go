package compare_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Keys of every shape that a table is cut by, or is not.
const shapes = `
CREATE TABLE owners (id int PRIMARY KEY, shard text);
CREATE TABLE numbers (id bigint PRIMARY KEY, owner_id int NOT NULL, v text);
CREATE TABLE words (word varchar(40) PRIMARY KEY, owner_id int NOT NULL, v text);
CREATE TABLE ids (id uuid PRIMARY KEY, owner_id int NOT NULL, v text);
CREATE TABLE times (owner_id int, at timestamptz(3), v text, PRIMARY KEY (owner_id, at));
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE moods (owner_id int, m mood, v text, PRIMARY KEY (owner_id, m));
CREATE TABLE keyless (owner_id int NOT NULL, v text);
INSERT INTO owners VALUES (1), (2);
INSERT INTO numbers SELECT i, 1 + i % 2, 'v' || i FROM generate_series(1, 2000) i;
INSERT INTO words SELECT CASE i % 3 WHEN 0 THEN 'É' WHEN 1 THEN 'a' ELSE 'Z_' END || md5(i::text), 1 + i % 2, 'v' FROM generate_series(1, 2000) i;
INSERT INTO ids SELECT md5(i::text)::uuid, 1 + i % 2, 'v' FROM generate_series(1, 2000) i;
INSERT INTO times SELECT 1 + i % 2, timestamptz '2026-01-01Z' + i * interval '1 s', 'v' FROM generate_series(1, 2000) i;
INSERT INTO moods VALUES (1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'z');
INSERT INTO keyless SELECT 1 + i % 2, 'same' FROM generate_series(1, 100) i;
ANALYZE;
`

// others is a gauge of a server where others are at work.
type others struct{}

func (others) Name() string                                 { return "one" }
func (others) Probe(context.Context) (time.Duration, error) { return time.Millisecond, nil }
func (others) Look(context.Context) (rowcopy.Reading, error) {
	return rowcopy.Reading{Others: 1}, nil
}

// Whole, in chunks or by few rows at a time, the same rows are found to differ, the rows that only
// the target has included, and the digests are the same.
func TestChunksFindWhatTheWholeTableDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   []string
	}{
		"equal": {"SELECT", []string{}},
		"changed, missing and extra rows at both ends and between": {
			`
			UPDATE numbers SET v = NULL WHERE id = 1000; DELETE FROM numbers WHERE id = 2; INSERT INTO numbers VALUES (-5, 1, 'x'), (99999, 1, 'x');
			UPDATE words SET v = '' WHERE word = 'a' || md5('4'); DELETE FROM words WHERE word = 'É' || md5('6') OR word = 'Z_' || md5('8');
			INSERT INTO ids VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', 1, 'x'), ('00000000-0000-0000-0000-000000000000', 1, 'x');
			UPDATE times SET v = 'w' WHERE at = timestamptz '2026-01-01Z' + interval '2 s'; UPDATE moods SET v = '' WHERE m = 'b'; DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE owner_id = 1)`,
			[]string{
				"ids 00000000-0000-0000-0000-000000000000: extra", "ids ffffffff-ffff-ffff-ffff-ffffffffffff: extra",
				"keyless (1,same): missing", "moods (1,b): v differs",
				"numbers -5: extra", "numbers 1000: v differs", "numbers 2: missing", "numbers 99999: extra",
				`times (1,"2026-01-01 00:00:02+00"): v differs`,
				"words Z_c9f0f895fb98ab9159f51fd0297e236d: missing", "words aa87ff679a2f3e71d9181a67b7542122c: v differs", "words É1679091c5a880faf6fb5e6087eb1b2dc: missing",
			},
		},
		"another tenant's rows": {"UPDATE numbers SET v = 'other' WHERE owner_id = 2", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			pair := twoshards.Open(t, shapes, shapes+c.change)
			j := compare.Job{Source: pair.Here, Target: pair.There, Map: pair.Map, Tenant: "1", Move: uuid.NewString(), Epoch: 1, Tables: pair.Map.Moving(), Streams: 3, Limit: 1000}
			for _, db := range []*conn.Database{j.Source, j.Target} {
				require.NoError(t, fence.New(db, pair.Map).Enter(ctx, j.Move, 1))
			}
			whole, err := compare.Verify(ctx, j)
			require.NoError(t, err)
			j.Bytes, j.ChunkBytes = map[string]int64{}, 1
			told := map[string]int{}
			for _, c := range j.Tables {
				j.Bytes[c.Name()] = 9
			}
			j.Progress = func(table string, share float64) {
				if share == 1 {
					told[table]++
				}
			}
			j.Governor = rowcopy.Govern(ctx, 3, rowcopy.Rules{}, []rowcopy.Gauge{others{}}, func(rowcopy.Decision) {}, nil)
			defer j.Governor.Close()
			require.True(t, j.Governor.Gentle())
			gently, err := compare.Verify(ctx, j)
			require.NoError(t, err)
			require.Equal(t, whole, gently)
			amounts, err := compare.Amounts(ctx, j)
			require.NoError(t, err)
			require.Equal(t, whole.Digests, amounts)
			j.Governor = nil
			clear(told)
			cut, err := compare.Verify(ctx, j)
			require.NoError(t, err)
			require.Equal(t, whole.Digests, cut.Digests)
			require.Equal(t, whole.Differences, cut.Differences)
			require.Len(t, told, len(j.Tables))
			for table, n := range told {
				require.Equal(t, 1, n, table)
			}
			got := []string{}
			for _, d := range cut.Differences {
				got = append(got, d.String())
			}
			require.Equal(t, c.want, got)
			require.False(t, cut.More)
			j.Limit = 2
			first, err := compare.Verify(ctx, j)
			require.NoError(t, err)
			require.LessOrEqual(t, len(first.Differences), 2)
			require.Equal(t, len(c.want) > 2, first.More, "more than are described")
		})
	}
}

// A message names the first keys, whatever order they come in.
func TestFewAreTheFirst(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		keys []string
		want string
	}{
		{nil, ""},
		{[]string{"b", "a"}, "a, b"},
		{[]string{"e", "d", "c", "b", "a"}, "a, b, c, d, e"},
		{[]string{"g", "a", "f", "c", "b", "e", "d", "a"}, "a, a, b, c, d and 3 more"},
	} {
		var few compare.Few
		for _, k := range of.keys {
			few.Add(k)
		}
		require.Equal(t, of.want, few.String())
		require.Equal(t, len(of.keys), few.Count())
	}
}
