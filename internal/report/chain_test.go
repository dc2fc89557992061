package report

import "shardadmin/internal/audit"

// ChainOf is a trail of n events for tests from outside.
func ChainOf(n int) []audit.Sealed { return events(n).all }
