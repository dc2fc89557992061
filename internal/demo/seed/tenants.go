package seed

import "fmt"

// Tenant is one tenant of a seeded fleet.
type Tenant struct {
	ID    int
	Shard string
	// Base is where its integer ids begin.
	Base int
	// Properties says how large it is: most tables have a multiple of it.
	Properties int
	// Collides is true when a tenant of another shard has the same ids.
	Collides bool
}

// Label is the name that a person knows the tenant by.
func (t Tenant) Label() string { return fmt.Sprintf("site-%03d", t.ID) }

// Plan says how many tenants there are and how large; the r-th largest has one
// r-th of the largest's properties.
type Plan struct {
	Count, Largest int
	// Shards by name; the first lives in the control database.
	Shards []string
}

// Demo is the demo fleet's plan: 200 tenants, about 300,000 rows.
func Demo() Plan {
	return Plan{Count: 200, Largest: 3900, Shards: []string{"default", "shard_1", "shard_2", "demo"}}
}

// Small is a plan for tests: 12 tenants, about 3,000 rows.
func Small(shards ...string) Plan { return Plan{Count: 12, Largest: 24, Shards: shards} }

const (
	// idRange is how many integer ids one tenant may use.
	idRange = 1_000_000
	// smallest is the number of properties that every tenant has.
	smallest = 8
	// pairEvery is how far apart the pairs of tenants with the same ids are: two
	// in forty collide.
	pairEvery = 40
)

// Tenants lists the tenants of a plan: sizes follow Zipf's law, two in five
// live in control and the others in turn on the other shards, ranges of ids are
// disjoint but for one tenant in twenty.
func (p Plan) Tenants() []Tenant {
	out := make([]Tenant, p.Count)
	for i := range out {
		t := Tenant{ID: i + 1, Base: (i + 1) * idRange, Shard: p.Shards[0]}
		if others := len(p.Shards) - 1; i%5 > 1 && others > 0 {
			t.Shard = p.Shards[1+(i%5-2)%others]
		}
		// Rank and id have nothing to do with one another.
		rank := (i*77)%p.Count + 1
		t.Properties = max(smallest, p.Largest/rank)
		if i > 0 && t.ID%pairEvery == 3 && t.Shard != out[i-1].Shard {
			t.Base = out[i-1].Base
			t.Collides, out[i-1].Collides = true, true
		}
		out[i] = t
	}
	return out
}
