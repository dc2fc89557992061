package session

import (
	"context"
	"time"

	"shardadmin/internal/conn"
	"shardadmin/internal/conn/tunnel"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// HostKey is the key of an SSH host that nobody has accepted yet.
type HostKey struct {
	Database    string `json:"database"`
	Host        string `json:"host"`
	KeyType     string `json:"key_type"`
	Fingerprint string `json:"fingerprint"`
	File        string `json:"file"`
	// Way is every SSH host on the way to the database, in its order.
	Way []SSHHop `json:"way"`

	key *tunnel.HostKey
}

// UnknownHost goes the way to a database, control or a shard, until an SSH host
// shows a key that nobody has accepted; nil where there is none. It returns
// not_found for a database that is reached without SSH, else errors of the way.
func (s *Session) UnknownHost(ctx context.Context, database string) (*HostKey, error) {
	db := s.set.Control()
	if database != fleet.ControlName {
		var err error
		if db, err = s.set.Shard(database); err != nil {
			return nil, err
		}
	}
	if db.SSH() == "" {
		return nil, fault.Newf(fault.NotFound, `ssh = "user@bastion" in the fleet file is the way through an SSH host`, "%s is reached without an SSH host", database)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*tunnel.Limit)
	defer cancel()
	k, err := db.UnknownHost(ctx)
	if err != nil || k == nil {
		return nil, err
	}
	return &HostKey{Database: database, Host: k.Host, KeyType: k.KeyType, Fingerprint: k.Fingerprint, File: k.File, Way: waysOf(db), key: k}, nil
}

// TrustHost accepts a key that UnknownHost returned: the operator has compared
// its fingerprint.
func (s *Session) TrustHost(k *HostKey) error { return s.set.Trust(k.key) }

// AcceptHost goes the way to a database as UnknownHost does, and accepts the key
// that is found there if it has the fingerprint that the operator has compared. It
// returns the next unknown key on the way, nil where every host is known. A host
// that shows another key than the compared one is ssh_host_key_unknown, and nothing
// is accepted.
func (s *Session) AcceptHost(ctx context.Context, database, fingerprint string) (*HostKey, error) {
	k, err := s.UnknownHost(ctx, database)
	if err != nil || k == nil {
		return nil, err
	}
	if k.Fingerprint != fingerprint {
		return nil, fault.Newf(fault.SSHHostUnknown, "look at the key again and compare it anew with what whoever runs the host says",
			"the SSH host %s now shows the key %s (%s), which is not the one that was compared; nothing was accepted", k.Host, k.Fingerprint, k.KeyType)
	}
	if err := s.TrustHost(k); err != nil {
		return nil, err
	}
	return s.UnknownHost(ctx, database)
}

// waysOf lists the SSH hosts of a database; none where they cannot be told,
// which is what the check's problem is then about.
func waysOf(db *conn.Database) []SSHHop {
	out := []SSHHop{}
	hops, err := db.Way()
	if err != nil {
		return out
	}
	for _, h := range hops {
		x := SSHHop{User: h.User, Host: h.Host, Port: h.Port}
		if h.Fingerprint != "" {
			x.Fingerprint = &h.Fingerprint
		}
		out = append(out, x)
	}
	return out
}

// tryKeys logs in to every SSH host of the fleet with a passphrase.
func (s *Session) tryKeys(ctx context.Context, dbs []*conn.Database, r credential.Resolver) (CredentialTest, error) {
	out := CredentialTest{Name: fleet.SSHCredential, OK: true}
	_, from, err := r.Resolve(ctx, s.cfg.Fleet.Name, fleet.SSHCredential, credential.Endpoint{})
	out.Source = string(from)
	for _, db := range dbs {
		if err != nil {
			break
		}
		limited, cancel := context.WithTimeout(ctx, 4*tunnel.Limit+time.Second)
		var k *tunnel.HostKey
		if k, err = db.UnknownHost(limited); err == nil && k != nil {
			err = fault.Newf(fault.SSHHostUnknown, "shard-admin --fleet "+s.cfg.Fleet.Name+" fleet trust "+db.Name()+" shows it and asks", "nobody has accepted the key of the SSH host %s yet: %s (%s)", k.Host, k.Fingerprint, k.KeyType)
		}
		cancel()
	}
	if err != nil {
		out.OK, out.Problem = false, problem(err)
		out.Problem.Safe = triedKept
	}
	return out, nil
}
