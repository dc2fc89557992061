package credential

import (
	"fmt"
	"log/slog"
)

// Secret holds a value that must not reach a file, a log or a message. Every
// way of printing or marshalling it gives "[redacted]"; Reveal is the only way
// out and is called where the value meets the driver or the keychain.
type Secret struct{ value string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == "" }

const redacted = "[redacted]"

// String never returns the value.
func (s Secret) String() string { return redacted }

// GoString never returns the value.
func (s Secret) GoString() string { return redacted }

// Format covers every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON never returns the value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText never returns the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue never returns the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Credential is a user name with its password.
type Credential struct {
	User     string
	Password Secret
	// Lacking says why there is no password, for when the server asks for one:
	// a missing keychain is not a wrong password.
	Lacking error
}
