package rowcopy

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/twoshards"
)

// script is a gauge that reads what is written for a time since the copy began;
// nil is what cannot be read.
type script struct {
	name  string
	began *time.Time
	at    func(time.Duration) *Reading
}

func (s script) Name() string { return s.name }

func (s script) Read(context.Context) (Reading, error) {
	at := time.Duration(-1)
	if !s.began.IsZero() {
		at = time.Since(*s.began)
	}
	if r := s.at(at); r != nil {
		return *r, nil
	}
	return Reading{}, errors.New("unheard")
}

func probe(d time.Duration) *Reading { return &Reading{Probe: d} }

func behind(seconds float64) *Reading {
	return &Reading{Probe: time.Millisecond, Standby: "s", Lag: time.Duration(seconds * float64(time.Second))}
}

func work(n, processors int) *Reading {
	return &Reading{Probe: time.Millisecond, Work: n, Processors: processors}
}

// during gives one reading between two moments of the copy, in seconds, and
// another before and after.
func during(from, to float64, in, out *Reading) func(time.Duration) *Reading {
	return func(at time.Duration) *Reading {
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
	slow := "a answers a small read in 10 ms (95 of 100), before the copy in 1.0 ms"
	for name, c := range map[string]struct {
		a, b    func(time.Duration) *Reading
		streams int
		until   float64
		want    []string
	}{
		"nothing felt":                     {a: during(0, 0, nil, calm), until: 60},
		"one slow probe of twenty":         {a: during(3, 3.5, probe(900*ms), calm), until: 60},
		"slower by less than 5 ms":         {a: during(0, 60, probe(5900*time.Microsecond), calm), until: 60},
		"slower, but not twice as slow":    {a: during(0, 60, probe(39*ms), probe(20*ms)), until: 60},
		"slow before the copy as well":     {a: func(time.Duration) *Reading { return probe(300 * ms) }, until: 60},
		"just twice as slow":               {a: during(3, 60, probe(40*ms), probe(20*ms)), until: 5, want: []string{"3.5: 2 of 4 streams: a answers a small read in 40 ms (95 of 100), before the copy in 20 ms"}},
		"sessions, as many as may be":      {a: during(0, 60, work(4, 2), calm), until: 60},
		"sessions, processors not seen":    {a: during(0, 60, work(400, 0), calm), until: 60},
		"sessions, for less than 2 s":      {a: during(3, 4.5, work(5, 2), calm), until: 60},
		"sessions, for 2 s":                {a: during(3, 5, work(5, 2), calm), until: 9, want: []string{"4.5: 2 of 4 streams: 5 sessions are at work on 2 processors of a"}},
		"a standby that is not yet behind": {a: during(0, 60, behind(4.9), calm), until: 60},
		"probes slow for half a minute": {
			a: during(3, 30, probe(10*ms), calm), until: 120,
			// They stay among the last twenty until 38.5.
			want: []string{"3.5: 2 of 4 streams: " + slow, "13.5: 1 of 4 streams: " + slow, "43.5: 2 of 4 streams again", "48.5: 3 of 4 streams again", "53.5: all 4 streams again"},
		},
		"a standby is behind": {
			a: during(0, 0, nil, calm), b: during(2, 15, behind(6), behind(0)), until: 60,
			want: []string{"2.0: 2 of 4 streams: s of b is 6.0 s behind", "12.0: 1 of 4 streams: s of b is 6.0 s behind", "19.5: 2 of 4 streams again", "24.5: 3 of 4 streams again", "29.5: all 4 streams again"},
		},
		"a standby is far behind": {
			a: func(at time.Duration) *Reading {
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
			a: during(3, 60, probe(10*ms), calm), b: during(3, 60, behind(7), calm), until: 4,
			want: []string{"3.0: 2 of 4 streams: s of b is 7.0 s behind"},
		},
		"it bears two streams and not three": {
			// A standby is behind for a second each time that a third one came.
			a: func(at time.Duration) *Reading {
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
			a: func(at time.Duration) *Reading {
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
		"one stream is left": {
			a: during(2, 60, behind(5), calm), streams: 3, until: 60,
			want: []string{"2.0: 1 of 3 streams: s of a is 5.0 s behind"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var began time.Time
				if c.b == nil {
					c.b = during(0, 0, nil, calm)
				}
				if c.streams == 0 {
					c.streams = 4
				}
				got, allowed := []string{}, []int{}
				var lost []string
				g := Govern(t.Context(), c.streams, Rules{}, []Gauge{script{"a", &began, c.a}, script{"b", &began, c.b}}, func(d Decision) {
					got = append(got, fmt.Sprintf("%.1f: %s", time.Since(began).Seconds(), d))
					require.Equal(t, d.Streams, allowed[len(allowed)-1], "the queue knows it first")
				}, func(shard string, err error) { lost = append(lost, shard+" "+err.Error()) })
				began = time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.until*float64(time.Second))+time.Millisecond)
				defer cancel()
				g.watch(ctx, func(n int) { allowed = append(allowed, n) })
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
