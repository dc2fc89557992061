package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

// EnrollKey records a public key as the actor's, so that the chain itself says
// whose signature counts from here on.
func (t *Trail) EnrollKey(ctx context.Context, p policy.Permit, public string) (string, error) {
	if err := PublicKey(public); err != nil {
		return "", err
	}
	return t.write(ctx, p, Record{Details: map[string]any{"key": public}}, "")
}

// RevokeKey records that a key does not count from here on. What it has signed
// before stays good.
func (t *Trail) RevokeKey(ctx context.Context, p policy.Permit, public string) (string, error) {
	keys, err := t.Keys(ctx)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if k.Public == public && k.RevokedSeq == nil {
			return t.write(ctx, p, Record{Details: map[string]any{"key": public}}, "")
		}
	}
	return "", fault.New(fault.Usage, "the trail has no such key that counts", "shard-admin audit key list shows them")
}

// Keys returns every key that the trail speaks of, the oldest first.
func (t *Trail) Keys(ctx context.Context) ([]Key, error) {
	w := NewWalk(0, Genesis())
	err := t.Read(ctx, func(r *Reader) error {
		var err error
		if w, _, err = r.begin(ctx); err != nil {
			return err
		}
		return r.Each(ctx, Filter{Action: "audit.key"}, func(s Sealed) error {
			w.said(s)
			return nil
		})
	})
	return w.Result().Keys, err
}

// Counts refuses a key that no event enrolls, or that was revoked: what it
// signed would never verify.
func (t *Trail) Counts(ctx context.Context, k *SigningKey) error {
	keys, err := t.Keys(ctx)
	if err != nil {
		return err
	}
	return k.Among(keys)
}

// Among reports as an error that the key is none of those that count.
func (k *SigningKey) Among(keys []Key) error {
	for _, one := range keys {
		if one.Public == k.Public && one.RevokedSeq == nil {
			return nil
		}
	}
	return fault.New(fault.KeyNotEnrolled, "the trail does not know the signing key that is kept here, or it was revoked", "shard-admin audit key enroll")
}

// EndSigned reports whether nothing is left to sign: the newest event holds a checkpoint,
// by a key that counts, of the one before it, or there is no key that could sign.
func (t *Trail) EndSigned(ctx context.Context) (bool, error) {
	keys, err := t.Keys(ctx)
	if err != nil {
		return false, err
	}
	var good []string
	for _, k := range keys {
		if k.RevokedSeq == nil {
			good = append(good, k.Public)
		}
	}
	if len(good) == 0 {
		return true, nil
	}
	signed := false
	err = t.Read(ctx, func(r *Reader) error {
		head, err := r.Head(ctx)
		if err != nil || head.Seq == 0 {
			signed = head.Seq == 0
			return err
		}
		newest, err := r.After(ctx, head.Seq-1, 1)
		if err != nil || len(newest) == 0 {
			return err
		}
		var b body
		if json.Unmarshal([]byte(newest[0].Body), &b) != nil {
			return nil // it is no checkpoint
		}
		msg, _ := b.Details["checkpoint"].(string)
		c, _, err := OpenCheckpoint(msg, good...)
		signed = err == nil && c.Seq == head.Seq-1 && bytes.Equal(c.Hash, newest[0].PrevHash)
		return nil
	})
	return signed, err
}

// Checkpoint signs the present end of the chain and stores the note as an
// event, which every copy of the trail takes over. It returns the note, to be
// kept where whoever owns the database cannot reach it.
func (t *Trail) Checkpoint(ctx context.Context, p policy.Permit, k *SigningKey) (string, error) {
	if err := t.Counts(ctx, k); err != nil {
		return "", err
	}
	key, err := t.Key(ctx)
	if err != nil {
		return "", err
	}
	var head Head
	if err := t.Read(ctx, func(r *Reader) error {
		head, err = r.Head(ctx)
		return err
	}); err != nil {
		return "", err
	}
	msg, err := Checkpoint{Origin: Origin(key), Seq: head.Seq, Hash: head.Hash, At: time.Now()}.Sign(k)
	if err != nil {
		return "", err
	}
	_, err = t.write(ctx, p, Record{Details: map[string]any{"checkpoint": msg}}, "")
	return msg, err
}
