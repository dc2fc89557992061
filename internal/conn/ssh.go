package conn

import (
	"context"
	"time"

	"shardadmin/internal/conn/tunnel"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
)

// SSH returns the SSH hosts through which the database is reached, as the fleet
// file has them; empty where it is reached without.
func (d *Database) SSH() string { return d.endpoint.SSH }

// Way returns the SSH hosts as ssh's configuration resolves them, with the
// fingerprints of those that are connected; none where the database is reached
// without. It dials nothing; its error is ssh_config_invalid.
func (d *Database) Way() ([]tunnel.Hop, error) {
	if d.endpoint.SSH == "" {
		return nil, nil
	}
	return d.set.bastions.Way(d.endpoint.SSH)
}

// UnknownHost goes the way to the database until an SSH host shows a key that
// nobody has accepted; nil where there is none. The database itself is not
// asked. Errors are those of a connection to an SSH host.
func (d *Database) UnknownHost(ctx context.Context) (*tunnel.HostKey, error) {
	if d.endpoint.SSH == "" {
		return nil, nil //nolint:nilnil // no unknown key is an answer
	}
	k, err := d.set.bastions.Unknown(ctx, d.endpoint.SSH)
	return k, Fault(err, d.name)
}

// Trust writes a host's key to the file of known hosts.
func (s *Set) Trust(k *tunnel.HostKey) error { return s.bastions.Trust(k) }

// patience is the limit of one attempt to connect: an SSH host on the way has
// its own, because logging in there takes many round trips.
func (d *Database) patience() time.Duration {
	return d.set.opt.ConnectTimeout + d.WayLimit()
}

// WayLimit is how much longer than others the first connection to the database
// may take; zero where it is reached without SSH.
func (d *Database) WayLimit() time.Duration {
	if d.endpoint.SSH == "" {
		return 0
	}
	return tunnel.Limit
}

// passphrase is that of the operator's SSH keys: one credential of the fleet.
func (s *Set) passphrase(ctx context.Context, _ string) (credential.Secret, error) {
	c, _, err := s.opt.Resolver.Resolve(ctx, s.fleet.Name, fleet.SSHCredential, credential.Endpoint{})
	return c.Password, err
}
