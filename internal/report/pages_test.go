package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"shardadmin/internal/audit"
)

// word is a word on a page, with its box in points from the upper left corner.
type word struct {
	Left   float64 `xml:"xMin,attr"`
	Top    float64 `xml:"yMin,attr"`
	Right  float64 `xml:"xMax,attr"`
	Bottom float64 `xml:"yMax,attr"`
	Text   string  `xml:",chardata"`
}

// footTop is where the foot of a page begins.
const footTop = pageHigh - 40

// body are the words above the foot, and the text of the lowest line of them.
func body(page []word) (words []word, last string) {
	for _, w := range page {
		if w.Top < footTop {
			words = append(words, w)
		}
	}
	slices.SortStableFunc(words, func(a, b word) int {
		if int(a.Bottom) != int(b.Bottom) {
			return int(a.Bottom) - int(b.Bottom)
		}
		return int(a.Left) - int(b.Left)
	})
	if len(words) == 0 {
		return nil, ""
	}
	end := words[len(words)-1].Bottom
	var line []string
	for _, w := range words {
		if end-w.Bottom < 2 {
			line = append(line, w.Text)
		}
	}
	return words, strings.Join(line, " ")
}

// pagesOf is what a reader of PDF files finds on each page.
func pagesOf(t *testing.T, file string) [][]word {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-bbox", file, "-").Output()
	require.NoError(t, err, "poppler is needed: build/need test brings it")
	var doc struct {
		Pages []struct {
			Words []word `xml:"word"`
		} `xml:"body>doc>page"`
	}
	d := xml.NewDecoder(bytes.NewReader(out))
	d.Strict = false
	require.NoError(t, d.Decode(&doc))
	pages := make([][]word, len(doc.Pages))
	for i, p := range doc.Pages {
		pages[i] = p.Words
	}
	return pages
}

// edges are where a table's columns begin, and where the last ends.
func edges(tab Table) []float64 {
	sum, x := 0.0, marginX
	for _, c := range tab.Columns {
		sum += c.Weight
	}
	out := []float64{x}
	for _, c := range tab.Columns {
		x += inner * c.Weight / sum
		out = append(out, x)
	}
	return out
}

func titles(tab Table) string {
	var out []string
	for _, c := range tab.Columns {
		out = append(out, c.Title)
	}
	return strings.Join(out, " ")
}

// Every report as pages: nothing runs out of the margins or into the next column, no
// heading stands alone at the foot, nothing is printed over something else, and each
// character has a sign of a font that the file holds.
func TestPagesOfThePDFLookRight(t *testing.T) {
	t.Parallel()
	src := events(220)
	for _, kind := range []Kind{Events, Changes, Tenant, Operator, Moves, Access, Failed, Schema} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := asked(kind, audit.PDF)
			b, _ := made(t, src, r)
			file := filepath.Join(t.TempDir(), "x.pdf")
			require.NoError(t, os.WriteFile(file, b, 0o600))
			doc := documentOf(t, r, src)
			var tables []Table
			heads := map[string]bool{}
			for _, s := range doc.Sections {
				heads[s.Title] = true
				for _, tab := range s.Tables {
					heads[titles(tab)] = true
					tables = append(tables, tab)
				}
				for _, c := range s.Charts {
					heads[c.Title] = true
				}
			}
			pages := pagesOf(t, file)
			require.Greater(t, len(pages), 2)
			for n, page := range pages {
				words, last := body(page)
				require.NotEmpty(t, words, "page %d is empty", n+1)
				require.False(t, heads[last], "page %d ends with the heading %q", n+1, last)
				columns := []float64(nil)
				for _, tab := range tables {
					if strings.HasPrefix(text(words), titles(tab)) {
						columns = edges(tab)
					}
				}
				for i, w := range page {
					require.GreaterOrEqual(t, w.Left, marginX-0.5, "page %d: %q", n+1, w.Text)
					require.LessOrEqual(t, w.Right, pageWide-marginX+0.5, "page %d: %q", n+1, w.Text)
					require.Greater(t, w.Top, 20.0, "page %d: %q", n+1, w.Text)
					require.Less(t, w.Bottom, pageHigh-10, "page %d: %q", n+1, w.Text)
					require.NotContains(t, w.Text, "\uFFFD", "page %d", n+1)
					for _, x := range columns {
						require.False(t, w.Top < footTop && w.Left < x-0.5 && w.Right > x+0.5, "page %d: %q runs into the next column", n+1, w.Text)
					}
					for _, o := range page[i+1:] {
						// Boxes are as high as the font, so lines touch; words of one must not.
						over := min(w.Right, o.Right)-max(w.Left, o.Left) > 1 && min(w.Bottom, o.Bottom)-max(w.Top, o.Top) > 0.5*(w.Bottom-w.Top)
						require.False(t, over, "page %d: %q over %q", n+1, w.Text, o.Text)
					}
				}
			}
			fonts, err := exec.CommandContext(t.Context(), "pdffonts", file).Output()
			require.NoError(t, err)
			for _, line := range strings.Split(strings.TrimSpace(string(fonts)), "\n")[2:] {
				require.Regexp(t, `Identity-H\s+yes\s+\w+\s+yes`, line, "embedded, with what its signs mean")
			}
			pictures(t, file, len(pages))
		})
	}
}

func text(words []word) string {
	var out []string
	for _, w := range words {
		out = append(out, w.Text)
	}
	return strings.Join(out, " ")
}

// pictures draws the pages: there is something on each, and nothing in the margins but
// the bar over the first.
func pictures(t *testing.T, file string, pages int) {
	t.Helper()
	dir := t.TempDir()
	const dpi = 60
	out, err := exec.CommandContext(t.Context(), "pdftoppm", "-r", fmt.Sprint(dpi), "-gray", file, filepath.Join(dir, "p")).CombinedOutput()
	require.NoError(t, err, string(out))
	files, err := filepath.Glob(filepath.Join(dir, "p*.pgm"))
	require.NoError(t, err)
	require.Len(t, files, pages)
	slices.Sort(files)
	for n, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		var wide, high, most int
		_, err = fmt.Sscanf(string(b[:20]), "P5\n%d %d\n%d", &wide, &high, &most)
		require.NoError(t, err)
		dots := b[len(b)-wide*high:]
		at := func(points float64) int { return int(points * dpi / 72) }
		ink := 0
		for y := range high {
			for x := range wide {
				if dots[y*wide+x] > 250 {
					continue
				}
				if y > at(30) && y < at(footTop) {
					ink++
				}
				if y < at(30) && n > 0 || y > at(12) && (x < at(marginX)-1 || x > at(pageWide-marginX)+1) || y > at(pageHigh-12) {
					t.Fatalf("page %d has something in its margin at %d, %d points", n+1, x*72/dpi, y*72/dpi)
				}
			}
		}
		require.Greater(t, ink, 500, "page %d is bare", n+1)
	}
}

// A name in any script is in the file as it was given: what a reader copies from the
// page, in the order of its letters, is the name. Only the short i of Devanagari, which
// is written before what it is spoken after, is found there.
func TestNamesAreReadBackFromThePDF(t *testing.T) {
	t.Parallel()
	r := asked(Moves, audit.PDF)
	b, _ := made(t, events(60), r)
	file := filepath.Join(t.TempDir(), "x.pdf")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	var tab Table
	for _, s := range documentOf(t, r, events(60)).Sections {
		if len(s.Tables) > 0 && s.Tables[0].Columns[0].Title == "Move" && tab.Columns == nil {
			tab = s.Tables[0]
		}
	}
	x := edges(tab)
	found := map[string]string{} // the cell of the tenant, by the move's short id
	for _, page := range pagesOf(t, file) {
		words, _ := body(page)
		at := strings.Index(text(words), titles(tab))
		if at < 0 {
			continue
		}
		var ids []word
		for _, w := range words {
			if w.Left < x[1] && len(w.Text) == 8 && w.Text != "Verified" {
				ids = append(ids, w)
			}
		}
		for i, id := range ids {
			end := footTop
			if i+1 < len(ids) {
				end = ids[i+1].Top
			}
			var cell []word
			for _, w := range words {
				if w.Left >= x[1] && w.Right <= x[2] && w.Top > id.Top-3 && w.Top < end-3 {
					cell = append(cell, w)
				}
			}
			found[id.Text] = text(cell)
		}
	}
	plain := func(s string) string {
		s = strings.NewReplacer("\u202a", "", "\u202b", "", "\u202c", "", "\u200e", "", "\u200f", "", "🏡", "‹U+1F3E1›").Replace(s)
		return norm.NFKC.String(s)
	}
	letters := func(s string) string {
		all := []rune(strings.ReplaceAll(plain(s), " ", ""))
		slices.Sort(all)
		return string(all)
	}
	all, err := exec.CommandContext(t.Context(), "pdftotext", "-raw", file, "-").Output()
	require.NoError(t, err)
	copied := plain(string(all))
	for _, m := range r.Moves {
		cell, there := found[m.ID[:8]]
		require.True(t, there, m.ID)
		require.Equal(t, letters(m.Label+"("+m.Tenant+")"), letters(cell), m.Label)
		for part := range strings.FieldsSeq(m.Label) {
			part = plain(strings.Trim(part, "()"))
			part = string(reordered([]rune(part)))
			require.Contains(t, copied, part, "%s: the letters of a word are in their order", m.Label)
		}
	}
}

// A table may begin anywhere on a page, and a row may be longer than one: the header
// comes with a row, and what does not fit goes on on the next page.
func TestATableBeginsAtTheFootOfAPage(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("why it was done, at length; ", 400))
	tab := Table{Columns: []Column{{Title: "Number", Weight: 1, Right: true}, {Title: "Reason", Weight: 4}}, Rows: 3, Each: rowsOf([][]Cell{{int64(1), "short"}, {int64(2), long}, {int64(3), "short"}})}
	for lines := 22; lines < 36; lines++ {
		d := &Document{Title: "Title", MadeAt: asked(Events, audit.PDF).At, Zone: asked(Events, audit.PDF).Zone, Sections: []Section{{
			Title: "Heading", Text: strings.TrimSpace(strings.Repeat("a line\n", lines)), Tables: []Table{tab},
		}}}
		file := filepath.Join(t.TempDir(), "x.pdf")
		f, err := os.Create(file)
		require.NoError(t, err)
		require.NoError(t, writePDF(f, d))
		require.NoError(t, f.Close())
		pages := pagesOf(t, file)
		require.Greater(t, len(pages), 3)
		read := 0
		for n, page := range pages {
			words, last := body(page)
			require.NotEqual(t, titles(tab), last, "page %d of %d lines ends with the header", n+1, lines)
			for _, w := range page {
				require.Less(t, w.Bottom, pageHigh-10, "page %d of %d lines: %q", n+1, lines, w.Text)
				require.False(t, w.Top < footTop && w.Bottom > pageHigh-38, "page %d of %d lines: %q lies in the foot", n+1, lines, w.Text)
			}
			read += strings.Count(text(words), "length;")
		}
		require.Equal(t, 400, read, "no word is lost")
	}
}
