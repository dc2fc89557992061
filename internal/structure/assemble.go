package structure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// part is a row of tables.sql: what one table has of a kind.
type part struct {
	kind   string
	rel    uint32
	fields []string
}

// compareParts orders by kind, columns by their number and everything else by its name.
func compareParts(a, b part) int {
	longer := 0
	if a.kind == "c" && b.kind == "c" {
		longer = cmp.Compare(len(a.fields[0]), len(b.fields[0]))
	}
	return cmp.Or(strings.Compare(a.kind, b.kind), longer, strings.Compare(a.fields[0], b.fields[0]))
}

// numbered are a table's columns by their number.
type numbered map[string]string

// names returns the columns of a list of numbers, as {1,2} or 1 2 has them, at most the
// first few. What is no column has no name.
func (n numbered) names(list string, most int) []string {
	out := []string{}
	for _, num := range strings.FieldsFunc(list, func(r rune) bool { return r < '0' || r > '9' }) {
		if name, ok := n[num]; ok && len(out) < most {
			out = append(out, name)
		}
	}
	return out
}

// assemble puts the parts of each table together.
func assemble(parts []part) ([]*Table, error) {
	tables, columns := map[uint32]*Table{}, map[uint32]numbered{}
	fields := map[string]int{"t": 12, "c": 11, "f": 12, "k": 2, "u": 8, "g": 3}
	order := []*Table{}
	for _, p := range parts {
		if len(p.fields) == 0 || len(p.fields) != fields[p.kind] {
			return nil, fmt.Errorf("the catalogue was read as %q with %d fields", p.kind, len(p.fields))
		}
		if f := p.fields; p.kind == "t" {
			t := &Table{
				Schema: f[0], Rel: f[1], Name: NameOf(f[0], f[1]), Kind: f[2], Owner: f[3], Parent: f[4], Partition: yes(f[5]), Inherited: yes(f[6]), Unlogged: yes(f[7]), RLS: yes(f[8]), ReplicaIdentity: f[9],
				Columns: []Column{}, PrimaryKey: []string{}, Uniques: []Unique{}, ForeignKeys: []ForeignKey{}, Checks: []Named{}, Triggers: []Trigger{},
			}
			var err error
			if t.RowsEstimate, err = strconv.ParseInt(f[10], 10, 64); err != nil {
				return nil, err
			}
			if t.Bytes, err = strconv.ParseInt(f[11], 10, 64); err != nil {
				return nil, err
			}
			tables[p.rel], columns[p.rel] = t, numbered{}
			order = append(order, t)
		}
	}
	slices.SortStableFunc(parts, compareParts)
	// Columns come first, so that all are known where they are named by number.
	for _, p := range parts {
		t, f := tables[p.rel], p.fields
		if t == nil {
			return nil, fmt.Errorf("the catalogue has %q of a table that is not there", p.kind)
		}
		switch p.kind {
		case "c":
			columns[p.rel][f[0]] = f[1]
			t.Columns = append(t.Columns, Column{
				Name: f[1], Type: f[2], SQLType: f[3] + f[2], TypeKind: f[4], NotNull: yes(f[5]), Default: f[6], Identity: f[7], Generated: yes(f[8]), Collation: f[9], Sequence: f[10],
			})
		case "f":
			k := ForeignKey{
				Name: f[0], Columns: columns[p.rel].names(f[1], len(f[1])), RefTable: f[2],
				OnDelete: f[6], OnUpdate: f[7], Deferrable: yes(f[8]), Deferred: yes(f[9]), Validated: yes(f[10]), Definition: f[11],
			}
			if f[5] != "" {
				if err := json.Unmarshal([]byte(f[5]), &k.RefColumns); err != nil {
					return nil, err
				}
			} else {
				ref, err := strconv.ParseUint(f[3], 10, 32)
				if err != nil {
					return nil, err
				}
				k.RefColumns = columns[uint32(ref)].names(f[4], len(f[4]))
			}
			t.ForeignKeys = append(t.ForeignKeys, k)
		case "k":
			t.Checks = append(t.Checks, Named{f[0], f[1]})
		case "u":
			keys, err := strconv.Atoi(f[2])
			if err != nil {
				return nil, err
			}
			u := Unique{
				Name: f[0], Columns: columns[p.rel].names(f[1], keys), Definition: f[3], Predicate: f[4], Primary: yes(f[5]), Expression: yes(f[6]), Immediate: yes(f[7]),
				NullsEqual: strings.Contains(f[3], "NULLS NOT DISTINCT"),
			}
			if i := strings.LastIndex(f[3], " USING "); i >= 0 {
				u.Definition = f[3][i+1:]
			}
			if u.Primary {
				t.PrimaryKey = u.Columns
			}
			t.Uniques = append(t.Uniques, u)
		case "g":
			t.Triggers = append(t.Triggers, Trigger{f[0], f[1], f[2]})
		}
	}
	return order, nil
}

// yes reads a boolean as PostgreSQL writes it in text.
func yes(text string) bool { return text == "true" }
