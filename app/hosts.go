package app

import (
	"context"

	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// HostRequest names a database that is reached through SSH hosts.
type HostRequest struct {
	// Fleet is one of this computer. New or Import describes one instead that is
	// not kept yet.
	Fleet  string              `json:"fleet"`
	New    *AddFleetRequest    `json:"new"`
	Import *ImportFleetRequest `json:"import"`
	// Database is control or a shard.
	Database string `json:"database"`
}

// HostKey is the key of an SSH host that nobody has accepted yet.
type HostKey struct {
	Host        string `json:"host"`
	KeyType     string `json:"key_type"`
	Fingerprint string `json:"fingerprint"`
	// File is where the key is written once it is accepted.
	File string `json:"file"`
	// Way is every SSH host on the way to the database, in its order.
	Way []session.SSHHop `json:"way"`
}

// HostKeys is how it stands with the SSH hosts on the way to a database.
type HostKeys struct {
	Database string `json:"database"`
	// Unknown is the first key on the way that nobody has accepted; null where every
	// host is known.
	Unknown *HostKey `json:"unknown"`
}

// UnknownHost goes the way to a database until an SSH host shows a key that nobody
// has accepted. It accepts nothing. A changed key is an error, as everywhere.
func (s *Settings) UnknownHost(r HostRequest) (HostKeys, error) {
	v, err := s.onTheWay(r, func(ctx context.Context, e *session.Session) (*session.HostKey, error) {
		return e.UnknownHost(ctx, r.Database)
	})
	return v, looked(err)
}

// TrustHost accepts the key of an SSH host whose fingerprint a person has compared,
// and returns the next one on the way.
func (s *Settings) TrustHost(r HostRequest, fingerprint string) (HostKeys, error) {
	return s.onTheWay(r, func(ctx context.Context, e *session.Session) (*session.HostKey, error) {
		return e.AcceptHost(ctx, r.Database, fingerprint)
	})
}

func (s *Settings) onTheWay(r HostRequest, do func(context.Context, *session.Session) (*session.HostKey, error)) (HostKeys, error) {
	return answer(s.app, short, func(ctx context.Context) (HostKeys, error) {
		e, err := s.app.sessionOf(ctx, r)
		if err != nil {
			return HostKeys{}, err
		}
		defer e.Close()
		k, err := do(ctx, e)
		if err != nil {
			return HostKeys{}, err
		}
		out := HostKeys{Database: r.Database}
		if k != nil {
			out.Unknown = &HostKey{Host: k.Host, KeyType: k.KeyType, Fingerprint: k.Fingerprint, File: k.File, Way: k.Way}
		}
		return out, nil
	})
}

// sessionOf opens the fleet that a request names or describes.
func (a *App) sessionOf(ctx context.Context, r HostRequest) (*session.Session, error) {
	switch {
	case r.New != nil:
		f, secrets, err := a.described(*r.New)
		if err != nil {
			return nil, err
		}
		return a.unkept(f, secrets)
	case r.Import != nil:
		result, err := a.imported(*r.Import)
		if err != nil {
			return nil, err
		}
		return a.unkept(result.Fleet, result.Credentials)
	default:
		return a.home.Session(ctx, r.Fleet, home.SessionOptions{Source: a.mode})
	}
}
