package cli_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	_ "modernc.org/sqlite" // full access to the laptop's file

	"shardadmin/internal/pgtest"
)

// tampering is a fleet with a trail that is signed, exported and copied, and with
// what is kept of it elsewhere.
type tampering struct {
	*lab
	dir, key string
	head     int64
}

func (x *tampering) file(name string) string { return filepath.Join(x.dir, name) }

// sealed is what every case begins with: a trail whose events were written by the
// command line, a checkpoint of event 9 or so that is kept elsewhere, a signed
// export, an exported table, and a copy on this computer.
func sealed(t *testing.T) *tampering {
	t.Helper()
	x := &tampering{lab: installed(t, "staging"), dir: t.TempDir()}
	x.vaulted()
	x.key = x.json(0, "audit", "key", "enroll", "--note", "my key")["public"].(string)
	for i := range 6 {
		x.json(0, "fleet", "operator", "set", fmt.Sprintf("bob%d@example.com", i), "--role", "viewer", "--note", fmt.Sprintf("reason %d", i))
	}
	x.json(0, "audit", "checkpoint", "-o", x.file("kept.checkpoint"), "--note", "monthly")
	x.json(0, "audit", "export", "-o", x.file("trail.jsonl"), "--note", "for the auditor")
	x.json(0, "audit", "export", "-o", x.file("trail.csv"), "--note", "for the auditor")
	x.json(0, "report", "changes", "-o", x.file("report.html"), "--note", "for the auditor")
	x.head = int64(x.json(0, "audit", "sync")["head"].(float64))
	for _, args := range x.looks() {
		require.Equal(t, 0, x.run(args...).exit, args)
	}
	return x
}

// looks are the commands that look for tampering, before there is any.
func (x *tampering) looks() [][]string {
	kept := []string{"--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key}
	return [][]string{
		{"audit", "sync"},
		{"audit", "verify", "--server"},
		{"audit", "verify", "--mirror"},
		{"audit", "verify", "--server", "--key", x.key},
		{"audit", "verify", "--mirror", "--key", x.key},
		append([]string{"audit", "verify", "--server"}, kept...),
		append([]string{"audit", "verify", "--mirror"}, kept...),
		append([]string{"audit", "verify", "--file", x.file("trail.jsonl")}, kept...),
		{"audit", "verify", "--file", x.file("trail.jsonl")},
		{"audit", "verify", "--file", x.file("trail.csv"), "--key", x.key},
		{"audit", "verify", "--file", x.file("report.html"), "--key", x.key},
	}
}

// finds runs a command that must end with exit 4 for people and with --json, and
// returns the kinds and words of what it found.
func (x *tampering) finds(args ...string) string {
	x.t.Helper()
	r := x.run(args...)
	require.Equal(x.t, 4, r.exit, "%v\n%s%s", args, r.out, r.stderr)
	require.NotContains(x.t, r.out, "verified: none was changed")
	v := x.json(4, args...)
	if args[1] == "sync" {
		e := v["error"].(map[string]any)
		require.Equal(x.t, "mirror_conflict", e["code"])
		require.NotEmpty(x.t, e["hint"])
		require.Contains(x.t, strings.Join(strings.Fields(r.stderr), " "), e["message"], "people read the same")
		return e["message"].(string)
	}
	require.Equal(x.t, false, v["ok"])
	require.NotEmpty(x.t, v["findings"])
	said := ""
	for _, f := range v["findings"].([]any) {
		f := f.(map[string]any)
		said += f["kind"].(string) + ": " + f["message"].(string) + "\n"
	}
	require.Contains(x.t, r.out, "!", "people read of it too")
	return said
}

// passes runs a command that cannot know of it.
func (x *tampering) passes(args ...string) {
	x.t.Helper()
	require.Equal(x.t, true, x.json(0, args...)["ok"], args)
}

// superuser does what only a superuser of the control database can: with the triggers
// off, which are then on again as they were.
func (x *tampering) superuser(statements string) {
	x.t.Helper()
	x.exec(0, unguarded+statements+guarded)
}

// What switches the triggers off, and on again as they were.
const (
	unguarded = `SET session_replication_role = replica;
		DO $$ DECLARE r record; BEGIN FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname LIKE 'audit%'
			LOOP EXECUTE format('ALTER TABLE shard_admin.%I DISABLE TRIGGER %I', r.relname, r.tgname); END LOOP; END $$;
		`
	guarded = `;
		DO $$ DECLARE r record; BEGIN FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname LIKE 'audit%'
			LOOP EXECUTE format('ALTER TABLE shard_admin.%I ENABLE ALWAYS TRIGGER %I', r.relname, r.tgname); END LOOP; END $$`
)

// resigned is the whole forgery: another key is enrolled in the place of the operator's,
// an event says something else, every checkpoint is signed anew with that key and every
// hash computed anew. Nothing in the database shows it any more.
func (x *tampering) resigned() {
	x.t.Helper()
	signer, public := mallory(x.t)
	db := pgtest.Connect(x.t, pgtest.Server(x.t, 0).URL("", x.dbs[0]))
	do := func(sql string, args ...any) {
		x.t.Helper()
		_, err := db.Exec(x.t.Context(), sql, args...)
		require.NoError(x.t, err, sql)
	}
	do(unguarded + edited)
	do(`UPDATE shard_admin.audit_event SET body = replace(body, $1, $2)`, x.key, public)
	var last int64
	require.NoError(x.t, db.QueryRow(x.t.Context(), `SELECT max(seq) FROM shard_admin.audit_link`).Scan(&last))
	hash := func(seq int64) (h []byte) {
		require.NoError(x.t, db.QueryRow(x.t.Context(), `SELECT hash FROM shard_admin.audit_link WHERE seq = $1`, seq).Scan(&h))
		return h
	}
	signed := 0
	for seq := int64(2); seq <= last; seq++ {
		var id, text string
		require.NoError(x.t, db.QueryRow(x.t.Context(), `SELECT event_id, body FROM shard_admin.audit_event JOIN shard_admin.audit_link USING (event_id) WHERE seq = $1`, seq).Scan(&id, &text))
		var b struct {
			Details struct {
				Checkpoint json.RawMessage `json:"checkpoint"`
			} `json:"details"`
		}
		require.NoError(x.t, json.Unmarshal([]byte(text), &b))
		if old := b.Details.Checkpoint; len(old) > 0 {
			var said string
			require.NoError(x.t, json.Unmarshal(old, &said))
			words := strings.Split(said, "\n")
			of, err := strconv.ParseInt(words[1], 10, 64)
			require.NoError(x.t, err)
			words[2] = base64.StdEncoding.EncodeToString(hash(of))
			again, err := note.Sign(&note.Note{Text: strings.Join(words[:4], "\n") + "\n"}, signer)
			require.NoError(x.t, err)
			again, err = json.Marshal(string(again))
			require.NoError(x.t, err)
			do(`UPDATE shard_admin.audit_event SET body = replace(body, $2, $3) WHERE event_id = $1`, id, string(old), string(again))
			signed++
		}
		do(`UPDATE shard_admin.audit_link l SET event_hash = shard_admin.audit_event_hash(e), prev_hash = $2, hash = shard_admin.audit_link_hash(l.seq, l.sealed_at, shard_admin.audit_event_hash(e), $2)
			FROM shard_admin.audit_event e WHERE e.event_id = l.event_id AND l.seq = $1`, seq, hash(seq-1))
	}
	require.Positive(x.t, signed)
	do(`UPDATE shard_admin.audit_head SET hash = $1`, hash(last))
	do(strings.TrimPrefix(guarded, ";"))
}

// laptop does what somebody with full access to the SQLite file can.
func (x *tampering) laptop(statements ...string) {
	x.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(x.home, "shard-admin.db"))
	require.NoError(x.t, err)
	defer func() { require.NoError(x.t, db.Close()) }()
	rows, err := db.Query(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND (name LIKE '%\_kept' ESCAPE '\' OR name LIKE '%\_unchanged' ESCAPE '\')`)
	require.NoError(x.t, err)
	guards := map[string]string{}
	for rows.Next() {
		var name, text string
		require.NoError(x.t, rows.Scan(&name, &text))
		guards[name] = text
	}
	require.NoError(x.t, rows.Err())
	require.NotEmpty(x.t, guards)
	for name := range guards {
		statements = append([]string{"DROP TRIGGER " + name}, statements...)
	}
	for _, text := range guards {
		statements = append(statements, text)
	}
	for _, s := range statements {
		_, err := db.Exec(s)
		require.NoError(x.t, err, s)
	}
}

// copied edits an event of the copy and computes every hash of it anew, which a
// transaction on the server that is rolled back does for it; and, marked, writes the new
// end into the file that says how far the copy goes.
func (x *tampering) copied(marked bool) {
	x.t.Helper()
	db := pgtest.Connect(x.t, pgtest.Server(x.t, 0).URL("", x.dbs[0]))
	tx, err := db.Begin(x.t.Context())
	require.NoError(x.t, err)
	for _, s := range strings.SplitAfter(unguarded+edited+rehashed, "END $$;") {
		_, err = tx.Exec(x.t.Context(), s)
		require.NoError(x.t, err, s)
	}
	rows, err := tx.Query(x.t.Context(), `SELECT seq, body, encode(event_hash, 'hex'), encode(prev_hash, 'hex'), encode(hash, 'hex') FROM shard_admin.audit_link JOIN shard_admin.audit_event USING (event_id) WHERE seq <= $1 ORDER BY seq`, x.head)
	require.NoError(x.t, err)
	var statements []string
	end, was := "", ""
	for rows.Next() {
		var seq int64
		var body, event, prev string
		require.NoError(x.t, rows.Scan(&seq, &body, &event, &prev, &end))
		statements = append(statements, fmt.Sprintf(`UPDATE mirror_event SET body = '%s', event_hash = x'%s', prev_hash = x'%s', hash = x'%s' WHERE seq = %d`, strings.ReplaceAll(body, "'", "''"), event, prev, end, seq))
	}
	require.NoError(x.t, rows.Err())
	require.Len(x.t, statements, int(x.head))
	require.NoError(x.t, tx.Rollback(x.t.Context()))
	require.NoError(x.t, db.QueryRow(x.t.Context(), `SELECT encode(hash, 'hex') FROM shard_admin.audit_link WHERE seq = $1`, x.head).Scan(&was))
	x.laptop(statements...)
	if !marked {
		return
	}
	file := filepath.Join(x.home, "audit-marks.json")
	b, err := os.ReadFile(file)
	require.NoError(x.t, err)
	require.Contains(x.t, string(b), was)
	require.NoError(x.t, os.WriteFile(file, bytes.ReplaceAll(b, []byte(was), []byte(end)), 0o600))
}

// part changes a file that was handed out.
func (x *tampering) part(name string, change func([]byte) []byte) {
	x.t.Helper()
	b, err := os.ReadFile(x.file(name))
	require.NoError(x.t, err)
	after := change(bytes.Clone(b))
	require.NotEqual(x.t, string(b), string(after))
	require.NoError(x.t, os.WriteFile(x.file(name), after, 0o600))
}

func swap(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
}

// What whoever is superuser of the control database can do to the trail.
const (
	edited   = `UPDATE shard_admin.audit_event SET body = replace(body, 'reason 2', 'excuse 2')`
	deleted  = `CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq = 5; DELETE FROM shard_admin.audit_link WHERE seq = 5; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone)`
	inserted = `INSERT INTO shard_admin.audit_event (event_id, occurred_at, recorded_at, db_user, client_addr, app_name, body) SELECT gen_random_uuid(), occurred_at, recorded_at, db_user, client_addr, app_name, body FROM shard_admin.audit_event LIMIT 1`
	renumber = `UPDATE shard_admin.audit_link SET seq = CASE seq WHEN 4 THEN 1005 WHEN 5 THEN 1004 END WHERE seq IN (4, 5); UPDATE shard_admin.audit_link SET seq = seq - 1000 WHERE seq > 1000`
	tailless = `DELETE FROM shard_admin.audit_link WHERE seq > 7; DELETE FROM shard_admin.audit_event e WHERE NOT EXISTS (SELECT FROM shard_admin.audit_link l WHERE l.event_id = e.event_id)`
	rewound  = tailless + `; UPDATE shard_admin.audit_head SET seq = 7, hash = (SELECT hash FROM shard_admin.audit_link WHERE seq = 7)`
	// As the three above, and then everything is numbered and hashed anew: there is no seam.
	deletedAnew  = deleted + `; UPDATE shard_admin.audit_link SET seq = seq + 1000 WHERE seq > 5; UPDATE shard_admin.audit_link SET seq = seq - 1001 WHERE seq > 1000; UPDATE shard_admin.audit_head SET seq = seq - 1` + rehashed
	insertedAnew = `UPDATE shard_admin.audit_link SET seq = seq + 1000 WHERE seq > 4; UPDATE shard_admin.audit_link SET seq = seq - 999 WHERE seq > 1000; UPDATE shard_admin.audit_head SET seq = seq + 1;
		WITH e AS (SELECT e.* FROM shard_admin.audit_event e JOIN shard_admin.audit_link USING (event_id) WHERE seq = 4),
		n AS (INSERT INTO shard_admin.audit_event (event_id, occurred_at, recorded_at, db_user, client_addr, app_name, body) SELECT gen_random_uuid(), occurred_at, recorded_at, db_user, client_addr, app_name, body FROM e RETURNING event_id, recorded_at)
		INSERT INTO shard_admin.audit_link (seq, sealed_at, event_id, event_hash, prev_hash, hash) SELECT 5, recorded_at, event_id, sha256(''), sha256(''), sha256('') FROM n` + rehashed
	reorderedAnew = renumber + rehashed
	rehashed      = `; DO $$ DECLARE r record; p bytea; eh bytea; BEGIN
		UPDATE shard_admin.audit_link SET prev_hash = sha256(prev_hash || 'x') WHERE seq > 1;
		SELECT hash INTO p FROM shard_admin.audit_link WHERE seq = 1;
		FOR r IN SELECT l.seq, l.sealed_at, e FROM shard_admin.audit_link l JOIN shard_admin.audit_event e USING (event_id) WHERE seq > 1 ORDER BY 1 LOOP
			eh := shard_admin.audit_event_hash(r.e);
			UPDATE shard_admin.audit_link SET event_hash = eh, prev_hash = p, hash = shard_admin.audit_link_hash(r.seq, r.sealed_at, eh, p) WHERE seq = r.seq RETURNING hash INTO p;
		END LOOP; UPDATE shard_admin.audit_head SET hash = p; END $$`
)

// seen is one command and what it must say.
type seen struct {
	args []string
	says string // a regular expression over kinds and messages
}

// Every way of tampering that the product promises to show is shown by the command
// that can know of it, exit 4, in words and with --json; and what cannot know of it is
// said to pass, so that nobody relies on it.
func TestTamperingIsFoundByTheCommandLine(t *testing.T) {
	t.Parallel()
	verify := func(args ...string) []string { return append([]string{"audit", "verify"}, args...) }
	sync := []string{"audit", "sync"}
	type tampered struct {
		name   string
		tamper func(x *tampering)
		finds  func(x *tampering) []seen
		passes func(x *tampering) [][]string
	}
	// anew is a history that holds together: signatures show it, and who has seen it before.
	anew := func(name, statements string) tampered {
		return tampered{
			name, func(x *tampering) { x.superuser(statements) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--server"), `\A(checkpoint: .*\n)+\z`},
					{verify("--server", "--key", x.key), `(?m)^checkpoint: `},
					{verify("--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^fork: `},
					{sync, `(differs from this computer's copy|were cut off on the server)`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--mirror")} },
		}
	}
	for _, tc := range []tampered{
		{
			"an event is edited", func(x *tampering) { x.superuser(edited) },
			func(*tampering) []seen {
				return []seen{{verify(), `(?m)^event_changed: event 8 `}, {verify("--server"), `(?m)^event_changed: event 8 `}}
			},
			func(*tampering) [][]string { return [][]string{verify("--mirror")} },
		},
		{
			"an event is deleted", func(x *tampering) { x.superuser(deleted) },
			func(*tampering) []seen { return []seen{{verify("--server"), `(?m)^gap: .*5`}} },
			func(*tampering) [][]string { return [][]string{verify("--mirror")} },
		},
		{
			"an event is put in", func(x *tampering) { x.superuser(inserted) },
			func(*tampering) []seen { return []seen{{verify("--server"), `(?m)^unsealed: `}} },
			nil,
		},
		{
			"events change places", func(x *tampering) { x.superuser(renumber) },
			func(*tampering) []seen {
				return []seen{{verify("--server"), `(?m)^order: event 4 .*\nlink_changed: .* event 4 `}}
			},
			nil,
		},
		{
			"the tail is cut", func(x *tampering) { x.superuser(tailless) },
			func(*tampering) []seen { return []seen{{verify("--server"), `(?m)^head: `}, {sync, `events? .*8`}} },
			func(*tampering) [][]string { return [][]string{verify("--mirror")} },
		},
		{
			"the tail is cut and the head rewound", func(x *tampering) { x.superuser(rewound) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--server", "--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^rollback: `},
					{verify("--from-checkpoint", x.file("kept.checkpoint")), `(?m)^rollback: `},
					{sync, `cut off on the server`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"another history is written from there", func(x *tampering) {
				x.superuser(rewound)
				for i := range 12 {
					x.json(0, "fleet", "operator", "set", fmt.Sprintf("eve%d@example.com", i), "--role", "viewer", "--note", "another history")
				}
			},
			func(x *tampering) []seen {
				return []seen{
					{verify("--server", "--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^fork: `},
					{sync, `differs from this computer's copy from event 8`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"an event is edited and everything hashed anew", func(x *tampering) { x.superuser(edited + rehashed) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--server"), `(?m)^checkpoint: .*rewritten`},
					{verify("--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^fork: `},
					{sync, `differs from this computer's copy`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--mirror")} },
		},
		anew("an event is deleted, and everything numbered and hashed anew", deletedAnew),
		anew("an event is put in, and everything numbered and hashed anew", insertedAnew),
		anew("events change places, and everything is hashed anew", reorderedAnew),
		{
			"another key is enrolled, all is signed with it and hashed anew", func(x *tampering) { x.resigned() },
			func(x *tampering) []seen {
				kept := x.file("kept.checkpoint")
				return []seen{
					{verify("--server", "--key", x.key), `(?m)^key: event \d+ enrolls a key .*not among those that were given.*\n(.*\n)*key: the checkpoint in event \d+ is signed by no key that was given`},
					{verify("--key", x.key), `(?m)^key: `},
					{verify("--server", "--from-checkpoint", kept), `(?m)^checkpoint_signature: `},
					{verify("--server", "--from-checkpoint", kept, "--key", x.key), `(?m)^key: (.*\n)*fork: `},
					{sync, `differs from this computer's copy`},
				}
			},
			// By itself it is a chain without a seam.
			func(x *tampering) [][]string {
				return [][]string{verify("--server"), verify("--mirror", "--key", x.key)}
			},
		},
		{
			"a checkpoint is signed by another key", func(x *tampering) {
				x.part("kept.checkpoint", func(b []byte) []byte { return signedByMallory(x.t, string(b)) })
			},
			func(x *tampering) []seen {
				from := []string{"--from-checkpoint", x.file("kept.checkpoint")}
				return []seen{
					{verify(append(from, "--server")...), `(?m)^checkpoint_signature: `},
					{verify(append(from, "--mirror")...), `(?m)^checkpoint_signature: `},
					{verify(append(from, "--file", x.file("trail.jsonl"))...), `(?m)^checkpoint_signature: `},
					{verify(append(from, "--key", x.key)...), `(?m)^checkpoint_signature: `},
				}
			},
			nil,
		},
		{
			"an export is signed anew by another key", func(x *tampering) {
				x.part("trail.jsonl.manifest.sig", func(b []byte) []byte { return signedByMallory(x.t, string(b)) })
			},
			func(x *tampering) []seen {
				return []seen{{verify("--file", x.file("trail.jsonl")), `(?m)^(key|signature): `}, {verify("--file", x.file("trail.jsonl"), "--key", x.key), `(?m)^(key|signature): `}}
			},
			nil,
		},
		{
			"the auditor expects another key", func(*tampering) {},
			func(x *tampering) []seen {
				_, other := mallory(x.t)
				return []seen{{verify("--file", x.file("trail.jsonl"), "--key", other), `(?m)^(key|signature): `}, {verify("--file", x.file("report.html"), "--key", other), `(?m)^(key|signature): `}}
			},
			func(x *tampering) [][]string {
				return [][]string{verify("--file", x.file("trail.jsonl"), "--key", x.key)}
			},
		},
		{
			"a report's file is altered", func(x *tampering) { x.part("report.html", swap("reason 2", "excuse 2")) },
			func(x *tampering) []seen { return []seen{{verify("--file", x.file("report.html")), `(?m)^manifest: `}} },
			nil,
		},
		{
			"a table's cell is altered", func(x *tampering) { x.part("trail.csv", swap("reason 2", "excuse 2")) },
			func(x *tampering) []seen { return []seen{{verify("--file", x.file("trail.csv")), `(?m)^manifest: `}} },
			nil,
		},
		{
			"a manifest is altered", func(x *tampering) { x.part("report.html.manifest.json", swap(`"chain_ok": true`, `"chain_ok": false`)) },
			func(x *tampering) []seen {
				return []seen{{verify("--file", x.file("report.html")), `(?m)^signature: `}}
			},
			nil,
		},
		{
			"a manifest and its digest are altered without the key", func(x *tampering) {
				x.part("trail.jsonl.manifest.json", swap(`"head_seq": `, `"head_seq": 1`))
				x.part("trail.jsonl.manifest.sig", func(b []byte) []byte {
					return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAll(b, []byte(digest(x.t, x.file("trail.jsonl.manifest.json"))))
				})
			},
			func(x *tampering) []seen {
				return []seen{{verify("--file", x.file("trail.jsonl")), `(?m)^signature: `}}
			},
			nil,
		},
		{
			"a row is removed from an exported file", func(x *tampering) { x.part("trail.jsonl", withoutRow(5)) },
			func(x *tampering) []seen { return []seen{{verify("--file", x.file("trail.jsonl")), `(?m)^gap: .*5`}} },
			nil,
		},
		{
			"a row is removed from a file without what lies beside it", func(x *tampering) {
				x.part("trail.jsonl", withoutRow(5))
				for _, end := range []string{".manifest.json", ".manifest.sig"} {
					require.NoError(x.t, os.Remove(x.file("trail.jsonl"+end)))
				}
			},
			func(x *tampering) []seen { return []seen{{verify("--file", x.file("trail.jsonl")), `(?m)^gap: .*5`}} },
			nil,
		},
		{
			"the copy is edited", func(x *tampering) { x.laptop(`UPDATE mirror_event SET body = replace(body, 'reason 2', 'excuse 2')`) },
			func(*tampering) []seen { return []seen{{verify("--mirror"), `(?m)^event_changed: event 8 `}} },
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"the copy is edited and hashed anew", func(x *tampering) { x.copied(false) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--mirror"), `(?m)^checkpoint: .*rewritten(.*\n)*altered: `},
					{verify("--mirror", "--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^fork: `},
					{sync, `has not the hash that it had`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"the copy is edited and hashed anew, and what was marked of it too", func(x *tampering) { x.copied(true) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--mirror"), `\A(checkpoint: .*rewritten.*\n)+\z`},
					{verify("--mirror", "--key", x.key), `(?m)^checkpoint: .*rewritten`},
					{verify("--mirror", "--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^fork: `},
					{sync, `differs from this computer's copy from event 8 on`},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"an event of the copy is deleted", func(x *tampering) { x.laptop(`DELETE FROM mirror_event WHERE seq = 5`) },
			func(*tampering) []seen { return []seen{{verify("--mirror"), `(?m)^gap: .*5`}} },
			nil,
		},
		{
			"the copy's newest events are deleted", func(x *tampering) { x.laptop(`DELETE FROM mirror_event WHERE seq > 7`) },
			func(x *tampering) []seen {
				return []seen{
					{verify("--mirror"), `(?m)^deleted: .*events 8 to ` + fmt.Sprint(x.head)},
					{verify("--mirror", "--from-checkpoint", x.file("kept.checkpoint"), "--key", x.key), `(?m)^rollback: `},
					{sync, `events 8 to ` + fmt.Sprint(x.head) + `.*deleted from shard-admin.db.*the server's trail has event ` + fmt.Sprint(x.head)},
				}
			},
			func(*tampering) [][]string { return [][]string{verify("--server")} },
		},
		{
			"the copy is emptied", func(x *tampering) {
				x.laptop(`DELETE FROM mirror_event`, `DELETE FROM mirror_person`, `DELETE FROM mirror_alarm`, `DELETE FROM mirror_fleet`, `DELETE FROM mirror_chain`)
			},
			func(x *tampering) []seen {
				return []seen{{verify("--mirror"), `(?m)^deleted: .*events 1 to `}, {sync, `events 1 to ` + fmt.Sprint(x.head)}}
			},
			nil,
		},
		{
			"the copy's file is removed", func(x *tampering) {
				for _, end := range []string{"", "-wal", "-shm"} {
					_ = os.Remove(filepath.Join(x.home, "shard-admin.db"+end))
				}
			},
			func(*tampering) []seen {
				return []seen{{verify("--mirror"), `(?m)^deleted: `}, {sync, `deleted from shard-admin.db`}}
			},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			atMost <- struct{}{}
			defer func() { <-atMost }()
			x := sealed(t)
			tc.tamper(x)
			for _, f := range tc.finds(x) {
				said := x.finds(f.args...)
				require.Regexp(t, f.says, said, f.args)
			}
			if tc.passes == nil {
				return
			}
			for _, args := range tc.passes(x) {
				x.passes(args...)
			}
		})
	}
}

// A change by the command line is signed before the command ends, and a look leaves
// nothing. An alarm of the copy is said by every command, on standard error, until a new
// copy is begun with a reason.
func TestEveryCommandTellsOfAnAlarm(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.vaulted()
	newest := func() map[string]any {
		return list(t, l.json(0, "audit", "list", "--limit", "1"), "events")[0]
	}
	l.json(0, "audit", "key", "enroll", "--note", "my key")
	require.Equal(t, []any{"audit.checkpoint", "a command ends"}, []any{newest()["action"], newest()["note"]})
	l.json(0, "fleet", "operator", "set", "bob@example.com", "--role", "viewer", "--note", "he joins")
	signed := newest()
	require.Equal(t, "a command ends", signed["note"])
	l.json(0, "shards", "status")
	l.refused(3, "tenant_unknown", "shards", "assign", "nobody", "default", "--note", "x")
	require.Equal(t, signed["id"], newest()["id"], "nothing new is not signed")
	require.EqualValues(t, true, l.json(0, "audit", "verify")["ok"])

	l.json(0, "audit", "sync")
	commands := [][]string{{"shards", "status"}, {"tenants", "list"}, {"audit", "list"}, {"move", "list"}, {"fleet", "check"}, {"audit", "export", "-o", filepath.Join(t.TempDir(), "a.csv"), "--note", "x"}}
	for _, args := range commands {
		require.NotContains(t, l.run(args...).stderr, "ALARM", args)
	}
	(&tampering{lab: l}).laptop(`DELETE FROM mirror_event WHERE seq > 2`)
	for _, args := range commands {
		for _, how := range [][]string{args, append(args, "--json")} {
			r := l.run(how...)
			require.Equal(t, 1, strings.Count(r.stderr, "ALARM"), "%v: %s", how, r.stderr)
			require.Contains(t, strings.Join(strings.Fields(r.stderr), " "), "deleted from shard-admin.db", how)
			require.Contains(t, r.stderr, "audit sync --restart", how)
			require.NotContains(t, r.out, "ALARM", how)
		}
	}
	l.refused(3, "reason_missing", "audit", "sync", "--restart")
	l.json(0, "audit", "sync", "--restart", "--note", "the laptop was looked at")
	for _, args := range commands {
		require.NotContains(t, l.run(args...).stderr, "ALARM", args)
	}
}

// atMost bounds how many fleets of the test above are worked on at once.
var atMost = make(chan struct{}, 4)

// mallory is a key that nobody enrolled.
var mallory = func() func(testing.TB) (note.Signer, string) {
	made := sync.OnceValues(func() (note.Signer, string) {
		secret, public, err := note.GenerateKey(zeros{}, "mallory")
		if err != nil {
			panic(err)
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			panic(err)
		}
		return signer, public
	})
	return func(testing.TB) (note.Signer, string) { return made() }
}()

// zeros is a source of numbers that are not random: the key signs forgeries alone.
type zeros struct{}

var _ io.Reader = zeros{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// signedByMallory is the signed text under another signature.
func signedByMallory(t testing.TB, signed string) []byte {
	t.Helper()
	text, _, ok := strings.Cut(signed, "\n\n")
	require.True(t, ok)
	signer, _ := mallory(t)
	b, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
	require.NoError(t, err)
	return b
}

func digest(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// withoutRow removes the line of an event.
func withoutRow(seq int64) func([]byte) []byte {
	return func(b []byte) []byte {
		var out [][]byte
		for _, l := range bytes.SplitAfter(b, []byte("\n")) {
			var v struct {
				Seq int64 `json:"seq"`
			}
			if json.Unmarshal(l, &v) != nil || v.Seq != seq {
				out = append(out, l)
			}
		}
		return bytes.Join(out, nil)
	}
}
