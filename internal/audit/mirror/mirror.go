package mirror

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// Mirror is this computer's copy of one trail.
type Mirror struct {
	db    *sql.DB
	key   string
	marks string // the file that says how far copies go
	// batch bounds one transaction; a test makes it small.
	batch int
}

// New returns the copy of the trail with the key (audit.Trail.Key).
func New(s *store.Store, key string) *Mirror {
	return &Mirror{db: s.DB(), key: key, marks: filepath.Join(filepath.Dir(s.Path()), MarksFile), batch: copyBatch}
}

// copyBatch is how many entries one transaction copies.
const copyBatch = 1000

// insertRows is how many entries one statement copies. SQLite writes the index of words
// out at the end of each statement, and the many small parts that come of a statement
// for each entry cost three times as much to put together as all the rest; it binds at
// most 32,766 values.
const insertRows = 1000

// Result is what one sync did.
type Result struct {
	Pulled int64 `json:"pulled"`
	// Seq is the last entry that the copy holds now; Head is the server's.
	Seq  int64 `json:"seq"`
	Head int64 `json:"head"`
}

// The kinds of an alarm.
const (
	Rollback = "rollback" // the server's chain ends before the copy does
	Fork     = "fork"     // the server's chain differs from the copy
	Gap      = "gap"      // an entry is missing on the server
	Changed  = "changed"  // an entry does not fit its hash
	Deleted  = "deleted"  // the copy, or its mark, lost what it had: on this computer
	Altered  = "altered"  // the copy is not what was marked: on this computer
)

// Sync brings the copy up to the server's head. When the server's chain is no
// longer the copied one, or the copy no longer what was marked, it copies nothing,
// files an alarm and answers mirror_conflict, naming the entries and what to do.
func (m *Mirror) Sync(ctx context.Context, trail *audit.Trail) (Result, error) {
	var res Result
	chain, seq, hash, err := m.end(ctx)
	if err != nil {
		return res, err
	}
	res.Seq = seq
	err = trail.Read(ctx, func(r *audit.Reader) error {
		head, err := r.Head(ctx)
		if err != nil {
			return err
		}
		res.Head = head.Seq
		gone, err := m.lost(ctx)
		if err != nil {
			return err
		}
		if gone != nil {
			if err := gone.compared(ctx, r); err != nil {
				return err
			}
			return m.alarm(ctx, chain, gone.kind, gone.first, gone.last, gone.text)
		}
		anchor, err := r.Anchor(ctx)
		if err != nil {
			return err
		}
		if seq == 0 && anchor.Seq > 0 {
			if err := m.begin(ctx, chain, anchor); err != nil {
				return err
			}
			seq, hash = anchor.Seq, anchor.Hash
			res.Seq = seq
		}
		if seq < anchor.Seq {
			return fault.Newf(fault.MirrorBehindCut, "shard-admin audit sync --restart --note WHY keeps this copy and begins another where the trail begins; the archive has what lies between",
				"this computer's copy ends with event %d, and the trail in the control database begins after event %d: what lies between was archived and removed", seq, anchor.Seq)
		}
		if err := m.sameBeginning(ctx, chain, anchor, seq); err != nil {
			return err
		}
		if head.Seq < seq {
			return m.alarm(ctx, chain, Rollback, head.Seq+1, seq,
				fmt.Sprintf("the server's trail ends at event %d, this computer's copy at %d: events %d to %d were cut off on the server", head.Seq, seq, head.Seq+1, seq))
		}
		if seq > 0 {
			there, err := r.HashAt(ctx, seq)
			if err != nil {
				return err
			}
			if !bytes.Equal(there, hash) {
				return m.fork(ctx, r, chain, seq)
			}
		}
		if res.Seq < head.Seq {
			// Before the events: a copy that is cut short knows them all the same.
			if err := m.persons(ctx, r, chain, head.Seq, seq); err != nil {
				return err
			}
		}
		// The statement is long: where it comes again and again it is read once.
		var full *sql.Stmt
		if m.batch == insertRows && head.Seq-res.Seq > 2*insertRows {
			if full, err = m.db.PrepareContext(ctx, insertEntries(insertRows)); err != nil {
				return localFault(err)
			}
			defer func() { _ = full.Close() }()
		}
		for res.Seq < head.Seq {
			batch, err := r.After(ctx, res.Seq, m.batch)
			if err != nil {
				return err
			}
			if len(batch) == 0 {
				return m.alarm(ctx, chain, Gap, res.Seq+1, head.Seq, audit.Missing(res.Seq+1, head.Seq))
			}
			last := res.Seq
			for _, s := range batch {
				if found := s.Check(last, hash); len(found) > 0 {
					kind := Changed
					if found[0].Kind == "gap" {
						kind = Gap
					}
					return m.alarm(ctx, chain, kind, last+1, s.Seq, found[0].Message)
				}
				last, hash = s.Seq, s.Hash
			}
			if err := m.add(ctx, chain, full, batch); err != nil {
				return err
			}
			res.Pulled += int64(len(batch))
			res.Seq = last
		}
		return nil
	})
	if err == nil {
		err = m.raise(ctx, chain, res.Seq, hash)
	}
	if err == nil {
		err = m.wipe(ctx)
	}
	return res, err
}

// Rest reads what the copy does not have yet, in a transaction that takes the trail away.
// The function that it returns files that in the copy, once the transaction has ended.
func (m *Mirror) Rest(ctx context.Context, r *audit.Reader) (keep func(context.Context) error, err error) {
	chain, last, hash, err := m.end(ctx)
	if err != nil {
		return nil, err
	}
	head, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.persons(ctx, r, chain, head.Seq, last); err != nil {
		return nil, err
	}
	var rest []audit.Sealed
	for last < head.Seq {
		batch, err := r.After(ctx, last, m.batch)
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			return nil, m.alarm(ctx, chain, Gap, last+1, head.Seq, audit.Missing(last+1, head.Seq))
		}
		for _, s := range batch {
			if found := s.Check(last, hash); len(found) > 0 {
				return nil, m.alarm(ctx, chain, Changed, last+1, s.Seq, found[0].Message)
			}
			last, hash = s.Seq, s.Hash
		}
		rest = append(rest, batch...)
	}
	return func(ctx context.Context) error {
		if err := m.add(ctx, chain, nil, rest); err != nil {
			return err
		}
		return m.raise(ctx, chain, last, hash)
	}, nil
}

// end returns the end of the copy, and makes the chain's row at first use.
func (m *Mirror) end(ctx context.Context) (chain, seq int64, hash []byte, err error) {
	err = m.write(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT id FROM mirror_chain WHERE key = ? AND retired_at IS NULL`, m.key).Scan(&chain)
		if errors.Is(err, sql.ErrNoRows) {
			var made sql.Result
			if made, err = tx.ExecContext(ctx, `INSERT INTO mirror_chain (key, started_at) VALUES (?, ?)`, m.key, time.Now().UnixMicro()); err == nil {
				chain, err = made.LastInsertId()
			}
		}
		if err != nil {
			return err
		}
		seq, hash, err = endOf(ctx, tx, chain)
		return err
	})
	return chain, seq, hash, err
}

func endOf(ctx context.Context, tx *sql.Tx, chain int64) (seq int64, hash []byte, err error) {
	err = tx.QueryRowContext(ctx, `SELECT seq, hash FROM mirror_event WHERE chain = ? ORDER BY seq DESC LIMIT 1`, chain).Scan(&seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRowContext(ctx, `SELECT begins_after, begins_hash FROM mirror_chain WHERE id = ?`, chain).Scan(&seq, &hash)
	}
	if len(hash) == 0 {
		hash = audit.Genesis()
	}
	return seq, hash, err
}

// begin lets an empty copy begin where the trail in the database does.
func (m *Mirror) begin(ctx context.Context, chain int64, a audit.Anchor) error {
	return m.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE mirror_chain SET begins_after = ?, begins_hash = ? WHERE id = ? AND NOT EXISTS (SELECT 1 FROM mirror_event WHERE chain = mirror_chain.id)`, a.Seq, a.Hash, chain)
		return err
	})
}

// sameBeginning compares the hash after which the server says that its trail
// begins with the copied one.
func (m *Mirror) sameBeginning(ctx context.Context, chain int64, a audit.Anchor, end int64) error {
	if a.Seq == 0 {
		return nil
	}
	var mine []byte
	err := m.db.QueryRowContext(ctx, `SELECT hash FROM mirror_event WHERE chain = ? AND seq = ? UNION ALL SELECT begins_hash FROM mirror_chain WHERE id = ? AND begins_after = ?`,
		chain, a.Seq, chain, a.Seq).Scan(&mine)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the copy begins later
	}
	if err != nil {
		return localFault(err)
	}
	if bytes.Equal(mine, a.Hash) {
		return nil
	}
	return m.alarm(ctx, chain, Fork, a.Seq, end,
		fmt.Sprintf("the server's trail begins after an event %d that is not the one of this computer's copy: what came before was removed and rewritten on the server", a.Seq))
}

// add copies entries that follow each other; full may be the statement that inserts
// insertRows of them. Another process may have copied some in the meantime; the
// transaction is IMMEDIATE, so this is known before writing.
func (m *Mirror) add(ctx context.Context, chain int64, full *sql.Stmt, batch []audit.Sealed) error {
	return m.write(ctx, func(tx *sql.Tx) error {
		have, _, err := endOf(ctx, tx, chain)
		if err != nil {
			return err
		}
		rest := batch
		for len(rest) > 0 && rest[0].Seq <= have {
			rest = rest[1:]
		}
		for some := range slices.Chunk(rest, insertRows) {
			args := make([]any, 0, entryColumns*len(some))
			for _, s := range some {
				args = append(args, chain, s.Seq, s.EventID, s.OccurredUS, s.RecordedUS, s.SealedUS, s.DBUser, s.ClientAddr, s.AppName, s.Body, s.EventHash, s.PrevHash, s.Hash)
			}
			if full != nil && len(some) == insertRows {
				_, err = tx.StmtContext(ctx, full).ExecContext(ctx, args...)
			} else {
				_, err = tx.ExecContext(ctx, insertEntries(len(some)), args...)
			}
			if err != nil {
				return err
			}
			for _, s := range some {
				if err := erase(ctx, tx, audit.Erased(s.Body)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

const entryColumns = 13

// insertEntries is the statement that copies n entries.
func insertEntries(n int) string {
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	return `INSERT INTO mirror_event (chain, seq, event_id, occurred_us, recorded_us, sealed_us, db_user, client_addr,
		app_name, body, event_hash, prev_hash, hash) VALUES ` + row + strings.Repeat(`, `+row, n-1)
}

func (m *Mirror) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return localFault(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return localFault(err)
	}
	return localFault(tx.Commit())
}

// fork finds the first entry that differs.
func (m *Mirror) fork(ctx context.Context, r *audit.Reader, chain, end int64) error {
	first := end
	anchor, err := r.Anchor(ctx)
	if err != nil {
		return err
	}
	rows, err := m.db.QueryContext(ctx, `SELECT seq, hash FROM mirror_event WHERE chain = ? AND seq > ? ORDER BY seq`, chain, anchor.Seq)
	if err != nil {
		return localFault(err)
	}
	defer func() { _ = rows.Close() }()
	theirs := map[int64][]byte{}
	read := int64(0)
	for rows.Next() {
		var seq int64
		var hash []byte
		if err := rows.Scan(&seq, &hash); err != nil {
			return localFault(err)
		}
		if seq > read {
			clear(theirs)
			batch, err := r.After(ctx, seq-1, m.batch)
			if err != nil {
				return err
			}
			for _, s := range batch {
				theirs[s.Seq], read = s.Hash, s.Seq
			}
			read = max(read, seq)
		}
		if !bytes.Equal(theirs[seq], hash) {
			first = seq
			break
		}
	}
	if err := rows.Err(); err != nil {
		return localFault(err)
	}
	return m.alarm(ctx, chain, Fork, first, end,
		fmt.Sprintf("the server's trail differs from this computer's copy from event %d on (the copy ends at %d): events were rewritten on the server", first, end))
}

// ConflictHint is what to do about an alarm.
const ConflictHint = "treat the control database as tampered with: keep this computer's copy, compare it with the copies of other operators, run shard-admin audit verify; " +
	"after a restore from a backup that everybody knows of, audit sync --restart keeps the old copy and begins a new one"

// LocalHint is what to do about an alarm that is about this computer's own files.
const LocalHint = "treat this computer as tampered with: keep shard-admin.db and " + MarksFile + ", find out who can write them, compare the server's trail with the copies of other operators and with checkpoints that were kept elsewhere; " +
	"then audit sync --restart keeps what is left of the copy and begins a new one"

// Hint is what to do about an alarm of the kind.
func Hint(kind string) string {
	if kind == Deleted || kind == Altered {
		return LocalHint
	}
	return ConflictHint
}

// alarm files what was found, once for as long as it is the same, and returns it as
// mirror_conflict.
func (m *Mirror) alarm(ctx context.Context, chain int64, kind string, first, last int64, text string) error {
	err := m.write(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO mirror_alarm (chain, at, kind, first_seq, last_seq, message) SELECT ?1, ?2, ?3, ?4, ?5, ?6
			WHERE NOT EXISTS (SELECT 1 FROM mirror_alarm WHERE chain = ?1 AND kind = ?3 AND first_seq = ?4 AND id = (SELECT max(id) FROM mirror_alarm WHERE chain = ?1))`,
			chain, time.Now().UnixMicro(), kind, first, last, text)
		return err
	})
	if err != nil {
		return err
	}
	return fault.New(fault.MirrorConflict, text, Hint(kind))
}

// RestartReason refuses a new copy without a reason, of a demo fleet too.
func RestartReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return fault.New(fault.ReasonMissing, "a new copy needs a reason", `add --note "why"`)
	}
	return nil
}

// Restart keeps the copy as it is under its key with a reason, and lets the
// next sync begin a new one: after a restore or a new installation that
// everybody knows of.
func (m *Mirror) Restart(ctx context.Context, reason string) error {
	if err := RestartReason(reason); err != nil {
		return err
	}
	// Together, so that no sync begins a copy beside the mark of the old one; what ends
	// in between is told as a loss, and restarted again.
	return m.remark(ctx, func(tx *sql.Tx, all *marks) error {
		delete(all.Copies, m.key)
		_, err := tx.ExecContext(ctx, `UPDATE mirror_chain SET retired_at = ?, reason = ? WHERE key = ? AND retired_at IS NULL`, time.Now().UnixMicro(), reason, m.key)
		return err
	})
}

// Alarm is one disagreement that a sync has found.
type Alarm struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	FirstSeq int64     `json:"first_seq"`
	LastSeq  int64     `json:"last_seq"`
	Message  string    `json:"message"`
}

// Alarms returns the alarms of the present copy, the newest first: those that syncs
// have filed, and what the copy has lost since.
func (m *Mirror) Alarms(ctx context.Context) ([]Alarm, error) {
	rows, err := m.db.QueryContext(ctx, `SELECT a.at, a.kind, a.first_seq, a.last_seq, a.message FROM mirror_alarm a JOIN mirror_chain c ON c.id = a.chain
		WHERE c.key = ? AND c.retired_at IS NULL ORDER BY a.id DESC`, m.key)
	if err != nil {
		return nil, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	out := []Alarm{}
	for rows.Next() {
		var a Alarm
		var at int64
		if err := rows.Scan(&at, &a.Kind, &a.FirstSeq, &a.LastSeq, &a.Message); err != nil {
			return nil, localFault(err)
		}
		a.At = time.UnixMicro(at).UTC()
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, localFault(err)
	}
	gone, err := m.lost(ctx)
	if gone == nil || err != nil || len(out) > 0 && out[0].Kind == gone.kind && out[0].FirstSeq == gone.first {
		return out, err
	}
	return slices.Insert(out, 0, Alarm{At: time.Now().UTC(), Kind: gone.kind, FirstSeq: gone.first, LastSeq: gone.last, Message: gone.text}), nil
}

const sealedColumns = `e.seq, e.sealed_us, e.event_id, e.occurred_us, e.recorded_us, e.db_user, e.client_addr, e.app_name, e.body, e.event_hash, e.prev_hash, e.hash`

// Verify checks every hash of the copy itself and every signed checkpoint in
// it, and that it has what it was marked to have.
func (m *Mirror) Verify(ctx context.Context) (audit.Verification, error) {
	return m.VerifyFrom(ctx, "")
}

// VerifyFrom is Verify against a signed checkpoint that was kept elsewhere; empty asks
// for none. Where public keys are given they alone are trusted.
func (m *Mirror) VerifyFrom(ctx context.Context, checkpoint string, public ...string) (audit.Verification, error) {
	s, err := m.Snapshot(ctx)
	if err != nil {
		return audit.NewWalk(0, audit.Genesis()).Result(), err
	}
	w := audit.NewWalk(s.after, s.start)
	if err := w.Trust(public...); err != nil {
		return s.result(w), err
	}
	if err := s.walk(ctx, w, audit.Filter{}, nil); err != nil {
		return s.result(w), err
	}
	if checkpoint != "" {
		w.Against(checkpoint, public...)
	}
	return s.result(w), nil
}

// End returns the last entry of the copy with its hash, 0 when there is none.
func (m *Mirror) End(ctx context.Context) (seq int64, hash string, err error) {
	_, seq, h, err := m.end(ctx)
	return seq, hex.EncodeToString(h), err
}

func localFault(err error) error {
	if err == nil || fault.As(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if strings.Contains(err.Error(), "SQLITE_FULL") || strings.Contains(err.Error(), "disk is full") {
		return fault.Wrap(err, fault.DiskFull, "this computer's disk is full; the audit mirror was not changed", "make room, then shard-admin audit sync")
	}
	return fault.Wrap(err, fault.Internal, "the audit mirror on this computer cannot be used", "move shard-admin.db away; audit sync --restart makes the copy again, and other operators' copies remain")
}
