//go:build unix

package session_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
)

// A tenant's rows are counted on any shard, wherever it lives.
func TestATenantsRowsAreCountedOnAnyShard(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	tenant := f.On("shard_1")[0]
	id := strconv.Itoa(tenant.ID)
	here, err := f.Session.TenantOn(t.Context(), "shard_1", id)
	require.NoError(t, err)
	whole, err := f.Session.Tenant(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, whole.Tables, here.Tables)
	require.Equal(t, whole.Rows, here.Rows)
	require.Equal(t, whole.Bytes, here.Bytes)
	require.Positive(t, here.Rows)
	require.Equal(t, "shard_1", here.Pointer)

	there, err := f.Session.TenantOn(t.Context(), "default", id)
	require.NoError(t, err)
	require.Equal(t, "shard_1", there.Pointer)
	rows := map[string]int64{}
	for _, x := range there.Tables {
		rows[x.Table] = x.Rows
	}
	c := f.Super("default")
	var messages int64
	require.NoError(t, c.QueryRow(t.Context(), "SELECT count(*) FROM pwb_messages WHERE website_id = $1::text::bigint", id).Scan(&messages))
	require.Equal(t, messages, rows["pwb_messages"])
	require.Less(t, there.Rows, here.Rows)

	_, err = f.Session.TenantOn(t.Context(), "nowhere", id)
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
	_, err = f.Session.TenantOn(t.Context(), "default", "no-such-tenant")
	require.Equal(t, fault.TenantUnknown, fault.CodeOf(err))
}
