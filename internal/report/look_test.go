package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"shardadmin/internal/audit"
)

func TestTextIsOrderedAndJoined(t *testing.T) {
	t.Parallel()
	types := &typefaces{}
	drawn := func(text string) string {
		var b strings.Builder
		for _, g := range visual(types.glyphs(text, regular)) {
			b.WriteRune(g.r)
		}
		return b.String()
	}
	for in, want := range map[string]string{
		"plain (text)":                   "plain (text)",
		"שלום":                           "םולש",
		"מגדל 12":                        "12 לדגמ",
		"to מגדל 12":                     "to 12 לדגמ",
		"(שלום)":                         "(םולש)",
		"سلام":                           "\uFEE1\uFEFC\uFEB3", // seen, lam with alef at the end, meem alone
		"بيت":                            "\uFE96\uFEF4\uFE91",
		"ب":                              "\uFE8F",
		"لا":                             "\uFEFB",
		"می\u200cخواهم":                  "\uFEE2\uFEEB\uFE8D\uFEEE\uFEA7\uFBFD\uFEE3", // the joiner parts the words and shows nothing
		"東京":                             "東京",
		"ไทย":                            "ไทย",
		"a🏡🏡b":                           "a‹U+1F3E1 U+1F3E1›b",
		"க":                              "‹U+0B95›",
		"निगम":                           "िनगम",       // the short i stands before its consonant,
		"स्थिति":                         "िस्थित",     // before all that it is spoken after,
		"ज़िद कि":                        "िज़द िक",    // and before the dot below
		"a\u202eb":                       "a‹U+202E›b", // nobody turns a line around unseen
		"x " + isolated("שלום") + " (1)": "x םולש (1)",
	} {
		require.Equal(t, want, drawn(in), "%q", in)
	}
	for _, r := range "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءآأإؤئپچژگکی" {
		l, ok := arabicLetter(r)
		require.True(t, ok, "%c", r)
		for i := range rune(l.forms) {
			require.True(t, types.covers(arabic, l.isolated+i), "%c has no form %d", r, i)
		}
	}
}

func TestNoLineIsWiderThanItsColumn(t *testing.T) {
	t.Parallel()
	p := &sheetOfPaper{pdf: newPaper(), types: &typefaces{}, cur: -1}
	for _, text := range append(names(), "a b", strings.Repeat("m", 200), strings.Repeat("東", 90), "2026-09-01 10:37:00", "one two  three", "\n\n", "ends with a blank ") {
		for _, wide := range []float64{20, 61.5, 300} {
			lines := p.lines(text, regular, 8.2, wide)
			var all strings.Builder
			for _, l := range lines {
				require.LessOrEqual(t, p.measure(l)*8.2, wide+0.01, "%q at %g", text, wide)
				for _, g := range l {
					all.WriteRune(g.r)
				}
			}
			var want strings.Builder
			for _, g := range p.types.glyphs(text, regular) {
				want.WriteRune(g.r)
			}
			blank := regexp.MustCompile(`\s`)
			require.Equal(t, blank.ReplaceAllString(want.String(), ""), blank.ReplaceAllString(all.String(), ""), "nothing is lost")
		}
	}
}

func TestPageRefersToNothingOutside(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Events, Moves, Tenant} {
		b, _ := made(t, events(200), asked(k, audit.HTML))
		page := string(b)
		for _, bad := range []string{"<script", "src=", "<link", "@import", "url(", "<iframe", "<img", "javascript:"} {
			require.NotContains(t, page, bad)
		}
		require.NotRegexp(t, `href=|action=`, page)
		require.Contains(t, page, `default-src 'none'`)
		require.NotContains(t, page, "…</td>", "no cell is cut")
	}
}

func TestTextFromTheTrailIsNeverMarkup(t *testing.T) {
	t.Parallel()
	r := asked(Tenant, audit.HTML)
	r.TenantLabel = `<script>alert(1)</script>`
	r.Moves[0].Target = `"><img src=x onerror=alert(1)>`
	b, _ := made(t, events(60), r)
	require.NotContains(t, string(b), "<script")
	require.NotContains(t, string(b), "<img")
	require.Contains(t, string(b), "&lt;script&gt;")
}

func TestWorkbookHoldsNoFormulaAndSaysWhatItCuts(t *testing.T) {
	t.Parallel()
	b, _ := made(t, events(60), asked(Events, audit.XLSX))
	f, err := excelize.OpenReader(bytes.NewReader(b))
	require.NoError(t, err)
	defer f.Close()
	rows, err := f.GetRows("Events")
	require.NoError(t, err)
	require.Len(t, rows, 61)
	found := false
	for i := range rows {
		for k := range rows[i] {
			cell, err := excelize.CoordinatesToCellName(k+1, i+1)
			require.NoError(t, err)
			formula, err := f.GetCellFormula("Events", cell)
			require.NoError(t, err)
			require.Empty(t, formula)
			found = found || strings.HasPrefix(rows[i][k], "=HYPERLINK")
		}
	}
	require.True(t, found, "the text is there as text")
	long := fitted(strings.Repeat("é", 40_000))
	require.LessOrEqual(t, len([]rune(long)), cellText)
	require.Contains(t, long, "cut: 40,000 characters")
	require.Equal(t, "a\uFFFDb", fitted("a\x00b"))
}

func TestWorkbookOpensInLibreOffice(t *testing.T) {
	t.Parallel()
	office, err := exec.LookPath("soffice")
	require.NoError(t, err, "LibreOffice is needed: build/need test brings it")
	dir := t.TempDir()
	b, _ := made(t, events(60), asked(Moves, audit.XLSX))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "moves.xlsx"), b, 0o600))
	out, err := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", "--outdir", dir, filepath.Join(dir, "moves.xlsx")).CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(filepath.Join(dir, "moves-Moves.csv"))
	require.NoError(t, err)
	require.Contains(t, string(text), "東京不動産株式会社")
	require.Len(t, strings.Split(strings.TrimSpace(string(text)), "\n"), 25)
}

func TestPictureOfThePDF(t *testing.T) {
	t.Parallel()
	poppler, err := exec.LookPath("pdftotext")
	require.NoError(t, err, "poppler is needed: build/need test brings it")
	dir := t.TempDir()
	b, _ := made(t, events(300), asked(Events, audit.PDF))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.pdf"), b, 0o600))
	out, err := exec.CommandContext(t.Context(), poppler, "-layout", filepath.Join(dir, "x.pdf"), "-").Output()
	require.NoError(t, err)
	pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
	require.Greater(t, len(pages), 10)
	for i, page := range pages {
		require.Regexp(t, `Page \d+ of \d+`, page, "page %d", i+1)
		// A header stands over a row, or it is not there.
		if strings.Contains(page, "What changed") {
			require.Regexp(t, `2026-\d\d-\d\d`, page[strings.Index(page, "What changed"):], "page %d", i+1)
		}
	}
	require.Contains(t, string(out), "300 of 300 events of the period, chain verified")
}
