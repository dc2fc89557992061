package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A headline is what the whole event says, however its text is written.
func FuzzHeadline(f *testing.F) {
	for _, text := range []string{
		`{"action":"move.start","actor":"ann@example.com","after":{"a":[1,{"b":"}\\"}]},"reason":"why\n\"how\" \u00e9","status":"ok","v":1}`,
		`{}`, `{"Action":"x","action":"y"}`, `{"action":"y","ACTION":"x"}`, `{"action":null}`, `{"v":1.5,"action":"x"}`, `{"v":99999999999999999999}`, `{ "action":"x"}`, `{"action" :"x"}`, `{"action":"x"} `,
		`{"action":"x","action":"y"}`, `{"details":7}`, `{"details":{}}`, `{"before":"x"}`, `{"action":7}`, `[]`, `"x"`, `{"action":"x",`, "{\"action\":\"\xff\"}", `{"a":1,}`, `{"":1}`, `{"v":"1"}`, `{"v":-1}`, `{"action":"x"}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		slow, err := slowHeadline(text)
		if quick, ok := headline(text); ok {
			require.NoError(t, err)
			slow.Version = quick.Version
			require.Equal(t, slow, quick)
		}
		s := Sealed{Seq: 1, Body: text}
		if want := EventOf(s); want.Status != "unreadable" {
			want.Before, want.After, want.Details = nil, nil, nil
			require.Equal(t, want, HeadlineOf(s))
		}
	})
}

// A cell is written as encoding/csv writes it.
func FuzzCell(f *testing.F) {
	for _, text := range []string{"", " x", "\u00a0x", `\.`, `a"b`, "a,b", "a\r\nb", "\tx", `"`, "\xff", "=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want, got bytes.Buffer
		w := csv.NewWriter(&want)
		require.NoError(t, w.Write([]string{"a", text}))
		w.Flush()
		c := &csvLines{w: &got}
		c.cell(0, "a")
		c.cell(1, text)
		require.NoError(t, c.end())
		require.Equal(t, want.String(), got.String())
	})
}

// What an export holds is read back as it was, and no cell is a formula.
func FuzzExport(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0", "why\nand \"how\"", "a,b", `{"reason":"x","tenant":"7"}`)
	f.Add("+1", "\r\n-2", "@x", "{}")
	f.Add("\x00", "漢字", "\t=1", "no json")
	f.Fuzz(func(t *testing.T, user, app, id, text string) {
		b, err := canonical(map[string]any{"reason": app, "tenant": id, "actor": user, "details": map[string]any{"text": text}})
		require.NoError(t, err)
		for _, body := range []string{string(b), text} {
			s := Sealed{Seq: 3, SealedUS: 1, EventID: id, OccurredUS: 2, RecordedUS: 3, DBUser: user, AppName: app, Body: body, EventHash: []byte{1}, PrevHash: []byte{2}, Hash: []byte{3}}
			var table, lines bytes.Buffer
			for _, one := range []struct {
				to     *bytes.Buffer
				format Format
			}{{&table, CSV}, {&lines, JSONL}} {
				e, err := EventFile(one.format, Filter{}, Evidence{}).EventLines(one.to)
				require.NoError(t, err)
				require.NoError(t, e.Entry(Walked{Sealed: s, Selected: true}))
				require.NoError(t, e.End(t.Context(), nil, nil))
			}
			records, err := csv.NewReader(&table).ReadAll()
			require.NoError(t, err)
			require.Len(t, records, 2)
			require.Len(t, records[1], len(records[0]))
			for i, cell := range records[1] {
				for _, line := range strings.FieldsFunc(cell, func(r rune) bool { return r == '\n' || r == '\r' }) {
					require.NotContains(t, "=+-@\t", line[:1], "%s is %q", records[0][i], cell)
				}
			}
			var l Line
			require.Equal(t, 1, strings.Count(lines.String(), "\n"))
			require.NoError(t, json.Unmarshal(lines.Bytes(), &l))
			valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
			require.Equal(t, EventOf(s).Seq, l.Seq)
			if valid(body) == body {
				require.Equal(t, body, l.Sealed.Body)
			}
		}
	})
}
