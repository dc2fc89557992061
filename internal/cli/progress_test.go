package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

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

// It says how far the target is behind, how fast rows are copied and for how much
// longer, and nothing of what is not known.
func TestProgressSaysHowFarAndHowFast(t *testing.T) {
	t.Parallel()
	said := func(v session.MoveView) string {
		var out bytes.Buffer
		p := &progress{out: &out, last: map[string]string{}}
		v.ID, v.Label, v.Mode = "1", "acme", "online"
		p.move(v)
		return strings.TrimRight(out.String(), "\n")[len("12:00:00  "):]
	}
	copying := session.MoveView{
		Phase: "Copy", State: "copying", Rows: 1000, RowsCopied: 620, RowsPerS: ref(int64(310)), BytesPerS: ref(int64(5 << 20)), TimeLeft: &session.TimeRange{Low: 1200, High: 2400},
		Tables: []session.MoveTable{
			{Table: "small", Rows: 20, RowsCopied: 10, Bytes: 1 << 10, BytesCopied: 512, RowsPerS: ref(int64(10)), BytesPerS: ref(int64(512))},
			{Table: "done", Rows: 20, RowsCopied: 20, Bytes: 1 << 30},
			{Table: "large", Rows: 900, RowsCopied: 590, Bytes: 20 << 20, BytesCopied: 12 << 20, RowsPerS: ref(int64(300)), BytesPerS: ref(int64(5 << 20))},
		},
	}
	require.Equal(t, "Copy     copying       acme  620 of 1,000 rows  310 rows/s, 5.0 MB/s  1.2 s to 2.4 s left  large: 590 of 900 rows, 12 MB, 5.0 MB/s  small: 10 of 20 rows, 512 B, 512 B/s", said(copying))
	behind := session.MoveView{Phase: "Catch up", State: "catching_up", Behind: &session.MoveBehind{Rows: 1200, At: time.Now().UTC().Format(time.RFC3339Nano)}, TimeLeft: &session.TimeRange{Low: 900, High: 900}}
	require.Equal(t, "Catch up catching up   acme  1,200 rows behind  about 900 ms left", said(behind))
	behind.Behind.AtLeast, behind.Behind.At, behind.TimeLeft = true, time.Now().UTC().Add(-8*time.Second).Format(time.RFC3339Nano), nil
	require.Contains(t, said(behind), "acme  at least 1,200 rows behind 8.0 s ago")
	behind.State, behind.Phase = "rolling_back", "Move back"
	require.Contains(t, said(behind), "at least 1,200 rows to carry back 8.0 s ago")
	behind.State, behind.Phase, behind.GoesOn = "failed", "Catch up", true
	require.Contains(t, said(behind), "at least 1,200 rows behind")
	behind.GoesOn = false
	require.NotContains(t, said(behind), "behind")
	require.Equal(t, "Catch up catching up   acme", said(session.MoveView{Phase: "Catch up", State: "catching_up", BehindReason: "it was not counted yet"}))
}
