package rebalance

import "time"

// How long an imbalance lasts before moves are recommended, and the longest time
// without a look that is still counted as part of it: a night in which nobody had the
// fleet open.
const (
	Lasts      = 24 * time.Hour
	longestGap = 18 * time.Hour
)

// Seen is how far above an even spread the fullest shard was at one time.
type Seen struct {
	At   time.Time
	Over float64
}

// Lasting is how an imbalance went until now.
type Lasting struct {
	// Since is when the fullest shard came above the threshold; nil where it is well.
	Since *time.Time
	// Standing is true once it lasted, until the fullest shard is within half of the
	// threshold again.
	Standing bool
	// Gap is the longest time since then in which nobody looked.
	Gap time.Duration
}

// Course is how an imbalance went, as much as is needed to follow the next look. The
// zero one is that of a fleet at which nobody has looked.
type Course struct {
	Lasting
	// Last is when somebody looked last, and Threshold what counted then.
	Last      time.Time
	Threshold float64
}

// Look follows one more look, which is later than those before. An imbalance begins
// above the threshold and ends within half of it; what lies between neither begins nor
// ends one. It stands once it lasted and is above the threshold. After a longer time
// without a look it begins anew, because nobody knows what was in between; and so it
// does under a higher threshold, above which nobody knows it to have been.
func (c Course) Look(x Seen, threshold float64) Course {
	if threshold <= 0 {
		threshold = DefaultThreshold
	}
	gap, higher := x.At.Sub(c.Last), threshold > c.Threshold+eps
	c.Last, c.Threshold = x.At, threshold
	if x.Over <= threshold/2 || c.Since != nil && (gap > longestGap || higher) {
		c.Lasting = Lasting{}
	}
	if c.Since != nil {
		c.Gap = max(c.Gap, gap)
	}
	if x.Over <= threshold+eps {
		return c
	}
	if c.Since == nil {
		c.Lasting = Lasting{Since: &x.At}
	}
	c.Standing = c.Standing || x.At.Sub(*c.Since) >= Lasts
	return c
}

// Until is how it went until now: nothing is known of it where nobody looked for long.
func (c Course) Until(now time.Time) Lasting {
	if now.Sub(c.Last) > longestGap {
		return Lasting{}
	}
	return c.Lasting
}

// Followed follows looks, the oldest first.
func Followed(looks []Seen, threshold float64) Course {
	out := Course{}
	for _, x := range looks {
		out = out.Look(x, threshold)
	}
	return out
}

// Measured is how far a fleet is from an even spread.
type Measured struct {
	// Known is false where fewer than two shards take part.
	Known bool
	// Fullest is the fullest shard that takes part, and Over how far it is above an even
	// spread, as a share; 0 where there is nothing to spread.
	Fullest string
	Over    float64
	// Shards are in the order of the input.
	Shards []ShardUse
}

// Measure says how far a fleet is from an even spread, without a plan.
func Measure(in Input, opt Options) Measured {
	p := compile(in, opt)
	s := newState(p, p.opt.Threshold)
	out := Measured{}
	for i, sh := range in.Shards {
		out.Shards = append(out.Shards, ShardUse{Shard: sh.Name, Takes: p.takes[i], Note: p.note(i), Before: s.use(i)})
	}
	most := s.balance().Max
	if out.Known = most != nil; !out.Known {
		return out
	}
	out.Fullest, out.Over = fullest(out.Shards, *most), max(*most-1, 0)
	return out
}

// fullest is the shard of a use, without those that an oversized tenant fills.
func fullest(shards []ShardUse, most float64) string {
	for _, u := range shards {
		if u.Before.Ratio != nil && *u.Before.Ratio == most && most > 0 && u.Note == "" {
			return u.Shard
		}
	}
	return ""
}

// Excess is the fullest shard that takes part, how many bytes of its tenants are more
// than an even spread would give it, and how far it is above that.
func (a Answer) Excess() (shard string, bytes int64, over float64, known bool) {
	if len(a.Plans) == 0 || a.Plans[0].Before.Max == nil {
		return "", 0, 0, false
	}
	most := *a.Plans[0].Before.Max
	if shard = fullest(a.Plans[0].Shards, most); shard != "" {
		for _, u := range a.Plans[0].Shards {
			if u.Shard == shard {
				bytes = int64(float64(u.Before.Bytes) * (1 - 1/most))
			}
		}
	}
	return shard, max(bytes, 0), most - 1, true
}
