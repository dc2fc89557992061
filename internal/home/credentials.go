package home

import (
	"context"
	"path/filepath"
	"runtime"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

const (
	fileOfVault = "vault.age"
	// vaultPatience is how long a writer waits for another one, who takes a second
	// or two to encrypt.
	vaultPatience = 30 * time.Second
)

// Resolver finds credentials in keychain or vault, environment and password file,
// and keeps every password that it finds out of the log.
func (h *Home) Resolver() credential.Resolver {
	return hiding{chain: credential.Chain{Store: h.Credentials(), Env: h.env}, home: h}
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

// Credentials is where this computer keeps credentials, as the settings say at each
// call: the keychain or the vault.
func (h *Home) Credentials() credential.Store { return chosen{h} }

type chosen struct{ home *Home }

func (c chosen) store() (credential.Store, error) {
	v, err := c.home.settings.Text(CredentialStore)
	if err != nil {
		return nil, err
	}
	if v == string(credential.FromVault) {
		return c.home.vault, nil
	}
	return credential.Keychain{}, nil
}

// Get reads a credential.
func (c chosen) Get(ctx context.Context, fleet, name string) (credential.Credential, error) {
	s, err := c.store()
	if err != nil {
		return credential.Credential{}, err
	}
	return s.Get(ctx, fleet, name)
}

// Set writes a credential.
func (c chosen) Set(ctx context.Context, fleet, name string, cred credential.Credential) error {
	s, err := c.store()
	if err != nil {
		return err
	}
	return s.Set(ctx, fleet, name, cred)
}

// Delete removes a credential.
func (c chosen) Delete(ctx context.Context, fleet, name string) error {
	s, err := c.store()
	if err != nil {
		return err
	}
	return s.Delete(ctx, fleet, name)
}

// Source is what people call it; the keychain where the settings cannot be read,
// which every other call says.
func (c chosen) Source() credential.Source {
	if s, err := c.store(); err == nil {
		return s.Source()
	}
	return credential.FromKeychain
}

func (h *Home) newVault() *credential.Vault {
	path := filepath.Join(h.dir, fileOfVault)
	return &credential.Vault{
		Name: fileOfVault, Env: h.env, Hide: h.Hide,
		Read: func() ([]byte, error) { return readAlone(path) }, Write: func(b []byte) error { return write(path, b) },
		Lock: func() (func(), error) { return h.lockOf("vault.lock", vaultPatience) },
	}
}

// readAlone reads a file that is for nobody else.
func readAlone(path string) ([]byte, error) {
	b, info, err := readWith(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.Newf(fault.SettingsInvalid, "chmod 600 "+path, "others may read %s", path)
	}
	return b, err
}

// AskForVault says how a person is asked for the passphrase of the vault, once; of
// one that is to be made where fresh. Without it only the environment opens it.
func (h *Home) AskForVault(ask func(ctx context.Context, fresh bool) (credential.Secret, error)) {
	h.vault.Ask = ask
}

// UnlockVault opens the vault by a passphrase that a person gave in the page; Errors:
// vault_refused for another one, vault_locked where the environment says what opens it,
// not_available where credentials are not kept in a vault.
func (h *Home) UnlockVault(ctx context.Context, passphrase credential.Secret) error {
	if h.Credentials().Source() != credential.FromVault {
		return fault.New(fault.NotAvailable, "credentials are not kept in a vault on this computer", "shard-admin settings set credential_store vault keeps them in one")
	}
	return h.vault.Unlock(ctx, passphrase)
}

// VaultMade reports whether there is a vault already.
func (h *Home) VaultMade() (bool, error) { return h.vault.Exists() }

// OpenVault opens the vault where credentials are kept in one that exists, and
// somebody may be asked or the environment opens it: what needs it then does not
// wait for that. there is false where no vault is in use.
func (h *Home) OpenVault(ctx context.Context) (there bool, err error) {
	if s := h.Credentials().Source(); s != credential.FromVault {
		return false, nil
	}
	return h.vault.Open(ctx)
}
