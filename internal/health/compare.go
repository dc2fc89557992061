package health

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

const (
	// MostCompared is how many statements of a database are known by their texts
	// where databases are compared.
	MostCompared = 400
	// comparedShown is how many statements a comparison shows.
	comparedShown = 25

	// A statement is slower on a shard than on others from so many times the
	// median of the others, with so many milliseconds more, in so many calls.
	slowerTimes  = 3
	slowerMillis = 1
	slowerCalls  = 10

	// mostStatements is how many statements of a server are read.
	mostStatements = 5000

	// mostIndexes is how many indexes of a database are read: a database with more
	// does not say all.
	mostIndexes = 10_000
)

// Compared is one shard of a comparison.
type Compared struct {
	Reading
	// Texts knows the statements of MostOf.
	Texts TextOf
}

// MostOf are the statements of a reading's own database whose texts a comparison
// asks for, those first that took most.
func MostOf(now Reading) []int64 {
	out := []int64{}
	for _, r := range now.rows("statements") { // the server sorts them
		if id, ok := r.Int("queryid"); ok && r.IntOr("dbid", 0) == int64(now.Server.DatabaseOID) && !slices.Contains(out, id) {
			if out = append(out, id); len(out) == MostCompared {
				break
			}
		}
	}
	return out
}

// Compare puts shards, by name, side by side: statements, settings, extensions,
// versions and indexes. A shard that could not be asked is in the reason of a
// view and in its rows as not known; it never counts as one that has not, or
// does not use, something.
//
// Statements are compared by what they cost since their counters began: a mean
// of many calls says more of how a shard differs than the last minute does.
func Compare(shards map[string]Compared) []View {
	readings := map[string]Reading{}
	for n, s := range shards {
		readings[n] = s.Reading
	}
	return []View{comparedStatements(shards, readings), comparedSettings(readings), comparedExtensions(readings), comparedVersions(readings), comparedIndexes(readings)}
}

// answered completes a view with its time, the oldest of the answers, and with the
// shards that did not give one; it returns those with their reasons.
func answered(v *View, shards map[string]Reading, query string, unavailable func(Reading) (Unavailable, bool)) map[string]string {
	silent, reasons, having := map[string]string{}, []string{}, map[string][]string{}
	for _, shard := range sorted(shards) {
		now := shards[shard]
		u, is := Unavailable{}, false
		if now.Err != nil {
			u, is = Unavailable{Reason: unread(now)}, true
		} else {
			u, is = unavailable(now)
		}
		if is {
			silent[shard] = u.Reason
			if having[u.Reason] == nil {
				reasons = append(reasons, u.Reason)
			}
			having[u.Reason] = append(having[u.Reason], shard)
			if v.Grant == "" {
				v.Grant = u.Grant
			}
			continue
		}
		at := now.Results[query].At
		if query == "" {
			at = now.At
		}
		if v.At.IsZero() || at.Before(v.At) {
			v.At = at
		}
	}
	if len(silent) > 0 {
		said := []string{}
		for _, r := range reasons {
			said = append(said, strings.Join(having[r], ", ")+": "+r)
		}
		v.Reason = "not known of " + figure.Count(int64(len(silent)), "shard") + ": " + strings.Join(said, "; ")
	}
	return silent
}

// asked is when a query without differences between two looks was not answered.
func asked(name, query string, monitor bool) func(Reading) (Unavailable, bool) {
	c := Check{Name: name, Monitor: monitor, Queries: []sample.Query{{Name: query}}}
	return func(now Reading) (Unavailable, bool) { return c.unavailable(now, Reading{}) }
}

// cost is what a statement cost on a shard since its counters began.
type cost struct {
	calls, millis float64
	since         time.Time
}

func (c cost) mean() float64 { return c.millis / c.calls }

// alike is one statement on all shards.
type alike struct {
	key, text string
	on        map[string]*cost
	millis    float64
	// wasted is the time that it took where it is slower, beyond that of others.
	wasted float64
}

func comparedStatements(shards map[string]Compared, readings map[string]Reading) View {
	v := View{
		Name: "statements", Title: "The same statement on each shard", Group: "queries", Empty: "no statement was counted", Rows: [][]string{},
		Columns: []Column{
			{"id", KindCode},
			{"statement", KindCode},
			{"shard", KindText},
			{"calls", KindCount},
			{"mean", KindMillis},
			{"share", KindShare},
			{"others", KindMillis},
			{"note", KindText},
			{"since", KindTime},
		},
	}
	c := statements()
	c.Deltas, c.Queries = false, c.Queries[:1]
	silent := answered(&v, readings, "statements", func(now Reading) (Unavailable, bool) { return uncounted(c, now, Reading{}) })
	names := sorted(readings)
	byKey, all, whole := map[string]*alike{}, map[string]float64{}, map[string]bool{}
	for _, shard := range names {
		if silent[shard] == "" {
			all[shard], whole[shard] = gather(byKey, shard, shards[shard])
		}
	}
	list := []*alike{}
	for _, a := range byKey {
		for shard, c := range a.on {
			if others, ok := a.others(shard); ok && slower(c, others) {
				a.wasted += (c.mean() - others) * c.calls
			}
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *alike) int {
		return cmp.Or(cmp.Compare(b.wasted, a.wasted), cmp.Compare(b.millis, a.millis), strings.Compare(a.key, b.key))
	})
	for _, a := range list[:min(len(list), comparedShown)] {
		for _, shard := range names {
			line := []string{a.key, a.text, shard, "", "", "", "", "", ""}
			c := a.on[shard]
			switch {
			case c != nil:
				line[3], line[4] = strconv.FormatInt(int64(c.calls), 10), decimal(c.mean())
				if all[shard] > 0 {
					line[5] = decimal(c.millis / all[shard])
				}
				if others, ok := a.others(shard); ok {
					line[6] = decimal(others)
					if slower(c, others) {
						line[7] = times(c.mean() / others)
					}
				}
				if !c.since.IsZero() {
					line[8] = c.since.UTC().Format(time.RFC3339)
				}
			case silent[shard] != "":
				line[7] = "not known"
			case whole[shard]:
				line[7] = "not counted there"
			default:
				line[7] = "not among its " + strconv.Itoa(MostCompared)
			}
			v.Rows = append(v.Rows, line)
		}
	}
	return v
}

// gather adds the statements of a shard's own database, and returns the time of
// all of them and whether every one is known by its text.
func gather(to map[string]*alike, shard string, s Compared) (all float64, whole bool) {
	whole = len(s.Results["statements"].Rows) < mostStatements
	from := time.Time{}
	if info, ok := s.row("statements_info"); ok {
		from, _ = info.Time("stats_reset")
	}
	for _, r := range s.rows("statements") {
		if r.IntOr("dbid", 0) != int64(s.Server.DatabaseOID) {
			continue
		}
		calls, millis := r.FloatOr("calls", 0), r.FloatOr("milliseconds", 0)
		all += millis
		text, known := s.Texts(r.IntOr("queryid", 0))
		if !known {
			whole = false
			continue
		}
		if calls == 0 || strings.Contains(text, sample.Tag) {
			continue
		}
		k := StatementKey(text)
		a := to[k]
		if a == nil {
			a = &alike{key: k, text: Masked(text), on: map[string]*cost{}}
			to[k] = a
		}
		since, ok := r.Time("since")
		if !ok {
			since = from
		}
		if a.on[shard] == nil {
			a.on[shard] = &cost{since: since}
		}
		c := a.on[shard]
		c.calls += calls
		c.millis += millis
		if since.Before(c.since) {
			c.since = since
		}
		a.millis += millis
	}
	return all, whole
}

// others is the median of the means of the other shards that have the statement.
func (a *alike) others(shard string) (float64, bool) {
	means := []float64{}
	for n, c := range a.on {
		if n != shard {
			means = append(means, c.mean())
		}
	}
	if len(means) == 0 {
		return 0, false
	}
	slices.Sort(means)
	half := len(means) / 2
	if len(means)%2 == 1 {
		return means[half], true
	}
	return (means[half-1] + means[half]) / 2, true
}

func slower(c *cost, others float64) bool {
	return c.calls >= slowerCalls && c.mean() >= slowerTimes*others && c.mean()-others >= slowerMillis
}

func times(f float64) string {
	if math.IsInf(f, 0) || f >= 1000 {
		return "over 1,000 times slower"
	}
	return fmt.Sprintf("%.1f times slower", f)
}

func comparedSettings(shards map[string]Reading) View {
	v := View{
		Name: "settings", Title: "Settings that differ", Group: "settings", Rows: [][]string{},
		Empty:   "none does; names, addresses, files and what is logged are not compared",
		Columns: []Column{{"name", KindCode}, {"setting", KindCode}, {"shards", KindText}},
	}
	silent := answered(&v, shards, "settings", asked("settings", "settings", true))
	for _, k := range spread(without(shards, silent), "settings", "name", "setting", differsByNature) {
		if len(k.rows) < 2 {
			continue
		}
		for _, r := range k.rows {
			value := r[0]
			if value == "" {
				value = "''"
			}
			v.Rows = append(v.Rows, []string{k.key, value, r[1]})
		}
	}
	return v
}

func without(shards map[string]Reading, silent map[string]string) map[string]Reading {
	out := map[string]Reading{}
	for n, r := range shards {
		if _, is := silent[n]; !is {
			out[n] = r
		}
	}
	return out
}

// comparedExtensions are all that any shard has, those first that differ.
func comparedExtensions(shards map[string]Reading) View {
	v := View{
		Name: "extensions", Title: "Extensions on each shard", Group: "settings", Empty: "there is none", Rows: [][]string{},
		Columns: []Column{{"extension", KindCode}, {"installed", KindText}, {"shards", KindText}, {"differs", KindText}},
	}
	silent := answered(&v, shards, "extensions", asked("extensions", "extensions", false))
	same := [][]string{}
	for _, k := range spread(without(shards, silent), "extensions", "extension", "installed", nil) {
		for _, r := range k.rows {
			if len(k.rows) > 1 {
				v.Rows = append(v.Rows, []string{k.key, r[0], r[1], "yes"})
			} else {
				same = append(same, []string{k.key, r[0], r[1], ""})
			}
		}
	}
	v.Rows = append(v.Rows, same...)
	return v
}

func comparedVersions(shards map[string]Reading) View {
	v := View{
		Name: "versions", Title: "Versions of PostgreSQL", Group: "settings", Empty: "no shard answers", Rows: [][]string{},
		Columns: []Column{{"version", KindText}, {"shards", KindText}, {"newest known", KindText}, {"supported until", KindText}},
	}
	silent := answered(&v, shards, "", func(now Reading) (Unavailable, bool) {
		return Unavailable{Reason: "its version was not asked for"}, now.Server.Version == 0
	})
	on, numbers := map[int][]string{}, []int{}
	for _, shard := range sorted(without(shards, silent)) {
		n := shards[shard].Server.Version
		if on[n] == nil {
			numbers = append(numbers, n)
		}
		on[n] = append(on[n], shard)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		line := []string{versionOf(n), strings.Join(on[n], ", "), "", ""}
		for _, r := range releases() {
			if r.major == n/10000 {
				line[2], line[3] = fmt.Sprintf("%d.%d", r.major, r.minor), r.until
			}
		}
		v.Rows = append(v.Rows, line)
	}
	return v
}

func versionOf(number int) string { return fmt.Sprintf("%d.%d", number/10000, number%10000) }

// comparedIndexes are the indexes that no shard that answers has scanned since its
// statistics began, without those that hold a key or a constraint.
func comparedIndexes(shards map[string]Reading) View {
	v := View{
		Name: "indexes", Title: "Indexes that no shard uses", Group: "tables", Rows: [][]string{},
		Empty:   "each index was used on a shard, or holds a key",
		Columns: []Column{{"index", KindCode}, {"table", KindCode}, {"bytes", KindBytes}, {"shards", KindCount}, {"use", KindText}, {"known since", KindTime}},
	}
	silent := answered(&v, shards, "unused_indexes", func(now Reading) (Unavailable, bool) {
		u, is := asked("unused_indexes", "unused_indexes", false)(now)
		if !is && len(now.Results["unused_indexes"].Rows) >= mostIndexes {
			return Unavailable{Reason: fmt.Sprintf("it has more than the %s indexes that are read", figure.Number(mostIndexes))}, true
		}
		return u, is
	})
	list, _ := indexes(without(shards, silent))
	slices.SortStableFunc(list, func(a, b *index) int { return cmp.Compare(b.bytes, a.bytes) })
	use := "none"
	if len(silent) > 0 {
		use = "not known"
	}
	for _, x := range list {
		used, since := false, time.Time{}
		for _, on := range x.on {
			used = used || on.row.Is("needed") || on.row.IntOr("scans", 1) > 0
			// The statistics that are youngest say since when no use by any shard is
			// known.
			at, _ := on.row.Time("known_since")
			if at.After(since) {
				since = at
			}
		}
		if !used {
			first := x.on[0].row
			v.Rows = append(v.Rows, []string{named(first, "index"), named(first, "table"), strconv.FormatInt(x.bytes, 10), strconv.Itoa(len(x.on)), use, since.UTC().Format(time.RFC3339)})
		}
	}
	return v
}
