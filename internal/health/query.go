package health

import (
	"embed"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/sample"
)

//go:embed *.sql
var files embed.FS

// newest is the newest major version that this program was tried with. Later
// ones are asked what it is asked.
const newest = 18

// difference is a query whose SQL, or whose being there at all, depends on the
// version.
type difference struct {
	query string
	// from are the versions that have a file of their own, NAME.VERSION.sql,
	// which holds for later ones, too.
	from []int
	// needs is the first version that can be asked; what names what it brought.
	needs int
	what  string
}

// differences is every one that is known, in one place.
func differences() []difference {
	return []difference{
		{query: "vacuum_progress", from: []int{17}},
		{query: "slots", from: []int{17}},
		{query: "checkpoints", from: []int{17}},
		{query: "unused_indexes", from: []int{16}},
		{query: "invalid_constraints", from: []int{18}},
		{query: "io", from: []int{18}, needs: 16, what: "pg_stat_io"},
	}
}

// query is one whose SQL lies in NAME.sql.
func query(name string, tier sample.Tier) sample.Query {
	return sample.Query{Name: name, Tier: tier, SQL: func(s sample.Server) (string, string) { return statement(name, s.Major()) }}
}

// statement returns the SQL of a query for a major version, or why there is
// none.
func statement(name string, major int) (sql, reason string) {
	file := name
	for _, d := range differences() {
		if d.query != name {
			continue
		}
		if major < d.needs {
			return "", fmt.Sprintf("needs PostgreSQL %d (%s), the server has %d", d.needs, d.what, major)
		}
		for _, v := range d.from {
			if major >= v {
				file = name + "." + strconv.Itoa(v)
			}
		}
	}
	return read(file)
}

func read(file string) (sql, reason string) {
	b, err := files.ReadFile(file + ".sql")
	if err != nil {
		return "", "the program has no SQL for it"
	}
	return string(b), ""
}

// name quotes what stands in for a schema in SQL.
func name(schema string) string { return pgx.Identifier{schema}.Sanitize() }
