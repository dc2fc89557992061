package session

import (
	"context"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// ProposeProfile reads a schema that nobody has described and proposes
// a profile for a person to accept, with notes on what it rests on.
func ProposeProfile(ctx context.Context, url string, r credential.Resolver, tenants string) ([]byte, []string, error) {
	f := &fleet.Fleet{Name: "profile", Environment: fleet.Development, Control: fleet.Endpoint{URL: url}, Shards: []fleet.Shard{{Name: "default", InControl: true}}}
	set := conn.Open(f, conn.Options{Resolver: r, MaxConns: 2})
	defer set.Close()
	pool, err := set.Control().Pool(ctx)
	if err != nil {
		return nil, nil, err
	}
	schema, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return nil, nil, conn.Fault(err, "the database")
	}
	p, notes, err := tenancy.Propose(schema, tenants)
	if err != nil {
		return nil, notes, err
	}
	text, err := p.Marshal()
	return text, notes, err
}
