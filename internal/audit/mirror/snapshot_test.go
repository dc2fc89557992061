package mirror

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
)

// A file of the copy holds what a file of the trail does, whatever is asked for.
func TestASnapshotSelectsWhatTheTrailDoes(t *testing.T) {
	t.Parallel()
	s := open(t)
	trailtest.Fill(t, s.Control, s.trail, 12)
	between := time.Now()
	s.fill(t, 7, "second reason")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	src, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	s.fill(t, 2, "second reason, later")
	_, err = s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	head, err := src.Head(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 25, head.Seq, "what was copied later is not part of it")
	some := 0
	for _, f := range []audit.Filter{
		{},
		{Tenant: "3"},
		{Actor: "ANN@example.com"},
		{Shard: "shard_1"},
		{Action: "tenant"},
		{Action: "tenant.assign"},
		{Action: "ten"},
		{Search: "second"},
		{Search: "SECOND reas"},
		{Search: "no such word"},
		{Search: "second", Limit: 3},
		{Statuses: []string{"ok"}},
		{Statuses: []string{"ok", "begun"}, Limit: 4},
		{Actions: []string{"move", "tenant.assign"}},
		{Actions: []string{"move"}},
		{Settled: true},
		{Settled: true, Actions: []string{"tenant"}, Limit: 5},
		{Since: between},
		{Until: between},
		{Since: between, Until: between.Add(time.Nanosecond)},
		{Before: 9},
		{After: 9, Tenant: "3"},
	} {
		type entry struct {
			Seq                int64
			InPeriod, Selected bool
		}
		// The trail has gone on: what it has since is left out of the comparison.
		survey := func(src audit.Source) (out []entry) {
			v, err := src.Survey(t.Context(), f, func(x audit.Walked) error {
				if x.Seq <= head.Seq {
					out = append(out, entry{x.Seq, x.InPeriod, x.Selected})
				}
				return nil
			})
			require.NoError(t, err)
			require.True(t, v.OK, v.Findings)
			return out
		}
		each := func(src audit.Source) (out []audit.Event) {
			require.NoError(t, src.Each(t.Context(), f, func(x audit.Sealed) error {
				if x.Seq <= head.Seq {
					out = append(out, audit.EventOf(x))
				}
				return nil
			}))
			return out
		}
		if f.Limit > 0 || f.Search != "" {
			f.Before = head.Seq + 1
		}
		require.NoError(t, s.trail.Read(t.Context(), func(r *audit.Reader) error {
			require.Equal(t, survey(r), survey(src), "%+v", f)
			want := each(r)
			require.Equal(t, want, each(src), "%+v", f)
			some += len(want)
			return nil
		}))
	}
	require.Greater(t, some, 200)
}

// A file that cannot be recorded is not made, and what was there before stays.
func TestAFileThatIsNotRecordedLeavesWhatWasThere(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 3, "why")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	src, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "trail.csv")
	require.NoError(t, os.WriteFile(path, []byte("of last year"), 0o600))
	full := errors.New("no room")
	d := audit.EventFile(audit.CSV, audit.Filter{}, audit.Evidence{})
	_, err = d.FileOf(t.Context(), src, src.Origin(), path, func(m audit.Manifest) error {
		require.EqualValues(t, 3, m.Count)
		require.NotEmpty(t, m.SHA256)
		return full
	})
	require.ErrorIs(t, err, full)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "of last year", string(text))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	m, err := d.FileOf(t.Context(), src, src.Origin(), path, func(audit.Manifest) error { return nil })
	require.NoError(t, err)
	require.Equal(t, "trail.csv", m.File)
	left, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2)
}

// What was changed in the copy is said by the file that is made of it.
func TestAFileOfAnAlteredCopySaysSo(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 9, "why")
	_, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	made := func() (audit.Manifest, string) {
		src, err := s.Snapshot(t.Context())
		require.NoError(t, err)
		var b bytes.Buffer
		d := audit.EventFile(audit.JSONL, audit.Filter{}, audit.Evidence{})
		d.Copied = time.Now()
		m, err := d.Make(t.Context(), src, src.Origin(), &b)
		require.NoError(t, err)
		return m, b.String()
	}
	m, text := made()
	require.True(t, m.ChainOK)
	require.EqualValues(t, 9, m.Count)
	require.NotNil(t, m.CopiedAt)
	require.Contains(t, text, `why`)
	tampered(t, s.store.DB(), `UPDATE mirror_event SET body = replace(body, 'why', 'who') WHERE seq = 4`)
	m, _ = made()
	require.False(t, m.ChainOK)
	require.EqualValues(t, 4, *m.FirstBad)
	// A copy whose end is cut still has hashes that fit; its mark says how far it went.
	tampered(t, s.store.DB(), `UPDATE mirror_event SET body = replace(body, 'who', 'why') WHERE seq = 4`)
	m, _ = made()
	require.True(t, m.ChainOK)
	tampered(t, s.store.DB(), `DELETE FROM mirror_event WHERE seq > 7`)
	m, _ = made()
	require.False(t, m.ChainOK)
	require.EqualValues(t, 7, m.ChainEvents)
}
