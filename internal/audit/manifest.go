package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/fault"
)

// Format is the form of a file.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl"
	XLSX  Format = "xlsx"
	HTML  Format = "html"
	PDF   Format = "pdf"
	OCSF  Format = "ocsf"
)

// Formats lists every format.
func Formats() []Format { return []Format{CSV, JSONL, XLSX, HTML, PDF, OCSF} }

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	f := Format(strings.ToLower(name))
	if slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fault.Newf(fault.Usage, "use csv, jsonl, xlsx, html, pdf or ocsf", "there is no format %q", name)
}

// Manifest says what a file holds, so that a reader can tell whether it is
// whole and unchanged. It lies beside the file as FILE.manifest.json.
type Manifest struct {
	File string `json:"file"`
	// Kind is what the file is about: events is what a filter selects, anything
	// else a kind of report.
	Kind   string `json:"kind"`
	Format Format `json:"format"`
	Fleet  string `json:"fleet"`
	Filter Filter `json:"filter"`
	Period Period `json:"period"`
	// Count is how many events the file is about, PeriodEvents how many of any
	// kind the trail has in the period.
	Count        int64  `json:"count"`
	PeriodEvents int64  `json:"period_events"`
	FirstSeq     int64  `json:"first_seq"`
	LastSeq      int64  `json:"last_seq"`
	FirstHash    string `json:"first_hash"`
	LastHash     string `json:"last_hash"`
	// Moves is how many moves the file lists, null where it lists none.
	Moves *int `json:"moves"`
	// Statement is what the first page says.
	Statement string `json:"statement"`
	// CopiedAt is when the computer's copy of the trail that the file was made of was last
	// brought up to date; null for a file of the trail itself.
	CopiedAt *time.Time `json:"copied_at"`
	SHA256   string     `json:"sha256"`
	Bytes    int64      `json:"bytes"`
	MadeAt   time.Time  `json:"made_at"`
	Program  string     `json:"program"`
	// ChainOK, ChainEvents, FirstBad and HeadHash say what the whole chain looked
	// like on the snapshot that the file was made from.
	ChainOK     bool   `json:"chain_ok"`
	ChainEvents int64  `json:"chain_events"`
	FirstBad    *int64 `json:"chain_first_bad"`
	HeadSeq     int64  `json:"head_seq"`
	HeadHash    string `json:"head_hash"`
	// Origin names the chain as signed texts do.
	Origin string `json:"origin"`
	// Chain says whether the file holds what the hashes of its events are
	// computed from.
	Chain bool `json:"chain"`
	// Contiguous is true where no number is missing between the first event and
	// the last; PrevHash is the hash that the first one follows.
	Contiguous bool   `json:"contiguous"`
	PrevHash   string `json:"prev_hash"`
	// BeginsAfter is the entry up to which the trail was archived and removed from
	// the database, and BeginsHash its hash; 0 and Genesis where it is whole.
	// Archived is true where events of the period may be among those, which are
	// counted nowhere here.
	BeginsAfter int64  `json:"begins_after"`
	BeginsHash  string `json:"begins_hash"`
	Archived    bool   `json:"archived"`
	// Omitted counts the links that stand for events which the filter left out,
	// in a file that proves how the selected ones lie in the chain.
	Omitted int64 `json:"omitted"`
	Proof   bool  `json:"proof"`
	// Checkpoint is the chain's end, signed; SignedBy is the public key that has
	// signed it and this manifest. Both are empty where nobody signed, and
	// SignedByReason says why.
	Checkpoint     string `json:"checkpoint"`
	SignedBy       string `json:"signed_by"`
	SignedByReason string `json:"signed_by_reason"`
	// CellsGuarded is true where cells that a spreadsheet would take for a
	// formula were given an apostrophe.
	CellsGuarded bool `json:"cells_guarded"`
}

// Period is the time that a file is about; an open end is null.
type Period struct {
	Since *time.Time `json:"since"`
	Until *time.Time `json:"until"` // not included
	// Zone is the one in which times are shown; stored ones are UTC.
	Zone string `json:"zone"`
}

// PeriodOf is the period of a filter, shown in a zone; nil is UTC.
func PeriodOf(f Filter, zone *time.Location) Period {
	if zone == nil {
		zone = time.UTC
	}
	p := Period{Zone: zone.String()}
	if !f.Since.IsZero() {
		p.Since = &f.Since
	}
	if !f.Until.IsZero() {
		p.Until = &f.Until
	}
	return p
}

// What lies beside an exported file.
const (
	manifestSuffix  = ".manifest.json"
	signatureSuffix = ".manifest.sig"
)

// Text is the manifest as it is stored and signed.
func (m Manifest) Text() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the manifest could not be written down", "")
	}
	return text.Bytes(), nil
}

// manifestText is what is signed of a manifest: the chain, what it is, and the
// SHA-256 of its bytes.
func manifestText(origin string, manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return origin + "\nmanifest sha256\n" + hex.EncodeToString(sum[:]) + "\n"
}
