package session

import (
	"context"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
)

func propose(ctx context.Context, db *conn.Database, tenants string) ([]byte, []string, error) {
	return nil, nil, fault.New(fault.Internal, "soon", "")
}
