//go:build unix

package preflight

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What is equal without being the same text tells no tenants apart, and an owner is
// not found by an operator that the guards do not have.
func TestKeysThatAreEqualWithoutBeingTheSame(t *testing.T) {
	t.Parallel()
	name := pgtest.Database(t, 0, `CREATE EXTENSION citext;
		CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE DOMAIN code AS bigint; CREATE DOMAIN price AS numeric; CREATE TYPE kind AS ENUM ('a', 'b');
		CREATE TABLE t (big bigint, uid uuid, word text, short varchar(9), dom code, kind kind,
			num numeric, ci citext, soft text COLLATE loose, money price, at timestamptz, many bigint[])`)
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", name))
	bad := func(tenant bool, columns ...string) []string {
		tables, is := []string{}, []bool{}
		for range columns {
			tables, is = append(tables, "public.t"), append(is, tenant)
		}
		rows, err := c.Query(t.Context(), keysSQL, tables, columns, is)
		require.NoError(t, err)
		out := []string{}
		var table, column, kind string
		_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
			out = append(out, column+" "+kind)
			return nil
		})
		require.NoError(t, err)
		return out
	}
	require.Empty(t, bad(true, "big", "uid", "word", "short", "dom", "kind"))
	require.Equal(t, []string{"at timestamp with time zone", "ci citext", "many bigint[]", "money numeric", "num numeric", "soft text with the collation loose"},
		bad(true, "num", "ci", "soft", "money", "at", "many"))
	require.Equal(t, []string{"ci citext"}, bad(false, "big", "num", "ci", "soft", "money", "kind"), "what an owner is found by")
}
