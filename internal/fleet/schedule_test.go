package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

const scheduleFile = `name = "pwb"
[control]
url = "postgres://db1.example.com/pwb?sslmode=verify-full"
[[shard]]
name = "default"
database = "control"
[[notify]]
name = "post"
kind = "smtp"
host = "mail.example.com"
from = "a@example.com"
to = ["b@example.com"]
[[notify]]
name = "hook"
kind = "slack"
[[report]]
`

func TestASchedulesEntryIsCheckedAndKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, wrong string }{
		"month to a folder":   {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nfolder = \"/srv/reports\"", ""},
		"week by mail":        {"name = \"w\"\nkind = \"tenant\"\ntenant = \"7\"\nformat = \"xlsx\"\nevery = \"week\"\nat = \"07:30\"\nzone = \"Europe/Berlin\"\nmail = \"post\"", ""},
		"no name":             {"kind = \"moves\"\nevery = \"month\"\nfolder = \"/x\"", "the report's name"},
		"no such kind":        {"name = \"m\"\nkind = \"events\"\nevery = \"month\"\nfolder = \"/x\"", "there is no report"},
		"moves as ocsf":       {"name = \"m\"\nkind = \"moves\"\nformat = \"ocsf\"\nevery = \"month\"\nfolder = \"/x\"", "cannot be written as"},
		"of no tenant":        {"name = \"m\"\nkind = \"tenant\"\nevery = \"month\"\nfolder = \"/x\"", "about a tenant"},
		"of no operator":      {"name = \"m\"\nkind = \"operator\"\nevery = \"month\"\nfolder = \"/x\"", "about an operator"},
		"every day":           {"name = \"m\"\nkind = \"moves\"\nevery = \"day\"\nfolder = \"/x\"", "cannot be written every"},
		"at no time":          {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nat = \"25:00\"\nfolder = \"/x\"", "no usable time"},
		"in no zone":          {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nzone = \"Mars/Olympus\"\nfolder = \"/x\"", "no usable time"},
		"in the local zone":   {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nzone = \"Local\"\nfolder = \"/x\"", "no usable time"},
		"nowhere":             {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"", "goes nowhere"},
		"to half a path":      {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nfolder = \"reports\"", "not a whole path"},
		"by a webhook":        {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nmail = \"hook\"", "sends no mail"},
		"by nothing there is": {"name = \"m\"\nkind = \"moves\"\nevery = \"month\"\nmail = \"other\"", "sends no mail"},
	} {
		f, err := fleet.Parse([]byte(scheduleFile+tc.text+"\n"), "pwb.toml")
		if tc.wrong != "" {
			require.Error(t, err, name)
			require.NotEmpty(t, fault.HintOf(err), name)
			require.Contains(t, err.Error(), tc.wrong, name)
			continue
		}
		require.NoError(t, err, name)
		text, err := f.Marshal()
		require.NoError(t, err)
		again, err := fleet.Parse(text, "pwb.toml")
		require.NoError(t, err)
		require.Equal(t, f.Schedules, again.Schedules, name)
	}
}

func schedule(t require.TestingT, every, at, zone string) fleet.Schedule {
	d, ok := fleet.ParseDigest("daily " + at + " " + zone)
	require.True(t, ok)
	return fleet.Schedule{Name: "x", Every: every, At: d}
}

func TestWhatIsDueOfASchedule(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return v
	}
	for name, tc := range map[string]struct {
		s         fleet.Schedule
		done, now string
		want      []string // since until due
	}{
		"the first is the last that has ended": {schedule(t, "month", "06:00", "Europe/Berlin"), "", "2026-11-26T12:00:00Z", []string{"2026-09-30T22:00:00Z 2026-10-31T23:00:00Z 2026-11-01T05:00:00Z"}},
		"not before its time":                  {schedule(t, "month", "06:00", "Europe/Berlin"), "2026-09-30T22:00:00Z", "2026-11-01T04:59:59Z", nil},
		"nothing twice":                        {schedule(t, "month", "06:00", "Europe/Berlin"), "2026-10-31T23:00:00Z", "2026-11-26T12:00:00Z", nil},
		"what was missed, the oldest first": {schedule(t, "week", "00:30", "UTC"), "2026-11-02T00:00:00Z", "2026-11-23T00:30:00Z", []string{
			"2026-11-02T00:00:00Z 2026-11-09T00:00:00Z 2026-11-09T00:30:00Z", "2026-11-09T00:00:00Z 2026-11-16T00:00:00Z 2026-11-16T00:30:00Z", "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z 2026-11-23T00:30:00Z",
		}},
		"a day without a midnight": {schedule(t, "month", "06:00", "Asia/Amman"), "2016-02-29T22:00:00Z", "2016-04-02T00:00:00Z", []string{"2016-02-29T22:00:00Z 2016-03-31T22:00:00Z 2016-04-01T03:00:00Z"}},
	} {
		var done time.Time
		if tc.done != "" {
			done = at(tc.done)
		}
		var got []string
		for _, p := range tc.s.Due(done, at(tc.now)) {
			got = append(got, p.Since.UTC().Format(time.RFC3339)+" "+p.Until.UTC().Format(time.RFC3339)+" "+p.Due.UTC().Format(time.RFC3339))
		}
		require.Equal(t, tc.want, got, name)
	}
}

// Who was away for longer than is caught up is told what is left out: nothing between
// the last that was delivered and the first that is due is passed over in silence.
func TestWhatIsNotCaughtUpIsCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := schedule(t, rapid.SampledFrom([]string{"week", "month"}).Draw(t, "every"), "06:00", rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Amman", "Pacific/Apia"}).Draw(t, "zone"))
		now := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(t, "now"), 0)
		done := s.Due(time.Time{}, now.Add(-time.Duration(rapid.Int64Range(0, 20*365).Draw(t, "days"))*24*time.Hour))[0].Until
		due := s.Due(done, now)
		lost, n := s.Skipped(done, now)
		if n == 0 {
			require.Zero(t, lost)
			if len(due) > 0 {
				require.True(t, due[0].Since.Equal(done))
			}
			return
		}
		require.Len(t, due, 120)
		require.True(t, lost.Since.Equal(done), "%s follows %s", lost.Since, done)
		require.True(t, lost.Until.Equal(due[0].Since))
		first, next := s.Days(lost)
		a, err := time.Parse(time.DateOnly, first)
		require.NoError(t, err)
		b, err := time.Parse(time.DateOnly, next)
		require.NoError(t, err)
		want := int(b.Sub(a).Hours()) / (7 * 24)
		if s.Every == fleet.EveryMonth {
			want = (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
		}
		require.Equal(t, want, n)
	})
	s := schedule(t, "week", "06:00", "UTC")
	_, n := s.Skipped(time.Time{}, time.Now())
	require.Zero(t, n, "nobody asked for what was before the first")
}

// Whenever workers look, each period is written once and none is left out.
func TestEachPeriodIsDueOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := schedule(t, rapid.SampledFrom([]string{"week", "month"}).Draw(t, "every"), rapid.SampledFrom([]string{"00:00", "02:30", "23:59"}).Draw(t, "at"),
			rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Amman", "Pacific/Apia"}).Draw(t, "zone"))
		now := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(t, "now"), 0)
		var done time.Time
		for range 8 {
			for _, p := range s.Due(done, now) {
				require.True(t, p.Since.Before(p.Until))
				require.False(t, p.Due.After(now), "nothing before its time")
				if !done.IsZero() {
					require.True(t, p.Since.Equal(done), "%s follows %s", p.Since, done)
				}
				done = p.Until
			}
			require.False(t, done.IsZero())
			require.Empty(t, s.Due(done, now))
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "later")))
		}
	})
}

// The next report is due after now, and the one before it is not.
func TestTheNextReportIsTheFirstAfterNow(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		s := fleet.Schedule{
			Every: rapid.SampledFrom([]string{fleet.EveryWeek, fleet.EveryMonth}).Draw(rt, "every"),
			At:    fleet.Digest{Hour: rapid.IntRange(0, 23).Draw(rt, "hour"), Minute: 30, Zone: rapid.SampledFrom([]*time.Location{time.UTC, berlin}).Draw(rt, "zone")},
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(rt, "now"), 0)
		next := s.Next(now)
		require.True(rt, next.Due.After(now))
		due := s.Due(time.Time{}, now)
		require.True(rt, due[0].Until.Equal(next.Since), "%v follows %v", next, due[0])
		require.False(rt, due[0].Due.After(now))
	})
}
