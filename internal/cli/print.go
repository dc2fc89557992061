package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"shardadmin/internal/fault"
)

// document prints v as the one JSON document of the run.
func (p *program) document(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fault.Wrap(err, fault.Internal, "the answer could not be written to standard output", "")
	}
	return nil
}

// answer prints v as JSON or, for people, what text writes.
func (p *program) answer(v any, text func(w io.Writer)) error {
	if p.json {
		return p.document(v)
	}
	text(p.stdout)
	return nil
}

// say writes a line for people to standard error.
func (p *program) say(format string, args ...any) { _, _ = fmt.Fprintf(p.stderr, format+"\n", args...) }

// at puts the name of a database before a message that does not begin with it.
func at(name, message string) string {
	if strings.HasPrefix(message, name+": ") || strings.HasPrefix(message, name+" ") {
		return message
	}
	return name + ": " + message
}

func line(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
