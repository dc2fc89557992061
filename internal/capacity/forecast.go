package capacity

import (
	"math"
	"slices"
	"time"
)

const (
	// least is how many days a forecast needs, recent and long how many it looks at.
	least, recent, long = 7, 30, 90
	// odd is how many median distances from the usual step make a level shift.
	odd = 6
	// growthLeast is which part of the variance from day to day is growth's at least.
	growthLeast = 8
	// sure is the quantile for nine of ten, Student's for thirty and not the normal one:
	// how much sizes vary is itself estimated, from the days of a month.
	sure = 1.70
	// Horizon is how many days ahead is said anything.
	Horizon = 730
)

// Point is the size at a time, in bytes.
type Point struct {
	At    time.Time
	Bytes float64
}

// Shift is a change of the level that is no growth, such as a tenant that came, with
// more bytes, or went, with fewer, without our doing.
type Shift struct {
	At    time.Time
	Bytes float64
}

// State says what a forecast is worth.
type State string

// The states.
const (
	// TooShort is a history of fewer than seven days, or of fewer in the last thirty.
	TooShort State = "too_short"
	// Steady has no growth that can be told from none.
	Steady State = "steady"
	// Growing is what it says, Changing that growth has become another lately.
	Growing  State = "growing"
	Changing State = "changing"
	// Shrinking is what it says.
	Shrinking State = "shrinking"
)

// Slope is a growth in bytes a day, with the range that holds the true one nine
// times of ten.
type Slope struct{ PerDay, From, To float64 }

// Forecast is how a database grows.
type Forecast struct {
	State State
	// Days is for how many days sizes are known.
	Days int
	// Recent is the growth of 30 days, Long of 90, as far as the history goes; both
	// are zero where it is too short.
	Recent, Long Slope
	// Shifts are those that were found beside the known ones.
	Shifts []Shift
	// Soonest and Latest are the days until the capacity is reached: nil where there is
	// no capacity or no growth, Latest also where the slowest growth takes more than two
	// years. Full is true where it is reached already.
	Soonest, Latest *float64
	Full            bool
}

// Make makes the forecast of a database. Points may come in any order and number;
// the last of each day counts. Moved are the times at which we brought rows there or
// deleted some: what a move does to a database's size is known from the step of that
// day alone, since indexes come on top and deleted rows leave their space behind.
// Capacity is in bytes, 0 where nobody said.
func Make(points []Point, moved []time.Time, capacity float64) Forecast {
	days := daily(points)
	f := Forecast{State: TooShort, Days: len(days), Shifts: []Shift{}}
	if len(days) < least || len(last(days, recent)) < least {
		return f
	}
	// What is there now, with all that came and went.
	level := slices.MaxFunc(points, func(a, b Point) int { return a.At.Compare(b.At) }).Bytes
	f.Shifts = straighten(days, moved)
	noise := noiseOf(days)
	f.Recent = slope(last(days, recent), noise)
	f.Long = slope(last(days, long), noise)
	counts := f.Recent
	switch a, b := f.Recent.PerDay, f.Long.PerDay; {
	case f.Recent.To < 0:
		f.State = Shrinking
	case f.Recent.From <= 0:
		f.State = Steady
	case len(days) >= 2*recent && (a > 2*b || b > 2*a):
		f.State = Changing
		if b > a {
			counts = f.Long
		}
	default:
		f.State = Growing
	}
	if capacity <= 0 {
		return f
	}
	if room := capacity - level; room <= 0 {
		f.Full = true
	} else if counts.To > 0 && f.State != Shrinking {
		// Of what may be no growth at all the soonest is still worth knowing.
		if soonest := room / counts.To; soonest <= Horizon {
			f.Soonest = &soonest
		}
		if latest := room / counts.From; counts.From > 0 && latest <= Horizon {
			f.Latest = &latest
		}
	}
	return f
}

// daily takes the last size of each day.
func daily(points []Point) []Point {
	byDay := map[int64]Point{}
	for _, p := range points {
		day := p.At.Unix() / 86400
		if q, ok := byDay[day]; !ok || p.At.After(q.At) {
			byDay[day] = p
		}
	}
	out := make([]Point, 0, len(byDay))
	for _, p := range byDay {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Point) int { return a.At.Compare(b.At) })
	return out
}

// straighten takes level shifts out of days and returns those that are not our
// doing. A step over several days is that of each of them.
func straighten(days []Point, moved []time.Time) []Shift {
	steps := make([]float64, len(days)-1)
	for i := range steps {
		steps[i] = (days[i+1].Bytes - days[i].Bytes) / gap(days[i], days[i+1])
	}
	usual := median(steps)
	away := make([]float64, len(steps))
	for i, s := range steps {
		away[i] = math.Abs(s - usual)
	}
	limit := odd * median(away)
	found, off := []Shift{}, 0.0
	for i, s := range steps {
		ours := slices.ContainsFunc(moved, func(t time.Time) bool { return t.After(days[i].At) && !t.After(days[i+1].At) })
		// Sizes that hardly ever change have no usual distance: a page is no shift.
		strange := math.Abs(s-usual) > math.Max(limit, 1<<20)
		if ours || strange {
			by := (s - usual) * gap(days[i], days[i+1])
			off += by
			if !ours {
				found = append(found, Shift{At: days[i+1].At, Bytes: by})
			}
		}
		days[i+1].Bytes -= off
	}
	return found
}

// gap is how many days lie between two points.
func gap(a, b Point) float64 { return math.Max(b.At.Sub(a.At).Hours()/24, 1.0/24) }

// last are the points of so many days before the last one.
func last(days []Point, n int) []Point {
	from := days[len(days)-1].At.Add(-time.Duration(n) * 24 * time.Hour)
	i, _ := slices.BinarySearchFunc(days, from, func(p Point, t time.Time) int { return p.At.Compare(t) })
	return days[i:]
}

// noise is how much sizes vary: by readings that are off, and by growth that goes up
// and down. Both are deviations in bytes.
type noise struct{ reading, growth float64 }

// noiseOf tells the two apart: readings that are off are as far off after a week as
// after a day, growth is not. A few weeks tell that badly, so that a part of what
// changes from day to day is always taken for growth's.
func noiseOf(days []Point) noise {
	day, week := spread(days, 1), spread(days, 7)
	growth := math.Max(day/growthLeast, (week-day)/6)
	return noise{reading: math.Sqrt(math.Max(0, (day-growth)/2)), growth: math.Sqrt(growth)}
}

// spread is the variance of the change over so many days, by the median.
func spread(days []Point, n int) float64 {
	list := []float64{}
	for i := n; i < len(days); i++ {
		list = append(list, days[i].Bytes-days[i-n].Bytes)
	}
	if len(list) < 3 {
		return 0
	}
	m := median(list)
	for i := range list {
		list[i] = math.Abs(list[i] - m)
	}
	d := 1.4826 * median(list) // of a normal distribution
	return d * d
}

// slope is the median of the slopes between all pairs, with its range.
func slope(days []Point, v noise) Slope {
	n := len(days)
	list := make([]float64, 0, n*(n-1)/2)
	for i := range days {
		for j := i + 1; j < n; j++ {
			list = append(list, (days[j].Bytes-days[i].Bytes)/gap(days[i], days[j]))
		}
	}
	slices.Sort(list)
	out := Slope{PerDay: middle(list)}
	// Kendall: by how many pairs the rank of the true slope may be off.
	off := sure * math.Sqrt(float64(n*(n-1)*(2*n+5))/18)
	rank := func(r float64) float64 { return list[min(max(int(r), 0), len(list)-1)] }
	out.From, out.To = rank(math.Floor((float64(len(list))-off)/2)), rank(math.Ceil((float64(len(list))+off)/2))
	// The slope over n days of growth that varies by day, and of readings that do.
	d := sure * math.Sqrt(v.growth*v.growth*6/(5*float64(n))+v.reading*v.reading*12/math.Pow(float64(n), 3))
	out.From, out.To = math.Min(out.From, out.PerDay-d), math.Max(out.To, out.PerDay+d)
	return out
}

func median(list []float64) float64 {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return middle(sorted)
}

// middle is the median of a sorted list.
func middle(sorted []float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
