package compare

import (
	"context"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/fault"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// gentleRows is how many rows are hashed at once where the comparison makes way for
// others.
const gentleRows = 50

// Digest is what a table's rows of a tenant amount to.
type Digest struct {
	Rows int64 `json:"rows"`
	// SumA and SumB are sums over all rows of two 64-bit hashes of each.
	SumA string `json:"a"`
	SumB string `json:"b"`
}

// digestSQL is the query for the digest of rows; from is what follows FROM.
func digestSQL(text, from string) string {
	return fmt.Sprintf("SELECT count(*), coalesce(sum(pg_catalog.hashtextextended(r, %d)), 0)::text, coalesce(sum(pg_catalog.hashtextextended(r, %d)), 0)::text FROM (SELECT %s AS r FROM %s OFFSET 0) x", seedA, seedB, text, from)
}

// rower runs a query of one row.
type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// DigestOf computes a digest on one side.
func DigestOf(ctx context.Context, q rower, _ *tenancy.Map, c *tenancy.TableClass, where string) (Digest, error) {
	return digest(ctx, q, rowText(c, nil), c.Table.Own()+" t WHERE "+where)
}

func digest(ctx context.Context, q rower, text, from string) (d Digest, err error) {
	err = q.QueryRow(ctx, digestSQL(text, from)).Scan(&d.Rows, &d.SumA, &d.SumB)
	return d, err
}

// digestBy computes a digest as a governor lets it: by few rows at a time where it
// makes way for others, else at once.
func digestBy(ctx context.Context, c interface {
	rower
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, g *rowcopy.Governor, text, from string,
) (d Digest, err error) {
	turn := func(f func() error) error {
		done, err := g.Turn(ctx)
		if err != nil {
			return err
		}
		err = f()
		if rested := done(); err == nil {
			err = rested
		}
		return err
	}
	if !g.Gentle() {
		err = turn(func() (err error) {
			d, err = digest(ctx, c, text, from)
			return err
		})
		return d, err
	}
	if _, err := c.Exec(ctx, fmt.Sprintf("DECLARE sa_hashes NO SCROLL CURSOR FOR SELECT pg_catalog.hashtextextended(r, %d), pg_catalog.hashtextextended(r, %d) FROM (SELECT %s AS r FROM %s OFFSET 0) x", seedA, seedB, text, from), pgx.QueryExecModeSimpleProtocol); err != nil {
		return d, err
	}
	a, b := new(big.Int), new(big.Int)
	for last := int64(-1); last != d.Rows; {
		last = d.Rows
		// Those who do not make way any more need no small steps.
		n := gentleRows
		if !g.Gentle() {
			n = 100 * gentleRows
		}
		if err := turn(func() error {
			rows, err := c.Query(ctx, fmt.Sprintf("FETCH %d FROM sa_hashes", n))
			if err != nil {
				return err
			}
			var x, y int64
			_, err = pgx.ForEachRow(rows, []any{&x, &y}, func() error {
				d.Rows++
				a.Add(a, big.NewInt(x))
				b.Add(b, big.NewInt(y))
				return nil
			})
			return err
		}); err != nil {
			return d, err
		}
	}
	d.SumA, d.SumB = a.String(), b.String()
	_, err = c.Exec(ctx, "CLOSE sa_hashes", pgx.QueryExecModeSimpleProtocol)
	return d, err
}

// plus adds the digest of further rows of the same table.
func (d Digest) plus(more Digest) (Digest, error) {
	a, err := add(d.SumA, more.SumA)
	if err != nil {
		return d, err
	}
	b, err := add(d.SumB, more.SumB)
	return Digest{Rows: d.Rows + more.Rows, SumA: a, SumB: b}, err
}

func add(a, b string) (string, error) {
	sum := new(big.Int)
	for _, text := range []string{a, b} {
		if text == "" {
			continue
		}
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return "", fault.Newf(fault.Internal, "", "a digest is no number: %q", text)
		}
		sum.Add(sum, n)
	}
	return sum.String(), nil
}
