package home

import (
	"context"

	"shardadmin/internal/credential"
)

// Resolver finds credentials in keychain, environment and password file, and
// keeps every password that it finds out of the log.
func (h *Home) Resolver() credential.Resolver {
	return hiding{chain: credential.Chain{Env: h.env}, home: h}
}

type hiding struct {
	chain credential.Chain
	home  *Home
}

// Resolve asks the chain.
func (r hiding) Resolve(ctx context.Context, fleet, name string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	c, from, err := r.chain.Resolve(ctx, fleet, name, at)
	r.home.Hide(c.Password)
	return c, from, err
}
