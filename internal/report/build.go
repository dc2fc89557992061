package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/figure"
)

// Move is a move as a report lists it.
type Move struct {
	ID, Tenant, Label, Source, Target string
	Mode, State, By, Note             string
	FiledAt                           time.Time
	StartedAt, SwitchedAt, FinishedAt *time.Time
	Rows, Bytes                       int64
	// WritePause is nil where the tenant was not switched.
	WritePause *time.Duration
	Verified   bool
	Tables     []MoveTable
}

// MoveTable is a table of a move that was verified: how many rows, and the
// digest that both sides agreed on.
type MoveTable struct {
	Table  string
	Rows   int64
	SHA256 string
}

// labels are the names of tenants.
type labels map[string]string

func (r Request) labels() labels {
	l := labels{}
	for _, m := range r.Moves {
		if m.Label != "" {
			l[m.Tenant] = m.Label
		}
	}
	if r.TenantLabel != "" {
		l[r.Filter.Tenant] = r.TenantLabel
	}
	return l
}

func (l labels) of(tenant string) string {
	if tenant == "" {
		return ""
	}
	if name := l[tenant]; name != "" && name != tenant {
		return isolated(name) + " (" + tenant + ")"
	}
	return tenant
}

// summary is what a walk has counted.
type summary struct {
	status   map[string]int64
	action   map[string]int64
	actor    map[string]int64
	shard    map[string]int64
	days     map[string]map[string]int64
	from, to time.Time
	zone     *time.Location
}

func newSummary(zone *time.Location) *summary {
	return &summary{status: map[string]int64{}, action: map[string]int64{}, actor: map[string]int64{}, shard: map[string]int64{}, days: map[string]map[string]int64{}, zone: zone}
}

// tally counts an event.
func (s *summary) tally(x audit.Sealed) {
	e := audit.HeadlineOf(x)
	s.status[outcome(e)]++
	s.action[e.Action]++
	s.actor[e.Actor]++
	for _, shard := range []string{e.Source, e.Target} {
		if shard != "" {
			s.shard[shard]++
		}
		if e.Source == e.Target {
			break
		}
	}
	s.day(e.At, outcome(e))
}

func (s *summary) day(at time.Time, status string) {
	at = at.In(s.zone)
	if s.from.IsZero() || at.Before(s.from) {
		s.from = at
	}
	if at.After(s.to) {
		s.to = at
	}
	d := at.Format(time.DateOnly)
	if s.days[d] == nil {
		s.days[d] = map[string]int64{}
	}
	s.days[d][status]++
}

// overTime is a chart of what happened per day, week or month, whichever gives
// a number of bars that can be read. Bars without anything stay.
func (s *summary) overTime(what string) []Chart {
	if s.from.IsZero() {
		return nil
	}
	step, name := func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }, "day"
	start := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.zone) }
	form := "Jan 2"
	switch days := s.to.Sub(s.from).Hours() / 24; {
	case days > 400:
		name, form = "month", "Jan 06"
		step = func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
		start = func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, s.zone) }
	case days > 21:
		name = "week"
		step = func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }
		start = func(t time.Time) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, 0, 0, 0, 0, s.zone)
		}
	}
	c := Chart{Title: what + " per " + name, Series: outcomes()}
	at := map[string]int{}
	for t := start(s.from); !t.After(s.to) && len(c.Labels) < 400; t = step(t) {
		at[t.Format(time.DateOnly)] = len(c.Labels)
		c.Labels = append(c.Labels, t.Format(form))
		for i := range c.Series {
			c.Series[i].Values = append(c.Series[i].Values, 0)
		}
	}
	for day, by := range s.days {
		t, err := time.ParseInLocation(time.DateOnly, day, s.zone)
		if err != nil {
			continue
		}
		i, ok := at[start(t).Format(time.DateOnly)]
		if !ok {
			continue
		}
		for status, n := range by {
			k := slices.IndexFunc(c.Series, func(x Series) bool { return x.Name == status })
			if k < 0 {
				k = len(c.Series) - 1
			}
			c.Series[k].Values[i] += n
		}
	}
	c.Series = slices.DeleteFunc(c.Series, func(x Series) bool { return slices.Max(x.Values) == 0 })
	return []Chart{c}
}

// most is a chart of the largest of some counts; the rest is one bar.
func most(title string, counts map[string]int64, name func(string) string) []Chart {
	if len(counts) == 0 {
		return nil
	}
	type one struct {
		label string
		n     int64
	}
	var all []one
	for k, n := range counts {
		if name != nil {
			k = name(k)
		}
		all = append(all, one{k, n})
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.n != b.n {
			return int(b.n - a.n)
		}
		return strings.Compare(a.label, b.label)
	})
	const bars = 8
	c := Chart{Title: title, Lying: true, Series: []Series{{Tone: "accent"}}}
	rest := int64(0)
	for i, x := range all {
		if i >= bars && len(all) > bars+1 {
			rest += x.n
			continue
		}
		c.Labels, c.Series[0].Values = append(c.Labels, x.label), append(c.Series[0].Values, x.n)
	}
	if rest > 0 {
		c.Labels, c.Series[0].Values = append(c.Labels, fmt.Sprintf("%d others", len(all)-bars)), append(c.Series[0].Values, rest)
	}
	return []Chart{c}
}

// document composes what the walk has counted and what will be read.
func (r Request) document(s *summary, m audit.Manifest, each func(func(audit.Sealed) error) error) *Document {
	about := AboutOf(r.Kind)
	d := &Document{
		Title: about.Title, Fleet: r.Fleet, Environment: r.Environment, Statement: m.Statement, Proven: m.ChainOK, MadeAt: m.MadeAt, Zone: r.Zone, Program: m.Program,
	}
	names := r.labels()
	switch r.Kind {
	case Tenant:
		d.Subtitle = names.of(r.Filter.Tenant)
	case Operator:
		d.Subtitle = r.Filter.Actor
	}
	d.Facts = r.facts(m)
	if r.listsMoves() {
		d.Sections = append(d.Sections, r.moves(names)...)
	}
	if r.Kind != Moves {
		over := Section{Title: "Overview"}
		over.Charts = append(over.Charts, s.overTime("Events")...)
		over.Charts = append(over.Charts, most("By action", s.action, did)...)
		if r.Kind != Tenant && len(s.shard) > 0 {
			over.Charts = append(over.Charts, most("By shard, as source or target", s.shard, nil)...)
		}
		if r.Kind != Operator {
			over.Charts = append(over.Charts, most("By operator", s.actor, nil)...)
		}
		if len(over.Charts) > 0 {
			d.Sections = slices.Insert(d.Sections, 0, over)
		}
	}
	title := "Events"
	text := "One line for each change, by its outcome; a change whose end is not recorded is listed as begun, with no outcome."
	if r.Kind == Events {
		text = "Every event that the filter selects: the intent of a change, and its outcome."
	}
	if r.MovesReason != "" {
		text += " Moves are not listed apart: " + r.MovesReason + "."
	}
	d.Sections = append(d.Sections, Section{Title: title, Text: text, Tables: []Table{r.events(m.Count, names, each)}})
	if r.Preview > 0 {
		d.preview(r.Preview)
	}
	return d
}

// preview leaves of each table its first rows.
func (d *Document) preview(rows int64) {
	for i := range d.Sections {
		for k := range d.Sections[i].Tables {
			t := &d.Sections[i].Tables[k]
			if t.Rows <= rows {
				continue
			}
			all := t.Each
			t.Each = func(do func([]Cell) error) error {
				n := int64(0)
				err := all(func(row []Cell) error {
					if n++; n > rows {
						return errEnough
					}
					return do(row)
				})
				if errors.Is(err, errEnough) {
					return nil
				}
				return err
			}
			d.Sections[i].Text += " The preview shows the first " + figure.Number(rows) + " of " + figure.Number(t.Rows) + " rows."
		}
	}
}

// errEnough ends the reading of a preview's rows.
var errEnough = errors.New("the preview is full")

func (r Request) facts(m audit.Manifest) []Fact {
	none := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	f := []Fact{
		{Name: "Fleet", Value: r.Fleet + ", " + r.Environment},
		{Name: "Period", Value: r.period()},
		{Name: "Filter", Value: none(r.filter(), "none: every event of the period")},
		{Name: "Time zone", Value: r.Zone.String()},
		{Name: "Events", Value: figure.Number(m.Count) + " of " + figure.Number(m.PeriodEvents) + " of the period"},
	}
	if m.CopiedAt != nil {
		f = append(f, Fact{Name: "Made of", Value: "a computer's copy of the trail, brought up to date last at " + shown(*m.CopiedAt, r.Zone) + " up to number " + figure.Number(m.HeadSeq) + "; what was recorded since is not in it"})
	}
	if m.Count > 0 {
		f = append(f, Fact{Name: "Numbers", Value: figure.Number(m.FirstSeq) + " to " + figure.Number(m.LastSeq)},
			Fact{Name: "First hash", Value: m.FirstHash, Mono: true}, Fact{Name: "Last hash", Value: m.LastHash, Mono: true})
	}
	chain := "every hash of " + figure.Count(m.ChainEvents, "event") + " computed anew and right"
	if !m.ChainOK {
		chain = "NOT PROVEN: " + r.broken(m)
	}
	f = append(f, Fact{Name: "Chain", Value: chain}, Fact{Name: "Head of the chain", Value: figure.Number(m.HeadSeq) + " " + m.HeadHash, Mono: true})
	if m.SignedBy != "" {
		f = append(f, Fact{Name: "Signed by", Value: m.SignedBy, Mono: true}, Fact{Name: "Checkpoint", Value: "of event " + figure.Number(m.HeadSeq) + ", in the manifest, signed"})
	} else {
		f = append(f, Fact{Name: "Signed by", Value: "nobody: " + m.SignedByReason})
	}
	return append(f, Fact{Name: "Made", Value: shown(m.MadeAt, r.Zone) + " by Shard Admin " + m.Program})
}

func (r Request) broken(m audit.Manifest) string {
	if m.FirstBad != nil {
		return "the chain does not verify from event " + figure.Number(*m.FirstBad) + " on; shard-admin audit verify says why"
	}
	return "the chain does not verify; shard-admin audit verify says why"
}

func (r Request) period() string {
	end := func(t time.Time) string { return t.In(r.Zone).Format("2006-01-02 15:04") }
	switch f := r.Filter; {
	case f.Since.IsZero() && f.Until.IsZero():
		return "from the first event to " + end(r.At)
	case f.Since.IsZero():
		return "from the first event until " + end(f.Until)
	case f.Until.IsZero():
		return "from " + end(f.Since) + " to " + end(r.At)
	default:
		return "from " + end(f.Since) + " until " + end(f.Until)
	}
}

// filter says what was asked for, in words.
func (r Request) filter() string {
	var parts []string
	f := r.Filter
	for _, x := range []struct{ name, value string }{
		{"tenant", r.labels().of(f.Tenant)}, {"operator", f.Actor}, {"shard", f.Shard}, {"action", f.Action}, {"move", f.MoveID}, {"text", f.Search}, {"event", f.ID},
	} {
		if x.value != "" {
			parts = append(parts, x.name+" "+x.value)
		}
	}
	if n := len(f.Statuses); n > 0 && (r.Kind != Failed || n < len(failedStatuses())) {
		parts = append(parts, "outcome "+strings.Join(f.Statuses, " or "))
	}
	if r.Kind != Events {
		parts = append(parts, "report "+string(r.Kind)+": "+AboutOf(r.Kind).Holds)
	}
	if f.Limit > 0 {
		parts = append(parts, "the newest "+figure.Number(int64(f.Limit)))
	}
	return strings.Join(parts, "; ")
}

// statement is the sentence of the first page.
func (r Request) statement(m audit.Manifest) string {
	at := shown(m.MadeAt, r.Zone) + " " + m.MadeAt.In(r.Zone).Format("MST")
	proof := "chain verified at " + at
	if !m.ChainOK {
		proof = "chain NOT verified at " + at
	}
	of := "events of the period"
	if m.PeriodEvents == 1 {
		of = "event of the period"
	}
	if r.Filter.Since.IsZero() && r.Filter.Until.IsZero() {
		of = strings.Replace(of, "of the period", "of the trail", 1)
	}
	moves := ""
	if m.Moves != nil {
		moves = figure.Count(int64(*m.Moves), "move") + "; "
	}
	if m.Archived {
		of += " after number " + figure.Number(m.BeginsAfter) + " (what was before is archived and not counted)"
	}
	if m.CopiedAt != nil {
		of += ", in a computer's copy of the trail as of " + shown(*m.CopiedAt, r.Zone) + " " + m.CopiedAt.In(r.Zone).Format("MST")
	}
	return moves + figure.Number(m.Count) + " of " + figure.Number(m.PeriodEvents) + " " + of + ", " + proof
}

func eventColumns() []Column {
	return []Column{
		{Key: "seq", Title: "No.", Weight: 5.5, Right: true},
		{Key: "at", Title: "When", Weight: 9},
		{Key: "actor", Title: "Who", Weight: 15},
		{Key: "action", Title: "Action", Weight: 11},
		{Key: "tenant", Title: "Tenant", Weight: 15},
		{Key: "way", Title: "From → to", Weight: 12},
		{Key: "outcome", Title: "Outcome", Weight: 8},
		{Key: "reason", Title: "Reason", Weight: 17},
		{Key: "changed", Title: "What changed", Weight: 17},
	}
}

func (r Request) events(rows int64, names labels, each func(func(audit.Sealed) error) error) Table {
	return Table{
		Columns: eventColumns(), Rows: rows, None: "The period has no such event.",
		Each: func(do func([]Cell) error) error {
			return each(func(x audit.Sealed) error {
				e := audit.EventOf(x)
				tenant := names.of(e.Tenant)
				if name, ok := e.Details["label"].(string); ok && name != "" && tenant == e.Tenant {
					tenant = labels{e.Tenant: name}.of(e.Tenant)
				}
				return do([]Cell{
					e.Seq, e.At, e.Actor, did(e.Action), tenant, way(e.Source, e.Target), outcome(e), e.Note, changed(e),
				})
			})
		},
	}
}

// moves are the sections about moves.
func (r Request) moves(names labels) []Section {
	list := Table{
		Title: "", None: "No move was filed, carried out or finished in the period.",
		Columns: []Column{
			{Key: "id", Title: "Move", Weight: 8, Mono: true},
			{Key: "tenant", Title: "Tenant", Weight: 17},
			{Key: "way", Title: "From → to", Weight: 13},
			{Key: "mode", Title: "Mode", Weight: 6},
			{Key: "state", Title: "State", Weight: 9},
			{Key: "by", Title: "By", Weight: 15},
			{Key: "filed_at", Title: "Filed", Weight: 10},
			{Key: "took_ms", Title: "Took", Weight: 8, Right: true},
			{Key: "write_pause_ms", Title: "Write pause", Weight: 10, Right: true},
			{Key: "rows", Title: "Rows", Weight: 7, Right: true},
			{Key: "bytes", Title: "Size", Weight: 7, Right: true},
			{Key: "verified", Title: "Verified", Weight: 8},
		},
	}
	proof := Table{
		None: "No table was verified.",
		Columns: []Column{
			{Key: "move", Title: "Move", Weight: 10, Mono: true},
			{Key: "tenant", Title: "Tenant", Weight: 18},
			{Key: "table", Title: "Table", Weight: 22},
			{Key: "rows", Title: "Rows", Weight: 9, Right: true},
			{Key: "sha256", Title: "Digest of both sides", Weight: 48, Mono: true},
		},
	}
	var rows, proofs [][]Cell
	s := newSummary(r.Zone)
	to, pauses := map[string]int64{}, map[string]int64{}
	for _, m := range r.Moves {
		id := m.ID[:min(8, len(m.ID))]
		var took, pause Cell = "not ended", "not switched"
		if m.StartedAt == nil {
			took = "not begun"
		} else if m.FinishedAt != nil {
			took = m.FinishedAt.Sub(*m.StartedAt)
		} else if m.SwitchedAt != nil {
			took = m.SwitchedAt.Sub(*m.StartedAt)
		}
		if m.WritePause != nil {
			pause = *m.WritePause
			pauses[pauseBand(*m.WritePause)]++
		}
		rows = append(rows, []Cell{
			id, names.of(m.Tenant), way(m.Source, m.Target), m.Mode, strings.ReplaceAll(m.State, "_", " "), m.By, m.FiledAt, took, pause, m.Rows, Size(m.Bytes), m.Verified,
		})
		s.day(m.FiledAt, moveOutcome(m.State))
		to[m.Target]++
		for _, t := range m.Tables {
			if t.Rows > 0 {
				proofs = append(proofs, []Cell{id, names.of(m.Tenant), t.Table, t.Rows, t.SHA256})
			}
		}
	}
	list.Rows, list.Each = int64(len(rows)), rowsOf(rows)
	proof.Rows, proof.Each = int64(len(proofs)), rowsOf(proofs)
	out := Section{
		Title: "Moves", Tables: []Table{list},
		Text: "Moves that were filed, switched or finished in the period, or are still open. Took: from the begin to the end, or to the switch where the source keeps its copy. These figures come from the fleet's record of moves; what the chain proves is the events.",
	}
	if len(rows) > 0 {
		out.Charts = append(out.Charts, s.overTime("Moves filed")...)
		out.Charts = append(out.Charts, most("Moves by target shard", to, nil)...)
		if len(pauses) > 0 {
			out.Charts = append(out.Charts, pauseChart(pauses))
		}
	}
	return []Section{out, {
		Title: "Verification digests", Tables: []Table{proof},
		Text: "Every row of a table was compared on both sides while nothing could change it. The digest is the SHA-256 of their number and of the sums of their hashes; both sides had the same. Tables without rows are left out.",
	}}
}

func moveOutcome(state string) string {
	switch state {
	case "finalized", "retained", "switched", "finalizing":
		return "ok"
	case "rolled_back", "rolling_back":
		return "rolled back"
	case "cancelled", "failed":
		return state
	}
	return "no outcome"
}

func pauseBands() []string {
	return []string{"under 100 ms", "100 ms to 1 s", "1 s to 5 s", "5 s to 30 s", "over 30 s"}
}

func pauseBand(d time.Duration) string {
	for i, limit := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second} {
		if d < limit {
			return pauseBands()[i]
		}
	}
	return pauseBands()[4]
}

func pauseChart(counts map[string]int64) Chart {
	c := Chart{Title: "Moves by write pause", Lying: true, Series: []Series{{Tone: "accent"}}}
	for _, b := range pauseBands() {
		c.Labels, c.Series[0].Values = append(c.Labels, b), append(c.Series[0].Values, counts[b])
	}
	return c
}
