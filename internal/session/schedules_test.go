package session_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

func TestAScheduleMayAskForWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, k := range session.ReportKinds() {
		kinds = append(kinds, k.Kind)
	}
	require.Equal(t, kinds, fleet.ReportKinds())
	require.Equal(t, session.ReportFormats(), fleet.ReportFormats())
}

// working runs workers until what they have to do is done.
func (f *fixture) working(sink *sink, n int, until func() bool) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	var wg sync.WaitGroup
	for range n {
		s := f.alerting(sink, sink.channels()...)
		wg.Go(func() { _ = s.Work(ctx, true) })
	}
	require.Eventually(f.t, until, 60*time.Second, 100*time.Millisecond)
	time.Sleep(500 * time.Millisecond) // for what would be one too many
	cancel()
	wg.Wait()
}

const scheduled = `SELECT count(*)::text FROM shard_admin.audit_event WHERE body_json ->> 'action' = 'audit.export' AND body_json ->> 'phase' = 'outcome' AND body_json -> 'details' ->> 'schedule' = 'monthly' AND body_json ->> 'status' = $1`

// Of three workers one delivers, once, to the folder and by mail, and what was missed
// is written later and said to be late.
func TestAScheduledReportIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	f, _ := core(t)
	sink := newSink(t)
	folder := t.TempDir()
	at, _ := fleet.ParseDigest("daily 00:00 Europe/Berlin")
	one := fleet.Schedule{Name: "monthly", Kind: "changes", Format: "pdf", Every: fleet.EveryMonth, At: at, Folder: folder, Mail: "mail"}
	f.fleet.Schedules = []fleet.Schedule{one}
	seen := func() session.ReportSchedule {
		list, err := f.open().ReportSchedules(t.Context())
		require.NoError(t, err)
		require.Len(t, list.Schedules, 1)
		return list.Schedules[0]
	}
	v := seen()
	require.Equal(t, []any{1, "Europe/Berlin", "00:00"}, []any{v.Missing, v.Zone, v.TimeOfDay})
	require.Nil(t, v.DeliveredAt)
	require.NotNil(t, v.DueAt)
	require.NotEmpty(t, v.Reason)
	count := func(status string) string { return f.text(0, strings.ReplaceAll(scheduled, "$1", "'"+status+"'")) }
	f.working(sink, 3, func() bool { return count("ok") == "1" })
	require.Equal(t, "1", count("ok"))
	require.Equal(t, "0", count("failed"))
	mails, _ := sink.got()
	require.Len(t, mails, 1)
	p := one.Due(time.Time{}, time.Now())[0]
	first, _ := one.Days(p)
	name := f.fleet.Name + "-monthly-" + first
	require.Contains(t, mails[0], "Message-ID: <report-"+name+"@shard-admin>")
	require.Contains(t, mails[0], "chain verified at")
	for _, part := range []string{".pdf", ".pdf.manifest.json"} {
		require.FileExists(t, filepath.Join(folder, name+part))
		require.Contains(t, mails[0], name+part)
	}
	file, err := audit.VerifyFile(t.Context(), filepath.Join(folder, name+".pdf"), audit.FileOptions{})
	require.NoError(t, err)
	require.True(t, file.OK, file.Findings)

	v = seen()
	require.Equal(t, []any{"delivered", 0, ""}, []any{v.Status, v.Missing, v.Reason})
	require.NotNil(t, v.DeliveredAt)
	require.Equal(t, p.Until.UTC().Format(time.RFC3339), *v.DeliveredUntil)
	require.Greater(t, v.NextAt, time.Now().UTC().Format(time.RFC3339))

	// Others come later: nothing is due.
	f.working(sink, 2, func() bool { return true })
	require.Equal(t, "1", count("ok"))

	// A new schedule that was delivered three months ago the last time.
	f.fleet.Schedules[0].Name, f.fleet.Schedules[0].Mail = "missed", ""
	past := time.Date(p.Until.In(at.Zone).Year(), p.Until.In(at.Zone).Month()-3, 1, 0, 0, 0, 0, at.Zone)
	f.exec(0, `INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(), '{"action":"audit.export","actor":"ann@example.com","details":{"schedule":"missed","until":"`+past.UTC().Format(time.RFC3339)+`"},"phase":"outcome","reason":"x","status":"ok","v":1}')`)
	files := func() []string {
		list, err := filepath.Glob(filepath.Join(folder, f.fleet.Name+"-missed-*.pdf"))
		require.NoError(t, err)
		return list
	}
	f.working(sink, 2, func() bool { return len(files()) == 3 })
	require.Len(t, files(), 3)
	require.Equal(t, "3", f.text(0, `SELECT count(*)::text FROM shard_admin.audit_event WHERE body_json ->> 'reason' LIKE 'scheduled report missed of the month from % late: it was due at %' AND body_json ->> 'phase' = 'outcome' AND body_json ->> 'status' = 'ok'`))
	mails, _ = sink.got()
	require.Len(t, mails, 1)
}

// Where more was missed than is caught up, the first report says what has none.
func TestWhatIsNotCaughtUpIsSaid(t *testing.T) {
	t.Parallel()
	f, _ := core(t)
	at, _ := fleet.ParseDigest("daily 00:00 UTC")
	one := fleet.Schedule{Name: "monthly", Kind: "failed", Format: "csv", Every: fleet.EveryMonth, At: at, Folder: t.TempDir(), Mail: "mail"}
	f.fleet.Schedules = []fleet.Schedule{one}
	last := one.Due(time.Time{}, time.Now())[0].Until
	done := last.AddDate(0, -125, 0)
	f.exec(0, `INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(), '{"action":"audit.export","actor":"ann@example.com","details":{"schedule":"monthly","until":"`+done.Format(time.RFC3339)+`"},"phase":"outcome","reason":"x","status":"ok","v":1}')`)
	said := "5 months before it, from " + done.Format(time.DateOnly) + " until " + last.AddDate(0, -120, 0).Format(time.DateOnly)
	list, err := f.open().ReportSchedules(t.Context())
	require.NoError(t, err)
	require.Equal(t, 120, list.Schedules[0].Missing)
	require.Contains(t, list.Schedules[0].Reason, said)
	sink := newSink(t)
	f.working(sink, 1, func() bool { mails, _ := sink.got(); return len(mails) > 1 })
	mails, _ := sink.got()
	require.Contains(t, strings.ReplaceAll(strings.ReplaceAll(mails[0], "=\r\n", ""), "\r\n", " "), said)
	require.NotContains(t, mails[1], "passed by")
	const skipped = `SELECT coalesce(string_agg(DISTINCT concat_ws(' ', body_json -> 'details' ->> 'skipped', body_json -> 'details' ->> 'skipped_since', body_json -> 'details' ->> 'skipped_until', position('`
	require.Equal(t, "5 "+done.Format(time.RFC3339)+" "+last.AddDate(0, -120, 0).Format(time.RFC3339)+" t",
		f.text(0, skipped+said+`' IN body_json ->> 'reason') > 0), ''), '') FROM shard_admin.audit_event WHERE body_json -> 'details' ? 'skipped'`))
	require.Equal(t, "1", f.text(0, `SELECT count(*)::text FROM shard_admin.audit_event WHERE body_json -> 'details' ? 'skipped' AND body_json ->> 'phase' = 'outcome'`))
}

// What could not be sent has failed, and is not said to be delivered.
func TestAScheduledReportThatCannotBeSentHasFailed(t *testing.T) {
	t.Parallel()
	f, _ := core(t)
	sink := newSink(t)
	at, _ := fleet.ParseDigest("daily 00:00 UTC")
	f.fleet.Schedules = []fleet.Schedule{{Name: "monthly", Kind: "failed", Format: "csv", Every: fleet.EveryMonth, At: at, Folder: t.TempDir(), Mail: "mail"}}
	count := func(status string) string { return f.text(0, strings.ReplaceAll(scheduled, "$1", "'"+status+"'")) }
	port := sink.port
	sink.port = 1 // nobody listens there
	f.working(sink, 1, func() bool { return count("failed") == "1" })
	require.Equal(t, "0", count("ok"))
	list, err := f.open().ReportSchedules(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{"failed", 1}, []any{list.Schedules[0].Status, list.Schedules[0].Missing})
	require.NotEmpty(t, list.Schedules[0].Reason)
	require.NotNil(t, list.Schedules[0].FailedAt)
	sink.port = port
	f.working(sink, 1, func() bool { return count("ok") == "1" })
	mails, _ := sink.got()
	require.Len(t, mails, 1)
}
