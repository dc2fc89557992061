//go:build unix

package main

import (
	"context"
	"math"
	"time"

	"shardadmin/internal/home"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

// pastOf keeps two years of samples of a fleet as if it had been looked at, the older
// the more seldom, with two hours of yesterday in which nobody looked.
func pastOf(ctx context.Context, h *home.Home, fleet string, shards ...string) error {
	s, err := store.Open(ctx, h.DBPath())
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	past, now, day := history.New(s, time.Now), time.Now(), 24*time.Hour
	for at := now.Add(-729 * day); at.Before(now); {
		ago := now.Sub(at)
		if ago < 8*time.Hour || ago > 10*time.Hour {
			values := []history.Value{}
			for i, shard := range shards {
				wave := math.Sin(2*math.Pi*float64(at.Unix()%86400)/86400 + float64(i))
				ripple := math.Sin(float64(at.Unix()/60)*1.7 + float64(3*i))
				grown := float64(729*day-ago) / float64(729*day)
				for name, v := range map[string]float64{
					"latency_seconds": 0.002 + 0.0008*wave + 0.0004*ripple, "connections": math.Round(24 + 9*wave + 3*ripple),
					"transactions_per_second": 180 + 90*wave + 25*ripple, "cache_hit_share": 0.994 + 0.003*wave + 0.001*ripple,
					"size_bytes": (2 + float64(i) + 6*grown) * 1e9,
				} {
					values = append(values, history.Value{Shard: shard, Name: name, Value: v})
				}
			}
			if err := past.Add(ctx, fleet, at, values); err != nil {
				return err
			}
		}
		switch {
		case ago > 14*day:
			at = at.Add(12 * time.Hour)
		case ago > 2*day:
			at = at.Add(time.Hour)
		case ago > time.Hour:
			at = at.Add(5 * time.Minute)
		default:
			at = at.Add(10 * time.Second)
		}
	}
	return past.Roll(ctx)
}
