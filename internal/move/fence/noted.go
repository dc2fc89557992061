package fence

import (
	"context"
	_ "embed"
	"time"
)

// NotedLimit is how many notes are counted at the most: who asks wants to know
// how far the other side is behind, and not to read a million notes for it.
const NotedLimit = 100_000

//go:embed noted.sql
var notedSQL string

// Noted is what the guards have noted on a shard and nobody has carried yet.
type Noted struct {
	Rows int64
	// AtLeast is true where there are more notes than were counted.
	AtLeast bool
	// Oldest is how long ago the oldest of them was committed; nil where there
	// is none, or the shard keeps no such times: then Why says so.
	Oldest *time.Duration
	Why    string
}

// Noted counts the rows of a move that are noted. It reads two small tables and
// takes no lock that a writer would meet.
func (s *Shard) Noted(ctx context.Context, move string) (Noted, error) {
	var n Noted
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return n, err
	}
	var timed bool
	var ms *int64
	if err := pool.QueryRow(ctx, notedSQL, move, NotedLimit).Scan(&n.Rows, &n.AtLeast, &timed, &ms); err != nil {
		return n, s.fault(err)
	}
	switch {
	case n.Rows == 0:
	case ms != nil:
		age := max(0, time.Duration(*ms)*time.Millisecond)
		n.Oldest = &age
	case timed:
		n.Why = s.db.Name() + " has forgotten when the oldest was committed"
	default:
		n.Why = s.db.Name() + " keeps no times of commits: track_commit_timestamp is off"
	}
	return n, nil
}
