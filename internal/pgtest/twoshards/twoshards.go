//go:build unix

// Package twoshards opens two databases as the shards of a fleet, for tests of
// what a move does between them.
package twoshards

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// Pair is the shards here, in the control database, and there, with the map of
// a schema whose tenants are the rows of owners and whose other tables carry
// owner_id.
type Pair struct {
	Here, There       *conn.Database
	HereURL, ThereURL string
	Map               *tenancy.Map
}

type noPassword struct{}

func (noPassword) Resolve(_ context.Context, _, _ string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: at.User}, credential.FromNowhere, nil
}

// Open makes both databases, each with its own SQL on two servers; every table
// must be classified. The profile may say more.
func Open(t *testing.T, here, there string, more ...func(*tenancy.Profile)) *Pair {
	t.Helper()
	return OpenWithin(t, 0, here, there, more...)
}

// OpenWithin is Open with pools that end statements after limit.
func OpenWithin(t *testing.T, limit time.Duration, here, there string, more ...func(*tenancy.Profile)) *Pair {
	t.Helper()
	p := &Pair{
		HereURL:  pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, here)),
		ThereURL: pgtest.Server(t, 1).URL("", pgtest.Database(t, 1, there)),
	}
	f := &fleet.Fleet{Name: "f", Environment: fleet.Development, Shards: []fleet.Shard{{Name: "here", InControl: true}, {Name: "there"}}}
	f.Control.URL, f.Shards[1].Endpoint.URL = p.HereURL, p.ThereURL
	set := conn.Open(f, conn.Options{Resolver: noPassword{}, StatementTimeout: limit})
	t.Cleanup(set.Close)
	s, err := structure.Read(t.Context(), pgtest.Connect(t, p.HereURL), nil)
	require.NoError(t, err)
	profile := &tenancy.Profile{Name: "p", Tenants: tenancy.Tenants{Table: "owners", Key: "id", Labels: []string{"id"}}, TenantColumns: []string{"owner_id"}, Pointer: "owners.shard", Follows: tenancy.FollowsTrue}
	for _, say := range more {
		say(profile)
	}
	p.Map, err = tenancy.BuildMap(s, profile)
	require.NoError(t, err)
	require.Zero(t, p.Map.Unclassified)
	p.Here, err = set.Shard("here")
	require.NoError(t, err)
	p.There, err = set.Shard("there")
	require.NoError(t, err)
	return p
}
