package sample

import "time"

// Tier is how often a figure is worth asking for: what changes slowly or costs
// more is asked for less often.
type Tier string

// The tiers, the most frequent first.
const (
	Live   Tier = "live"   // sessions, locks, whether the server answers
	Minute Tier = "minute" // counters of the database and of statements
	Tables Tier = "tables" // tables and indexes
	Hour   Tier = "hour"   // sequences, transaction ids, slots
	Day    Tier = "day"    // estimates that read much, settings, extensions
)

// Tiers lists every tier, the most frequent first.
func Tiers() []Tier { return []Tier{Live, Minute, Tables, Hour, Day} }

// Every is the tier's interval where the operator has set none; 0 for a tier
// that does not exist.
func (t Tier) Every() time.Duration {
	switch t {
	case Live:
		return 10 * time.Second
	case Minute:
		return time.Minute
	case Tables:
		return 5 * time.Minute
	case Hour:
		return time.Hour
	case Day:
		return 24 * time.Hour
	}
	return 0
}
