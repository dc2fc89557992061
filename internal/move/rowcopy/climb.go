package rowcopy

import (
	"sync"
	"time"
)

const (
	// foot is with how many parts of large tables a copy begins at once. Inserts with
	// their indexes keep a processor of the target busy, and what it shares with the
	// source and others is not known: where there are two, two at once are faster than
	// four, which wait for one another.
	foot = 2
	// pitch is how long a number of them is measured, stay how long one that another
	// one more did not make faster is kept before that is tried again.
	pitch, stay = 2 * time.Second, time.Minute
	// worth is what one more has to bring at least.
	worth = 1.1
)

// climb finds out how many large parts at once are the fastest: from foot on one more is
// tried, and kept where the whole became faster by it. What is small is not held back by
// it: there the way to the servers counts, and not their processors.
type climb struct {
	most int
	now  func() time.Time

	mu      sync.Mutex
	allowed int
	running int
	// Of what is measured: since when, and how many bytes. Zero while as many are not
	// at work, or somebody else holds them back.
	since time.Time
	bytes int64
	// trying is set while one more is tried than gave rate bytes a second.
	trying bool
	rate   float64
	// next is when one more may be tried again.
	next time.Time
}

func newClimb(most int) *climb { return &climb{most: most, allowed: min(foot, most), now: time.Now} }

// begin takes a place for a large part where there is one.
func (c *climb) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running >= c.allowed {
		return false
	}
	c.running++
	c.since = time.Time{}
	return true
}

// end gives the place back.
func (c *climb) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// passed counts bytes of large parts and reports whether one more may begin. held is set
// where something else decides how fast they go.
func (c *climb) passed(bytes int64, held bool) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if held || c.running < c.allowed {
		c.since = time.Time{}
		return false
	}
	if c.since.IsZero() {
		c.since, c.bytes = now, 0
		return false
	}
	c.bytes += bytes
	took := now.Sub(c.since)
	if took < pitch {
		return false
	}
	rate := float64(c.bytes) / took.Seconds()
	c.since, c.bytes = now, 0
	if c.trying && rate < worth*c.rate {
		c.trying, c.next = false, now.Add(stay)
		c.allowed--
		return false
	}
	c.trying = c.allowed < c.most && !now.Before(c.next)
	if c.trying {
		c.rate = rate
		c.allowed++
	}
	return c.trying
}
