package saved_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit/saved"
	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shard-admin.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAFilterIsKeptUnderItsName(t *testing.T) {
	t.Parallel()
	s := open(t)
	f, other := saved.New(s, "alpha"), saved.New(s, "beta")
	list, err := f.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)

	made, err := f.Save(t.Context(), " failed moves ", `{"since":"30d"}`, false)
	require.NoError(t, err)
	require.Equal(t, "failed moves", made.Name)
	require.WithinDuration(t, time.Now(), made.MadeAt, time.Minute)
	_, err = f.Save(t.Context(), "Bulk", `{}`, false)
	require.NoError(t, err)
	_, err = other.Save(t.Context(), "failed moves", `{"since":"1h"}`, false)
	require.NoError(t, err, "another fleet's is another one")

	have, err := f.Get(t.Context(), "FAILED moves")
	require.NoError(t, err)
	require.Equal(t, made, have)
	list, err = f.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []string{"Bulk", "failed moves"}, []string{list[0].Name, list[1].Name})

	_, err = f.Save(t.Context(), "Failed Moves", `{"since":"7d"}`, false)
	require.Equal(t, fault.FilterExists, fault.CodeOf(err))
	require.Equal(t, 3, fault.Exit(err))
	have, err = f.Get(t.Context(), "failed moves")
	require.NoError(t, err)
	require.Equal(t, made, have, "a refusal changes nothing")
	again, err := f.Save(t.Context(), "Failed Moves", `{"since":"7d"}`, true)
	require.NoError(t, err)
	have, err = f.Get(t.Context(), "failed moves")
	require.NoError(t, err)
	require.Equal(t, again, have)

	gone, err := f.Remove(t.Context(), "failed moves")
	require.NoError(t, err)
	require.Equal(t, again, gone)
	for _, ask := range []func() (saved.Filter, error){
		func() (saved.Filter, error) { return f.Get(t.Context(), "failed moves") },
		func() (saved.Filter, error) { return f.Remove(t.Context(), "failed moves") },
	} {
		_, err = ask()
		require.Equal(t, fault.FilterUnknown, fault.CodeOf(err))
		require.ErrorContains(t, err, "alpha")
		require.NotEmpty(t, fault.HintOf(err))
	}
	_, err = other.Get(t.Context(), "failed moves")
	require.NoError(t, err)
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	f := saved.New(open(t), "alpha")
	for _, name := range []string{"", "  ", "two\nlines", "a\x1b[31m", "\xff", "-x", strings.Repeat("ü", 61)} {
		_, err := f.Save(t.Context(), name, `{}`, true)
		require.Equal(t, fault.FilterInvalid, fault.CodeOf(err), "%q", name)
		require.Equal(t, 2, fault.Exit(err))
	}
	for _, name := range []string{"ü", "a - b", strings.Repeat("ü", 60), "Größe 7 / März"} {
		_, err := f.Save(t.Context(), name, `{}`, false)
		require.NoError(t, err, "%q", name)
	}
}
