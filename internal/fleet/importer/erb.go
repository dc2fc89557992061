package importer

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"shardadmin/internal/fault"
)

// Two private characters enclose the number of a value that ERB gave, so that
// the YAML reader sees a plain word in its place.
const (
	markOpen  = '\uE000'
	markClose = '\uE001'
)

// value is what an ERB expression gave.
type value struct {
	text string
	// missing names the variable of a fetch that found nothing; it is an
	// error only where the value is used.
	missing string
	// variables are the ones that were asked, for remedies.
	variables []string
	line      int
}

// template is a file whose ERB was taken out.
type template struct {
	yaml   []byte
	values []value
}

// expand takes the ERB out of a file. With all, every condition holds: that
// tells which entries there could be.
func expand(data []byte, env func(string) string, all bool) (*template, error) {
	if i := bytes.IndexFunc(data, func(r rune) bool { return r == markOpen || r == markClose }); i >= 0 {
		return nil, invalid(1+bytes.Count(data[:i], []byte("\n")), "take it out", "there is a character of Unicode's private area")
	}
	out := &template{}
	var open []struct {
		line int
		on   bool
	}
	on := func() bool { return len(open) == 0 || open[len(open)-1].on }
	line := 1
	for len(data) > 0 {
		start := bytes.Index(data, []byte("<%"))
		text := data
		if start >= 0 {
			text = data[:start]
		}
		if on() {
			out.yaml = append(out.yaml, text...)
		} else {
			// Lines keep their numbers.
			out.yaml = append(out.yaml, bytes.Repeat([]byte("\n"), bytes.Count(text, []byte("\n")))...)
		}
		line += bytes.Count(text, []byte("\n"))
		if start < 0 {
			break
		}
		data = data[start:]
		end := bytes.Index(data[2:], []byte("%>"))
		if end < 0 {
			return nil, invalid(line, "close it with %>", "an ERB tag is not closed")
		}
		end += 2
		tag, newlines := string(data[2:end]), bytes.Count(data[:end], []byte("\n"))
		data = data[end+2:]
		switch {
		case strings.HasPrefix(tag, "#"):
		case strings.HasPrefix(tag, "="):
			v, err := evaluate(tag[1:], env, line)
			if err != nil {
				return nil, err
			}
			if on() {
				out.yaml = append(out.yaml, string(markOpen)+strconv.Itoa(len(out.values))+string(markClose)...)
				out.values = append(out.values, v)
			}
		case strings.TrimSpace(tag) == "end":
			if len(open) == 0 {
				return nil, invalid(line, "take it out", "<%% end %%> closes nothing")
			}
			open = open[:len(open)-1]
		default:
			m := ifPattern.FindStringSubmatch(strings.TrimSpace(tag))
			if m == nil {
				return nil, beyond(line)
			}
			holds := all || strings.TrimSpace(env(m[1]+m[2])) != ""
			open = append(open, struct {
				line int
				on   bool
			}{line, holds && on()})
		}
		out.yaml = append(out.yaml, bytes.Repeat([]byte("\n"), newlines)...)
		line += newlines
	}
	if len(open) > 0 {
		return nil, invalid(open[len(open)-1].line, "write <% end %> below the entries that depend on it", "<%% if … %%> has no <%% end %%>")
	}
	return out, nil
}

var ifPattern = regexp.MustCompile(`^if\s+ENV\[\s*(?:'([A-Za-z_][A-Za-z0-9_]*)'|"([A-Za-z_][A-Za-z0-9_]*)")\s*\]\.present\?$`)

func beyond(line int) error {
	return invalid(line, `write ENV["X"], ENV.fetch("X", default), ||, or <% if ENV["X"].present? %> … <% end %>; or add the fleet by hand: shard-admin fleet add`,
		"this Ruby is beyond what an import understands")
}

func invalid(line int, hint, format string, args ...any) error {
	return fault.Newf(fault.ImportInvalid, hint, "line %d: "+format, append([]any{line}, args...)...)
}

// token of an expression: a word, a text between quotes, or a sign.
type token struct {
	kind byte // w word, s text, or the sign itself; | is ||
	text string
}

var tokenPattern = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?)|'([^'\\]*)'|"([^"\\#]*)"|(\|\||[\[\](){},.]))`)

func tokens(text string, line int) ([]token, error) {
	var out []token
	for {
		text = strings.TrimSpace(text)
		if text == "" {
			return out, nil
		}
		m := tokenPattern.FindStringSubmatchIndex(text)
		if m == nil {
			return nil, beyond(line)
		}
		part := func(i int) string { return text[m[2*i]:m[2*i+1]] }
		switch {
		case m[2] >= 0:
			out = append(out, token{'w', part(1)})
		case m[4] >= 0:
			out = append(out, token{'s', part(2)})
		case m[6] >= 0:
			out = append(out, token{'s', part(3)})
		default:
			out = append(out, token{part(4)[0], part(4)})
		}
		text = text[m[1]:]
	}
}

// expression reads tokens from left to right, as deep as the text is.
type expression struct {
	rest []token
	env  func(string) string
	line int
}

func evaluate(text string, env func(string) string, line int) (value, error) {
	list, err := tokens(text, line)
	if err != nil {
		return value{}, err
	}
	e := &expression{rest: list, env: env, line: line}
	v, err := e.any(0)
	if err != nil {
		return value{}, err
	}
	if len(e.rest) > 0 {
		return value{}, beyond(line)
	}
	v.line = line
	return v, nil
}

// take consumes the signs or words if they are next.
func (e *expression) take(want ...string) bool {
	if len(e.rest) < len(want) {
		return false
	}
	for i, w := range want {
		if e.rest[i].kind == 's' || e.rest[i].text != w {
			return false
		}
	}
	e.rest = e.rest[len(want):]
	return true
}

// deepest nesting of defaults; nobody writes more than two.
const deepest = 8

// any is one or more terms with || between them. An unset variable and an
// empty one are the same here.
func (e *expression) any(depth int) (value, error) {
	v, err := e.term(depth)
	if err != nil {
		return v, err
	}
	for e.take("||") {
		next, err := e.term(depth)
		if err != nil {
			return v, err
		}
		names := append(v.variables, next.variables...)
		if v.text == "" && v.missing == "" {
			v = next
		}
		v.variables = names
	}
	return v, nil
}

func (e *expression) term(depth int) (value, error) {
	if depth > deepest || len(e.rest) == 0 {
		return value{}, beyond(e.line)
	}
	switch {
	case e.take("ENV", "["):
		name, ok := e.quoted()
		if !ok || !e.take("]") {
			return value{}, beyond(e.line)
		}
		return value{text: e.env(name), variables: []string{name}}, nil
	case e.take("ENV", ".", "fetch", "("):
		name, ok := e.quoted()
		if !ok {
			return value{}, beyond(e.line)
		}
		return e.fetch(name, depth)
	}
	t := e.rest[0]
	e.rest = e.rest[1:]
	switch {
	case t.kind == 's', t.kind == 'w' && t.text[0] >= '0' && t.text[0] <= '9', t.kind == 'w' && (t.text == "true" || t.text == "false"):
		return value{text: t.text}, nil
	case t.kind == 'w' && t.text == "nil":
		return value{}, nil
	}
	return value{}, beyond(e.line)
}

func (e *expression) quoted() (string, bool) {
	if len(e.rest) == 0 || e.rest[0].kind != 's' {
		return "", false
	}
	name := e.rest[0].text
	e.rest = e.rest[1:]
	return name, name != ""
}

// fetch goes on behind ENV.fetch("X".
func (e *expression) fetch(name string, depth int) (value, error) {
	var or value
	var err error
	given := e.take(",")
	if given {
		if or, err = e.any(depth + 1); err != nil {
			return or, err
		}
	}
	if !e.take(")") {
		return or, beyond(e.line)
	}
	if e.take("{") {
		if given {
			return or, beyond(e.line)
		}
		given = true
		if or, err = e.any(depth + 1); err != nil {
			return or, err
		}
		if !e.take("}") {
			return or, beyond(e.line)
		}
	}
	names := append([]string{name}, or.variables...)
	switch text := e.env(name); {
	case text != "":
		return value{text: text, variables: names}, nil
	case given:
		or.variables = names
		return or, nil
	}
	return value{missing: name, variables: names}, nil
}
