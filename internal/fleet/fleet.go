package fleet

// Environment decides the colour and how much confirmation a change needs.
type Environment string

// The environments.
const (
	Production  Environment = "production"
	Staging     Environment = "staging"
	Development Environment = "development"
	Demo        Environment = "demo"
)

// ControlName is the credential and display name of the control database.
const ControlName = "control"

// Fleet is one control database and its shards, as the fleet file says.
type Fleet struct {
	Name        string
	Environment Environment
	// Profile is the name of a built-in tenancy profile or a path to one.
	Profile string
	// Credential is the default keychain item of all databases; empty means
	// that each database has its own.
	Credential string
	// Schema is the name of our schema in the control database; empty means
	// shard_admin.
	Schema  string
	Control Endpoint
	Shards  []Shard
	// Channels are the ways to tell people of alerts.
	Channels []Channel
	// Schedules are the reports that workers write.
	Schedules []Schedule
	// Rebalance is what a planner of moves keeps to.
	Rebalance Rebalance
	// Placing is how a worker places new tenants.
	Placing Placing
	// Path is the file that the fleet was read from; empty for one in memory.
	Path string
}

// Endpoint is how one database is reached. URLs never hold a password.
type Endpoint struct {
	// URL may lead through a pooler.
	URL string
	// Direct leads to the server itself, for moves, slots and advisory locks;
	// empty means that URL does.
	Direct string
	// Credential names the keychain item; empty means the fleet's or the
	// database's own name.
	Credential string
	// SSH names the hosts through which both are reached, in their order and
	// with commas between; empty means without. ParseBastions reads it.
	SSH string
}

// Placement says what the planner may do with a shard.
type Placement string

// The placements.
const (
	PlacementOpen   Placement = "open"
	PlacementPinned Placement = "pinned"
	PlacementDrain  Placement = "drain"
	PlacementDemo   Placement = "demo"
)

// Shard is one entry of the fleet file.
type Shard struct {
	Name string
	// InControl is true where the shard lives in the control database.
	InControl bool
	Endpoint  Endpoint
	// Capacity in bytes; 0 when the operator stated none.
	Capacity  int64
	Placement Placement
	Region    string
	Labels    map[string]string
	// MaxTenants bounds how many tenants a planner puts there; 0 does not.
	MaxTenants int
}

// Configured reports whether the fleet file says how to reach the shard.
func (s Shard) Configured() bool { return s.InControl || s.Endpoint.URL != "" }

// Shard returns the shard of that name.
func (f *Fleet) Shard(name string) (Shard, bool) {
	for _, s := range f.Shards {
		if s.Name == name {
			return s, true
		}
	}
	return Shard{}, false
}
