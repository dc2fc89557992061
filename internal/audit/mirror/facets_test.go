package mirror

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
)

func TestCopiedFacetsAndPagesAreThoseOfTheTrail(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 11, "first reason")
	s.fill(t, 5, "second reason")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	for _, f := range []audit.Filter{
		{},
		{Tenant: "3"},
		{Actor: "ANN@example.com"},
		{Search: "second"},
		{Action: "tenant"},
		{Statuses: []string{"ok", "begun"}},
		{Statuses: []string{"ok"}},
		{After: 3},
		{After: 3, Search: "reason"},
		{After: 12, Search: "first"},
		{Before: 9, Action: "tenant.assign"},
	} {
		want, err := s.trail.Facets(t.Context(), f)
		require.NoError(t, err)
		have, err := s.Facets(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, want, have, "%+v", f)
		f.Limit = 4
		page, err := s.trail.List(t.Context(), f)
		require.NoError(t, err)
		copied, err := s.List(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, page, copied, "%+v", f)
	}
}
