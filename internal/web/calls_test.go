package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/web"
)

func TestCallsThatAreNone(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{}).enter()
	for _, c := range []struct {
		method, args string
		want         int
	}{
		{"Shell/Nothing", "[]", 404},
		{"App/Stop", "[]", 404},
		{"Shell/info", "[]", 404},
		{"Shell/Info", "", 400},
		{"Shell/Info", "{}", 400},
		{"Shell/Info", "[1]", 400},
		{"Shell/Info", "[] []", 400},
		{"Shell/UseFleet", "[]", 400},
		{"Shell/UseFleet", "[7]", 400},
		{"Shell/UseFleet", `["` + strings.Repeat("a", 2<<20) + `"]`, 413},
		{"Shell/Info", "[]", 200},
		{"Shell/Info", " [ ] ", 200},
	} {
		status, text, _ := p.call(c.method, c.args)
		require.Equal(t, c.want, status, "%s %.20s: %s", c.method, c.args, text)
		var e struct{ Code, Message, Hint *string }
		require.NoError(t, json.Unmarshal([]byte(text), &e))
		require.Equal(t, c.want != 200, e.Code != nil && e.Message != nil && e.Hint != nil, text)
	}
	status, _, _ := p.do(http.MethodGet, "/bindings/Shell/Info", "", nil)
	require.NotEqual(t, http.StatusOK, status)
	status, _, _ = p.do(http.MethodPost, "/bindings/Shell/Info", "[]", map[string]string{"Origin": p.base, "Content-Type": "text/plain"})
	require.Equal(t, http.StatusUnsupportedMediaType, status, "a form of another site can send text/plain")
}

func FuzzArguments(f *testing.F) {
	p := serve(f, web.Options{}).enter()
	for _, seed := range []string{"[]", `["a"]`, `[{"text":"production:\n"}]`, `[null]`, "[", `[{"text":1}]`, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, args string) {
		q := *p
		q.t = t
		status, text, _ := q.call("Settings/TestFleet", args)
		require.True(t, json.Valid([]byte(text)), "%d %s", status, text)
		require.NotContains(t, text, "not foresee")
	})
}
