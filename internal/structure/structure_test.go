package structure_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const odd = `
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TABLE "Odd Schema"."Mixed Case" ("Id" int GENERATED ALWAYS AS IDENTITY, "two words" text COLLATE "C", twice int GENERATED ALWAYS AS (1 + 1) STORED, m mood, PRIMARY KEY ("Id"));
CREATE TABLE composite (a int, b int, c text, PRIMARY KEY (b, a), UNIQUE (c));
CREATE TABLE child (id bigserial PRIMARY KEY, x int, y int, CONSTRAINT to_pair FOREIGN KEY (y, x) REFERENCES composite (b, a) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE part (tenant int NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE part_2026 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE nokey (v text);
CREATE UNIQUE INDEX by_lower ON nokey (lower(v));
CREATE MATERIALIZED VIEW seen AS SELECT c.id, p.a FROM child c JOIN composite p ON p.a = c.x;
CREATE UNIQUE INDEX seen_id ON seen (id);`

func TestReadKnowsTheOddOnes(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, odd)))
	s, err := structure.Read(t.Context(), c, nil)
	require.NoError(t, err)

	mixed := s.Tables["Odd Schema.Mixed Case"]
	require.NotNil(t, mixed)
	require.Equal(t, `"Odd Schema"."Mixed Case"`, mixed.Quoted())
	require.Equal(t, "a", mixed.Column("Id").Identity)
	require.NotEmpty(t, mixed.Column("Id").Sequence)
	require.True(t, mixed.Column("twice").Generated)
	require.Equal(t, "C", mixed.Column("two words").Collation)
	require.Equal(t, "e", mixed.Column("m").TypeKind)
	require.Equal(t, []string{"Id", "two words", "m"}, mixed.Copyable())

	require.Equal(t, []string{"b", "a"}, s.Tables["composite"].PrimaryKey)
	fk := s.Tables["child"].ForeignKeys[0]
	require.Equal(t, []string{"y", "x"}, fk.Columns)
	require.Equal(t, []string{"b", "a"}, fk.RefColumns)
	require.Equal(t, "c", fk.OnDelete)
	require.True(t, fk.Deferred)
	require.Equal(t, "public.child_id_seq", s.Tables["child"].Column("id").Sequence)

	require.Equal(t, "p", s.Tables["part"].Kind)
	require.Equal(t, "part", s.Tables["part_2026"].Parent)
	require.True(t, s.Tables["part_2026"].Partition)
	require.Nil(t, s.Tables["nokey"].Key())
	require.True(t, s.Tables["nokey"].Uniques[0].Expression)
	require.ElementsMatch(t, []string{"child", "composite"}, s.Views["seen"].Tables)
	require.True(t, s.Views["seen"].UniqueIndex)
}

func TestDifferenceIsByNameAndMeaning(t *testing.T) {
	t.Parallel()
	read := func(sql string) *structure.Schema {
		c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, sql)))
		s, err := structure.Read(t.Context(), c, nil)
		require.NoError(t, err)
		return s
	}
	a := read(`CREATE TABLE x (id int PRIMARY KEY, v text, n int CHECK (n > 0))`)
	same := read(`CREATE TABLE x (v text, n int, id int, CONSTRAINT other PRIMARY KEY (id)); ALTER TABLE x ADD CONSTRAINT named CHECK (n > 0)`)
	require.Empty(t, structure.Compare(a, same, []string{"x"}), "order of columns and names of constraints do not matter")
	require.Equal(t, structure.Fingerprint(a, []string{"x"}), structure.Fingerprint(same, []string{"x"}))
	for name, sql := range map[string]string{
		"type":    `CREATE TABLE x (id bigint PRIMARY KEY, v text, n int CHECK (n > 0))`,
		"column":  `CREATE TABLE x (id int PRIMARY KEY, v text, n int CHECK (n > 0), more int)`,
		"unique":  `CREATE TABLE x (id int PRIMARY KEY, v text UNIQUE, n int CHECK (n > 0))`,
		"check":   `CREATE TABLE x (id int PRIMARY KEY, v text, n int CHECK (n > 1))`,
		"missing": `CREATE TABLE y (id int)`,
	} {
		b := read(sql)
		require.NotEmpty(t, structure.Compare(a, b, []string{"x"}), name)
		require.NotEqual(t, structure.Fingerprint(a, []string{"x"}), structure.Fingerprint(b, []string{"x"}), name)
	}
}

func TestReadIsFewQueries(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "pwb")))
	start := time.Now()
	s, err := structure.Read(t.Context(), c, nil)
	require.NoError(t, err)
	require.Len(t, s.Names, 78)
	t.Logf("78 tables read in %s", time.Since(start))
}

// Columns are named by their number in the catalogue's keys: past nine, in another order,
// of a table that is left out, and without those that an index only includes.
func TestKeysNameTheirColumns(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, `
		CREATE SCHEMA left_out;
		CREATE TABLE left_out.pair (a int, b int, PRIMARY KEY (b, a));
		CREATE TABLE many (gone int, c2 int, c3 int, c4 int, c5 int, c6 int, c7 int, c8 int, c9 int, c10 int, c11 int NOT NULL,
			UNIQUE (c11, c2, c10) INCLUDE (c3), PRIMARY KEY (c11, c4), FOREIGN KEY (c10, c2) REFERENCES left_out.pair (a, b), CHECK (c9 > 0));
		ALTER TABLE many DROP COLUMN gone;
		CREATE UNIQUE INDEX partly ON many (c5) WHERE c6 > 3;
		CREATE TABLE ref (x int, y int, CONSTRAINT there FOREIGN KEY (y, x) REFERENCES many (c11, c4))`)))
	s, err := structure.Read(t.Context(), c, []string{"left_out"})
	require.NoError(t, err)
	require.Equal(t, []string{"many", "ref"}, s.Names)
	many := s.Tables["many"]
	names := []string{}
	for _, x := range many.Columns {
		names = append(names, x.Name)
	}
	require.Equal(t, []string{"c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11"}, names)
	require.Equal(t, []string{"c11", "c4"}, many.PrimaryKey)
	require.Len(t, many.Uniques, 3)
	require.Equal(t, []string{"c11", "c2", "c10"}, many.Uniques[0].Columns)
	require.Equal(t, "USING btree (c11, c2, c10) INCLUDE (c3)", many.Uniques[0].Definition)
	require.Equal(t, "(c6 > 3)", many.Uniques[2].Predicate)
	require.Len(t, many.ForeignKeys, 1)
	require.Equal(t, []string{"c10", "c2"}, many.ForeignKeys[0].Columns)
	require.Equal(t, "left_out.pair", many.ForeignKeys[0].RefTable)
	require.Equal(t, []string{"a", "b"}, many.ForeignKeys[0].RefColumns)
	require.Len(t, many.Checks, 1)
	require.Equal(t, []string{"c11", "c4"}, s.Tables["ref"].ForeignKeys[0].RefColumns)
}
