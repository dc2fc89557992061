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
	// ArchivedTo is the entry up to which the trail was archived and removed
	// from the control database, 0 where it is whole.
	ArchivedTo int64 `json:"archived_to"`
	// FirstSeq and LastSeq are the entries walked over; LastHash is the end's.
	FirstSeq int64  `json:"first_seq"`
	LastSeq  int64  `json:"last_seq"`
	LastHash string `json:"last_hash"`
	// Omitted counts entries whose event was left out by a filter.
	Omitted int64 `json:"omitted"`
	// Checkpoints counts signed checkpoints that fit; LastCheckpoint is the
	// newest entry that one speaks of. Unchecked counts those that speak of what
	// lies before the beginning.
	Checkpoints    int64  `json:"checkpoints"`
	Unchecked      int64  `json:"checkpoints_unchecked"`
	LastCheckpoint *int64 `json:"last_checkpoint"`
	Keys           []Key  `json:"keys"`
	// Unproven says in words what could not be shown.
	Unproven []string `json:"unproven"`
}

// mostFindings bounds a report: a chain that was rewritten has one for each
// entry.
const mostFindings = 200

// Verify reads the whole chain on one snapshot and computes every hash here,
// because whoever can change an event can change a function in the database.
// A chain that does not verify is a result, not an error.
func (t *Trail) Verify(ctx context.Context) (Verification, error) {
	return t.VerifyFrom(ctx, "")
}

// VerifyFrom is Verify against a signed checkpoint that was kept elsewhere; empty asks
// for none. Where public keys are given they alone are trusted.
func (t *Trail) VerifyFrom(ctx context.Context, checkpoint string, public ...string) (Verification, error) {
	var v Verification
	err := t.Read(ctx, func(r *Reader) error {
		w, err := r.walk(ctx, Filter{}, nil, public...)
		if err != nil {
			return err
		}
		if checkpoint != "" {
			w.Against(checkpoint, public...)
		}
		v = w.Result()
		return nil
	})
	return v, err
}

// walk follows the whole chain and hands each entry, once it was looked at, to
// seen, with what the filter says of it. public are the only keys to trust, none for
// those of the trail.
func (r *Reader) walk(ctx context.Context, f Filter, seen func(Walked) error, public ...string) (*Walk, error) {
	w, anchor, err := r.begin(ctx)
	if err != nil {
		return w, err
	}
	if err := w.Trust(public...); err != nil {
		return w, err
	}
	if err := r.stream(ctx, f, func(x Walked) error {
		w.Event(x.Sealed)
		if seen == nil {
			return nil
		}
		return seen(x)
	}); err != nil {
		return w, err
	}
	if p, err := r.Persons(ctx); err != nil {
		return w, err
	} else if p != nil {
		w.CheckPersons(p, true)
	}
	w.v.ArchivedTo = anchor.Seq
	w.cutAt(anchor)
	head, err := r.Head(ctx)
	if err != nil {
		return w, err
	}
	w.v.Head = head.Seq
	if last, hash := w.End(); head.Seq != last || !bytes.Equal(head.Hash, hash) {
		w.Found(Finding{Seq: min(head.Seq, last) + 1, Kind: "head", Message: fmt.Sprintf("the head stands at event %d and the last entry is %d: the tail was cut, or the head was changed", head.Seq, last)})
	}
	loose, err := r.Unsealed(ctx)
	if err != nil {
		return w, err
	}
	for _, id := range loose {
		w.Found(Finding{Kind: "unsealed", EventID: id, Message: "event " + id + " is in no seal: it was added while the triggers were off, or its seal was deleted"})
	}
	off, err := r.unguarded(ctx)
	if err != nil {
		return w, err
	}
	for _, name := range off {
		w.Found(Finding{Kind: "unguarded", Message: "the trigger " + name + " is missing or switched off"})
	}
	return w, nil
}
