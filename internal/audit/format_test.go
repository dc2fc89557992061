package audit_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

func formatDocument(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit-format.md"))
	require.NoError(t, err)
	return text
}

func TestTheDocumentsHashesAreRight(t *testing.T) {
	t.Parallel()
	text := formatDocument(t)
	s := audit.Sealed{Seq: 1, SealedUS: 3, EventID: "00000000-0000-7000-8000-000000000001", OccurredUS: 1, RecordedUS: 2, DBUser: "ops", ClientAddr: "local", AppName: "x", Body: `{"v":1}`, PrevHash: audit.Genesis()}
	s.EventHash = s.WantEventHash()
	require.Contains(t, string(text), "`"+hex.EncodeToString(s.EventHash)+"`")
	require.Contains(t, string(text), "`"+hex.EncodeToString(s.WantHash())+"`")
	ref := regexp.MustCompile("`(person-[0-9a-f]{32})`").FindSubmatch(text)
	require.NotNil(t, ref)
	require.True(t, audit.Person{Ref: string(ref[1]), Value: "ann@example.com", Salt: bytes.Repeat([]byte("s"), 32)}.Fits())
}

// The program in the document was written from the document: it and this
// program have to agree on what is whole.
func TestTheDocumentsVerifierAgrees(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	require.NoError(t, err, "build/need test brings python3")
	code := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(formatDocument(t))
	require.NotNil(t, code)
	program := filepath.Join(t.TempDir(), "verify.py")
	require.NoError(t, os.WriteFile(program, code[1], 0o600))
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 5)
	did(t, c, trail, "bob@example.com", map[string]any{"to": "eve@example.com"})
	_, err = trail.Erase(t.Context(), trailtest.Permit(t, c, policy.AuditErase, "he asked"), "bob@example.com")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		f  audit.Filter
		ev audit.Evidence
	}{
		"whole": {audit.Filter{}, audit.Evidence{Key: key}}, "some": {audit.Filter{Tenant: "1"}, audit.Evidence{}},
		"proof": {audit.Filter{Tenant: "1"}, audit.Evidence{Proof: true}}, "newest": {audit.Filter{Limit: 2}, audit.Evidence{}}, "none": {audit.Filter{Actor: "x"}, audit.Evidence{}},
	} {
		path := exported(t, c, trail, audit.JSONL, tc.f, tc.ev)
		run := func(wants int) {
			out, err := exec.CommandContext(t.Context(), python, program, path).CombinedOutput()
			got := 0
			if err != nil {
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				got = exit.ExitCode()
			}
			require.Equal(t, wants, got, "%s: %s", name, out)
			require.Equal(t, wants == 0, verified(t, path, audit.FileOptions{}).OK, name)
		}
		run(0)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(data) == 0 {
			continue
		}
		require.NoError(t, os.WriteFile(path, bytes.Replace(data, []byte(`"db_user":"`), []byte(`"db_user":"x`), 1), 0o600))
		run(4)
		require.NoError(t, os.WriteFile(path, data[bytes.IndexByte(data, '\n')+1:], 0o600))
		run(4)
		require.NoError(t, os.Rename(path+".manifest.json", path+".manifest.away"))
		run(4)
		require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(data, []byte(`"ann@example.com"`), []byte(`"abe@example.com"`)), 0o600))
		run(4)
	}
}
