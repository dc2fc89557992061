//go:build unix

package renumber_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// link is a way in which rows of a table refer to rows of another.
type link struct {
	column string
	to     int
	kind   string // key, soft, polymorphic, backward, slug
}

// table of a random schema. Every row has a tag that no id is part of, so that it
// is known on either side.
type table struct {
	owner  bool // it has owner_id; else its first link owns it
	shape  string
	links  []link
	typ    string
	always bool
	rows   int
}

// world is a random schema: tables whose ids all come from sequences of each
// shard's own, and every kind of reference between them.
type world struct{ tables []table }

func drawWorld(t *rapid.T) world {
	w := world{}
	n := rapid.IntRange(3, 8).Draw(t, "tables")
	for i := range n {
		x := table{
			typ: rapid.SampledFrom([]string{"bigint", "integer"}).Draw(t, "type"), always: rapid.Bool().Draw(t, "always"), rows: rapid.IntRange(3, 12).Draw(t, "rows"),
			shape: "plain", owner: i == 0 || rapid.IntRange(0, 2).Draw(t, "owner") == 0,
		}
		if i > 0 {
			kinds := []string{"key", "soft", "polymorphic", "slug"}
			for l := range rapid.IntRange(1, 3).Draw(t, "links") {
				x.links = append(x.links, link{column: fmt.Sprintf("l%d", l), to: rapid.IntRange(0, i-1).Draw(t, "to"), kind: rapid.SampledFrom(kinds).Draw(t, "kind")})
			}
			switch rapid.IntRange(0, 7).Draw(t, "shape") {
			case 0: // its id is its parent's
				x.shape, x.owner, x.links = "shared", false, []link{{"id", x.links[0].to, "key"}}
			case 1: // its key is its parent's and a place
				x.shape, x.owner = "composite", false
				x.links[0] = link{"l0", x.links[0].to, "key"}
			case 2: // rows of another table point at it, and own it
				x.shape, x.owner, x.links = "backward", false, nil
			case 3:
				x.links = append(x.links, link{"up", i, "key"}) // a tree
			}
		}
		w.tables = append(w.tables, x)
	}
	// What is owned backwards needs somebody who points at it, from a table that
	// is owned otherwise.
	for i := range w.tables {
		if w.tables[i].shape == "backward" {
			w.tables[i].rows = min(w.tables[i].rows, w.tables[0].rows) // a row at which nobody points is nobody's
			w.tables[0].links = append(w.tables[0].links, link{fmt.Sprintf("b%d", i), i, "backward"})
		}
	}
	return w
}

func (w world) sql() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE owners (id int PRIMARY KEY, shard text);\n")
	later := ""
	for i, x := range w.tables {
		cols := []string{}
		how := map[bool]string{true: "ALWAYS", false: "BY DEFAULT"}[x.always]
		switch x.shape {
		case "shared":
			cols = append(cols, fmt.Sprintf("id %s PRIMARY KEY REFERENCES t%d (id)", w.tables[x.links[0].to].typ, x.links[0].to))
		case "composite":
			cols = append(cols, "place int NOT NULL")
		default:
			cols = append(cols, "id "+x.typ+" GENERATED "+how+" AS IDENTITY PRIMARY KEY", "twice bigint GENERATED ALWAYS AS (id::bigint * 2) STORED")
		}
		cols = append(cols, "tag text NOT NULL", "slug text UNIQUE")
		if x.owner {
			cols = append(cols, "owner_id int NOT NULL")
		}
		for _, l := range x.links {
			ref := fmt.Sprintf(" REFERENCES t%d (id)", l.to)
			typ := w.tables[l.to].typ
			if l.to == i {
				typ = x.typ
			}
			switch {
			case l.column == "id":
			case l.kind == "key":
				cols = append(cols, l.column+" "+typ+map[bool]string{true: " NOT NULL"}[x.shape == "composite" && l.column == "l0"]+ref)
			case l.kind == "backward":
				later += fmt.Sprintf("ALTER TABLE t%d ADD %s bigint REFERENCES t%d (id);\n", i, l.column, l.to)
			case l.kind == "slug":
				cols = append(cols, l.column+" text")
			case l.kind == "polymorphic":
				cols = append(cols, l.column+"_type text", l.column+" bigint")
			default:
				cols = append(cols, l.column+" text") // an id as a text, as some applications have it
			}
		}
		if x.shape == "composite" {
			cols = append(cols, "PRIMARY KEY (l0, place)")
		}
		fmt.Fprintf(&b, "CREATE TABLE t%d (%s);\n", i, strings.Join(cols, ", "))
	}
	return b.String() + later
}

// keyed reports whether rows of a table can be referred to by an id.
func (x table) keyed() bool { return x.shape != "composite" }

// named reports whether rows refer to a table's by their slugs.
func (w world) named(table int) bool {
	for _, x := range w.tables {
		for _, l := range x.links {
			if l.kind == "slug" && l.to == table {
				return true
			}
		}
	}
	return false
}

// settle leaves out links to tables that have no id.
func (w world) settle() world {
	for i := range w.tables {
		kept := []link{}
		for _, l := range w.tables[i].links {
			if w.tables[l.to].keyed() {
				kept = append(kept, l)
			}
		}
		x := &w.tables[i]
		if len(kept) < len(x.links) && (x.shape == "composite" || x.shape == "shared") || (i > 0 && len(kept) == 0 && x.shape != "backward") {
			x.shape, x.owner = "plain", true
		}
		x.links = kept
	}
	return w
}

func (w world) profile(p *tenancy.Profile) {
	for i, x := range w.tables {
		for _, l := range x.links {
			from, to := fmt.Sprintf("t%d", i), fmt.Sprintf("t%d", l.to)
			switch l.kind {
			case "soft":
				p.Soft = append(p.Soft, tenancy.SoftRef{Table: from, Column: l.column, To: to, Key: "id"})
			case "slug":
				p.Soft = append(p.Soft, tenancy.SoftRef{Table: from, Column: l.column, To: to, Key: "slug"})
			case "polymorphic":
				p.Polymorphic = append(p.Polymorphic, tenancy.Polymorphic{Table: from, Type: l.column + "_type", ID: l.column, Types: map[string]string{"T" + to: to}})
			case "backward":
				p.Backward = append(p.Backward, tenancy.Backward{Table: to, Key: "id", From: []string{from + "." + l.column}})
			}
		}
	}
}

// fill writes rows of an owner whose ids begin behind those that are there.
func (w world) fill(ctx context.Context, t *testing.T, c *pgx.Conn, owner int, from string) {
	t.Helper()
	exec := func(sql string, args ...any) {
		_, err := c.Exec(ctx, sql, args...)
		require.NoError(t, err, sql)
	}
	exec("INSERT INTO owners VALUES ($1, 'here') ON CONFLICT DO NOTHING", owner)
	// Backward tables come before the first, which points at them.
	order := []int{}
	for i, x := range w.tables {
		if x.shape == "backward" {
			order = append(order, i)
		}
	}
	for i, x := range w.tables {
		if x.shape != "backward" {
			order = append(order, i)
		}
	}
	for _, i := range order {
		x := w.tables[i]
		for n := range x.rows {
			tag := fmt.Sprintf("%s-%d-t%d-%d", from, owner, i, n)
			cols, values := []string{"tag", "slug"}, []string{tenancy.Quote(tag), tenancy.Quote("s" + fmt.Sprint(owner) + tag)}
			if owner == 1 || owner == 3 { // unique texts of the two collide
				values[1] = tenancy.Quote(fmt.Sprintf("%s-slug-t%d-%d", from, i, n))
			}
			if x.owner {
				cols, values = append(cols, "owner_id"), append(values, fmt.Sprint(owner))
			}
			parent := func(l link, column string) string {
				mod := w.tables[l.to].rows
				at := n % mod
				if x.shape == "shared" {
					at = n
				}
				return fmt.Sprintf("(SELECT %s FROM t%d WHERE tag = '%s-%d-t%d-%d')", column, l.to, from, owner, l.to, at)
			}
			if x.shape == "shared" && n >= w.tables[x.links[0].to].rows {
				break
			}
			if x.shape == "composite" {
				cols, values = append(cols, "place"), append(values, fmt.Sprint(n))
			}
			for k, l := range x.links {
				switch l.kind {
				case "key", "backward":
					if l.to == i && n == 0 {
						continue
					}
					if l.to == i {
						cols, values = append(cols, l.column), append(values, fmt.Sprintf("(SELECT id FROM t%d WHERE tag = '%s-%d-t%d-%d')", i, from, owner, i, n-1))
						continue
					}
					cols, values = append(cols, l.column), append(values, parent(l, "id"))
				case "polymorphic":
					cols, values = append(cols, l.column+"_type", l.column), append(values, fmt.Sprintf("'Tt%d'", l.to), parent(l, "id"))
				case "slug":
					cols, values = append(cols, l.column), append(values, parent(l, "slug"))
				default:
					cols, values = append(cols, l.column), append(values, parent(l, "id::text"))
				}
				_ = k
			}
			exec(fmt.Sprintf("INSERT INTO t%d (%s) VALUES (%s)", i, strings.Join(cols, ", "), strings.Join(values, ", ")))
		}
	}
}

// pairs says which row every reference leads to, by tags.
func (w world) pairs(t *testing.T, c *pgx.Conn, m *tenancy.Map, owner string) []string {
	t.Helper()
	out := []string{}
	for i, x := range w.tables {
		name := fmt.Sprintf("t%d", i)
		where := m.Owned(name, m.Literal(owner))
		parts := []string{"SELECT 'row ' || t.tag FROM " + name + " t WHERE " + where}
		for _, l := range x.links {
			on := fmt.Sprintf("p.id::text = t.%s::text", l.column)
			if l.kind == "slug" {
				on = "p.slug = t." + l.column
			}
			if l.kind == "polymorphic" {
				on += fmt.Sprintf(" AND t.%s_type = 'Tt%d'", l.column, l.to)
			}
			parts = append(parts, fmt.Sprintf("SELECT t.tag || ' -%s-> ' || coalesce(p.tag, CASE WHEN t.%s IS NULL THEN 'null' ELSE 'NOTHING' END) FROM %s t LEFT JOIN t%d p ON %s WHERE %s", l.column, l.column, name, l.to, on, where))
		}
		rows, err := c.Query(t.Context(), strings.Join(parts, " UNION ALL ")+" ORDER BY 1")
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		out = append(out, list...)
	}
	return out
}

// all is every row but those of an owner.
func (w world) all(t *testing.T, c *pgx.Conn, m *tenancy.Map, but string) []string {
	t.Helper()
	out := []string{}
	for i := range w.tables {
		name := fmt.Sprintf("t%d", i)
		where := "true"
		if but != "" {
			where = "(" + m.Owned(name, m.Literal(but)) + ") IS NOT TRUE"
		}
		rows, err := c.Query(t.Context(), "SELECT '"+name+" ' || t::text FROM "+name+" t WHERE "+where+" ORDER BY 1")
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		out = append(out, list...)
	}
	return out
}

// Whatever the schema and its references: every row arrives, every reference
// leads to its row, nobody else's row changes, and the way back restores the old
// ids with what was written meanwhile.
func TestEveryReferenceFollows(t *testing.T) {
	t.Parallel()
	for seed := range 20 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			follows(t, rapid.Custom(drawWorld).Example(seed).settle())
		})
	}
}

func follows(t *testing.T, w world) {
	ctx := t.Context()
	pair := twoshards.Open(t, w.sql(), w.sql(), w.profile)
	m := pair.Map
	here, there := pgtest.Connect(t, pair.HereURL), pgtest.Connect(t, pair.ThereURL)
	w.fill(ctx, t, here, 1, "a")
	w.fill(ctx, t, here, 2, "a")
	w.fill(ctx, t, there, 3, "a") // the same ids as those of 1
	_, err := there.Exec(ctx, "INSERT INTO owners VALUES (1, 'here')")
	require.NoError(t, err)
	values := []renumber.Value{}
	for i, x := range w.tables {
		name := fmt.Sprintf("t%d", i)
		if x.shape != "shared" && x.shape != "composite" {
			values = append(values, renumber.Value{Table: name, Column: "id", Rule: renumber.Sequence})
		}
		values = append(values, renumber.Value{Table: name, Column: "slug", Rule: renumber.Rename})
	}
	uses, fixed := renumber.Uses(m, values)
	require.Empty(t, fixed)
	require.Empty(t, renumber.Ambiguous(uses))
	move := uuid.NewString()
	src, dst := fence.New(pair.Here, m), fence.New(pair.There, m)
	for _, s := range []*fence.Shard{src, dst} {
		require.NoError(t, s.Enter(ctx, move, 1))
	}
	hereBefore, thereBefore := w.all(t, here, m, ""), w.all(t, there, m, "1")
	was := w.pairs(t, here, m, "1")
	require.NotContains(t, strings.Join(was, "\n"), "NOTHING")

	find := func(back bool) int {
		n := 0
		require.NoError(t, renumber.Find(ctx, renumber.Job{Source: pair.Here, Target: pair.There, Map: m, Tenant: "1", Move: move, Values: values, Back: back}, func(ctx context.Context, list []renumber.Change) error {
			for _, s := range []*fence.Shard{src, dst} {
				require.NoError(t, renumber.Place(ctx, s, move, 1, list, !back && n == 0))
			}
			n += len(list)
			return nil
		}))
		return n
	}
	n := find(false)
	require.GreaterOrEqual(t, n, 2*w.tables[0].rows, "every id and every slug of the first table collides")
	snapshot, err := src.Snapshot(ctx, move, 1)
	require.NoError(t, err)
	require.NoError(t, rowcopy.Run(ctx, rowcopy.Job{
		Source: pair.Here, Snapshot: snapshot.ID, Target: pair.There, Map: m, Tenant: "1", Move: move, Epoch: 1, Tables: m.Moving(), Streams: 2,
		Lens: renumber.Through(m, move, values, false),
	}), w.sql())
	snapshot.Close(ctx)
	verify := func() {
		t.Helper()
		res, err := compare.Verify(ctx, compare.Job{Source: pair.Here, Target: pair.There, Map: m, Tenant: "1", Move: move, Epoch: 1, Tables: m.Moving(), Streams: 2, Lens: renumber.Through(m, move, values, false)})
		require.NoError(t, err)
		require.Empty(t, res.Differences, w.sql())
		for _, c := range m.Moving() {
			now, err := compare.Amount(ctx, pair.Here, m, renumber.Through(m, move, values, false), c, "1")
			require.NoError(t, err)
			require.Equal(t, res.Digests[c.Name()], now, "what a finalize would find")
		}
	}
	verify()
	require.Equal(t, was, w.pairs(t, there, m, "1"), w.sql())
	require.Equal(t, hereBefore, w.all(t, here, m, ""), "the source is as it was")
	require.Equal(t, thereBefore, w.all(t, there, m, "1"), "nobody else's rows changed")

	// A verification that cannot find a row that lost its parent proves nothing.
	for i, x := range w.tables {
		for _, l := range x.links {
			if l.kind == "soft" {
				_, err := there.Exec(ctx, fmt.Sprintf("UPDATE t%d t SET %s = '-1' WHERE tag = 'a-1-t%d-0'", i, l.column, i))
				require.NoError(t, err)
				res, err := compare.Verify(ctx, compare.Job{Source: pair.Here, Target: pair.There, Map: m, Tenant: "1", Move: move, Epoch: 1, Tables: m.Moving(), Streams: 2, Lens: renumber.Through(m, move, values, false)})
				require.NoError(t, err)
				require.NotEmpty(t, res.Differences)
				_, err = there.Exec(ctx, fmt.Sprintf("UPDATE t%d t SET %s = (SELECT id::text FROM t%d p WHERE tag = 'a-1-t%d-0') WHERE tag = 'a-1-t%d-0'", i, l.column, l.to, l.to, i))
				require.NoError(t, err)
			}
		}
	}
	verify()

	// The tenant writes on the target; on the source others get the same ids.
	w.fill(ctx, t, there, 1, "b")
	for i, x := range w.tables {
		if x.keyed() && !w.named(i) {
			_, err := there.Exec(ctx, fmt.Sprintf("UPDATE t%d SET slug = 'changed' WHERE tag = 'a-1-t%d-1'", i, i))
			require.NoError(t, err)
		}
	}
	if last := len(w.tables) - 1; w.tables[last].shape != "backward" {
		_, err = there.Exec(ctx, fmt.Sprintf("DELETE FROM t%d WHERE tag = 'a-1-t%d-2'", last, last))
		if err != nil { // a row of its own table refers to it
			require.Contains(t, err.Error(), "violates foreign key")
		}
	}
	for range 3 {
		w.fill(ctx, t, here, 2, "b"+uuid.NewString()[:8])
	}
	hereOthers := w.all(t, here, m, "1")
	now := w.pairs(t, there, m, "1")
	require.NotContains(t, strings.Join(now, "\n"), "NOTHING")
	find(true)
	require.Zero(t, find(true), "what is on the list is not found again")
	_, err = compare.BringUp(ctx, compare.Job{
		Source: pair.There, Target: pair.Here, Map: m, Tenant: "1", Move: move, Epoch: 1, Tables: m.Moving(), Lens: renumber.Through(m, move, values, true),
	}, false)
	require.NoError(t, err, w.sql())
	verify()
	require.Equal(t, now, w.pairs(t, here, m, "1"), w.sql())
	require.Equal(t, hereOthers, w.all(t, here, m, "1"), "nobody else's rows changed")
	// Rows that were there before have their old ids: but for what was changed
	// they are what they were.
	back := map[string]bool{}
	for _, row := range w.all(t, here, m, "") {
		back[row] = true
	}
	for _, row := range hereBefore {
		if strings.Contains(row, "a-1-") && !strings.Contains(row, "slug") {
			require.True(t, back[row], row)
		}
	}
	for i, x := range w.tables {
		if x.keyed() {
			var wrong int
			require.NoError(t, here.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM t%d t JOIN (SELECT * FROM unnest($1::text[])) b(row) ON b.row LIKE 't%d (%%,' || t.tag || ',%%' AND b.row NOT LIKE 't%d (' || t.id || ',%%'", i, i, i), hereBefore).Scan(&wrong))
			require.Zero(t, wrong)
		}
	}
}

func TestRenamed(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		old     string
		n, most int
		want    string
	}{
		{"villa", 1, 0, "villa-7"},
		{"villa", 3, 0, "villa-7-3"},
		{"ann@example.com", 1, 0, "ann+7@example.com"},
		{"ann@example.com", 2, 0, "ann+7-2@example.com"},
		{"@handle", 1, 0, "@handle-7"},
		{"", 1, 0, "-7"},
		{"a long name", 1, 8, "a long-7"},
		{"ann@example.com", 1, 16, "an+7@example.com"},
		{"häuser", 1, 4, "hä-7"},
	} {
		require.Equal(t, x.want, renumber.Renamed(x.old, "7", x.n, x.most), "%+v", x)
	}
	rapid.Check(t, func(t *rapid.T) {
		old, most := rapid.String().Draw(t, "old"), rapid.IntRange(1, 40).Draw(t, "most")
		a, b := renumber.Renamed(old, "12", 1, most), renumber.Renamed(old, "12", 2, most)
		if len([]rune(a)) > most || len([]rune(b)) > most {
			t.Fatal("too long")
		}
		if most > 5+len([]rune(old)) && (a == old || a == b) {
			t.Fatal("no other name")
		}
	})
}
