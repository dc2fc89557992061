package policy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/policy"
)

// The page lists every action and says it in words.
func TestThePageHasWordsForEveryAction(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"app/events.ts", "screens/audit/words.ts"} {
		b, err := os.ReadFile("../../frontend/src/" + file)
		require.NoError(t, err)
		for _, a := range policy.Actions() {
			require.Contains(t, string(b), `"`+string(a)+`"`, file)
		}
	}
}
