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

// checkpointEvery is how often a worker signs the end of the trail, and
// checkpointPatience how long anything waits for it: a keychain may wait for a
// person, and a checkpoint holds up no work.
const (
	checkpointEvery    = time.Hour
	checkpointPatience = 3 * time.Second
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

// checkpoint takes one on an occasion: what was done stands whether or not it
// can be signed, so a failure goes to the log and nowhere else. Who keeps no
// key is not told each time.
func (s *Session) checkpoint(ctx context.Context, occasion string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointPatience)
	defer cancel()
	_, err := s.TakeCheckpoint(ctx, occasion)
	if err != nil && fault.CodeOf(err) != fault.CredentialMissing && !errors.Is(err, context.Canceled) {
		s.cfg.Log.WarnContext(ctx, "no checkpoint of the audit trail was taken", "occasion", occasion, "error", err)
	}
}

// checkpoints takes one every hour until the context ends, and where all queued work
// is carried out here one then, before the worker is gone.
func (s *Session) checkpoints(ctx context.Context, all bool) {
	s.parted.Store(false)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if all {
				s.Part(ctx, "a worker ends")
			}
			return
		case <-tick.C:
			s.checkpoint(ctx, "hourly")
		}
	}
}

// Part takes the last checkpoint before the program ends, once, and returns within
// checkpointPatience whatever does not answer: a database, a keychain that waits for a
// person. Why none was taken is logged. Without a key nothing is asked.
func (s *Session) Part(ctx context.Context, occasion string) {
	if !s.parted.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointPatience)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := s.signingKey(ctx); fault.CodeOf(err) == fault.CredentialMissing {
			return
		}
		s.checkpoint(ctx, occasion)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.cfg.Log.WarnContext(ctx, "no checkpoint of the audit trail was taken in time", "occasion", occasion, "waited", checkpointPatience)
	}
}
