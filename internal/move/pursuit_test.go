package move

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPassesTellWhetherTheTenantIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	const s, m = time.Second, time.Minute
	growing := func(first time.Duration, factor float64, n int) (out []time.Duration) {
		for d := float64(first); len(out) < n; d *= factor {
			out = append(out, time.Duration(d))
		}
		return out
	}
	for name, c := range map[string]struct {
		passes []time.Duration
		want   chase
		at     int // the pass after which that is said, from 1 on
	}{
		"one quick pass":                     {[]time.Duration{50 * time.Millisecond}, chaseQuick, 1},
		"shorter and shorter":                {[]time.Duration{8 * s, 4 * s, 2 * s, s, 400 * time.Millisecond, 90 * time.Millisecond}, chaseQuick, 6},
		"no shorter for long":                {growing(s, 1, 60), chaseEven, 41},
		"up and down":                        {[]time.Duration{s, 2 * s, 3 * s, s, 2 * s, 3 * s, s}, chaseOn, 0},
		"longer twice":                       {[]time.Duration{s, 2 * s, 3 * s}, chaseBehind, 3},
		"a bulk job that ends":               {[]time.Duration{s, 2 * s, 4 * s, 60 * s, 10 * s, 2 * s, 90 * time.Millisecond}, chaseQuick, 7},
		"longer and longer":                  {growing(s, 1.5, 40), chaseLost, 15},
		"longer and longer, by a little":     {growing(20*s, 1.2, 40), chaseLost, 11},
		"long passes that take longer":       {growing(3*m, 1.2, 40), chaseLost, 5},
		"a long one and then no more growth": {append(growing(m, 1.5, 4), growing(210*s, 1, 60)...), chaseEven, 41},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pursuit
			at, last := time.Now(), chaseOn
			for i, took := range c.passes {
				last = p.pass(at, took)
				at = at.Add(took)
				if last == c.want && last != chaseOn {
					require.Equal(t, c.at, i+1)
					return
				}
				require.NotContains(t, []chase{chaseLost, chaseEven, chaseQuick}, last, "pass %d, which took %s", i+1, took)
			}
			require.Equal(t, c.want, last)
		})
	}
}

// That the tenant gets away is said once for each time that it does, not with each pass.
func TestFallingBehindIsSaidOnce(t *testing.T) {
	t.Parallel()
	var p pursuit
	said, at := 0, time.Now()
	for took := time.Second; took < 30*time.Second; took = took * 3 / 2 {
		if p.pass(at, took) == chaseBehind {
			said++
		}
		at = at.Add(took)
	}
	require.Equal(t, 1, said)
	for took := time.Second; took < 10*time.Second; took *= 2 {
		if p.pass(at, took) == chaseBehind {
			said++
		}
		at = at.Add(took)
	}
	require.Equal(t, 2, said)
}
