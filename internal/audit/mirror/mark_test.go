package mirror

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// tampered runs SQL on the laptop's file with what holds it append-only taken away, and
// puts that back.
func tampered(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	rows, err := db.Query(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND (name LIKE '%\_kept' ESCAPE '\' OR name LIKE '%\_unchanged' ESCAPE '\')`)
	require.NoError(t, err)
	guards := map[string]string{}
	for rows.Next() {
		var name, text string
		require.NoError(t, rows.Scan(&name, &text))
		guards[name] = text
	}
	require.NoError(t, rows.Err())
	require.Len(t, guards, 6)
	for name := range guards {
		_, err := db.Exec("DROP TRIGGER " + name)
		require.NoError(t, err)
	}
	for _, s := range statements {
		_, err := db.Exec(s)
		require.NoError(t, err, s)
	}
	for _, text := range guards {
		_, err := db.Exec(text)
		require.NoError(t, err)
	}
}

// rewritten edits the third entry of the copy and hashes all that follows anew, as
// somebody would who knows the format.
func rewritten(t testing.TB, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query(`SELECT seq, sealed_us, event_id, occurred_us, recorded_us, db_user, client_addr, app_name, body, event_hash, prev_hash, hash FROM mirror_event ORDER BY seq`)
	require.NoError(t, err)
	var out []string
	var prev []byte
	for rows.Next() {
		s, err := scan(rows)
		require.NoError(t, err)
		if s.Seq < 3 {
			prev = s.Hash
			continue
		}
		if s.Seq == 3 {
			s.Body = strings.ReplaceAll(s.Body, "the reason", "the excuse")
		}
		s.PrevHash, s.EventHash = prev, s.WantEventHash()
		s.Hash = s.WantHash()
		prev = s.Hash
		require.NotContains(t, s.Body, "'")
		out = append(out, fmt.Sprintf(`UPDATE mirror_event SET body = '%s', event_hash = x'%x', prev_hash = x'%x', hash = x'%x' WHERE seq = %d`, s.Body, s.EventHash, s.PrevHash, s.Hash, s.Seq))
	}
	require.NoError(t, rows.Err())
	return out
}

// Who has full access to the laptop's SQLite file deletes the newest events of the copy,
// or all of it, or writes it anew: the mark beside the file shows it, and no sync fills
// in silently what was taken away.
func TestACopyThatLostWhatItHadIsAnAlarm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, kind  string
		first, last int64
		tamper      func(s *setup)
		says        string
	}{
		{"the newest are deleted", Deleted, 6, 8, func(s *setup) {
			tampered(t, s.store.DB(), `DELETE FROM mirror_event WHERE seq > 5`)
		}, "the server's trail has event 8 as it was copied"},
		{"the newest are deleted here and cut on the server", Deleted, 6, 8, func(s *setup) {
			tampered(t, s.store.DB(), `DELETE FROM mirror_event WHERE seq > 5`)
			s.Exec(cut(5))
		}, "the server's trail has no event 8 like that either"},
		{"all is deleted", Deleted, 1, 8, func(s *setup) {
			tampered(t, s.store.DB(), `DELETE FROM mirror_event`, `DELETE FROM mirror_person`, `DELETE FROM mirror_fleet`, `DELETE FROM mirror_chain`)
		}, "the server's trail has event 8 as it was copied"},
		{"the marked one alone", Deleted, 8, 8, func(s *setup) {
			tampered(t, s.store.DB(), `UPDATE mirror_event SET seq = 9 WHERE seq = 8`)
		}, "the server's trail has event 8 as it was copied"},
		{"all is hashed anew", Altered, 8, 8, func(s *setup) {
			tampered(t, s.store.DB(), rewritten(t, s.store.DB())...)
		}, "the server's trail has event 8 as it was copied"},
		{"the mark is removed", Deleted, 8, 8, func(s *setup) {
			require.NoError(t, os.Remove(s.marks))
		}, "somebody removed or changed that file"},
		{"the mark is damaged", Deleted, 8, 8, func(s *setup) {
			require.NoError(t, os.WriteFile(s.marks, []byte("{"), 0o600))
		}, "somebody removed or changed that file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.fill(t, 8, "the reason")
			_, err := s.Sync(t.Context(), s.trail)
			require.NoError(t, err)
			require.NoError(t, s.Remember(t.Context(), "one", "shard_admin"))
			v, err := s.Verify(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK, v.Findings)
			alarms, err := s.Alarms(t.Context())
			require.NoError(t, err)
			require.Empty(t, alarms)

			tc.tamper(s)
			m, _, ok, err := Of(t.Context(), s.store, "one", "shard_admin")
			require.NoError(t, err)
			require.True(t, ok, "the fleet's copy is known although the file has forgotten it")
			v, err = m.Verify(t.Context())
			require.NoError(t, err)
			require.False(t, v.OK)
			require.Equal(t, tc.kind, v.Findings[len(v.Findings)-1].Kind)
			alarms, err = m.Alarms(t.Context())
			require.NoError(t, err)
			require.Equal(t, []any{tc.kind, tc.first, tc.last}, []any{alarms[0].Kind, alarms[0].FirstSeq, alarms[0].LastSeq}, "before any sync")

			for range 2 {
				res, err := s.Sync(t.Context(), s.trail)
				require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), "%v", err)
				require.Equal(t, LocalHint, fault.HintOf(err))
				require.ErrorContains(t, err, tc.says)
				require.Zero(t, res.Pulled, "nothing is filled in")
			}
			alarms, err = s.Alarms(t.Context())
			require.NoError(t, err)
			require.Len(t, alarms, 1)
			require.Equal(t, []any{tc.kind, tc.first}, []any{alarms[0].Kind, alarms[0].FirstSeq})

			require.NoError(t, s.Restart(t.Context(), "the laptop was looked at"))
			res, err := s.Sync(t.Context(), s.trail)
			require.NoError(t, err)
			require.Equal(t, res.Head, res.Seq)
			alarms, err = s.Alarms(t.Context())
			require.NoError(t, err)
			require.Empty(t, alarms)
			v, err = s.Verify(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK, v.Findings)
		})
	}
}

// A file that is put away altogether is told from a computer that never had a copy.
func TestAFileThatIsPutAwayIsMissed(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 4, "the reason")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	require.NoError(t, s.store.Close())
	for _, end := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(s.store.Path() + end)
	}
	again, err := store.Open(t.Context(), s.store.Path())
	require.NoError(t, err)
	t.Cleanup(func() { _ = again.Close() })
	m := New(again, s.key)
	_, err = m.Sync(t.Context(), s.trail)
	require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "events 1 to 4")

	other := New(again, "another trail")
	alarms, err := other.Alarms(t.Context())
	require.NoError(t, err)
	require.Empty(t, alarms)
}

// The mark goes as far as the copy and no further, and each trail has its own.
func TestTheMarkFollowsTheCopy(t *testing.T) {
	t.Parallel()
	a := open(t)
	b := openIn(t, a.store)
	for n := range 3 {
		a.fill(t, 2, "alpha")
		b.fill(t, 1, "beta")
		for _, s := range []*setup{a, b} {
			_, err := s.Sync(t.Context(), s.trail)
			require.NoError(t, err)
			seq, hash, err := s.End(t.Context())
			require.NoError(t, err)
			k := marked(t, s.marks).Copies[s.key]
			require.Equal(t, []any{seq, hash}, []any{k.Seq, k.Hash})
		}
		require.EqualValues(t, 2*(n+1), marked(t, a.marks).Copies[a.key].Seq)
		require.EqualValues(t, n+1, marked(t, a.marks).Copies[b.key].Seq)
	}
	info, err := os.Stat(a.marks)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	// A trail that is only read, and nothing new, leaves the mark as it is.
	before, err := os.ReadFile(a.marks)
	require.NoError(t, err)
	_, err = a.Sync(t.Context(), a.trail)
	require.NoError(t, err)
	_, err = audit.New(a.DB, "shard_admin").Verify(t.Context())
	require.NoError(t, err)
	after, err := os.ReadFile(a.marks)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// A sync that ends just after a restart marks nothing for the copy that comes after; a
// file that cannot be read is no loss of the copy.
func TestARestartBesideASync(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 4, "the reason")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	var chain int64
	require.NoError(t, s.store.DB().QueryRowContext(t.Context(), "SELECT id FROM mirror_chain WHERE key = ? AND retired_at IS NULL", s.key).Scan(&chain))
	require.NoError(t, s.Restart(t.Context(), "a restore"))
	require.NoError(t, s.raise(t.Context(), chain, 9, []byte("late")))
	require.Empty(t, marked(t, s.marks).Copies)
	_, err = s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	alarms, err := s.Alarms(t.Context())
	require.NoError(t, err)
	require.Empty(t, alarms)

	require.NoError(t, os.Rename(s.marks, s.marks+".aside"))
	require.NoError(t, os.Mkdir(s.marks, 0o700))
	_, err = s.Sync(t.Context(), s.trail)
	require.Equal(t, fault.FileUnreadable, fault.CodeOf(err), "%v", err)
	require.NoError(t, os.Remove(s.marks))
	require.NoError(t, os.Rename(s.marks+".aside", s.marks))
	alarms, err = s.Alarms(t.Context())
	require.NoError(t, err)
	require.Empty(t, alarms)
}

func marked(t testing.TB, path string) marks {
	t.Helper()
	m, err := readMarks(path)
	require.NoError(t, err)
	return m
}
