package compare_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type nobody struct{}

func (nobody) Resolve(_ context.Context, _, _ string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: at.User}, credential.FromNowhere, nil
}

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

// Whole or in chunks, the same rows are found to differ, the rows that only
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
			f := &fleet.Fleet{Name: "f", Environment: fleet.Development, Shards: []fleet.Shard{{Name: "here", InControl: true}, {Name: "there"}}}
			dbs := []string{pgtest.Database(t, 0, shapes), pgtest.Database(t, 1, shapes)}
			pgtest.Exec(t, pgtest.Server(t, 1), dbs[1], c.change)
			f.Control.URL = pgtest.Server(t, 0).URL("", dbs[0])
			f.Shards[1].Endpoint.URL = pgtest.Server(t, 1).URL("", dbs[1])
			set := conn.Open(f, conn.Options{Resolver: nobody{}})
			t.Cleanup(set.Close)
			s, err := structure.Read(ctx, pgtest.Connect(t, f.Control.URL), nil)
			require.NoError(t, err)
			m, err := tenancy.BuildMap(s, &tenancy.Profile{Name: "p", Tenants: tenancy.Tenants{Table: "owners", Key: "id", Labels: []string{"id"}}, TenantColumns: []string{"owner_id"}, Pointer: "owners.shard", Follows: tenancy.FollowsTrue})
			require.NoError(t, err)
			j := compare.Job{Map: m, Tenant: "1", Move: uuid.NewString(), Epoch: 1, Tables: m.Moving(), Streams: 3, Limit: 1000}
			j.Source, err = set.Shard("here")
			require.NoError(t, err)
			j.Target, err = set.Shard("there")
			require.NoError(t, err)
			for _, db := range []*conn.Database{j.Source, j.Target} {
				require.NoError(t, fence.New(db, m).Enter(ctx, j.Move, 1))
			}
			whole, err := compare.Verify(ctx, j)
			require.NoError(t, err)
			j.Bytes, j.ChunkBytes = map[string]int64{}, 1
			told := map[string]int{}
			for _, c := range j.Tables {
				j.Bytes[c.Name()] = 9
			}
			j.Progress = func(table string) { told[table]++ }
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
		})
	}
}
