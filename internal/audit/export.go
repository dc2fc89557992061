package audit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
	"shardadmin/internal/version"
)

// Evidence is what makes an export provable.
type Evidence struct {
	// Key signs the chain's end and the manifest; nil signs nothing, and Unsigned
	// says why.
	Key      *SigningKey
	Unsigned string
	// Proof writes a line for every event that the filter leaves out, so that
	// the chain can be recomputed from its first entry to its last. Only lines
	// of JSON can hold it.
	Proof bool
}

// Draft is a file that is to be made of a trail.
type Draft struct {
	// Kind is what the file is about; "" is events.
	Kind   string
	Format Format
	Filter Filter
	// Fleet is whose trail it is.
	Fleet string
	// Zone is where times are shown; nil is UTC.
	Zone *time.Location
	// At is when the file is made; zero is now.
	At time.Time
	// Copied is when the computer's copy that the file is made of was last brought up to
	// date; zero is a file of the trail itself.
	Copied time.Time
	// Moves is how many moves the file lists, nil where it lists none.
	Moves *int
	// CellsGuarded keeps a spreadsheet from running a cell of a CSV file.
	CellsGuarded bool
	// Chain says that the content holds what the hashes of events are computed
	// from, as lines of JSON do.
	Chain bool
	// Details stand in the intent and in the outcome besides.
	Details map[string]any
	// Deliver hands on what was written to path and beside it, before the outcome is
	// recorded: what was not delivered has failed. Nil keeps it there.
	Deliver func(ctx context.Context, path string, m Manifest) error
	// Content begins to write; nil is EventLines.
	Content func(io.Writer) (Content, error)
	Evidence
}

// Content writes what a file holds.
type Content interface {
	// Entry takes the next entry of the chain, selected or not.
	Entry(Walked) error
	// End writes the rest. The manifest says all but what the file's bytes are;
	// End may still set its statement.
	End(ctx context.Context, src Source, m *Manifest) error
}

type counter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}

func (d Draft) check() error {
	if _, err := ParseFormat(string(d.Format)); err != nil {
		return err
	}
	if d.Proof && !d.Chain {
		return fault.Newf(fault.Usage, "--format jsonl, of events", "a file of the format %s cannot hold the proof", d.Format)
	}
	return nil
}

// EventFile is a draft of the events that a filter selects, a line for each.
func EventFile(format Format, f Filter, ev Evidence) Draft {
	return Draft{Format: format, Filter: f, Chain: format == JSONL, CellsGuarded: format == CSV, Evidence: ev}
}

// Write makes a file of one snapshot, on which the whole chain is verified, and
// returns its manifest. It records nothing; File does.
func (t *Trail) Write(ctx context.Context, w io.Writer, d Draft) (Manifest, error) {
	if err := d.check(); err != nil {
		return Manifest{}, err
	}
	key, err := t.Key(ctx)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	err = t.Read(ctx, func(r *Reader) error {
		var err error
		m, err = d.Make(ctx, r, Origin(key), w)
		return err
	})
	return m, err
}

// Make is Write from a snapshot that is there.
func (d Draft) Make(ctx context.Context, src Source, origin string, w io.Writer) (Manifest, error) {
	at := d.At
	if at.IsZero() {
		at = time.Now()
	}
	m := Manifest{
		Kind: d.Kind, Format: d.Format, Fleet: d.Fleet, Filter: d.Filter, Period: PeriodOf(d.Filter, d.Zone), Moves: d.Moves,
		MadeAt: at.UTC().Truncate(time.Second), Program: version.Read().Version, CellsGuarded: d.CellsGuarded,
		Origin: origin, Chain: d.Chain, Contiguous: true, Proof: d.Proof, SignedByReason: d.Unsigned,
	}
	if m.Kind == "" {
		m.Kind = "events"
	}
	if !d.Copied.IsZero() {
		at := d.Copied.UTC().Truncate(time.Second)
		m.CopiedAt = &at
	}
	head, err := src.Head(ctx)
	if err != nil {
		return m, err
	}
	m.HeadSeq, m.HeadHash = head.Seq, hex.EncodeToString(head.Hash)
	anchor, err := src.Anchor(ctx)
	if err != nil {
		return m, err
	}
	m.BeginsAfter, m.BeginsHash = anchor.Seq, hex.EncodeToString(anchor.Hash)
	switch {
	case d.Key != nil:
		if m.Checkpoint, err = (Checkpoint{Origin: origin, Seq: head.Seq, Hash: head.Hash, At: m.MadeAt}).Sign(d.Key); err != nil {
			return m, err
		}
		m.SignedBy, m.SignedByReason = d.Key.Public, ""
	case m.SignedByReason == "":
		m.SignedByReason = "no key was given to sign with"
	}
	out := &counter{w: w, h: sha256.New()}
	buffered := bufio.NewWriterSize(out, 1<<16)
	begin := d.Content
	if begin == nil {
		begin = d.EventLines
	}
	content, err := begin(buffered)
	if err != nil {
		return m, err
	}
	v, err := src.Survey(ctx, d.Filter, func(x Walked) error {
		m.saw(x)
		return content.Entry(x)
	})
	if err != nil {
		return m, err
	}
	m.ChainOK, m.ChainEvents, m.FirstBad = v.OK, v.Events, v.FirstBad
	if err := content.End(ctx, src, &m); err != nil {
		return m, err
	}
	if err := buffered.Flush(); err != nil {
		return m, err
	}
	m.SHA256, m.Bytes = hex.EncodeToString(out.h.Sum(nil)), out.n
	return m, nil
}

// saw counts an entry.
func (m *Manifest) saw(x Walked) {
	if x.Seq == m.BeginsAfter+1 && m.BeginsAfter > 0 {
		// What was before was recorded before, give or take who committed first.
		m.Archived = m.Period.Since == nil || m.Period.Since.Before(time.UnixMicro(x.RecordedUS).Add(time.Minute))
	}
	if x.InPeriod {
		m.PeriodEvents++
	}
	if !x.Selected {
		if m.Proof {
			m.Omitted++
		}
		return
	}
	if m.Count == 0 {
		m.FirstSeq, m.FirstHash, m.PrevHash = x.Seq, hex.EncodeToString(x.Hash), hex.EncodeToString(x.PrevHash)
	} else if x.Seq != m.LastSeq+1 {
		m.Contiguous = false
	}
	m.Count++
	m.LastSeq, m.LastHash = x.Seq, hex.EncodeToString(x.Hash)
}

// File writes a file to path (mode 0600) and its manifest next to it as
// path.manifest.json, and records both intent and outcome in the trail. With a
// key it also writes path.manifest.sig, a signed note over the manifest, and
// the checkpoint goes into the trail with the outcome. Files that are there
// already are replaced only when the new ones are whole.
func (t *Trail) File(ctx context.Context, p policy.Permit, path string, d Draft) (Manifest, error) {
	if err := d.check(); err != nil {
		return Manifest{}, err
	}
	if d.Key != nil {
		if err := t.Counts(ctx, d.Key); err != nil {
			return Manifest{}, err
		}
	}
	d.Fleet = p.Fleet()
	details := map[string]any{"format": string(d.Format), "filter": d.Filter}
	if d.Kind != "" && d.Kind != "events" {
		details["report"] = d.Kind
	}
	maps.Copy(details, d.Details)
	open, err := t.Begin(ctx, p, Intent{Tenant: d.Filter.Tenant, Details: details})
	if err != nil {
		return Manifest{}, err
	}
	m, err := t.file(ctx, path, d)
	if err == nil && d.Deliver != nil {
		err = d.Deliver(ctx, path, m)
	}
	details = map[string]any{"events": m.Count, "first_seq": m.FirstSeq, "last_seq": m.LastSeq, "sha256": m.SHA256}
	maps.Copy(details, d.Details)
	if err == nil && m.Checkpoint != "" {
		details["checkpoint"] = m.Checkpoint
	}
	_, ferr := open.Finish(ctx, Outcome{Err: err, Details: details})
	if err == nil {
		err = ferr
	}
	return m, err
}

// Delivered returns the end of the newest period of which a file was delivered under
// the name of a schedule; zero where none ever was. Where no event says so and the
// trail's beginning was archived, it is the time at which the trail now begins: what
// was due before may have been delivered, and nothing is delivered twice.
func (t *Trail) Delivered(ctx context.Context, schedule string) (time.Time, error) {
	var text string
	var begins time.Time
	err := t.Read(ctx, func(r *Reader) error {
		a, err := r.Anchor(ctx)
		if err != nil {
			return err
		}
		if a.Seq > 0 {
			if err := r.tx.QueryRow(ctx, t.sql(`SELECT coalesce(min(sealed_at), now()) FROM {{schema}}.audit_link WHERE seq = $1`), a.Seq+1).Scan(&begins); err != nil {
				return err
			}
		}
		return r.tx.QueryRow(ctx, t.sql(`SELECT coalesce(max(body_json -> 'details' ->> 'until'), '') FROM {{schema}}.audit_event
			WHERE body_json ->> 'action' = $1 AND body_json ->> 'phase' = 'outcome' AND body_json ->> 'status' = 'ok'
			AND body_json -> 'details' ->> 'schedule' = $2`), string(policy.AuditExport), schedule).Scan(&text)
	})
	if err != nil || text == "" {
		return begins, err
	}
	until, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return until, fault.Wrapf(err, fault.Internal, "", "the trail has %q as the end of a scheduled report", text)
	}
	return until, nil
}

// Scheduled are the details of a file that was made for a period of a schedule.
func Scheduled(schedule string, until time.Time) map[string]any {
	return map[string]any{"schedule": schedule, "until": until.UTC().Format(time.RFC3339)}
}

func (t *Trail) file(ctx context.Context, path string, d Draft) (Manifest, error) {
	return d.save(path, func(w io.Writer) (Manifest, error) { return t.Write(ctx, w, d) })
}

// FileOf writes a file of a source to path and what lies beside it, as Trail.File does,
// where no database can record it. record is given the manifest before the file takes its
// place: what cannot be recorded leaves what was there.
func (d Draft) FileOf(ctx context.Context, src Source, origin, path string, record func(Manifest) error) (Manifest, error) {
	if err := d.check(); err != nil {
		return Manifest{}, err
	}
	return d.save(path, func(w io.Writer) (Manifest, error) {
		m, err := d.Make(ctx, src, origin, w)
		if err != nil {
			return m, err
		}
		return m, record(m)
	})
}

// save writes a file with its manifest, and the manifest's signature where there is a key.
func (d Draft) save(path string, write func(io.Writer) (Manifest, error)) (Manifest, error) {
	var m Manifest
	err := replaceFile(path, func(w io.Writer) error {
		var err error
		m, err = write(w)
		return err
	})
	if err != nil {
		return m, err
	}
	m.File = filepath.Base(path)
	text, err := m.Text()
	if err != nil {
		return m, err
	}
	if err := replaceFile(path+manifestSuffix, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return m, err
	}
	if d.Key == nil {
		// A signature of an earlier export would not fit.
		if err := os.Remove(path + signatureSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return m, fileFault(err, path+signatureSuffix)
		}
		return m, nil
	}
	signed, err := d.Key.sign(manifestText(m.Origin, text))
	if err != nil {
		return m, err
	}
	return m, replaceFile(path+signatureSuffix, func(w io.Writer) error {
		_, err := io.WriteString(w, signed)
		return err
	})
}

// replaceFile writes beside the path and renames when all of it is on disk.
func replaceFile(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fileFault(err, path)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if err := write(tmp); err != nil {
		_ = tmp.Close()
		return fileFault(err, path)
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return fileFault(err, path)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fileFault(err, path)
	}
	return nil
}

func fileFault(err error, path string) error {
	if f := fault.As(err); f != nil {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "the disk of %s is full", path)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrapf(err, fault.Usage, "choose a folder that exists and that you may write to", "%s cannot be written", path)
}
