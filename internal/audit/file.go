package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"shardadmin/internal/fault"
)

// FileOptions is what somebody who verifies a file knows from elsewhere.
type FileOptions struct {
	// Checkpoint is a signed checkpoint that the chain in the file has to fit.
	Checkpoint string
	// Public are the only keys that are trusted. With none, a key counts that an
	// event in the file enrolls.
	Public []string
}

// FileVerification is what verifying an exported file found.
type FileVerification struct {
	Verification
	File string `json:"file"`
	// Chain says whether the file holds what the hashes are computed from.
	Chain bool `json:"chain"`
	// Manifest says whether one lies beside the file.
	Manifest bool `json:"manifest"`
	// SignedBy is the key whose signature over the manifest fits, "" for none.
	// Trust says why it counts: given (by whoever verifies), enrolled (by an
	// event in the file) or claimed (by the manifest alone: ask its owner).
	SignedBy string `json:"signed_by"`
	Trust    string `json:"trust"`
	// manifest is what lies beside the file, nil without one.
	manifest *Manifest
}

// The reasons for which a signing key counts.
const (
	TrustGiven    = "given"
	TrustEnrolled = "enrolled"
	TrustClaimed  = "claimed"
)

// longestLine bounds one event; none is nearly that long.
const longestLine = 64 << 20

// VerifyFile verifies an exported file with nothing but the file and what lies
// beside it: no database, no keychain, no fleet. It reads the file once, from
// front to end. What does not verify is a result, not an error; an error means
// that the file could not be read.
func VerifyFile(ctx context.Context, path string, o FileOptions) (FileVerification, error) {
	out := FileVerification{File: path, Verification: NewWalk(0, Genesis()).Result()}
	manifest, err := sidecar(path + manifestSuffix)
	if err != nil {
		return out, err
	}
	signature, err := sidecar(path + signatureSuffix)
	if err != nil {
		return out, err
	}
	file, err := os.Open(path)
	if err != nil {
		return out, unreadable(err, path)
	}
	defer func() { _ = file.Close() }()

	var m *Manifest
	w := NewWalk(0, Genesis())
	if manifest != nil {
		out.Manifest, m = true, &Manifest{}
		if err := json.Unmarshal(manifest, m); err != nil {
			w.Found(Finding{Kind: "manifest", Message: "the manifest is no longer JSON as an export writes it: it was changed or cut"})
			m = nil
		} else if m.Proof && m.BeginsAfter > 0 {
			hash, _ := hex.DecodeString(m.BeginsHash)
			w = NewWalk(m.BeginsAfter, hash)
		}
	}
	if err := w.Trust(o.Public...); err != nil {
		return out, err
	}
	// What a file is whose manifest cannot be read nobody knows.
	lines := manifest == nil || m != nil && m.Chain
	persons := NewPersons()
	persons.gone = map[string]bool{}
	out.Chain = lines
	digest := sha256.New()
	in := &counter{w: io.Discard, h: digest}
	source := io.TeeReader(file, in)
	if !lines {
		if _, err := io.Copy(io.Discard, readerOf(ctx, source)); err != nil {
			return out, unreadable(err, path)
		}
		if m != nil {
			w.unproven("this " + string(m.Format) + " file does not hold what the hashes of its events are computed from; only the file as a whole was compared with its manifest")
		}
	} else {
		start := m != nil && !m.Proof && m.Count > 0
		w, err = walkLines(ctx, source, path, m, start, w, persons)
		if err != nil {
			return out, err
		}
		// An event that the file does not have may have erased somebody.
		w.CheckPersons(persons, m != nil && m.LastSeq == m.HeadSeq && m.Contiguous && !m.Proof)
	}
	if m != nil {
		facts(w, m, lines, hex.EncodeToString(digest.Sum(nil)), in.n)
	} else if lines {
		w.unproven("without its manifest the file cannot show that nothing was cut off its end")
	}
	out.sign(w, m, manifest, signature, o)
	if o.Checkpoint != "" {
		if lines {
			w.Against(o.Checkpoint, o.Public...)
		} else {
			w.Found(Finding{Kind: "checkpoint", Message: "the file holds no chain that a checkpoint could be compared with: verify a jsonl export"})
		}
	}
	out.Verification, out.manifest = w.Result(), m
	return out, nil
}

// walkLines follows the chain through the file. Where a filter left events out
// without proof, each event stands for itself.
func walkLines(ctx context.Context, source io.Reader, path string, m *Manifest, start bool, w *Walk, persons *Persons) (*Walk, error) {
	in := bufio.NewReaderSize(source, 1<<20)
	l := lines{path: path, manifest: m, start: start, whole: m == nil || m.Proof || m.Contiguous, walk: w, persons: persons}
	for n := 1; ; n++ {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long := bytes.Clone(text)
			for errors.Is(err, bufio.ErrBufferFull) && len(long) <= longestLine {
				text, err = in.ReadSlice('\n')
				long = append(long, text...)
			}
			text = long
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end && !errors.Is(err, bufio.ErrBufferFull) {
			return l.walk, unreadable(err, path)
		}
		if len(text) > longestLine {
			return l.walk, fault.Newf(fault.FileUnreadable, "give a file that audit export --format jsonl has written", "line %d of %s is longer than any event", n, path)
		}
		if person := bytes.HasPrefix(text, []byte(`{"person":`)); person {
			// What comes before is read without the person.
			if err := l.take(ctx); err != nil {
				return l.walk, err
			}
			if problem := persons.line(text); problem != "" {
				l.walk.Found(Finding{Seq: l.walk.last + 1, Kind: "line", Message: "line " + strconv.Itoa(n) + ": " + problem})
			}
		} else if len(text) > 0 {
			l.add(n, text)
		}
		if end || l.full() {
			if err := l.take(ctx); err != nil || end {
				return l.walk, err
			}
		}
	}
}

// lines are some that were read and not yet looked at. What is in them is read by all
// processors at once, and then followed in their order.
type lines struct {
	path         string
	manifest     *Manifest
	start, whole bool
	walk         *Walk
	persons      *Persons
	text         []byte // of all of them
	waiting      []fileLine
}

// fileLine is a line with what readLine says of it.
type fileLine struct {
	n, from, to int
	s           Sealed
	link        *OmittedLink
	problem     string
}

func (l *lines) add(n int, text []byte) {
	l.waiting = append(l.waiting, fileLine{n: n, from: len(l.text), to: len(l.text) + len(text)})
	l.text = append(l.text, text...)
}

func (l *lines) full() bool { return len(l.waiting) >= 1000 || len(l.text) >= 4<<20 }

func (l *lines) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var all sync.WaitGroup
	for part := range slices.Chunk(l.waiting, max(1, (len(l.waiting)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))) {
		all.Go(func() {
			for i := range part {
				x := &part[i]
				x.s, x.link, x.problem = readLine(l.text[x.from:x.to], l.persons)
			}
		})
	}
	all.Wait()
	for i := range l.waiting {
		if err := l.follow(&l.waiting[i]); err != nil {
			return err
		}
	}
	clear(l.waiting)
	l.waiting, l.text = l.waiting[:0], l.text[:0]
	return nil
}

func (l *lines) follow(x *fileLine) error {
	w, s := l.walk, x.s
	switch {
	case x.problem != "" && x.n == 1 && l.manifest == nil:
		return fault.Newf(fault.FileUnreadable, "give a file that audit export has written; any format but jsonl needs its manifest beside it", "%s is no exported jsonl file: %s", l.path, x.problem)
	case x.problem != "" && s.Seq == 0:
		w.Found(Finding{Seq: w.last + 1, Kind: "line", Message: "line " + strconv.Itoa(x.n) + ": " + x.problem})
	case x.link != nil:
		hash, _ := hex.DecodeString(x.link.EventHash)
		w.Omitted(x.link.Seq, x.link.SealedUS, hash)
	default:
		if x.problem != "" {
			w.Found(Finding{Seq: s.Seq, Kind: "line", EventID: s.EventID, Message: "line " + strconv.Itoa(x.n) + ", event " + strconv.FormatInt(s.Seq, 10) + ": " + x.problem})
		}
		if l.start {
			// The manifest says where the file begins; facts compares it.
			w, l.start = w.startingAt(s), false
			l.walk = w
		}
		if l.whole {
			w.Event(s)
			break
		}
		w.alone(s)
	}
	return nil
}

// line takes the person of a line.
func (p *Persons) line(text []byte) (problem string) {
	var l PersonLine
	if err := json.Unmarshal(text, &l); err != nil || l.Person == nil || !IsRef(l.Person.Ref) {
		return "it is no longer a line that an export writes"
	}
	salt, err := hex.DecodeString(l.Person.Salt)
	_, named := p.refs[l.Person.Ref]
	switch {
	case named || p.gone[l.Person.Ref]:
		return "it names " + l.Person.Ref + " a second time"
	case err != nil:
		return "the salt in it is not hexadecimal"
	case !l.Person.Erased:
		p.refs[l.Person.Ref] = Person{l.Person.Ref, l.Person.Kind, l.Person.Value, salt}
	case l.Person.Value != "" || len(salt) > 0:
		return "it says that the person was erased, and who that was"
	default:
		p.gone[l.Person.Ref] = true
	}
	return ""
}

// startingAt is the walk with another beginning; what was found stays.
func (w *Walk) startingAt(s Sealed) *Walk {
	next := NewWalk(s.Seq-1, s.PrevHash)
	next.v.Unproven = w.v.Unproven
	next.Found(w.v.Findings...)
	next.given = w.given
	next.refs, next.erased = w.refs, w.erased
	return next
}

// alone takes an event that need not follow the last one.
func (w *Walk) alone(s Sealed) {
	if s.Seq <= w.last {
		w.Found(Finding{Seq: s.Seq, Kind: "order", EventID: s.EventID, Message: fmt.Sprintf("event %d stands after event %d: the order was changed", s.Seq, w.last)})
	}
	if s.Seq == w.last+1 {
		w.Event(s)
		return
	}
	w.sparse = true
	w.Found(s.Check(s.Seq-1, s.PrevHash)...)
	if w.v.Events == 0 {
		w.v.FirstSeq = s.Seq
	}
	w.last, w.hash = s.Seq, s.Hash
	w.v.Events++
	w.persons(s)
}

// readLine reads a line: an event, or the link of one that was left out. The
// problem is what is wrong with it, in words.
func readLine(text []byte, persons *Persons) (s Sealed, link *OmittedLink, problem string) {
	if bytes.HasPrefix(text, []byte(`{"omitted":`)) {
		var o OmittedLine
		if err := json.Unmarshal(text, &o); err != nil || o.Omitted == nil || o.Omitted.Seq < 1 {
			return s, nil, "it is no longer a line that an export writes"
		}
		return s, o.Omitted, ""
	}
	if s, ok := asWritten(text, persons); ok {
		return s, nil, ""
	}
	var l Line
	if err := json.Unmarshal(text, &l); err != nil || l.Seq < 1 {
		return s, nil, "it is no longer a line that an export writes"
	}
	var errs [3]error
	s = Sealed{
		Seq: l.Seq, SealedUS: l.Sealed.SealedUS, EventID: l.ID, OccurredUS: l.Sealed.OccurredUS, RecordedUS: l.Sealed.RecordedUS,
		DBUser: l.DBUser, ClientAddr: l.Sealed.ClientAddr, AppName: l.Sealed.AppName, Body: l.Sealed.Body, Persons: persons,
	}
	s.EventHash, errs[0] = hex.DecodeString(l.Sealed.EventHash)
	s.PrevHash, errs[1] = hex.DecodeString(l.Sealed.PrevHash)
	s.Hash, errs[2] = hex.DecodeString(l.Hash)
	if errors.Join(errs[:]...) != nil {
		return s, nil, "a hash in it is not hexadecimal"
	}
	// What is shown has to be what is sealed.
	shown, err1 := json.Marshal(l.Event)
	sealed, err2 := json.Marshal(EventOf(s))
	if err1 != nil || err2 != nil || !bytes.Equal(shown, sealed) {
		return s, nil, "what it shows is not what was sealed: a field beside the sealed text was changed"
	}
	return s, nil, ""
}

// asWritten reads a line that is to the byte what an export writes of the sealed text in
// it, as every line is that nobody has touched: what it shows need not be parsed then. Of
// any other it says nothing.
func asWritten(text []byte, persons *Persons) (Sealed, bool) {
	const sealed = `,"sealed":`
	at := bytes.LastIndex(text, []byte(sealed+`{"sealed_us":`))
	if at < 0 || !bytes.HasSuffix(text, []byte("}}\n")) {
		return Sealed{}, false
	}
	var l LineSeal
	if json.Unmarshal(text[at+len(sealed):len(text)-2], &l) != nil {
		return Sealed{}, false
	}
	// A value that is written otherwise makes another line below.
	value := func(key, end string) string {
		_, rest, _ := bytes.Cut(text[:at], []byte(`"`+key+`":`))
		v, _, _ := bytes.Cut(rest, []byte(end))
		return string(bytes.TrimPrefix(v, []byte(`"`)))
	}
	seq, _ := strconv.ParseInt(value("seq", ","), 10, 64)
	s := Sealed{
		Seq: seq, SealedUS: l.SealedUS, EventID: value("id", `",`), OccurredUS: l.OccurredUS, RecordedUS: l.RecordedUS,
		DBUser: value("db_user", `",`), ClientAddr: l.ClientAddr, AppName: l.AppName, Body: l.Body, Persons: persons,
	}
	var errs [3]error
	s.EventHash, errs[0] = hex.DecodeString(l.EventHash)
	s.PrevHash, errs[1] = hex.DecodeString(l.PrevHash)
	s.Hash, errs[2] = hex.DecodeString(value("hash", `",`))
	if seq < 1 || errors.Join(errs[:]...) != nil {
		return Sealed{}, false
	}
	again, _ := writers.Get().(*lineWriter)
	defer writers.Put(again)
	again.text.Reset()
	if again.json.Encode(lineOf(s)) != nil || !bytes.Equal(again.text.Bytes(), text) {
		return Sealed{}, false
	}
	return s, true
}

type lineWriter struct {
	text bytes.Buffer
	json *json.Encoder
}

var writers = sync.Pool{New: func() any {
	w := &lineWriter{}
	w.json = lineEncoder(&w.text)
	return w
}}

// facts compares the manifest with what was read.
func facts(w *Walk, m *Manifest, lines bool, digest string, size int64) {
	differ := func(what string, says, is any) {
		w.Found(Finding{Kind: "manifest", Message: fmt.Sprintf("the manifest says %s %v and the file has %v: one of them was changed", what, says, is)})
	}
	if m.SHA256 != digest {
		differ("SHA-256", m.SHA256, digest)
	}
	if m.Bytes != size {
		differ("bytes", m.Bytes, size)
	}
	if m.Checkpoint != "" {
		c, err := ParseCheckpoint(m.Checkpoint)
		if err != nil {
			w.Found(Finding{Kind: "manifest", Message: "the manifest's checkpoint is none"})
		} else {
			if c.Seq != m.HeadSeq || hex.EncodeToString(c.Hash) != m.HeadHash || c.Origin != m.Origin {
				w.Found(Finding{Kind: "manifest", Message: "the manifest speaks of another end of the chain than its signed checkpoint"})
			}
		}
	}
	if !m.ChainOK {
		w.Found(Finding{Kind: "chain", Message: "the manifest says that the chain in the database did not verify when the file was written"})
	}
	if !lines {
		return
	}
	v := w.Result()
	if v.Events != m.Count {
		differ("events", m.Count, v.Events)
	}
	if v.Omitted != m.Omitted {
		differ("omitted events", m.Omitted, v.Omitted)
	}
	if m.Proof {
		if v.LastSeq != m.HeadSeq || v.LastHash != m.HeadHash {
			differ("end of the chain", strconv.FormatInt(m.HeadSeq, 10)+" "+m.HeadHash, strconv.FormatInt(v.LastSeq, 10)+" "+v.LastHash)
		}
		return
	}
	if m.Count == 0 {
		return
	}
	if v.FirstSeq != m.FirstSeq {
		differ("first event", m.FirstSeq, v.FirstSeq)
	}
	if v.LastSeq != m.LastSeq || v.LastHash != m.LastHash {
		differ("last event", strconv.FormatInt(m.LastSeq, 10)+" "+m.LastHash, strconv.FormatInt(v.LastSeq, 10)+" "+v.LastHash)
	}
	if m.FirstSeq == 1 && m.PrevHash != hex.EncodeToString(Genesis()) {
		differ("that the first event follows", m.PrevHash, hex.EncodeToString(Genesis()))
	}
	if m.Contiguous && m.FirstSeq > 1 && hex.EncodeToString(w.start) != m.PrevHash {
		differ("that the first event follows", m.PrevHash, hex.EncodeToString(w.start))
	}
	if m.LastSeq == m.HeadSeq && m.LastHash != m.HeadHash {
		differ("head", m.HeadHash, m.LastHash)
	}
}

// sign checks the signatures of the manifest and of its checkpoint.
func (out *FileVerification) sign(w *Walk, m *Manifest, manifest, signature []byte, o FileOptions) {
	if m == nil {
		if signature != nil && manifest == nil {
			w.Found(Finding{Kind: "manifest_missing", Message: "a signature lies beside the file and the manifest that it signs does not"})
		}
		return
	}
	if m.SignedBy == "" && signature == nil {
		if len(o.Public) > 0 {
			w.Found(Finding{Kind: "unsigned", Message: "the manifest is not signed, and a key was given that should have signed it"})
		}
		w.unproven("nobody has signed the manifest: whoever changed the file and the manifest together would not be seen")
		return
	}
	if signature == nil {
		w.Found(Finding{Kind: "unsigned", Message: "the manifest says that it is signed, and " + out.File + signatureSuffix + " is not there"})
		return
	}
	claimed := m.SignedBy
	if len(o.Public) > 0 {
		out.Trust = TrustGiven
	} else {
		out.Trust = TrustClaimed
		whole := m.Chain && m.Contiguous && m.FirstSeq == 1
		for _, k := range w.Keys() {
			if k.Public == claimed {
				out.Trust = TrustEnrolled
				if k.RevokedSeq != nil {
					w.Found(Finding{Seq: *k.RevokedSeq, Kind: "key", Message: "the key that has signed was revoked by event " + strconv.FormatInt(*k.RevokedSeq, 10)})
				}
			}
		}
		if whole && out.Trust == TrustClaimed {
			w.Found(Finding{Kind: "key", Message: "the manifest is signed by a key that no event of the trail enrolls: the key was swapped, or the events are not the ones that it signed"})
		}
	}
	trusted := o.Public
	if len(trusted) == 0 {
		trusted = []string{claimed}
	}
	text, key, err := openNote(string(signature), trusted...)
	switch {
	case err != nil:
		w.Found(Finding{Kind: "signature", Message: "the manifest's signature does not verify: " + err.Error()})
		return
	case text != manifestText(m.Origin, manifest):
		w.Found(Finding{Kind: "signature", Message: "the signature is over another manifest: the manifest was changed after it was signed"})
		return
	case key != claimed:
		w.Found(Finding{Kind: "key", Message: "the manifest names another key than the one that has signed it"})
		return
	}
	if m.Checkpoint == "" {
		w.Found(Finding{Kind: "manifest", Message: "the manifest is signed and has no checkpoint"})
	} else if _, _, err := OpenCheckpoint(m.Checkpoint, trusted...); err != nil {
		w.Found(Finding{Kind: "checkpoint_signature", Message: "the manifest's checkpoint does not verify: " + err.Error()})
	}
	out.SignedBy = key
	if out.Trust == TrustClaimed {
		w.unproven("the key is known from the manifest alone: compare it with the one its owner shows (audit key list), or give it with --key")
	}
}

// sidecar reads what lies beside a file; nil when nothing does.
func sidecar(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(err, path)
	}
	return b, nil
}

func unreadable(err error, path string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	why := "it cannot be read"
	switch {
	case errors.Is(err, os.ErrNotExist):
		why = "there is no such file"
	case errors.Is(err, os.ErrPermission):
		why = "you may not read it"
	}
	return fault.Wrapf(err, fault.FileUnreadable, "give the path of a file that audit export has written", "%s: %s", strings.TrimSpace(path), why)
}

// readerOf ends with the context.
func readerOf(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
