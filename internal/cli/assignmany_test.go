package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// Many tenants are assigned at once: those without rows, each with its own event;
// one with rows stays and is named. A dry run says the same and changes nothing.
func TestManyTenantsAreAssignedAtOnce(t *testing.T) {
	t.Parallel()
	l := populated(t)
	for _, id := range []string{"11", "12", "13"} {
		l.tenant(id, "default", 1000, 0)
	}
	l.tenant("14", "shard_1", 14000, 0)
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "true")
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", l.dbs[0]))
	defer func() { _ = c.Close(context.Background()) }()
	_, err := c.Exec(t.Context(), "UPDATE pwb_websites SET demo_mode = id IN (11, 12), subdomain = CASE WHEN id = 13 THEN 'trial-13' ELSE subdomain END")
	require.NoError(t, err)
	status := func(v map[string]any) map[string]string {
		out := map[string]string{}
		for _, x := range v["tenants"].([]any) {
			one := x.(map[string]any)
			out[one["tenant"].(string)] = one["status"].(string)
			require.Equal(t, one["status"] == "refused", one["problem"] != nil, one)
			require.Equal(t, one["status"] == "assigned", one["audit_event"] != "", one)
		}
		return out
	}
	many := func(exit int, where string, more ...string) map[string]any {
		return l.json(exit, append([]string{"shards", "assign", "--where", where, "shard_1"}, more...)...)
	}

	before := l.all()
	v := many(3, "shard=default", "--dry-run")
	require.Equal(t, map[string]string{"7": "refused", "9": "would_assign", "11": "would_assign", "12": "would_assign", "13": "would_assign"}, status(v))
	require.EqualValues(t, 4, v["assigned"])
	require.Equal(t, "shard=default", v["where"])
	require.Equal(t, map[string]string{"11": "would_assign", "12": "would_assign"}, status(many(0, "demo=yes,shard=default", "--dry-run")))
	require.Equal(t, map[string]string{"13": "would_assign"}, status(many(0, "subdomain=TRIAL-*", "--dry-run")))
	require.Equal(t, map[string]string{"14": "already_there"}, status(many(0, "shard=shard_1", "--dry-run")))
	require.Equal(t, map[string]string{"11": "would_assign", "13": "would_assign"}, status(many(0, "tenant=11,tenant=trial-13", "--dry-run")))
	require.Equal(t, map[string]string{"11": "would_assign"}, status(many(0, "tenant=11,tenant=trial-13,demo=yes", "--dry-run")))
	l.unchanged("a chosen tenant that is not there", 3, "tenant_unknown", []string{"shards", "assign", "--where", "tenant=11,tenant=none", "shard_1", "--note", "x"}, []string{"shards", "assign", "--where", "tenant=14,shard=default", "shard_1", "--note", "x"})
	require.Empty(t, many(0, "subdomain=nobody-*", "--dry-run")["tenants"])
	require.Equal(t, "No tenant has subdomain=nobody-*.\n", l.ok("shards", "assign", "--where", "subdomain=nobody-*", "shard_1", "--dry-run"))
	alike(t, before, l.all(), "a dry run")

	assign := []string{"shards", "assign", "--where", "demo=yes", "shard_1", "--note", "demos live apart"}
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "false")
	l.unchanged("bulk is off", 3, "flag_off", assign)
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "true")
	l.unchanged("no reason", 3, "reason_missing", []string{"shards", "assign", "--where", "demo=yes", "shard_1"})
	for _, bad := range []string{"", "shard", "shard=", "colour=red", "shard=default,shard=default", "demo=perhaps", "subdomain=[a"} {
		l.unchanged("where "+bad, 2, "usage", []string{"shards", "assign", "--where", bad, "shard_1", "--note", "x"})
	}
	l.unchanged("a dry run of one", 2, "usage", []string{"shards", "assign", "9", "shard_1", "--dry-run"})
	l.unchanged("two arguments", 2, "usage", []string{"shards", "assign", "--where", "demo=yes", "9", "shard_1"})
	l.unchanged("an unknown shard", 3, "shard_unknown", []string{"shards", "assign", "--where", "demo=yes", "nowhere", "--note", "x"}, []string{"shards", "assign", "--where", "shard=nowhere", "shard_1", "--note", "x"})

	require.Equal(t, map[string]string{"11": "assigned", "12": "assigned"}, status(l.json(0, assign...)))
	for _, id := range []string{"11", "12"} {
		require.Equal(t, []int{1, 1, 1}, l.assigned(id))
	}
	require.Equal(t, map[string]string{"7": "refused", "9": "assigned", "13": "assigned"}, status(many(3, "shard=default", "--note", "all")))
	require.Equal(t, []int{0, 0, 0}, l.assigned("7"))
	r := l.run("shards", "assign", "--where", "shard=default", "shard_1", "--dry-run")
	require.Equal(t, 3, r.exit)
	fits(t, r.out)
	require.Contains(t, r.out, "0 of 1 tenants would be assigned to shard_1, 1 refused")
}

// In production one confirmation stands for all: the shard's name. A tenant's name
// would let that one through and end at the next.
func TestManyTenantsAreConfirmedByTheShard(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("9", "default", 9000, 0)
	l.tenant("11", "default", 11000, 0)
	l.json(0, "settings", "set", "SHARD_BULK_OPS_ENABLED", "true")
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(b, []byte("staging"), []byte("production"), 1), 0o600))
	assign := []string{"shards", "assign", "--where", "shard=default", "shard_1", "--note", "x", "--confirm"}
	for _, name := range []string{"sub9", "9", "11", "default"} {
		l.unchanged("confirmed by "+name, 3, "confirmation_missing", slices.Concat(assign, []string{name}))
	}
}

func TestTheSelectionReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"shard=a", "demo=no", "subdomain=x-*", "shard=a,demo=yes,subdomain=[ab]?*", "tenant=7", "shard=a,tenant=7,tenant=acme"} {
		w, err := session.ParseAssignWhere(text)
		require.NoError(t, err)
		require.Equal(t, text, w.String())
	}
	w, err := session.ParseAssignWhere(" demo=TRUE , shard=b ")
	require.NoError(t, err)
	require.Equal(t, "shard=b,demo=yes", w.String())
	require.False(t, strings.Contains(w.String(), " "))
}
