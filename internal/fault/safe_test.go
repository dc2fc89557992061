package fault

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever failed, it is said what is safe: that nothing was changed by those codes
// that promise it, and where it shows by all others.
func TestEveryCodeSaysWhatIsSafe(t *testing.T) {
	t.Parallel()
	for _, c := range Codes() {
		text, there := safe[c.Code]
		require.NotEqual(t, c.Before, there, "%s promises that nothing was changed, or says what can be relied on, and not both", c.Code)
		err := fmt.Errorf("around: %w", New(c.Code, "m", "h"))
		if c.Before {
			require.Equal(t, Unchanged, Safe(err), c.Code)
			continue
		}
		require.Equal(t, text, Safe(err), c.Code)
		require.NotContains(t, text, Unchanged, "%s promises more than its code does", c.Code)
		require.False(t, text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "shard-admin "), "%s: a sentence without its end, with commands as help names them: %q", c.Code, text)
	}
	for c := range safe {
		require.Contains(t, codes, c, "%s is no code", c)
	}
	require.Equal(t, safe[Cancelled], Safe(context.Canceled))
	require.Equal(t, safe[Internal], Safe(fmt.Errorf("nobody described this")))
	require.Empty(t, Safe(nil))
}
