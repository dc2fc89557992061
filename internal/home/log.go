package home

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"shardadmin/internal/credential"
)

const (
	logLimit = 5 << 20
	logKeep  = 5
)

// rotating is the log's file. Several processes may write to it: each line is
// one write at the end, and who meets the limit renames it under the lock.
type rotating struct {
	path   string
	limit  int64
	keep   int
	lock   func() (func(), error)
	filter filter

	mu   sync.Mutex
	file *os.File
}

// Write filters and appends one line.
func (r *rotating) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clean := r.filter.clean(line)
	if err := r.ready(int64(len(clean))); err != nil {
		return 0, err
	}
	if _, err := r.file.Write(clean); err != nil {
		return 0, err
	}
	return len(line), nil
}

// ready opens the file, follows another process that renamed it, and renames
// it when it is full.
func (r *rotating) ready(more int64) error {
	if r.file != nil {
		mine, err := r.file.Stat()
		if err != nil {
			return err
		}
		if now, err := os.Stat(r.path); err != nil || !os.SameFile(mine, now) {
			_ = r.file.Close()
			r.file = nil
		}
	}
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		r.file = f
	}
	info, err := r.file.Stat()
	if err != nil || info.Size()+more <= r.limit || info.Size() == 0 {
		return err
	}
	release, err := r.lock()
	if err != nil {
		return nil //nolint:nilerr // a log that is a little too long beats a lost line
	}
	defer release()
	_ = r.file.Close()
	r.file = nil
	if now, err := os.Stat(r.path); err == nil && now.Size()+more > r.limit {
		for i := r.keep - 1; i > 0; i-- {
			_ = os.Rename(r.numbered(i), r.numbered(i+1))
		}
		_ = os.Rename(r.path, r.numbered(1))
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	r.file = f
	return nil
}

func (r *rotating) numbered(i int) string { return r.path + "." + strconv.Itoa(i) }

// Close closes the file; a later line opens it again.
func (r *rotating) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// filter takes secrets out of a line: values that it was told of, and what
// has the form of one.
type filter struct {
	mu    sync.Mutex
	known [][]byte
}

var (
	inURL       = regexp.MustCompile(`((?:postgres|postgresql|https?)://[^:/@\s"]*):[^@\s"]*@`)
	inParameter = regexp.MustCompile(`(?i)\b((?:ssl|pg)?password|passphrase|secret|token)(\\?["']?\s*[=:]\s*\\?["']?)[^\s"'&,;}\\]+`)
	verifier    = regexp.MustCompile(`SCRAM-SHA-256\$[^\s"']+`)
)

const hidden = "[redacted]"

// add learns a value in each form that it may take in a line.
func (f *filter) add(s credential.Secret) {
	v := s.Reveal()
	if len(v) < 4 {
		return // a filter for these would eat the log
	}
	forms := []string{v, url.QueryEscape(v), url.PathEscape(v), url.UserPassword("", v).String()[1:], unquoted(strconv.Quote(v))}
	for _, form := range slices.Clone(forms) {
		forms = append(forms, quoted(form, false), quoted(form, true))
	}
	forms = append(forms, quoted(quoted(v, false), false), quoted(quoted(v, true), false))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, form := range forms {
		if !slices.ContainsFunc(f.known, func(k []byte) bool { return string(k) == form }) {
			f.known = append(f.known, []byte(form))
		}
	}
	// A form that is a part of a longer one must not leave the rest of it.
	slices.SortStableFunc(f.known, func(a, b []byte) int { return len(b) - len(a) })
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// quoted is a text as it stands between the quotes of JSON.
func quoted(s string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if err := e.Encode(s); err != nil {
		return s
	}
	return unquoted(strings.TrimSuffix(b.String(), "\n"))
}

func (f *filter) clean(line []byte) []byte {
	f.mu.Lock()
	for _, k := range f.known {
		line = bytes.ReplaceAll(line, k, []byte(hidden))
	}
	f.mu.Unlock()
	line = inURL.ReplaceAll(line, []byte("$1:"+hidden+"@"))
	line = verifier.ReplaceAll(line, []byte(hidden))
	return inParameter.ReplaceAll(line, []byte("$1$2"+hidden))
}
