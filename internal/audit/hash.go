package audit

import (
	"bytes"
	"crypto/sha256"
	"strconv"
)

// Sealed is one entry of the chain with the event that it seals, as stored:
// times in microseconds since 1970, because that is what is hashed.
type Sealed struct {
	Seq        int64
	SealedUS   int64
	EventID    string
	OccurredUS int64
	RecordedUS int64
	DBUser     string
	ClientAddr string
	AppName    string
	Body       string
	EventHash  []byte
	PrevHash   []byte
	Hash       []byte
	// Missing is true where the link is there and its event is not.
	Missing bool
	// Persons say who the refs of the body are; no hash is over them. Nil leaves the
	// refs as they are.
	Persons *Persons
}

// Genesis is the hash that the first entry follows.
func Genesis() []byte { return make([]byte, sha256.Size) }

func netstring(b []byte, s string) []byte {
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(append(b, ':'), s...)
	return append(b, ',')
}

func netnumber(b []byte, n int64) []byte {
	var text [20]byte
	digits := strconv.AppendInt(text[:0], n, 10)
	b = strconv.AppendInt(b, int64(len(digits)), 10)
	b = append(append(b, ':'), digits...)
	return append(b, ',')
}

// WantEventHash computes what the event's hash has to be.
func (s Sealed) WantEventHash() []byte {
	b := make([]byte, 1, 160+len(s.DBUser)+len(s.ClientAddr)+len(s.AppName)+len(s.Body))
	b = netnumber(netnumber(netstring(b, s.EventID), s.OccurredUS), s.RecordedUS)
	for _, v := range []string{s.DBUser, s.ClientAddr, s.AppName, s.Body} {
		b = netstring(b, v)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// WantHash computes what the entry's hash has to be.
func (s Sealed) WantHash() []byte {
	b := append(make([]byte, 0, 160), 1)
	b = netnumber(netnumber(b, s.Seq), s.SealedUS)
	b = append(append(b, s.EventHash...), s.PrevHash...)
	sum := sha256.Sum256(b)
	return sum[:]
}

// Check compares an entry with the one before it and returns what is wrong,
// nothing when all is well.
func (s Sealed) Check(lastSeq int64, lastHash []byte) []Finding {
	var out []Finding
	add := func(kind, text string) {
		out = append(out, Finding{Seq: s.Seq, Kind: kind, EventID: s.EventID, Message: text})
	}
	n := strconv.FormatInt(s.Seq, 10)
	if s.Seq != lastSeq+1 {
		add("gap", Missing(lastSeq+1, s.Seq-1))
	} else if !bytes.Equal(s.PrevHash, lastHash) {
		add("order", "event "+n+" does not follow the one before it: the order or a hash was changed")
	}
	switch {
	case s.Missing:
		add("event_missing", "event "+n+" was deleted, its seal is still there")
	case !bytes.Equal(s.EventHash, s.WantEventHash()):
		add("event_changed", "event "+n+" was changed after it was sealed")
	}
	if !bytes.Equal(s.Hash, s.WantHash()) {
		add("link_changed", "the seal of event "+n+" was changed")
	}
	return out
}

// Missing says that entries are not there.
func Missing(first, last int64) string {
	if first >= last {
		return "event " + strconv.FormatInt(first, 10) + " is missing: it was deleted on the server"
	}
	return "events " + strconv.FormatInt(first, 10) + " to " + strconv.FormatInt(last, 10) + " are missing: they were deleted on the server"
}
