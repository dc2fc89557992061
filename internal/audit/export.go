package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
	"shardadmin/internal/version"
)

// Format is the form of an export.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl"
)

// Manifest says what an export holds, so that a reader can tell whether it is
// whole and unchanged.
type Manifest struct {
	File      string    `json:"file"`
	Format    Format    `json:"format"`
	Fleet     string    `json:"fleet"`
	Filter    Filter    `json:"filter"`
	Count     int64     `json:"count"`
	FirstSeq  int64     `json:"first_seq"`
	LastSeq   int64     `json:"last_seq"`
	FirstHash string    `json:"first_hash"`
	LastHash  string    `json:"last_hash"`
	SHA256    string    `json:"sha256"`
	Bytes     int64     `json:"bytes"`
	MadeAt    time.Time `json:"made_at"`
	Program   string    `json:"program"`
	// ChainOK, ChainEvents and HeadHash say what the whole chain looked like
	// on the snapshot that the export was made from.
	ChainOK     bool   `json:"chain_ok"`
	ChainEvents int64  `json:"chain_events"`
	HeadSeq     int64  `json:"head_seq"`
	HeadHash    string `json:"head_hash"`
	// Origin names the chain as signed texts do.
	Origin string `json:"origin"`
	// Contiguous is true where no number is missing between the first event and
	// the last; PrevHash is the hash that the first one follows.
	Contiguous bool   `json:"contiguous"`
	PrevHash   string `json:"prev_hash"`
	// BeginsAfter is the entry up to which the trail was archived and removed from
	// the database, and BeginsHash its hash; 0 and Genesis where it is whole.
	BeginsAfter int64  `json:"begins_after"`
	BeginsHash  string `json:"begins_hash"`
	// Omitted counts the links that stand for events which the filter left out,
	// in a file that proves how the selected ones lie in the chain.
	Omitted int64 `json:"omitted"`
	Proof   bool  `json:"proof"`
	// Checkpoint is the chain's end, signed; SignedBy is the public key that has
	// signed it and this manifest. Both are empty where nobody signed.
	Checkpoint string `json:"checkpoint"`
	SignedBy   string `json:"signed_by"`
	// CellsGuarded is true where cells that a spreadsheet would take for a
	// formula were given an apostrophe.
	CellsGuarded bool `json:"cells_guarded"`
}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(strings.ToLower(name)); f {
	case CSV, JSONL:
		return f, nil
	}
	return "", fault.Newf(fault.Usage, "use csv or jsonl", "there is no export format %q", name)
}

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

// Evidence is what makes an export provable.
type Evidence struct {
	// Key signs the chain's end and the manifest; nil signs nothing.
	Key *SigningKey
	// Proof writes a line for every event that the filter leaves out, so that
	// the chain can be recomputed from its first entry to its last. Only lines
	// of JSON can hold it.
	Proof bool
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

// exportBatch bounds how many events are in memory at once.
const exportBatch = 1000

// Export writes the events that the filter selects to w, the oldest first, and
// returns the manifest. The chain is verified on the same snapshot. It records
// nothing; ExportFile does.
func (t *Trail) Export(ctx context.Context, w io.Writer, format Format, f Filter) (Manifest, error) {
	return t.export(ctx, w, format, f, Evidence{})
}

func (t *Trail) export(ctx context.Context, w io.Writer, format Format, f Filter, ev Evidence) (Manifest, error) {
	if _, err := ParseFormat(string(format)); err != nil {
		return Manifest{}, err
	}
	if ev.Proof && format != JSONL {
		return Manifest{}, fault.Newf(fault.Usage, "--format jsonl", "a file of the format %s cannot hold the proof", format)
	}
	key, err := t.Key(ctx)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{
		Format: format, Filter: f, MadeAt: time.Now().UTC().Truncate(time.Second), Program: version.Read().Version, CellsGuarded: format == CSV,
		Origin: Origin(key), Contiguous: true, Proof: ev.Proof,
	}
	out := &counter{w: w, h: sha256.New()}
	buffered := bufio.NewWriterSize(out, 1<<16)
	err = t.Read(ctx, func(r *Reader) error {
		walked, err := r.walk(ctx)
		if err != nil {
			return err
		}
		v := walked.Result()
		head, err := r.Head(ctx)
		if err != nil {
			return err
		}
		m.ChainOK, m.ChainEvents, m.HeadSeq, m.HeadHash = v.OK, v.Events, head.Seq, hex.EncodeToString(head.Hash)
		m.BeginsAfter, m.BeginsHash = walked.from, hex.EncodeToString(walked.start)
		if ev.Key != nil {
			c := Checkpoint{Origin: m.Origin, Seq: head.Seq, Hash: head.Hash, At: m.MadeAt}
			if m.Checkpoint, err = c.Sign(ev.Key); err != nil {
				return err
			}
			m.SignedBy = ev.Key.Public
		}
		enc, err := newEncoder(buffered, format)
		if err != nil {
			return err
		}
		lines, _ := enc.(jsonLines)
		last := walked.from
		omitted := func(before int64) error {
			if !ev.Proof || last+1 >= before {
				return nil
			}
			return r.links(ctx, last, before, func(l OmittedLink) error {
				m.Omitted++
				return lines.enc.Encode(OmittedLine{&l})
			})
		}
		err = r.each(ctx, f, func(s Sealed) error {
			if err := omitted(s.Seq); err != nil {
				return err
			}
			if m.Count == 0 {
				m.FirstSeq, m.FirstHash, m.PrevHash = s.Seq, hex.EncodeToString(s.Hash), hex.EncodeToString(s.PrevHash)
			} else if s.Seq != last+1 {
				m.Contiguous = false
			}
			m.Count++
			last = s.Seq
			m.LastSeq, m.LastHash = s.Seq, hex.EncodeToString(s.Hash)
			return enc.event(s)
		})
		if err != nil {
			return err
		}
		if err := omitted(head.Seq + 1); err != nil {
			return err
		}
		if err := enc.end(); err != nil {
			return err
		}
		return buffered.Flush()
	})
	m.SHA256, m.Bytes = hex.EncodeToString(out.h.Sum(nil)), out.n
	return m, err
}

// each calls f for the selected entries in order. With a limit it takes the
// newest ones, as List does.
func (r *Reader) each(ctx context.Context, f Filter, do func(Sealed) error) error {
	if f.Limit > 0 {
		newest, err := r.selected(ctx, f, "DESC", f.Limit)
		if err != nil {
			return err
		}
		for i := len(newest) - 1; i >= 0; i-- {
			if err := do(newest[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for after := int64(0); ; {
		batch, err := r.selectedAfter(ctx, f, after, exportBatch)
		if err != nil {
			return err
		}
		for _, s := range batch {
			if err := do(s); err != nil {
				return err
			}
			after = s.Seq
		}
		if len(batch) < exportBatch {
			return nil
		}
	}
}

type encoder interface {
	event(Sealed) error
	end() error
}

func newEncoder(w io.Writer, format Format) (encoder, error) {
	if format == JSONL {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return jsonLines{e}, nil
	}
	c := csv.NewWriter(w)
	return csvLines{c}, c.Write([]string{
		"seq", "id", "at", "actor", "actor_role", "db_user", "action", "phase", "status", "tenant", "source", "target", "note", "move_id",
		"parent", "via", "hash", "body",
	})
}

type jsonLines struct{ enc *json.Encoder }

func (j jsonLines) event(s Sealed) error {
	return j.enc.Encode(Line{EventOf(s), LineSeal{
		SealedUS: s.SealedUS, OccurredUS: s.OccurredUS, RecordedUS: s.RecordedUS, ClientAddr: s.ClientAddr, AppName: s.AppName, Body: s.Body,
		EventHash: hex.EncodeToString(s.EventHash), PrevHash: hex.EncodeToString(s.PrevHash),
	}})
}

func (j jsonLines) end() error { return nil }

type csvLines struct{ w *csv.Writer }

func (c csvLines) event(s Sealed) error {
	e := EventOf(s)
	cells := []string{
		strconv.FormatInt(e.Seq, 10), e.ID, e.At.Format(time.RFC3339Nano), e.Actor, e.ActorRole, e.DBUser, e.Action, e.Phase, e.Status,
		e.Tenant, e.Source, e.Target, e.Note, e.MoveID, e.Parent, e.Via, e.Hash, s.Body,
	}
	for i := range cells {
		cells[i] = guarded(cells[i])
	}
	return c.w.Write(cells)
}

func (c csvLines) end() error {
	c.w.Flush()
	return c.w.Error()
}

// guarded keeps a spreadsheet from running a cell, or a line of it, as a
// formula.
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

// ExportFile writes an export to path (mode 0600) and its manifest next to it
// as path.manifest.json, and records both intent and outcome in the trail.
// Files that are there already are replaced only when the new ones are whole.
func (t *Trail) ExportFile(ctx context.Context, p policy.Permit, path string, format Format, f Filter) (Manifest, error) {
	return t.ExportSigned(ctx, p, path, format, f, Evidence{})
}

// ExportSigned is ExportFile with evidence: with a key it also writes
// path.manifest.sig, a signed note over the manifest, and the checkpoint goes
// into the trail with the outcome.
func (t *Trail) ExportSigned(ctx context.Context, p policy.Permit, path string, format Format, f Filter, ev Evidence) (Manifest, error) {
	if _, err := ParseFormat(string(format)); err != nil {
		return Manifest{}, err
	}
	if ev.Key != nil {
		if err := t.Counts(ctx, ev.Key); err != nil {
			return Manifest{}, err
		}
	}
	open, err := t.Begin(ctx, p, Intent{Tenant: f.Tenant, Details: map[string]any{"format": string(format), "filter": f}})
	if err != nil {
		return Manifest{}, err
	}
	m, err := t.exportFile(ctx, p, path, format, f, ev)
	details := map[string]any{"events": m.Count, "first_seq": m.FirstSeq, "last_seq": m.LastSeq, "sha256": m.SHA256}
	if err == nil && m.Checkpoint != "" {
		details["checkpoint"] = m.Checkpoint
	}
	_, ferr := open.Finish(ctx, Outcome{Err: err, Details: details})
	if err == nil {
		err = ferr
	}
	return m, err
}

func (t *Trail) exportFile(ctx context.Context, p policy.Permit, path string, format Format, f Filter, ev Evidence) (Manifest, error) {
	var m Manifest
	err := replaceFile(path, func(w io.Writer) error {
		var err error
		m, err = t.export(ctx, w, format, f, ev)
		return err
	})
	if err != nil {
		return m, err
	}
	m.File, m.Fleet = filepath.Base(path), p.Fleet()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return m, fault.Wrap(err, fault.Internal, "the manifest could not be written down", "")
	}
	if err := replaceFile(path+manifestSuffix, func(w io.Writer) error {
		_, err := w.Write(text.Bytes())
		return err
	}); err != nil {
		return m, err
	}
	if ev.Key == nil {
		// A signature of an earlier export would not fit.
		if err := os.Remove(path + signatureSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return m, fileFault(err, path+signatureSuffix)
		}
		return m, nil
	}
	signed, err := ev.Key.sign(manifestText(m.Origin, text.Bytes()))
	if err != nil {
		return m, err
	}
	return m, replaceFile(path+signatureSuffix, func(w io.Writer) error {
		_, err := io.WriteString(w, signed)
		return err
	})
}

// What lies beside an exported file.
const (
	manifestSuffix  = ".manifest.json"
	signatureSuffix = ".manifest.sig"
)

// manifestText is what is signed of a manifest: the chain, what it is, and the
// SHA-256 of its bytes.
func manifestText(origin string, manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return origin + "\nmanifest sha256\n" + hex.EncodeToString(sum[:]) + "\n"
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
