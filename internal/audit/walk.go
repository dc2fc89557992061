package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shardadmin/internal/policy"
)

// Key is a public key that the chain itself says belongs to an operator.
type Key struct {
	// Public is the key in the form of signed notes: name+id+base64.
	Public string `json:"public"`
	Actor  string `json:"actor"`
	// EnrolledSeq and RevokedSeq are the events that say so; RevokedSeq is null
	// while the key is good.
	EnrolledSeq int64  `json:"enrolled_seq"`
	RevokedSeq  *int64 `json:"revoked_seq"`
}

// Walk follows a chain from entry to entry, whatever holds it, and gathers what
// is wrong. Beside the hashes it checks every signed checkpoint that an event
// carries: its key has to be enrolled by an earlier event and not revoked, and
// the entry that it names has to have the hash that it names.
type Walk struct {
	v      Verification
	from   int64
	start  []byte // the hash of from
	last   int64
	hash   []byte
	bad    bool
	hashes []byte // of each entry since from, one after the other
	keys   []Key
	given  []string           // the only keys that are trusted; none: those that the chain has enrolled
	cuts   map[string]cutting // what events say of archived beginnings, by event
	refs   map[string]int64   // the first event that bears each
	erased map[string]bool    // refs that events have erased
	sparse bool               // events were left out and nothing stands for them
}

// NewWalk begins at an anchor: the entry seq, which has that hash, is taken for
// granted. Genesis and 0 begin at the beginning.
func NewWalk(seq int64, hash []byte) *Walk {
	return &Walk{v: Verification{Findings: []Finding{}, Keys: []Key{}, Unproven: []string{}}, from: seq, start: hash, last: seq, hash: hash, cuts: map[string]cutting{}, refs: map[string]int64{}, erased: map[string]bool{}}
}

// Trust lets the given keys alone count, whatever the chain says of others; with none,
// the chain's own count. Who owns the database can enrol a key of theirs and sign every
// checkpoint anew: only somebody who knows the keys from elsewhere sees that.
// What is no public key is an error.
func (w *Walk) Trust(public ...string) error {
	for _, one := range public {
		if err := PublicKey(one); err != nil {
			return err
		}
	}
	w.given = public
	known := w.keys // those of an archived beginning
	w.keys = nil
	for _, k := range known {
		w.enrolled(k.EnrolledSeq, "", k)
	}
	return nil
}

// Found files what else is wrong.
func (w *Walk) Found(list ...Finding) {
	for _, f := range list {
		w.bad = true
		if f.Seq > 0 && (w.v.FirstBad == nil || f.Seq < *w.v.FirstBad) {
			w.v.FirstBad = &f.Seq
		}
		if len(w.v.Findings) < mostFindings {
			w.v.Findings = append(w.v.Findings, f)
		}
	}
}

// unproven says in words what cannot be shown.
func (w *Walk) unproven(text string) { w.v.Unproven = append(w.v.Unproven, text) }

// partly is true where events are not there to be read, so that a key or an
// entry may be among them.
func (w *Walk) partly() bool { return w.from > 0 || w.sparse || w.v.Omitted > 0 }

// Event takes the next entry.
func (w *Walk) Event(s Sealed) {
	w.Found(s.Check(w.last, w.hash)...)
	w.step(s)
	w.v.Events++
	w.said(s)
}

// Omitted takes the next entry of which only the link is known: its event was
// left out by a filter.
func (w *Walk) Omitted(seq, sealedUS int64, eventHash []byte) {
	s := Sealed{Seq: seq, SealedUS: sealedUS, EventHash: eventHash, PrevHash: w.hash}
	if seq != w.last+1 {
		w.Found(Finding{Seq: seq, Kind: "gap", Message: Missing(w.last+1, seq-1)})
	}
	s.Hash = s.WantHash()
	w.step(s)
	w.v.Omitted++
}

// step goes on from what is stored, so that one change does not make every
// later entry look wrong.
func (w *Walk) step(s Sealed) {
	if w.last == w.from && len(w.hashes) == 0 {
		w.v.FirstSeq = s.Seq
	}
	for n := w.last + 1; n < s.Seq && n-w.last < 1000; n++ {
		w.hashes = append(w.hashes, Genesis()...)
	}
	w.last, w.hash = s.Seq, s.Hash
	if n := s.Seq - w.from - 1; n >= 0 && n*int64(len(Genesis())) == int64(len(w.hashes)) && len(s.Hash) == len(Genesis()) {
		w.hashes = append(w.hashes, s.Hash...)
	}
}

// At returns the hash of an entry that was walked over, nil for another.
func (w *Walk) At(seq int64) []byte {
	size := int64(len(Genesis()))
	n := (seq - w.from - 1) * size
	if seq <= w.from || n+size > int64(len(w.hashes)) {
		return nil
	}
	return w.hashes[n : n+size]
}

// End returns the last entry.
func (w *Walk) End() (int64, []byte) { return w.last, w.hash }

// Keys returns the public keys that the events walked over speak of.
func (w *Walk) Keys() []Key { return w.keys }

// good returns the keys that are enrolled and not revoked, and of given ones those that
// are not revoked.
func (w *Walk) good() []string {
	var out []string
	if len(w.given) > 0 {
		for _, public := range w.given {
			if !slices.ContainsFunc(w.keys, func(k Key) bool { return k.Public == public && k.RevokedSeq != nil }) ||
				slices.ContainsFunc(w.keys, func(k Key) bool { return k.Public == public && k.RevokedSeq == nil }) {
				out = append(out, public)
			}
		}
		return out
	}
	for _, k := range w.keys {
		if k.RevokedSeq == nil {
			out = append(out, k.Public)
		}
	}
	return out
}

// said reads what an event says about persons, keys and checkpoints. Most say nothing,
// and are not parsed.
func (w *Walk) said(s Sealed) {
	w.persons(s)
	key, point := strings.Contains(s.Body, `"audit.key.`), strings.Contains(s.Body, `"checkpoint":"`+originPrefix)
	if strings.Contains(s.Body, `"`+string(policy.AuditPurge)+`"`) {
		if c, ok := cutOf(s.Body); ok {
			w.cuts[s.EventID] = c
			w.archived(s, c.keys(s.Persons))
		}
	}
	if !key && !point {
		return
	}
	var b body
	if json.Unmarshal([]byte(s.Body), &b) != nil || b.Phase != "outcome" || b.Status != "ok" {
		return
	}
	if public, ok := b.Details["key"].(string); ok {
		switch policy.Action(b.Action) {
		case policy.AuditKeyEnroll:
			w.enrolled(s.Seq, s.EventID, Key{Public: public, Actor: s.Persons.Name(b.Actor), EnrolledSeq: s.Seq})
		case policy.AuditKeyRevoke:
			for i := range w.keys {
				if w.keys[i].Public == public && w.keys[i].RevokedSeq == nil {
					w.keys[i].RevokedSeq = &s.Seq
				}
			}
		}
	}
	if msg, ok := b.Details["checkpoint"].(string); ok {
		w.checkpoint(s, msg)
	}
}

// persons notes the refs that an event bears, and those that it has erased.
func (w *Walk) persons(s Sealed) {
	eachRef(s.Body, func(ref string) {
		if _, seen := w.refs[ref]; !seen {
			w.refs[ref] = s.Seq
		}
	})
	for _, ref := range Erased(s.Body) {
		w.erased[ref] = true
	}
}

// archived files keys whose own events are in an archive and not walked over.
func (w *Walk) archived(s Sealed, keys []Key) {
	for _, k := range keys {
		if !slices.ContainsFunc(w.keys, func(have Key) bool { return have.Public == k.Public && have.EnrolledSeq == k.EnrolledSeq }) {
			w.enrolled(s.Seq, s.EventID, k)
		}
	}
}

// enrolled files a key that the event seq speaks of.
func (w *Walk) enrolled(seq int64, event string, k Key) {
	w.keys = append(w.keys, k)
	if len(w.given) > 0 && !slices.Contains(w.given, k.Public) {
		w.Found(Finding{Seq: seq, Kind: "key", EventID: event, Message: "event " + strconv.FormatInt(seq, 10) + " enrolls a key that is not among those that were given: it was put in, or whoever verifies has to be given it too"})
	}
}

func (w *Walk) checkpoint(s Sealed, msg string) {
	n := strconv.FormatInt(s.Seq, 10)
	add := func(kind, text string) {
		w.Found(Finding{Seq: s.Seq, Kind: kind, EventID: s.EventID, Message: text})
	}
	c, _, err := OpenCheckpoint(msg, w.good()...)
	if err != nil && len(w.given) > 0 && errors.Is(err, errOtherKey) {
		add("key", "the checkpoint in event "+n+" is signed by no key that was given and not revoked")
		return
	}
	if err != nil {
		if w.partly() && errors.Is(err, errOtherKey) {
			w.v.Unchecked++ // its key may be enrolled by an event that is not here
			return
		}
		add("checkpoint_signature", "the checkpoint in event "+n+" does not verify: "+err.Error()+"; no enrolled key has signed it")
		return
	}
	there := w.At(c.Seq)
	switch {
	case c.Seq <= w.from, there == nil && w.sparse:
		w.v.Unchecked++
		return
	case c.Seq >= s.Seq || there == nil:
		add("checkpoint", fmt.Sprintf("the checkpoint in event %s speaks of event %d, which is not there before it", n, c.Seq))
		return
	case !bytes.Equal(there, c.Hash):
		add("checkpoint", fmt.Sprintf("event %d does not have the hash that the checkpoint in event %s was signed over: the chain was rewritten up to there", c.Seq, n))
		return
	}
	w.v.Checkpoints++
	w.v.LastCheckpoint = &c.Seq
}

// Against compares the walked chain with a checkpoint that was kept apart, and
// files what does not fit. public are keys that are trusted from elsewhere;
// with none, the keys that the chain has enrolled are.
func (w *Walk) Against(msg string, public ...string) {
	c, err := ParseCheckpoint(msg)
	if err != nil {
		w.Found(Finding{Kind: "checkpoint", Message: "what was given is no checkpoint"})
		return
	}
	if len(public) == 0 {
		for _, k := range w.keys {
			public = append(public, k.Public)
		}
	}
	if len(public) == 0 {
		w.unproven("no event here enrolls a key, so the checkpoint's signature was not checked: give the key with --key")
	} else if _, _, err := OpenCheckpoint(msg, public...); err != nil {
		w.Found(Finding{Seq: c.Seq, Kind: "checkpoint_signature", Message: "the checkpoint of event " + strconv.FormatInt(c.Seq, 10) + " does not verify: " + err.Error()})
		return
	}
	w.fits(c)
}

func (w *Walk) fits(c Checkpoint) {
	if c.Seq == 0 {
		return
	}
	there := w.At(c.Seq)
	if c.Seq == w.from {
		there = w.start
	}
	switch {
	case there == nil && w.sparse, c.Seq < w.from:
		w.Found(Finding{Seq: c.Seq, Kind: "checkpoint", Message: fmt.Sprintf("event %d, of which the checkpoint speaks, is not here: export without a filter, or with --proof", c.Seq)})
	case c.Seq > w.last:
		w.Found(Finding{Seq: w.last + 1, Kind: "rollback", Message: fmt.Sprintf("the chain ends at event %d and the checkpoint of %s has seen event %d: the tail was cut", w.last, c.At.Format("2006-01-02 15:04 MST"), c.Seq)})
	case there != nil && !bytes.Equal(there, c.Hash):
		w.Found(Finding{Seq: c.Seq, Kind: "fork", Message: fmt.Sprintf("event %d has not the hash that the checkpoint of %s has seen: the chain was rewritten", c.Seq, c.At.Format("2006-01-02 15:04 MST"))})
	case there == nil:
		w.Found(Finding{Seq: c.Seq, Kind: "gap", Message: Missing(c.Seq, c.Seq)})
	}
}

// Result returns what was found.
func (w *Walk) Result() Verification {
	w.v.OK = !w.bad
	w.v.Keys = append([]Key{}, w.keys...)
	w.v.LastSeq, w.v.LastHash = w.last, hex.EncodeToString(w.hash)
	return w.v
}
