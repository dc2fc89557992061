package fleet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Rewrite is the text of a fleet's file that says what f does, where old is what it
// says now: only what differs is written, so that the comments, the order and the
// spelling of whoever keeps the file by hand stay as they are. A file that spells
// what differs in a way that cannot be changed in its place is written anew.
func Rewrite(old []byte, f *Fleet) ([]byte, error) {
	anew, err := f.Marshal()
	if err != nil {
		return nil, err
	}
	was, err := Parse(old, f.Path)
	if err != nil {
		return anew, nil
	}
	base, err := was.Marshal()
	if err != nil {
		return nil, err
	}
	edited, done := rewrite(old, layoutOf(old), layoutOf(base), layoutOf(anew))
	if !done {
		return anew, nil
	}
	if is, err := Parse(edited, f.Path); err != nil {
		return anew, nil
	} else if again, err := is.Marshal(); err != nil || !bytes.Equal(again, anew) {
		return anew, err
	}
	return edited, nil
}

// layout is where a file's keys and tables stand. Tables of an array have their
// number: shard[1].url.
type layout struct {
	keys   map[string]place
	tables map[string]place
	order  []string // of keys
	heads  []string // of tables
}

// place is what a key or a table takes up. A key's value begins at value; a table's
// last key, or its head, ends at end.
type place struct {
	start, value, end int
	text              string // of the value
}

func layoutOf(data []byte) layout {
	l := layout{keys: map[string]place{}, tables: map[string]place{"": {}}}
	p := unstable.Parser{}
	p.Reset(data)
	table, counts := "", map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		key, first, last := []string{}, -1, 0
		for it := e.Key(); it.Next(); {
			raw := it.Node().Raw
			if key = append(key, string(it.Node().Data)); first < 0 {
				first = int(raw.Offset)
			}
			last = int(raw.Offset + raw.Length)
		}
		name := strings.Join(key, ".")
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			if head, rest, below := strings.Cut(name, "."); below && counts[head] > 0 {
				name = fmt.Sprintf("%s[%d].%s", head, counts[head]-1, rest)
			}
			if e.Kind == unstable.ArrayTable {
				counts[name]++
				name = fmt.Sprintf("%s[%d]", name, counts[name]-1)
			}
			table = name
			l.heads = append(l.heads, table)
			l.tables[table] = place{start: lineStart(data, first), end: last}
		case unstable.KeyValue:
			if table != "" {
				name = table + "." + name
			}
			end := int(e.Raw.Offset + e.Raw.Length)
			end = len(bytes.TrimRight(data[:end], " \t"))
			value := last + bytes.IndexByte(data[last:end], '=') + 1
			value += len(data[value:end]) - len(bytes.TrimLeft(data[value:end], " \t"))
			l.keys[name] = place{start: lineStart(data, first), value: value, end: end, text: string(data[value:end])}
			l.order = append(l.order, name)
			t := l.tables[table]
			t.end = end
			l.tables[table] = t
		default: // comments stay where they are
		}
	}
	return l
}

func lineStart(data []byte, at int) int { return bytes.LastIndexByte(data[:at], '\n') + 1 }

// lineEnd is behind the line's newline.
func lineEnd(data []byte, at int) int {
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(data)
}

// change puts a text in the place of a part of a file.
type change struct {
	start, end int
	text       string
}

// rewrite makes of a file that says what base says one that says what anew does.
func rewrite(data []byte, is, base, anew layout) (edited []byte, done bool) {
	changes := []change{}
	for _, key := range base.order {
		to, stays := anew.keys[key]
		if stays && to.text == base.keys[key].text {
			continue
		}
		at, there := is.keys[key]
		switch {
		case !there:
			return nil, false
		case stays:
			changes = append(changes, change{at.value, at.end, spelled(to.text)})
		default:
			changes = append(changes, change{at.start, lineEnd(data, at.end), ""})
		}
	}
	for _, table := range append([]string{""}, anew.heads...) {
		lines := ""
		for _, key := range anew.order {
			if _, was := base.keys[key]; was || tableOf(key, anew) != table {
				continue
			}
			lines += key[strings.LastIndexByte(key, '.')+1:] + " = " + spelled(anew.keys[key].text) + "\n"
		}
		at, there := is.tables[table]
		_, was := base.tables[table]
		switch {
		case lines == "" && (there || was):
		case there:
			end := 0
			if at.end > 0 {
				end = lineEnd(data, at.end)
			}
			if end > 0 && data[end-1] != '\n' {
				lines = "\n" + lines
			}
			changes = append(changes, change{end, end, lines})
		case !was && strings.HasSuffix(table, "]") && !strings.Contains(table, "."):
			head, _, _ := strings.Cut(table, "[")
			changes = append(changes, change{len(data), len(data), "\n[[" + head + "]]\n" + lines})
		default:
			return nil, false
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.start - b.start })
	at := 0
	for _, c := range changes {
		if c.start < at {
			return nil, false
		}
		edited = append(append(edited, data[at:c.start]...), c.text...)
		at = c.end
	}
	return append(edited, data[at:]...), true
}

// tableOf is the table in which a key stands; its name may have dots of its own only
// where it is one of a table's below.
func tableOf(key string, l layout) string {
	at := strings.LastIndexByte(key, '.')
	if at < 0 {
		return ""
	}
	if _, there := l.tables[key[:at]]; there {
		return key[:at]
	}
	return key
}

// spelled is a value as people write it: in double quotes, where it needs no escape.
func spelled(value string) string {
	if inner, literal := strings.CutPrefix(value, "'"); literal && !strings.ContainsAny(value, `"\`) && !strings.HasPrefix(inner, "'") {
		return `"` + strings.TrimSuffix(inner, "'") + `"`
	}
	return value
}
