package monitor

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// scraped are the samples of a metric by a label; the linter of the client library has
// nothing against any metric.
func scraped(t *testing.T, v session.Figures, metric, label string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(newFigures(func() session.Figures { return v }))
	families, err := registry.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label {
					out[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	return out
}

// The imbalance has a series for each dimension that is known, and none for another.
func TestTheImbalanceIsByDimension(t *testing.T) {
	t.Parallel()
	shard := func(name string, size float64) session.ShardFigures {
		return session.ShardFigures{
			Name: name, Configured: true, Reading: sample.Reading{State: sample.Up, At: time.Now()},
			Values: map[string]float64{"size_bytes": size, "connections": 3, "commits_total": 12},
		}
	}
	v := session.Figures{Fleet: "shop", Shards: []session.ShardFigures{shard("a", 300), shard("b", 100)}, Control: session.ControlFigures{
		At: time.Now(), Tenants: map[string]int{"a": 1}, Moves: map[session.MoveOutcome]int64{{Mode: "online", State: "retained"}: 2}, Assignments: map[string]int64{"done": 1},
		Open: []session.OpenMove{{ID: "m", Tenant: "7", Mode: "online", State: "copying", Rows: 9, ReadOnlySince: new(time.Time)}},
	}}
	const name = "shard_admin_imbalance_ratio"
	require.Equal(t, map[string]float64{"size": 0.5}, scraped(t, v, name, "by"))
	v.Imbalance = map[string]float64{"bytes": 0.25, "count": 0}
	require.Equal(t, map[string]float64{"size": 0.5, "bytes": 0.25, "count": 0}, scraped(t, v, name, "by"))
	down := session.ShardFigures{Name: "c", Configured: true, Reading: sample.Reading{State: sample.Down, At: time.Now()}, Values: map[string]float64{}}
	v.Shards = append(v.Shards, down)
	require.Equal(t, map[string]float64{"bytes": 0.25, "count": 0}, scraped(t, v, name, "by"), "the one that is silent may be the fullest")
	v.Shards[2] = session.ShardFigures{Name: "spare"}
	require.Equal(t, map[string]float64{"size": 0.5, "bytes": 0.25, "count": 0}, scraped(t, v, name, "by"), "nobody looks at one that is not configured")
	v.Shards = v.Shards[:1]
	require.Equal(t, map[string]float64{"bytes": 0.25, "count": 0}, scraped(t, v, name, "by"))
}
