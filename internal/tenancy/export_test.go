package tenancy

import "shardadmin/internal/structure"

// BuildMapGathering builds a map that computes ownership as a closure wherever
// a table has a way of two steps.
func BuildMapGathering(s *structure.Schema, p *Profile) (*Map, error) { return buildMap(s, p, 2) }
