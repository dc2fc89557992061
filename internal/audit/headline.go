package audit

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// HeadlineOf reads of a sealed entry's text all but what it records before and
// after and its details, which is several times quicker than EventOf. A text
// that is not written as canonical JSON is read in the slow way, to the same end.
func HeadlineOf(s Sealed) Event {
	if b, ok := headline(s.Body); ok {
		return s.event(b, nil)
	}
	return s.event(slowHeadline(s.Body))
}

func slowHeadline(text string) (body, error) {
	var b struct {
		body
		Before  skipped `json:"before"`
		After   skipped `json:"after"`
		Details skipped `json:"details"`
	}
	err := json.Unmarshal([]byte(text), &b)
	return b.body, err
}

// skipped is a value that is not read.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (skipped) UnmarshalJSON([]byte) error { return nil }

// headline picks the fields of text out of a JSON object without blanks; false
// where the text is anything else, or might be read otherwise by encoding/json.
func headline(text string) (body, bool) {
	var b body
	if len(text) < 2 || text[0] != '{' || !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return b, false
	}
	for rest := text[1:]; ; {
		if rest[0] != '"' {
			return b, rest == "}" // an empty object
		}
		end := strings.IndexByte(rest[1:], '"') + 1
		key := rest[1:end]
		// encoding/json takes keys in any case.
		if strings.IndexFunc(key, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) >= 0 || rest[end+1] != ':' {
			return b, false
		}
		value := rest[end+2:]
		n := span(value)
		to := b.field(key)
		switch {
		case n == 0:
			return b, false
		case to == nil && key == "v":
			if n > 9 {
				return b, false
			}
			for _, c := range []byte(value[:n]) {
				if c < '0' || c > '9' {
					return b, false
				}
			}
		case to == nil:
		case value[0] != '"':
			return b, false
		case strings.IndexByte(value[:n], '\\') >= 0:
			if json.Unmarshal([]byte(value[:n]), to) != nil {
				return b, false
			}
		default:
			*to = value[1 : n-1]
		}
		if n >= len(value) {
			return b, false
		}
		if rest = value[n+1:]; value[n] == '}' {
			return b, rest == ""
		} else if value[n] != ',' || rest == "" {
			return b, false
		}
	}
}

// field is where a text of that name goes, nil for what is no text.
func (b *body) field(key string) *string {
	switch key {
	case "action":
		return &b.Action
	case "phase":
		return &b.Phase
	case "status":
		return &b.Status
	case "reason":
		return &b.Reason
	case "fleet":
		return &b.Fleet
	case "tenant":
		return &b.Tenant
	case "source":
		return &b.Source
	case "target":
		return &b.Target
	case "move_id":
		return &b.MoveID
	case "parent":
		return &b.Parent
	case "actor":
		return &b.Actor
	case "actor_role":
		return &b.ActorRole
	case "via":
		return &b.Via
	case "host":
		return &b.Host
	case "os_user":
		return &b.OSUser
	case "program":
		return &b.Program
	}
	return nil
}

// span is how long the valid JSON value at the beginning of a text is; 0 where
// a blank comes before it.
func span(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		case ' ', '\t', '\r', '\n':
			if depth == 0 {
				return 0
			}
		}
	}
	return len(text)
}
