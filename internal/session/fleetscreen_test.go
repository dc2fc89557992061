//go:build unix

package session_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// timed calls what the screen calls, one after the other and then at once.
func timed(t *testing.T, s *session.Session, without ...string) {
	t.Helper()
	calls := screenOf(s)
	for _, name := range without {
		delete(calls, name)
	}
	one := func(how, name string) {
		begin := time.Now()
		if err := calls[name](t.Context()); err != nil {
			t.Errorf("%s, %s: %v", name, how, err)
		}
		if took := time.Since(begin); took >= promised {
			t.Errorf("%s, %s: it took %s", name, how, took)
		}
	}
	for name := range calls {
		one("alone", name)
	}
	var wg sync.WaitGroup
	for name := range calls {
		wg.Go(func() { one("with the others", name) })
	}
	wg.Wait()
}

// changed opens the fleet with its file changed.
func changed(t *testing.T, f *fleettest.Fleet, change func(*fleet.Fleet)) *session.Session {
	t.Helper()
	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	change(file)
	return reopened(t, f, file)
}

// One of five shards takes connections and says nothing: the Fleet screen has all
// that the others say in time, and why there is nothing of that one, also where a
// pooler may be before it that is silent, too.
func TestASilentShardDelaysNothingOfTheFleetScreen(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 4)
	for name, direct := range map[string]bool{"as it is": false, "through a pooler": true} {
		gone := fleet.Endpoint{URL: "postgres://" + f.Role + "@" + silent(t) + "/gone?sslmode=disable"}
		if direct {
			gone.Direct = gone.URL
		}
		s := changed(t, f, func(file *fleet.Fleet) {
			file.Shards[len(file.Shards)-1] = fleet.Shard{Name: "spare", Endpoint: gone, Placement: fleet.PlacementOpen}
		})
		timed(t, s)

		st, err := s.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{5, 4}, []int{st.Configured, st.Answering}, name)
		require.NotEmpty(t, st.Shards[4].Problem.Message, name)
		d, err := s.Distribution(t.Context())
		require.NoError(t, err)
		require.Len(t, d.Shards, 5, name)
		for _, sh := range d.Shards {
			require.Equal(t, sh.Name == "spare", sh.SizeBytes == nil && sh.SizeReason != "", "%s: %s", name, sh.Name)
		}
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			h, err := s.Health(t.Context(), "")
			require.NoError(c, err)
			for _, sh := range h.Shards {
				require.Equal(c, sh.Name == "spare", sh.Problem != nil, "%s: %s", name, sh.Name)
				require.Equal(c, sh.Name == "spare", sh.Status == "unreachable", "%s: %s", name, sh.Name)
			}
		}, 30*time.Second, 10*time.Millisecond)
	}
}

// A shard that answers and whose statistics take long: its part says that it is not
// known, or how old it is, and everybody else's is there in time.
func TestAShardThatIsSlowOnStatisticsDelaysNothing(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	var wire *cable.Cable
	s := changed(t, f, func(file *fleet.Fleet) {
		u, err := url.Parse(file.Shards[1].Endpoint.URL)
		require.NoError(t, err)
		wire = cable.New(t, u.Host)
		file.Shards[1].Endpoint.URL = strings.Replace(file.Shards[1].Endpoint.URL, u.Host, wire.Address(), 1)
	})
	slow := func() session.ShardHealth {
		timed(t, s, "compare") // which is about statistics alone
		begin := time.Now()
		h, err := s.Health(t.Context(), "")
		require.NoError(t, err)
		require.Less(t, time.Since(begin), promised)
		require.Nil(t, h.Shards[0].Problem)
		x := h.Shards[1]
		require.NotNil(t, x.LatencyMS, "it answers")
		require.NotNil(t, x.SizeBytes)
		require.Equal(t, string(fault.TimedOut), x.Problem.Code)
		for _, found := range x.Findings {
			require.NotEqual(t, "reachable", found.Check, "it is not out of reach")
		}
		return x
	}
	wire.StallAt(sample.Tag)
	x := slow()
	require.Contains(t, x.Problem.Message, "was not yet told how it is")
	require.NotEmpty(t, x.Unavailable)
	require.Empty(t, x.Findings)
	doc := document.OfHealth(session.Health{Shards: []session.ShardHealth{x}}).Shards[0]
	require.Nil(t, doc.CacheHitRate)
	require.NotEmpty(t, doc.CacheReason)

	// The look went on: it tells as soon as the shard does.
	wire.Mend()
	var told session.ShardHealth
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		h, err := s.Health(t.Context(), "")
		require.NoError(c, err)
		told = h.Shards[1]
		require.Nil(c, told.Problem)
	}, 30*time.Second, 10*time.Millisecond)
	require.Less(t, len(told.Unavailable), len(x.Unavailable))

	wire.StallAt(sample.Tag)
	x = slow()
	require.Regexp(t, `this is how it was .+ ago`, x.Problem.Message)
	require.Len(t, x.Unavailable, len(told.Unavailable))
	begin := time.Now()
	s.Close()
	require.Less(t, time.Since(begin), promised, "a look that goes on ends with the session")
}
