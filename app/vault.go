package app

import (
	"context"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// Vault is how it stands with the vault of this computer.
type Vault struct {
	// Made is true where there is one. Else the passphrase is that of the one that is to
	// be made, and is given twice.
	Made bool `json:"made"`
}

// Vault says whether a vault is to be opened or to be made.
func (s *Settings) Vault() (Vault, error) {
	v, err := answer(s.app, short, func(context.Context) (Vault, error) {
		made, err := s.app.home.VaultMade()
		return Vault{Made: made}, err
	})
	return v, looked(err)
}

// UnlockVault gives this program the passphrase of the vault, which it keeps in memory
// until it ends. It is written nowhere.
func (s *Settings) UnlockVault(passphrase, again string) (Vault, error) {
	return answer(s.app, short, func(ctx context.Context) (Vault, error) {
		made, err := s.app.home.VaultMade()
		if err != nil {
			return Vault{}, err
		}
		if !made && again != passphrase {
			return Vault{}, fault.New(fault.Usage, "the two passphrases are not the same", "type the passphrase of the new vault twice")
		}
		if err := s.app.home.UnlockVault(ctx, credential.NewSecret(passphrase)); err != nil {
			return Vault{}, err
		}
		if o, err := s.app.current(); err == nil {
			o.session.Reconnect() // what waited for a password dials anew
		}
		return Vault{Made: made}, nil
	})
}
