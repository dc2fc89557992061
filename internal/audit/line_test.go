package audit

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A line that an export wrote is read the short way, and whatever is changed in it is
// judged as the long way does: another byte anywhere, and a field that comes twice.
func TestALineIsReadTheShortWayOnlyAsItWasWritten(t *testing.T) {
	t.Parallel()
	ref := refPrefix + "0123456789abcdef0123456789abcdef"
	p := NewPersons(Person{Ref: ref, Kind: PersonEmail, Value: "ann@example.com"})
	s := Sealed{
		Seq: 7, SealedUS: 3, EventID: "0190", OccurredUS: 1, RecordedUS: 2, DBUser: "ops", ClientAddr: "::1", AppName: "x", Persons: p,
		Body:      `{"action":"move.start","actor":"` + ref + `","details":{"sealed":{"sealed_us":1},"n":1.50,"who":"` + ref + `"},"phase":"intent","reason":"<\"späß\"> & \u2028","status":"begun","v":2,"via":"cli"}`,
		EventHash: Genesis(), PrevHash: Genesis(), Hash: Genesis(),
	}
	var out bytes.Buffer
	require.NoError(t, lineEncoder(&out).Encode(lineOf(s)))
	text := out.Bytes()
	got, ok := asWritten(text, p)
	require.True(t, ok, out.String())
	require.Equal(t, s, got)
	long := func(text []byte) string { // as readLine without the short way
		_, _, problem := readLine(append([]byte(" "), text...), p)
		return problem
	}
	require.Empty(t, long(text))
	check := func(changed []byte) {
		t.Helper()
		if _, ok := asWritten(changed, p); ok {
			require.True(t, json.Valid(changed))
			require.Empty(t, long(changed), string(changed))
		}
	}
	for i := range text {
		for _, b := range []byte{'0', '9', '"', ' ', 'x'} {
			changed := bytes.Clone(text)
			changed[i] = b
			check(changed)
		}
		check(append(bytes.Clone(text[:i]), text[i+1:]...))
	}
	changed := append(bytes.TrimSuffix(bytes.Clone(text), []byte("}\n")), `,"note":"excuse"}`+"\n"...)
	require.NotEmpty(t, long(changed))
	_, ok = asWritten(changed, p)
	require.False(t, ok, "the last of two counts")
	changed = bytes.Replace(text, []byte(`"note":"<`), []byte(`"note":">`), 1)
	require.NotEqual(t, text, changed)
	_, ok = asWritten(changed, p)
	require.False(t, ok, "what is shown differs")
}
