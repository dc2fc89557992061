package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
