package credential

import (
	"context"

	"shardadmin/internal/fault"
)

// Store keeps credentials on this computer: the keychain, or a vault where there
// is none.
type Store interface {
	// Get reads a credential. ErrNotFound when there is none.
	Get(ctx context.Context, fleet, name string) (Credential, error)
	// Set writes a credential over what was there.
	Set(ctx context.Context, fleet, name string, c Credential) error
	// Delete removes a credential; a missing one is ErrNotFound.
	Delete(ctx context.Context, fleet, name string) error
	// Source is what people call it.
	Source() Source
}

// ErrNotFound says that the store answered and has no such item.
var ErrNotFound = fault.New(fault.CredentialMissing, "there is no such item", "")

// closed reports whether a store may hold what was asked for and cannot be opened.
func closed(err error) bool {
	switch fault.CodeOf(err) {
	case fault.KeychainLocked, fault.VaultLocked, fault.VaultRefused, fault.VaultDamaged:
		return true
	}
	return false
}

// Source says that it is the keychain.
func (Keychain) Source() Source { return FromKeychain }
