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
	tenant := ""
	stats := &cobra.Command{
		Use: "stats NAME", Short: "Show what a shard holds", Args: want("NAME"),
		Long: `Show what a shard holds. With --tenant the exact rows of one tenant on it, table
by table, and their bytes without indexes, wherever the catalogue says that it
lives: such as what is left on the source after a move.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if tenant != "" {
				return p.runTenantOnShard(cmd.Context(), args[0], tenant)
			}
			return p.runShardsStats(cmd.Context(), args[0])
		},
	}
	stats.Flags().StringVar(&tenant, "tenant", "", "count the rows of one `TENANT`, an id or a subdomain")
	distribution := &cobra.Command{
		Use: "distribution", Short: "Show how tenants spread over the shards", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runShardsDistribution(cmd.Context()) },
	}
	return group("shards", "See the shards, point tenants to them", status, health, p.historyCommand(), p.lookCommand(), p.compareCommand(), p.sessionsCommand(), stats, distribution, p.assignCommand(), p.cancelCommand(), p.terminateCommand())
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
	return p.answer(document.OfStatus(v), func(w io.Writer) {
		printStatus(w, v)
	})
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
		facts(w, "Shard", v.Name, "Tenants", number(int64(v.Tenants)), "Tables", number(int64(v.TableCount)), "Size", size(v.SizeBytes), "of it indexes", size(v.IndexBytes))
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

func (p *program) runTenantOnShard(ctx context.Context, shard, tenant string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.TenantOn(ctx, shard, tenant)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		facts(w, "Shard", v.Name, "Tenant", or(v.Label, v.Tenant), "Id", v.Tenant, "Lives on", v.Pointer)
		line(w, "")
		printCounted(w, v.Tables, v.Rows, v.Bytes, v.CountedAt)
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
	switch {
	case v.Recommended:
		paragraph(w, "", "A rebalance is recommended: "+v.RecommendedReason+". shard-admin rebalance plan shows how.")
	case v.Since != nil:
		paragraph(w, "", "A rebalance is not recommended yet: "+v.RecommendedReason+".")
	case v.RecommendedReason != "":
		paragraph(w, "", sentence(v.RecommendedReason)+".")
	}
	for _, d := range v.Dimensions {
		if d.Recommended && d.Reason != v.RecommendedReason {
			paragraph(w, "", fmt.Sprintf("By %s as well: %s. shard-admin rebalance plan --by %s shows what would mend it.", d.By, d.Reason, d.By))
		}
	}
	if v.KeptReason != "" && v.Kept != nil {
		paragraph(w, "", "Note: "+v.KeptReason+".")
	}
	for _, s := range v.Shards {
		if s.SizeBytes == nil && s.SizeReason != "" && (s.Problem == nil || s.Problem.Code != string(fault.ShardNotConfigured)) {
			paragraph(w, "", s.Name+": size unknown, "+s.SizeReason)
		}
	}
}
