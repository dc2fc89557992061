//go:build unix

package pgtest

import (
	"strings"
	"sync"
	"testing"
)

// Original is a set of databases that belong together, with which nobody is
// connected any more.
type Original struct {
	// Role was granted its rights on the databases, and stays with their servers.
	Role string
	// Servers are the numbers of those that have the Databases.
	Servers   []int
	Databases []string
	// Grants are the statements that gave the rights, by database.
	Grants [][]string
}

// Copies makes a set of databases once in a process and copies it for each test:
// what takes a second to install is copied in a twentieth. Its tests share the role.
type Copies struct {
	mu   sync.Mutex
	made bool
	kept []string
	Original
}

// Of returns the role and a test's own copies, which end with the test. The first
// test makes what is copied.
func (c *Copies) Of(t testing.TB, make func() Original) (role string, databases []string) {
	t.Helper()
	c.keep(t, make)
	for i, n := range c.Servers {
		name := Copy(t, n, c.kept[i])
		// The rights on a database itself are not among what a copy brings.
		for _, sql := range c.Grants[i] {
			if strings.Contains(sql, " ON DATABASE ") {
				Exec(t, Server(t, n), name, strings.ReplaceAll(sql, c.Databases[i], name))
			}
		}
		databases = append(databases, name)
	}
	return c.Role, databases
}

func (c *Copies) keep(t testing.TB, make func() Original) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made {
		return
	}
	c.Original, c.kept = make(), nil
	for i, n := range c.Servers {
		name := Random("tpl_")
		Exec(t, Server(t, n), "postgres", "CREATE DATABASE "+name+" TEMPLATE "+c.Databases[i]+copied(Server(t, n)))
		c.kept = append(c.kept, name)
	}
	c.made = true
}
