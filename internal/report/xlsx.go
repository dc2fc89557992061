package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"shardadmin/internal/figure"
)

const (
	// A sheet of a workbook ends at 1,048,576 rows; the header is one of them.
	sheetRows = 1_048_575
	// cellText is how many characters a cell of a workbook may hold.
	cellText = 32_767
)

// writeXLSX writes a workbook: the first page, then a sheet for each table,
// whose rows pass through one by one. Text is stored as text, so nothing in it
// is a formula.
func writeXLSX(w io.Writer, d *Document) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	st, err := newStyles(f)
	if err != nil {
		return err
	}
	made := d.MadeAt.UTC().Format(time.RFC3339)
	if err := f.SetDocProps(&excelize.DocProperties{Title: d.Title, Subject: d.Fleet, Creator: "Shard Admin " + d.Program, LastModifiedBy: "Shard Admin", Created: made, Modified: made}); err != nil {
		return err
	}
	if err := writeCoverSheet(f, d, st); err != nil {
		return err
	}
	for _, s := range d.Sections {
		for _, t := range s.Tables {
			if err := writeSheets(f, d, s.Title, t, st); err != nil {
				return err
			}
		}
	}
	return f.Write(w)
}

type styles struct{ title, sub, head, name, text, mono, date, number, bad int }

func newStyles(f *excelize.File) (styles, error) {
	var s styles
	when, amount := "yyyy-mm-dd hh:mm:ss", "#,##0"
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	for _, x := range []struct {
		to *int
		is excelize.Style
	}{
		{&s.title, excelize.Style{Font: &excelize.Font{Size: 20, Bold: true, Color: "1B2130"}}},
		{&s.sub, excelize.Style{Font: &excelize.Font{Size: 12, Color: "127033", Bold: true}, Alignment: top}},
		{&s.bad, excelize.Style{Font: &excelize.Font{Size: 12, Color: "B81C1C", Bold: true}, Alignment: top}},
		{&s.head, excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"3F51D6"}}, Alignment: &excelize.Alignment{Vertical: "center"}}},
		{&s.name, excelize.Style{Font: &excelize.Font{Color: "566073"}, Alignment: top}},
		{&s.text, excelize.Style{Alignment: top}},
		{&s.mono, excelize.Style{Font: &excelize.Font{Family: "Consolas", Size: 9}, Alignment: top}},
		{&s.date, excelize.Style{CustomNumFmt: &when, Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left"}}},
		{&s.number, excelize.Style{CustomNumFmt: &amount, Alignment: &excelize.Alignment{Vertical: "top"}}},
	} {
		id, err := f.NewStyle(&x.is)
		if err != nil {
			return s, err
		}
		*x.to = id
	}
	return s, nil
}

func writeCoverSheet(f *excelize.File, d *Document, st styles) error {
	const sheet = "Report"
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	if err := printable(f, sheet); err != nil {
		return err
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := w.SetColWidth(1, 1, 22); err != nil {
		return err
	}
	if err := w.SetColWidth(2, 2, 90); err != nil {
		return err
	}
	title := d.Title
	if d.Subtitle != "" {
		title += ": " + d.Subtitle
	}
	said := st.sub
	if !d.Proven {
		said = st.bad
	}
	rows := [][]any{{excelize.Cell{StyleID: st.title, Value: title}}, {excelize.Cell{StyleID: said, Value: d.Statement}}, {}}
	for _, x := range d.Facts {
		value := excelize.Cell{StyleID: st.text, Value: fitted(x.Value)}
		if x.Mono {
			value.StyleID = st.mono
		}
		rows = append(rows, []any{excelize.Cell{StyleID: st.name, Value: x.Name}, value})
	}
	for _, s := range d.Sections {
		rows = append(rows, []any{}, []any{excelize.Cell{StyleID: st.name, Value: s.Title}, excelize.Cell{StyleID: st.text, Value: s.Text}})
		for _, c := range s.Charts {
			for i, l := range c.Labels {
				if n := c.sum(i); n > 0 {
					rows = append(rows, []any{excelize.Cell{StyleID: st.name, Value: c.Title}, excelize.Cell{StyleID: st.text, Value: l + ": " + figure.Number(n)}})
				}
			}
		}
	}
	for i, row := range rows {
		var opts []excelize.RowOpts
		if i < 2 {
			opts = append(opts, excelize.RowOpts{Height: []float64{34, 24}[i]})
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row, opts...); err != nil {
			return err
		}
	}
	// The title and what is claimed run over both columns.
	for _, r := range []string{"1", "2"} {
		if err := w.MergeCell("A"+r, "B"+r); err != nil {
			return err
		}
	}
	return w.Flush()
}

// printable lays a sheet across and as wide as the paper.
func printable(f *excelize.File, name string) error {
	across, wide, high, fit, a4 := "landscape", 1, 0, true, 9
	if err := f.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &across, FitToWidth: &wide, FitToHeight: &high, Size: &a4}); err != nil {
		return err
	}
	return f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit})
}

// sheet is the one that is being written; the next begins when it is full.
type sheet struct {
	f    *excelize.File
	d    *Document
	t    Table
	st   styles
	name string
	n    int // of sheets
	w    *excelize.StreamWriter
	row  int
}

func writeSheets(f *excelize.File, d *Document, name string, t Table, st styles) error {
	s := &sheet{f: f, d: d, t: t, st: st, name: name}
	if err := s.begin(); err != nil {
		return err
	}
	if err := t.Each(s.add); err != nil {
		return err
	}
	return s.end()
}

func (s *sheet) begin() error {
	s.n++
	name := s.name
	if s.n > 1 {
		name = fmt.Sprintf("%s %d", s.name, s.n)
	}
	if _, err := s.f.NewSheet(name); err != nil {
		return err
	}
	err := printable(s.f, name)
	if err != nil {
		return err
	}
	if s.w, err = s.f.NewStreamWriter(name); err != nil {
		return err
	}
	head := make([]any, len(s.t.Columns))
	for i, c := range s.t.Columns {
		width := min(max(c.Weight*1.6, 9), 60)
		if c.Mono {
			width = max(width, 12)
		}
		if err := s.w.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
		title := c.Title
		if strings.HasSuffix(c.Key, "_ms") {
			title += " (ms)"
		} else if c.Key == "bytes" {
			title += " (bytes)"
		}
		if c.Key == "at" || c.Key == "filed_at" {
			title += " (" + s.d.Zone.String() + ")"
			if err := s.w.SetColWidth(i+1, i+1, 20); err != nil {
				return err
			}
		}
		head[i] = excelize.Cell{StyleID: s.st.head, Value: title}
	}
	if err := s.w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	s.row = 1
	return s.w.SetRow("A1", head, excelize.RowOpts{Height: 20})
}

func (s *sheet) add(row []Cell) error {
	if s.row > sheetRows {
		if err := s.w.Flush(); err != nil {
			return err
		}
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.row++
	cells := make([]any, len(row))
	for i, c := range row {
		x := excelize.Cell{StyleID: s.st.text, Value: c}
		switch v := c.(type) {
		case nil:
			x.Value = "unknown"
		case int64:
			x.StyleID = s.st.number
		case Size:
			x.StyleID, x.Value = s.st.number, int64(v)
		case time.Duration:
			x.StyleID, x.Value = s.st.number, v.Milliseconds()
		case time.Time:
			// A workbook knows no zones: the wall clock of the report's is written.
			l := v.In(s.d.Zone)
			x.StyleID, x.Value = s.st.date, time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
		case bool:
			x.Value = shown(v, s.d.Zone)
		case string:
			x.Value = fitted(v)
			if s.t.Columns[i].Mono {
				x.StyleID = s.st.mono
			}
		}
		cells[i] = x
	}
	return s.w.SetRow(fmt.Sprintf("A%d", s.row), cells)
}

func (s *sheet) end() error {
	if s.row == 1 {
		return s.w.Flush()
	}
	last, err := excelize.CoordinatesToCellName(len(s.t.Columns), s.row)
	if err != nil {
		return err
	}
	if err := s.w.Flush(); err != nil {
		return err
	}
	name := s.name
	if s.n > 1 {
		name = fmt.Sprintf("%s %d", s.name, s.n)
	}
	return s.f.AutoFilter(name, "A1:"+last, nil)
}

// fitted says that a text was cut where a cell cannot hold it, and drops what
// XML cannot hold.
func fitted(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	n := utf8.RuneCountInString(text)
	if n <= cellText {
		return text
	}
	note := fmt.Sprintf(" … cut: %s characters, the CSV and JSON lines have all", figure.Number(int64(n)))
	return string([]rune(text)[:cellText-utf8.RuneCountInString(note)-1]) + note
}
