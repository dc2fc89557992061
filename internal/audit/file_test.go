package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

func exported(t testing.TB, c *controltest.Control, trail *audit.Trail, format audit.Format, f audit.Filter, ev audit.Evidence) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trail."+string(format))
	_, err := trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "for the auditor"), path, audit.EventFile(format, f, ev))
	require.NoError(t, err)
	return path
}

func verified(t testing.TB, path string, o audit.FileOptions) audit.FileVerification {
	t.Helper()
	v, err := audit.VerifyFile(t.Context(), path, o)
	require.NoError(t, err)
	return v
}

// resign signs an export anew with another key, as somebody would who has the
// files and not the key.
func resign(t testing.TB, path string) {
	t.Helper()
	secret, other, err := audit.NewSigningKey("mallory@example.com")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret.Reveal())
	require.NoError(t, err)
	text, err := os.ReadFile(path + ".manifest.json")
	require.NoError(t, err)
	var m audit.Manifest
	require.NoError(t, json.Unmarshal(text, &m))
	c, err := audit.ParseCheckpoint(m.Checkpoint)
	require.NoError(t, err)
	m.SignedBy = other.Public
	m.Checkpoint, err = c.Sign(other)
	require.NoError(t, err)
	text, err = json.Marshal(m)
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	signed, err := note.Sign(&note.Note{Text: m.Origin + "\nmanifest sha256\n" + hex.EncodeToString(sum[:]) + "\n"}, signer)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".manifest.json", text, 0o600))
	require.NoError(t, os.WriteFile(path+".manifest.sig", signed, 0o600))
}

func kinds(v audit.Verification) []string {
	out := []string{}
	for _, f := range v.Findings {
		out = append(out, f.Kind)
	}
	return out
}

func TestAnExportedFileVerifiesAlone(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 4)
	key := trailtest.Enrolled(t, c, trail)
	point, err := trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "hourly"), key)
	require.NoError(t, err)
	trailtest.Fill(t, c, trail, 4)
	for _, tc := range []struct {
		name    string
		format  audit.Format
		f       audit.Filter
		ev      audit.Evidence
		events  int64
		omitted int64
		trust   string
	}{
		{"whole and signed", audit.JSONL, audit.Filter{}, audit.Evidence{Key: key}, 15, 0, audit.TrustEnrolled},
		{"whole", audit.JSONL, audit.Filter{}, audit.Evidence{}, 17, 0, ""},
		{"filtered", audit.JSONL, audit.Filter{Action: "tenant"}, audit.Evidence{Key: key}, 12, 0, audit.TrustClaimed},
		{"filtered with proof", audit.JSONL, audit.Filter{Action: "tenant"}, audit.Evidence{Key: key, Proof: true}, 12, 17, audit.TrustClaimed},
		{"the newest", audit.JSONL, audit.Filter{Limit: 3}, audit.Evidence{Key: key}, 3, 0, audit.TrustClaimed},
		{"none", audit.JSONL, audit.Filter{Actor: "nobody"}, audit.Evidence{Key: key}, 0, 0, audit.TrustClaimed},
		{"csv", audit.CSV, audit.Filter{}, audit.Evidence{Key: key}, 0, 0, audit.TrustClaimed},
	} {
		path := exported(t, c, trail, tc.format, tc.f, tc.ev)
		v := verified(t, path, audit.FileOptions{})
		require.True(t, v.OK, "%s: %v", tc.name, v.Findings)
		require.Equal(t, tc.events, v.Events, tc.name)
		require.Equal(t, tc.omitted > 0, v.Omitted > 0, tc.name)
		require.Equal(t, tc.trust, v.Trust, tc.name)
		if tc.ev.Key != nil {
			require.Equal(t, key.Public, v.SignedBy, tc.name)
			v = verified(t, path, audit.FileOptions{Public: []string{key.Public}})
			require.True(t, v.OK, "%s: %v", tc.name, v.Findings)
			require.Equal(t, audit.TrustGiven, v.Trust)
			_, other, err := audit.NewSigningKey("mallory@example.com")
			require.NoError(t, err)
			require.False(t, verified(t, path, audit.FileOptions{Public: []string{other.Public}}).OK, tc.name)
		}
		if tc.name == "whole and signed" {
			v = verified(t, path, audit.FileOptions{Checkpoint: point})
			require.True(t, v.OK, v.Findings)
			require.EqualValues(t, 1, v.Checkpoints)
			// The file alone, without what lies beside it.
			alone := filepath.Join(t.TempDir(), "alone.jsonl")
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(alone, data, 0o600))
			v = verified(t, alone, audit.FileOptions{})
			require.True(t, v.OK, v.Findings)
			require.NotEmpty(t, v.Unproven)
		}
	}
	v, err := trail.VerifyFrom(t.Context(), point)
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 7, v.Checkpoints, "the one that was taken and those of six signed exports")
}

func TestATamperedFileIsFound(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 6)
	whole := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{Key: key})
	unsigned := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{})
	swapped := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{Key: key})
	resign(t, swapped)
	some := exported(t, c, trail, audit.JSONL, audit.Filter{Action: "tenant"}, audit.Evidence{Key: key, Proof: true})
	table := exported(t, c, trail, audit.CSV, audit.Filter{}, audit.Evidence{Key: key})
	replace := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	}
	lines := func(f func([][]byte) [][]byte) func([]byte) []byte {
		return func(b []byte) []byte {
			var persons, events [][]byte // a person may stand anywhere before its events
			for _, l := range bytes.SplitAfter(b, []byte("\n")) {
				if bytes.HasPrefix(l, []byte(`{"person":`)) {
					persons = append(persons, l)
				} else {
					events = append(events, l)
				}
			}
			return bytes.Join(append(persons, f(events)...), nil)
		}
	}
	remove := func(n int) func([]byte) []byte {
		return lines(func(l [][]byte) [][]byte { return append(l[:n:n], l[n+1:]...) })
	}
	for _, tc := range []struct {
		name, of, part string
		change         func([]byte) []byte
		kind           string
		alone          bool // found without what lies beside the file, too
	}{
		{"nothing", whole, "", func(b []byte) []byte { return b }, "", false},
		{"shown field", whole, "", replace(`"note":"reason 0"`, `"note":"excuse 0"`), "line", true},
		{"sealed body", whole, "", replace(`\"reason\":\"reason 0\"`, `\"reason\":\"excuse 0\"`), "line", true},
		{"row removed", whole, "", remove(3), "gap", true},
		{"first row removed", whole, "", remove(0), "manifest", true},
		{"last row removed", whole, "", lines(func(l [][]byte) [][]byte { return l[:len(l)-2] }), "manifest", false},
		{"rows swapped", whole, "", lines(func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }), "gap", true},
		{"row twice", whole, "", lines(func(l [][]byte) [][]byte { return append([][]byte{l[0]}, l...) }), "gap", true},
		{"row put in", whole, "", lines(func(l [][]byte) [][]byte { return append(l[:2:2], append([][]byte{[]byte("{}\n")}, l[2:]...)...) }), "line", true},
		{"cut in a line", whole, "", func(b []byte) []byte { return b[:len(b)-20] }, "line", true},
		{"row removed, unsigned", unsigned, "", remove(3), "gap", true},
		{"swapped key", swapped, "", func(b []byte) []byte { return b }, "key", false},
		{"manifest altered", whole, ".manifest.json", replace(`"head_seq": `, `"head_seq": 9`), "signature", false},
		{"manifest altered, unsigned", unsigned, ".manifest.json", replace(`"count": 1`, `"count": 2`), "manifest", false},
		{"manifest cut", whole, ".manifest.json", func(b []byte) []byte { return b[:40] }, "manifest", false},
		{"manifest gone", whole, ".manifest.json", nil, "manifest_missing", false},
		{"signature altered", whole, ".manifest.sig", replace("manifest sha256\n", "manifest sha256\nx"), "signature", false},
		{"signature gone", whole, ".manifest.sig", nil, "unsigned", false},
		{"selected row removed", some, "", remove(3), "gap", true},
		{"omitted row removed", some, "", remove(0), "gap", true},
		{"person altered", whole, "", replace(`"value":"ann@example.com"`, `"value":"bob@example.com"`), "person_changed", true},
		{"salt altered", whole, "", func(b []byte) []byte { return regexp.MustCompile(`"salt":"..`).ReplaceAll(b, []byte(`"salt":"0g`)) }, "line", true},
		{"person and what events show of them altered", unsigned, "", func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"ann@example.com"`), []byte(`"bob@example.com"`))
		}, "person_changed", true},
		{"person removed", unsigned, "", func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }, "person_missing", true},
		{"person removed with what events show of them", some, "", func(b []byte) []byte {
			b = regexp.MustCompile(`(?m)^\{"person":.*"kind":"email".*\n`).ReplaceAll(b, nil)
			return regexp.MustCompile(`"actor":"ann@example.com","actor_ref":"person-(.{8})`).ReplaceAll(b, []byte(`"actor":"erased person $1","actor_ref":"person-$1`))
		}, "person_missing", true},
		{"person called erased", unsigned, "", func(b []byte) []byte {
			b = regexp.MustCompile(`\{"person":\{"ref":"(person-.{32})","kind":"email".*\}\}`).ReplaceAll(b, []byte(`{"person":{"ref":"$1","erased":true}}`))
			return regexp.MustCompile(`"actor":"ann@example.com","actor_ref":"person-(.{8})`).ReplaceAll(b, []byte(`"actor":"erased person $1","actor_ref":"person-$1`))
		}, "person_missing", false},
		{"person twice", whole, "", func(b []byte) []byte { return append(b[:bytes.IndexByte(b, '\n')+1:bytes.IndexByte(b, '\n')+1], b...) }, "line", true},
		{"table altered", table, "", replace("reason 0", "excuse 0"), "manifest", false},
		{"table's manifest altered", table, ".manifest.json", replace(`"chain_ok": true`, `"chain_ok": false`), "signature", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "copy")
			for _, part := range []string{"", ".manifest.json", ".manifest.sig"} {
				data, err := os.ReadFile(tc.of + part)
				if os.IsNotExist(err) {
					continue
				}
				require.NoError(t, err)
				if part == tc.part {
					if tc.change == nil {
						continue
					}
					changed := tc.change(bytes.Clone(data))
					if tc.kind != "" && tc.kind != "key" {
						require.NotEqual(t, string(data), string(changed))
					}
					data = changed
				}
				require.NoError(t, os.WriteFile(path+part, data, 0o600))
			}
			v := verified(t, path, audit.FileOptions{})
			require.Equal(t, tc.kind == "", v.OK, v.Findings)
			if tc.kind != "" {
				require.Contains(t, kinds(v.Verification), tc.kind, v.Findings)
			}
			if tc.alone {
				_ = os.Remove(path + ".manifest.json")
				_ = os.Remove(path + ".manifest.sig")
				require.False(t, verified(t, path, audit.FileOptions{}).OK)
			}
		})
	}
	_, err := audit.VerifyFile(t.Context(), filepath.Join(t.TempDir(), "none"), audit.FileOptions{})
	require.Equal(t, fault.FileUnreadable, fault.CodeOf(err))
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("seq,id\n1,x\n"), 0o600))
	_, err = audit.VerifyFile(t.Context(), text, audit.FileOptions{})
	require.Equal(t, fault.FileUnreadable, fault.CodeOf(err))
}

// A superuser who rewrites the chain with new hashes, or cuts its tail and
// rewinds the head, leaves a chain without a seam. Checkpoints show it.
func TestCheckpointsShowWhatTheChainCannot(t *testing.T) {
	t.Parallel()
	off := `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_head DISABLE TRIGGER USER;`
	always := `DO $$ DECLARE r record; BEGIN FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname IN ('audit_event', 'audit_link', 'audit_head')
		LOOP EXECUTE format('ALTER TABLE shard_admin.%I ENABLE ALWAYS TRIGGER %I', r.relname, r.tgname); END LOOP; END $$;`
	rehash := `DO $$ DECLARE r record; p bytea := decode(repeat('00', 32), 'hex'); eh bytea; BEGIN
		UPDATE shard_admin.audit_link SET prev_hash = sha256(prev_hash || 'x');
		FOR r IN SELECT l.seq, l.sealed_at, e FROM shard_admin.audit_link l JOIN shard_admin.audit_event e USING (event_id) ORDER BY 1 LOOP
			eh := shard_admin.audit_event_hash(r.e);
			UPDATE shard_admin.audit_link SET event_hash = eh, prev_hash = p, hash = shard_admin.audit_link_hash(r.seq, r.sealed_at, eh, p) WHERE seq = r.seq RETURNING hash INTO p;
		END LOOP; UPDATE shard_admin.audit_head SET hash = p, seq = (SELECT max(seq) FROM shard_admin.audit_link); END $$;`
	cut := `DELETE FROM shard_admin.audit_link WHERE seq > 4; DELETE FROM shard_admin.audit_event e WHERE NOT EXISTS (SELECT FROM shard_admin.audit_link l WHERE l.event_id = e.event_id);
		UPDATE shard_admin.audit_head SET seq = 4, hash = (SELECT hash FROM shard_admin.audit_link WHERE seq = 4);`
	for _, tc := range []struct {
		name, sql string
		inside    string // found by the checkpoints in the chain
		kept      string // found by one that was kept elsewhere
	}{
		{"nothing", "", "", ""},
		{"rewritten", `UPDATE shard_admin.audit_event SET body = replace(body, 'reason 0', 'excuse 0');` + rehash, "checkpoint", "fork"},
		{"rewound", cut, "", "rollback"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, trail := trailtest.Installed(t)
			key := trailtest.Enrolled(t, c, trail)
			trailtest.Fill(t, c, trail, 4)
			point, err := trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "hourly"), key)
			require.NoError(t, err)
			trailtest.Fill(t, c, trail, 2)
			c.Exec(off + tc.sql + always)
			v, err := trail.Verify(t.Context())
			require.NoError(t, err)
			if tc.inside == "" {
				require.True(t, v.OK, v.Findings)
			} else {
				require.Equal(t, []string{tc.inside}, kinds(v))
			}
			v, err = trail.VerifyFrom(t.Context(), point, key.Public)
			require.NoError(t, err)
			require.Equal(t, tc.kept == "", v.OK)
			if tc.kept != "" {
				require.Contains(t, kinds(v), tc.kept)
			}
		})
	}
}

func TestARevokedKeySignsNoMore(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	key := trailtest.Enrolled(t, c, trail)
	trailtest.Fill(t, c, trail, 1)
	_, err := trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "hourly"), key)
	require.NoError(t, err)
	_, err = trail.RevokeKey(t.Context(), trailtest.Permit(t, c, policy.AuditKeyRevoke, "lost laptop"), key.Public)
	require.NoError(t, err)
	v, err := trail.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, "what was signed before stays good: %v", v.Findings)
	require.EqualValues(t, 1, v.Checkpoints)
	require.NotNil(t, v.Keys[0].RevokedSeq)
	_, err = trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "hourly"), key)
	require.Equal(t, fault.KeyNotEnrolled, fault.CodeOf(err))
	_, err = trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "x"), filepath.Join(t.TempDir(), "f"), audit.EventFile(audit.JSONL, audit.Filter{}, audit.Evidence{Key: key}))
	require.Equal(t, fault.KeyNotEnrolled, fault.CodeOf(err))
	// Past this program it is seen.
	msg, err := audit.Checkpoint{Origin: audit.Origin("x"), Seq: 1, Hash: audit.Genesis(), At: time.Now()}.Sign(key)
	require.NoError(t, err)
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := trail.AppendTx(t.Context(), tx, trailtest.Permit(t, c, policy.AuditCheckpoint, "forged"), audit.Record{Details: map[string]any{"checkpoint": msg}})
		return err
	}))
	v, err = trail.Verify(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"checkpoint_signature"}, kinds(v))
	_, err = trail.RevokeKey(t.Context(), trailtest.Permit(t, c, policy.AuditKeyRevoke, "again"), key.Public)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = trail.EnrollKey(t.Context(), trailtest.Permit(t, c, policy.AuditKeyEnroll, "no key"), "no key")
	require.Equal(t, fault.Usage, fault.CodeOf(err))
}

func FuzzVerifyFile(f *testing.F) {
	line, err := json.Marshal(audit.Line{})
	require.NoError(f, err)
	f.Add(line, []byte(`{"format":"jsonl"}`), []byte("x"))
	f.Add([]byte(`{"omitted":{"seq":1}}`), []byte(`{"format":"csv","signed_by":"a+b+c"}`), []byte(""))
	f.Fuzz(func(t *testing.T, file, manifest, signature []byte) {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		require.NoError(t, os.WriteFile(path+".manifest.json", manifest, 0o600))
		require.NoError(t, os.WriteFile(path+".manifest.sig", signature, 0o600))
		v, err := audit.VerifyFile(t.Context(), path, audit.FileOptions{})
		require.False(t, err == nil && v.OK, "nothing made up verifies under a signature")
	})
}

// Given keys count alone: a trail of two operators verifies with both, with one it does
// not, and a key that is none is not taken for a finding.
func TestOnlyGivenKeysAreTrusted(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	ann, bob := trailtest.Enrolled(t, c, trail), trailtest.Enrolled(t, c, trail)
	for _, k := range []*audit.SigningKey{ann, bob} {
		_, err := trail.Checkpoint(t.Context(), trailtest.Permit(t, c, policy.AuditCheckpoint, "hourly"), k)
		require.NoError(t, err)
	}
	file := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{Key: ann})
	check := func(want []string, public ...string) {
		t.Helper()
		v, err := trail.VerifyFrom(t.Context(), "", public...)
		require.NoError(t, err)
		require.Equal(t, want, kinds(v), v.Findings)
		f := verified(t, file, audit.FileOptions{Public: public})
		require.Equal(t, len(want) == 0, f.OK, f.Findings)
	}
	check([]string{})
	check([]string{}, ann.Public, bob.Public)
	check([]string{"key", "key"}, ann.Public) // bob's enrolment and his checkpoint
	_, err := trail.RevokeKey(t.Context(), trailtest.Permit(t, c, policy.AuditKeyRevoke, "he left"), bob.Public)
	require.NoError(t, err)
	v, err := trail.VerifyFrom(t.Context(), "", ann.Public, bob.Public)
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	_, err = trail.VerifyFrom(t.Context(), "", "no key")
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = audit.VerifyFile(t.Context(), file, audit.FileOptions{Public: []string{"no key"}})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
}
