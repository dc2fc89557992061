package credential

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgpassfile"

	"shardadmin/internal/fault"
)

// Source says where a credential was found.
type Source string

// The sources, in the order in which they are asked.
const (
	FromKeychain    Source = "keychain"
	FromVault       Source = "vault" // in the keychain's place
	FromEnvironment Source = "environment"
	FromPassFile    Source = "password file"
	FromNowhere     Source = "none"
)

// Endpoint is what a password file is asked for.
type Endpoint struct {
	Host, Database, User string
	Port                 int
}

// Resolver finds the credential of a database.
type Resolver interface {
	Resolve(ctx context.Context, fleet, name string, at Endpoint) (Credential, Source, error)
}

// Chain asks the store, then the environment, then the password file.
type Chain struct {
	// Store is the keychain when nil.
	Store Store
	// Env looks up a variable; os.Getenv when nil.
	Env func(string) string
	// NoKeychain leaves the store out, for machines that have none.
	NoKeychain bool
}

// Variable is the environment variable that holds a credential's password.
func Variable(fleet, name string) string {
	return "SHARD_ADMIN_PASSWORD_" + upper(fleet) + "_" + upper(name)
}

func upper(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, s)
}

// Resolve returns the first credential found. A store that is locked is an
// error only when nothing else has the password; through a socket it is one
// only where the server asks for a password, for most trust who comes that way.
func (c Chain) Resolve(ctx context.Context, fleet, name string, at Endpoint) (Credential, Source, error) {
	env := c.Env
	if env == nil {
		env = os.Getenv
	}
	store := c.Store
	if store == nil {
		store = Keychain{}
	}
	var keychain error
	if !c.NoKeychain {
		cred, err := store.Get(ctx, fleet, name)
		if err == nil {
			if cred.User == "" {
				cred.User = at.User
			}
			return cred, store.Source(), nil
		}
		if ctx.Err() != nil {
			return Credential{}, FromNowhere, ctx.Err()
		}
		if !errors.Is(err, ErrNotFound) {
			keychain = err
		}
	}
	if p := env(Variable(fleet, name)); p != "" {
		return Credential{User: at.User, Password: NewSecret(p)}, FromEnvironment, nil
	}
	// What is no database's, the password file does not have.
	if p, ok := passFile(env, at); ok && at.Host != "" {
		return Credential{User: at.User, Password: NewSecret(p)}, FromPassFile, nil
	}
	if closed(keychain) && !strings.HasPrefix(at.Host, "/") {
		return Credential{}, FromNowhere, keychain
	}
	if keychain == nil {
		keychain = fault.Newf(fault.CredentialMissing, "shard-admin --fleet "+fleet+" fleet credential set "+name+" keeps one; "+Variable(fleet, name)+" and ~/.pgpass serve where there is no keychain",
			"neither %s, environment nor password file has the credential %s of fleet %s", store.Source(), name, fleet)
	}
	// The server may need no password: trust, peer and certificates are
	// found out by connecting.
	return Credential{User: at.User, Lacking: keychain}, FromNowhere, nil
}

func passFile(env func(string) string, at Endpoint) (string, bool) {
	path := env("PGPASSFILE")
	if path == "" {
		folder, file := env("HOME"), ".pgpass"
		if runtime.GOOS == "windows" {
			folder, file = env("APPDATA"), filepath.Join("postgresql", "pgpass.conf")
		}
		if folder == "" {
			return "", false
		}
		path = filepath.Join(folder, file)
	}
	// libpq refuses a file that others may read, and so do we.
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || (runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0) {
		return "", false
	}
	f, err := pgpassfile.ReadPassfile(path)
	if err != nil {
		return "", false
	}
	host := at.Host
	if strings.HasPrefix(host, "/") {
		host = "localhost" // so libpq calls a socket
	}
	p := f.FindPassword(host, strconv.Itoa(at.Port), at.Database, at.User)
	return p, p != ""
}
