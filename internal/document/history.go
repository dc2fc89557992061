package document

import (
	"time"

	"shardadmin/internal/session"
)

// History is how figures of a shard went.
type History struct {
	Shard       string           `json:"shard"`
	From        string           `json:"from"`
	To          string           `json:"to"`
	StepMS      int64            `json:"step_ms"`
	KeptSince   *string          `json:"kept_since"`
	KeptReason  string           `json:"kept_since_reason,omitempty"`
	Metrics     []Metric         `json:"metrics"`
	Marks       []Mark           `json:"marks"`
	MarksReason string           `json:"marks_reason,omitempty"`
	Sampling    session.Sampling `json:"sampling"`
}

// Metric is the course of one figure.
type Metric struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Points []Point `json:"points"`
	Reason string  `json:"points_reason,omitempty"`
}

// Point is what was measured at a time, or in the step that begins there. In a gap
// nothing was: its values are null.
type Point struct {
	At     string   `json:"at"`
	Mean   *float64 `json:"mean"`
	Least  *float64 `json:"least"`
	Most   *float64 `json:"most"`
	Reason string   `json:"mean_reason,omitempty"`
	// A least and a most are not known without a mean.
	LeastReason string `json:"least_reason,omitempty"`
	MostReason  string `json:"most_reason,omitempty"`
}

// Mark is something that was done to the shard.
type Mark struct {
	session.HistoryMark
	At string `json:"at"`
}

func moment(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// OfHistory makes the document of the first shard of a history.
func OfHistory(v session.HistoryView) History {
	d := History{From: moment(v.From), To: moment(v.To), StepMS: v.StepSeconds * 1000, Metrics: []Metric{}, Marks: []Mark{}, MarksReason: v.MarksReason, Sampling: v.Sampling}
	for _, sh := range v.Shards[:min(1, len(v.Shards))] {
		d.Shard, d.KeptSince = sh.Name, sh.KeptSince
		because("nothing of the shard is kept on this computer", unknown{sh.KeptSince == nil, &d.KeptReason})
		for _, m := range sh.Metrics {
			x := Metric{Name: m.Name, Unit: m.Unit, Points: []Point{}, Reason: m.Reason}
			for i, at := range m.At {
				p := Point{At: moment(at), Mean: m.Mean[i], Least: m.Mean[i], Most: m.Mean[i]}
				if len(m.Least) > 0 {
					p.Least, p.Most = m.Least[i], m.Most[i]
				}
				because("nothing was measured", unknown{p.Mean == nil, &p.Reason}, unknown{p.Least == nil, &p.LeastReason}, unknown{p.Most == nil, &p.MostReason})
				x.Points = append(x.Points, p)
			}
			d.Metrics = append(d.Metrics, x)
		}
	}
	for _, m := range v.Marks {
		d.Marks = append(d.Marks, Mark{m, moment(m.At)})
	}
	return d
}
