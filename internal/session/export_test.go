package session

import (
	"maps"
	"time"

	"shardadmin/internal/sample"
)

// AMinuteGoesBy lets every figure of a shard be due again, as it is after a while.
func (s *Session) AMinuteGoesBy(shard string) {
	l := s.looksOf(shard)
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	l.asked = map[sample.Tier]time.Time{}
	l.before = maps.Clone(l.results)
}
