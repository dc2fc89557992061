package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
	"shardadmin/internal/report"
)

// Every form has its manifest beside it, for its owner alone, and is itself
// recorded. What lines and cells hold is tried with the trail's own export.
func TestEveryFormHasItsManifest(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 7)
	for _, format := range audit.Formats() {
		path := filepath.Join(t.TempDir(), "trail."+string(format))
		m, err := report.File(t.Context(), trail, trailtest.Permit(t, c, policy.AuditExport, "for the auditor"), path, report.Request{Kind: report.Events, Format: format, Filter: audit.Filter{Action: "tenant"}})
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, hex.EncodeToString(sum[:]), m.SHA256)
		var stored audit.Manifest
		text, err := os.ReadFile(path + ".manifest.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &stored))
		require.Equal(t, m, stored)
		require.EqualValues(t, []any{int64(10), int64(1), int64(10), true}, []any{m.Count, m.FirstSeq, m.LastSeq, m.ChainOK})
		require.Equal(t, "test", m.Fleet)
		for _, f := range []string{path, path + ".manifest.json"} {
			info, err := os.Stat(f)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
	}
	exports, err := trail.List(t.Context(), audit.Filter{Action: "audit.export"})
	require.NoError(t, err)
	require.Len(t, exports, 2*len(audit.Formats()), "an export is itself recorded")
	require.Equal(t, "ok", exports[0].Status)
	_, err = report.File(t.Context(), trail, trailtest.Permit(t, c, policy.AuditExport, "x"), filepath.Join(t.TempDir(), "no", "such", "folder.pdf"), report.Request{Kind: report.Events, Format: audit.PDF})
	require.NotEmpty(t, fault.HintOf(err))
	after, err := trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "failed", after[0].Status)
	_, err = report.Write(t.Context(), trail, &bytes.Buffer{}, report.Request{Kind: report.Events, Format: "xml"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	var b bytes.Buffer
	m, err := report.Write(t.Context(), trail, &b, report.Request{Kind: report.Events, Format: audit.JSONL, Filter: audit.Filter{Action: "tenant", Limit: 2}})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 9, 10}, []int64{m.Count, m.FirstSeq, m.LastSeq}, "the newest with a limit")
}

// Every form of every kind is verified with nothing but what lies on the disk,
// and one byte that is another is found.
func TestEveryFileVerifiesAlone(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 6)
	kinds := []report.Kind{report.Events}
	for _, a := range report.Kinds() {
		kinds = append(kinds, a.Kind)
	}
	dir := t.TempDir()
	for _, kind := range kinds {
		for _, format := range audit.Formats() {
			r := report.Request{Kind: kind, Format: format, Evidence: audit.Evidence{Key: key}}
			switch {
			case kind == report.Moves && format == audit.OCSF:
				continue
			case kind == report.Tenant:
				r.Filter.Tenant = "1"
			case kind == report.Operator:
				r.Filter.Actor = "ann@example.com"
			case kind == report.Moves:
				r.Moves = []report.Move{{ID: "0192f0a0-0000-7000-8000-000000000001", Tenant: "1", Source: "default", Target: "shard_1", State: "planned"}}
			case kind == report.Failed:
				r.Evidence.Proof = format == audit.JSONL
			}
			name := string(kind) + "." + string(format)
			path := filepath.Join(dir, name)
			m, err := report.File(t.Context(), trail, trailtest.Permit(t, c, policy.AuditExport, "for the auditor"), path, r)
			require.NoError(t, err, name)
			require.Contains(t, m.Statement, "chain verified at", name)
			require.NotEmpty(t, m.Program)
			v, err := audit.VerifyFile(t.Context(), path, audit.FileOptions{})
			require.NoError(t, err)
			require.True(t, v.OK, "%s: %v", name, v.Findings)
			require.Equal(t, key.Public, v.SignedBy, name)
			require.Equal(t, format == audit.JSONL && kind != report.Moves, v.Chain, name)
			if v.Chain {
				require.Equal(t, m.Count, v.Events, name)
			}
			v, err = audit.VerifyFile(t.Context(), path, audit.FileOptions{Public: []string{key.Public}})
			require.NoError(t, err)
			require.True(t, v.OK, "%s: %v", name, v.Findings)
			require.Equal(t, audit.TrustGiven, v.Trust)
			for _, part := range []string{"", ".manifest.json", ".manifest.sig"} {
				whole, err := os.ReadFile(path + part)
				require.NoError(t, err)
				if len(whole) == 0 {
					continue // no event, so no line
				}
				changed := bytes.Clone(whole)
				changed[len(changed)/2] ^= 1
				require.NoError(t, os.WriteFile(path+part, changed, 0o600))
				v, err = audit.VerifyFile(t.Context(), path, audit.FileOptions{Public: []string{key.Public}})
				require.NoError(t, err)
				require.False(t, v.OK, "%s%s was changed and nothing was found", name, part)
				require.NoError(t, os.WriteFile(path+part, whole, 0o600))
			}
		}
	}
	_, err := report.File(t.Context(), trail, trailtest.Permit(t, c, policy.AuditExport, "x"), filepath.Join(dir, "f"), report.Request{Kind: report.Events, Format: audit.PDF, Evidence: audit.Evidence{Proof: true}})
	require.Equal(t, fault.Usage, fault.CodeOf(err), "pages hold no proof")
}
