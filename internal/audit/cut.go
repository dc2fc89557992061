package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

// Cut is what a purge has removed from the control database.
type Cut struct {
	// Through is the last entry that was removed, and Events how many were.
	Through int64
	Events  int64
	EventID string
	SHA256  string
}

// Purge removes the entries that an archive holds from the control database, and
// says so in an event of the same transaction: both are there, or neither. The
// archive is verified to the last hash and compared with the trail first. Only
// the owner of the schema may do it.
func (t *Trail) Purge(ctx context.Context, p policy.Permit, path string) (Cut, error) {
	keys, err := t.Keys(ctx)
	if err != nil {
		return Cut{}, err
	}
	m, err := t.archive(ctx, path, keys)
	if err != nil {
		return Cut{}, err
	}
	v, err := t.Verify(ctx)
	if err != nil {
		return Cut{}, err
	}
	if !v.OK {
		return Cut{}, fault.New(fault.AuditTampered, "the trail does not verify, so nothing is removed from it", "shard-admin audit verify says what is wrong")
	}
	c := cutting{Through: m.LastSeq, ThroughHash: m.LastHash, Archive: m.SHA256, Keys: []Key{}}
	for _, k := range keys {
		if k.EnrolledSeq <= m.LastSeq && (k.RevokedSeq == nil || *k.RevokedSeq > m.LastSeq) {
			k.RevokedSeq = nil // as it was at that entry
			c.Keys = append(c.Keys, k)
		}
	}
	d, err := t.compose(p, Record{Details: map[string]any{
		"through": c.Through, "through_hash": c.ThroughHash, "archive_sha256": c.Archive, "keys": c.Keys, "events": m.Count, "file": m.File,
	}}, "")
	if err != nil {
		return Cut{}, err
	}
	pool, err := t.control.Pool(ctx)
	if err != nil {
		return Cut{}, err
	}
	hash, err := hex.DecodeString(c.ThroughHash)
	if err != nil {
		return Cut{}, fault.Wrap(err, fault.Internal, "the archive's last hash is none", "")
	}
	out := Cut{Through: c.Through, EventID: d.id, SHA256: c.Archive}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, t.sql(`SELECT {{schema}}.audit_cut($1, $2, $3, $4)`), c.Through, hash, d.id, c.Archive).Scan(&out.Events); err != nil {
			return err
		}
		return t.insert(ctx, tx, d)
	})
	if err = notInstalled(t.fault(err)); fault.CodeOf(err) == fault.RightMissing {
		return Cut{}, fault.Wrap(err, fault.RightMissing, "only the owner of the schema "+t.schema+" may remove events from the trail; nothing was removed",
			"let the credential \"control\" log in as the role that has installed the schema (shard-admin fleet credential set control), or as one of its members")
	}
	if err != nil {
		return Cut{}, err
	}
	return out, nil
}

// archive verifies that a file is one, made of this trail, and that it goes on
// where the trail begins.
func (t *Trail) archive(ctx context.Context, path string, keys []Key) (*Manifest, error) {
	trusted := []string{}
	for _, k := range keys {
		if k.RevokedSeq == nil {
			trusted = append(trusted, k.Public)
		}
	}
	if len(trusted) == 0 {
		return nil, fault.New(fault.KeyNotEnrolled, "no signing key is enrolled, so no archive is signed", "shard-admin audit key enroll, then shard-admin audit archive writes one")
	}
	v, err := VerifyFile(ctx, path, FileOptions{Public: trusted})
	if err != nil {
		return nil, err
	}
	if !v.OK {
		why := []string{}
		for _, f := range v.Findings[:min(3, len(v.Findings))] {
			why = append(why, f.Message)
		}
		return nil, fault.Newf(fault.AuditTampered, "shard-admin audit verify --file "+path+" says all of it; write another archive", "the archive does not verify, so nothing is removed: %s", strings.Join(why, "; "))
	}
	refuse := func(format string, args ...any) (*Manifest, error) {
		return nil, fault.Newf(fault.NotAnArchive, "shard-admin audit archive --until TIME -o FILE writes one", "nothing was removed: "+format, args...)
	}
	m := v.manifest
	key, err := t.Key(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case m == nil || !v.Chain || v.SignedBy == "":
		return refuse("%s is not a signed jsonl export with its manifest", path)
	case m.Origin != Origin(key):
		return refuse("%s was made of another trail than the one in this control database", path)
	case !m.Contiguous || m.Proof || m.Count == 0 || m.Count != m.LastSeq-m.FirstSeq+1:
		return refuse("%s does not hold every event from its first to its last", path)
	}
	err = t.Read(ctx, func(r *Reader) error {
		a, err := r.Anchor(ctx)
		if err != nil {
			return err
		}
		if prev, _ := hex.DecodeString(m.PrevHash); !a.fits(m.FirstSeq-1, prev) {
			_, err := refuse("%s begins with event %d and the trail with event %d", path, m.FirstSeq, a.Seq+1)
			return err
		}
		there, err := r.HashAt(ctx, m.LastSeq)
		if err != nil {
			return err
		}
		if last, _ := hex.DecodeString(m.LastHash); there == nil || !bytes.Equal(there, last) {
			return fault.New(fault.AuditTampered, fmt.Sprintf("event %d of the trail is not the one that the archive ends with, so nothing is removed", m.LastSeq), "shard-admin audit verify says what is wrong")
		}
		return nil
	})
	return m, err
}
