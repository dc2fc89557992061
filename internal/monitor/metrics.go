package monitor

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"shardadmin/internal/health"
	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// figures turns what an observer knows into metrics. It asks nobody: a scrape
// costs no database anything. A figure that is not known has no series.
type figures struct {
	known func() session.Figures

	up, answered, latency, connections, most, size, capacity, tenants, findings        *prometheus.Desc
	commits, rollbacks, hits, reads, temp, deadlocks                                   *prometheus.Desc
	controlUp, controlAnswered, moves, assignments, moveRows, moveCopied, moveReadOnly *prometheus.Desc
	imbalance, historyKept                                                             *prometheus.Desc
}

func newFigures(known func() session.Figures) *figures {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("shard_admin_"+name, help, append([]string{"fleet"}, labels...), nil)
	}
	move := []string{"id", "tenant", "source", "target", "mode", "state"}
	return &figures{
		known:       known,
		up:          d("shard_up", "1 where the shard answers, 0 where it does not; absent before the first look.", "shard"),
		answered:    d("shard_last_answer_timestamp_seconds", "When the shard answered last.", "shard"),
		latency:     d("shard_latency_seconds", "How long the last look took, without opening a session.", "shard"),
		connections: d("shard_connections", "Sessions of clients on the shard's server.", "shard"),
		most:        d("shard_max_connections", "The server's max_connections.", "shard"),
		size:        d("shard_size_bytes", "The size of the shard's database.", "shard"),
		capacity:    d("shard_capacity_bytes", "What the operator says the shard may hold.", "shard"),
		tenants:     d("shard_tenants", "Tenants that are pointed to the shard.", "shard"),
		findings:    d("shard_findings", "What the checks found on the shard.", "shard", "severity"),
		commits:     d("shard_commits_total", "Transactions that were committed.", "shard"),
		rollbacks:   d("shard_rollbacks_total", "Transactions that were rolled back.", "shard"),
		hits:        d("shard_blocks_hit_total", "Blocks that were found in memory.", "shard"),
		reads:       d("shard_blocks_read_total", "Blocks that were read.", "shard"),
		temp:        d("shard_temp_bytes_total", "Bytes of temporary files.", "shard"),
		deadlocks:   d("shard_deadlocks_total", "Deadlocks.", "shard"),

		imbalance:       d("imbalance_ratio", "How far the fullest shard is above an even spread, as a share: by size, that of databases, and by bytes, rows, load or count of tenants; absent while that of a shard is not known.", "by"),
		controlUp:       d("control_up", "1 where the control database answers."),
		controlAnswered: d("control_last_answer_timestamp_seconds", "When the control database answered last."),
		moves:           d("moves", "Moves by how they ended or where they wait for a person.", "mode", "state"),
		assignments:     d("assignments_total", "Assignments by outcome.", "outcome"),
		moveRows:        d("move_rows", "Rows that an open move carries.", move...),
		moveCopied:      d("move_rows_copied", "Rows that an open move has copied.", move...),
		moveReadOnly:    d("move_read_only_seconds", "For how long the tenant of an open move has been read-only.", move...),
		historyKept:     d("history_kept", "1 where samples can be written to the local history."),
	}
}

// Describe sends no description: which series there are depends on what is known.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect sends what is known.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	v := f.known()
	send := func(kind prometheus.ValueType) sender {
		return func(d *prometheus.Desc, value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, kind, value, append([]string{v.Fleet}, labels...)...)
		}
	}
	gauge, counter := send(prometheus.GaugeValue), send(prometheus.CounterValue)
	// A fleet whose fullest shard is silent would look even without it.
	sizes, all := []float64{}, true
	for _, s := range v.Shards {
		if s.Configured {
			f.shard(s, gauge, counter)
			b, ok := s.Values["size_bytes"]
			sizes, all = append(sizes, b), all && ok
		}
		if v.Control.Tenants != nil {
			gauge(f.tenants, float64(v.Control.Tenants[s.Name]), s.Name)
		}
	}
	if r, ok := imbalance(sizes); ok && all {
		gauge(f.imbalance, r, "size")
	}
	for by, r := range v.Imbalance {
		gauge(f.imbalance, r, by)
	}
	gauge(f.historyKept, truth(v.Keeping == nil))
	f.fromControl(v.Control, gauge, counter)
}

type sender func(d *prometheus.Desc, value float64, labels ...string)

func (f *figures) shard(s session.ShardFigures, gauge, counter sender) {
	switch s.Reading.State {
	case sample.Up:
		gauge(f.up, 1, s.Name)
	case sample.Failing, sample.Down:
		gauge(f.up, 0, s.Name)
	case sample.Waiting:
		return
	}
	if !s.Reading.At.IsZero() {
		gauge(f.answered, seconds(s.Reading.At), s.Name)
	}
	if s.CapacityBytes > 0 {
		gauge(f.capacity, float64(s.CapacityBytes), s.Name)
	}
	for _, x := range []struct {
		name string
		d    *prometheus.Desc
		send sender
	}{
		{"latency_seconds", f.latency, gauge},
		{"connections", f.connections, gauge},
		{"max_connections", f.most, gauge},
		{"size_bytes", f.size, gauge},
		{"commits_total", f.commits, counter},
		{"rollbacks_total", f.rollbacks, counter},
		{"blocks_hit_total", f.hits, counter},
		{"blocks_read_total", f.reads, counter},
		{"temp_bytes_total", f.temp, counter},
		{"deadlocks_total", f.deadlocks, counter},
	} {
		if value, ok := s.Values[x.name]; ok {
			x.send(x.d, value, s.Name)
		}
	}
	found := map[health.Severity]int{health.Info: 0, health.Warning: 0, health.Critical: 0}
	for _, x := range s.Report.Findings {
		found[x.Severity]++
	}
	for severity, n := range found {
		gauge(f.findings, float64(n), s.Name, string(severity))
	}
}

func (f *figures) fromControl(c session.ControlFigures, gauge, counter sender) {
	if c.At.IsZero() && c.Err == nil {
		return
	}
	gauge(f.controlUp, truth(c.Err == nil))
	if c.At.IsZero() {
		return
	}
	gauge(f.controlAnswered, seconds(c.At))
	for o, n := range c.Moves {
		gauge(f.moves, float64(n), o.Mode, o.State)
	}
	for outcome, n := range c.Assignments {
		counter(f.assignments, float64(n), outcome)
	}
	for _, m := range c.Open {
		labels := []string{m.ID, m.Tenant, m.Source, m.Target, m.Mode, m.State}
		gauge(f.moveRows, float64(m.Rows), labels...)
		gauge(f.moveCopied, float64(m.Copied), labels...)
		if m.ReadOnlySince != nil {
			gauge(f.moveReadOnly, time.Since(*m.ReadOnlySince).Seconds(), labels...)
		}
	}
}

// imbalance is how far the largest is above the mean; false where there are not two.
func imbalance(sizes []float64) (float64, bool) {
	if len(sizes) < 2 {
		return 0, false
	}
	total, largest := 0.0, 0.0
	for _, s := range sizes {
		total += s
		largest = math.Max(largest, s)
	}
	mean := total / float64(len(sizes))
	if mean == 0 {
		return 0, false
	}
	return largest/mean - 1, true
}

// truth is a yes or no as a metric has it.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
