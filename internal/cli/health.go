package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"shardadmin/internal/document"
	"shardadmin/internal/session"
)

func (p *program) runShardsHealth(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Health(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(document.OfHealth(v), func(w io.Writer) { printHealth(w, v, name != "") })
}

// printHealth lists the shards, and below what is wrong with them, the worst first.
// What is only worth knowing is summed up unless one shard alone was asked for.
func printHealth(w io.Writer, v session.Health, alone bool) {
	t := newTable(long("SHARD", 10), left("STATUS"), right("LATENCY"), right("CONNECTIONS"), right("CACHE HITS"), right("INDEX HITS"), right("SIZE"))
	for _, h := range v.Shards {
		connections := intOr(h.Connections)
		if h.Connections != nil && h.MaxConnections != nil {
			connections += " of " + intOr(h.MaxConnections)
		}
		t.add(h.Name, state(h.Status), milliseconds(h.LatencyMS), connections, percent(h.CacheHitRate), percent(h.IndexHitRate), sizeOr(h.SizeBytes))
	}
	t.print(w)
	if text := hitsOver(v); text != "" {
		line(w, "")
		paragraph(w, "", text)
	}
	if alone && len(v.Shards) == 1 && v.Shards[0].Problem == nil {
		line(w, "")
		paragraph(w, "", growth(v.Shards[0].Growth))
	}
	type found struct {
		shard string
		session.Finding
	}
	list, info := []found{}, map[string]int{}
	for _, h := range v.Shards {
		for _, f := range h.Findings {
			list = append(list, found{h.Name, f})
		}
	}
	for _, f := range v.Fleet {
		list = append(list, found{"", f})
	}
	rank := []string{"critical", "warning", "info"}
	slices.SortStableFunc(list, func(a, b found) int { return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity) })
	notes := map[string][]session.Finding{}
	for _, f := range list {
		if f.Severity == "info" {
			notes[f.Check] = append(notes[f.Check], f.Finding)
		}
	}
	for _, f := range list {
		if f.Severity == "info" && !alone {
			info[f.Check]++
			continue
		}
		if f.Severity == "info" && len(notes[f.Check]) > alike {
			// Dozens of one kind are one paragraph, with what differs in lines of it.
			printAlike(w, f.shard, notes[f.Check])
			notes[f.Check] = []session.Finding{}
		}
		if f.Severity == "info" && len(notes[f.Check]) == 0 {
			continue
		}
		line(w, "")
		where := ""
		if f.shard != "" {
			where = " on " + f.shard
		}
		paragraph(w, "", f.Severity+where+": "+f.Message)
		if f.Advice != "" {
			paragraph(w, "  ", f.Advice)
		}
		if alone {
			printEvidence(w, f.Finding)
		}
	}
	if len(info) > 0 {
		parts := []string{}
		for check, n := range info {
			parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(check, "_", " "), n))
		}
		slices.Sort(parts)
		line(w, "")
		text := "Worth knowing: " + strings.Join(parts, ", ") + ". shard-admin shards health NAME shows a shard's"
		if slices.ContainsFunc(v.Fleet, func(f session.Finding) bool { return f.Severity == "info" }) {
			text += ", shard-admin shards compare what is not the same on all"
		}
		paragraph(w, "", text+".")
	}
	printUnavailable(w, v, alone)
}

// hitsOver says which reads the hit rates are of: a command that looks once has those of
// all the time since a server's statistics were reset.
func hitsOver(v session.Health) string {
	since, never := []string{}, 0
	for _, h := range v.Shards {
		for _, x := range []struct {
			rate  *float64
			since *string
		}{{h.CacheHitRate, h.CacheSince}, {h.IndexHitRate, h.IndexSince}} {
			switch {
			case x.rate == nil:
			case x.since == nil:
				never++
			default:
				since = append(since, moment(*x.since))
			}
		}
	}
	slices.Sort(since)
	switch since = slices.Compact(since); {
	case len(since) == 0 && never == 0:
		return ""
	case len(since) == 0:
		return "Hits are of all reads that a server knows of: its statistics were never reset."
	}
	text := "Hits are of the reads since " + since[0] + " UTC"
	if len(since) > 1 {
		text = "Hits are of the reads since a time of each shard's, " + since[0] + " to " + since[len(since)-1] + " UTC"
	}
	if never > 0 {
		text += "; where statistics were never reset, of all reads that the server knows of"
	}
	return text + "."
}

// growth says how a database grows and when it is full.
func growth(g session.Growth) string {
	if g.BytesPerDay == nil {
		return "Growth: unknown, " + g.Reason + "."
	}
	text := fmt.Sprintf("Growth: %s a day (%s to %s), %s, from %s", signed(*g.BytesPerDay), signed(*g.BytesPerDayFrom), signed(*g.BytesPerDayTo), g.State, count(int64(g.Days), "day"))
	switch {
	case g.FullInDaysFrom == nil:
		return text + ". Full: " + g.FullReason + "."
	case g.FullInDaysTo == nil:
		return text + fmt.Sprintf(". Full in %s at the soonest.", count(int64(*g.FullInDaysFrom), "day"))
	}
	return text + fmt.Sprintf(". Full in %d to %s.", *g.FullInDaysFrom, count(int64(*g.FullInDaysTo), "day"))
}

// signed is a size that may be less than nothing.
func signed(bytes int64) string {
	if bytes < 0 {
		return "−" + size(-bytes)
	}
	return size(bytes)
}

// alike is how many notes of one check are each shown at length.
const alike = 3

// printAlike shows the many notes of one check: what to do once, and a line for each.
func printAlike(w io.Writer, shard string, notes []session.Finding) {
	line(w, "")
	paragraph(w, "", fmt.Sprintf("info on %s: %s, %d of them", shard, strings.ReplaceAll(notes[0].Check, "_", " "), len(notes)))
	if notes[0].Advice != "" {
		paragraph(w, "  ", notes[0].Advice)
	}
	for _, f := range notes {
		if f.Statement != "" {
			line(w, "  %s", f.Statement)
		} else {
			paragraph(w, "  ", f.Message)
		}
	}
}

// printEvidence shows what a finding rests on, and what mends it.
func printEvidence(w io.Writer, f session.Finding) {
	if len(f.Rows) > 0 {
		cols, shown := []column{}, []int{}
		for i, c := range f.Columns {
			// A column without a word in it takes the room of one that has some.
			if slices.ContainsFunc(f.Rows, func(r []string) bool { return r[i] != "" }) {
				cols, shown = append(cols, long(strings.ToUpper(strings.ReplaceAll(c, "_", " ")), 8)), append(shown, i)
			}
		}
		t := newTable(cols...)
		for _, r := range f.Rows {
			cells := make([]string, len(shown))
			for k, i := range shown {
				cells[k] = r[i]
			}
			t.add(cells...)
		}
		t.print(w)
	}
	if f.Statement != "" {
		line(w, "  %s", f.Statement)
	}
}

// printUnavailable says which checks could not look, each reason once.
func printUnavailable(w io.Writer, v session.Health, alone bool) {
	type why struct{ reason, grant string }
	order, checks, where := []why{}, map[why][]string{}, map[why][]string{}
	for _, h := range v.Shards {
		nothing := h.Problem != nil && !slices.ContainsFunc(h.Unavailable, func(u session.UnavailableCheck) bool { return u.Reason != h.Problem.Message })
		if nothing && len(h.Unavailable) > 0 {
			// The same of each check: which they are says nothing.
			line(w, "")
			paragraph(w, "", "Nothing checked on "+h.Name+": "+h.Problem.Message)
			continue
		}
		for _, u := range h.Unavailable {
			if u.Later && !alone {
				continue // a single look is one, whatever it looks at
			}
			k := why{u.Reason, u.Grant}
			if checks[k] == nil {
				order = append(order, k)
			}
			if name := strings.ReplaceAll(u.Check, "_", " "); !slices.Contains(checks[k], name) {
				checks[k] = append(checks[k], name)
			}
			if !slices.Contains(where[k], h.Name) {
				where[k] = append(where[k], h.Name)
			}
		}
	}
	for _, k := range order {
		line(w, "")
		on := ""
		if !alone {
			on = " on " + few(where[k])
		}
		paragraph(w, "", "Not checked: "+few(checks[k])+on+": "+k.reason)
		if k.grant != "" {
			line(w, "  %s;", strings.TrimSuffix(k.grant, ";"))
		}
	}
}

// few is a list of names that may be long.
func few(names []string) string {
	if len(names) > 6 {
		names = append(names[:6:6], fmt.Sprintf("%d more", len(names)-6))
	}
	return strings.Join(names, ", ")
}
