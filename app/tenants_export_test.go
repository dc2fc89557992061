package app

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

func TestExportWhatTheListShows(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	a, r := start(t, Options{Home: f.Home})
	tenants := &Tenants{a}
	r.saveAs = filepath.Join(t.TempDir(), "tenants.csv")
	one := f.On("shard_1")[0].ID
	_, err := f.Super(f.Shards[0]).Exec(t.Context(), "UPDATE pwb_websites SET company_display_name = '=1+1' WHERE id = $1", one)
	require.NoError(t, err)

	request := TenantExportRequest{
		Filter:  session.TenantFilter{Shard: "shard_1", Sort: "-size", Full: true},
		Columns: []string{"id", "label", "title", "shard", "rows", "field.site_type"},
	}
	shown, err := tenants.List(request.Filter)
	require.NoError(t, err)
	out, err := tenants.Export(request)
	require.NoError(t, err)
	require.Equal(t, TenantExport{Path: r.saveAs, Rows: shown.Total}, out)
	lines := readCSV(t, out.Path)
	require.Equal(t, []string{"id", "label", "title", "shard", "rows", "site_type"}, lines[0])
	require.Len(t, lines, out.Rows+1)
	found := false
	for _, l := range lines[1:] {
		require.Equal(t, "shard_1", l[3])
		require.NotEmpty(t, l[4])
		if found = found || l[2] == "'=1+1"; found {
			continue
		}
		require.NotEqual(t, '=', rune(l[2][0]), "a spreadsheet must not compute it")
	}
	require.True(t, found)

	request.IDs = []string{lines[2][0]}
	out, err = tenants.Export(request)
	require.NoError(t, err)
	require.Equal(t, 1, out.Rows)
	require.Equal(t, lines[2], readCSV(t, out.Path)[1])

	request.Columns = []string{"password"}
	_, err = tenants.Export(request)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	request.Columns = nil
	_, err = tenants.Export(request)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
}

// What fails half way leaves neither half a list nor an older one changed.
func TestAnExportThatFailsLeavesNoFile(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	folder := t.TempDir()
	path := filepath.Join(folder, "tenants.csv")
	require.NoError(t, os.WriteFile(path, []byte("older"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := exportTenants(ctx, f.Session, path, TenantExportRequest{Columns: []string{"id"}})
	require.Error(t, err)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "older", string(text))
}

func readCSV(t testing.TB, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	return lines
}
