package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/alert"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job/window"
	"shardadmin/internal/notify"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// world plays steps as the store does.
type world struct {
	now  time.Time
	rows []alert.Alert
	next int64
	told []string
}

func (w *world) step(after time.Duration, silences []alert.Silence, seen alert.Seen) {
	w.now = w.now.Add(after)
	open := []alert.Alert{}
	for _, a := range w.rows {
		if a.State != alert.Resolved {
			open = append(open, a)
		}
	}
	for _, c := range alert.Step(w.now, open, seen) {
		at := -1
		for i := range w.rows {
			if c.Alert.ID != 0 && w.rows[i].ID == c.Alert.ID {
				at = i
			}
		}
		switch {
		case c.Gone:
			w.rows = append(w.rows[:at:at], w.rows[at+1:]...)
		case at < 0:
			w.next++
			c.Alert.ID = w.next
			w.rows = append(w.rows, c.Alert)
		default:
			w.rows[at] = c.Alert
		}
	}
	for _, d := range alert.Due(w.now, w.rows, silences) {
		w.told = append(w.told, fmt.Sprintf("%d %s %s", d.ID, d.State, d.Severity))
		for i := range w.rows {
			if w.rows[i].ID == d.ID {
				w.rows[i].Told = d.Told
			}
		}
	}
}

func seen(list ...alert.Condition) alert.Seen {
	return alert.Seen{Conditions: list, Clear: func(string) time.Duration { return 10 * time.Second }}
}

func down(hold time.Duration) alert.Condition {
	return alert.Condition{Rule: "health.reachable", Subject: "a", Shard: "a", Severity: alert.Critical, Hold: hold}
}

func TestAnAlertFiresAfterItsHoldTimeAndIsToldOnceEachWay(t *testing.T) {
	t.Parallel()
	w := &world{now: start}
	w.step(0, nil, seen(down(20*time.Second)))
	require.Equal(t, alert.Pending, w.rows[0].State)
	w.step(19*time.Second, nil, seen(down(20*time.Second)))
	require.Equal(t, alert.Pending, w.rows[0].State)
	w.step(time.Second, nil, seen(down(20*time.Second)))
	require.Equal(t, alert.Firing, w.rows[0].State)
	require.Empty(t, w.told, "others may come with it")
	for range 10 {
		w.step(5*time.Second, nil, seen(down(20*time.Second)))
	}
	require.Equal(t, []string{"1 firing critical"}, w.told)
	w.step(time.Second, nil, seen())
	w.step(5*time.Second, nil, seen(down(0)))
	require.Nil(t, w.rows[0].ClearSince, "it came back before it was gone for long enough")
	w.step(time.Second, nil, seen())
	w.step(10*time.Second, nil, seen())
	require.Equal(t, alert.Resolved, w.rows[0].State)
	w.step(5*time.Second, nil, seen())
	w.step(5*time.Second, nil, seen())
	require.Equal(t, []string{"1 firing critical", "1 resolved critical"}, w.told)
}

func TestWhatNobodySeesStaysAndWhatIsNearBeginsNothing(t *testing.T) {
	t.Parallel()
	w := &world{now: start}
	near := down(0)
	near.Near = true
	w.step(0, nil, seen(near))
	require.Empty(t, w.rows)
	w.step(0, nil, seen(down(0)))
	blind := seen()
	blind.Unknown = func(alert.Alert) bool { return true }
	w.step(time.Hour, nil, blind)
	require.Equal(t, alert.Firing, w.rows[0].State)
	require.Nil(t, w.rows[0].ClearSince)
	w.step(time.Hour, nil, seen(near))
	require.Equal(t, alert.Firing, w.rows[0].State)
}

func TestASilenceTellsNobodyAndItsEndTellsOfWhatFiresStill(t *testing.T) {
	t.Parallel()
	quiet := []alert.Silence{{Shard: "a", Begins: start, Ends: start.Add(time.Minute)}}
	w := &world{now: start}
	w.step(0, quiet, seen(down(0)))
	w.step(30*time.Second, quiet, seen(down(0)))
	require.Empty(t, w.told)
	w.step(30*time.Second, quiet, seen(down(0)))
	require.Equal(t, []string{"1 firing critical"}, w.told)
	require.False(t, quiet[0].Covers(start, alert.Alert{Shard: "b"}))
	require.False(t, alert.Silence{Rule: "x", Begins: start, Ends: start.Add(time.Minute)}.Covers(start, alert.Alert{Rule: "y"}))

	ended := &world{now: start}
	ended.step(0, quiet, seen(down(0)))
	ended.step(10*time.Second, quiet, seen())
	ended.step(10*time.Second, quiet, seen())
	ended.step(time.Minute, quiet, seen())
	require.Empty(t, ended.told, "what began and ended in it is nobody's business")

	// The end of what was told before it waits for its end, too.
	before := &world{now: start.Add(-20 * time.Second)}
	before.step(0, nil, seen(down(0)))
	before.step(10*time.Second, nil, seen(down(0)))
	require.Equal(t, []string{"1 firing critical"}, before.told)
	for range 6 {
		before.step(10*time.Second, quiet, seen())
	}
	require.Equal(t, alert.Resolved, before.rows[0].State)
	require.Equal(t, []string{"1 firing critical"}, before.told)
	before.step(50*time.Second, quiet, seen())
	require.Equal(t, []string{"1 firing critical", "1 resolved critical"}, before.told)
}

func TestGroupingWaitsForWhatComesWithIt(t *testing.T) {
	t.Parallel()
	w := &world{now: start}
	other := down(0)
	other.Subject = "b"
	w.step(0, nil, seen(down(0)))
	w.step(2*time.Second, nil, seen(down(0), other))
	require.Empty(t, w.told)
	w.step(time.Second, nil, seen(down(0), other))
	require.Len(t, w.told, 2, "both at one time")
}

func TestAcknowledgedIsToldOnlyOfItsEnd(t *testing.T) {
	t.Parallel()
	w := &world{now: start}
	c := down(0)
	c.Severity = alert.Warning
	w.step(0, nil, seen(c))
	w.step(5*time.Second, nil, seen(c))
	w.rows[0].State = alert.Acknowledged
	w.step(5*time.Second, nil, seen(down(0)))
	require.Equal(t, []string{"1 firing warning"}, w.told)
	w.step(time.Second, nil, seen())
	w.step(10*time.Second, nil, seen())
	w.step(5*time.Second, nil, seen())
	require.Equal(t, []string{"1 firing warning", "1 resolved critical"}, w.told)
}

// Whatever happens, there is one open alert for a key, nothing fires before its hold
// time, nothing is told twice in one way, and no end is told without a beginning.
func TestAnyHistoryKeepsThePromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := &world{now: start}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			list := []alert.Condition{}
			for _, subject := range []string{"a", "b"} {
				if rapid.Bool().Draw(r, "seen") {
					list = append(list, alert.Condition{
						Rule: "r", Subject: subject, Shard: subject, Hold: 10 * time.Second, Near: rapid.Bool().Draw(r, "near"),
						Severity: rapid.SampledFrom([]string{alert.Warning, alert.Critical}).Draw(r, "severity"),
					})
				}
			}
			s := seen(list...)
			blind := rapid.Bool().Draw(r, "blind")
			s.Unknown = func(alert.Alert) bool { return blind }
			silences := []alert.Silence{}
			if rapid.Bool().Draw(r, "silent") {
				silences = append(silences, alert.Silence{Begins: start, Ends: start.Add(time.Hour)})
			}
			w.step(time.Duration(rapid.IntRange(0, 15).Draw(r, "seconds"))*time.Second, silences, s)
			open := map[string]bool{}
			for _, a := range w.rows {
				if a.State == alert.Resolved {
					continue
				}
				if open[a.Key()] {
					r.Fatalf("two open alerts for %s", a.Key())
				}
				open[a.Key()] = true
				if a.State == alert.Firing && a.FiredAt.Sub(a.Since) < 10*time.Second {
					r.Fatalf("fired after %s", a.FiredAt.Sub(a.Since))
				}
			}
		}
		last := map[string]bool{}
		for _, line := range w.told {
			if last[line] {
				r.Fatalf("told twice: %s in %v", line, w.told)
			}
			last[line] = true
			var id int
			var state, severity string
			_, _ = fmt.Sscan(line, &id, &state, &severity)
			if state == "resolved" && !last[fmt.Sprintf("%d firing warning", id)] && !last[fmt.Sprintf("%d firing critical", id)] {
				r.Fatalf("an end without a beginning: %v", w.told)
			}
		}
	})
}

// A channel has each alert as it was told last, and the end only where it was told of the
// beginning, whether it hears of all at once or of each by itself.
func TestAChannelThatHearsLateHearsOfWhatStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		c := fleet.Channel{Name: "hook", Severity: rapid.SampledFrom([]string{alert.Info, alert.Warning, alert.Critical}).Draw(r, "severity"), Events: []string{"r"}}
		told := []alert.Told{}
		for id := int64(1); id <= 3; id++ {
			before, rule := "", rapid.SampledFrom([]string{"r", "r.more", "other"}).Draw(r, "rule")
			for _, severity := range rapid.SampledFrom([][]string{{alert.Warning}, {alert.Critical}, {alert.Info, alert.Warning}, {alert.Warning, alert.Critical}}).Draw(r, "course") {
				told = append(told, alert.Told{Item: notify.Item{ID: id, Rule: rule, Severity: severity, State: "firing"}, Before: before})
				before = severity
			}
			if rapid.Bool().Draw(r, "over") {
				told = append(told, alert.Told{Item: notify.Item{ID: id, Rule: rule, Severity: before, State: "resolved"}, Before: before})
			}
		}
		cut := rapid.IntRange(0, len(told)).Draw(r, "cut")
		for _, parts := range [][][]alert.Told{{told}, {told[:cut], told[cut:]}} {
			stands := map[int64]string{} // as the receiver has it
			for _, part := range parts {
				for _, i := range alert.For(c, part) {
					if _, begun := stands[i.ID]; i.State == "resolved" && !begun {
						r.Fatalf("an end without a beginning: %v", told)
					}
					if stands[i.ID] = i.Severity; i.State == "resolved" {
						delete(stands, i.ID)
					}
				}
			}
			want := map[int64]string{}
			for _, x := range told {
				if !c.Wants(x.Rule) || alert.Rank(x.Severity) < alert.Rank(c.Severity) {
					continue
				}
				if want[x.ID] = x.Severity; x.State == "resolved" {
					delete(want, x.ID)
				}
			}
			require.Equal(r, want, stands)
		}
	})
	one := []alert.Told{{Item: notify.Item{ID: 1, Rule: "r", Severity: alert.Warning, State: "firing"}}, {Item: notify.Item{ID: 1, Rule: "r", Severity: alert.Warning, State: "resolved"}, Before: alert.Warning}}
	require.Empty(t, alert.For(fleet.Channel{}, one), "it began and ended meanwhile")
	require.Len(t, alert.For(fleet.Channel{}, one[1:]), 1)
}

func TestDelayGrowsAndHeedsTheReceiver(t *testing.T) {
	t.Parallel()
	require.Equal(t, 5*time.Second, alert.Delay(1, 0))
	require.Equal(t, 10*time.Second, alert.Delay(2, 0))
	require.Equal(t, 30*time.Minute, alert.Delay(50, 0))
	require.Equal(t, time.Hour, alert.Delay(1, time.Hour))
}

func TestASilenceThatComesAgainHoldsInItsWindows(t *testing.T) {
	t.Parallel()
	every, err := window.Parse("sun 02:00-04:00 Europe/Berlin")
	require.NoError(t, err)
	sunday := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC) // 02:00 in Berlin
	s := alert.Silence{Shard: "shard_1", Begins: sunday.AddDate(0, 0, -1), Ends: sunday.AddDate(0, 0, 10), Every: every}
	a := alert.Alert{Rule: "health.vacuum", Shard: "shard_1"}
	for at, covers := range map[time.Time]bool{
		sunday.Add(-time.Minute): false, sunday: true, sunday.Add(2*time.Hour - time.Second): true, sunday.Add(2 * time.Hour): false,
		sunday.AddDate(0, 0, 7): true, sunday.AddDate(0, 0, 14): false, sunday.AddDate(0, 0, -7): false, sunday.AddDate(0, 0, 1): false,
	} {
		require.Equal(t, covers, s.Covers(at, a), at)
	}
	s.Unread = true
	require.False(t, s.Covers(sunday, a), "who cannot read the windows tells people")
	s = alert.Silence{Begins: sunday, Ends: sunday.Add(time.Hour)}
	require.True(t, s.Covers(sunday.Add(time.Minute), a), "without windows it holds all the time")
}

// What ails a server of several shards is silent while the server is, or all of its
// shards; who silences one wants to hear of what ails the others.
func TestAServersAlertIsSilentWithAllOfItsShards(t *testing.T) {
	t.Parallel()
	server := alert.Alert{ID: 1, Rule: "health.connections", Subject: "db:5432", Shard: "a", Severity: alert.Critical, State: alert.Firing, FiredAt: &start, Of: []string{"a", "b", "c"}}
	on := func(shard, rule string) alert.Silence {
		return alert.Silence{Shard: shard, Rule: rule, Begins: start, Ends: start.Add(time.Hour)}
	}
	over := on("c", "")
	over.Ends = start
	for name, c := range map[string]struct {
		list   []alert.Silence
		silent bool
	}{
		"nothing":                      {nil, false},
		"the first shard":              {[]alert.Silence{on("a", "")}, false},
		"another one":                  {[]alert.Silence{on("b", "")}, false},
		"all but one":                  {[]alert.Silence{on("a", ""), on("c", "")}, false},
		"one of them is over":          {[]alert.Silence{on("a", ""), on("b", ""), over}, false},
		"one of them by another rule":  {[]alert.Silence{on("a", ""), on("b", ""), on("c", "health.slots")}, false},
		"all of them":                  {[]alert.Silence{on("a", ""), on("c", ""), on("b", "health.connections")}, true},
		"the server":                   {[]alert.Silence{on("db:5432", "")}, true},
		"the server, another rule":     {[]alert.Silence{on("db:5432", "health.slots")}, false},
		"another server":               {[]alert.Silence{on("db:5433", "")}, false},
		"the fleet":                    {[]alert.Silence{on("", "")}, true},
		"the fleet, and all by a rule": {[]alert.Silence{on("", "health.connections")}, true},
	} {
		require.Equal(t, c.silent, alert.Silenced(start, server, c.list), name)
		due := alert.Due(start.Add(time.Minute), []alert.Alert{server}, c.list)
		require.Equal(t, c.silent, len(due) == 0, name)
	}
	alone := server
	alone.Of = nil
	require.True(t, alert.Silenced(start, alone, []alert.Silence{on("a", "")}), "a server of one shard is that shard")
}
