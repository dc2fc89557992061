package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"shardadmin/internal/fault"
)

// Line is one line of a jsonl export: the event as it is shown and, beside it,
// everything that its hashes are computed from.
type Line struct {
	Event
	Sealed LineSeal `json:"sealed"`
}

// LineSeal is what the hashes of a line are computed from.
type LineSeal struct {
	SealedUS   int64  `json:"sealed_us"`
	OccurredUS int64  `json:"occurred_us"`
	RecordedUS int64  `json:"recorded_us"`
	ClientAddr string `json:"client_addr"`
	AppName    string `json:"app_name"`
	Body       string `json:"body"`
	EventHash  string `json:"event_hash"`
	PrevHash   string `json:"prev_hash"`
}

// OmittedLine is a line that stands for an event which the filter left out: of
// it only what the chain's hashes are computed from.
type OmittedLine struct {
	Omitted *OmittedLink `json:"omitted"`
}

// OmittedLink is the link of an event that was left out.
type OmittedLink struct {
	Seq       int64  `json:"seq"`
	SealedUS  int64  `json:"sealed_us"`
	EventHash string `json:"event_hash"`
}

// PersonLine is a line that says who a ref is, before the first event of the file that
// bears it.
type PersonLine struct {
	Person *LinePerson `json:"person"`
}

// LinePerson is a person of a file. One who was erased has neither kind, salt nor value.
type LinePerson struct {
	Ref    string `json:"ref"`
	Kind   string `json:"kind,omitempty"`
	Salt   string `json:"salt,omitempty"` // hexadecimal
	Value  string `json:"value,omitempty"`
	Erased bool   `json:"erased,omitempty"`
}

// EventLines writes one line for each selected event as it is walked over, as
// the draft's format, csv or jsonl, has it.
func (d Draft) EventLines(w io.Writer) (Content, error) {
	switch d.Format {
	case JSONL:
		return &jsonLines{enc: lineEncoder(w), proof: d.Proof, named: map[string]bool{}}, nil
	case CSV:
		c := &csvLines{w: w, guard: d.CellsGuarded}
		return c, c.begin()
	}
	return nil, fault.Newf(fault.Usage, "use csv or jsonl", "there is no line of the format %q for an event", d.Format)
}

type jsonLines struct {
	enc   *json.Encoder
	proof bool
	named map[string]bool // refs that a line stands for
}

func (j *jsonLines) Entry(x Walked) error {
	switch s := x.Sealed; {
	case x.Selected:
		if err := j.persons(s); err != nil {
			return err
		}
		return j.enc.Encode(lineOf(s))
	case j.proof:
		return j.enc.Encode(OmittedLine{&OmittedLink{Seq: s.Seq, SealedUS: s.SealedUS, EventHash: hex.EncodeToString(s.EventHash)}})
	}
	return nil
}

func lineEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// lineOf is the line of an event.
func lineOf(s Sealed) Line {
	return Line{EventOf(s), LineSeal{
		SealedUS: s.SealedUS, OccurredUS: s.OccurredUS, RecordedUS: s.RecordedUS, ClientAddr: s.ClientAddr, AppName: s.AppName, Body: s.Body,
		EventHash: hex.EncodeToString(s.EventHash), PrevHash: hex.EncodeToString(s.PrevHash),
	}}
}

// persons writes a line for each person that no event before has named.
func (j *jsonLines) persons(s Sealed) error {
	if s.Persons == nil {
		return nil
	}
	var fresh []string
	eachRef(s.Body, func(ref string) {
		if !j.named[ref] {
			j.named[ref] = true
			fresh = append(fresh, ref)
		}
	})
	for _, ref := range fresh {
		l := &LinePerson{Ref: ref, Erased: true}
		if p, ok := s.Persons.Of(ref); ok {
			l = &LinePerson{Ref: ref, Kind: p.Kind, Salt: hex.EncodeToString(p.Salt), Value: p.Value}
		}
		if err := j.enc.Encode(PersonLine{l}); err != nil {
			return err
		}
	}
	return nil
}

// End implements Content.
func (*jsonLines) End(context.Context, Source, *Manifest) error { return nil }

type csvLines struct {
	w     io.Writer
	guard bool
	row   []byte
}

// columns are those of an export, in their order.
func columns() []string {
	return []string{
		"seq", "id", "at", "actor", "actor_role", "db_user", "action", "phase", "status", "tenant", "source", "target", "note", "move_id",
		"parent", "via", "hash", "body",
	}
}

func (c *csvLines) begin() error {
	for i, name := range columns() {
		c.cell(i, name)
	}
	return c.end()
}

func (c *csvLines) Entry(x Walked) error {
	if !x.Selected {
		return nil
	}
	// What the server wrote itself holds nothing that a cell has to hide.
	c.row = strconv.AppendInt(c.row, x.Seq, 10)
	e := HeadlineOf(x.Sealed)
	c.cell(1, e.ID)
	c.row = append(c.row, ',')
	c.row = e.At.AppendFormat(c.row, time.RFC3339Nano)
	for i, v := range [...]string{
		e.Actor, e.ActorRole, e.DBUser, e.Action, e.Phase, e.Status, e.Tenant, e.Source, e.Target, e.Note, e.MoveID, e.Parent, e.Via, e.Hash, x.Body,
	} {
		c.cell(i+3, v)
	}
	return c.end()
}

// cell appends a cell as encoding/csv writes it.
func (c *csvLines) cell(i int, v string) {
	if i > 0 {
		c.row = append(c.row, ',')
	}
	if c.guard {
		v = guarded(v)
	}
	switch first, _ := utf8.DecodeRuneInString(v); {
	case v == "":
		return
	case !unicode.IsSpace(first) && v != `\.` && !strings.ContainsAny(v, ",\"\r\n"):
		c.row = append(c.row, v...)
		return
	}
	c.row = append(c.row, '"')
	for {
		at := strings.IndexByte(v, '"')
		if at < 0 {
			break
		}
		c.row = append(append(c.row, v[:at]...), '"', '"')
		v = v[at+1:]
	}
	c.row = append(append(c.row, v...), '"')
}

func (c *csvLines) end() error {
	c.row = append(c.row, '\n')
	_, err := c.w.Write(c.row)
	c.row = c.row[:0]
	return err
}

func (c *csvLines) End(context.Context, Source, *Manifest) error { return nil }

// GuardCells keeps a spreadsheet from running a cell, or a line of it, as a
// formula.
func GuardCells(cells []string) {
	for i := range cells {
		cells[i] = guarded(cells[i])
	}
}

func guarded(cell string) string {
	if !strings.ContainsAny(cell, "=+-@\t\r") {
		return cell
	}
	lines := strings.Split(cell, "\n")
	for i, l := range lines {
		if t := strings.TrimLeft(l, " \u00a0"); t != "" && strings.ContainsRune("=+-@\t\r", rune(t[0])) {
			lines[i] = "'" + l
		}
	}
	return strings.Join(lines, "\n")
}
