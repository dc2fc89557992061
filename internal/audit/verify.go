package audit

import (
	"bytes"
	"context"
	"fmt"
)

// Finding is one thing that is wrong with the chain.
type Finding struct {
	Seq     int64  `json:"seq"`
	Kind    string `json:"kind"`
	EventID string `json:"event_id"`
	Message string `json:"message"`
}

// Verification is what Verify found.
type Verification struct {
	OK     bool  `json:"ok"`
	Events int64 `json:"events"`
	// FirstBad is the number of the first entry that does not verify.
	FirstBad *int64    `json:"first_bad"`
	Findings []Finding `json:"findings"`
	Head     int64     `json:"head"`
}

// mostFindings bounds a report: a chain that was rewritten has one for each
// entry.
const mostFindings = 200

// Verify reads the whole chain on one snapshot and computes every hash here,
// because whoever can change an event can change a function in the database.
// A chain that does not verify is a result, not an error.
func (t *Trail) Verify(ctx context.Context) (Verification, error) {
	var v Verification
	err := t.Read(ctx, func(r *Reader) error {
		var err error
		v, err = r.verify(ctx)
		return err
	})
	return v, err
}

func (r *Reader) verify(ctx context.Context) (Verification, error) {
	v := Verification{Findings: []Finding{}}
	add := func(list ...Finding) {
		for _, f := range list {
			if f.Seq > 0 && (v.FirstBad == nil || f.Seq < *v.FirstBad) {
				v.FirstBad = &f.Seq
			}
			if len(v.Findings) < mostFindings {
				v.Findings = append(v.Findings, f)
			}
		}
	}
	last, hash, bad := int64(0), Genesis(), false
	for {
		batch, err := r.After(ctx, last, 2000)
		if err != nil {
			return v, err
		}
		for _, s := range batch {
			found := s.Check(last, hash)
			bad = bad || len(found) > 0
			add(found...)
			// Going on from what is stored keeps one change from making
			// every later entry look wrong.
			last, hash = s.Seq, s.Hash
			v.Events++
		}
		if len(batch) < 2000 {
			break
		}
	}
	head, err := r.Head(ctx)
	if err != nil {
		return v, err
	}
	v.Head = head.Seq
	if head.Seq != last || !bytes.Equal(head.Hash, hash) {
		bad = true
		add(Finding{Seq: min(head.Seq, last) + 1, Kind: "head", Message: fmt.Sprintf("the head stands at event %d and the last entry is %d: the tail was cut, or the head was changed", head.Seq, last)})
	}
	loose, err := r.Unsealed(ctx)
	if err != nil {
		return v, err
	}
	for _, id := range loose {
		bad = true
		add(Finding{Kind: "unsealed", EventID: id, Message: "event " + id + " is in no seal: it was added while the triggers were off, or its seal was deleted"})
	}
	off, err := r.unguarded(ctx)
	if err != nil {
		return v, err
	}
	for _, name := range off {
		bad = true
		add(Finding{Kind: "unguarded", Message: "the trigger " + name + " is missing or switched off"})
	}
	v.OK = !bad
	return v, nil
}
