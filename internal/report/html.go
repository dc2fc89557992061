package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"shardadmin/internal/audit"
	"shardadmin/internal/figure"
)

//go:embed page.html
var page string

// writeHTML writes one file that refers to nothing outside itself and runs
// nothing.
func writeHTML(w io.Writer, d *Document) error {
	var failed error
	funcs := template.FuncMap{
		"chart": func(c Chart) template.HTML { return chartSVG(c) },
		"count": figure.Number,
		"when":  func(c Cell) string { return shown(c, d.Zone) },
		"rows": func(t Table) func(func([]shownCell) bool) {
			return func(yield func([]shownCell) bool) {
				stop := fmt.Errorf("stopped")
				err := t.Each(func(row []Cell) error {
					out := make([]shownCell, len(row))
					for i, c := range row {
						out[i] = shownCell{Text: shown(c, d.Zone), Class: class(t.Columns[i], c)}
					}
					if !yield(out) {
						return stop
					}
					return nil
				})
				if err != nil && failed == nil {
					failed = err
				}
			}
		},
		"class": func(c Column) string { return class(c, "") },
		"id":    func(i int) string { return fmt.Sprintf("s%d", i+1) },
	}
	t, err := template.New("page").Funcs(funcs).Parse(page)
	if err != nil {
		return err
	}
	if err := t.Execute(w, d); err != nil {
		return err
	}
	return failed
}

type shownCell struct{ Text, Class string }

// class names how a cell looks.
func class(c Column, value Cell) string {
	var out []string
	if c.Mono {
		out = append(out, "mono")
	}
	if c.Right {
		out = append(out, "num")
	}
	if c.Key == "outcome" || c.Key == "state" {
		out = append(out, "tone-"+toneOf(shown(value, nil)))
	}
	if c.Key == "at" || c.Key == "filed_at" {
		out = append(out, "when")
	}
	return strings.Join(out, " ")
}

// toneOf is the colour of an outcome or a state.
func toneOf(word string) string {
	switch word {
	case "ok", "finalized", "retained":
		return "ok"
	case "failed":
		return "bad"
	case "refused", "rolled back", audit.Interrupted:
		return "warn"
	}
	return "off"
}

// chartSVG draws a chart with the page's own colours. Every bar's value is
// written beside it or, where bars are many, said in the description.
func chartSVG(c Chart) template.HTML {
	var b bytes.Buffer
	esc := template.HTMLEscapeString
	top := max(c.max(), 1)
	if c.Lying {
		const row, left, wide = 26, 190, 640
		fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, wide, row*len(c.Labels)+4, esc(c.describe()))
		for i, l := range c.Labels {
			y := i * row
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" class="lab">%s</text>`, left-10, y+17, esc(short(l, 28)))
			length := float64(c.sum(i)) / float64(top) * (wide - left - 70)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="16" rx="2" class="t-accent"/>`, left, y+4, length)
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" class="val">%s</text>`, left+length+8, y+17, figure.Number(c.sum(i)))
		}
		b.WriteString(`</svg>`)
		return template.HTML(b.String()) //nolint:gosec // every text in it was escaped
	}
	const wide, high, left, foot = 640, 200, 44, 26
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, wide, high+foot, esc(c.describe()))
	ticks, most := scale(top)
	for _, n := range ticks {
		y := 10 + (high-10)*(1-float64(n)/float64(most))
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/><text x="%d" y="%.1f" text-anchor="end" class="val">%s</text>`, left, wide, y, y, left-8, y+4, figure.Number(n))
	}
	step := float64(wide-left) / float64(len(c.Labels))
	every := max(1, (len(c.Labels)+10)/11)
	for i, l := range c.Labels {
		x, y := float64(left)+step*float64(i), float64(high)
		bar := min(step*0.72, 46)
		for _, s := range c.Series {
			h := float64(s.Values[i]) / float64(most) * (high - 10)
			if h == 0 {
				continue
			}
			y -= h
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="t-%s"/>`, x+(step-bar)/2, y, bar, h, s.Tone)
		}
		if i%every == 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" class="lab">%s</text>`, x+step/2, high+18, esc(l))
		}
	}
	b.WriteString(`</svg>`)
	if len(c.Series) > 0 && c.Series[0].Name != "" {
		b.WriteString(`<p class="legend">`)
		for _, s := range c.Series {
			fmt.Fprintf(&b, `<span><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2" class="t-%s"/></svg>%s</span>`, s.Tone, esc(s.Name))
		}
		b.WriteString(`</p>`)
	}
	return template.HTML(b.String()) //nolint:gosec // every text in it was escaped
}

// short cuts a label where a chart has no room for it, and shows that it did.
func short(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}

// scale returns round values for the lines of a chart, and the highest.
func scale(top int64) (ticks []int64, most int64) {
	step := int64(1)
	for step*4 < top {
		switch {
		case step*2*4 >= top:
			step *= 2
		case step*5*4 >= top:
			step *= 5
		default:
			step *= 10
		}
	}
	for n := int64(0); ; n += step {
		ticks = append(ticks, n)
		if n >= top {
			return ticks, n
		}
	}
}
