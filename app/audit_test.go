package app

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// What somebody changed in a window or on the page is signed when that closes, and who
// has only looked leaves nothing.
func TestTheTrailIsSignedWhenTheWindowOrThePageCloses(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	f.Enroll()
	newest := func() session.Event {
		t.Helper()
		v, err := f.Session.Events(t.Context(), session.AuditFilter{Limit: 1})
		require.NoError(t, err)
		require.Len(t, v.Events, 1)
		return v.Events[0]
	}
	for _, mode := range []string{Window, Page} {
		a := New(Options{Home: f.Home, Mode: mode})
		a.Start(newRecorder())
		_, err := (&Moves{a}).PauseQueue(session.QueueRequest{Note: "before closing the " + mode})
		require.NoError(t, err)
		changed := newest()
		require.Equal(t, "before closing the "+mode, changed.Note)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		a.Stop(ctx)
		signed := newest()
		require.Equal(t, []any{"audit.checkpoint", "the " + mode + " closes", changed.Seq + 1}, []any{signed.Action, signed.Note, signed.Seq})
		text, _ := signed.Details["checkpoint"].(string)
		require.Contains(t, strings.Split(text, "\n")[2], "=", "a hash")
		v, err := f.Session.VerifyAudit(t.Context())
		require.NoError(t, err)
		require.True(t, v.OK, v.Findings)
		require.Equal(t, changed.Seq, *v.LastCheckpoint)

		a = New(Options{Home: f.Home, Mode: mode})
		a.Start(newRecorder())
		_, err = (&Audit{a}).List(noFilter)
		require.NoError(t, err)
		a.Stop(ctx)
		require.Equal(t, signed.ID, newest().ID)
		_, err = f.Session.ResumeQueue(t.Context(), session.QueueRequest{Note: "by somebody else"})
		require.NoError(t, err)
	}
}

// The folder of a file that was exported is opened where the person chose it, and of no
// other file.
func TestTheFolderOfAnExportIsOpened(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	a, r := start(t, Options{Home: f.Home})
	audit := &Audit{a}
	r.saveAs = filepath.Join(t.TempDir(), "für den Prüfer.csv")
	_, err := audit.ShowFolder(r.saveAs)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.Empty(t, r.revealed)
	out, err := audit.Export(session.ReportRequest{Format: "csv", Note: "for the auditor"})
	require.NoError(t, err)
	require.Equal(t, r.saveAs, out.File)
	require.FileExists(t, out.File)
	require.Empty(t, r.revealed, "it is asked for")
	shown, err := audit.ShowFolder(out.File)
	require.NoError(t, err)
	require.Equal(t, []string{out.File, out.File}, []string{shown, r.revealed})
	_, err = audit.ShowFolder(out.Manifest)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.Equal(t, out.File, r.revealed)
}
