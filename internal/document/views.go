package document

import (
	"encoding/json"

	"shardadmin/internal/session"
)

// ShardViews is what a shard's server says of itself.
type ShardViews struct {
	session.ShardViews
	Views []ShardView `json:"views"`
}

// ShardView is a view whose figures are numbers; null is unknown or does not apply.
type ShardView struct {
	session.ShardView
	Rows [][]any `json:"rows"`
}

// OfViews makes the document of a shard's views.
func OfViews(v session.ShardViews) ShardViews {
	d := ShardViews{ShardViews: v, Views: []ShardView{}}
	for _, x := range v.Views {
		view := ShardView{ShardView: x, Rows: [][]any{}}
		for _, r := range x.Rows {
			row := make([]any, len(r))
			for i, value := range r {
				row[i] = typed(x.Columns[i].Kind, value)
			}
			view.Rows = append(view.Rows, row)
		}
		d.Views = append(d.Views, view)
	}
	return d
}

func typed(kind, value string) any {
	switch kind {
	case "text", "code":
		return value
	case "count", "bytes", "seconds", "ms", "share":
		if value != "" {
			return json.Number(value)
		}
		return nil
	}
	if value == "" {
		return nil
	}
	return value
}
