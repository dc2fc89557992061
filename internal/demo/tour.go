package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

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
	Refused      int64  `json:"refused"`
	Lost         int    `json:"lost"`
	AuditOK      bool   `json:"audit_ok"`
	AuditEvents  int64  `json:"audit_events"`
}

type tour struct {
	r    *running
	s    *session.Session
	out  io.Writer
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
	if !held {
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
		return Summary{}, err
	}
	defer free()
	defer s.Close()
	keep := o.NoWindow && !o.Exit
	if !keep {
		defer r.down()
	}
	t := &tour{r: r, s: s, out: o.Out, from: begin}
	if err := t.guide(ctx); err != nil {
		return t.sum, err
	}
	t.say("\nThe guided run took %.1f s.", time.Since(begin).Seconds())
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
	case !o.Web && o.OpenWindow != nil:
		t.say("Opening the window; closing it ends the demo. Its data stays for the next time.")
		err := o.OpenWindow(ctx, d.home)
		if fault.CodeOf(err) != fault.NoDisplay || o.OpenPage == nil {
			return t.sum, ended(ctx, err)
		}
		t.say("There is no display here, so the same page opens in a browser.")
		fallthrough
	default:
		if o.OpenPage == nil {
			return t.sum, fault.New(fault.DemoFailed, "this build has neither window nor page", "make build builds one that has")
		}
		return t.sum, ended(ctx, o.OpenPage(ctx, d.home))
	}
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
	site, target, err := t.choose(ctx)
	if err != nil {
		return err
	}
	t.sum.Tenant = site.Label
	if err := t.plan(ctx, site, target); err != nil {
		return err
	}
	id, load, err := t.move(ctx, site, target)
	if err != nil {
		return err
	}
	if err := t.check(ctx, site, id, target, load); err != nil {
		return err
	}
	return t.audit(ctx, site)
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

func (t *tour) status(ctx context.Context) error {
	st, err := t.s.Status(ctx)
	if err != nil {
		return err
	}
	t.title("1  The fleet: %d tenants on %d shards", *st.Tenants, st.Configured)
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

// choose takes a tenant of middling size on default whose plan has nothing in
// its way.
func (t *tour) choose(ctx context.Context) (session.TenantRow, string, error) {
	list, err := t.s.Tenants(ctx, session.TenantFilter{Shard: "default", Limit: 200})
	if err != nil {
		return session.TenantRow{}, "", err
	}
	sizes := map[string]int{}
	for _, s := range seed.Demo().Tenants() {
		sizes[fmt.Sprint(s.ID)] = s.Properties
	}
	for _, row := range list.Tenants {
		if n := sizes[row.ID]; n < 60 || n > 300 || row.MoveState != nil {
			continue
		}
		p, err := t.s.PlanMove(ctx, session.MoveRequest{Tenant: row.ID, Target: "shard_1", Mode: "fenced"})
		if err != nil {
			return session.TenantRow{}, "", err
		}
		if !p.Blocked {
			return row, "shard_1", nil
		}
	}
	return session.TenantRow{}, "", fault.New(fault.DemoFailed, "no tenant of default is left that can be moved", "shard-admin demo reset starts anew")
}

func (t *tour) plan(ctx context.Context, site session.TenantRow, target string) error {
	p, err := t.s.PlanMove(ctx, session.MoveRequest{Tenant: site.ID, Target: target, Mode: "fenced"})
	if err != nil {
		return err
	}
	t.title("2  The plan: %s (%s) from %s to %s", site.Label, site.Title, p.Source, p.Target)
	tables := 0
	for _, tb := range p.Tables {
		if tb.Rows > 0 {
			tables++
		}
	}
	t.say("  %d rows in %d tables, %s; writes are expected to wait %.1f s", p.Rows, tables, size(p.Bytes), float64(*p.EstimateMS)/1000)
	ok := 0
	for _, c := range p.Checks {
		if c.Status == "ok" {
			ok++
			continue
		}
		t.say("  %s: %s", c.Status, c.Message)
	}
	t.say("  %d checks passed, %d decisions, nothing was written", ok, len(p.Decisions))
	t.sum.Rows = p.Rows
	return nil
}

// before is what an independent reading of the shards found.
func (t *tour) move(ctx context.Context, site session.TenantRow, target string) (string, *traffic.Traffic, error) {
	t.title("3  The move, while the sample application writes")
	urls := map[string]string{}
	for _, s := range plan() {
		urls[s.name] = t.r.socketURL(s, appRole)
	}
	var id int
	if _, err := fmt.Sscan(site.ID, &id); err != nil {
		return "", nil, fault.Wrap(err, fault.Internal, "a tenant's id is not a number", "")
	}
	others := []int{}
	for _, s := range seed.Demo().Tenants() {
		if s.Shard == "default" && s.ID != id && len(others) < 5 || s.Shard == target && len(others) < 10 {
			others = append(others, s.ID)
		}
	}
	load, err := traffic.Start(ctx, traffic.Config{URLs: urls, Tenant: id, Others: others, Writers: 6, Rate: 120})
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
	m, err := t.s.StartMove(ctx, session.MoveRequest{Tenant: site.ID, Target: target, Mode: "fenced", Note: "a guided move"})
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
		t.say("  %5.1f s  %-7s %-10s %6d of %6d rows   %5d writes acknowledged", time.Since(t.from).Seconds(), v.Phase, v.State, v.RowsCopied, v.Rows, st.Writes)
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
	t.sum.MoveID, t.sum.WritePauseMS, t.sum.Verified, t.sum.Writes, t.sum.Refused = m.ID, m.WritePauseMS, m.Verified, stats.Writes, stats.Refused
	t.promise(m.State == "retained" && m.Verified, "the tenant lives on %s, every row was compared", m.Target)
	if m.WritePauseMS != nil {
		t.say("          its writes waited %d ms, reads went on; the slowest took %d ms", *m.WritePauseMS, stats.Longest.Milliseconds())
	}
	t.promise(stats.Failed == 0, "no write of the application failed: %d acknowledged, %d asked again", stats.Writes, stats.Refused)
	if err := load.Err(); err != nil {
		t.say("          the first that failed: %s", err)
	}
	return m.ID, load, nil
}

// check reads both shards without the product's help.
func (t *tour) check(ctx context.Context, site session.TenantRow, id, target string, load *traffic.Traffic) error {
	t.title("4  Looking for ourselves")
	lost, err := load.Lost(ctx)
	if err != nil {
		return fault.Wrap(err, fault.DemoFailed, "the ledger could not be checked", "")
	}
	t.sum.Lost = len(lost)
	t.promise(len(lost) == 0, "every acknowledged write is there exactly once")
	for i, l := range lost {
		if i == 3 {
			break
		}
		t.say("          %s", l)
	}
	counts := []map[string]int{}
	for _, s := range []server{plan()[0], plan()[1]} {
		c, err := t.r.super(ctx, s, s.database)
		if err != nil {
			return err
		}
		m, err := rowsOf(ctx, c, site.ID)
		_ = c.Close(ctx)
		if err != nil {
			return fault.Wrap(err, fault.DemoFailed, "the rows could not be counted", "")
		}
		counts = append(counts, m)
	}
	short := []string{}
	for table, n := range counts[0] {
		// What was written since the switch is on the target alone.
		if counts[1][table] < n {
			short = append(short, table)
		}
	}
	t.promise(len(short) == 0 && len(counts[1]) >= len(counts[0]) && len(counts[0]) > 15, "plain SQL finds its rows on %s in all %d kinds of tables", target, len(counts[1]))
	m, err := t.s.Move(ctx, id)
	if err != nil {
		return err
	}
	t.say("  The source keeps its copy until you decide:")
	for _, next := range m.Next {
		t.say("    %s", strings.ReplaceAll(strings.ReplaceAll(next, id, id[:13]), " --note REASON", ""))
	}
	return nil
}

// rowsOf counts a tenant's rows by hand-written SQL, table by table.
func rowsOf(ctx context.Context, c *pgx.Conn, tenant string) (map[string]int, error) {
	const asset = "realty_asset_id IN (SELECT id FROM pwb_realty_assets WHERE website_id = $1)"
	attachment := "record_type = 'Pwb::PropPhoto' AND record_id IN (SELECT id FROM pwb_prop_photos WHERE " + asset + ")"
	by := map[string]string{
		"pwb_sale_listings": asset, "pwb_rental_listings": asset, "pwb_features": asset, "pwb_prop_photos": asset,
		"pwb_page_translations": "page_id IN (SELECT id FROM pwb_pages WHERE website_id = $1)", "pwb_content_photos": "content_id IN (SELECT id FROM pwb_contents WHERE website_id = $1)",
		"pwb_content_translations": "content_id IN (SELECT id FROM pwb_contents WHERE website_id = $1)", "pwb_link_translations": "link_id IN (SELECT id FROM pwb_links WHERE website_id = $1)",
		"active_storage_attachments": attachment, "active_storage_blobs": "id IN (SELECT blob_id FROM active_storage_attachments WHERE " + attachment + ")",
		"active_storage_variant_records": "blob_id IN (SELECT blob_id FROM active_storage_attachments WHERE " + attachment + ")",
		"pwb_addresses":                  "id IN (SELECT primary_address_id FROM pwb_agencies WHERE website_id = $1 UNION SELECT primary_address_id FROM pwb_contacts WHERE website_id = $1)",
	}
	for _, t := range []string{"pwb_users", "pwb_user_memberships", "pwb_agencies", "pwb_pages", "pwb_contents", "pwb_page_contents", "pwb_links", "pwb_website_photos", "pwb_media", "pwb_media_folders", "pwb_contacts", "pwb_messages", "pwb_realty_assets"} {
		by[t] = "website_id = $1"
	}
	out := map[string]int{}
	var id int
	if _, err := fmt.Sscan(tenant, &id); err != nil {
		return nil, err
	}
	for table, where := range by {
		var n int
		if err := c.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" WHERE "+where, id).Scan(&n); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		if n > 0 {
			out[table] = n
		}
	}
	return out, nil
}

func (t *tour) audit(ctx context.Context, site session.TenantRow) error {
	t.title("5  The audit trail")
	list, err := t.s.Events(ctx, session.AuditFilter{Tenant: site.ID, Limit: 4})
	if err != nil {
		return err
	}
	for _, e := range list.Events {
		what := e.Phase
		if e.Phase == "outcome" {
			what = e.Status
		}
		t.say("  %4d  %-16s %-8s %s → %s  by %s: %s", e.Seq, e.Action, what, e.Source, e.Target, e.Actor, e.Note)
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
