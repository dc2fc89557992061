package window

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

func TestClosingSaysWhatGoesOn(t *testing.T) {
	t.Parallel()
	one := closing([]session.MoveView{{Label: "acme", Source: "default", Target: "shard_1", State: "copying"}})
	require.Contains(t, one, "acme: default → shard_1, copying")
	require.Contains(t, one, "shard-admin move resume ID")
	require.Contains(t, one, "next safe point")

	var many []session.MoveView
	for i := range 9 {
		many = append(many, session.MoveView{Tenant: fmt.Sprint(100 + i)})
	}
	text := closing(many)
	require.Contains(t, text, "9 moves are under way")
	require.Contains(t, text, "104:")
	require.NotContains(t, text, "105:")
	require.Contains(t, text, "… and 4 more")
}
