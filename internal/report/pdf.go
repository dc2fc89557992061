package report

import (
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"shardadmin/internal/figure"
)

// Sizes of the page in points: A4, lying.
const (
	pageWide, pageHigh = 841.89, 595.28
	marginX            = 42.0
	marginTop          = 54.0
	marginBottom       = 44.0
	inner              = pageWide - 2*marginX
	leading            = 1.36
)

type colour [3]int

// tone is a colour by its name; the page of the program has the same.
func tone(name string) colour {
	switch name {
	case "ok":
		return colour{0x12, 0x70, 0x33}
	case "bad":
		return colour{0xb8, 0x1c, 0x1c}
	case "warn":
		return colour{0x8a, 0x51, 0x00}
	case "warn2":
		return colour{0xc2, 0x76, 0x3b}
	case "off":
		return colour{0x9a, 0xa3, 0xb2}
	case "accent":
		return colour{0x3f, 0x51, 0xd6}
	case "accent2":
		return colour{0x8a, 0x5c, 0xd1}
	case "accent3":
		return colour{0x2f, 0x8f, 0x9d}
	case "muted":
		return colour{0x56, 0x60, 0x73}
	case "line":
		return colour{0xe3, 0xe6, 0xeb}
	case "band":
		return colour{0xf6, 0xf7, 0xf9}
	}
	return colour{0x1b, 0x21, 0x30}
}

// sheetOfPaper draws on a PDF.
type sheetOfPaper struct {
	pdf    *fpdf.Fpdf
	d      *Document
	types  *typefaces
	added  [faces]bool
	widths [faces]map[rune]float64
	y      float64
	cur    face
	size   float64
	ink    colour
	err    error
}

// allPages stands for the number of pages until it is known.
const allPages = "{nb}"

func writePDF(w io.Writer, d *Document) error {
	pdf, err := drawn(d)
	if err != nil {
		return err
	}
	return pdf.Output(w)
}

// newPaper is A4, lying, measured in points.
func newPaper() *fpdf.Fpdf {
	return fpdf.NewCustom(&fpdf.InitType{OrientationStr: "L", UnitStr: "pt", SizeStr: "A4"})
}

// drawn is the document on its pages.
func drawn(d *Document) (*fpdf.Fpdf, error) {
	p := &sheetOfPaper{pdf: newPaper(), d: d, types: &typefaces{}, cur: -1}
	pdf := p.pdf
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(d.MadeAt.UTC())
	pdf.SetModificationDate(d.MadeAt.UTC())
	pdf.SetMargins(marginX, marginTop, marginX)
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetTitle(strings.TrimSuffix(d.Title+": "+d.Subtitle, ": "), true)
	pdf.SetSubject(d.Statement, true)
	pdf.SetAuthor(d.Fleet, true)
	pdf.SetCreator("Shard Admin "+d.Program, true)
	pdf.SetProducer("Shard Admin "+d.Program, true)
	pdf.SetLang("en")
	pdf.AliasNbPages(allPages)
	pdf.SetFooterFunc(p.footer)
	p.cover()
	for _, s := range d.Sections {
		if err := p.section(s); err != nil {
			return nil, err
		}
	}
	return pdf, p.err
}

// use makes a face the current one.
func (p *sheetOfPaper) use(f face, size float64) {
	if f == p.cur && size == p.size {
		return
	}
	if !p.added[f] {
		t, err := p.types.of(f)
		if err != nil {
			p.err = err
			return
		}
		p.pdf.AddUTF8FontFromBytes(f.String(), "", t.bytes)
		p.added[f] = true
		p.widths[f] = map[rune]float64{}
	}
	p.pdf.SetFont(f.String(), "", size)
	p.cur, p.size = f, size
}

func (p *sheetOfPaper) colour(c colour) {
	if c != p.ink {
		p.pdf.SetTextColor(c[0], c[1], c[2])
		p.ink = c
	}
}

// width is that of a glyph at one point.
func (p *sheetOfPaper) width(g glyph) float64 {
	if g.r == isolate || g.r == endIsolate {
		return 0
	}
	if p.widths[g.f] != nil {
		if w, ok := p.widths[g.f][g.r]; ok {
			return w
		}
	}
	p.use(g.f, 1000)
	w := p.pdf.GetStringWidth(string(g.r)) / 1000
	if p.widths[g.f] != nil {
		p.widths[g.f][g.r] = w
	}
	return w
}

func (p *sheetOfPaper) measure(line []glyph) float64 {
	w := 0.0
	for _, g := range line {
		w += p.width(g)
	}
	return w
}

// lines breaks a text: at its own ends of lines, else at blanks, before Han and
// Kana, after / . @ - _ , ; and, where nothing else helps, anywhere.
func (p *sheetOfPaper) lines(text string, f face, size, wide float64) [][]glyph {
	var out [][]glyph
	var line []glyph
	room, used, blank, soft := wide/size, 0.0, -1, -1
	flush := func(n, skip int) {
		rest := append([]glyph(nil), line[min(n+skip, len(line)):]...)
		out = append(out, line[:n:n])
		line, used, blank, soft = rest, p.measure(rest), -1, -1
	}
	for _, g := range p.types.glyphs(text, f) {
		if g.r == '\n' {
			flush(len(line), 0)
			continue
		}
		w := p.width(g)
		for used+w > room && len(line) > 0 {
			switch {
			case g.r == ' ':
				flush(len(line), 0)
			case blank > 0:
				flush(blank-1, 1)
			case soft > 0:
				flush(soft, 0)
			default:
				flush(len(line), 0)
			}
		}
		if g.r == ' ' && len(line) == 0 && len(out) > 0 {
			continue
		}
		if g.f == cjk && len(line) > 0 {
			soft = len(line)
		}
		line = append(line, g)
		used += w
		if g.r == ' ' {
			blank = len(line)
		}
		if strings.ContainsRune("/.@-_,;", g.r) || g.f == cjk || g.f == thai {
			soft = len(line)
		}
	}
	return append(out, line)
}

// draw writes one line with its base at y.
func (p *sheetOfPaper) draw(line []glyph, x, y, size float64, c colour) {
	line = visual(line)
	p.colour(c)
	for i := 0; i < len(line); {
		j := i
		var b strings.Builder
		w := 0.0
		for j < len(line) && line[j].f == line[i].f {
			b.WriteRune(line[j].r)
			w += p.width(line[j])
			j++
		}
		p.use(line[i].f, size)
		p.pdf.Text(x, y, b.String())
		x += w * size
		i = j
	}
}

// text writes a line that fits, or as much of it as does with … at its end.
func (p *sheetOfPaper) text(s string, f face, size, x, y, wide float64, c colour, right bool) {
	line := p.types.glyphs(strings.ReplaceAll(s, "\n", " "), f)
	if p.measure(line)*size > wide {
		dots := p.types.glyphs("…", f)
		for len(line) > 0 && (p.measure(line)+p.measure(dots))*size > wide {
			line = line[:len(line)-1]
		}
		line = append(line, dots...)
	}
	if right {
		x += wide - p.measure(line)*size
	}
	p.draw(line, x, y, size, c)
}

// block writes a text over as many lines as it needs and moves down.
func (p *sheetOfPaper) block(s string, f face, size, x, wide float64, c colour) {
	for _, l := range p.lines(s, f, size, wide) {
		p.y += size * leading
		p.draw(l, x, p.y, size, c)
	}
}

func (p *sheetOfPaper) rect(x, y, w, h float64, c colour) {
	p.pdf.SetFillColor(c[0], c[1], c[2])
	p.pdf.Rect(x, y, w, h, "F")
}

func (p *sheetOfPaper) line(x1, y1, x2, y2 float64, c colour) {
	p.pdf.SetDrawColor(c[0], c[1], c[2])
	p.pdf.SetLineWidth(0.6)
	p.pdf.Line(x1, y1, x2, y2)
}

func (p *sheetOfPaper) page() {
	p.pdf.AddPage()
	p.cur, p.ink = -1, colour{-1}
	p.y = marginTop - 14
}

// left is the room down to the foot.
func (p *sheetOfPaper) left() float64 { return pageHigh - marginBottom - p.y }

func (p *sheetOfPaper) footer() {
	p.cur, p.ink = -1, colour{-1}
	y := pageHigh - 24
	p.line(marginX, y-14, pageWide-marginX, y-14, tone("line"))
	title := p.d.Fleet + "  ·  " + p.d.Title
	if p.d.Subtitle != "" {
		title += "  ·  " + p.d.Subtitle
	}
	p.text(title, regular, 8, marginX, y, inner*0.6, tone("muted"), false)
	made := p.d.MadeAt.In(p.d.Zone).Format("2006-01-02 15:04 MST")
	p.text(made, regular, 8, marginX+inner*0.6, y, inner*0.28, tone("muted"), true)
	// The last digit is kept free for what stands for the number of pages.
	x := pageWide - marginX - 66
	p.text(fmt.Sprintf("Page %d of ", p.pdf.PageNo()), regular, 8, x-20, y, 66, tone("muted"), true)
	p.use(regular, 8)
	p.pdf.Text(x+46, y, allPages)
	p.cur, p.ink = -1, colour{-1}
}

func (p *sheetOfPaper) cover() {
	p.pdf.AddPage()
	p.cur, p.ink = -1, colour{-1}
	p.rect(0, 0, pageWide, 9, tone("accent"))
	p.y = 62
	p.text(p.d.Fleet+"  ·  "+p.d.Environment, regular, 11, marginX, p.y, inner, tone("muted"), false)
	p.y += 8
	p.block(p.d.Title, semibold, 31, marginX, inner, tone(""))
	if p.d.Subtitle != "" {
		p.y += 4
		p.block(p.d.Subtitle, regular, 17, marginX, inner, tone("muted"))
	}
	p.y += 22
	strong, ground := tone("ok"), colour{0xe7, 0xf5, 0xec}
	if !p.d.Proven {
		strong, ground = tone("bad"), colour{0xfd, 0xec, 0xec}
	}
	lines := p.lines(p.d.Statement, semibold, 13, inner-36)
	high := float64(len(lines))*13*leading + 20
	p.rect(marginX, p.y, inner, high, ground)
	p.rect(marginX, p.y, 5, high, strong)
	foot := p.y + high
	p.y += 7
	for _, l := range lines {
		p.y += 13 * leading
		p.draw(l, marginX+20, p.y, 13, strong)
	}
	p.y = foot + 16
	for _, f := range p.d.Facts {
		size, face := 10.0, regular
		if f.Mono {
			size, face = 9, mono
		}
		lines := p.lines(f.Value, face, size, inner-140)
		if float64(len(lines))*size*leading+6 > p.left() {
			p.page()
		}
		top := p.y
		p.draw(p.types.glyphs(f.Name, regular), marginX, top+10*leading, 10, tone("muted"))
		for _, l := range lines {
			p.y += size * leading
			if size < 10 && p.y < top+10*leading {
				p.y = top + 10*leading
			}
			p.draw(l, marginX+140, p.y, size, tone(""))
		}
		p.y += 5
	}
}

func (p *sheetOfPaper) section(s Section) error {
	p.page()
	p.pdf.Bookmark(s.Title, 0, 0)
	p.block(s.Title, semibold, 18, marginX, inner, tone(""))
	if s.Text != "" {
		p.y += 2
		p.block(s.Text, regular, 9.5, marginX, inner*0.86, tone("muted"))
	}
	p.y += 14
	p.charts(s.Charts)
	for _, t := range s.Tables {
		if err := p.table(t); err != nil {
			return err
		}
	}
	return nil
}

// charts draws two beside each other.
func (p *sheetOfPaper) charts(all []Chart) {
	const gap, high = 20.0, 166.0
	wide := (inner - gap) / 2
	for i := 0; i < len(all); i += 2 {
		if p.left() < high {
			p.page()
			p.y += 6
		}
		for k := i; k < min(i+2, len(all)); k++ {
			p.chart(all[k], marginX+float64(k-i)*(wide+gap), p.y, wide, high-16)
		}
		p.y += high
	}
}

func (p *sheetOfPaper) chart(c Chart, x, y, wide, high float64) {
	p.pdf.SetDrawColor(0xe3, 0xe6, 0xeb)
	p.pdf.SetLineWidth(0.7)
	p.pdf.Rect(x, y, wide, high, "D")
	p.text(c.Title, semibold, 10, x+12, y+19, wide-24, tone(""), false)
	x, y, wide, high = x+12, y+30, wide-24, high-40
	top := max(c.max(), 1)
	if c.Lying {
		row := min(high/float64(len(c.Labels)), 20)
		label := wide * 0.36
		for i, l := range c.Labels {
			base := y + row*float64(i) + row*0.5
			p.text(l, regular, 8.5, x, base+3, label-8, tone(""), true)
			length := float64(c.sum(i)) / float64(top) * (wide - label - 46)
			p.rect(x+label, base-row*0.3, length, row*0.6, tone("accent"))
			p.text(figure.Number(c.sum(i)), regular, 8.5, x+label+length+6, base+3, 60, tone("muted"), false)
		}
		return
	}
	foot := 14.0
	legend := len(c.Series) > 0 && c.Series[0].Name != ""
	if legend {
		foot += 14
	}
	const left = 30.0
	plot := high - foot
	ticks, most := scale(top)
	for _, n := range ticks {
		ty := y + plot*(1-float64(n)/float64(most))
		p.line(x+left, ty, x+wide, ty, tone("line"))
		p.text(figure.Number(n), regular, 8, x, ty+2.5, left-6, tone("muted"), true)
	}
	step := (wide - left) / float64(len(c.Labels))
	every := max(1, (len(c.Labels)+8)/9)
	for i, l := range c.Labels {
		bx, by, bar := x+left+step*float64(i), y+plot, min(step*0.72, 34)
		for _, s := range c.Series {
			h := float64(s.Values[i]) / float64(most) * plot
			if h > 0 {
				by -= h
				p.rect(bx+(step-bar)/2, by, bar, h, tone(s.Tone))
			}
		}
		if i%every == 0 {
			line := p.types.glyphs(l, regular)
			p.draw(line, bx+step/2-p.measure(line)*8/2, y+plot+11, 8, tone("muted"))
		}
	}
	if legend {
		lx := x + left
		for _, s := range c.Series {
			p.rect(lx, y+high-8, 7, 7, tone(s.Tone))
			line := p.types.glyphs(s.Name, regular)
			p.draw(line, lx+11, y+high-1.5, 8, tone("muted"))
			lx += 11 + p.measure(line)*8 + 14
		}
	}
}

const (
	cellSize = 8.2
	cellPad  = 4.0
	rowPad   = 3.4
)

// table draws rows as they are read. The header stands on each page, never
// without a row; a row that does not fit goes to the next page, and one that
// fits on none goes on there.
func (p *sheetOfPaper) table(t Table) error {
	if t.Rows == 0 {
		p.block(t.None, regular, 10, marginX, inner, tone("muted"))
		return nil
	}
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Weight
	}
	xs, ws := make([]float64, len(t.Columns)), make([]float64, len(t.Columns))
	x := marginX
	for i, c := range t.Columns {
		xs[i], ws[i] = x, inner*c.Weight/sum
		x += ws[i]
	}
	const high = cellSize * leading
	head := func() {
		p.rect(marginX, p.y, inner, high+2*rowPad+2, tone("band"))
		base := p.y + rowPad + cellSize + 1
		for i, c := range t.Columns {
			p.text(c.Title, semibold, cellSize, xs[i]+cellPad, base, ws[i]-2*cellPad, tone("muted"), c.Right)
		}
		p.y += high + 2*rowPad + 2
		p.line(marginX, p.y, pageWide-marginX, p.y, tone("off"))
	}
	first := true
	return t.Each(func(row []Cell) error {
		cells := make([][][]glyph, len(row))
		n := 1
		for i, c := range row {
			f := regular
			if t.Columns[i].Mono {
				f = mono
			}
			cells[i] = p.lines(shown(c, p.d.Zone), f, cellSize, ws[i]-2*cellPad)
			n = max(n, len(cells[i]))
		}
		need := float64(n)*high + 2*rowPad
		if first && p.left() < 110 || !first && p.left() < need && (need < pageHigh*0.6 || p.left() < 80) {
			p.page()
			first = true
		}
		if first {
			head()
			first = false
		}
		for from := 0; from < n; {
			fit := max(1, int((p.left()-2*rowPad)/high))
			to := min(n, from+fit)
			for i, c := range t.Columns {
				for k := from; k < min(to, len(cells[i])); k++ {
					ink, line := tone(""), cells[i][k]
					if c.Key == "outcome" || c.Key == "state" {
						if ink = tone(toneOf(shown(row[i], p.d.Zone))); toneOf(shown(row[i], p.d.Zone)) == "off" {
							ink = tone("muted")
						}
					}
					if row[i] == nil {
						ink = tone("muted")
					}
					at := xs[i] + cellPad
					if c.Right {
						at = xs[i] + ws[i] - cellPad - p.measure(line)*cellSize
					}
					p.draw(line, at, p.y+rowPad+cellSize+float64(k-from)*high, cellSize, ink)
				}
			}
			p.y += float64(to-from)*high + 2*rowPad
			p.line(marginX, p.y, pageWide-marginX, p.y, tone("line"))
			if from = to; from < n {
				p.page()
				head()
			}
		}
		return p.err
	})
}
