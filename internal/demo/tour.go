package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shardadmin/internal/demo/seed"
	"shardadmin/internal/demo/traffic"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// Options say how the demo runs.
type Options struct {
	Web, NoWindow, Exit bool
	Out                 io.Writer
	OpenWindow          func(ctx context.Context, h *home.Home) error
	OpenPage            func(ctx context.Context, h *home.Home) error
}

// Summary is what the guided run saw.
type Summary struct {
	Tenant       string `json:"tenant"`
	MoveID       string `json:"move_id"`
	Rows         int64  `json:"rows"`
	WritePauseMS *int64 `json:"write_pause_ms"`
	Verified     bool   `json:"verified"`
	Writes       int64  `json:"writes"`
	Retries      int64  `json:"retries"`
	Refused      int64  `json:"refused"`
	LongestMS    int64  `json:"longest_write_ms"`
	// Lost counts acknowledged writes that are not there exactly once.
	Lost        int   `json:"lost"`
	AuditOK     bool  `json:"audit_ok"`
	AuditEvents int64 `json:"audit_events"`
}

type tour struct {
	r    *running
	s    *session.Session
	out  io.Writer
	kept int      // how many promises held
	bad  []string // what was not as promised
	from time.Time
	sum  Summary
}

func (t *tour) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format+"\n", args...) }

func (t *tour) title(format string, args ...any) {
	t.say("\n%s", fmt.Sprintf(format, args...))
}

// promise notes what was promised and says whether it held.
func (t *tour) promise(held bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	mark := "ok    "
	if held {
		t.kept++
	} else {
		mark = "BROKEN"
		t.bad = append(t.bad, text)
	}
	t.say("  %s  %s", mark, text)
}

// Run makes the fleet, goes through the guided move and opens window or page.
func (d *Demo) Run(ctx context.Context, o Options) (Summary, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	begin := time.Now()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(o.Out, format+"\n", args...) }
	say("Shard Admin demo: a fleet of real PostgreSQL servers on this computer")
	r, s, free, err := d.prepare(ctx, !o.NoWindow || o.Exit, func(step string) { say("  %5.1f s  %s", time.Since(begin).Seconds(), step) })
	if err != nil {
		return Summary{}, interrupted(ctx, err)
	}
	defer free()
	defer s.Close()
	keep := o.NoWindow && !o.Exit
	toured := false
	defer func() {
		if !keep || !toured {
			r.down()
		}
	}()
	t := &tour{r: r, s: s, out: o.Out, from: begin}
	if err := t.guide(ctx); err != nil {
		return t.sum, interrupted(ctx, err)
	}
	toured = true
	t.say("\n%d of %d promises held; the guided run took %.1f s.", t.kept, t.kept+len(t.bad), time.Since(begin).Seconds())
	if len(t.bad) > 0 {
		return t.sum, fault.Newf(fault.DemoFailed, "report this; shard-admin demo reset starts anew", "%d promises did not hold: %s", len(t.bad), strings.Join(t.bad, "; "))
	}
	switch {
	case o.Exit:
		return t.sum, nil
	case o.NoWindow && o.Web && o.OpenPage != nil:
		// The page is shown by this program; the servers stay after it.
		return t.sum, ended(ctx, o.OpenPage(ctx, d.home))
	case o.NoWindow:
		t.say("The servers stay up: shard-admin shards status looks at them, shard-admin demo down\nstops them.")
		return t.sum, nil
	case !o.Web && o.OpenWindow != nil && hasDisplay():
		t.say("Opening the window; closing it ends the demo. Its data stays for the next time.")
		err := o.OpenWindow(ctx, d.home)
		if fault.CodeOf(err) != fault.NoDisplay || o.OpenPage == nil {
			return t.sum, ended(ctx, err)
		}
		fallthrough
	default:
		if !o.Web && o.OpenWindow != nil {
			t.say("There is no display here for the window: its page can be opened in a browser.")
		}
		if o.OpenPage == nil {
			return t.sum, fault.New(fault.DemoFailed, "this build has neither window nor page", "make build builds one that has")
		}
		return t.sum, ended(ctx, o.OpenPage(ctx, d.home))
	}
}

// interrupted takes what a step says that Ctrl-C ended for what it is: the step
// did not fail, and nothing has to be reset. A move that stopped at a safe
// point keeps its own words.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.CodeOf(err) == fault.DemoFailed {
		return ctx.Err()
	}
	return err
}

// hasDisplay reports whether a window could be shown; elsewhere than on Linux
// the window itself finds out.
func hasDisplay() bool {
	return runtime.GOOS != "linux" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// ended forgives what Ctrl-C brings about.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || fault.CodeOf(err) == fault.Cancelled) {
		return nil
	}
	return err
}

func (t *tour) guide(ctx context.Context) error {
	if err := t.status(ctx); err != nil {
		return err
	}
	c, err := t.choose(ctx)
	if err != nil {
		return err
	}
	t.sum.Tenant, t.sum.Rows = c.site.Label, c.plan.Rows
	t.plan(c)
	id, load, err := t.move(ctx, c)
	if err != nil {
		return err
	}
	if err := t.check(ctx, c, id, load); err != nil {
		return err
	}
	return t.audit(ctx, c.site)
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KB", float64(n)/(1<<10))
}

// wrap breaks a text at 80 columns behind a first word or two.
func wrap(first, text string) string {
	const width = 80
	indent := strings.Repeat(" ", min(len(first), 10))
	out, line := "", first
	for i, word := range strings.Fields(text) {
		if i > 0 && len(line)+1+len(word) > width {
			out += line + "\n"
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return out + line
}

func (t *tour) status(ctx context.Context) error {
	st, err := t.s.Status(ctx)
	if err != nil {
		return err
	}
	t.title("1  The fleet: %d tenants on %d shards; one more is known, not configured", *st.Tenants, st.Configured)
	t.say("  %-10s %-15s %8s %10s %9s", "SHARD", "STATUS", "TENANTS", "SIZE", "LATENCY")
	for _, sh := range st.Shards {
		bytes, latency := "-", "-"
		if sh.SizeBytes != nil {
			bytes = size(*sh.SizeBytes)
		}
		if sh.LatencyMS != nil {
			latency = fmt.Sprintf("%.1f ms", *sh.LatencyMS)
		}
		t.say("  %-10s %-15s %8d %10s %9s", sh.Name, strings.ReplaceAll(sh.Status, "_", " "), *sh.Tenants, bytes, latency)
	}
	t.promise(st.Answering == 4 && st.Configured == 4, "four of four configured shards answer")
	return nil
}

// choice is the tenant that the tour moves.
type choice struct {
	site session.TenantRow
	id   int
	from server
	to   server
	plan session.Plan
}

// choose takes a tenant of middling size, of default while there is one, whose
// ids are its own and whose plan has nothing in its way.
func (t *tour) choose(ctx context.Context) (choice, error) {
	known := map[string]seed.Tenant{}
	for _, x := range seed.Demo().Tenants() {
		known[strconv.Itoa(x.ID)] = x
	}
	to := plan()[1]
	for _, from := range []server{plan()[0], plan()[2]} {
		list, err := t.s.Tenants(ctx, session.TenantFilter{Shard: from.shard(), Limit: 200})
		if err != nil {
			return choice{}, err
		}
		for _, row := range list.Tenants {
			x := known[row.ID]
			if x.Properties < 60 || x.Properties > 600 || x.Collides || row.MoveState != nil || row.MoveReason != "" {
				continue
			}
			p, err := t.s.PlanMove(ctx, session.MoveRequest{Tenant: row.ID, Target: to.shard()})
			if err != nil {
				return choice{}, err
			}
			if !p.Blocked {
				return choice{site: row, id: x.ID, from: from, to: to, plan: p}, nil
			}
		}
	}
	return choice{}, fault.New(fault.DemoFailed, "no tenant is left that the tour can move to shard_1", "shard-admin demo reset starts anew")
}

func (t *tour) plan(c choice) {
	p := c.plan
	t.title("2  The plan: %s (%s) from %s to %s", c.site.Label, c.site.Title, p.Source, p.Target)
	tables := 0
	for _, tb := range p.Tables {
		if tb.Rows > 0 {
			tables++
		}
	}
	t.say("  %d rows in %d tables, %s", p.Rows, tables, size(p.Bytes))
	if p.PauseMS != nil {
		t.say("  its writes are expected to wait %.1f s, its reads not at all", float64(*p.PauseMS)/1000)
	}
	ok := 0
	for _, c := range p.Checks {
		if c.Status == "ok" {
			ok++
			continue
		}
		t.say("%s", wrap("  "+c.Status+": ", c.Message))
	}
	t.say("  %d checks passed, %d decisions, nothing was written", ok, len(p.Decisions))
}

// move moves the tenant while the sample application reads and writes.
func (t *tour) move(ctx context.Context, c choice) (string, *traffic.Traffic, error) {
	t.title("3  The move, while the sample application reads and writes")
	urls := map[string]string{}
	for _, s := range plan() {
		urls[s.shard()] = t.r.socketURL(s, appRole)
	}
	others := []int{}
	for _, x := range seed.Demo().Tenants() {
		if x.Shard == c.from.shard() && x.ID != c.id && len(others) < 5 || x.Shard == c.to.shard() && len(others) < 10 {
			others = append(others, x.ID)
		}
	}
	load, err := traffic.Start(ctx, traffic.Config{URLs: urls, Catalogue: plan()[0].shard(), Tenant: c.id, Others: others, Writers: 6, Rate: 120})
	if err != nil {
		return "", nil, fault.Wrap(err, fault.DemoFailed, "the sample application could not be started", "shard-admin demo reset starts anew")
	}
	fail := func(err error) (string, *traffic.Traffic, error) {
		load.Stop()
		return "", nil, err
	}
	select { // writes before the move
	case <-ctx.Done():
		return fail(ctx.Err())
	case <-time.After(1500 * time.Millisecond):
	}
	m, err := t.s.StartMove(ctx, session.MoveRequest{Tenant: c.site.ID, Target: c.to.shard(), Note: "a guided move"})
	if err != nil {
		return fail(err)
	}
	last, shown := "", time.Time{}
	m, err = t.s.Await(ctx, m.ID, func(v session.MoveView) {
		if v.Phase == last && time.Since(shown) < 500*time.Millisecond {
			return
		}
		last, shown = v.Phase, time.Now()
		st := load.Stats()
		t.say("  %5.1f s  %-8s %6d of %6d rows   %5d writes, %3.0f a second", time.Since(t.from).Seconds(), v.Phase, v.RowsCopied, max(v.Rows, v.RowsCopied), st.Writes, st.Rate())
	})
	if err != nil {
		return fail(err)
	}
	select { // and after it
	case <-ctx.Done():
		return fail(ctx.Err())
	case <-time.After(1500 * time.Millisecond):
	}
	stats := load.Stop()
	t.sum.MoveID, t.sum.WritePauseMS, t.sum.Verified = m.ID, m.WritePauseMS, m.Verified
	t.sum.Writes, t.sum.Retries, t.sum.Refused, t.sum.LongestMS = stats.Writes, stats.Retries, stats.Refused, stats.LongestWrite.Milliseconds()
	t.promise(m.State == "retained" && m.Verified, "the tenant lives on %s, every row was compared", m.Target)
	if m.WritePauseMS != nil {
		t.say("          writes waited %d ms, the slowest %d ms; the slowest read %d ms", *m.WritePauseMS, stats.LongestWrite.Milliseconds(), stats.LongestRead.Milliseconds())
	}
	t.promise(stats.Failed == 0, "no request failed: %d writes, %d reads, %d tries made again", stats.Writes, stats.Reads, stats.Retries)
	if err := load.Err(); err != nil {
		t.say("%s", wrap("          ", "the first that failed: "+err.Error()))
	}
	return m.ID, load, nil
}

// check reads both shards without the product's help.
func (t *tour) check(ctx context.Context, c choice, id string, load *traffic.Traffic) error {
	t.title("4  Looking for ourselves")
	bad, err := load.Findings(ctx)
	if err != nil {
		return fault.Wrap(err, fault.DemoFailed, "the ledger could not be checked", "shard-admin demo reset starts anew")
	}
	t.sum.Lost = len(bad)
	t.promise(len(bad) == 0, "every acknowledged write is there exactly once")
	for _, l := range bad[:min(3, len(bad))] {
		t.say("          %s", l)
	}
	source, err := t.rows(ctx, c.from, c.id)
	if err != nil {
		return err
	}
	target, err := t.rows(ctx, c.to, c.id)
	if err != nil {
		return err
	}
	rows, wrong := compare(source, target)
	t.promise(len(wrong) == 0 && rows > 0 && len(source) > 40, "plain SQL finds its %d rows in %d tables, each equal on %s", rows, len(source), c.to.shard())
	for _, w := range wrong[:min(5, len(wrong))] {
		t.say("          %s", w)
	}
	m, err := t.s.Move(ctx, id)
	if err != nil {
		return err
	}
	t.say("  %s keeps its copy until you decide:", c.from.shard())
	for _, next := range m.Next {
		t.say("    %s", strings.ReplaceAll(strings.ReplaceAll(next, id, id[:13]), " --note REASON", ""))
	}
	return nil
}

func (t *tour) audit(ctx context.Context, site session.TenantRow) error {
	t.title("5  The audit trail")
	list, err := t.s.Events(ctx, session.AuditFilter{Tenant: site.ID, Limit: 4})
	if err != nil {
		return err
	}
	action, status := 0, 0 // how wide they are
	what := make([]string, len(list.Events))
	for i, e := range list.Events {
		what[i] = e.Phase
		if e.Phase == "outcome" {
			what[i] = e.Status
		}
		action, status = max(action, len(e.Action)), max(status, len(what[i]))
	}
	for i, e := range list.Events {
		t.say("%s", wrap(fmt.Sprintf("  %4d  %-*s  %-*s  ", e.Seq, action, e.Action, status, what[i]), fmt.Sprintf("%s → %s by %s: %s", e.Source, e.Target, e.Actor, e.Note)))
	}
	v, err := t.s.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	t.sum.AuditOK, t.sum.AuditEvents = v.OK, v.Events
	t.promise(v.OK && v.Events > 0, "the chain of %d events verifies", v.Events)
	sync, err := t.s.SyncAudit(ctx)
	if err != nil {
		return err
	}
	t.promise(sync.Seq == sync.Head, "this computer has a copy of all %d", sync.Seq)
	return nil
}
