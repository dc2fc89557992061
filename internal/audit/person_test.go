package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

// by is a permit of somebody.
func by(t testing.TB, c *controltest.Control, who string, a policy.Action) policy.Permit {
	t.Helper()
	f := *c.Fleet
	f.Environment = fleet.Demo
	p, err := policy.NewGate(policy.Config{Fleet: &f, Control: c.DB, Schema: install.DefaultSchema, Email: who, Source: "cli"}).
		Permit(t.Context(), policy.Request{Action: a, Tenant: "7", Reason: "a test"})
	require.NoError(t, err)
	return p
}

// did records a change of somebody with e-mails in what it says.
func did(t testing.TB, c *controltest.Control, trail *audit.Trail, who string, details map[string]any) {
	t.Helper()
	_, err := trail.Begin(t.Context(), by(t, c, who, policy.AssignTenant), audit.Intent{Tenant: "7", Details: details})
	require.NoError(t, err)
}

func bodies(t testing.TB, c *controltest.Control) string {
	t.Helper()
	var out string
	require.NoError(t, c.Super().QueryRow(t.Context(), `SELECT string_agg(body, E'\n') FROM shard_admin.audit_event`).Scan(&out))
	return out
}

func ids(t testing.TB, trail *audit.Trail, f audit.Filter) []int64 {
	t.Helper()
	out := []int64{}
	list, err := trail.List(t.Context(), f)
	require.NoError(t, err)
	for _, e := range list {
		out = append(out, e.Seq)
	}
	return out
}

const older = `INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(),
	'{"action":"tenant.assign","actor":"Bob@example.com","actor_role":"admin","details":{"to":"person-00000000000000000000000000000000"},"fleet":"test","phase":"outcome","program":"1","reason":"x","status":"ok","v":1,"via":"cli"}')`

func TestAPersonIsKeptApartAndErasedWithoutBreakingTheChain(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	c.Exec(older) // 1
	did(t, c, trail, "bob@example.com", map[string]any{
		"to": []any{"Eve@example.com", "not eve@example.com alone"}, "password": "eve@example.com", "deep": map[string]any{"who": "bob@example.com", "count": 7},
	}) // 2
	did(t, c, trail, "ann@example.com", map[string]any{"odd": "person-ffffffffffffffffffffffffffffffff"}) // 3
	text := bodies(t, c)
	host, err := os.Hostname()
	require.NoError(t, err)
	for _, word := range []string{"ann@example.com", "bob@example.com", `"eve@`, `"Eve@`, `"` + host + `"`} {
		require.NotContains(t, text, word)
	}
	require.Contains(t, text, `"odd":"erased person ffffffff"`, "what is no person's pseudonym is not taken for one")
	sound(t, c, trail)
	// What was put in by hand in another form means what it says.
	c.Exec(`INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(), '{"v": 2, "action": "x", "actor": "person-11111111111111111111111111111111"}')`) // 4
	sound(t, c, trail)
	loose, err := trail.List(t.Context(), audit.Filter{Action: "x"})
	require.NoError(t, err)
	require.Equal(t, []string{"person-11111111111111111111111111111111", ""}, []string{loose[0].Actor, loose[0].ActorRef})

	list, err := trail.List(t.Context(), audit.Filter{Before: 4})
	require.NoError(t, err)
	e := list[1]
	require.Equal(t, "bob@example.com", e.Actor)
	require.True(t, audit.IsRef(e.ActorRef), e.ActorRef)
	require.Equal(t, []any{"eve@example.com", "not eve@example.com alone"}, e.Details["to"])
	require.Equal(t, map[string]any{"who": "bob@example.com", "count": float64(7)}, e.Details["deep"])
	require.Equal(t, "[redacted]", e.Details["password"])
	require.Equal(t, "person-00000000000000000000000000000000", list[2].Details["to"], "an older event means what it says")
	require.Equal(t, []string{"Bob@example.com", ""}, []string{list[2].Actor, list[2].ActorRef})
	bob := e.ActorRef
	for _, who := range []string{"bob@example.com", "BOB@example.com", bob} {
		require.Equal(t, []int64{2, 1}, ids(t, trail, audit.Filter{Actor: who}), who)
	}
	require.Equal(t, []int64{2}, ids(t, trail, audit.Filter{Search: "eve@example.com"}))
	require.Equal(t, []int64{2, 1}, ids(t, trail, audit.Filter{Search: "BOB@"}))
	require.Equal(t, []int64{3, 2}, ids(t, trail, audit.Filter{Search: host}))
	require.Equal(t, []int64{2}, ids(t, trail, audit.Filter{Search: bob}))
	digit := strings.Trim(bob, "person-")[:1]
	require.NotContains(t, ids(t, trail, audit.Filter{Search: "zz" + digit}), int64(2))
	facets := func() map[string]int64 {
		f, err := trail.Facets(t.Context(), audit.Filter{})
		require.NoError(t, err)
		out := map[string]int64{}
		for _, v := range f.Kinds[2].Values {
			out[v.Value] = v.Events
		}
		return out
	}
	require.Equal(t, map[string]int64{"bob@example.com": 2, "ann@example.com": 1, "erased person 11111111": 1}, facets())
	before := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{})

	for _, who := range []string{"ann@example.com", "Ann@example.com"} {
		_, err = trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), who)
		require.Equal(t, fault.PersonActive, fault.CodeOf(err), "nobody erases themselves")
	}
	c.Exec(`INSERT INTO shard_admin.operator (email, role, added_by) VALUES ('bob@example.com', 'viewer', 'bob@example.com'), ('ann@example.com', 'admin', 'bob@example.com')`)
	_, err = trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), bob)
	require.Equal(t, fault.PersonActive, fault.CodeOf(err), "an operator stays")
	c.Exec(`DELETE FROM shard_admin.operator WHERE email LIKE 'bob%'; UPDATE shard_admin.queue SET changed_by = 'bob@example.com';
		INSERT INTO shard_admin.silence (begins_at, ends_at, reason, created_by) VALUES (now(), now() + interval '1 h', 'x', 'bob@example.com');
		INSERT INTO shard_admin.run (id, kind, resource, payload, state, created_by) VALUES (gen_random_uuid(), 'move', 'tenant/7', '{}', 'queued', 'bob@example.com');`)
	_, err = trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), bob)
	require.Equal(t, fault.PersonActive, fault.CodeOf(err), "work that waits is done under a name")
	last := ids(t, trail, audit.Filter{Limit: 1})[0]
	e2, err := trail.List(t.Context(), audit.Filter{Action: "audit.erase"})
	require.NoError(t, err)
	require.Equal(t, []string{"refused", "begun"}, []string{e2[0].Status, e2[1].Status})
	sound(t, c, trail)
	c.Exec(`UPDATE shard_admin.run SET state = 'done'`)

	erased, err := trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), "BOB@example.com")
	require.NoError(t, err)
	require.Equal(t, []string{bob}, erased.Refs, "the computer is ann's as well")
	require.EqualValues(t, 1, erased.Events)
	require.EqualValues(t, 1, erased.Plain)
	sound(t, c, trail)
	text = bodies(t, c)
	require.NotContains(t, text, "bob@example.com")
	shown := "erased person " + bob[7:15]
	list, err = trail.List(t.Context(), audit.Filter{Before: 4})
	require.NoError(t, err)
	require.Equal(t, []string{"ann@example.com", shown, "Bob@example.com"}, []string{list[0].Actor, list[1].Actor, list[2].Actor})
	require.Equal(t, bob, list[1].ActorRef)
	require.Equal(t, shown, list[1].Details["deep"].(map[string]any)["who"])
	for _, who := range []string{bob, shown} {
		require.Equal(t, []int64{2}, ids(t, trail, audit.Filter{Actor: who}), who)
	}
	require.EqualValues(t, 1, facets()[shown])
	end, err := trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, last+2, end[0].Seq)
	require.Equal(t, erased.EventID, end[0].ID)
	require.Equal(t, []any{bob[7:]}, end[0].Details["persons"])
	var left string
	require.NoError(t, c.Super().QueryRow(t.Context(), `SELECT coalesce(string_agg(x, ' '), '') FROM (
		SELECT added_by FROM shard_admin.operator UNION ALL SELECT changed_by FROM shard_admin.queue UNION ALL SELECT created_by FROM shard_admin.silence
		UNION ALL SELECT created_by FROM shard_admin.run) o (x)`).Scan(&left))
	require.Equal(t, strings.TrimSpace(strings.Repeat(bob+" ", 4)), left)

	after := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{})
	some := exported(t, c, trail, audit.JSONL, audit.Filter{Actor: bob}, audit.Evidence{Proof: true})
	for _, path := range []string{before, after, some} {
		v := verified(t, path, audit.FileOptions{})
		require.True(t, v.OK, v.Findings)
		require.Equal(t, path == some, strings.Contains(strings.Join(v.Unproven, " "), "erased"), v.Unproven)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, path == before, strings.Contains(string(data), "bob@example.com"), "a file that was given out cannot be called back")
	}
	_, err = trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), "bob@example.com")
	require.Equal(t, fault.PersonUnknown, fault.CodeOf(err))

	did(t, c, trail, "bob@example.com", nil)
	end, err = trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "bob@example.com", end[0].Actor)
	require.NotEqual(t, bob, end[0].ActorRef, "who comes back is somebody new")
	sound(t, c, trail)
}

func TestComputersOfOnePersonAloneGoWithThem(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	did(t, c, trail, "bob@example.com", nil)
	erased, err := trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), "bob@example.com")
	require.NoError(t, err)
	// The intent of the erasure is ann's and names her computer, which is the same.
	require.Len(t, erased.Refs, 1)
	c.Exec(strings.ReplaceAll(older, "Bob@example.com", "x"))
	var host, alone string
	conn := c.Super()
	require.NoError(t, conn.QueryRow(t.Context(), `INSERT INTO shard_admin.audit_person (kind, value, salt) VALUES ('host', 'eves-laptop', sha256('a')) RETURNING ref`).Scan(&alone))
	require.NoError(t, conn.QueryRow(t.Context(), `INSERT INTO shard_admin.audit_person (kind, value, salt) VALUES ('email', 'eve@example.com', sha256('b')) RETURNING ref`).Scan(&host))
	c.Exec(fmt.Sprintf(`INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(),
		'{"action":"tenant.assign","actor":"%s","actor_role":"admin","fleet":"test","host":"%s","phase":"outcome","program":"1","reason":"x","status":"ok","v":2,"via":"cli"}')`, host, alone))
	erased, err = trail.Erase(t.Context(), by(t, c, "ann@example.com", policy.AuditErase), "eve@example.com")
	require.NoError(t, err)
	require.Equal(t, []string{host, alone}, erased.Refs)
	sound(t, c, trail)
}

func TestWhoTamperedWithAPersonIsFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, kind string }{
		"value":   {`UPDATE shard_admin.audit_person SET value = 'bob@example.com' WHERE kind = 'email'`, "person_changed"},
		"salt":    {`UPDATE shard_admin.audit_person SET salt = sha256('x') WHERE kind = 'email'`, "person_changed"},
		"removed": {`DELETE FROM shard_admin.audit_person WHERE kind = 'email'`, "person_missing"},
		"swapped": {`UPDATE shard_admin.audit_person SET ref = 'person-' || repeat('0', 32) WHERE kind = 'email'`, "person_missing"},
		"trigger": {`DROP TRIGGER audit_person_kept ON shard_admin.audit_person`, "unguarded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, trail := trailtest.Installed(t)
			trailtest.Fill(t, c, trail, 2)
			sound(t, c, trail)
			c.Exec(`ALTER TABLE shard_admin.audit_person DISABLE TRIGGER USER; ` + tc.sql)
			c.Exec(`ALTER TABLE shard_admin.audit_person ENABLE ALWAYS TRIGGER audit_person_stamp; ALTER TABLE shard_admin.audit_person ENABLE ALWAYS TRIGGER audit_person_kept_all;`)
			if name != "trigger" {
				c.Exec(`ALTER TABLE shard_admin.audit_person ENABLE ALWAYS TRIGGER audit_person_kept`)
			}
			v, err := trail.Verify(t.Context())
			require.NoError(t, err)
			require.False(t, v.OK)
			require.Contains(t, kinds(v), tc.kind, v.Findings)
			_, err = trail.List(t.Context(), audit.Filter{})
			require.NoError(t, err, "what was tampered with can be read")
			path := exported(t, c, trail, audit.JSONL, audit.Filter{}, audit.Evidence{})
			require.False(t, verified(t, path, audit.FileOptions{}).OK, "and is found in the file")
		})
	}
}

func TestPersonsAreKeptByTheDatabase(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	did(t, c, trail, "bob@example.com", nil)
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	for _, sql := range []string{
		`UPDATE shard_admin.audit_person SET value = 'x'`, `DELETE FROM shard_admin.audit_person`, `TRUNCATE shard_admin.audit_person`,
		`SELECT shard_admin.audit_erase(ref, gen_random_uuid()) FROM shard_admin.audit_person`,
		`SELECT shard_admin.audit_erase(ref, (SELECT event_id FROM shard_admin.audit_event LIMIT 1)) FROM shard_admin.audit_person`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.Error(t, err, "the owner, too: %s", sql)
	}
	sound(t, c, trail)

	// Another role appends and erases nobody.
	other := controltest.Role(t)
	c.Exec(`GRANT USAGE ON SCHEMA shard_admin TO ` + other + `; GRANT SELECT ON ALL TABLES IN SCHEMA shard_admin TO ` + other +
		`; GRANT INSERT (event_id, occurred_at, body) ON shard_admin.audit_event TO ` + other + `; GRANT INSERT (kind, value, salt) ON shard_admin.audit_person TO ` + other)
	set := c.As(other)
	theirs := audit.New(set.Control(), install.DefaultSchema)
	p := by(t, c, "ann@example.com", policy.AuditErase)
	n := len(ids(t, trail, audit.Filter{}))
	_, err = theirs.Erase(t.Context(), p, "bob@example.com")
	require.Equal(t, fault.RightMissing, fault.CodeOf(err))
	grant := `GRANT EXECUTE ON FUNCTION "shard_admin"."audit_erase"(text, uuid) TO "` + other + `"`
	require.Contains(t, fault.HintOf(err), grant)
	require.Len(t, ids(t, trail, audit.Filter{}), n, "no intent of what could not be done")
	c.Exec(grant)
	_, err = theirs.Erase(t.Context(), p, "bob@example.com")
	require.NoError(t, err)
	sound(t, c, trail)
}

func TestTheSameNewPersonsAtOnceAreOneEach(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = trail.AppendTx(t.Context(), tx, by(t, c, "zoe@example.com", policy.AssignTenant), audit.Record{})
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(t.Context()))
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		p := by(t, c, fmt.Sprintf("p%d@example.com", i%2), policy.AssignTenant)
		wg.Go(func() {
			errs[i] = pgx.BeginTxFunc(context.WithoutCancel(t.Context()), pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
				_, err := trail.AppendTx(t.Context(), tx, p, audit.Record{Details: map[string]any{"to": []string{"x@example.com", "y@example.com"}}})
				return err
			})
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	var emails []string
	require.NoError(t, c.Super().QueryRow(t.Context(), `SELECT array_agg(value ORDER BY value) FROM shard_admin.audit_person WHERE kind = 'email'`).Scan(&emails))
	require.Equal(t, []string{"p0@example.com", "p1@example.com", "x@example.com", "y@example.com"}, emails, "what was rolled back left nobody")
	sound(t, c, trail)
}

// An erasure waits for events that are being appended, and what comes after it is new.
func TestNoEventBearsARefAfterItsErasure(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	did(t, c, trail, "bob@example.com", nil)
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = trail.AppendTx(t.Context(), tx, by(t, c, "bob@example.com", policy.AssignTenant), audit.Record{})
	require.NoError(t, err)
	erase := by(t, c, "ann@example.com", policy.AuditErase)
	done := make(chan error, 1)
	go func() {
		_, err := trail.Erase(context.WithoutCancel(t.Context()), erase, "bob@example.com")
		done <- err
	}()
	require.Eventually(t, func() bool {
		var waits bool
		err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits)
		return err == nil && waits
	}, 20*time.Second, 20*time.Millisecond, "it has to wait")
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-done)
	sound(t, c, trail)
	last, err := trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "audit.erase", last[0].Action)
	text, err := json.Marshal(last[0].Details)
	require.NoError(t, err)
	require.NotContains(t, string(text), "bob@")
}
