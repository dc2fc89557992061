package rowcopy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/twoshards"
)

// sight is what a gauge shows at a moment.
type sight struct {
	Reading
	probe time.Duration
}

// moment is when the copy began, once it has.
type moment struct{ at atomic.Pointer[time.Time] }

func (m *moment) begin() {
	now := time.Now()
	m.at.Store(&now)
}

func (m *moment) set() bool            { return m.at.Load() != nil }
func (m *moment) since() time.Duration { return time.Since(*m.at.Load()) }

// script is a gauge that reads what is written for a time since the copy began;
// nil is what cannot be read.
type script struct {
	name  string
	began *moment
	at    func(time.Duration) *sight
}

func (s script) Name() string { return s.name }

func (s script) see() (sight, error) {
	at := time.Duration(-1)
	if s.began.set() {
		at = s.began.since()
	}
	if r := s.at(at); r != nil {
		return *r, nil
	}
	return sight{}, errors.New("unheard")
}

func (s script) Probe(context.Context) (time.Duration, error) {
	r, err := s.see()
	return r.probe, err
}

func (s script) Look(context.Context) (Reading, error) {
	r, err := s.see()
	return r.Reading, err
}

func probe(d time.Duration) *sight { return &sight{probe: d} }

func behind(seconds float64) *sight {
	return &sight{Reading{Standby: "s", Lag: time.Duration(seconds * float64(time.Second))}, time.Millisecond}
}

func work(n, processors int) *sight {
	return &sight{Reading{Work: n, Processors: processors}, time.Millisecond}
}

// others are at work, and a probe takes that long.
func others(d time.Duration) *sight { return &sight{Reading{Others: 1}, d} }

// during gives one reading between two moments of the copy, in seconds, and
// another before and after.
func during(from, to float64, in, out *sight) func(time.Duration) *sight {
	return func(at time.Duration) *sight {
		if s := at.Seconds(); s >= from && s < to {
			return in
		}
		return out
	}
}

// Every rule, by what the servers show and when: which decisions follow, and at
// which second of the copy.
func TestEveryRuleOfTheGovernor(t *testing.T) {
	t.Parallel()
	ms, calm := time.Millisecond, probe(time.Millisecond)
	slow := "a answers a small probe in 120 ms (95 of 100), before in 1.0 ms"
	for name, c := range map[string]struct {
		a, b    func(time.Duration) *sight
		streams int
		until   float64
		want    []string
	}{
		"nothing felt":                     {a: during(0, 0, nil, calm), until: 60},
		"one slow probe of twenty":         {a: during(3, 3.5, probe(900*ms), calm), until: 60},
		"slower by less than 100 ms":       {a: during(0, 60, probe(100900*time.Microsecond), calm), until: 60},
		"slower, but not twice as slow":    {a: during(0, 60, probe(390*ms), probe(200*ms)), until: 60},
		"slow before the copy as well":     {a: func(time.Duration) *sight { return probe(300 * ms) }, until: 60},
		"just twice as slow":               {a: during(3, 60, probe(240*ms), probe(120*ms)), until: 5, want: []string{"3.5: 2 of 4 streams: a answers a small probe in 240 ms (95 of 100), before in 120 ms"}},
		"sessions, as many as may be":      {a: during(0, 60, work(4, 2), calm), until: 60},
		"sessions, processors not seen":    {a: during(0, 60, work(400, 0), calm), until: 60},
		"sessions, for less than 2 s":      {a: during(3, 4.5, work(5, 2), calm), until: 60},
		"sessions, for 2 s":                {a: during(3, 5, work(5, 2), calm), until: 9, want: []string{"4.5: 2 of 4 streams: 5 sessions are at work on 2 processors of a"}},
		"a standby that is not yet behind": {a: during(0, 60, behind(4.9), calm), until: 60},
		"probes slow for half a minute": {
			a: during(3, 30, probe(120*ms), calm), until: 120,
			// They stay among the last twenty until 38.5.
			want: []string{"3.5: 2 of 4 streams: " + slow, "13.5: 1 of 4 streams: " + slow, "43.5: 2 of 4 streams again", "48.5: 3 of 4 streams again", "53.5: all 4 streams again"},
		},
		"a standby is behind": {
			a: during(0, 0, nil, calm), b: during(2, 15, behind(6), behind(0)), until: 60,
			want: []string{"2.0: 2 of 4 streams: s of b is 6.0 s behind", "12.0: 1 of 4 streams: s of b is 6.0 s behind", "19.5: 2 of 4 streams again", "24.5: 3 of 4 streams again", "29.5: all 4 streams again"},
		},
		"a standby is far behind": {
			a: func(at time.Duration) *sight {
				switch s := at.Seconds(); {
				case s < 2:
					return behind(1)
				case s < 4:
					return behind(31)
				case s < 30:
					return behind(15)
				case s < 35:
					return behind(14)
				}
				return behind(0)
			}, until: 52,
			want: []string{"2.0: no new part is begun: s of a is 31 s behind", "30.0: 1 of 4 streams: s of a is 14 s behind", "39.5: 2 of 4 streams again", "44.5: 3 of 4 streams again", "49.5: all 4 streams again"},
		},
		"both feel it": {
			a: during(3, 60, probe(30*ms), calm), b: during(3, 60, behind(7), calm), until: 4,
			want: []string{"3.0: 2 of 4 streams: s of b is 7.0 s behind"},
		},
		"it bears two streams and not three": {
			// A standby is behind for a second each time that a third one came.
			a: func(at time.Duration) *sight {
				for _, third := range []float64{0, 6, 26, 56} {
					if s := at.Seconds(); s >= third && s < third+1 {
						return behind(5)
					}
				}
				return behind(0)
			}, until: 100,
			want: []string{
				"0.5: 2 of 4 streams: s of a is 5.0 s behind", "5.5: 3 of 4 streams again",
				// After a halving it is not halved again for ten seconds.
				"11.5: all 4 streams again", "26.0: 2 of 4 streams: s of a is 5.0 s behind", "36.5: 3 of 4 streams again", "46.5: all 4 streams again",
				"56.0: 2 of 4 streams: s of a is 5.0 s behind", "76.5: 3 of 4 streams again", "96.5: all 4 streams again",
			},
		},
		"what cannot be read is not calm": {
			a: during(2, 2.5, behind(5), calm), b: during(4, 20, nil, calm), until: 28,
			want: []string{"2.0: 2 of 4 streams: s of a is 5.0 s behind", "24.5: 3 of 4 streams again"},
		},
		"a server that is far behind and then unheard": {
			a: func(at time.Duration) *sight {
				switch s := at.Seconds(); {
				case s < 2:
					return calm
				case s < 3:
					return behind(31)
				}
				return nil
			}, until: 60,
			want: []string{"2.0: no new part is begun: s of a is 31 s behind", "3.0: 1 of 4 streams again"},
		},
		"a server that is never heard": {a: during(0, 0, nil, nil), b: during(2, 60, behind(5), calm), until: 4, want: []string{"2.0: 2 of 4 streams: s of b is 5.0 s behind"}},
		"others at work, who feel nothing": {
			a: func(time.Duration) *sight { return others(time.Millisecond) }, until: 60,
			want: []string{
				"0.0: one stream, at work for 10 % of the time: others are at work, it begins slowly", "1.0: one stream, at work for 20 % of the time again",
				"2.0: one stream, at work for 40 % of the time again", "3.0: one stream, at work for 80 % of the time again", "4.0: 1.6 of 4 streams again", "5.0: 3.2 of 4 streams again", "6.0: all 4 streams again",
			},
		},
		"others at work, who feel it": {
			a: func(at time.Duration) *sight {
				if at < 0 {
					return others(time.Millisecond)
				}
				return others(3 * time.Millisecond)
			}, until: 15,
			want: []string{
				"0.0: one stream, at work for 10 % of the time: others are at work, it begins slowly",
				"0.2: one stream, at work for 6 % of the time: a answers a small probe in 3.0 ms (95 of 100), before in 1.0 ms",
				"0.4: one stream, at work for 5 % of the time: a answers a small probe in 3.0 ms (95 of 100), before in 1.0 ms",
			},
		},
		"hardly anybody is at work, and a probe takes a millisecond more": {
			a: func() func(time.Duration) *sight {
				n := 0
				return func(at time.Duration) *sight {
					n++
					one := sight{probe: time.Millisecond}
					if at >= 0 {
						one.probe = 1900 * time.Microsecond
					}
					if at < 0 && n%8 == 4 || at >= 0 && at/(500*time.Millisecond)%4 == 1 {
						one.Others = 1
					}
					return &one
				}
			}(), until: 20,
			want: []string{
				"0.0: one stream, at work for 10 % of the time: others are at work, it begins slowly", "1.0: one stream, at work for 20 % of the time again",
				"2.0: one stream, at work for 40 % of the time again", "3.0: one stream, at work for 80 % of the time again", "4.0: 1.6 of 4 streams again", "5.0: 3.2 of 4 streams again", "6.0: all 4 streams again",
			},
		},
		"others come later": {
			a: during(5, 60, others(time.Millisecond), calm), until: 8,
			want: []string{
				"5.0: one stream, at work for 10 % of the time: others are at work, it begins slowly",
				// Half a second goes by for the level.
				"6.5: one stream, at work for 20 % of the time again", "7.5: one stream, at work for 40 % of the time again",
			},
		},
		"others come while a standby is far behind": {
			a: func(at time.Duration) *sight {
				switch s := at.Seconds(); {
				case s < 2:
					return calm
				case s < 10:
					return behind(31)
				}
				return calm
			}, b: during(5, 60, others(time.Millisecond), calm), until: 11.5,
			want: []string{"2.0: no new part is begun: s of a is 31 s behind", "10.2: 1 of 4 streams again"},
		},
		"one slow probe after others are gone": {
			a: func(at time.Duration) *sight {
				if at >= 25*time.Second && at < 25700*time.Millisecond {
					return probe(900 * time.Millisecond)
				}
				return during(-2, 0.3, others(time.Millisecond), calm)(at)
			}, until: 40,
			want: []string{
				"0.0: one stream, at work for 10 % of the time: others are at work, it begins slowly", "1.0: one stream, at work for 20 % of the time again",
				"2.0: one stream, at work for 40 % of the time again", "3.0: one stream, at work for 80 % of the time again", "4.0: 1.6 of 4 streams again", "5.0: 3.2 of 4 streams again", "6.0: all 4 streams again",
			},
		},
		"others go": {
			a: during(-2, 0.3, others(time.Millisecond), probe(2*time.Millisecond)), until: 40,
			want: []string{
				"0.0: one stream, at work for 10 % of the time: others are at work, it begins slowly",
				"0.4: one stream, at work for 6 % of the time: a answers a small probe in 2.0 ms (95 of 100), before in 1.0 ms",
				"0.6: one stream, at work for 5 % of the time: a answers a small probe in 2.0 ms (95 of 100), before in 1.0 ms",
				// Soon hardly anybody was at work lately; after 20 s nobody is.
				"9.2: one stream, at work for 6 % of the time again", "11.2: one stream, at work for 8 % of the time again", "13.2: one stream, at work for 11 % of the time again",
				"17.5: one stream, at work for 14 % of the time again", "19.5: one stream, at work for 19 % of the time again", "21.2: one stream, at work for 37 % of the time again",
				"22.2: one stream, at work for 74 % of the time again", "23.2: 1 of 4 streams again", "23.7: 2 of 4 streams again", "28.7: 3 of 4 streams again", "33.7: all 4 streams again",
			},
		},
		"one stream is left": {
			a: during(2, 60, behind(5), calm), streams: 3, until: 60,
			want: []string{"2.0: 1 of 3 streams: s of a is 5.0 s behind"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var began moment
				if c.b == nil {
					c.b = during(0, 0, nil, calm)
				}
				if c.streams == 0 {
					c.streams = 4
				}
				got := []string{}
				var lost []string
				g := Govern(t.Context(), c.streams, Rules{}, []Gauge{script{"a", &began, c.a}, script{"b", &began, c.b}}, func(d Decision) {
					at := 0.0
					if began.set() {
						at = began.since().Seconds()
					}
					got = append(got, fmt.Sprintf("%.1f: %s", at, d))
				}, func(shard string, err error) { lost = append(lost, shard+" "+err.Error()) })
				began.begin()
				time.Sleep(time.Duration(c.until*float64(time.Second)) + time.Millisecond)
				g.Close()
				require.Equal(t, append([]string{}, c.want...), got)
				if c.a(-1) == nil {
					require.Equal(t, []string{"a unheard"}, lost)
				} else {
					require.Empty(t, lost)
				}
			})
		})
	}
}

// Others feel every work of more than a third of a stream: the copy settles below
// that, whatever chance makes of the probes, and is at work all the time.
func TestACopyFindsTheSpeedThatOthersBear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules       Rules
		least, most float64
	}{
		"a usual tenant": {Rules{Bytes: 1 << 30}, 0.1, 0.5},
		"a large one, whose snapshot would be felt too": {Rules{Bytes: 36 << 30}, 1, 1.7},
		"one that is waited for":                        {Rules{Least: 1}, 1, 1.7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g *Governor
				var began moment
				random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
				at := func(since time.Duration) *sight {
					took := 900*time.Microsecond + time.Duration(random.ExpFloat64()*50*float64(time.Microsecond))
					if since >= 0 && copies(g) > 0.35 {
						took += 400 * time.Microsecond
					}
					return others(took)
				}
				g = Govern(t.Context(), 4, c.rules, []Gauge{script{"a", &began, at}}, func(Decision) {}, func(string, error) {})
				began.begin()
				sum, n := 0.0, 0
				for range 600 {
					time.Sleep(time.Second)
					sum, n = sum+g.pace.now(), n+1
				}
				g.Close()
				require.GreaterOrEqual(t, sum/float64(n), c.least)
				require.Less(t, sum/float64(n), c.most)
			})
		})
	}
}

// copies is how fast a copy is just now.
func copies(g *Governor) float64 {
	g.pace.mu.Lock()
	defer g.pace.mu.Unlock()
	if g.pace.resting || g.pace.nothing {
		return 0
	}
	return g.pace.speed
}

// A stream that is to be at work for a part of the time rests after each piece, and
// nobody works in its place; at full speed nobody rests.
func TestStreamsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := Govern(t.Context(), 2, Rules{}, nil, nil, nil)
		defer g.Close()
		// worked is for how long pieces of some length were worked at in a while, all
		// together.
		worked := func(piece, while time.Duration) (sum time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), while)
			defer cancel()
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for {
						done, err := g.Turn(ctx)
						if err != nil {
							return
						}
						time.Sleep(piece)
						mu.Lock()
						sum += piece
						mu.Unlock()
						if done() != nil {
							return
						}
					}
				})
			}
			all.Wait()
			return sum
		}
		require.InDelta(t, 20, worked(10*time.Millisecond, 10*time.Second).Seconds(), 0.1)
		require.False(t, g.Gentle())
		for _, speed := range []float64{0.05, 0.5, 1, 1.5} {
			g.follow(Decision{Speed: speed, Of: 2})
			require.InEpsilon(t, 10*speed, worked(10*time.Millisecond, 10*time.Second).Seconds(), 0.1)
			require.True(t, g.Gentle())
		}
		// A piece that could not be short is not made up for by an hour of rest.
		g.follow(Decision{Speed: 0.05, Of: 2})
		require.Equal(t, 30*time.Second, worked(10*time.Second, 35*time.Second))
		for _, stop := range []func(){func() { g.follow(Decision{Of: 2}) }, func() { g.follow(Decision{Speed: 2, Of: 2}); g.pace.rest(true) }} {
			stop()
			require.Zero(t, worked(time.Millisecond, time.Second))
		}
		g.pace.rest(false)
		require.InDelta(t, 2, worked(time.Millisecond, time.Second).Seconds(), 0.1)
		g.pace.rest(true)
		g.follow(Decision{Speed: 0.05, Of: 2})
		g.Hurry()
		require.False(t, g.Gentle())
		require.InDelta(t, 4, worked(time.Millisecond, time.Second).Seconds(), 0.1)
		var nobody *Governor
		nobody.Hurry()
		done, err := nobody.Turn(t.Context())
		require.NoError(t, err)
		require.NoError(t, done())
	})
}

// A governor waits for parts to end: they are short.
func TestPartsAreShorterUnderAGovernor(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE owners (id int PRIMARY KEY, shard text); CREATE TABLE numbers (id int PRIMARY KEY, owner_id int NOT NULL);"
	pair := twoshards.Open(t, table+"INSERT INTO numbers SELECT n, 1 FROM generate_series(1, 10000) n; ANALYZE", table)
	j := Job{Source: pair.Here, Map: pair.Map, Tenant: "1", Tables: pair.Map.Moving(), Streams: 4, Bytes: map[string]int64{"numbers": 100 * partBytes}}
	for most, g := range map[int]*Governor{16: nil, 100: {}} {
		j.Governor = g
		parts, err := cut(t.Context(), j)
		require.NoError(t, err)
		require.Len(t, parts["numbers"], most)
	}
	j.Bytes["numbers"] *= 100
	parts, err := cut(t.Context(), j)
	require.NoError(t, err)
	require.LessOrEqual(t, len(parts["numbers"]), 256)
}

func TestProcessorsAreCountedAsLinuxListsThem(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{"0\n": 1, "0-1\n": 2, "0-3,6,8-9\n": 7, "": 0, "all": 0, "3-1": 0} {
		require.Equal(t, want, processorsOf(list), list)
	}
}
