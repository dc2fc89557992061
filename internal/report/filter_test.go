package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
)

// What a report leaves out is on its first page: a change log of failures is none of
// every change.
func TestTheFirstPageSaysWhichOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind Kind
		of   []string
		says string
	}{
		{Changes, []string{"failed"}, "outcome failed; report changes"},
		{Events, []string{"failed", "refused"}, "outcome failed or refused"},
		{Failed, []string{"refused"}, "outcome refused; report failed"},
	} {
		require.Contains(t, Request{Kind: c.kind, Filter: audit.Filter{Statuses: c.of}}.filter(), c.says)
	}
	for _, r := range []Request{{Kind: Changes}, {Kind: Failed, Filter: audit.Filter{Statuses: failedStatuses()}}} {
		require.NotContains(t, r.filter(), "outcome")
	}
}
