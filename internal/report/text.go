package report

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

//go:embed fonts/*.ttf.gz
var fontFiles embed.FS

// face is one of the fonts of the PDF.
type face int

// The faces, in the order in which they are asked for a character.
const (
	regular face = iota
	semibold
	mono
	arabic
	hebrew
	cjk
	hangul
	thai
	devanagari
	faces
)

func (f face) String() string {
	return [...]string{"inter-regular", "inter-semibold", "mono", "arabic", "hebrew", "cjk", "hangul", "thai", "devanagari"}[f]
}

// typeface is a font that was read.
type typeface struct {
	bytes []byte
	font  *sfnt.Font
}

// typefaces reads each font when it is first needed.
type typefaces struct {
	mu   sync.Mutex
	read [faces]*typeface
	has  [faces]map[rune]bool
}

func (t *typefaces) of(f face) (*typeface, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read[f] != nil {
		return t.read[f], nil
	}
	packed, err := fontFiles.ReadFile("fonts/" + f.String() + ".ttf.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	font, err := sfnt.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("the font %s: %w", f, err)
	}
	t.read[f] = &typeface{b, font}
	t.has[f] = map[rune]bool{}
	return t.read[f], nil
}

// covers reports whether the face shows the character. The PDF writer knows no
// character beyond the basic plane.
func (t *typefaces) covers(f face, r rune) bool {
	if r > 0xFFFF || !plausible(f, r) {
		return false
	}
	tf, err := t.of(f)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	has, known := t.has[f][r]
	if !known {
		i, err := tf.font.GlyphIndex(nil, r)
		has = err == nil && i != 0
		t.has[f][r] = has
	}
	return has
}

// plausible keeps a large font from being read for a character that it cannot
// have.
func plausible(f face, r rune) bool {
	switch f {
	case arabic:
		return r >= 0x600 && r <= 0x8FF || r >= 0xFB50 && r <= 0xFEFF
	case hebrew:
		return r >= 0x590 && r <= 0x5FF || r >= 0xFB1D && r <= 0xFB4F
	case thai:
		return r >= 0xE00 && r <= 0xE7F
	case devanagari:
		return r >= 0x900 && r <= 0x97F || r >= 0xA8E0 && r <= 0xA8FF
	case cjk:
		return r >= 0x2E80 && r < 0xAC00 || r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE4F || r >= 0xFF00
	case hangul:
		return r >= 0x3131 && r <= 0x318E || r >= 0xAC00 && r <= 0xD7A3
	}
	return r < 0x2E80 || r == 0xFFFD
}

// glyph is a character with the face that shows it.
type glyph struct {
	r rune
	f face
}

// glyphs returns what is drawn for a text, in the order in which it is read:
// Arabic letters in the form that their neighbours ask for, the short i of Devanagari
// before the consonants that it is spoken after, and what no font has as ‹U+0E01›.
func (t *typefaces) glyphs(text string, want face) []glyph {
	plain := true
	for _, r := range text {
		plain = plain && r >= ' ' && r < 0x590
	}
	var runes []rune
	if plain {
		runes = []rune(text)
	} else {
		runes = reordered(joined([]rune(norm.NFC.String(strings.ToValidUTF8(text, "\uFFFD")))))
	}
	out := make([]glyph, 0, len(runes))
	missing := func(text string) {
		for _, x := range text {
			f, _ := t.face(x, want)
			out = append(out, glyph{x, f})
		}
	}
	open := false // a run of characters that no font has
	for i, r := range runes {
		if r == '\n' || r == isolate || r == endIsolate {
			out = append(out, glyph{r, want})
			continue
		}
		if r == '\t' || r == '\u00a0' {
			r = ' '
		}
		if f, ok := t.face(r, want); ok {
			out = append(out, glyph{r, f})
			continue
		}
		mark := " "
		if !open {
			mark = "‹"
		}
		missing(fmt.Sprintf("%sU+%04X", mark, r))
		if open = i+1 < len(runes) && !t.shows(runes[i+1], want); !open {
			missing("›")
		}
	}
	return out
}

// shows reports whether the character is drawn as itself or ends a line.
func (t *typefaces) shows(r rune, want face) bool {
	_, ok := t.face(r, want)
	return ok || r == '\n' || r == isolate || r == endIsolate || r == '\t' || r == '\u00a0'
}

func (t *typefaces) face(r rune, want face) (face, bool) {
	if t.covers(want, r) {
		return want, true
	}
	for f := regular; f < faces; f++ {
		if f != want && f != semibold && f != mono && t.covers(f, r) {
			return f, true
		}
	}
	return want, false
}

// letter is how an Arabic letter joins: its isolated form, and how many forms
// there are: 1 joins nothing, 2 the letter before, 4 both. They stand in the
// order isolated, final, initial, medial.
type letter struct {
	isolated rune
	forms    int
}

// arabicLetter describes the letters of Arabic, Persian and Urdu.
func arabicLetter(r rune) (letter, bool) {
	switch r {
	case 'ء':
		return letter{0xFE80, 1}, true
	case 'ٹ':
		return letter{0xFB66, 4}, true
	case 'پ':
		return letter{0xFB56, 4}, true
	case 'چ':
		return letter{0xFB7A, 4}, true
	case 'ڈ':
		return letter{0xFB88, 2}, true
	case 'ژ':
		return letter{0xFB8A, 2}, true
	case 'ڑ':
		return letter{0xFB8C, 2}, true
	case 'ک':
		return letter{0xFB8E, 4}, true
	case 'گ':
		return letter{0xFB92, 4}, true
	case 'ں':
		return letter{0xFB9E, 2}, true
	case 'ہ':
		return letter{0xFBA6, 4}, true
	case 'ھ':
		return letter{0xFBAA, 4}, true
	case 'ے':
		return letter{0xFBAE, 2}, true
	case 'ی':
		return letter{0xFBFC, 4}, true
	case 0x640: // the line that lengthens a word
		return letter{0x640, 0}, true
	}
	at := rune(0xFE81)
	for _, x := range []struct {
		first, last rune
		forms       int
	}{
		{'آ', 'إ', 2},
		{'ئ', 'ئ', 4},
		{'ا', 'ا', 2},
		{'ب', 'ب', 4},
		{'ة', 'ة', 2},
		{'ت', 'خ', 4},
		{'د', 'ز', 2},
		{'س', 'غ', 4},
		{'ف', 'ه', 4},
		{'و', 'ى', 2},
		{'ي', 'ي', 4},
	} {
		if r >= x.first && r <= x.last {
			return letter{at + (r-x.first)*rune(x.forms), x.forms}, true
		}
		at += (x.last - x.first + 1) * rune(x.forms)
	}
	return letter{}, false
}

// before and after report whether a letter joins the one before or after it.
func (l letter) before() bool { return l.forms != 1 }
func (l letter) after() bool  { return l.forms == 4 || l.forms == 0 }

// joined gives Arabic letters the form that their neighbours ask for. Marks
// between letters do not count.
func joined(in []rune) []rune {
	out := make([]rune, 0, len(in))
	next := func(i int) (letter, rune, int) {
		for j := i + 1; j < len(in); j++ {
			if unicode.Is(unicode.Mn, in[j]) {
				continue
			}
			l, ok := arabicLetter(in[j])
			if !ok {
				break
			}
			return l, in[j], j
		}
		return letter{forms: 1}, 0, -1
	}
	prev := false // the letter before joins this one
	for i := 0; i < len(in); i++ {
		r := in[i]
		if unicode.Is(unicode.Mn, r) && r >= 0x600 && r < 0x700 {
			out = append(out, r)
			continue
		}
		l, ok := arabicLetter(r)
		if !ok {
			// The joiners have done their work; they show nothing.
			if r != 0x200C && r != 0x200D {
				out = append(out, r)
			}
			prev = r == 0x200D
			continue
		}
		after, what, at := next(i)
		if r == 'ل' && at == i+1 {
			if two := lamAlef(what); two != 0 {
				if prev {
					two++
				}
				out, i, prev = append(out, two), at, false
				continue
			}
		}
		joins := l.after() && after.before() && at > 0
		form := rune(0)
		switch {
		case l.forms == 0:
		case prev && l.before() && joins:
			form = 3
		case joins:
			form = 2
		case prev && l.before():
			form = 1
		}
		out = append(out, l.isolated+form)
		prev = l.after()
	}
	return out
}

// Signs of Devanagari that decide where the short i stands.
const (
	shortI = 0x93F
	nukta  = 0x93C
	virama = 0x94D
)

func consonant(r rune) bool {
	return r >= 0x915 && r <= 0x939 || r >= 0x958 && r <= 0x95F || r >= 0x978 && r <= 0x97F
}

// reordered puts the short i of Devanagari before the consonants that it is spoken
// after, where it is written. Those are not drawn as one sign, for which the PDF
// writer has no rules: the virama stands between them and is read.
func reordered(in []rune) []rune {
	for i, r := range in {
		if r != shortI {
			continue
		}
		at := i
		for end := i; end > 0; {
			base := end - 1
			if base > 0 && in[base] == nukta {
				base--
			}
			if !consonant(in[base]) {
				break
			}
			if at = base; at == 0 || in[at-1] != virama {
				break
			}
			end = at - 1
		}
		copy(in[at+1:i+1], in[at:i])
		in[at] = shortI
	}
	return in
}

func lamAlef(alef rune) rune {
	switch alef {
	case 'آ':
		return 0xFEF5
	case 'أ':
		return 0xFEF7
	case 'إ':
		return 0xFEF9
	case 'ا':
		return 0xFEFB
	}
	return 0
}

// A name stands between these two, so that its direction and that of the
// sentence around it leave each other alone.
const isolate, endIsolate = '\u2068', '\u2069'

// isolated marks a name as one.
func isolated(name string) string { return string(isolate) + name + string(endIsolate) }

// bare takes the marks away, for programs.
func bare(text string) string {
	return strings.NewReplacer(string(isolate), "", string(endIsolate), "").Replace(text)
}

// visual returns a line in the order in which it is drawn from left to right.
// A name that the end of the line has cut is one on both lines.
func visual(line []glyph) []glyph {
	for i, g := range line {
		if g.r == isolate || g.r == endIsolate {
			out := append([]glyph{}, ordered(line[:i])...)
			return append(out, visual(line[i+1:])...)
		}
	}
	return ordered(line)
}

// ordered is visual for text of one direction with words of the other in it.
func ordered(line []glyph) []glyph {
	rtl := false
	for _, g := range line {
		rtl = rtl || g.r >= 0x590 && g.r <= 0x8FF || g.r >= 0xFB1D && g.r <= 0xFDFF || g.r >= 0xFE70 && g.r <= 0xFEFF
	}
	if !rtl {
		return line
	}
	var b strings.Builder
	for _, g := range line {
		b.WriteRune(g.r)
	}
	var p bidi.Paragraph
	if _, err := p.SetString(b.String()); err != nil {
		return line
	}
	order, err := p.Order()
	if err != nil {
		return line
	}
	type run struct {
		glyphs []glyph
		rtl    bool
		digits bool
	}
	var runs []run
	at := 0
	for i := range order.NumRuns() {
		r := order.Run(i)
		n := len([]rune(r.String()))
		x := run{glyphs: line[at : at+n], rtl: r.Direction() == bidi.RightToLeft, digits: true}
		for _, g := range x.glyphs {
			x.digits = x.digits && !unicode.IsLetter(g.r)
		}
		runs = append(runs, x)
		at += n
	}
	if at != len(line) {
		return line
	}
	reverse := func(from, to int) {
		for ; from < to; from, to = from+1, to-1 {
			runs[from], runs[to] = runs[to], runs[from]
		}
	}
	if order.Direction() == bidi.RightToLeft || runs[0].rtl {
		reverse(0, len(runs)-1)
	} else {
		// Numbers among right-to-left words belong to them.
		for i := 0; i < len(runs); i++ {
			j := i
			for j+1 < len(runs) && runs[i].rtl && (runs[j+1].rtl || runs[j+1].digits) {
				j++
			}
			reverse(i, j)
			i = j
		}
	}
	out := make([]glyph, 0, len(line))
	for _, r := range runs {
		if !r.rtl {
			out = append(out, r.glyphs...)
			continue
		}
		for i := len(r.glyphs) - 1; i >= 0; i-- {
			g := r.glyphs[i]
			if m := mirrored(g.r); m != 0 {
				g.r = m
			}
			out = append(out, g)
		}
	}
	return out
}

// mirrored is the other one of a pair of brackets.
func mirrored(r rune) rune {
	const pairs = "()[]{}<>«»‹›"
	all := []rune(pairs)
	for i, x := range all {
		if x == r {
			return all[i^1]
		}
	}
	return 0
}
