package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
)

func TestFacetsCountTheValuesOfAFilter(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	empty, err := trail.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, empty.Kinds, 5)
	require.Zero(t, empty.Events)
	trailtest.Fill(t, c, trail, 12) // 12 intents, 6 outcomes
	all, err := trail.Facets(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.EqualValues(t, 18, all.Events)
	require.False(t, all.More)
	require.Equal(t, audit.Facet{Kind: "action", Values: []audit.FacetValue{{"tenant.assign", 18}}, Distinct: 1}, all.Kinds[0])
	require.Equal(t, audit.Facet{Kind: "outcome", Values: []audit.FacetValue{{"begun", 12}, {"ok", 6}}, Distinct: 2}, all.Kinds[1])
	require.Equal(t, audit.Facet{Kind: "operator", Values: []audit.FacetValue{{"ann@example.com", 18}}, Distinct: 1}, all.Kinds[2])
	require.Equal(t, audit.Facet{Kind: "shard", Values: []audit.FacetValue{{"default", 18}, {"shard_1", 18}}, Distinct: 2}, all.Kinds[3])
	require.Len(t, all.Kinds[4].Values, audit.FacetValues, "the most often only")
	require.EqualValues(t, 12, all.Kinds[4].Distinct)
	require.Equal(t, audit.FacetValue{Value: "1", Events: 2}, all.Kinds[4].Values[0])
	ended, err := trail.Facets(t.Context(), audit.Filter{Statuses: []string{"ok"}})
	require.NoError(t, err)
	require.EqualValues(t, 6, ended.Events)
	require.Equal(t, []audit.FacetValue{{"ok", 6}}, ended.Kinds[1].Values)
}

func TestFacetsAreOfTheNewestTenThousandEvents(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Many(c, audit.FacetEvents+1)
	v, err := trail.Facets(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.EqualValues(t, audit.FacetEvents, v.Events)
	require.True(t, v.More)
	var outcomes int64
	for _, x := range v.Kinds[1].Values {
		outcomes += x.Events
	}
	require.EqualValues(t, audit.FacetEvents, outcomes)
}

// Whoever follows asks for what is after the last page and misses nothing, however
// small the pages are.
func TestPagesAfterANumberPassNothingOver(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 1)
	_, next, err := trail.Page(t.Context(), audit.Filter{Limit: 10})
	require.NoError(t, err)
	require.EqualValues(t, 1, next)
	trailtest.Fill(t, c, trail, 4) // events 2 to 7; the outcomes are 4 and 7
	var seen []int64
	for _, want := range []int64{3, 5, 7, 7} {
		page, n, err := trail.Page(t.Context(), audit.Filter{After: next, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, want, n)
		for i := range page {
			seen = append(seen, page[len(page)-1-i].Seq)
		}
		next = n
	}
	require.Equal(t, []int64{2, 3, 4, 5, 6, 7}, seen)
	page, next, err := trail.Page(t.Context(), audit.Filter{After: 1, Limit: 3, Statuses: []string{"ok"}})
	require.NoError(t, err)
	require.Equal(t, []int64{7, 4}, []int64{page[0].Seq, page[1].Seq}, "the newest first")
	require.EqualValues(t, 7, next)
	_, next, err = trail.Page(t.Context(), audit.Filter{After: 1, Limit: 3, Tenant: "none"})
	require.NoError(t, err)
	require.EqualValues(t, 7, next, "what the filter leaves out is not read again")
}
