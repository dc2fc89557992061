package window_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// drawn is a window as a person may write it, and what it means.
type drawn struct {
	text, zone string
	days       []int32 // as PostgreSQL counts them: 0 is Sunday
	from, to   int
}

func text(list []drawn) string {
	parts := []string{}
	for _, w := range list {
		parts = append(parts, w.text)
	}
	return strings.Join(parts, "; ")
}

func windows() *rapid.Generator[[]drawn] { return rapid.SliceOfN(rapid.Custom(draw), 1, 3) }

func draw(t *rapid.T) drawn {
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	w := drawn{zone: zone().Draw(t, "zone")}
	day := rapid.Int32Range(0, 6)
	on := []string{}
	for range rapid.IntRange(1, 3).Draw(t, "days") {
		first := day.Draw(t, "day")
		w.days = append(w.days, first)
		name := names[first]
		if rapid.Bool().Draw(t, "ranged") {
			last := day.Draw(t, "last")
			name += "-" + names[last]
			for d := first; d != last; {
				d = (d + 1) % 7
				w.days = append(w.days, d)
			}
		}
		on = append(on, name)
	}
	if rapid.IntRange(0, 5).Draw(t, "daily") == 0 {
		on, w.days = []string{"daily"}, []int32{0, 1, 2, 3, 4, 5, 6}
	}
	w.from = rapid.IntRange(0, 24*60-1).Draw(t, "from")
	w.to = rapid.IntRange(0, 24*60).Filter(func(n int) bool { return n != w.from }).Draw(t, "to")
	w.text = fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", strings.Join(on, ","), w.from/60, w.from%60, w.to/60, w.to%60, w.zone)
	return w
}

// zone draws a time zone: with summer time, without, with one of half an hour,
// with one that begins at midnight, and on both sides of the date line.
func zone() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago",
	})
}

// moment draws a moment, often near one at which clocks are set.
func moment() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		from := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
		if rapid.Bool().Draw(t, "any") {
			return from.Add(time.Duration(rapid.Int64Range(0, 3*366*24*3600).Draw(t, "second")) * time.Second)
		}
		near := rapid.SampledFrom([]string{"2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z", "2025-03-09T07:00:00Z", "2025-11-02T06:00:00Z", "2025-04-05T15:00:00Z", "2025-10-04T15:30:00Z", "2025-03-09T05:00:00Z", "2025-11-02T05:00:00Z"})
		at, _ := time.Parse(time.RFC3339, near.Draw(t, "near"))
		return at.Add(time.Duration(rapid.IntRange(-3*3600, 3*3600).Draw(t, "off")) * time.Second)
	})
}
