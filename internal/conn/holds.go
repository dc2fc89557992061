package conn

// HoldsShard reports whether tenants' rows may be in the database: always,
// but for a control database in which no shard lives.
func (d *Database) HoldsShard() bool {
	if !d.inControl {
		return true
	}
	for _, s := range d.set.fleet.Shards {
		if s.InControl {
			return true
		}
	}
	return false
}
