package credential

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"shardadmin/internal/fault"
)

// The variables that open a vault; the identity wins.
const (
	VaultPassphrase = "SHARD_ADMIN_VAULT_PASSPHRASE" //nolint:gosec // the name of a variable
	VaultIdentity   = "SHARD_ADMIN_VAULT_IDENTITY"
)

// Vault keeps credentials in one file that age encrypts: for computers that have no
// keychain. Who has the passphrase, or the identity, opens it with age's own
// program, too.
//
// A writer holds the lock from reading the file to having replaced it, so that none
// loses what another one has just written. A file that cannot be opened is never
// written over. What trying a passphrase costs stays as it is in the file, which
// age's own program may have made.
type Vault struct {
	// Name is what messages call the file.
	Name string
	// Read returns the file, fs.ErrNotExist where there is none; Write replaces it
	// whole; Lock keeps other processes from writing.
	Read  func() ([]byte, error)
	Write func([]byte) error
	Lock  func() (release func(), err error)
	// Env looks up a variable.
	Env func(string) string
	// Ask asks a person for the passphrase, of a vault that is to be made where
	// fresh; nil where nobody is there. It is asked once.
	Ask func(ctx context.Context, fresh bool) (Secret, error)
	// Hide is told the passphrase, to keep it out of logs; it may be nil.
	Hide func(Secret)

	mu    sync.Mutex
	asked *key
	// seen is the file that items were read from, by the key that opened it.
	seen  [sha256.Size]byte
	by    *key
	items map[string]item
	// work is what the file asks of who tries a passphrase, 0 before one was read.
	work int
}

// key opens a vault and closes it.
type key struct {
	// of tells keys apart: the passphrase, or the text of the identities.
	of         string
	identities []age.Identity
	recipients []age.Recipient
}

// content is what is encrypted.
type content struct {
	Version int             `json:"version"`
	Items   map[string]item `json:"items"`
}

const contentVersion = 1

// Source says that it is the vault.
func (v *Vault) Source() Source { return FromVault }

// Get reads a credential. ErrNotFound when there is none.
func (v *Vault) Get(ctx context.Context, fleet, name string) (Credential, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	items, _, err := v.open(ctx)
	if err != nil {
		return Credential{}, err
	}
	i, ok := items[Account(fleet, name)]
	if !ok {
		return Credential{}, ErrNotFound
	}
	return Credential{User: i.User, Password: NewSecret(i.Password)}, nil
}

// Set writes a credential over what was there, and makes the vault where it is
// missing.
func (v *Vault) Set(ctx context.Context, fleet, name string, c Credential) error {
	return v.change(ctx, func(items map[string]item) error {
		items[Account(fleet, name)] = item{c.User, c.Password.Reveal()}
		return nil
	})
}

// Delete removes a credential; a missing one is ErrNotFound.
func (v *Vault) Delete(ctx context.Context, fleet, name string) error {
	return v.change(ctx, func(items map[string]item) error {
		if _, ok := items[Account(fleet, name)]; !ok {
			return ErrNotFound
		}
		delete(items, Account(fleet, name))
		return nil
	})
}

// Open opens the vault, so that later calls need not wait for that. A vault that
// does not exist yet is none to open: there is false.
func (v *Vault) Open(ctx context.Context) (there bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, there, err = v.open(ctx)
	return there, err
}

// Keyed reports whether the environment, or somebody who was asked, gave what opens
// the vault.
func (v *Vault) Keyed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked != nil || v.Env(VaultIdentity) != "" || v.Env(VaultPassphrase) != ""
}

// Exists reports whether there is a vault to be opened.
func (v *Vault) Exists() (bool, error) {
	_, err := v.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Unlock opens the vault by a passphrase that a person gave, which is kept in memory
// alone. One that does not open it is forgotten, and what opened it before stays:
// vault_refused. Where there is no vault
// yet it is that of the one that is to be made. What the environment names wins, so
// nothing can be given beside it.
func (v *Vault) Unlock(ctx context.Context, p Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range []string{VaultIdentity, VaultPassphrase} {
		if v.Env(name) != "" {
			return fault.Newf(fault.VaultLocked, "correct "+name+", or start the program without it", "%s says what opens the vault %s, and wins", name, v.Name)
		}
	}
	k, err := v.passphrase(p)
	if err != nil {
		return err
	}
	before := v.asked
	v.asked = k
	_, _, err = v.open(ctx)
	if err != nil {
		v.asked = before
	}
	return err
}

func (v *Vault) change(ctx context.Context, f func(map[string]item) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	// A person is asked before the lock is taken, which others wait for.
	_, there, err := v.open(ctx)
	if err != nil {
		return err
	}
	if !there {
		if _, err := v.key(ctx, true); err != nil {
			return err
		}
	}
	release, err := v.Lock()
	if err != nil {
		return err
	}
	defer release()
	items, there, err := v.open(ctx)
	if err != nil {
		return err
	}
	next := map[string]item{}
	for k, i := range items {
		next[k] = i
	}
	if err := f(next); err != nil {
		return err
	}
	k, err := v.key(ctx, !there)
	if err != nil {
		return err
	}
	text, err := json.Marshal(content{contentVersion, next})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the vault could not be encoded", "")
	}
	for _, r := range k.recipients {
		if s, ok := r.(*age.ScryptRecipient); ok && v.work > 0 {
			s.SetWorkFactor(v.work)
		}
	}
	file, err := k.encrypt(text)
	if err != nil {
		return fault.Wrapf(err, fault.VaultRefused, "give identities of one kind in "+VaultIdentity, "the vault cannot be encrypted with what was given")
	}
	if err := v.Write(file); err != nil {
		return err
	}
	v.seen, v.by, v.items = sha256.Sum256(file), k, next
	return nil
}

// open reads the vault, where it is another than was read last.
func (v *Vault) open(ctx context.Context) (items map[string]item, there bool, err error) {
	file, err := v.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	k, err := v.key(ctx, false)
	if err != nil {
		return nil, true, err
	}
	sum := sha256.Sum256(file)
	if v.by != nil && v.by.of == k.of && v.seen == sum {
		return v.items, true, nil
	}
	c, err := v.decrypt(file, k)
	if err != nil {
		if v.asked != nil && fault.CodeOf(err) == fault.VaultRefused {
			v.asked = nil // the next call asks anew
		}
		return nil, true, err
	}
	v.seen, v.by, v.items = sum, k, c.Items
	return c.Items, true, nil
}

func (v *Vault) decrypt(file []byte, k *key) (content, error) {
	damaged := func(cause error) error {
		return fault.Wrapf(cause, fault.VaultDamaged, "bring it back from a backup, or move it away and keep the credentials anew", "the vault %s is damaged or no file of this program", v.Name)
	}
	r, err := age.Decrypt(bytes.NewReader(file), k.identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return content{}, fault.Newf(fault.VaultRefused, "give the passphrase, or the identity file, with which the vault was made", "the passphrase or identity that was given does not open the vault %s", v.Name)
	}
	if err != nil {
		return content{}, damaged(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return content{}, damaged(err)
	}
	var c content
	// What is wrong with it may hold a part of it, so it is not told.
	if json.Unmarshal(text, &c) != nil || c.Version < 1 {
		return content{}, damaged(nil)
	}
	if c.Version > contentVersion {
		return content{}, fault.Newf(fault.VaultDamaged, "use a newer version of this program", "the vault %s was written by a newer version of this program", v.Name)
	}
	return c, nil
}

func (k *key) encrypt(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, k.recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// key finds what opens the vault: the identity, the passphrase, or a person.
func (v *Vault) key(ctx context.Context, fresh bool) (*key, error) {
	if path := v.Env(VaultIdentity); path != "" {
		return identity(path)
	}
	if p := v.Env(VaultPassphrase); p != "" {
		return v.passphrase(NewSecret(p))
	}
	if v.asked != nil {
		return v.asked, nil
	}
	if v.Ask == nil {
		return nil, fault.Newf(fault.VaultLocked, "set "+VaultPassphrase+", or "+VaultIdentity+" to the path of an age identity or an SSH key", "nothing was given that opens the vault %s", v.Name)
	}
	p, err := v.Ask(ctx, fresh)
	if err != nil {
		return nil, err
	}
	k, err := v.passphrase(p)
	if err != nil {
		return nil, err
	}
	v.asked = k
	return k, nil
}

func (v *Vault) passphrase(p Secret) (*key, error) {
	if v.Hide != nil {
		v.Hide(p)
	}
	i, err := age.NewScryptIdentity(p.Reveal())
	if err != nil {
		return nil, fault.New(fault.VaultLocked, "the passphrase of the vault is empty", "set "+VaultPassphrase)
	}
	r, err := age.NewScryptRecipient(p.Reveal())
	if err != nil {
		return nil, fault.New(fault.VaultLocked, "the passphrase of the vault is empty", "set "+VaultPassphrase)
	}
	return &key{of: p.Reveal(), identities: []age.Identity{phrase{i, &v.work}}, recipients: []age.Recipient{r}}, nil
}

// phrase opens a vault with a passphrase and sees how much work the file asks for.
type phrase struct {
	*age.ScryptIdentity
	work *int // log2 of scrypt's N
}

// Unwrap finds the file's key.
func (p phrase) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	k, err := p.ScryptIdentity.Unwrap(stanzas)
	if err == nil && len(stanzas[0].Args) == 2 {
		*p.work, _ = strconv.Atoi(stanzas[0].Args[1])
	}
	return k, err
}

// identity reads an identity file of age, or a private key of SSH. No message holds
// a word of it.
func identity(path string) (*key, error) {
	bad := func(cause error, hint, says string) error {
		return fault.Wrapf(cause, fault.VaultLocked, hint, "the identity of the vault, %s, %s", path, says)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, bad(err, "set "+VaultIdentity+" to the path of an age identity or an SSH key", "cannot be read")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, bad(nil, "chmod 600 "+path, "may be read by others")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, bad(err, "set "+VaultIdentity+" to the path of an age identity or an SSH key", "cannot be read")
	}
	k := &key{of: string(text)}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		i, err := agessh.ParseIdentity(text)
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return nil, bad(nil, "use an SSH key without one, or make an identity with age-keygen", "has a passphrase of its own")
		}
		if err != nil {
			return nil, bad(nil, "use a key of the kind ed25519 or rsa", "is no SSH key that can open a vault")
		}
		k.identities = []age.Identity{i}
	} else if k.identities, err = age.ParseIdentities(bytes.NewReader(text)); err != nil {
		return nil, bad(nil, "make one with age-keygen", "is no identity of age")
	}
	for _, i := range k.identities {
		switch i := i.(type) {
		case *age.X25519Identity:
			k.recipients = append(k.recipients, i.Recipient())
		case *age.HybridIdentity:
			k.recipients = append(k.recipients, i.Recipient())
		case *agessh.Ed25519Identity:
			k.recipients = append(k.recipients, i.Recipient())
		case *agessh.RSAIdentity:
			k.recipients = append(k.recipients, i.Recipient())
		default:
			return nil, bad(nil, "make one with age-keygen", "holds an identity of a kind that is not known here")
		}
	}
	return k, nil
}
