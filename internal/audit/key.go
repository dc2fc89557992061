package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// keyPrefix is what every signing key begins with, so that a password kept
// under its name is not taken for one.
const keyPrefix = "PRIVATE+KEY+"

// SigningKey signs checkpoints and manifests for one operator.
type SigningKey struct {
	signer note.Signer
	// Public is the key that others verify with, in the form of signed notes:
	// name+id+base64.
	Public string
}

// NewSigningKey makes a key and returns the secret to keep. Its name stands in every text
// that it signs and can never be taken out: it is the fleet's, and the event that enrolls
// the key says whose key it is.
func NewSigningKey(name string) (credential.Secret, *SigningKey, error) {
	secret, _, err := note.GenerateKey(rand.Reader, keyName(name))
	if err != nil {
		return credential.Secret{}, nil, fault.Wrap(err, fault.Internal, "a signing key could not be made", "")
	}
	kept := credential.NewSecret(secret)
	k, err := ParseSigningKey(kept)
	return kept, k, err
}

// ParseSigningKey reads a key that NewSigningKey has made.
func ParseSigningKey(kept credential.Secret) (*SigningKey, error) {
	text := strings.TrimSpace(kept.Reveal())
	bad := fault.New(fault.Usage, "what is kept as "+fleet.AuditCredential+" is no signing key of the audit trail", "shard-admin audit key enroll makes one")
	signer, err := note.NewSigner(text)
	if err != nil || !strings.HasPrefix(text, keyPrefix) {
		return nil, bad
	}
	// PRIVATE+KEY+name+id+base64, and base64 has plus signs of its own.
	parts := strings.SplitN(text, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, bad
	}
	pub, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, bad
	}
	public, err := note.NewEd25519VerifierKey(signer.Name(), pub)
	if err != nil {
		return nil, bad
	}
	return &SigningKey{signer: signer, Public: public}, nil
}

// keyName is a name as signed notes want it: without blanks and plus.
func keyName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '+' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }), "_")
}

// sign returns the text as a signed note.
func (k *SigningKey) sign(text string) (string, error) {
	b, err := note.Sign(&note.Note{Text: text}, k.signer)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "the signature could not be made", "")
	}
	return string(b), nil
}

// PublicKey refuses what is not a public key of signed notes.
func PublicKey(text string) error {
	if _, err := note.NewVerifier(text); err != nil {
		return fault.Wrap(err, fault.Usage, "that is no public key: it looks like name+1a2b3c4d+base64", "shard-admin audit key list shows the enrolled ones")
	}
	return nil
}

var (
	errBadSignature = errors.New("the signature does not fit the text: one of them was changed")
	errOtherKey     = errors.New("it is not signed by the key that was expected")
	errNoNote       = errors.New("it is not a signed note")
)

// openNote checks the note's signature with the public keys and returns the
// signed text and the key that fits.
func openNote(msg string, public ...string) (text, key string, err error) {
	err = errOtherKey
	for _, p := range public {
		v, verr := note.NewVerifier(p)
		if verr != nil {
			continue
		}
		n, oerr := note.Open([]byte(msg), note.VerifierList(v))
		var unknown *note.UnverifiedNoteError
		var invalid *note.InvalidSignatureError
		switch {
		case oerr == nil:
			return n.Text, p, nil
		case errors.As(oerr, &unknown):
		case errors.As(oerr, &invalid):
			return "", p, errBadSignature
		default:
			return "", "", errNoNote
		}
	}
	return "", "", err
}
