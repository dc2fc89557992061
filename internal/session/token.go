package session

import (
	"context"
	"errors"
	"os"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

const (
	// tokenVariable holds the token of the monitoring API.
	tokenVariable = "SHARD_API_TOKEN"
	// leastToken is how short a token may be, in bytes: it is all that keeps others
	// out.
	leastToken = 24
)

// APIToken returns what opens the monitoring API: SHARD_API_TOKEN, else what the
// keychain holds as api-token. Errors: credential_missing, and those of a keychain.
func (s *Session) APIToken(ctx context.Context) (credential.Secret, error) {
	t, _, err := s.apiToken(ctx)
	return t, err
}

func (s *Session) apiToken(ctx context.Context) (credential.Secret, credential.Source, error) {
	env := s.cfg.Env
	if env == nil {
		env = os.Getenv
	}
	t, from := credential.NewSecret(env(tokenVariable)), credential.FromEnvironment
	if t.Empty() {
		c, err := s.keychain.Get(ctx, s.cfg.Fleet.Name, fleet.APICredential)
		if err != nil && !errors.Is(err, credential.ErrNotFound) && fault.CodeOf(err) != fault.CredentialMissing && fault.CodeOf(err) != fault.KeychainAbsent {
			return credential.Secret{}, credential.FromNowhere, err
		}
		t, from = c.Password, s.keychain.Source()
	}
	const hint = "make one, such as with openssl rand -hex 32, and give it as " + tokenVariable + " or keep it: shard-admin fleet credential set " + fleet.APICredential
	switch {
	case t.Empty():
		return t, credential.FromNowhere, fault.New(fault.CredentialMissing, "the monitoring API has no token", hint)
	case len(t.Reveal()) < leastToken:
		return credential.Secret{}, from, fault.Newf(fault.CredentialMissing, hint, "the token of the monitoring API is shorter than %d characters", leastToken)
	}
	return t, from, nil
}
