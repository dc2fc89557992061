package fault_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

// A command that is written by hand into a hint lacks the reason without which
// it is refused.
func TestHintsNameChangesWithTheirReason(t *testing.T) {
	t.Parallel()
	require.Equal(t, "shard-admin move resume 7 --wait --note REASON", fault.Change("move resume 7 --wait"))
	byHand := regexp.MustCompile(`move (resume|switch|cancel|rollback|finalize) "\s*\+|shard-admin (move (start|resume|switch|cancel|rollback|finalize)|rebalance apply) [^"…]*"`)
	files := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for n, l := range strings.Split(string(b), "\n") {
			if byHand.MatchString(strings.ReplaceAll(l, "fault.Change(\"move ", "")) && !strings.Contains(l, "--note") {
				t.Errorf("%s:%d: fault.Change writes such a command: %s", path, n+1, strings.TrimSpace(l))
			}
		}
		return err
	}))
	require.Greater(t, files, 100)
}
