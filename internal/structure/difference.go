package structure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
)

// Difference is one way in which two databases differ.
type Difference struct {
	Table string `json:"table"`
	What  string `json:"what"`
	Left  string `json:"left"`
	Right string `json:"right"`
}

// String describes the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %q and %q", d.Table, d.What, d.Left, d.Right)
}

// describe flattens a table into facts that must agree for rows to be copied
// from one database to the other.
func (t *Table) describe() map[string]string {
	out := map[string]string{"kind": t.Kind, "primary key": strings.Join(t.PrimaryKey, ", ")}
	for _, c := range t.Columns {
		text := c.Type
		if c.NotNull {
			text += " not null"
		}
		if c.Identity != "" {
			text += " identity " + c.Identity
		}
		if c.Generated {
			text += " generated"
		}
		if c.Collation != "" {
			text += " collate " + c.Collation
		}
		out["column "+c.Name] = text
	}
	for _, u := range t.Uniques {
		out["unique "+u.Definition] = "present"
	}
	for _, f := range t.ForeignKeys {
		out["foreign key "+f.Definition] = "present"
	}
	for _, c := range t.Checks {
		out["check "+c.Definition] = "present"
	}
	for _, g := range t.Triggers {
		out["trigger "+g.Name] = g.Enabled + " " + g.Definition
	}
	return out
}

// Compare lists how the named tables differ between two databases. Names of
// constraints do not matter, what they say does.
func Compare(left, right *Schema, tables []string) []Difference {
	out := []Difference{}
	for _, name := range tables {
		l, r := left.Tables[name], right.Tables[name]
		switch {
		case l == nil && r == nil:
		case l == nil:
			out = append(out, Difference{name, "the table", "missing", "present"})
		case r == nil:
			out = append(out, Difference{name, "the table", "present", "missing"})
		default:
			ld, rd := l.describe(), r.describe()
			keys := map[string]bool{}
			for k := range ld {
				keys[k] = true
			}
			for k := range rd {
				keys[k] = true
			}
			sorted := make([]string, 0, len(keys))
			for k := range keys {
				sorted = append(sorted, k)
			}
			sort.Strings(sorted)
			for _, k := range sorted {
				if a, b := or(ld[k]), or(rd[k]); a != b {
					out = append(out, Difference{name, k, a, b})
				}
			}
		}
	}
	return out
}

func or(s string) string {
	if s == "" {
		return "missing"
	}
	return s
}

// Fingerprint is a digest of what Compare looks at.
func Fingerprint(s *Schema, tables []string) string {
	h := sha256.New()
	sorted := append([]string{}, tables...)
	sort.Strings(sorted)
	for _, name := range sorted {
		t := s.Tables[name]
		if t == nil {
			continue
		}
		d := t.describe()
		keys := make([]string, 0, len(d))
		for k := range d {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			fmt.Fprintf(h, "%s\x00%s\x00%s\x01", name, k, d[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
