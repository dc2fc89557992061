package health

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

// text is a number of a row as people read it.
func text(r sample.Row, column string) string {
	if n, ok := r.Int(column); ok {
		if column == "bytes" || strings.HasSuffix(column, "_bytes") {
			return size(float64(n))
		}
		if column == "pid" {
			return strconv.FormatInt(n, 10)
		}
		return figure.Number(n)
	}
	if f, ok := r.Float(column); ok {
		if column == "seconds" || strings.HasSuffix(column, "_seconds") {
			return span(f)
		}
		return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
	}
	return fmt.Sprint(r.Value(column))
}

// size is a number of bytes with its unit, in powers of 1024.
func size(b float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for math.Abs(b) >= 1024 && i < len(units)-1 {
		b /= 1024
		i++
	}
	if i == 0 || b >= 100 {
		return fmt.Sprintf("%.0f %s", b, units[i])
	}
	return fmt.Sprintf("%.1f %s", b, units[i])
}

// span is a number of seconds as people say it.
func span(seconds float64) string { return figure.Span(time.Duration(seconds * float64(time.Second))) }

func percent(share float64) string {
	if share > 0 && share < 0.1 {
		return fmt.Sprintf("%.1f %%", share*100)
	}
	return fmt.Sprintf("%.0f %%", share*100)
}

// quoted is a name as SQL takes it.
func quoted(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// literal is a text as SQL takes it in an offered statement. A backslash stands in
// a text of its own kind and doubled: there it means itself whatever standard_conforming_strings
// is where the statement is run.
func literal(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if strings.Contains(s, `\`) {
		return "E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"
	}
	return "'" + s + "'"
}

// named is a table as people read it: with its schema outside public.
func named(r sample.Row, column string) string {
	if s := r.Text("schema"); s != "" && s != "public" {
		return s + "." + r.Text(column)
	}
	return r.Text(column)
}

func pairOf(p Pair, unit func(float64) string) string {
	if p.Critical == 0 {
		return "warning from " + unit(p.Warning)
	}
	return "warning from " + unit(p.Warning) + ", critical from " + unit(p.Critical)
}

func whole(v float64) string { return figure.Number(int64(v)) }
