package cli

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// wide is how many columns a table may take.
const wide = 80

// table is rows under headings. It fits: the columns that may shrink lose the
// end of their texts first, the last such column before the others.
type table struct {
	columns []column
	rows    [][]string
}

type column struct {
	title string
	right bool
	// least is the width below which the column does not shrink; 0 means that
	// it does not shrink at all.
	least int
	// wraps is true for a column that goes on below instead of being cut.
	wraps bool
}

// left is a column of words, right one of figures, long one of words that may
// be cut, whole one of sentences that go on below.
func left(title string) column             { return column{title: title} }
func right(title string) column            { return column{title: title, right: true} }
func long(title string, least int) column  { return column{title: title, least: least} }
func whole(title string, least int) column { return column{title: title, least: least, wraps: true} }

func newTable(columns ...column) *table { return &table{columns: columns} }
func (t *table) add(cells ...string)    { t.rows = append(t.rows, cells) }
func (t *table) print(w io.Writer)      { t.printWithin(w, wide) }
func width(s string) int                { return uniseg.StringWidth(s) }

func pad(s string, n int, toRight bool) string {
	space := strings.Repeat(" ", max(0, n-width(s)))
	if toRight {
		return space + s
	}
	return s + space
}

// plain keeps what came from a database from moving the cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// cut shortens s to n columns.
func cut(s string, n int) string {
	if width(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	var b strings.Builder
	left := n - 1 // one for the sign that something is missing
	for g := uniseg.NewGraphemes(s); g.Next() && g.Width() <= left; left -= g.Width() {
		b.WriteString(g.Str())
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

func (t *table) printWithin(w io.Writer, limit int) {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = width(c.title)
	}
	for _, r := range t.rows {
		for i := range t.columns {
			r[i] = plain(r[i])
			widths[i] = max(widths[i], width(r[i]))
		}
	}
	over := 2 * (len(widths) - 1)
	for _, n := range widths {
		over += n
	}
	over -= limit
	for i := len(widths) - 1; i >= 0 && over > 0; i-- {
		if least := t.columns[i].least; least > 0 && widths[i] > least {
			by := min(over, widths[i]-least)
			widths[i] -= by
			over -= by
		}
	}
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	for _, r := range append([][]string{titles}, t.rows...) {
		below := make([][]string, len(widths))
		height := 1
		for i, n := range widths {
			below[i] = []string{r[i]}
			if t.columns[i].wraps {
				below[i] = wrap(r[i], n)
			}
			height = max(height, len(below[i]))
		}
		for k := range height {
			cells := make([]string, len(widths))
			for i, n := range widths {
				cell := ""
				if k < len(below[i]) {
					cell = below[i][k]
				}
				cells[i] = pad(cut(cell, n), n, t.columns[i].right)
			}
			line(w, "%s", strings.TrimRight(strings.Join(cells, "  "), " "))
		}
	}
}

// facts prints names with values, one a line, the values aligned.
func facts(w io.Writer, pairs ...string) {
	n := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			n = max(n, width(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		for j, part := range wrap(plain(pairs[i+1]), wide-n-2) {
			name := pairs[i]
			if j > 0 {
				name = ""
			}
			line(w, "%s  %s", pad(name, n, false), part)
		}
	}
}

// pieces are the words of a text. A command of ours is one piece, so that it can be
// copied: whole however long it is, and with as much of what follows it as fits a
// line of n columns. One that is longer leaves out what ends its part of the sentence.
func pieces(s string, n int) []string {
	words, out := strings.Fields(s), []string{}
	for i := 0; i < len(words); i++ {
		piece := words[i]
		if piece == programName {
			end := i + commandLength(words[i:])
			for i+1 < len(words) && (i+1 < end || !endsPart(words[i]) && width(piece)+1+width(words[i+1]) <= n) {
				i++
				piece += " " + words[i]
			}
			if width(piece) > n {
				piece = strings.TrimRight(piece, partEnds)
			}
		}
		out = append(out, piece)
	}
	return out
}

// wrap breaks a text at spaces into lines of at most n columns; a command or a word
// that is longer stays whole, on a line of its own.
func wrap(s string, n int) []string {
	out, now := []string{}, ""
	for _, word := range pieces(s, n) {
		switch {
		case now == "":
			now = word
		case width(now)+1+width(word) <= n:
			now += " " + word
		default:
			out, now = append(out, now), word
		}
	}
	return append(out, now)
}

// paragraph prints a text with an indent.
func paragraph(w io.Writer, indent, text string) {
	for _, l := range wrap(plain(text), wide-len(indent)) {
		line(w, "%s%s", indent, l)
	}
}
