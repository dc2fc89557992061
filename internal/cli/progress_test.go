package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// The progress line says what holds a copy back, and nothing where nothing does.
func TestProgressSaysWhatHoldsACopyBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{out: &out, last: map[string]string{}}
	v := session.MoveView{ID: "1", Phase: "Copy", State: "copying", Label: "acme", Rows: 1000, RowsCopied: 620}
	p.move(v)
	v.ID, v.Slowed = "2", "2 of 4 streams: a standby of shard_1 is 6.0 s behind"
	p.move(v)
	require.Regexp(t, `^\S+  Copy +copying +acme  620 of 1,000 rows\n\S+  Copy +copying +acme  620 of 1,000 rows  2 of 4 streams: a standby of shard_1 is 6\.0 s behind\n$`, out.String())
}
