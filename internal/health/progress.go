package health

import (
	"strconv"

	"shardadmin/internal/sample"
)

// progressQuery asks how far long commands are.
func progressQuery() sample.Query { return query("progress", sample.Live) }

// progress is how far the sessions are that say so, by their numbers.
func progress(now Reading) map[int64]string {
	out := map[int64]string{}
	for _, r := range now.rows("progress") {
		says := r.Text("command")
		if t := named(r, "table"); t != "" {
			says += " of " + t
		}
		says += ": " + r.Text("phase")
		if share, known := r.Float("share"); known {
			says += ", " + percent(share)
		} else if rows := r.IntOr("rows", 0); rows > 0 {
			says += ", " + whole(float64(rows)) + " rows"
		}
		out[r.IntOr("pid", 0)] = says
	}
	return out
}

// withProgress adds how far each session is to evidence of sessions, where one says so.
func withProgress(e Evidence, now Reading, rows []sample.Row) Evidence {
	known, any := progress(now), false
	lines := make([][]string, len(e.Rows))
	for i, line := range e.Rows {
		says := known[rows[i].IntOr("pid", 0)]
		any = any || says != ""
		lines[i] = append(line[:len(line):len(line)], says)
	}
	if !any {
		return e
	}
	return Evidence{Columns: append(e.Columns[:len(e.Columns):len(e.Columns)], "progress"), Rows: lines}
}

func progressRows(now Reading) [][]string {
	out := [][]string{}
	for _, r := range now.rows("progress") {
		rows := ""
		if n, known := r.Int("rows"); known {
			rows = strconv.FormatInt(n, 10)
		}
		out = append(out, []string{
			figureOf(r, "pid"), r.Text("command"), named(r, "table"), r.Text("phase"), figureOf(r, "share"), rows, figureOf(r, "seconds"), r.Text("application"),
		})
	}
	return out
}
