package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

// byName is another spelling of a database's address.
func byName(url string) string { return strings.Replace(url, "@127.0.0.1:", "@localhost:", 1) }

// One database by two names: the check finds it however the address is
// written, and nothing takes the tenant's row in control for a shard's copy,
// which an assignment would write over and the end of a move would delete.
func TestOneDatabaseByTwoNames(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 1)
	f.tenant("8", "shard_1", 8000, 1)
	f.rowless("9")
	f.exec(0, "UPDATE pwb_websites SET shard_name = 'shard_1' WHERE id = 9")
	f.exec(1, "INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at) VALUES (9, 'e9', 'e9', 'shard_1', now(), now())")
	check, err := s.Check(t.Context())
	require.NoError(t, err)
	require.True(t, check.OK, "%+v", check)

	control, one := f.fleet.Control.URL, f.fleet.Shards[1].Endpoint.URL
	f.fleet.Shards = []fleet.Shard{
		{Name: "default", Endpoint: fleet.Endpoint{URL: byName(control)}},
		{Name: "shard_1", Endpoint: fleet.Endpoint{URL: one}},
		{Name: "twin", Endpoint: fleet.Endpoint{URL: byName(one)}},
		{Name: "again", Endpoint: fleet.Endpoint{URL: one + "&connect_timeout=3"}},
	}
	s = f.open()
	check, err = s.Check(t.Context())
	require.NoError(t, err)
	require.False(t, check.OK)
	same := map[string]string{}
	for _, d := range check.Databases {
		same[d.Name] = d.SameAs
		if d.SameAs != "" {
			said := strings.Join(d.Warnings, "\n")
			require.Equal(t, 1, strings.Count(said, "this is the same database as"), said)
			require.Contains(t, said, "this is the same database as "+d.SameAs)
			require.Equal(t, d.SameAs == "control", strings.Contains(said, `database = "control"`), said)
		}
	}
	require.Equal(t, map[string]string{"control": "", "default": "control", "shard_1": "", "twin": "shard_1", "again": "shard_1"}, same)

	before := f.text(0, "SELECT string_agg(x::text, ' ' ORDER BY id) FROM pwb_websites x")
	for _, c := range []struct{ tenant, to, check string }{
		{"7", "shard_1", "control database"}, {"8", "default", "control database"}, {"8", "twin", "two databases"},
	} {
		p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: c.tenant, Target: c.to})
		require.NoError(t, err)
		require.True(t, p.Blocked)
		found := session.Check{}
		for _, x := range p.Checks {
			if x.Name == c.check {
				found = x
			}
		}
		require.Equal(t, "blocker", found.Status, "%s to %s: %+v", c.tenant, c.to, p.Checks)
		require.NotEmpty(t, found.Fix)
		_, err = s.StartMove(t.Context(), session.MoveRequest{Tenant: c.tenant, Target: c.to, Note: "test"})
		require.True(t, fault.Refused(err), "%v", err)
	}
	for _, stay := range []bool{false, true} {
		_, err = s.Assign(t.Context(), session.AssignRequest{Tenant: "9", Shard: "default", RowsStay: stay, Note: "test"})
		require.Equal(t, fault.SameDatabase, fault.CodeOf(err), "%v", err)
		require.Contains(t, fault.HintOf(err), `database = "control"`)
	}
	require.Equal(t, before, f.text(0, "SELECT string_agg(x::text, ' ' ORDER BY id) FROM pwb_websites x"))
}
