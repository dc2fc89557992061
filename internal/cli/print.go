package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// newFile makes a file that was named on the command line and never writes over
// one that is there.
func newFile(path string, mode fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fault.Wrapf(err, fault.Usage, "choose another name, or remove what is there", "%s exists already and is not written over", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrapf(err, fault.Usage, "make its folder first, or choose another name", "%s cannot be made: there is no such folder", path)
	case err != nil:
		return nil, fault.Wrapf(err, fault.Usage, "choose another name, or one in a folder that you may write to", "%s cannot be made", path)
	}
	return f, nil
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
