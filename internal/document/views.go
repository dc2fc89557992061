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
	CheckedAtReason string  `json:"checked_at_reason,omitempty"`
	OverReason      string  `json:"over_ms_reason,omitempty"`
	Rows            [][]any `json:"rows"`
}

// OfViews makes the document of a shard's views.
func OfViews(v session.ShardViews) ShardViews {
	return ShardViews{ShardViews: v, Views: typedViews(v.Views)}
}

// FleetComparison is the shards of a fleet side by side.
type FleetComparison struct {
	session.FleetComparison
	Shards []ComparedShard `json:"shards"`
	Views  []ShardView     `json:"views"`
}

// ComparedShard is a shard that was asked.
type ComparedShard struct {
	session.ComparedShard
	CheckedAtReason string `json:"checked_at_reason,omitempty"`
}

// OfComparison makes the document of a comparison.
func OfComparison(v session.FleetComparison) FleetComparison {
	d := FleetComparison{FleetComparison: v, Shards: []ComparedShard{}, Views: typedViews(v.Views)}
	for _, s := range v.Shards {
		x, why := ComparedShard{ComparedShard: s}, "the shard did not answer"
		if s.Problem != nil {
			why = s.Problem.Message
		}
		because(why, unknown{s.CheckedAt == nil, &x.CheckedAtReason})
		d.Shards = append(d.Shards, x)
	}
	return d
}

func typedViews(views []session.ShardView) []ShardView {
	out := []ShardView{}
	for _, x := range views {
		view := ShardView{ShardView: x, Rows: [][]any{}}
		why := x.Reason
		if why == "" {
			why = "the shard did not answer"
		}
		because(why, unknown{x.CheckedAt == nil, &view.CheckedAtReason})
		why = x.Reason
		if why == "" {
			why = "it shows no counters"
		}
		because(why, unknown{x.OverMS == nil, &view.OverReason})
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
