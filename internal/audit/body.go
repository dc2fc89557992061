package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"shardadmin/internal/credential"
)

const redacted = "[redacted]"

// secretKey matches the names of fields that hold what must not be stored.
var secretKey = regexp.MustCompile(`(?i)(^|[_.-])(passwords?|passwd|pwd|secret|secrets|token|api_?key|private_?key|dsn|credential_value)($|[_.-])`)

// canonical encodes a value so that equal values give equal bytes: keys
// sorted, no spaces, no escapes that JSON does not need, numbers that are not
// whole as text. What looks like a secret is replaced.
func canonical(v any) ([]byte, error) {
	var plain any
	if err := plainOf(v, &plain); err != nil {
		return nil, err
	}
	return text(plain), nil
}

// plainOf brings a value to maps, lists, texts and numbers.
func plainOf(v, plain any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("the event's body: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(plain); err != nil {
		return fmt.Errorf("the event's body: %w", err)
	}
	return nil
}

// text is the canonical text of what plainOf gives.
func text(plain any) []byte {
	var b bytes.Buffer
	write(&b, plain)
	return b.Bytes()
}

func write(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			writeString(b, v.String())
			return
		}
		b.WriteString(v.String())
	case string:
		writeString(b, credential.Scrub(v))
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, e)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, credential.Scrub(k))
			b.WriteByte(':')
			if s, ok := v[k].(string); ok && s != "" && secretKey.MatchString(k) {
				writeString(b, redacted)
				continue
			}
			write(b, v[k])
		}
		b.WriteByte('}')
	}
}

func writeString(b *bytes.Buffer, s string) {
	var one bytes.Buffer
	enc := json.NewEncoder(&one)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	b.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
}
