package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) tenantsCommand() *cobra.Command {
	var f session.TenantFilter
	list := &cobra.Command{
		Use: "list", Short: "List tenants with the size that statistics tell", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runTenantsList(cmd.Context(), f) },
	}
	fs := list.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.Shard, "shard", "", "those that point to the `SHARD`")
	fs.StringVar(&f.Search, "search", "", "those whose id, subdomain or title holds `TEXT`")
	fs.StringVar(&f.Sort, "sort", "", "by id, label, title, shard, created, size or rows; -size begins with the largest")
	fs.IntVar(&f.Limit, "limit", 100, "how `MANY`")
	fs.IntVar(&f.Offset, "offset", 0, "leave out the first `MANY`")
	show := &cobra.Command{
		Use: "show TENANT", Short: "Show a tenant's rows per table and its history", Args: want("TENANT"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runTenantsShow(cmd.Context(), args[0]) },
	}
	check := &cobra.Command{
		Use: "check", Short: "Compare every tenant's pointer with where its rows are", Args: want(),
		Long: `Compare every tenant's pointer with where its rows are. Nothing is changed.

Exit status: 0 all agree, 4 some do not, 5 none was seen to be wrong and a shard
could not be looked at.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runTenantsCheck(cmd.Context()) },
	}
	return group("tenants", "See tenants; TENANT is an id or a subdomain", list, show, check)
}

func (p *program) runTenantsList(ctx context.Context, f session.TenantFilter) error {
	if f.Limit < 1 || f.Offset < 0 {
		return fault.New(fault.Usage, "--limit wants a number of 1 or more, --offset one of 0 or more", "shard-admin tenants list --help shows how it is written")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	f.Full = true
	v, err := s.Tenants(ctx, f)
	if err != nil {
		return err
	}
	return p.answer(document.OfTenants(v), func(w io.Writer) { printTenants(w, v, f) })
}

// unknownMove is what stands for the move of a tenant where it is not known whether
// there is one.
const unknownMove = "not known"

func printTenants(w io.Writer, v session.TenantList, f session.TenantFilter) {
	if len(v.Tenants) == 0 {
		line(w, "No tenant fits.")
		return
	}
	t := newTable(long("ID", 8), long("TENANT", 14), long("SHARD", 9), right("~ROWS"), right("~SIZE"), left("STATUS"), left("MOVE"), long("TITLE", 8))
	reasons, unseen := []string{}, ""
	for _, x := range v.Tenants {
		rows, bytes := none, none
		if x.RowsEstimate != nil {
			rows, bytes = number(*x.RowsEstimate), sizeOr(x.BytesEstimate)
		}
		if x.EstimateReason != "" && !slices.Contains(reasons, x.EstimateReason) {
			reasons = append(reasons, x.EstimateReason)
		}
		move := none
		switch {
		case x.MoveState != nil:
			move = state(*x.MoveState)
		case x.MoveReason != "":
			move, unseen = unknownMove, x.MoveReason
		}
		t.add(x.ID, x.Label, x.Shard, rows, bytes, text(x.Status), move, or(x.Title, none))
	}
	t.print(w)
	for _, r := range reasons {
		line(w, "")
		paragraph(w, "", "Estimates: "+r)
	}
	if unseen != "" {
		line(w, "")
		paragraph(w, "", "Moves: "+unseen)
	}
	if n := f.Offset + len(v.Tenants); n < v.Total || f.Offset > 0 {
		line(w, "\n%d to %d of %s", f.Offset+1, n, count(int64(v.Total), "tenant"))
	} else {
		line(w, "\n%s", count(int64(v.Total), "tenant"))
	}
}

func (p *program) runTenantsShow(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Tenant(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(document.OfTenant(v), func(w io.Writer) { printTenant(w, v) })
}

func printTenant(w io.Writer, v session.TenantView) {
	move := ""
	switch {
	case v.Move != nil:
		move = v.Move.ID + ", " + state(v.Move.State) + " to " + v.Move.Target
	case v.MoveReason != "":
		move = unknownMove + ": " + v.MoveReason
	}
	facts(w, "Tenant", v.Label, "Id", v.ID, "Title", v.Title, "Shard", v.Shard, "Status", text(v.Status), "Move", move)
	line(w, "")
	if v.TablesReason != "" {
		paragraph(w, "", "Rows: "+v.TablesReason)
	} else {
		printCounted(w, v.Tables, v.Rows, v.Bytes, v.CountedAt)
	}
	line(w, "")
	if len(v.History) == 0 {
		paragraph(w, "", or(v.HistoryReason, "The audit trail has nothing about this tenant."))
		return
	}
	printEvents(w, v.History)
}

// printCounted lists a tenant's rows by their tables.
func printCounted(w io.Writer, tables []session.TableRows, rows, bytes int64, at string) {
	t := newTable(long("TABLE", 20), left("KIND"), right("ROWS"), right("SIZE"))
	for _, x := range tables {
		if x.Rows > 0 {
			t.add(x.Table, state(x.Kind), number(x.Rows), size(x.Bytes))
		}
	}
	t.print(w)
	line(w, "\n%s, %s, counted %s; tables without rows are left out", count(rows, "row"), size(bytes), age(at))
}

func (p *program) runTenantsCheck(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.CheckTenants(ctx)
	if err != nil {
		return err
	}
	if err := p.answer(document.OfPlacement(v), func(w io.Writer) { printPlacement(w, v) }); err != nil {
		return err
	}
	// What was seen stands, whatever else could not be looked at.
	switch {
	case v.Disagree > 0:
		return &found{code: fault.PlacementDisagrees}
	case len(v.Unreachable) > 0:
		return &found{code: fault.DatabaseUnreachable}
	}
	return nil
}

func printPlacement(w io.Writer, v session.PlacementCheck) {
	if len(v.Tenants) > 0 {
		t := newTable(long("ID", 8), long("TENANT", 14), long("POINTER", 9), long("ROWS ON", 12), long("WHY", 16))
		for _, x := range v.Tenants {
			on := strings.Join(x.RowsOn, ", ")
			if x.RowsOnReason != "" {
				on = or(on, "not known")
			}
			t.add(x.ID, x.Label, x.Pointer, or(on, none), or(x.Why, none))
		}
		t.print(w)
		line(w, "")
	}
	for _, u := range v.Unreachable {
		paragraph(w, "", "Shard "+u+" does not answer: what is there is not known.")
	}
	what := "every pointer agrees with where the rows are."
	switch missing := len(v.Unreachable) > 0; {
	case v.Disagree > 0 && missing:
		what = "not every pointer agrees with where the rows are, and more may not: not every shard was looked at."
	case v.Disagree > 0:
		what = "not every pointer agrees with where the rows are."
	case missing:
		what = "no pointer was seen to be wrong, but not every shard was looked at, so it is not known whether all agree."
	}
	paragraph(w, "", count(int64(v.Checked), "tenant")+" checked: "+what)
}
