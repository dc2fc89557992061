package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

func TestATableFitsAndLosesTheEndsOfLongTextsFirst(t *testing.T) {
	t.Parallel()
	x := newTable(long("SHARD", 8), left("STATUS"), right("ROWS"), long("WHY", 6))
	x.add("a-shard-with-a-long-name", "healthy", "1,200", "because it is so and nobody said otherwise")
	x.add("b", "slow", "7", "–")
	var b strings.Builder
	x.printWithin(&b, 50)
	require.Equal(t, ""+
		"SHARD                     STATUS    ROWS  WHY\n"+
		"a-shard-with-a-long-name  healthy  1,200  because…\n"+
		"b                         slow         7  –\n", b.String())
	b.Reset()
	x.printWithin(&b, 40)
	require.Equal(t, ""+
		"SHARD             STATUS    ROWS  WHY\n"+
		"a-shard-with-a-…  healthy  1,200  becau…\n"+
		"b                 slow         7  –\n", b.String())
}

func TestASentenceGoesOnBelow(t *testing.T) {
	t.Parallel()
	x := newTable(left("NAME"), whole("MEANS", 6))
	x.add("one", "a thing of its own")
	x.add("two", "–")
	var b strings.Builder
	x.printWithin(&b, 16)
	require.Equal(t, "NAME  MEANS\none   a thing of\n      its own\ntwo   –\n", b.String())
}

func TestWhatADatabaseHoldsDoesNotMoveTheCursor(t *testing.T) {
	t.Parallel()
	x := newTable(left("TITLE"))
	x.add("a\x1b[2Jb\nc\u202ed")
	var b strings.Builder
	x.print(&b)
	require.Equal(t, "TITLE\na[2Jb cd\n", b.String())
}

func TestWideCharactersCountAsTheyAreShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, 4, width("東京"))
	require.Equal(t, "東…", cut("東京都", 4))
	require.Equal(t, "東…", cut("東京都", 3))
	require.Equal(t, 2, width("👩‍👩‍👧"))
}

func FuzzTable(f *testing.F) {
	f.Add("a", "b", 10)
	f.Add("ä\x00\n", strings.Repeat("x", 200), 80)
	f.Fuzz(func(t *testing.T, one, two string, limit int) {
		limit = 30 + max(0, limit%100)
		x := newTable(long("A", 4), long("B", 4))
		x.add(one, two)
		var b strings.Builder
		x.printWithin(&b, limit)
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		require.Len(t, lines, 2)
		for _, l := range lines {
			require.LessOrEqual(t, width(l), limit)
		}
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 kB", 10 << 20: "10 MB", 3<<30 + 1<<29: "3.5 GB", 1 << 50: "1.0 PB"} {
		require.Equal(t, want, size(n))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		require.Equal(t, want, number(n))
	}
	require.Equal(t, "1 row", count(1, "row"))
	require.Equal(t, "2,000 rows", count(2000, "row"))
	require.Equal(t, "2 entries", count(2, "entry"))
	for d, want := range map[time.Duration]string{
		12 * time.Millisecond: "12 ms", 1500 * time.Millisecond: "1.5 s", 42 * time.Second: "42 s", 125 * time.Second: "2 min 5 s",
		5 * time.Minute: "5 min", 3 * time.Hour: "3 h", 95 * time.Minute: "1 h 35 min", 72 * time.Hour: "3 days", -time.Second: "0 ms",
	} {
		require.Equal(t, want, span(d))
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for at, want := range map[string]string{
		"2026-03-01T11:59:58Z": "just now", "2026-03-01T11:59:20Z": "40 s ago", "2026-03-01T11:00:00Z": "1 h ago",
		"2026-02-27T12:00:00Z": "2 days ago", "2025-03-01T12:00:00Z": "2025-03-01", "": none,
	} {
		require.Equal(t, want, ageAt(at, now))
	}
	require.Equal(t, none, sizeOr(nil))
	require.Equal(t, none, milliseconds(nil))
	for ms, want := range map[float64]string{0.02: "< 0.1 ms", 0.06: "0.1 ms", 0.4: "0.4 ms", 12: "12 ms"} {
		require.Equal(t, want, milliseconds(&ms))
	}
	require.Equal(t, none, percent(nil))
}

// A command is copied from the screen: it stands whole on a line, however long it is
// and whatever stands around it.
func TestCommandsStayWhole(t *testing.T) {
	t.Parallel()
	const id = "0198f3c1-7a7b-7c4e-9c55-1a2b3c4d5e6f"
	at := func(n int) string { // a command of n columns
		c := "shard-admin move resume " + id + " --wait --note "
		return c + strings.Repeat("x", n-len(c))
	}
	for name, c := range map[string]struct{ before, command, after string }{
		"short":                        {"then", "shard-admin fleet check", "prints the GRANT"},
		"as wide as the screen":        {"end those transactions, then", at(80), "goes on"},
		"one wider":                    {"end those transactions, then", at(81), "goes on"},
		"120 columns":                  {"end those transactions, then", at(120), "goes on from there, better at a quieter time than this one is"},
		"120 columns, in a part":       {"do this:", at(120), ", then plan the move anew"},
		"120 columns, the last":        {"do this:", at(120), ""},
		"120 columns, alone":           {"", at(120), ""},
		"a reason with spaces":         {"first", `shard-admin move start a-tenant-with-quite-a-long-subdomain shard_with_a_name --wait --note "grew out of it, and more"`, "moves it"},
		"a flag before its name":       {"first", "shard-admin --fleet production_of_the_whole_company_in_the_west fleet trust the_database_of_the_west", "shows it and asks"},
		"a flag with =":                {"", "shard-admin move start " + id + " shard_1 --mode=fenced --max-read-only 10m --priority 5 --hold --note REASON", "waits"},
		"two of them":                  {at(100) + ";", at(110), "follows"},
		"arguments that may be absent": {"", "shard-admin shards look a_shard_whose_name_is_as_long_as_it_may_be_and_longer_than_a_line_is", "shows statements"},
	} {
		text := strings.TrimSpace(c.before + " " + c.command + " " + c.after)
		text = strings.ReplaceAll(text, " ,", ",")
		found := false
		for _, l := range wrap(text, wide) {
			found = found || strings.Contains(l, c.command)
			if width(c.command) > wide && strings.Contains(l, c.command) {
				require.Equal(t, c.command, l, "%s: what is wider than the screen has its line for itself", name)
			}
			if !strings.HasPrefix(l, "shard-admin ") {
				require.LessOrEqual(t, width(l), wide, name)
			}
		}
		require.True(t, found, "%s: %q", name, wrap(text, wide))
	}
}

// What is to be copied stands on one line where it fits one.
func TestErrorsFitTheScreenAndCommandsStayWhole(t *testing.T) {
	t.Parallel()
	command := fault.Change("move resume 0198f3c1-7a7b-7c4e-9c55-1a2b3c4d5e6f --wait")
	var out, errs strings.Builder
	p := &program{stdout: &out, stderr: &errs}
	p.finish(fault.New(fault.FenceBlocked, strings.Repeat("shard_1: a transaction is open ", 9), "end those transactions, then "+command+", better at a quieter time than this one is"))
	for _, l := range strings.Split(errs.String(), "\n") {
		require.LessOrEqual(t, width(l), max(wide, width(command)+3), l)
		if !strings.Contains(l, "shard-admin move") {
			require.LessOrEqual(t, width(l), wide, l)
		}
	}
	short := fault.Change("fleet install --admin ann@example.com")
	errs.Reset()
	p.finish(fault.New(fault.NotInstalled, "the control database has no schema of ours", "first of all and before anything else is done there "+short+", then try it again"))
	require.Contains(t, errs.String(), "\n  "+short+", then try it")
	p.json = true
	long := strings.Repeat("a word ", 40)
	p.finish(fault.New(fault.NotInstalled, long, long))
	require.Contains(t, out.String(), long)
}
