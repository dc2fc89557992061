package window_test

import (
	_ "embed"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fault"
	"shardadmin/internal/job/window"
	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

//go:embed testdata/open.sql
var openSQL string

func set(t require.TestingT, text string) window.Set {
	s, err := window.Parse(text)
	require.NoError(t, err, text)
	return s
}

func at(t require.TestingT, text string) time.Time {
	m, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return m
}

func TestWindowsOpenAndClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		windows, now string
		open         bool
		next         string // when that changes
	}{
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-01-31T21:59:59Z", false, "2026-01-31T22:00:00Z"}, // a Saturday
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-01-31T22:00:00Z", true, "2026-02-01T04:00:00Z"},
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-02-02T03:59:59Z", true, "2026-02-02T04:00:00Z"}, // Sunday's, on Monday
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-02-02T04:00:00Z", false, "2026-02-07T22:00:00Z"},
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-01-31T03:00:00Z", false, "2026-01-31T22:00:00Z"}, // Friday has none
		{"sat,sun 22:00-04:00 Europe/Lisbon", "2026-07-04T21:00:00Z", true, "2026-07-05T03:00:00Z"},  // summer time
		{"mon-fri 01:00-05:00 America/New_York", "2026-01-05T06:00:00Z", true, "2026-01-05T10:00:00Z"},
		{"fri-mon 00:00-24:00 UTC", "2026-01-30T00:00:00Z", true, "2026-02-03T00:00:00Z"},
		{"daily 12:00-13:00 Asia/Kathmandu; daily 13:00-14:00 Asia/Kathmandu", "2026-05-05T06:15:00Z", true, "2026-05-05T08:15:00Z"},
		// The clock goes forward at 01:00 UTC on 2026-03-29: 01:00 to 02:00 is skipped.
		{"sun 00:30-01:30 Europe/Lisbon", "2026-03-29T00:30:00Z", true, "2026-03-29T01:00:00Z"},
		{"sun 01:15-01:45 Europe/Lisbon", "2026-03-29T00:00:00Z", false, "2026-04-05T00:15:00Z"},
		{"sun 01:30-03:00 Europe/Lisbon", "2026-03-29T00:59:00Z", false, "2026-03-29T01:00:00Z"},
		{"sat 22:00-04:00 Europe/Lisbon", "2026-03-28T22:00:00Z", true, "2026-03-29T03:00:00Z"}, // five hours
		// It goes back at 01:00 UTC on 2026-10-25: 01:00 to 02:00 comes twice.
		{"sat 22:00-04:00 Europe/Lisbon", "2026-10-24T21:00:00Z", true, "2026-10-25T04:00:00Z"}, // seven hours
		{"sun 01:15-01:45 Europe/Lisbon", "2026-10-25T00:15:00Z", true, "2026-10-25T00:45:00Z"},
		{"sun 01:15-01:45 Europe/Lisbon", "2026-10-25T00:45:00Z", false, "2026-10-25T01:15:00Z"},
		{"daily 00:00-24:00 UTC", "2026-10-25T00:45:00Z", true, ""},
		{"", "2026-10-25T00:45:00Z", true, ""},
	} {
		s, now := set(t, c.windows), at(t, c.now)
		require.Equal(t, c.open, s.Open(now), "%s at %s", c.windows, c.now)
		then, same := s.Closes(now), s.Opens(now)
		if !c.open {
			then, same = same, then
		}
		require.Equal(t, now, same, "it is so already")
		if c.next == "" {
			require.True(t, then.IsZero(), "%s at %s: %s", c.windows, c.now, then)
			continue
		}
		require.Equal(t, c.next, then.UTC().Format(time.RFC3339), "%s at %s", c.windows, c.now)
	}
}

func TestWhatIsNotAWindowIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"22:00-04:00 Europe/Lisbon", "sat 22:00-04:00", "sat 22-04 Europe/Lisbon", "sat 22:00-24:01 UTC", "sat 24:00-02:00 UTC", "sat 12:60-14:00 UTC",
		"sat 22:00-22:00 UTC", "Sat 22:00-04:00 UTC", "weekend 22:00-04:00 UTC", "sat, sun 22:00-04:00 UTC", "sat 22:00-04:00 Local", "sat 22:00-04:00 Europe/Lisboa",
		"sat 22:00-04:00 ../../etc/passwd", "sat 22:00-04:00 UTC;", "; ;", "sat 2२:00-04:00 UTC",
	} {
		_, err := window.Parse(bad)
		require.Equal(t, fault.Usage, fault.CodeOf(err), bad)
		require.Contains(t, fault.HintOf(err), "Europe/Lisbon", bad)
	}
}

// Windows of any form are read as they are written, and what opens and closes
// next is when that changes for the first time.
func TestAnyWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := windows().Draw(t, "windows")
		s := set(t, text(list))
		require.Equal(t, s.String(), set(t, s.String()).String())
		now := moment().Draw(t, "now")
		open := s.Open(now)
		require.Equal(t, open, set(t, s.String()).Open(now), s.String())
		then := s.Closes(now)
		if !open {
			then = s.Opens(now)
		}
		if then.IsZero() {
			return
		}
		require.True(t, then.After(now))
		require.NotEqual(t, open, s.Open(then))
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(then.Sub(now)-1)).Draw(t, "between")))
		require.Equal(t, open, s.Open(between), "%s at %s, next %s", s, between, then)
		require.Equal(t, open, s.Open(then.Add(-time.Nanosecond)))
		// With one more window it is open whenever it was.
		if more := windows().Draw(t, "more"); open {
			require.True(t, set(t, text(append(list, more...))).Open(now))
		}
	})
}

// PostgreSQL knows the time zones as well, and reads the same windows the same.
func TestPostgreSQLAgrees(t *testing.T) {
	t.Parallel()
	c, err := pgx.Connect(t.Context(), pgtest.Server(t, 0).URL("", "postgres"))
	require.NoError(t, err)
	defer func() { _ = c.Close(t.Context()) }()
	open := 0
	rapid.Check(t, func(rt *rapid.T) {
		list, now := windows().Draw(rt, "windows"), moment().Draw(rt, "now")
		want := false
		for _, w := range list {
			var one bool
			require.NoError(rt, c.QueryRow(t.Context(), openSQL, now, w.zone, w.days, w.from, w.to).Scan(&one))
			want = want || one
		}
		require.Equal(rt, want, set(rt, text(list)).Open(now), "%s at %s", text(list), now)
		if want {
			open++
		}
	})
	require.Positive(t, open)
}
