package session

import (
	"context"
	"errors"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
)

// checkpointEvery is how often a program that stays signs the end of the trail, and
// checkpointPatience how long anything waits for it: a keychain may wait for a
// person, and a checkpoint holds up no work.
const (
	checkpointEvery    = time.Hour
	checkpointPatience = 2 * time.Second
)

// signingKey reads the operator's key from the keychain, else from the
// environment. Every error is a fault.
func (s *Session) signingKey(ctx context.Context) (*audit.SigningKey, error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointPatience)
	defer cancel()
	c, from, err := s.cfg.Resolver.Resolve(ctx, s.cfg.Fleet.Name, fleet.AuditCredential, credential.Endpoint{})
	switch {
	case fault.As(err) != nil:
		return nil, err
	case err != nil:
		return nil, fault.Wrap(err, fault.KeychainLocked, "the keychain did not answer in time, so nothing is signed", "unlock it, then try again")
	case from != credential.FromKeychain && from != credential.FromVault && from != credential.FromEnvironment:
		return nil, fault.New(fault.CredentialMissing, "no signing key is kept on this computer, so nothing is signed", "shard-admin --fleet "+s.cfg.Fleet.Name+" audit key enroll")
	}
	return audit.ParseSigningKey(c.Password)
}

// EnrollAuditKey enrolls the signing key that this computer keeps, and makes
// one first where it keeps none. It is kept before it is enrolled: a key that
// the trail knows and nobody has would be worth nothing.
func (s *Session) EnrollAuditKey(ctx context.Context, note string) (AuditKey, error) {
	if err := s.installed(ctx); err != nil {
		return AuditKey{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditKeyEnroll, Reason: note})
	if err != nil {
		return AuditKey{}, err
	}
	key, err := s.signingKey(ctx)
	if fault.CodeOf(err) == fault.CredentialMissing {
		var secret credential.Secret
		if secret, key, err = audit.NewSigningKey(s.cfg.Fleet.Name); err != nil {
			return AuditKey{}, err
		}
		err = s.keychain.Set(ctx, s.cfg.Fleet.Name, fleet.AuditCredential, credential.Credential{User: permit.Operator(), Password: secret})
	}
	if err != nil {
		return AuditKey{}, err
	}
	keys, err := s.trail.Keys(ctx)
	if err != nil {
		return AuditKey{}, err
	}
	for _, k := range keys {
		if k.Public == key.Public && k.RevokedSeq == nil {
			return AuditKey(k), nil
		}
	}
	if _, err := s.trail.EnrollKey(ctx, permit, key.Public); err != nil {
		return AuditKey{}, err
	}
	if keys, err = s.trail.Keys(ctx); err != nil || len(keys) == 0 {
		return AuditKey{}, err
	}
	return AuditKey(keys[len(keys)-1]), nil
}

// AuditKeys lists the keys that the trail speaks of.
func (s *Session) AuditKeys(ctx context.Context) ([]AuditKey, error) {
	out := []AuditKey{}
	if err := s.trailThere(ctx); err != nil {
		return out, err
	}
	keys, err := s.trail.Keys(ctx)
	for _, k := range keys {
		out = append(out, AuditKey(k))
	}
	return out, err
}

// RevokeAuditKey records that a key counts no longer.
func (s *Session) RevokeAuditKey(ctx context.Context, public, note string) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditKeyRevoke, Reason: note})
	if err != nil {
		return err
	}
	_, err = s.trail.RevokeKey(ctx, permit, public)
	return err
}

// TakeCheckpoint signs the end of the trail and stores the note in it.
func (s *Session) TakeCheckpoint(ctx context.Context, note string) (AuditCheckpoint, error) {
	if err := s.installed(ctx); err != nil {
		return AuditCheckpoint{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditCheckpoint, Reason: note})
	if err != nil {
		return AuditCheckpoint{}, err
	}
	key, err := s.signingKey(ctx)
	if err != nil {
		return AuditCheckpoint{}, err
	}
	msg, err := s.trail.Checkpoint(ctx, permit, key)
	if err != nil {
		return AuditCheckpoint{}, err
	}
	c, err := audit.ParseCheckpoint(msg)
	return AuditCheckpoint{Seq: c.Seq, Note: msg, Key: key.Public}, err
}

// AuditFileVerification is what verifying an exported file found.
type AuditFileVerification struct {
	AuditVerification
	File string `json:"file"`
	// Chain says whether the file holds the events' hashes; of another only the
	// whole was compared with its manifest.
	Chain    bool  `json:"chain"`
	Manifest bool  `json:"manifest"`
	Omitted  int64 `json:"omitted"`
	// SignedBy is the key whose signature fits, and Trust why it counts: given,
	// enrolled (by an event in the file) or claimed (by the manifest alone).
	SignedBy string `json:"signed_by"`
	Trust    string `json:"trust"`
}

// VerifyAuditFile verifies an exported file. It needs no fleet.
func VerifyAuditFile(ctx context.Context, path, checkpoint string, keys []string) (AuditFileVerification, error) {
	for _, k := range keys {
		if err := audit.PublicKey(k); err != nil {
			return AuditFileVerification{}, err
		}
	}
	v, err := audit.VerifyFile(ctx, path, audit.FileOptions{Checkpoint: checkpoint, Public: keys})
	return AuditFileVerification{
		AuditVerification: verificationView(v.Verification), File: v.File, Chain: v.Chain, Manifest: v.Manifest, Omitted: v.Omitted, SignedBy: v.SignedBy, Trust: v.Trust,
	}, err
}

// checkpoint takes one on an occasion, unless the trail's end is signed already: what
// was done stands whether or not it can be signed, so a failure goes to the log and
// nowhere else. Who keeps no key is not told each time. It takes checkpointPatience at
// most, whatever does not answer: a database, a keychain that waits for a person.
func (s *Session) checkpoint(ctx context.Context, occasion string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointPatience)
	defer cancel()
	took := make(chan error, 1)
	go func() { took <- s.signEnd(ctx, occasion) }()
	var err error
	select {
	case err = <-took:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && fault.CodeOf(err) != fault.CredentialMissing && !errors.Is(err, context.Canceled) {
		if errors.Is(err, context.DeadlineExceeded) {
			s.mute.Store(time.Now().UnixNano())
		}
		s.cfg.Log.WarnContext(ctx, "no checkpoint of the audit trail was taken", "occasion", occasion, "error", err)
	}
}

// signEnd signs the trail's end where it is not signed. Who keeps no key asks nothing
// of the database, and where the trail knows no key nothing is asked of the keychain by
// a session that has just written to it.
func (s *Session) signEnd(ctx context.Context, occasion string) error {
	if !s.trail.Wrote() {
		if _, err := s.signingKey(ctx); err != nil {
			return err
		}
	}
	signed, err := s.trail.EndSigned(ctx)
	if signed || err != nil {
		return err
	}
	_, err = s.TakeCheckpoint(ctx, occasion)
	return err
}

// Part takes the last checkpoint before the program ends, and returns within
// checkpointPatience; at once where that was waited for in vain just before. Why none
// was taken is logged. Without a key nothing is asked.
func (s *Session) Part(ctx context.Context, occasion string) {
	if time.Since(time.Unix(0, s.mute.Load())) > 5*checkpointPatience {
		s.checkpoint(ctx, occasion)
	}
}

// Changed reports whether this session has written to the audit trail.
func (s *Session) Changed() bool { return s.trail.Wrote() }
