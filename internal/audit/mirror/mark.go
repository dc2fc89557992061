package mirror

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
)

// MarksFile is the file beside the SQLite file that says how far each copy went. Who
// has full access to the SQLite file can delete a copy's newest events, or write the
// whole copy anew with hashes that fit; what was marked before shows both.
const MarksFile = "audit-marks.json"

// mark is the last entry of a copy that a sync has brought up to date.
type mark struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
}

func (k mark) fits(hash []byte) bool { return k.Hash == hex.EncodeToString(hash) }

// marks is what the file holds.
type marks struct {
	Copies map[string]mark `json:"copies"` // by the key of the trail
	// Fleets are the keys by fleet and schema, as mirror_fleet has them.
	Fleets map[string]string `json:"fleets"`
}

// readMarks reads the file; one that is missing or was damaged marks nothing, which a
// copy that was marked tells apart from one that never was. One that is there and cannot
// be read says nothing about either.
func readMarks(path string) (marks, error) {
	none := marks{Copies: map[string]mark{}, Fleets: map[string]string{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fault.Wrapf(err, fault.FileUnreadable, "check that the file belongs to you; then shard-admin audit sync", "%s, which says how far this computer's copies of audit trails go, cannot be read", path)
	}
	m := marks{}
	if json.Unmarshal(text, &m) != nil || m.Copies == nil || m.Fleets == nil {
		return none, nil
	}
	return m, nil
}

func (m marks) clone() marks { return marks{maps.Clone(m.Copies), maps.Clone(m.Fleets)} }

func (m marks) equal(o marks) bool {
	return maps.Equal(m.Copies, o.Copies) && maps.Equal(m.Fleets, o.Fleets)
}

func (m marks) write(path string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), MarksFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Kept reports whether there is or was a file at path that copies are kept in.
func Kept(path string) bool {
	_, file := os.Stat(path)
	_, marked := os.Stat(filepath.Join(filepath.Dir(path), MarksFile))
	return file == nil || marked == nil
}

func fleetMark(fleet, schema string) string { return fleet + "/" + schema }

// remark changes the file. The lock of the SQLite file is held meanwhile, so that no
// other process does.
func (m *Mirror) remark(ctx context.Context, change func(*sql.Tx, *marks) error) error {
	return m.write(ctx, func(tx *sql.Tx) error {
		all, err := readMarks(m.marks)
		if err != nil {
			return err
		}
		before := all.clone()
		if err := change(tx, &all); err != nil {
			return err
		}
		if all.equal(before) {
			return nil
		}
		if err := all.write(m.marks); err != nil {
			return fault.Wrapf(err, fault.FileUnreadable, "make room, and check that the folder belongs to you; then shard-admin audit sync", "%s, which says how far this computer's copies of audit trails go, cannot be written", m.marks)
		}
		return nil
	})
}

// raise marks how far the copy goes now.
func (m *Mirror) raise(ctx context.Context, chain, seq int64, hash []byte) error {
	known, err := readMarks(m.marks)
	if err != nil {
		return err
	}
	if k, ok := known.Copies[m.key]; seq == 0 || ok && k.Seq >= seq {
		return nil
	}
	if err := m.settle(ctx, chain); err != nil {
		return err
	}
	return m.remark(ctx, func(tx *sql.Tx, all *marks) error {
		if all.Copies[m.key].Seq >= seq {
			return nil
		}
		done, err := tx.ExecContext(ctx, `UPDATE mirror_chain SET marked_to = max(marked_to, ?) WHERE id = ? AND retired_at IS NULL`, seq, chain)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); n == 0 || err != nil {
			return err // a restart came between: the mark would be another copy's
		}
		all.Copies[m.key] = mark{Seq: seq, Hash: hex.EncodeToString(hash), At: time.Now().UTC()}
		return nil
	})
}

// settle brings what was copied to the disk: a power cut may take the last transactions
// of a file that is written ahead, and a mark of what it took would cry wolf.
func (m *Mirror) settle(ctx context.Context, chain int64) error {
	c, err := m.db.Conn(ctx)
	if err != nil {
		return localFault(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, `PRAGMA synchronous = FULL`); err != nil {
		return localFault(err)
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous = NORMAL`) }()
	_, err = c.ExecContext(ctx, `UPDATE mirror_chain SET started_at = started_at WHERE id = ?`, chain)
	return localFault(err)
}

// loss is what the copy has no more, or otherwise than it was marked.
type loss struct {
	kind        string
	first, last int64
	text        string
	mark        mark
}

// lost compares the present copy with its mark; nil where it is as it was marked.
func (m *Mirror) lost(ctx context.Context) (*loss, error) {
	for {
		all, err := readMarks(m.marks)
		if err != nil {
			return nil, err
		}
		k, marked := all.Copies[m.key]
		found, err := m.against(ctx, k, marked)
		if found == nil || err != nil {
			return nil, err
		}
		// A restart may have come between the two looks.
		if all, err = readMarks(m.marks); err != nil {
			return nil, err
		}
		if again, still := all.Copies[m.key]; still == marked && again == k {
			return found, nil
		}
	}
}

func (m *Mirror) against(ctx context.Context, k mark, marked bool) (*loss, error) {
	var to, end int64
	var hash []byte
	err := m.db.QueryRowContext(ctx, `SELECT c.marked_to, coalesce((SELECT max(seq) FROM mirror_event WHERE chain = c.id), c.begins_after),
		coalesce((SELECT hash FROM mirror_event WHERE chain = c.id AND seq = ?2), CASE WHEN c.begins_after = ?2 THEN c.begins_hash END)
		FROM mirror_chain c WHERE c.key = ?1 AND c.retired_at IS NULL`, m.key, k.Seq).Scan(&to, &end, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, localFault(err)
	}
	if !marked {
		if to == 0 {
			return nil, nil
		}
		return &loss{kind: Deleted, first: to, last: to, text: fmt.Sprintf("%s said that this computer's copy goes to event %d, and says nothing of it any more: somebody removed or changed that file", MarksFile, to)}, nil
	}
	if end < k.Seq {
		return &loss{kind: Deleted, first: end + 1, last: k.Seq, mark: k, text: fmt.Sprintf("this computer's copy had %s on %s, and they are not there: they were deleted from shard-admin.db", between(end+1, k.Seq), k.At.Format("2006-01-02 15:04 MST"))}, nil
	}
	if len(hash) == 0 {
		return &loss{kind: Deleted, first: k.Seq, last: k.Seq, mark: k, text: fmt.Sprintf("this computer's copy had event %d on %s, and it is not there: it was deleted from shard-admin.db", k.Seq, k.At.Format("2006-01-02 15:04 MST"))}, nil
	}
	if !k.fits(hash) {
		return &loss{kind: Altered, first: k.Seq, last: end, mark: k, text: fmt.Sprintf("event %d of this computer's copy has not the hash that it had on %s: the copy was written anew in shard-admin.db, that event or one before it", k.Seq, k.At.Format("2006-01-02 15:04 MST"))}, nil
	}
	return nil, nil
}

func between(first, last int64) string {
	if first == last {
		return fmt.Sprintf("event %d", first)
	}
	return fmt.Sprintf("events %d to %d", first, last)
}

// compared says of a loss whether the server's trail has what was marked.
func (l *loss) compared(ctx context.Context, r *audit.Reader) error {
	if l.mark.Seq == 0 {
		return nil
	}
	there, err := r.HashAt(ctx, l.mark.Seq)
	if err != nil {
		return err
	}
	want, _ := hex.DecodeString(l.mark.Hash)
	if bytes.Equal(there, want) {
		l.text += fmt.Sprintf("; the server's trail has event %d as it was copied", l.mark.Seq)
	} else {
		l.text += fmt.Sprintf("; the server's trail has no event %d like that either", l.mark.Seq)
	}
	return nil
}
