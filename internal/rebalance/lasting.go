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

// Lasted follows looks until now, the oldest first. An imbalance begins above the threshold and
// ends within half of it; what lies between neither begins nor ends one. It stands once
// it lasted and is above the threshold. After a longer time without a look it begins
// anew, because nobody knows what was in between.
func Lasted(course []Seen, now time.Time, threshold float64) Lasting {
	if threshold <= 0 {
		threshold = DefaultThreshold
	}
	out, last := Lasting{}, time.Time{}
	for _, x := range course {
		gap := x.At.Sub(last)
		last = x.At
		if x.Over <= threshold/2 || out.Since != nil && gap > longestGap {
			out = Lasting{}
		}
		if out.Since != nil {
			out.Gap = max(out.Gap, gap)
		}
		if x.Over <= threshold+eps {
			continue
		}
		if out.Since == nil {
			at := x.At
			out = Lasting{Since: &at}
		}
		out.Standing = out.Standing || x.At.Sub(*out.Since) >= Lasts
	}
	if now.Sub(last) > longestGap {
		return Lasting{}
	}
	return out
}

// Excess is the fullest shard that takes part, how many bytes of its tenants are more
// than an even spread would give it, and how far it is above that.
func (a Answer) Excess() (shard string, bytes int64, over float64, known bool) {
	if len(a.Plans) == 0 || a.Plans[0].Before.Max == nil {
		return "", 0, 0, false
	}
	most := *a.Plans[0].Before.Max
	for _, u := range a.Plans[0].Shards {
		if u.Before.Ratio != nil && *u.Before.Ratio == most && most > 0 && u.Note == "" {
			shard, bytes = u.Shard, int64(float64(u.Before.Bytes)*(1-1/most))
		}
	}
	return shard, max(bytes, 0), most - 1, true
}
