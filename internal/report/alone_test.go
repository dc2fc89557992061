package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
	"shardadmin/internal/report"
)

// headless builds the program without a window, static, as make build-headless does.
func headless(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "shard-admin-headless")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "headless", "-o", binary, "shardadmin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// On a machine that has the headless binary and the exported files and nothing else,
// the binary says by its exit code whether a file is what the trail gave out.
func TestTheHeadlessBinaryAloneVerifiesFiles(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 8)
	binary, dir, nowhere := headless(t), t.TempDir(), t.TempDir()
	verify := func(args ...string) (exit int, v map[string]any, text string) {
		t.Helper()
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, append([]string{"--json", "audit", "verify"}, args...)...)
		cmd.Dir = nowhere
		// No keychain, no agent, no PATH, no variable of PostgreSQL, no way to a network.
		cmd.Env = []string{"HOME=" + nowhere, "USERPROFILE=" + nowhere, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", "HTTPS_PROXY=http://127.0.0.1:1", "PGHOST=/nowhere"}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			require.NoError(t, err)
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &v), "%s%s", out.String(), errs.String())
		return cmd.ProcessState.ExitCode(), v, out.String()
	}
	for _, format := range audit.Formats() {
		file := filepath.Join(dir, "trail."+string(format))
		_, err := report.File(t.Context(), trail, trailtest.Permit(t, c, policy.AuditExport, "for the auditor"), file, report.Request{
			Kind: report.Events, Format: format, Evidence: audit.Evidence{Key: key, Proof: format == audit.JSONL},
		})
		require.NoError(t, err)
		exit, v, text := verify("--file", file)
		require.Equal(t, 0, exit, text)
		require.Equal(t, true, v["ok"])
		exit, _, text = verify("--file", file, "--key", key.Public)
		require.Equal(t, 0, exit, text)
		for _, part := range []string{"", ".manifest.json", ".manifest.sig"} {
			whole, err := os.ReadFile(file + part)
			require.NoError(t, err)
			changed := bytes.Clone(whole)
			changed[len(changed)/2] ^= 1
			require.NoError(t, os.WriteFile(file+part, changed, 0o600))
			exit, v, text = verify("--file", file, "--key", key.Public)
			require.Equal(t, 4, exit, "%s%s was changed: %s", format, part, text)
			require.Equal(t, false, v["ok"])
			require.NoError(t, os.WriteFile(file+part, whole, 0o600))
		}
	}

	// A line less, with the manifest as it was and with one that was made to fit.
	file := filepath.Join(dir, "trail.jsonl")
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(whole), "\n")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(lines[:3:3], lines[4:]...), "")), 0o600))
	exit, v, text := verify("--file", file, "--key", key.Public)
	require.Equal(t, 4, exit, text)
	require.NotEmpty(t, v["findings"])
	require.NoError(t, os.WriteFile(file, whole, 0o600))

	// Somebody else's key, and files that are not there.
	_, other, err := audit.NewSigningKey("bob@example.com")
	require.NoError(t, err)
	exit, _, text = verify("--file", file, "--key", other.Public)
	require.Equal(t, 4, exit, text)
	exit, _, text = verify("--file", filepath.Join(dir, "none.jsonl"))
	require.Equal(t, 1, exit, text)
	require.NoError(t, os.Remove(file+".manifest.json"))
	exit, _, text = verify("--file", file, "--key", key.Public)
	require.Equal(t, 4, exit, text)
}
