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
	return ShardViews{ShardViews: v, Views: typedViews(v.Views)}
}

// FleetComparison is the shards of a fleet side by side.
type FleetComparison struct {
	session.FleetComparison
	Views []ShardView `json:"views"`
}

// OfComparison makes the document of a comparison.
func OfComparison(v session.FleetComparison) FleetComparison {
	return FleetComparison{FleetComparison: v, Views: typedViews(v.Views)}
}

func typedViews(views []session.ShardView) []ShardView {
	out := []ShardView{}
	for _, x := range views {
		view := ShardView{ShardView: x, Rows: [][]any{}}
		for _, r := range x.Rows {
			row := make([]any, len(r))
			for i, value := range r {
				row[i] = typed(x.Columns[i].Kind, value)
			}
			view.Rows = append(view.Rows, row)
		}
		out = append(out, view)
	}
	return out
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
