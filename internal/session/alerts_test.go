package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/alert"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/health"
	"shardadmin/internal/notify"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/policy"
	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// sink takes mail and webhooks.
type sink struct {
	mu    sync.Mutex
	mails []string
	hooks []notify.Message
	keys  []string
	fails int      // how many of the next webhooks are answered with 500
	greys int      // how many of the next mails are put off with 451
	tried []string // the key of each webhook that came, and the Message-ID of each mail
	hook  *httptest.Server
	port  int
}

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (s *sink) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *sink) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (s *sink) Reset()                                      {}
func (s *sink) Logout() error                               { return nil }
func (s *sink) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "" // the line of it
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "Message-ID:") {
			id = strings.TrimSpace(line)
		}
	}
	s.tried = append(s.tried, id)
	if s.greys > 0 {
		s.greys--
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again later"}
	}
	s.mails = append(s.mails, string(b))
	return err
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = append(s.tried, r.Header.Get("Idempotency-Key"))
	if s.fails > 0 {
		s.fails--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var stamp int64
	for _, c := range strings.TrimPrefix(strings.Split(r.Header.Get(notify.SignatureHeader), ",")[0], "t=") {
		stamp = stamp*10 + int64(c-'0')
	}
	if r.Header.Get(notify.SignatureHeader) != notify.Sign(credential.NewSecret("signing"), time.Unix(stamp, 0), body) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	m := notify.Message{}
	_ = json.Unmarshal(body, &m)
	s.hooks, s.keys = append(s.hooks, m), append(s.keys, r.Header.Get("Idempotency-Key"))
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{}
	s.hook = httptest.NewServer(s)
	t.Cleanup(s.hook.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.port = l.Addr().(*net.TCPAddr).Port
	server := smtp.NewServer(s)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func (s *sink) channels() []fleet.Channel {
	return []fleet.Channel{
		{Name: "mail", Kind: fleet.ChannelSMTP, Host: "127.0.0.1", Port: s.port, TLS: fleet.TLSNone, From: "shard-admin@example.com", To: []string{"ops@example.com"}, Severity: "warning", Events: []string{"health.reachable", "move"}},
		{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "warning", Events: []string{"health.reachable", "move"}},
	}
}

func (s *sink) got() (mails []string, hooks []notify.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.mails...), append([]notify.Message{}, s.hooks...)
}

type channelResolver struct {
	databases fixedResolver
	sink      *sink
}

func (r channelResolver) Resolve(ctx context.Context, fleet, name string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	switch name {
	case "notify-hook":
		return credential.Credential{Password: credential.NewSecret(r.sink.hook.URL)}, credential.FromEnvironment, nil
	case "notify-hook-secret":
		return credential.Credential{Password: credential.NewSecret("signing")}, credential.FromEnvironment, nil
	}
	return r.databases.Resolve(ctx, fleet, name, at)
}

// alerting opens the fleet with channels to a sink.
func (f *fixture) alerting(s *sink, channels ...fleet.Channel) *session.Session {
	f.t.Helper()
	told := *f.fleet
	told.Channels = channels
	out := session.Open(session.Config{
		Fleet: &told, Resolver: channelResolver{fixedResolver{f.role}, s}, Email: "ann@example.com", Source: "worker",
		Flag: func(policy.Flag) (bool, string) { return true, "test" },
	})
	f.t.Cleanup(out.Close)
	return out
}

// A server that stops is red with its reason and age within 15 s, each channel is told
// once by two programs that look, though the first try is answered with 500, and it
// comes back by itself.
func TestAStoppedShardIsToldOnceAndComesBack(t *testing.T) {
	t.Parallel()
	f, first := readyOn(t, [2]int{0, 71})
	sink := newSink(t)
	sink.fails = 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := []*session.Session{}
	for range 2 {
		s := f.alerting(sink, sink.channels()...)
		watched = append(watched, s)
		_, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
		require.NoError(t, err)
		defer func() { cancel(); <-done }()
	}
	reachable := func(all bool) *session.AlertView {
		list, err := first.Alerts(ctx, all)
		require.NoError(t, err)
		for _, a := range list.Alerts {
			if a.Rule == "health.reachable" && a.Shard == "shard_1" {
				return &a
			}
		}
		return nil
	}
	require.Eventually(t, func() bool {
		list, err := first.Alerts(ctx, false)
		return err == nil && list.Evaluated
	}, 20*time.Second, 100*time.Millisecond)
	time.Sleep(2 * time.Second) // looked at once at least

	require.NoError(t, f.server(1).Stop(ctx))
	stopped := time.Now()
	var a *session.AlertView
	require.Eventually(t, func() bool { a = reachable(false); return a != nil && a.State == "firing" }, 15*time.Second, 100*time.Millisecond)
	t.Logf("red after %s: %s", time.Since(stopped).Round(100*time.Millisecond), a.Message)
	require.Equal(t, "critical", a.Severity)
	require.NotEmpty(t, a.Message)
	since, err := time.Parse(time.RFC3339, a.Since)
	require.NoError(t, err)
	require.WithinDuration(t, stopped, since, 15*time.Second)
	health, err := first.Health(ctx, "shard_1")
	require.NoError(t, err)
	require.Equal(t, "unreachable", health.Shards[0].Status)

	require.Eventually(t, func() bool { m, h := sink.got(); return len(m) == 1 && len(h) == 1 }, 40*time.Second, 100*time.Millisecond)
	t.Logf("told after %s", time.Since(stopped).Round(100*time.Millisecond))
	require.NoError(t, f.server(1).Restart(ctx))
	require.Eventually(t, func() bool { a := reachable(true); return a != nil && a.State == "resolved" }, 60*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool { m, h := sink.got(); return len(m) == 2 && len(h) == 2 }, 40*time.Second, 100*time.Millisecond)
	time.Sleep(5 * time.Second) // nothing more comes
	mails, hooks := sink.got()
	require.Len(t, mails, 2)
	require.Len(t, hooks, 2)
	require.Contains(t, mails[0], "Subject: [test] critical: shard_1")
	require.Contains(t, mails[1], "resolved")
	require.Equal(t, "firing", hooks[0].Items[0].State)
	require.Equal(t, "resolved", hooks[1].Items[0].State)
	require.NotContains(t, strings.Join(mails, ""), password)
	for _, s := range watched {
		list, err := s.Alerts(ctx, false)
		require.NoError(t, err)
		require.Empty(t, list.Channels[1].Error)
		require.NotNil(t, list.Channels[1].SentAt)
	}
}

// A crash between claim and mark sends the message again, under the same key, and one
// between filing and claim loses nothing.
func TestACrashBetweenSendingAndMarkSendsAgainUnderTheSameKey(t *testing.T) {
	t.Parallel()
	f, _ := core(t)
	f.exec(0, `INSERT INTO shard_admin.notice (key, channel, items, not_before) VALUES ('k', 'hook', '[]', now())`)
	set := conn.Open(f.fleet, conn.Options{Resolver: fixedResolver{f.role}, MaxConns: 2})
	defer set.Close()
	store := alert.NewStore(set.Control(), "shard_admin")
	n, err := store.Claim(t.Context(), []string{"hook"})
	require.NoError(t, err)
	require.Equal(t, "k", n.Key)
	again, err := store.Claim(t.Context(), []string{"hook"})
	require.NoError(t, err)
	require.Nil(t, again, "it is somebody's")
	// The sender is gone, and its claim runs out.
	f.exec(0, `UPDATE shard_admin.notice SET claimed_until = now() - interval '1 second'`)
	sink := newSink(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, done, err := f.alerting(sink, sink.channels()...).Observe(ctx, session.ObserveOptions{Alerts: true})
	require.NoError(t, err)
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool { _, h := sink.got(); return len(h) == 1 }, 20*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool { return f.text(0, "SELECT (sent_at IS NOT NULL)::text FROM shard_admin.notice") == "true" }, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, []string{"k"}, sink.keys)
	require.Equal(t, "2", f.text(0, "SELECT attempts::text FROM shard_admin.notice"))
}

// Whose fleet file has a channel tells by it, whoever evaluates: a window on a computer
// that knows of no channel takes nobody's messages away.
func TestWhoEvaluatesNeedNotKnowTheChannels(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	f.exec(0, `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at) VALUES ('placement.failed', 'n', 'critical', 'y', 'firing', now(), now() - interval '1 minute')`)
	sink := newSink(t)
	ctx, cancel := context.WithCancel(t.Context())
	evaluator := f.alerting(sink)
	_, done, err := evaluator.Observe(ctx, session.ObserveOptions{Alerts: true})
	require.NoError(t, err)
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool {
		return f.text(0, "SELECT told FROM shard_admin.alert WHERE rule = 'placement.failed'") == "critical"
	}, 20*time.Second, 100*time.Millisecond)
	require.Equal(t, "0", f.text(0, "SELECT count(*)::text FROM shard_admin.notice"))
	for range 2 { // at once
		_, done, err := f.alerting(sink, fleet.Channel{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "warning", Events: []string{"placement"}}).Observe(ctx, session.ObserveOptions{Alerts: true})
		require.NoError(t, err)
		defer func() { cancel(); <-done }()
	}
	require.Eventually(t, func() bool { _, h := sink.got(); return len(h) > 0 }, 20*time.Second, 100*time.Millisecond)
	time.Sleep(5 * time.Second) // nothing more comes
	_, hooks := sink.got()
	require.Len(t, hooks, 1)
	require.Equal(t, "placement.failed", hooks[0].Items[0].Rule)
	require.Equal(t, "{hook}", f.text(0, "SELECT channels::text FROM shard_admin.telling"))
}

// A single deadlock is seen for the minute after the one in which it happened, and is
// told once; it is over when the minutes after it had none.
func TestASingleDeadlockIsToldOnce(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	ctx := t.Context()
	f.exec(0, "CREATE TABLE knot (id int PRIMARY KEY, v int); INSERT INTO knot VALUES (1, 0), (2, 0)")
	watcher := pgtest.Connect(t, f.server(0).URL("", f.dbs[0]))
	server, err := sample.Identify(ctx, watcher)
	require.NoError(t, err)
	read := func() map[string]sample.Result {
		out, err := sample.Collect(ctx, watcher, server, health.Queries(sample.Minute))
		require.NoError(t, err)
		return out
	}
	counted := func(r map[string]sample.Result) int64 { return r["database"].Row(0).IntOr("deadlocks", -1) }
	// minute are two looks that are a minute apart.
	minute := func(now, before map[string]sample.Result) session.Figures {
		past := map[string]sample.Result{}
		for name, r := range before {
			r.At = now[name].At.Add(-time.Minute)
			past[name] = r
		}
		at := time.Now()
		return session.Figures{Shards: []session.ShardFigures{{
			Name: "default", Configured: true, Reading: sample.Reading{State: sample.Up, At: at, Server: server},
			Report: health.Examine(health.Reading{At: at, Server: server, Results: now}, health.Reading{At: at.Add(-time.Minute), Server: server, Results: past}, health.Defaults()),
		}}}
	}
	before := read()

	one, other := pgtest.Connect(t, f.server(0).URL("", f.dbs[0])), pgtest.Connect(t, f.server(0).URL("", f.dbs[0]))
	do := func(c *pgx.Conn, sql string) {
		_, err := c.Exec(ctx, sql)
		require.NoError(t, err)
	}
	do(one, "SET deadlock_timeout = '10ms'; BEGIN; UPDATE knot SET v = 1 WHERE id = 1")
	do(other, "SET deadlock_timeout = '10ms'; BEGIN; UPDATE knot SET v = 1 WHERE id = 2")
	waits := make(chan error, 1)
	go func() {
		_, err := other.Exec(ctx, "UPDATE knot SET v = 1 WHERE id = 1")
		waits <- err
	}()
	_, first := one.Exec(ctx, "UPDATE knot SET v = 1 WHERE id = 2")
	do(one, "ROLLBACK")
	second := <-waits
	require.True(t, (first == nil) != (second == nil), "%v %v", first, second)
	require.NoError(t, one.Close(ctx))
	require.NoError(t, other.Close(ctx)) // what they counted is known at the latest now
	var after map[string]sample.Result
	require.Eventually(t, func() bool { after = read(); return counted(after) == counted(before)+1 }, 30*time.Second, 50*time.Millisecond)

	look, err := s.Evaluating(ctx)
	require.NoError(t, err)
	alerts := func() string {
		return f.text(0, "SELECT coalesce(string_agg(concat_ws(' ', state, severity, told, message), ', '), '') FROM shard_admin.alert WHERE rule = 'health.deadlocks'")
	}
	told := func() string {
		return f.text(0, "SELECT coalesce(string_agg(i->>'state', ' ' ORDER BY t.id), '') FROM shard_admin.telling t, jsonb_array_elements(t.items) i WHERE i->>'rule' = 'health.deadlocks'")
	}
	ages := func(column, by string) {
		f.exec(0, "UPDATE shard_admin.alert SET "+column+" = "+column+" - interval '"+by+"' WHERE rule = 'health.deadlocks'")
	}
	happened := minute(after, before)
	require.NoError(t, look(happened))
	require.Contains(t, alerts(), "firing warning", "it happened, and there is nothing to wait for")
	require.Contains(t, alerts(), "1 deadlock ")
	ages("fired_at", "3 seconds")
	require.NoError(t, look(happened))
	require.NoError(t, look(happened))
	require.Equal(t, "firing", told())

	quiet := minute(after, after)
	require.NoError(t, look(quiet))
	require.Contains(t, alerts(), "firing warning")
	ages("clear_since", "2 minutes")
	require.NoError(t, look(quiet))
	ages("resolved_at", "3 seconds")
	require.NoError(t, look(quiet))
	require.NoError(t, look(quiet))
	require.Equal(t, "firing resolved", told())
	require.True(t, strings.HasPrefix(alerts(), "resolved warning") && !strings.Contains(alerts(), ", firing"), alerts())
}

// However many moves are done in an hour, one that failed and one that needs a person
// are told, and of those that are done the newest.
func TestAFailedMoveIsToldAmongThousandsThatAreDone(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	f.exec(0, `INSERT INTO shard_admin.move (id, tenant, source, target, mode, state, engine, max_read_only_ms, plan, note, created_by, error_message, created_at)
		SELECT gen_random_uuid(), g::text, 'default', 'shard_1', 'online', CASE g WHEN 1500 THEN 'failed' WHEN 1501 THEN 'ready' ELSE 'retained' END,
		       1, 1, '{}', 'n', 'ann', CASE WHEN g >= 1500 THEN 'it broke' END, clock_timestamp() - interval '50 minutes' + g * interval '1 second'
		FROM generate_series(1, 1501) g`)
	f.exec(0, `INSERT INTO shard_admin.move_step (move_id, state, step, epoch, at) SELECT id, state, '', 1, created_at FROM shard_admin.move`)
	look, err := s.Evaluating(t.Context())
	require.NoError(t, err)
	require.NoError(t, look(session.Figures{}))
	require.Equal(t, "move.failed 1, move.finished 1000, move.person 1", f.text(0, `SELECT string_agg(rule || ' ' || n, ', ' ORDER BY rule) FROM (SELECT rule, count(*) n FROM shard_admin.alert GROUP BY rule) x`))
	require.Equal(t, "500", f.text(0, `SELECT min(m.tenant::int)::text FROM shard_admin.alert a JOIN shard_admin.move m ON m.id::text = a.subject WHERE a.rule = 'move.finished'`))
}

// What is wrong with a server is one alert, however many of its databases are shards.
// Who may not know which server it is goes by the address, and copies that share an
// identifier are servers of their own.
func TestAServerOfManyShardsIsOneAlert(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	ctx := t.Context()
	told := *f.fleet
	told.Shards = slices.Clone(f.fleet.Shards)
	for i := range 11 { // with default 12 on the first server, and shard_1 on the other
		told.Shards = append(told.Shards, fleet.Shard{Name: fmt.Sprintf("more_%d", i+1), Placement: fleet.PlacementOpen, Endpoint: fleet.Endpoint{URL: f.server(0).URL(f.role, f.dbs[0])}})
	}
	s := session.Open(session.Config{Fleet: &told, Resolver: fixedResolver{f.role}, Source: "worker"})
	defer s.Close()
	limits := health.Defaults()
	limits.Connections = health.Pair{Warning: 0.0001, Critical: 2}
	now := []health.Reading{}
	for n := range 2 {
		c := pgtest.Connect(t, f.server(n).URL("", f.dbs[n]))
		server, err := sample.Identify(ctx, c)
		require.NoError(t, err)
		require.NotEmpty(t, server.SystemIdentifier)
		results, err := sample.Collect(ctx, c, server, health.Queries(sample.Live))
		require.NoError(t, err)
		now = append(now, health.Reading{At: time.Now(), Server: server, Results: results})
	}
	figures := func(change func(i int, sh *session.ShardFigures)) session.Figures {
		out := session.Figures{}
		for i, sh := range told.Shards {
			r := now[0]
			if sh.Name == "shard_1" {
				r = now[1]
			}
			x := session.ShardFigures{Name: sh.Name, Configured: sh.Configured(), Reading: sample.Reading{State: sample.Up, At: r.At, Server: r.Server}, Report: health.Examine(r, health.Reading{}, limits)}
			if change != nil {
				change(i, &x)
			}
			out.Shards = append(out.Shards, x)
		}
		return out
	}
	seen := func(v session.Figures) (out []string, all alert.Seen) {
		all, err := s.Seen(ctx, v)
		require.NoError(t, err)
		for _, c := range all.Conditions {
			if c.Rule == "health.connections" {
				out = append(out, c.Subject+" "+c.Shard)
			}
		}
		slices.Sort(out)
		return out, all
	}
	address := fmt.Sprintf("127.0.0.1:%d", f.server(0).Port())
	one := []string{address + " default", "shard_1 shard_1"}
	got, all := seen(figures(nil))
	require.Equal(t, one, got)
	i := slices.IndexFunc(all.Conditions, func(c alert.Condition) bool { return c.Subject == address && c.Rule == "health.connections" })
	for _, name := range []string{"default", "more_1", "more_11"} {
		require.Contains(t, all.Conditions[i].Message, name)
	}
	of := all.Servers[address]
	require.Len(t, of, 12)
	require.Contains(t, of, "more_11")
	require.NotContains(t, of, "shard_1")
	about := alert.Alert{Rule: "health.connections", Subject: address, Shard: "default"}
	require.False(t, all.Unknown(about))

	// One that does not answer, or was not looked at, leaves the alert what it was.
	got, all = seen(figures(func(i int, sh *session.ShardFigures) {
		switch i {
		case 0:
			sh.Reading.State, sh.Report = sample.Down, health.Report{}
		case 2:
			sh.Reading, sh.Report = sample.Reading{State: sample.Waiting}, health.Report{}
		}
	}))
	require.Equal(t, one, got)
	require.False(t, all.Unknown(about))
	got, all = seen(figures(func(_ int, sh *session.ShardFigures) { sh.Reading.State, sh.Report = sample.Down, health.Report{} }))
	require.Empty(t, got)
	require.True(t, all.Unknown(about), "nobody could look")

	// Without the right to ask for the identifier.
	got, _ = seen(figures(func(_ int, sh *session.ShardFigures) { sh.Reading.Server.SystemIdentifier = "" }))
	require.Equal(t, one, got)
	// A pooler has one address and leads to two servers.
	got, _ = seen(figures(func(i int, sh *session.ShardFigures) {
		if i > 6 {
			sh.Reading.Server = now[1].Server
		}
	}))
	require.Len(t, got, 2, "those of the other server are one with shard_1: %v", got)
	// A copy has the identifier of what it was copied from, and its own address and start.
	got, _ = seen(figures(func(_ int, sh *session.ShardFigures) {
		if sh.Name == "shard_1" {
			sh.Reading.Server = now[0].Server
			sh.Reading.Server.Started = now[0].Server.Started.Add(time.Hour)
		}
	}))
	require.Equal(t, one, got)
}

// A server of several shards is silenced by its address, or with all of its shards.
func TestAServerIsSilencedByItsAddressOrWithAllItsShards(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	ctx := t.Context()
	told := *f.fleet
	told.Shards = append(slices.Clone(f.fleet.Shards), fleet.Shard{Name: "more", Placement: fleet.PlacementOpen, Endpoint: fleet.Endpoint{URL: f.server(0).URL(f.role, f.dbs[0])}})
	s := session.Open(session.Config{Fleet: &told, Resolver: fixedResolver{f.role}, Email: "ann@example.com", Source: "cli"})
	defer s.Close()
	address := fmt.Sprintf("127.0.0.1:%d", f.server(0).Port())
	_, err := pgtest.Connect(t, f.server(0).URL("", f.dbs[0])).Exec(ctx, `INSERT INTO shard_admin.alert (rule, subject, shard, severity, message, value, advice, once, state, since, fired_at)
		VALUES ('health.connections', $1, 'default', 'critical', 'full', '', '', false, 'firing', now(), now())`, address)
	require.NoError(t, err)
	silenced := func() bool {
		list, err := s.Alerts(ctx, false)
		require.NoError(t, err)
		require.Len(t, list.Alerts, 1)
		return list.Alerts[0].Silenced
	}
	silence := func(shard string) int64 {
		v, err := s.Silence(ctx, session.SilenceRequest{Shard: shard, Ends: "1h", Note: "a new disk"})
		require.NoError(t, err)
		return v.ID
	}
	require.False(t, silenced())
	whole := silence(address)
	require.True(t, silenced())
	require.NoError(t, s.Unsilence(ctx, whole, "done"))
	require.False(t, silenced())
	silence("default")
	require.False(t, silenced(), "the other shard's people want to hear of it")
	silence("more")
	require.True(t, silenced())
	_, err = s.Silence(ctx, session.SilenceRequest{Shard: "127.0.0.1:1", Ends: "1h", Note: "a new disk"})
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
}

// What happened once has no end to wait for: it is done, and does not fire.
func TestWhatHappenedOnceIsDone(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.exec(0, `INSERT INTO shard_admin.alert (rule, subject, severity, message, once, state, since, fired_at) VALUES
		('move.finished', 'm', 'info', 'x', true, 'firing', now(), now()), ('move.failed', 'n', 'critical', 'y', false, 'firing', now(), now())`)
	list, err := s.Alerts(t.Context(), false)
	require.NoError(t, err)
	states := map[string]string{}
	for _, a := range list.Alerts {
		states[a.Rule] = a.State
	}
	require.Equal(t, map[string]string{"move.finished": "done", "move.failed": "firing"}, states)
	require.Equal(t, 1, list.Firing)
}

// Whoever acknowledges or silences says why, and the trail has it.
func TestAlertsAreChangedWithAReasonAndARecord(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.exec(0, `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at) VALUES ('move.failed', 'm', 'critical', 'x', 'firing', now(), now())`)
	list, err := s.Alerts(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, 1, list.Firing)
	require.False(t, list.Evaluated)
	id := list.Alerts[0].ID
	require.NoError(t, s.AckAlert(t.Context(), id, "I look"))
	require.Equal(t, fault.AlertState, fault.CodeOf(s.AckAlert(t.Context(), id, "I look")))
	require.Equal(t, fault.AlertUnknown, fault.CodeOf(s.AckAlert(t.Context(), id+1, "I look")))
	v, err := s.Silence(t.Context(), session.SilenceRequest{Shard: "shard_1", Ends: "2h", Note: "a new disk"})
	require.NoError(t, err)
	require.True(t, v.Active)
	// One that comes again holds in its windows alone, for a year.
	in := time.Now().UTC().Add(48 * time.Hour)
	every := strings.ToLower(in.Format("Mon")) + " " + in.Format("15:00") + "-" + in.Add(time.Hour).Format("15:00") + " UTC"
	again, err := s.Silence(t.Context(), session.SilenceRequest{Every: every, Note: "the backup"})
	require.NoError(t, err)
	require.Equal(t, every, again.Every)
	require.False(t, again.Active)
	require.Equal(t, in.Truncate(time.Hour).Format(time.RFC3339), *again.NextAt)
	listed, err := s.Alerts(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, listed.Silences, 2)
	require.Equal(t, again.ID, listed.Silences[1].ID)
	require.Equal(t, every, listed.Silences[1].Every)
	require.Equal(t, again.NextAt, listed.Silences[1].NextAt)
	require.Equal(t, every, f.text(0, "SELECT body_json -> 'after' ->> 'every' FROM shard_admin.audit_event WHERE body_json ->> 'action' = 'alert.silence' ORDER BY occurred_at DESC LIMIT 1"))
	_, err = s.Silence(t.Context(), session.SilenceRequest{Every: "every sunday", Note: "x"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = s.Silence(t.Context(), session.SilenceRequest{Every: every, Ends: "9000h", Note: "x"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.NoError(t, s.Unsilence(t.Context(), again.ID, "done"))
	_, err = s.Silence(t.Context(), session.SilenceRequest{Shard: "nowhere", Ends: "2h", Note: "x"})
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
	for _, ends := range []string{"", "-1h", "800h", "soon"} {
		_, err = s.Silence(t.Context(), session.SilenceRequest{Ends: ends, Note: "x"})
		require.Equal(t, fault.Usage, fault.CodeOf(err), ends)
	}
	require.NoError(t, s.Unsilence(t.Context(), v.ID, "done"))
	require.Equal(t, fault.AlertUnknown, fault.CodeOf(s.Unsilence(t.Context(), v.ID, "done")))
	require.Equal(t, "alert.acknowledge alert.silence alert.silence alert.unsilence alert.unsilence", f.text(0, `SELECT string_agg(body_json ->> 'action', ' ' ORDER BY recorded_at) FROM shard_admin.audit_event WHERE body_json ->> 'action' LIKE 'alert.%' AND body_json ->> 'status' = 'ok'`))
}

// What a digest collects is one message, not sent before its time.
func TestADigestIsOneMessage(t *testing.T) {
	t.Parallel()
	d, ok := fleet.ParseDigest("daily 08:00 Europe/Berlin")
	require.True(t, ok)
	require.Equal(t, "2026-03-29T06:00:00Z", d.Next(time.Date(2026, 3, 28, 7, 0, 0, 0, time.UTC)).UTC().Format(time.RFC3339), "the clock goes forward in that night")
	f, _ := core(t)
	sink := newSink(t)
	at := time.Now().UTC().Add(2 * time.Hour)
	s := f.alerting(sink, fleet.Channel{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "critical", Events: []string{"move.failed"}, Digest: &fleet.Digest{Hour: at.Hour(), Minute: at.Minute(), Zone: time.UTC}})
	insert := `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at, told) VALUES ('move.failed', $1, 'critical', 'x', 'firing', now(), now() - interval '1 minute', 'critical')`
	f.exec(0, insert, "one")
	ctx, cancel := context.WithCancel(t.Context())
	_, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
	require.NoError(t, err)
	defer func() { cancel(); <-done }()
	items := func(n string) func() bool {
		return func() bool {
			return f.text(0, "SELECT coalesce(max(jsonb_array_length(items)), 0)::text || ' ' || count(*) FROM shard_admin.notice") == n
		}
	}
	// No such moves are there: what was told of them ends.
	require.Eventually(t, items("1 1"), 30*time.Second, 100*time.Millisecond)
	f.exec(0, insert, "two")
	require.Eventually(t, items("2 1"), 30*time.Second, 100*time.Millisecond)
	_, hooks := sink.got()
	require.Empty(t, hooks)
	f.exec(0, "UPDATE shard_admin.notice SET not_before = now()")
	require.Eventually(t, func() bool { _, h := sink.got(); return len(h) == 1 && h[0].Digest && len(h[0].Items) == 2 }, 20*time.Second, 100*time.Millisecond)
}

// That the control database answers again is told as well, once, though no database keeps
// that it did not; and so is the next time that it does not.
func TestThatControlAnswersAgainIsTold(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	s := newSink(t)
	control, _, _ := f.alerting(s, fleet.Channel{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "warning"}).Alerting()
	at, down := time.Now(), errors.New("connection refused")
	told := func() (out []string) {
		_, hooks := s.got()
		for _, m := range hooks {
			for _, i := range m.Items {
				out = append(out, i.Rule+" "+i.State)
			}
		}
		return out
	}
	begins, ends := "control.unreachable firing", "control.unreachable resolved"
	for _, step := range []struct {
		seconds int
		err     error
		told    []string
	}{
		{0, down, nil},
		{11, down, nil},
		{15, down, []string{begins}},
		{20, nil, []string{begins}},
		{31, nil, []string{begins}},
		{33, nil, []string{begins}},
		{35, nil, []string{begins, ends}},
		{60, nil, []string{begins, ends}},
		{70, down, []string{begins, ends}},
		{81, down, []string{begins, ends}},
		{85, down, []string{begins, ends, begins}},
	} {
		control(t.Context(), at.Add(time.Duration(step.seconds)*time.Second), step.err)
		require.Equal(t, step.told, told(), step.seconds)
	}
}

// A channel that puts the message about the control database off is tried again by
// itself, under the same key, until it has it or there is nothing to tell any more.
func TestThatControlDoesNotAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	s := newSink(t)
	channels := s.channels()
	for i := range channels {
		channels[i].Events = nil
	}
	s.greys, s.fails = 2, 1
	control, _, _ := f.alerting(s, channels...).Alerting()
	at, down := time.Now(), errors.New("connection refused")
	step := func(seconds int, err error, mails, hooks, tried int) {
		t.Helper()
		control(t.Context(), at.Add(time.Duration(seconds)*time.Second), err)
		m, h := s.got()
		require.Equal(t, []int{mails, hooks, tried}, []int{len(m), len(h), len(s.tried)}, seconds)
	}
	step(0, down, 0, 0, 0)
	step(11, down, 0, 0, 0)
	step(15, down, 0, 0, 2)
	step(18, down, 0, 0, 2) // 5 s between the first two tries
	step(20, down, 0, 1, 4)
	step(28, down, 0, 1, 4) // and then 10
	step(30, down, 1, 1, 5)
	step(90, down, 1, 1, 5)
	counts := map[string]int{}
	for _, key := range s.tried {
		require.NotEmpty(t, key)
		counts[key]++
	}
	require.Len(t, counts, 2, "the same key each time: %v", s.tried)

	// The end is tried again as well.
	s.fails = 1
	step(100, nil, 1, 1, 5)
	step(112, nil, 1, 1, 5)
	step(116, nil, 2, 1, 7)
	step(122, nil, 2, 2, 8)
	_, hooks := s.got()
	require.Equal(t, "resolved", hooks[1].Items[0].State)

	// What is over before a channel could be told is not told there, nor is its end.
	s.fails = 1
	step(200, down, 2, 2, 8)
	step(211, down, 2, 2, 8)
	step(215, down, 3, 2, 10)
	step(216, nil, 3, 2, 10)
	step(227, nil, 3, 2, 10)
	step(231, nil, 4, 2, 11)
	step(300, nil, 4, 2, 11)
	_, hooks = s.got()
	require.Len(t, hooks, 2)
	step(310, down, 4, 2, 11)
	step(321, down, 4, 2, 11)
	step(325, down, 5, 3, 13)
	_, hooks = s.got()
	require.Equal(t, "firing", hooks[2].Items[0].State, "the next one is told again")
}

// Who evaluates for months forgets what is over all the same.
func TestWhatIsOverIsForgottenWhileTheLeaseIsHeld(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	ctx := t.Context()
	_, look, aged := f.alerting(newSink(t)).Alerting()
	old := func() string {
		return f.text(0, "SELECT count(*)::text FROM shard_admin.alert")
	}
	insert := `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, resolved_at) VALUES ('r', 's', 'info', 'm', 'resolved', now(), now() - interval '91 days')`
	f.exec(0, insert)
	require.NoError(t, look(ctx))
	require.Equal(t, "0", old())
	f.exec(0, insert)
	require.NoError(t, look(ctx))
	require.Equal(t, "1", old(), "not with each look")
	aged()
	require.NoError(t, look(ctx))
	require.Equal(t, "0", old())
}

// What comes while a digest is being sent is in none that was read before: it makes
// another one.
func TestADigestThatIsUnderWayTakesNoMore(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	ctx := t.Context()
	f.fleet.Placing.Automatic = true // what a worker alone knows of stays as it is
	later := time.Now().UTC().Add(3 * time.Hour)
	daily := &fleet.Digest{Hour: later.Hour(), Minute: later.Minute(), Zone: time.UTC}
	_, look, _ := f.alerting(newSink(t), fleet.Channel{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "warning", Digest: daily}).Alerting()
	fires := `INSERT INTO shard_admin.alert (rule, subject, severity, message, state, since, fired_at) VALUES ('placement.failed', '%s', 'warning', 'm', 'firing', now(), now() - interval '1 minute')`
	notices := func() string {
		return f.text(0, "SELECT string_agg(jsonb_array_length(items)::text, ' ' ORDER BY id) FROM shard_admin.notice")
	}
	f.exec(0, fmt.Sprintf(fires, "1"))
	require.NoError(t, look(ctx))
	f.exec(0, fmt.Sprintf(fires, "2"))
	require.NoError(t, look(ctx))
	require.Equal(t, "2", notices())
	f.exec(0, "UPDATE shard_admin.notice SET claimed_until = now() + interval '1 minute', attempts = 1")
	f.exec(0, fmt.Sprintf(fires, "3"))
	require.NoError(t, look(ctx))
	require.Equal(t, "2 1", notices())
}

// That no message can be taken to be sent is logged, once.
func TestThatNothingCanBeSentIsLogged(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 1)
	told, log := *f.fleet, &strings.Builder{}
	told.Channels = []fleet.Channel{{Name: "hook", Kind: fleet.ChannelWebhook, Severity: "warning"}}
	s := session.Open(session.Config{Fleet: &told, Resolver: channelResolver{fixedResolver{f.role}, newSink(t)}, Source: "worker", Log: slog.New(slog.NewTextHandler(log, nil))})
	defer s.Close()
	send := s.Sending()
	send(t.Context())
	require.Empty(t, log.String())
	f.exec(0, "REVOKE ALL ON shard_admin.notice FROM "+f.role)
	send(t.Context())
	send(t.Context())
	require.Equal(t, 1, strings.Count(log.String(), "messages that wait cannot be taken"), log)
	require.Contains(t, log.String(), "notice")
}
