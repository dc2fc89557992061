package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"shardadmin/internal/fault"
)

// Service is the name under which the keychain keeps our items.
const Service = "shard-admin"

// Keychain is the operating system's store of secrets.
type Keychain struct {
	// Patience bounds each call; 20 s when zero, because a person may have to
	// unlock the keychain.
	Patience time.Duration
}

// elsewhere is what serves where the keychain does not.
const elsewhere = "give the password as SHARD_ADMIN_PASSWORD_<FLEET>_<CREDENTIAL> or in ~/.pgpass"

type item struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// Account is the name of a fleet's credential in the keychain.
func Account(fleet, name string) string { return fleet + "/" + name }

// Get reads a credential. ErrNotFound when there is none.
func (k Keychain) Get(ctx context.Context, fleet, name string) (Credential, error) {
	var text string
	err := k.call(ctx, func() (err error) {
		text, err = keyring.Get(Service, Account(fleet, name))
		return err
	})
	if err != nil {
		return Credential{}, err
	}
	var i item
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		return Credential{}, fault.Newf(fault.CredentialMissing, "shard-admin fleet credential set "+name+" stores it anew",
			"the keychain's item %s was not written by shard-admin", Account(fleet, name))
	}
	return Credential{User: i.User, Password: NewSecret(i.Password)}, nil
}

// Set writes a credential over what was there.
func (k Keychain) Set(ctx context.Context, fleet, name string, c Credential) error {
	text, err := json.Marshal(item{c.User, c.Password.Reveal()})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the credential could not be encoded", "")
	}
	return k.call(ctx, func() error { return keyring.Set(Service, Account(fleet, name), string(text)) })
}

// Delete removes a credential; a missing one is ErrNotFound.
func (k Keychain) Delete(ctx context.Context, fleet, name string) error {
	return k.call(ctx, func() error { return keyring.Delete(Service, Account(fleet, name)) })
}

// Check reports whether the keychain answers at all.
func (k Keychain) Check(ctx context.Context) error {
	err := k.call(ctx, func() error {
		_, err := keyring.Get(Service, "doctor")
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// call runs f with a limit. The library offers no way to end a call that
// waits for a person; its goroutine ends with the answer or the program.
func (k Keychain) call(ctx context.Context, f func() error) error {
	patience := k.Patience
	if patience == 0 {
		patience = 20 * time.Second
	}
	if err := SessionBus(); err != nil {
		return describe(err)
	}
	done := make(chan error, 1)
	go func() {
		// The library trips over a bus that ends while it waits for a person.
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("the keychain's library failed: %v", r)
			}
		}()
		done <- f()
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case err := <-done:
		return describe(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fault.Newf(fault.KeychainLocked, "unlock the keychain, then try again, or "+elsewhere, "the keychain did not answer within %s; it may wait for its password", patience)
	}
}

// describe tells the keychain's errors apart by what was seen of them: only a
// missing item has a type of its own.
func describe(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, keyring.ErrNotFound) {
		return ErrNotFound
	}
	text := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fault.New(fault.Usage, "the password is longer than this keychain takes", "use a shorter one, or a password file")
	case strings.Contains(text, "unlock"), strings.Contains(text, "locked"), strings.Contains(text, "dismissed"), strings.Contains(text, "interaction is not allowed"):
		return fault.Wrap(err, fault.KeychainLocked, "the keychain is locked", "unlock it, then try again, or "+elsewhere)
	default:
		return fault.Wrap(err, fault.KeychainAbsent, "no keychain answers on this computer",
			"start one (on Linux gnome-keyring or KWallet), or "+elsewhere)
	}
}
