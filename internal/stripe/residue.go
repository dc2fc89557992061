package stripe

import "math/bits"

// MaxStripes bounds how many stripes a fleet may have; the more there are, the
// sooner a sequence ends.
const MaxStripes = 4096

// minStripes leaves a small fleet room to grow.
const minStripes = 8

// defaultStripes is the next power of two that leaves as many stripes free as
// there are shards.
func defaultStripes(shards int) int {
	n := minStripes
	if want := 2 * shards; want > n {
		n = 1 << bits.Len(uint(want-1))
	}
	return n
}

// leaves reports whether v leaves the residue when divided by n.
func leaves(v, residue, n int64) bool { return ((v-residue)%n+n)%n == 0 }

// firstAbove returns the smallest value above floor that leaves the residue;
// ok is false when it cannot be written down.
func firstAbove(floor, residue, n int64) (v int64, ok bool) {
	over := ((floor-residue)%n + n) % n
	v = floor - over + n
	return v, v > floor
}
