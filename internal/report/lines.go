package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"time"

	"shardadmin/internal/audit"
)

// writeCSV writes a table, its columns by their keys.
func writeCSV(w io.Writer, t Table, guard bool) error {
	c := csv.NewWriter(w)
	cells := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		cells[i] = col.Key
	}
	if err := c.Write(cells); err != nil {
		return err
	}
	if err := t.Each(func(row []Cell) error {
		for i := range cells {
			cells[i] = stored(row[i])
		}
		if guard {
			audit.GuardCells(cells)
		}
		return c.Write(cells)
	}); err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

// writeJSONL writes a table's rows as objects.
func writeJSONL(w io.Writer, t Table) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return t.Each(func(row []Cell) error {
		line := map[string]any{}
		for i, col := range t.Columns {
			switch v := row[i].(type) {
			case time.Duration:
				line[col.Key] = v.Milliseconds()
			case string:
				line[col.Key] = bare(v)
			case time.Time:
				line[col.Key] = v.UTC().Format(time.RFC3339Nano)
			default:
				line[col.Key] = v
			}
		}
		return enc.Encode(line)
	})
}
