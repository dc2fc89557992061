package report_test

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/report"
)

// TestSpeed measures what is promised: SHARD_ADMIN_REPORT_EVENTS=1000000 runs it
// with so many events in a real trail. Without it a few show that it works.
func TestSpeed(t *testing.T) {
	n := 3000
	big := os.Getenv("SHARD_ADMIN_REPORT_EVENTS")
	if big != "" {
		var err error
		n, err = strconv.Atoi(big)
		require.NoError(t, err)
	}
	c, trail := trailtest.Installed(t)
	c.Exec("ALTER TABLE shard_admin.audit_event DISABLE TRIGGER ALL; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER ALL; ALTER TABLE shard_admin.audit_head DISABLE TRIGGER ALL")
	chain := report.ChainOf(n)
	conn := c.Super()
	_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"shard_admin", "audit_event"}, []string{"event_id", "occurred_at", "recorded_at", "db_user", "client_addr", "app_name", "body"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			s := chain[i]
			return []any{s.EventID, time.UnixMicro(s.OccurredUS), time.UnixMicro(s.RecordedUS), s.DBUser, s.ClientAddr, s.AppName, s.Body}, nil
		}))
	require.NoError(t, err)
	_, err = conn.CopyFrom(t.Context(), pgx.Identifier{"shard_admin", "audit_link"}, []string{"seq", "sealed_at", "event_id", "event_hash", "prev_hash", "hash"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			s := chain[i]
			return []any{s.Seq, time.UnixMicro(s.SealedUS), s.EventID, s.EventHash, s.PrevHash, s.Hash}, nil
		}))
	require.NoError(t, err)
	last := chain[n-1]
	_, err = conn.Exec(t.Context(), "UPDATE shard_admin.audit_head SET seq = $1, hash = $2", last.Seq, last.Hash)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `DO $$ DECLARE t record; BEGIN
		FOR t IN SELECT tgrelid::regclass AS rel, tgname, tgisinternal FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'shard_admin.audit_%' LOOP
			EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', t.rel, CASE WHEN t.tgisinternal THEN '' ELSE 'ALWAYS' END, t.tgname);
		END LOOP; END $$`)
	require.NoError(t, err)
	c.Exec("ANALYZE")
	chain = nil
	runtime.GC()
	for _, x := range []struct {
		format audit.Format
		limit  int
	}{{audit.CSV, 0}, {audit.JSONL, 0}, {audit.OCSF, 0}, {audit.PDF, 10_000}, {audit.HTML, 10_000}, {audit.XLSX, 10_000}} {
		var most atomic.Uint64
		done := make(chan bool)
		go func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(50 * time.Millisecond):
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most.Store(max(most.Load(), m.HeapInuse))
				}
			}
		}()
		began := time.Now()
		m, err := report.Write(t.Context(), trail, io.Discard, report.Request{Kind: report.Events, Format: x.format, Filter: audit.Filter{Limit: x.limit}})
		close(done)
		require.NoError(t, err)
		require.EqualValues(t, n, m.ChainEvents)
		require.True(t, m.ChainOK)
		t.Logf("%s of %d events: %s, heap in use at most %d MB, %d MB written", x.format, m.Count, time.Since(began).Round(time.Millisecond), most.Load()>>20, m.Bytes>>20)
	}
}
