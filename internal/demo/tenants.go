package demo

import "fmt"

// sample is one tenant of the demo.
type sample struct {
	id    int
	shard string
	// base is where its integer ids begin; n is how many properties it has.
	base, n int
}

const (
	tenantCount = 200
	// idRange is how many integer ids one tenant may use.
	idRange = 1_000_000
	// largest is the number of properties of the largest tenant; the r-th has
	// one r-th of it.
	largest = 3600
)

// shardNames are the configured shards; the first lives in control.
func shardNames() []string { return []string{"default", "shard_1", "shard_2", "demo"} }

// samples are the demo's tenants: their sizes follow Zipf's law, two in five
// live on default, and every twentieth has the ids of a tenant elsewhere.
func samples() []sample {
	out := make([]sample, tenantCount)
	for i := range out {
		s := sample{id: i + 1, base: (i + 1) * idRange}
		switch {
		case i%5 < 2:
			s.shard = "default"
		case i%5 == 2:
			s.shard = "shard_1"
		case i%5 == 3:
			s.shard = "shard_2"
		default:
			s.shard = "demo"
		}
		// Rank and id have nothing to do with one another.
		rank := (i*77)%tenantCount + 1
		s.n = max(8, largest/rank)
		if s.collides() {
			s.base = (s.id - 1) * idRange // the one before it lives elsewhere
		}
		out[i] = s
	}
	return out
}

func (s sample) collides() bool { return s.id%20 == 3 }

func (s sample) label() string { return fmt.Sprintf("site-%03d", s.id) }
