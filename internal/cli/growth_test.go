package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

func TestGrowthInWords(t *testing.T) {
	t.Parallel()
	known := func(more func(*session.Growth)) session.Growth {
		g := session.Growth{State: "growing", Days: 40, BytesPerDay: ref(int64(3 << 30)), BytesPerDayFrom: ref(int64(-1 << 20)), BytesPerDayTo: ref(int64(4 << 30))}
		more(&g)
		return g
	}
	for want, g := range map[string]session.Growth{
		"Growth: unknown, nobody looked.": {State: "too_short", Reason: "nobody looked"},
		"Growth: 3.0 GB a day (−1.0 MB to 4.0 GB), growing, from 40 days. Full in 20 to 26 days.": known(func(g *session.Growth) {
			g.FullInDaysFrom, g.FullInDaysTo = ref(20), ref(26)
		}),
		"Growth: 3.0 GB a day (−1.0 MB to 4.0 GB), growing, from 40 days. Full in 1 day at the soonest.": known(func(g *session.Growth) {
			g.FullInDaysFrom = ref(1)
		}),
		"Growth: 3.0 GB a day (−1.0 MB to 4.0 GB), growing, from 40 days. Full: not within two years.": known(func(g *session.Growth) {
			g.FullReason = "not within two years"
		}),
	} {
		require.Equal(t, want, growth(g))
	}
}
