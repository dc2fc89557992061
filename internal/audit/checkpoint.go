package audit

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/fault"
)

// Checkpoint is an operator's word that the chain had this end at that time.
// Signed, and kept where whoever owns the database cannot reach it, it shows a
// tail that was cut and a chain that was rewritten.
type Checkpoint struct {
	// Origin names the chain: see Origin.
	Origin string
	Seq    int64
	Hash   []byte
	At     time.Time
}

// originPrefix begins the first line of everything that is signed here.
const originPrefix = "shard-admin audit "

// Origin is the first line of a signed text: which chain it speaks of.
func Origin(key string) string { return originPrefix + key }

// Text is what is signed: four lines.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Seq, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Hash) + "\n" + c.At.UTC().Format(time.RFC3339) + "\n"
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(k *SigningKey) (string, error) { return k.sign(c.Text()) }

// ParseCheckpoint reads the text of a checkpoint, signed or not; it looks at no
// signature.
func ParseCheckpoint(msg string) (Checkpoint, error) {
	bad := fault.New(fault.Usage, "that is no checkpoint of an audit trail", "shard-admin audit checkpoint writes one")
	lines := strings.Split(strings.ReplaceAll(msg, "\r\n", "\n"), "\n")
	if len(lines) < 5 || !strings.HasPrefix(lines[0], originPrefix) {
		return Checkpoint{}, bad
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Seq, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Seq < 0 {
		return Checkpoint{}, bad
	}
	if c.Hash, err = base64.StdEncoding.DecodeString(lines[2]); err != nil || len(c.Hash) != len(Genesis()) {
		return Checkpoint{}, bad
	}
	if c.At, err = time.Parse(time.RFC3339, lines[3]); err != nil {
		return Checkpoint{}, bad
	}
	return c, nil
}

// OpenCheckpoint checks the signature with the public keys and returns the
// checkpoint with the key that has signed it.
func OpenCheckpoint(msg string, public ...string) (Checkpoint, string, error) {
	text, key, err := openNote(msg, public...)
	if err != nil {
		return Checkpoint{}, key, err
	}
	c, err := ParseCheckpoint(text)
	if err == nil && c.Text() != text {
		err = errNoNote
	}
	return c, key, err
}
