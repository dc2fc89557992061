package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) shardsCommand() *cobra.Command {
	status := &cobra.Command{
		Use: "status", Short: "Show every shard: reachable, tenants, size, latency", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runShardsStatus(cmd.Context()) },
	}
	health := &cobra.Command{
		Use: "health [NAME]", Short: "Show connections, cache hits and findings", Args: maybe("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runShardsHealth(cmd.Context(), strings.Join(args, ""))
		},
	}
	stats := &cobra.Command{
		Use: "stats NAME", Short: "Show what a shard holds", Args: want("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runShardsStats(cmd.Context(), args[0]) },
	}
	distribution := &cobra.Command{
		Use: "distribution", Short: "Show how tenants spread over the shards", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runShardsDistribution(cmd.Context()) },
	}
	var o session.AssignRequest
	var where string
	var dryRun bool
	assign := &cobra.Command{
		Use: "assign TENANT SHARD", Short: "Point a tenant without rows to another shard",
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("where") {
				return want("SHARD")(cmd, args)
			}
			return want("TENANT", "SHARD")(cmd, args)
		},
		Long: `Point a tenant to another shard. Routing alone changes: no rows move, so it is
refused where the tenant has rows; move start takes them along.

With --where many are pointed to a shard, one after the other, each with its own
audit event; one that is refused stops no other. --dry-run says what would
become of each and changes nothing. A SELECTION is shard=NAME, demo=yes or no,
subdomain=PATTERN, or several with commas between.

Exit status: 0 all of them, 3 one at least was refused, 5 a database stopped
answering.`,
		Example: `  shard-admin shards assign acme shard_2 --note "a new customer of the north"
  shard-admin shards assign --where shard=default,demo=yes demo --dry-run
  shard-admin shards assign --where 'subdomain=trial-*' shard_2 --note "trials"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("where") {
				if dryRun {
					return fault.New(fault.Usage, "--dry-run is about many tenants", "select them with --where")
				}
				o.Tenant, o.Shard = args[0], args[1]
				return p.runShardsAssign(cmd.Context(), o)
			}
			w, err := session.ParseAssignWhere(where)
			if err != nil {
				return err
			}
			return p.runShardsAssignMany(cmd.Context(), session.AssignManyRequest{Where: w, Shard: args[0], RowsStay: o.RowsStay, DryRun: dryRun})
		},
	}
	assign.Flags().SortFlags = false
	assign.Flags().BoolVar(&o.RowsStay, "rows-stay", false, "although rows exist on the present shard: they stay there")
	assign.Flags().StringVar(&where, "where", "", "assign the many tenants of a `SELECTION`")
	assign.Flags().BoolVar(&dryRun, "dry-run", false, "say what would become of each, change nothing")
	return group("shards", "See the shards, point tenants to them", status, health, stats, distribution, assign)
}

func (p *program) runShardsStatus(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Status(ctx)
	if err != nil {
		return err
	}
	return p.answer(document.OfStatus(v), func(w io.Writer) { printStatus(w, v) })
}

func printStatus(w io.Writer, v session.Status) {
	tenants := "an unknown number of tenants"
	if v.Tenants != nil {
		tenants = count(int64(*v.Tenants), "tenant")
	}
	line(w, "%s (%s): %s, %d of %s answer", v.Fleet, v.Environment, tenants, v.Answering, count(int64(v.Configured), "shard"))
	line(w, "")
	t := newTable(long("SHARD", 10), left("STATUS"), right("TENANTS"), right("SIZE"), right("LATENCY"), right("CONNECTIONS"), long("HOST", 10))
	for _, s := range v.Shards {
		host := none
		switch {
		case strings.HasPrefix(s.Host, "/"):
			host = "this computer"
		case s.Host != "":
			host = fmt.Sprintf("%s:%d", s.Host, s.Port)
		}
		connections := none
		if s.Connections != nil {
			connections = intOr(s.Connections)
			if s.MaxConnections != nil {
				connections += " of " + intOr(s.MaxConnections)
			}
		}
		t.add(s.Name, state(s.Status), intOr(s.Tenants), sizeOr(s.SizeBytes), milliseconds(s.LatencyMS), connections, host)
	}
	t.print(w)
	reported := map[string]bool{}
	for _, s := range append([]session.ShardStatus{v.Control}, v.Shards...) {
		if s.Problem == nil || s.Status == "not_configured" || reported[s.Problem.Message] {
			continue
		}
		reported[s.Problem.Message] = true
		line(w, "")
		paragraph(w, "", at(or(s.Name, "control"), s.Problem.Message))
		if s.Problem.Hint != "" {
			paragraph(w, "  ", s.Problem.Hint)
		}
	}
	printQueueNotice(w, v.Queue)
	if v.Tenants == nil && v.TenantsReason != "" {
		line(w, "")
		paragraph(w, "", "Tenants: "+v.TenantsReason)
	}
	if !v.Installed && v.InstallNote != "" {
		line(w, "")
		paragraph(w, "", v.InstallNote)
	}
}

func (p *program) runShardsHealth(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Health(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(document.OfHealth(v), func(w io.Writer) { printHealth(w, v, name != "") })
}

// printHealth lists the shards, and below what is wrong with them, the worst first.
// What is only worth knowing is summed up unless one shard alone was asked for.
func printHealth(w io.Writer, v session.Health, alone bool) {
	t := newTable(long("SHARD", 10), left("STATUS"), right("LATENCY"), right("CONNECTIONS"), right("CACHE HITS"), right("INDEX HITS"), right("SIZE"))
	for _, h := range v.Shards {
		connections := intOr(h.Connections)
		if h.Connections != nil && h.MaxConnections != nil {
			connections += " of " + intOr(h.MaxConnections)
		}
		t.add(h.Name, state(h.Status), milliseconds(h.LatencyMS), connections, percent(h.CacheHitRate), percent(h.IndexHitRate), sizeOr(h.SizeBytes))
	}
	t.print(w)
	if alone && len(v.Shards) == 1 && v.Shards[0].Problem == nil {
		line(w, "")
		paragraph(w, "", growth(v.Shards[0].Growth))
	}
	type found struct {
		shard string
		session.Finding
	}
	list, info := []found{}, map[string]int{}
	for _, h := range v.Shards {
		for _, f := range h.Findings {
			list = append(list, found{h.Name, f})
		}
	}
	for _, f := range v.Fleet {
		list = append(list, found{"", f})
	}
	rank := []string{"critical", "warning", "info"}
	slices.SortStableFunc(list, func(a, b found) int { return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity) })
	notes := map[string][]session.Finding{}
	for _, f := range list {
		if f.Severity == "info" {
			notes[f.Check] = append(notes[f.Check], f.Finding)
		}
	}
	for _, f := range list {
		if f.Severity == "info" && !alone {
			info[f.Check]++
			continue
		}
		if f.Severity == "info" && len(notes[f.Check]) > alike {
			// Dozens of one kind are one paragraph, with what differs in lines of it.
			printAlike(w, f.shard, notes[f.Check])
			notes[f.Check] = []session.Finding{}
		}
		if f.Severity == "info" && len(notes[f.Check]) == 0 {
			continue
		}
		line(w, "")
		where := ""
		if f.shard != "" {
			where = " on " + f.shard
		}
		paragraph(w, "", f.Severity+where+": "+f.Message)
		if f.Advice != "" {
			paragraph(w, "  ", f.Advice)
		}
		if alone {
			printEvidence(w, f.Finding)
		}
	}
	if len(info) > 0 {
		parts := []string{}
		for check, n := range info {
			parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(check, "_", " "), n))
		}
		slices.Sort(parts)
		line(w, "")
		paragraph(w, "", "Worth knowing: "+strings.Join(parts, ", ")+". shard-admin shards health NAME shows a shard's.")
	}
	printUnavailable(w, v, alone)
}

// growth says how a database grows and when it is full.
func growth(g session.Growth) string {
	if g.BytesPerDay == nil {
		return "Growth: unknown, " + g.Reason + "."
	}
	text := fmt.Sprintf("Growth: %s a day (%s to %s), %s, from %s", signed(*g.BytesPerDay), signed(*g.BytesPerDayFrom), signed(*g.BytesPerDayTo), g.State, count(int64(g.Days), "day"))
	switch {
	case g.FullInDaysFrom == nil:
		return text + ". Full: " + g.FullReason + "."
	case g.FullInDaysTo == nil:
		return text + fmt.Sprintf(". Full in %s at the soonest.", count(int64(*g.FullInDaysFrom), "day"))
	}
	return text + fmt.Sprintf(". Full in %d to %s.", *g.FullInDaysFrom, count(int64(*g.FullInDaysTo), "day"))
}

// signed is a size that may be less than nothing.
func signed(bytes int64) string {
	if bytes < 0 {
		return "−" + size(-bytes)
	}
	return size(bytes)
}

// alike is how many notes of one check are each shown at length.
const alike = 3

// printAlike shows the many notes of one check: what to do once, and a line for each.
func printAlike(w io.Writer, shard string, notes []session.Finding) {
	line(w, "")
	paragraph(w, "", fmt.Sprintf("info on %s: %s, %d of them", shard, strings.ReplaceAll(notes[0].Check, "_", " "), len(notes)))
	if notes[0].Advice != "" {
		paragraph(w, "  ", notes[0].Advice)
	}
	for _, f := range notes {
		if f.Statement != "" {
			line(w, "  %s", f.Statement)
		} else {
			paragraph(w, "  ", f.Message)
		}
	}
}

// printEvidence shows what a finding rests on, and what mends it.
func printEvidence(w io.Writer, f session.Finding) {
	if len(f.Rows) > 0 {
		cols := make([]column, len(f.Columns))
		for i, c := range f.Columns {
			cols[i] = long(strings.ToUpper(strings.ReplaceAll(c, "_", " ")), 8)
		}
		t := newTable(cols...)
		for _, r := range f.Rows {
			t.add(r...)
		}
		t.print(w)
	}
	if f.Statement != "" {
		line(w, "  %s", f.Statement)
	}
}

// printUnavailable says which checks could not look, each reason once.
func printUnavailable(w io.Writer, v session.Health, alone bool) {
	type why struct{ reason, grant string }
	order, checks, where := []why{}, map[why][]string{}, map[why][]string{}
	for _, h := range v.Shards {
		for _, u := range h.Unavailable {
			if u.Later && !alone {
				continue // a single look is one, whatever it looks at
			}
			k := why{u.Reason, u.Grant}
			if checks[k] == nil {
				order = append(order, k)
			}
			if name := strings.ReplaceAll(u.Check, "_", " "); !slices.Contains(checks[k], name) {
				checks[k] = append(checks[k], name)
			}
			if !slices.Contains(where[k], h.Name) {
				where[k] = append(where[k], h.Name)
			}
		}
	}
	for _, k := range order {
		line(w, "")
		on := ""
		if !alone {
			on = " on " + few(where[k])
		}
		paragraph(w, "", "Not checked: "+few(checks[k])+on+": "+k.reason)
		if k.grant != "" {
			line(w, "  %s;", strings.TrimSuffix(k.grant, ";"))
		}
	}
}

// few is a list of names that may be long.
func few(names []string) string {
	if len(names) > 6 {
		names = append(names[:6:6], fmt.Sprintf("%d more", len(names)-6))
	}
	return strings.Join(names, ", ")
}

func (p *program) runShardsStats(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Stats(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		facts(w, "Shard", v.Name, "Tenants", intOr(v.Tenants), "Tables", number(int64(v.TableCount)), "Size", size(v.SizeBytes), "of it indexes", size(v.IndexBytes))
		if len(v.Counts) == 0 {
			return
		}
		line(w, "")
		t := newTable(long("COUNT OF", 20), right("ROWS"))
		names := []string{}
		for n := range v.Counts {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			t.add(n, number(v.Counts[n]))
		}
		t.print(w)
	})
}

func (p *program) runShardsDistribution(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Distribution(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { printDistribution(w, v) })
}

// bar is how wide the longest bar of a distribution is.
const bar = 30

func printDistribution(w io.Writer, v session.Distribution) {
	t := newTable(long("SHARD", 10), right("TENANTS"), right("SHARE"), right("SIZE"), left(""))
	for _, s := range v.Shards {
		t.add(s.Name, number(int64(s.Tenants)), fmt.Sprintf("%.1f %%", s.Percent), sizeOr(s.SizeBytes), strings.Repeat("█", int(s.Percent/100*bar+0.5)))
	}
	t.print(w)
	line(w, "\n%s in all.", count(int64(v.Total), "tenant"))
	for _, s := range v.Shards {
		if s.SizeBytes == nil && s.SizeReason != "" && (s.Problem == nil || s.Problem.Code != string(fault.ShardNotConfigured)) {
			paragraph(w, "", s.Name+": size unknown, "+s.SizeReason)
		}
	}
}

func (p *program) runShardsAssign(ctx context.Context, o session.AssignRequest) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	what := "Tenant " + o.Tenant + " is pointed to " + o.Shard + ". No rows move."
	if o.RowsStay {
		what = "Tenant " + o.Tenant + " is pointed to " + o.Shard + ". Its rows stay where they are and are not seen from there."
	}
	if err := p.change(ctx, s.Fleet(), what, o.Tenant); err != nil {
		return err
	}
	o.Note, o.Confirm = p.note, p.confirm
	v, err := s.Assign(ctx, o)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "%s is on %s now; it was on %s.", or(v.Label, v.Tenant), v.To, v.From)
		line(w, "Audit event %s", v.AuditEvent)
	})
}

func (p *program) runShardsAssignMany(ctx context.Context, r session.AssignManyRequest) error {
	if r.DryRun {
		s, err := p.session(ctx)
		if err != nil {
			return err
		}
		return p.assignedMany(s.AssignMany(ctx, r))
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if p.asks() {
		preview := r
		preview.DryRun = true
		v, err := s.AssignMany(ctx, preview)
		if err != nil {
			return err
		}
		p.say("%s.", v.Sum())
	}
	what := "Tenants with " + r.Where.String() + " are pointed to " + r.Shard + ". No rows move."
	if r.RowsStay {
		what = "Tenants with " + r.Where.String() + " are pointed to " + r.Shard + ". Their rows stay where they are and are not seen from there."
	}
	if err := p.change(ctx, s.Fleet(), what, r.Shard); err != nil {
		return err
	}
	r.Note, r.Confirm = p.note, p.confirm
	return p.assignedMany(s.AssignMany(ctx, r))
}

// assignedMany prints what became of many; those that were done before a database
// stopped answering are printed as well.
func (p *program) assignedMany(v session.AssignedMany, err error) error {
	if err != nil && len(v.Tenants) == 0 {
		return err
	}
	if printed := p.answer(v, func(w io.Writer) {
		t := newTable(long("TENANT", 10), long("FROM", 8), left("STATUS"), long("WHY", 20))
		for _, x := range v.Tenants {
			why := ""
			if x.Problem != nil {
				why = x.Problem.Message
			}
			t.add(or(x.Label, x.Tenant), x.From, strings.ReplaceAll(x.Status, "_", " "), why)
		}
		t.print(w)
		line(w, "")
		paragraph(w, "", v.Sum()+".")
	}); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return &found{code: fault.CodeOf(err)}
	case v.Refused > 0:
		return &found{code: fault.RowsExist} // one of the reasons; each is listed
	}
	return nil
}
