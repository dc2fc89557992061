package health_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

// Every query answers on every version, and what does not says what it needs.
func TestEveryQueryAnswersOnEveryVersion(t *testing.T) {
	t.Parallel()
	for major := oldest(); major <= 18; major++ {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			b := open(t, pgtest.Of(major), "pwb")
			without := b.read()
			require.Equal(t, fault.NotAvailable, fault.CodeOf(without.Results["statements"].Err))
			b.exec("CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext; ANALYZE")
			before := b.read()
			for range 30 {
				b.exec("SELECT count(*) FROM pwb_websites")
			}
			now := b.read()
			for name, r := range now.Results {
				if name == "io" && major < 16 {
					require.EqualError(t, r.Err, fmt.Sprintf("needs PostgreSQL 16 (pg_stat_io), the server has %d", major))
					continue
				}
				require.NoError(t, r.Err, name)
			}
			l := health.Defaults()
			l.StatementBusy, l.StatementShare, l.IOBytes = 0, 0, 0
			report := health.Examine(now, before, l)
			for _, u := range report.Unavailable {
				if u.Check == "checksums" {
					require.Contains(t, u.Reason, "the server keeps no checksums")
					require.Less(t, major, 18, "initdb of 18 makes them")
					continue
				}
				require.Equal(t, "io", u.Check, "%+v", u)
				require.Less(t, major, 16)
			}
			require.Equal(t, major < 18, slices.ContainsFunc(report.Unavailable, func(u health.Unavailable) bool { return u.Check == "checksums" }), "damage that nobody would notice is not called fine")
			require.Len(t, of(report, "statements"), 1, "%+v", report)
			top, ok := health.TopStatements(now, before)
			require.True(t, ok)
			require.False(t, top.Incomplete)
			ids := []int64{}
			for _, s := range top.List {
				ids = append(ids, s.ID)
			}
			texts, err := sample.Collect(t.Context(), b.c, now.Server, []sample.Query{health.StatementTexts(ids)})
			require.NoError(t, err)
			require.NoError(t, texts["statement_texts"].Err)
			found := false
			byID := map[int64]string{}
			for r := range texts["statement_texts"].All() {
				byID[r.IntOr("queryid", 0)] = r.Text("query")
			}
			for _, s := range top.List {
				if strings.Contains(byID[s.ID], "FROM pwb_websites") {
					found = found || s.Calls == 30
				}
			}
			require.True(t, found, "thirty calls between two looks: %v", byID)
			views := viewsOf(t, now, before, byID)
			require.True(t, slices.ContainsFunc(views["statements"].Rows, func(r []string) bool {
				return strings.Contains(r[0], "FROM pwb_websites") && r[3] == "30"
			}), "%v", views["statements"].Rows)
			require.InDelta(t, now.Results["statements"].At.Sub(before.Results["statements"].At).Seconds(), views["statements"].Over.Seconds(), 0.001)
			tagged := 0
			for _, q := range byID {
				if strings.Contains(q, sample.Tag) {
					tagged++
				}
			}
			require.Positive(t, tagged, "our own statements can be told from others")
		})
	}
}

func TestARoleWithoutTheRightsIsToldWhichAreMissing(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES")
	role := pgtest.Random("r_")
	b.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'x'; REVOKE ALL ON t FROM PUBLIC; ANALYZE")
	t.Cleanup(func() { pgtest.Exec(t, pgtest.Server(t, 0), "postgres", "DROP ROLE "+role) })
	t.Cleanup(func() { b.exec("DROP OWNED BY " + role) })
	c := sampler(t, pgtest.Server(t, 0).URL(role, b.name), "x")
	missing := func() map[string]health.Unavailable {
		out := map[string]health.Unavailable{}
		for _, u := range health.Examine(reading(t, c), health.Reading{}, health.Defaults()).Unavailable {
			if !u.Later && u.Grant != "" {
				out[u.Check] = u
			}
		}
		return out
	}
	before := missing()
	for _, check := range []string{"connections", "blocking", "long_transactions", "idle_in_transaction", "long_queries", "horizon", "replication", "settings"} {
		require.Equal(t, `GRANT pg_monitor TO "`+role+`"`, before[check].Grant, check)
		require.Contains(t, before[check].Reason, "is not a member of pg_monitor")
	}
	require.Equal(t, `GRANT SELECT ON ALL SEQUENCES IN SCHEMA "public" TO "`+role+`"`, before["sequences"].Grant)
	require.Equal(t, `GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "`+role+`"`, before["bloat"].Grant)
	for _, u := range before {
		b.exec(u.Grant)
	}
	require.Empty(t, missing(), "what was printed is enough")
}

// A reading must end at once although a table is being changed.
func TestATableThatIsBeingChangedDoesNotHoldUpALook(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id serial PRIMARY KEY, other int REFERENCES t); INSERT INTO t DEFAULT VALUES; CREATE INDEX ON t (other) WHERE other > 1; ANALYZE")
	holder, err := b.session().Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "ALTER TABLE t ADD x int; ALTER SEQUENCE t_id_seq RESTART 5; DROP INDEX t_other_idx")
	require.NoError(t, err)
	now := b.read()
	for name, r := range now.Results {
		if r.Err != nil && fault.CodeOf(r.Err) != fault.NotAvailable {
			require.Equal(t, fault.LockTimeout, fault.CodeOf(r.Err), name)
			require.NotContains(t, []string{"tables", "database", "sessions", "blocking", "sequences", "connections"}, name)
		}
		require.Less(t, r.Took, 3*time.Second, name)
	}
}

func TestANewerServerIsAskedAsTheNewestKnown(t *testing.T) {
	t.Parallel()
	b := open(t, pgtest.Of(18), "")
	now := b.read()
	newer := now.Server
	newer.Version, newer.VersionText = 210001, "21.1"
	results, err := sample.Collect(t.Context(), b.c, newer, health.Queries())
	require.NoError(t, err)
	for name, r := range results {
		if fault.CodeOf(r.Err) != fault.NotAvailable {
			require.NoError(t, r.Err, name)
		}
	}
	now.Server, now.Results = newer, results
	found := of(health.Examine(now, health.Reading{}, health.Defaults()), "version")
	require.Len(t, found, 1)
	require.Equal(t, health.Info, found[0].Severity)
	require.Contains(t, found[0].Message, "PostgreSQL 21 is newer than 18")
}

func TestVersionsAgainstTheirEndOfLife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version int
		day     string
		want    []string
	}{
		{140023, "2026-11-13", []string{"warning support for PostgreSQL 14 ended on 2026-11-12"}},
		{140023, "2026-11-01", []string{"info support for PostgreSQL 14 ends on 2026-11-12"}},
		{150018, "2026-11-13", nil},
		{150001, "2026-11-13", []string{"info 15.1 is older than 15.18, the newest known on 2026-11-01"}},
		{130002, "2026-11-13", []string{"warning PostgreSQL 13 has been without support for years"}},
		{180099, "2026-11-13", nil},
	} {
		at, err := time.Parse(time.DateOnly, c.day)
		require.NoError(t, err)
		got := of(health.Examine(health.Reading{At: at.Add(time.Hour), Server: sample.Server{Version: c.version}}, health.Reading{}, health.Defaults()), "version")
		said := []string(nil)
		for _, f := range got {
			said = append(said, string(f.Severity)+" "+f.Message)
		}
		require.Equal(t, c.want, said, c.version)
	}
}

func TestEveryCheckIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range health.Checks() {
		require.False(t, seen[c.Name], c.Name)
		seen[c.Name] = true
		require.Regexp(t, `^[a-z_]+$`, c.Name)
		for _, text := range []string{c.Title, c.Group, c.Why, c.Remedy, c.Thresholds(health.Defaults())} {
			require.NotEmpty(t, text, c.Name)
		}
		require.True(t, c.Judge != nil || c.Between != nil, c.Name)
		require.Positive(t, c.Tier.Every(), c.Name)
	}
}

// Whoever looks for a check finds it whole in the file of its name: its limits, why,
// remedy and judgement.
func TestEveryCheckIsAFileOfItsName(t *testing.T) {
	t.Parallel()
	for _, c := range health.Checks() {
		text, err := os.ReadFile(c.Name + ".go")
		require.NoError(t, err)
		for _, part := range []string{`Name: "` + c.Name + `", Title: "`, "Why:", "Remedy:", "Thresholds:"} {
			require.Equal(t, 1, strings.Count(string(text), part), "%s in %s.go", part, c.Name)
		}
		require.Equal(t, []bool{c.Judge != nil, c.Between != nil}, []bool{strings.Contains(string(text), "Judge:"), strings.Contains(string(text), "Between:")}, c.Name)
		require.Equal(t, c.Limits != nil, strings.Contains(string(text), "Limits struct {"), "%s.go has the limits of its check", c.Name)
	}
}
