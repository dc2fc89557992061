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
		timed(t, s)
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
	compared := func() (session.ComparedShard, []string) {
		t.Helper()
		c, err := s.CompareSoon(t.Context())
		require.NoError(t, err)
		require.Nil(t, c.Shards[0].Problem)
		require.NotNil(t, c.Shards[0].CheckedAt)
		reasons := []string{}
		for _, v := range c.Views {
			reasons = append(reasons, v.Reason)
		}
		return c.Shards[1], reasons
	}
	one := func() session.ShardHealth {
		t.Helper()
		begin := time.Now()
		h, err := s.Health(t.Context(), "shard_1")
		require.NoError(t, err)
		require.Less(t, time.Since(begin), 8*time.Second, "its page waits longer than the fleet's, and not for ever")
		require.Equal(t, "degraded", h.Shards[0].Status)
		for _, found := range h.Shards[0].Findings {
			require.NotContains(t, found.Message, "does not answer", "it does")
		}
		return h.Shards[0]
	}
	wire.StallAt(sample.Tag)
	x := slow()
	require.Contains(t, x.Problem.Message, "was not yet told how it is")
	require.Contains(t, one().Problem.Message, "shard_1 answers, and was not yet told how it is: its statistics take longer than 6")
	c, reasons := compared()
	require.Nil(t, c.CheckedAt)
	require.Equal(t, string(fault.TimedOut), c.Problem.Code)
	for _, r := range reasons {
		require.Contains(t, r, "shard_1: shard_1 answers, and was not yet told how it is")
		require.NotContains(t, r, "does not answer")
	}
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
	require.Regexp(t, `this is how it was .+ ago`, one().Problem.Message)
	c, reasons = compared()
	require.NotNil(t, c.CheckedAt, "what it told last is shown, with its age")
	require.Regexp(t, `this is how it was .+ ago`, c.Problem.Message)
	for _, r := range reasons {
		require.NotContains(t, r, "shard_1 answers")
	}
	begin := time.Now()
	s.Close()
	require.Less(t, time.Since(begin), promised, "a look that goes on ends with the session")
}
