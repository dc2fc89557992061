package demo

import (
	"context"
	"fmt"
	"sort"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/demo/seed"
	"shardadmin/internal/fault"
)

// written is the one table that the sample application writes to.
const written = "pwb_messages"

// rows returns how often each row of a tenant is on a server, by table and
// text of the row.
func (t *tour) rows(ctx context.Context, s server, tenant int) (map[string]map[string]int, error) {
	c, err := t.r.super(ctx, s, s.database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	out := map[string]map[string]int{}
	for table, where := range seed.Conditions() {
		rows, err := c.Query(ctx, "SELECT md5(x::text), count(*)::int FROM "+pgx.Identifier{table}.Sanitize()+" x WHERE "+where+" GROUP BY 1", tenant)
		if err != nil {
			return nil, fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "the rows of %s could not be read", table)
		}
		found := map[string]int{}
		var row string
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&row, &n}, func() error { found[row] = n; return nil }); err != nil {
			return nil, fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "the rows of %s could not be read", table)
		}
		if len(found) > 0 {
			out[table] = found
		}
	}
	return out, nil
}

// compare returns how many rows the source has and where the target differs:
// it has to have each of them, and more only where the application has written
// since.
func compare(source, target map[string]map[string]int) (rows int, wrong []string) {
	for table, has := range source {
		missing := 0
		for row, n := range has {
			rows += n
			missing += max(0, n-target[table][row])
		}
		if missing > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d rows are missing or differ", table, missing))
		}
	}
	for table, has := range target {
		more := 0
		for row, n := range has {
			more += max(0, n-source[table][row])
		}
		if more > 0 && table != written {
			wrong = append(wrong, fmt.Sprintf("%s: %d rows are there that the source does not have", table, more))
		}
	}
	sort.Strings(wrong)
	return rows, wrong
}
