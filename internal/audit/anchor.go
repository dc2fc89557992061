package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/policy"
)

// Anchor is where the trail in the control database begins: the entries up to
// Seq were archived and removed. Seq 0 with Genesis is a trail of which nothing
// was removed.
type Anchor struct {
	Seq  int64
	Hash []byte
	// EventID is the event of the chain that says so.
	EventID       string
	CutAt         time.Time
	ArchiveSHA256 string
}

// begins is the anchor of a trail that is whole.
func begins() Anchor { return Anchor{Hash: Genesis()} }

// cutting is what the event of a cut records.
type cutting struct {
	Through     int64  `json:"through"`
	ThroughHash string `json:"through_hash"`
	Archive     string `json:"archive_sha256"`
	// Keys are those that counted at the entry, whose own events are in the
	// archive now.
	Keys []Key `json:"keys"`
}

// cutOf reads what an event says of a cut; false for any other event.
func cutOf(text string) (cutting, bool) {
	var b struct {
		Action  string  `json:"action"`
		Phase   string  `json:"phase"`
		Status  string  `json:"status"`
		Details cutting `json:"details"`
	}
	if json.Unmarshal([]byte(text), &b) != nil || policy.Action(b.Action) != policy.AuditPurge || b.Phase != "outcome" || b.Status != "ok" {
		return cutting{}, false
	}
	return b.Details, true
}

// keys are those that counted, of the persons as they are called now.
func (c cutting) keys(p *Persons) []Key {
	for i := range c.Keys {
		c.Keys[i].Actor = p.Name(c.Keys[i].Actor)
	}
	return c.Keys
}

// Anchor returns where the trail begins.
func (r *Reader) Anchor(ctx context.Context) (Anchor, error) {
	a := begins()
	// A schema that was not upgraded yet has never been cut.
	var there bool
	if err := r.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, pgx.Identifier{r.trail.schema, "audit_anchor"}.Sanitize()).Scan(&there); err != nil || !there {
		return a, r.trail.fault(err)
	}
	err := r.tx.QueryRow(ctx, r.trail.sql(`SELECT seq, hash, event_id::text, cut_at, archive_sha256 FROM {{schema}}.audit_anchor ORDER BY seq DESC LIMIT 1`)).
		Scan(&a.Seq, &a.Hash, &a.EventID, &a.CutAt, &a.ArchiveSHA256)
	if errors.Is(err, pgx.ErrNoRows) {
		return begins(), nil
	}
	return a, r.trail.fault(err)
}

// begin returns a walk that begins where the trail does, and knows the keys
// whose events are in the archive. What the event of the cut says is only
// trusted as far as the walk then finds it in the chain: see cuts.
func (r *Reader) begin(ctx context.Context) (*Walk, Anchor, error) {
	a, err := r.Anchor(ctx)
	if err != nil {
		return NewWalk(0, Genesis()), a, err
	}
	w := NewWalk(a.Seq, a.Hash)
	if a.Seq == 0 {
		return w, a, nil
	}
	var text string
	err = r.tx.QueryRow(ctx, r.trail.sql(`SELECT body FROM {{schema}}.audit_event WHERE event_id = $1`), a.EventID).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return w, a, nil
	}
	if err != nil {
		return w, a, r.trail.fault(err)
	}
	p, err := r.Persons(ctx)
	if c, ok := cutOf(text); ok {
		w.keys = append(w.keys, c.keys(p)...)
	}
	return w, a, err
}

// cutAt files a beginning that no event of the walked chain stands for:
// somebody removed the entries before it without an archive.
func (w *Walk) cutAt(a Anchor) {
	if a.Seq == 0 {
		return
	}
	c, ok := w.cuts[a.EventID]
	switch {
	case !ok:
		w.Found(Finding{Seq: a.Seq + 1, Kind: "cut", EventID: a.EventID, Message: fmt.Sprintf("the trail begins after event %d, and no event says who archived what was before: it was cut off", a.Seq)})
	case c.Through != a.Seq || c.ThroughHash != hex.EncodeToString(a.Hash) || c.Archive != a.ArchiveSHA256:
		w.Found(Finding{Seq: a.Seq + 1, Kind: "cut", EventID: a.EventID, Message: fmt.Sprintf("the trail begins after event %d, and the event that archived its beginning speaks of event %d and another archive: where it begins was changed", a.Seq, c.Through)})
	}
}

// fits reports whether the anchor names an entry's hash.
func (a Anchor) fits(seq int64, hash []byte) bool { return a.Seq == seq && bytes.Equal(a.Hash, hash) }
