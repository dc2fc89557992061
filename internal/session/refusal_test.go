package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A writer that has read the fence when that is just being taken away finds
// its counters gone: it is refused as every other, not with a server's error.
func TestARefusedWriterNeedsNoCounter(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 1)
	m := f.moved(s, "7", "shard_1")
	f.exec(0, `DO $$ DECLARE s record; BEGIN
		FOR s IN SELECT c.relname FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'shard_admin_move'::regnamespace AND c.relname ~ '^(refused|late)' LOOP
			EXECUTE format('DROP SEQUENCE shard_admin_move.%I', s.relname);
		END LOOP;
	END $$`)
	_, err := f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'late' WHERE website_id = 7")
	require.ErrorContains(t, err, "SA001", m.ID)

	// Who may come in because the limit has passed is counted or kept out.
	f.exec(0, "UPDATE shard_admin_move.fence SET state = 'fenced', expires_at = clock_timestamp() - interval '1 second'")
	_, err = f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'late' WHERE website_id = 7")
	require.ErrorContains(t, err, "could not open relation")
}
