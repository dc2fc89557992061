package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/pgtest/trailtest"
	"shardadmin/internal/policy"
)

func TestIntentAndOutcomeAreReadBack(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	p := trailtest.Permit(t, c, policy.MoveStart, "Grüße — \"why\" 漢字")
	open, err := trail.Begin(t.Context(), p, audit.Intent{
		Tenant: "7", Source: "default", Target: "shard_1", MoveID: "m-1", Before: map[string]any{"shard": "default"},
		Details: map[string]any{"rows": int64(1) << 60, "ratio": 0.5},
	})
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	id, err := open.Finish(ended, audit.Outcome{Err: fault.New(fault.MoveBlocked, "no room", "make room")})
	require.NoError(t, err, "an outcome is stored although the caller has gone")

	events, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, events, 2)
	out, in := events[0], events[1]
	require.Equal(t, id, out.ID)
	require.Equal(t, open.ID(), out.Parent)
	require.Equal(t, []int64{2, 1}, []int64{out.Seq, in.Seq})
	require.Equal(t, "refused", out.Status)
	require.Equal(t, "move_blocked", out.Details["error"])
	require.Equal(t, "no room", out.Details["message"])
	require.Equal(t, "begun", in.Status)
	require.Equal(t, "ann@example.com", in.Actor)
	require.Equal(t, "admin", in.ActorRole)
	require.Equal(t, c.Role, in.DBUser)
	require.Equal(t, "move.start", in.Action)
	require.Equal(t, "Grüße — \"why\" 漢字", in.Note)
	require.Equal(t, "0.5", in.Details["ratio"], "no floating point in a body that is hashed")
	require.Equal(t, map[string]any{"shard": "default"}, in.Before)
	require.Len(t, in.Hash, 64)
	require.WithinDuration(t, time.Now(), in.At, time.Minute)

	v, err := trail.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, 2, v.Events)
	require.Nil(t, v.FirstBad)
}

// Who takes a tenant over ends what others began about it and nothing else, once,
// together with the beginning of its own; who does not hold it any more ends nothing.
func TestWhoTakesOverEndsWhatOthersBegan(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	ctx := t.Context()
	begin := func(a policy.Action, in audit.Intent) string {
		open, err := trail.Begin(ctx, trailtest.Permit(t, c, a, "began"), in)
		require.NoError(t, err)
		return open.ID()
	}
	assigned := begin(policy.AssignTenant, audit.Intent{Tenant: "7", Source: "default", Target: "shard_1"})
	moved := begin(policy.MoveRollback, audit.Intent{Tenant: "7", Source: "default", Target: "shard_1", MoveID: "m1"})
	filed := begin(policy.MoveStart, audit.Intent{Tenant: "7", MoveID: "m1"})
	planned := begin(policy.MoveStart, audit.Intent{Tenant: "7", MoveID: "m2"}) // waits for its turn
	goesOn := begin(policy.MoveSwitch, audit.Intent{Tenant: "7", MoveID: "m1"})
	export := begin(policy.AuditExport, audit.Intent{Tenant: "7"})
	other := begin(policy.AssignTenant, audit.Intent{Tenant: "8"})

	p := trailtest.Permit(t, c, policy.MoveResume, "goes on")
	left := audit.Abandoned{Tenant: "7", But: goesOn, Start: filed, After: map[string]any{"state": "rolling_back"}}
	gone := fault.New(fault.LeaseLost, "another has it", "")
	_, err := trail.TakeOver(ctx, p, left, func(context.Context, pgx.Tx) error { return gone }, &audit.Intent{Tenant: "7"})
	require.ErrorIs(t, err, gone)
	all, err := trail.List(ctx, audit.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 7, "nothing was stored")

	holds := func(context.Context, pgx.Tx) error { return nil }
	open, err := trail.TakeOver(ctx, p, left, holds, &audit.Intent{Tenant: "7", MoveID: "m1"})
	require.NoError(t, err)
	none, err := trail.TakeOver(ctx, p, audit.Abandoned{Tenant: "7", But: open.ID(), Start: filed}, holds, nil)
	require.NoError(t, err)
	require.Nil(t, none)
	list, err := trail.List(ctx, audit.Filter{Statuses: []string{audit.Interrupted}})
	require.NoError(t, err)
	ended := map[string]string{}
	for _, e := range list {
		ended[e.Parent] = e.Action
		require.Equal(t, "outcome", e.Phase)
		require.Equal(t, "goes on", e.Note)
		require.Equal(t, "move.resume", e.Details["taken_over_by"])
	}
	require.Equal(t, map[string]string{assigned: "tenant.assign", moved: "move.rollback", filed: "move.start", goesOn: "move.switch"}, ended, "the one that went on, by the second")
	require.Len(t, list, 4)
	event, status, err := trail.OutcomeOf(ctx, assigned)
	require.NoError(t, err)
	require.NotEmpty(t, event)
	require.Equal(t, audit.Interrupted, status, "it did not come to be")
	for _, id := range []string{planned, export, other, open.ID()} {
		event, _, err := trail.OutcomeOf(ctx, id)
		require.NoError(t, err)
		require.Empty(t, event)
	}
	first := list[len(list)-1]
	require.Equal(t, map[string]any{"state": "rolling_back"}, first.After)
	require.Equal(t, []string{"default", "shard_1"}, []string{first.Source, first.Target})
}

func TestConcurrentWritersAndRollbacksLeaveNoGap(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	c.Exec("CREATE TABLE public.pointer (n int); INSERT INTO public.pointer VALUES (0); GRANT ALL ON public.pointer TO " + c.Role)
	p := trailtest.Permit(t, c, policy.AssignTenant, "load")
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	rollback := errors.New("rolled back on purpose")
	var wg sync.WaitGroup
	errs := make(chan error, 400)
	for w := range 8 {
		wg.Go(func() {
			for i := range 25 {
				err := pgx.BeginTxFunc(t.Context(), pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
					for range 1 + (w+i)%2 {
						if _, err := trail.AppendTx(t.Context(), tx, p, audit.Record{Tenant: fmt.Sprint(w)}); err != nil {
							return err
						}
					}
					if w%2 == 0 {
						if _, err := tx.Exec(t.Context(), "UPDATE public.pointer SET n = n + 1"); err != nil {
							return err
						}
					}
					if i%10 == 3 {
						return rollback
					}
					return nil
				})
				if err != nil && !errors.Is(err, rollback) {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	v, err := trail.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, v.Head, v.Events)
	events, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, events, int(v.Events))
	require.Greater(t, v.Events, int64(250))
	agree(t, c, v)
}

// agree requires that the SQL verifier sees what the Go verifier sees.
func agree(t testing.TB, c *controltest.Control, v audit.Verification) {
	t.Helper()
	rows, err := c.Super().Query(context.Background(), "SELECT seq::text || ' ' || kind FROM shard_admin.audit_verify()")
	require.NoError(t, err)
	inSQL, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	inGo := []string{}
	for _, f := range v.Findings {
		if f.Kind != "unguarded" {
			inGo = append(inGo, fmt.Sprintf("%d %s", f.Seq, f.Kind))
		}
	}
	slices.Sort(inSQL)
	slices.Sort(inGo)
	require.Equal(t, inSQL, inGo)
}

func TestEveryTamperingOfASuperuserIsFound(t *testing.T) {
	t.Parallel()
	off := `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER;
		ALTER TABLE shard_admin.audit_head DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link DROP CONSTRAINT audit_link_event_id_fkey; `
	on := ` ALTER TABLE shard_admin.audit_event ENABLE TRIGGER USER; ALTER TABLE shard_admin.audit_link ENABLE TRIGGER USER;
		ALTER TABLE shard_admin.audit_head ENABLE TRIGGER USER;`
	event := "(SELECT event_id FROM shard_admin.audit_link WHERE seq = 3)"
	for _, tc := range []struct {
		name, sql string
		kinds     []string
		first     int64
	}{
		{"body edited", `UPDATE shard_admin.audit_event SET body = replace(body, 'reason', 'excuse') WHERE event_id = ` + event, []string{"event_changed"}, 3},
		{"time edited", `UPDATE shard_admin.audit_event SET recorded_at = recorded_at - interval '1 microsecond' WHERE event_id = ` + event, []string{"event_changed"}, 3},
		{"user edited", `UPDATE shard_admin.audit_event SET db_user = 'mallory' WHERE event_id = ` + event, []string{"event_changed"}, 3},
		{"event deleted", `DELETE FROM shard_admin.audit_event WHERE event_id = ` + event, []string{"event_missing"}, 3},
		{"event and seal deleted", `CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq = 3;
			DELETE FROM shard_admin.audit_link WHERE seq = 3; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone)`, []string{"gap"}, 4},
		{"seal deleted", `DELETE FROM shard_admin.audit_link WHERE seq = 3`, []string{"gap", "unsealed"}, 4},
		{"first events deleted", `DELETE FROM shard_admin.audit_link WHERE seq < 3`, []string{"gap", "unsealed", "unsealed"}, 3},
		{"the first cut with their seals", `CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq < 3;
			DELETE FROM shard_admin.audit_link WHERE seq < 3; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone)`, []string{"gap"}, 3},
		{"a run in the middle cut with its seals", `CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq IN (3, 4);
			DELETE FROM shard_admin.audit_link WHERE seq IN (3, 4); DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone)`, []string{"gap"}, 5},
		{"truncated", `TRUNCATE shard_admin.audit_link, shard_admin.audit_event CASCADE`, []string{"head"}, 1},
		{"seals truncated", `TRUNCATE shard_admin.audit_link`, []string{"head", "unsealed", "unsealed", "unsealed", "unsealed", "unsealed", "unsealed"}, 1},
		{"reordered", `UPDATE shard_admin.audit_link SET seq = -1 * seq WHERE seq IN (3, 4); UPDATE shard_admin.audit_link SET seq = 7 + seq WHERE seq < 0`, []string{"link_changed", "link_changed", "order", "order", "order"}, 3},
		{"events exchanged", `ALTER TABLE shard_admin.audit_link DROP CONSTRAINT audit_link_event_id_key;
			UPDATE shard_admin.audit_link l SET event_id = o.event_id FROM shard_admin.audit_link o WHERE l.seq IN (3, 4) AND o.seq = 7 - l.seq`, []string{"event_changed", "event_changed"}, 3},
		{"seal edited", `UPDATE shard_admin.audit_link SET sealed_at = sealed_at - interval '1 hour' WHERE seq = 3`, []string{"link_changed"}, 3},
		{"tail cut", `DELETE FROM shard_admin.audit_link WHERE seq > 4; DELETE FROM shard_admin.audit_event e WHERE NOT EXISTS (SELECT FROM shard_admin.audit_link l WHERE l.event_id = e.event_id)`, []string{"head"}, 5},
		{"head deleted", `DELETE FROM shard_admin.audit_head`, []string{"head"}, 1},
		{"event slipped in", `INSERT INTO shard_admin.audit_event (event_id, occurred_at, recorded_at, db_user, client_addr, app_name, body)
			VALUES (gen_random_uuid(), now(), now(), 'x', 'x', 'x', '{}')`, []string{"unsealed"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, trail := trailtest.Installed(t)
			trailtest.Fill(t, c, trail, 4)
			sql := tc.sql
			if tc.name == "reordered" {
				sql = "ALTER TABLE shard_admin.audit_link DROP CONSTRAINT audit_link_seq_check; " + sql
			}
			c.Exec(off + sql + ";" + on)
			v, err := trail.Verify(t.Context())
			require.NoError(t, err)
			require.False(t, v.OK)
			kinds := []string{}
			for _, f := range v.Findings {
				require.NotEmpty(t, f.Message)
				if f.Kind != "unguarded" {
					kinds = append(kinds, f.Kind)
				}
			}
			slices.Sort(kinds)
			require.Equal(t, tc.kinds, kinds, v.Findings)
			if tc.first == 0 {
				require.Nil(t, v.FirstBad)
			} else {
				require.Equal(t, tc.first, *v.FirstBad)
			}
			agree(t, c, v)
		})
	}
}

func TestTriggersThatAreOffAreFound(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	c.Exec("ALTER TABLE shard_admin.audit_event DISABLE TRIGGER audit_refuse; DROP TRIGGER audit_only_sealing ON shard_admin.audit_link")
	v, err := trail.Verify(t.Context())
	require.NoError(t, err)
	require.False(t, v.OK)
	require.Len(t, v.Findings, 2)
	require.Contains(t, v.Findings[0].Message, "audit_event.audit_refuse")
	require.Contains(t, v.Findings[1].Message, "audit_link.audit_only_sealing")
}

func TestTheTrailTakesNothingButEvents(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 2)
	owner, err := c.DB.Pool(t.Context()) // installed it, so owns it: triggers refuse
	require.NoError(t, err)
	granted := controltest.Role(t)
	c.Exec("GRANT USAGE ON SCHEMA shard_admin TO " + granted + "; GRANT SELECT ON ALL TABLES IN SCHEMA shard_admin TO " + granted +
		"; GRANT INSERT (event_id, occurred_at, body) ON shard_admin.audit_event TO " + granted)
	other, err := c.As(granted).Control().Pool(t.Context())
	require.NoError(t, err)
	for _, sql := range []string{
		"UPDATE shard_admin.audit_event SET body = '{}'",
		"DELETE FROM shard_admin.audit_event",
		"TRUNCATE shard_admin.audit_event CASCADE",
		"UPDATE shard_admin.audit_link SET seq = seq + 100",
		"DELETE FROM shard_admin.audit_link",
		"TRUNCATE shard_admin.audit_link",
		"INSERT INTO shard_admin.audit_link SELECT seq + 100, sealed_at, gen_random_uuid(), event_hash, hash, hash FROM shard_admin.audit_link",
		"UPDATE shard_admin.audit_head SET seq = 0",
		"DELETE FROM shard_admin.audit_head",
		"TRUNCATE shard_admin.audit_head",
		"INSERT INTO shard_admin.audit_head (one, seq, sealed_at, hash) VALUES (true, 0, now(), '')",
	} {
		_, err := owner.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "42501", "owner: %s", sql)
		_, err = other.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "42501", "granted: %s", sql)
	}
	// What a client may not say about itself is refused or stamped over.
	_, err = other.Exec(t.Context(), "INSERT INTO shard_admin.audit_event (event_id, occurred_at, body, db_user) VALUES (gen_random_uuid(), now(), '{}', 'mallory')")
	require.ErrorContains(t, err, "42501")
	_, err = owner.Exec(t.Context(), "INSERT INTO shard_admin.audit_event (event_id, occurred_at, body, db_user, recorded_at, client_addr, app_name) VALUES (gen_random_uuid(), now(), '{}', 'mallory', '2001-01-01', 'x', 'x')")
	require.NoError(t, err)
	// A replica's role passes ordinary triggers, not these.
	su := c.Super()
	_, err = su.Exec(t.Context(), "SET session_replication_role = replica")
	require.NoError(t, err)
	_, err = su.Exec(t.Context(), "DELETE FROM shard_admin.audit_event")
	require.ErrorContains(t, err, "append-only")

	again := audit.New(c.As(granted).Control(), install.DefaultSchema)
	_, err = again.Begin(t.Context(), trailtest.Permit(t, c, policy.AssignTenant, "as a granted role"), audit.Intent{})
	require.NoError(t, err, "three columns are enough to append")
	v, err := again.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	events, err := again.List(t.Context(), audit.Filter{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{granted, c.Role}, []string{events[0].DBUser, events[1].DBUser})
	require.WithinDuration(t, time.Now(), events[1].At, time.Minute)
}

func TestNoIntentNoAction(t *testing.T) {
	t.Parallel()
	c := controltest.New(t, fleet.Staging, "")
	trail := audit.New(c.DB, install.DefaultSchema)
	_, err := trail.Begin(t.Context(), policy.Permit{}, audit.Intent{})
	require.Equal(t, fault.Internal, fault.CodeOf(err), "a permit that nobody minted")
	_, err = trail.Begin(t.Context(), trailtest.Permit(t, c, policy.AssignTenant, "x"), audit.Intent{})
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err))
	_, err = trail.List(t.Context(), audit.Filter{})
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err))

	require.NoError(t, install.New("").Install(t.Context(), c.DB))
	weak := controltest.Role(t)
	c.Exec("GRANT USAGE ON SCHEMA shard_admin TO " + weak + "; GRANT SELECT ON ALL TABLES IN SCHEMA shard_admin TO " + weak)
	_, err = audit.New(c.As(weak).Control(), install.DefaultSchema).Begin(t.Context(), trailtest.Permit(t, c, policy.AssignTenant, "x"), audit.Intent{})
	require.Equal(t, fault.RightMissing, fault.CodeOf(err))
	c.Exec("ALTER TABLE shard_admin.audit_event ADD CHECK (false) NOT VALID")
	_, err = trail.Begin(t.Context(), trailtest.Permit(t, c, policy.AssignTenant, "x"), audit.Intent{})
	require.Equal(t, fault.AuditUnavailable, fault.CodeOf(err))
	require.Equal(t, 3, fault.Exit(err))
}

func TestSecretsDoNotEnterABody(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	const secret = "hunter2-Pa55"
	p := trailtest.Permit(t, c, policy.CredentialSet, "moved from postgres://ops:"+secret+"@db1:5432/x because password="+secret)
	type nested struct {
		Credential credential.Credential
		Password   string            `json:"password"`
		Token      string            `json:"api_token"`
		Env        map[string]string `json:"env"`
	}
	n := nested{
		Credential: credential.Credential{User: "ops", Password: credential.NewSecret(secret)}, Password: secret, Token: secret,
		Env: map[string]string{"DATABASE_URL": "postgresql://u:" + secret + "@h/db", "PGPASSWORD": "x", "db-secret": secret},
	}
	open, err := trail.Begin(t.Context(), p, audit.Intent{Details: map[string]any{"n": n, "list": []any{"token: " + secret, "dsn=host=x password='" + secret + "' user=y"}}, Before: map[string]any{"dsn": secret}})
	require.NoError(t, err)
	_, err = open.Finish(t.Context(), audit.Outcome{Err: fmt.Errorf("dial %s", secret), Details: map[string]any{"secret": credential.NewSecret(secret)}})
	require.NoError(t, err)
	var all string
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT string_agg(body, E'\n') FROM shard_admin.audit_event").Scan(&all))
	require.NotContains(t, all, secret)
	require.Contains(t, all, "[redacted]")
	require.Contains(t, all, `"User":"ops"`)
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	for i, a := range []policy.Action{policy.AssignTenant, policy.MoveStart, policy.MoveFinalize} {
		_, err := trail.Begin(t.Context(), trailtest.Permit(t, c, a, fmt.Sprintf("ticket-no%d 100%% sure", i)), audit.Intent{Tenant: fmt.Sprint(i), Source: "default", Target: fmt.Sprintf("shard_%d", i), MoveID: fmt.Sprintf("move-%d", i)})
		require.NoError(t, err)
	}
	all, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, tc := range []struct {
		f    audit.Filter
		want []string // tenants, the newest first
	}{
		{audit.Filter{Tenant: "1"}, []string{"1"}},
		{audit.Filter{Actor: "ANN@example.com"}, []string{"2", "1", "0"}},
		{audit.Filter{Actor: "bob@example.com"}, []string{}},
		{audit.Filter{Shard: "shard_2"}, []string{"2"}},
		{audit.Filter{Shard: "default", Limit: 2}, []string{"2", "1"}},
		{audit.Filter{Action: "move"}, []string{"2", "1"}},
		{audit.Filter{Action: "move.start"}, []string{"1"}},
		{audit.Filter{Action: "mov"}, []string{}},
		{audit.Filter{MoveID: "move-0"}, []string{"0"}},
		{audit.Filter{Search: "sure TICKET-no2"}, []string{"2"}},
		{audit.Filter{Search: "100%"}, []string{"2", "1", "0"}},
		{audit.Filter{Search: "' OR 1=1 --"}, []string{}},
		{audit.Filter{Since: all[1].At}, []string{"2", "1"}},
		{audit.Filter{Until: all[1].At}, []string{"0"}},
		{audit.Filter{Before: all[1].Seq}, []string{"0"}},
		{audit.Filter{Tenant: "1", Action: "tenant"}, []string{}},
		{audit.Filter{ID: all[2].ID}, []string{"0"}},
		{audit.Filter{ID: all[2].ID, Tenant: "1"}, []string{}},
		{audit.Filter{ID: "no such"}, []string{}},
	} {
		got, err := trail.List(t.Context(), tc.f)
		require.NoError(t, err)
		tenants := []string{}
		for _, e := range got {
			tenants = append(tenants, e.Tenant)
		}
		require.Equal(t, tc.want, tenants, "%+v", tc.f)
	}
}

func TestExportFileHoldsWhatTheManifestSays(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 6)
	_, err := trail.Begin(t.Context(), trailtest.Permit(t, c, policy.AssignTenant, "=HYPERLINK(\"http://x\")\n +1"), audit.Intent{Tenant: "@x"})
	require.NoError(t, err)
	for _, format := range []audit.Format{audit.CSV, audit.JSONL} {
		path := filepath.Join(t.TempDir(), "trail."+string(format))
		m, err := trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "for the auditor"), path, audit.EventFile(format, audit.Filter{Action: "tenant"}, audit.Evidence{}))
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, hex.EncodeToString(sum[:]), m.SHA256)
		var stored audit.Manifest
		text, err := os.ReadFile(path + ".manifest.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &stored))
		require.Equal(t, m, stored)
		require.EqualValues(t, []any{int64(10), int64(1), int64(10), true}, []any{m.Count, m.FirstSeq, m.LastSeq, m.ChainOK})
		require.Equal(t, "test", m.Fleet)
		for _, f := range []string{path, path + ".manifest.json"} {
			info, err := os.Stat(f)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		if format == audit.CSV {
			rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 11)
			last := rows[10]
			require.Equal(t, "'@x", last[9])
			require.Equal(t, "'=HYPERLINK(\"http://x\")\n' +1", last[12])
			require.Equal(t, m.LastHash, last[16])
			continue
		}
		var hash, prev string
		events := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(data)), "\n"), func(line string) bool { return strings.HasPrefix(line, `{"person":`) })
		for i, line := range events {
			var l audit.Line
			require.NoError(t, json.Unmarshal([]byte(line), &l))
			if i > 0 {
				require.Equal(t, prev, l.Sealed.PrevHash)
			}
			s := audit.Sealed{
				Seq: l.Seq, SealedUS: l.Sealed.SealedUS, EventID: l.ID, OccurredUS: l.Sealed.OccurredUS, RecordedUS: l.Sealed.RecordedUS,
				DBUser: l.DBUser, ClientAddr: l.Sealed.ClientAddr, AppName: l.Sealed.AppName, Body: l.Sealed.Body,
			}
			require.Equal(t, l.Sealed.EventHash, hex.EncodeToString(s.WantEventHash()), "a line holds all that its hash is made of")
			s.EventHash, _ = hex.DecodeString(l.Sealed.EventHash)
			s.PrevHash, _ = hex.DecodeString(l.Sealed.PrevHash)
			hash = hex.EncodeToString(s.WantHash())
			require.Equal(t, l.Hash, hash)
			prev = hash
		}
		require.Equal(t, m.LastHash, hash)
	}
	exports, err := trail.List(t.Context(), audit.Filter{Action: "audit.export"})
	require.NoError(t, err)
	require.Len(t, exports, 4, "an export is itself recorded")
	require.Equal(t, "ok", exports[0].Status)

	before, err := trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	_, err = trail.File(t.Context(), trailtest.Permit(t, c, policy.AuditExport, "x"), filepath.Join(t.TempDir(), "no", "such", "folder.csv"), audit.EventFile(audit.CSV, audit.Filter{}, audit.Evidence{}))
	require.Error(t, err)
	require.NotEmpty(t, fault.HintOf(err))
	after, err := trail.List(t.Context(), audit.Filter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "failed", after[0].Status)
	require.EqualValues(t, len(before)+2, after[0].Seq)
	_, err = trail.Write(t.Context(), &bytes.Buffer{}, audit.EventFile("xml", audit.Filter{}, audit.Evidence{}))
	require.Equal(t, fault.Usage, fault.CodeOf(err))
}

func TestExportTakesTheNewestWithALimit(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 4)
	var b bytes.Buffer
	m, err := trail.Write(t.Context(), &b, audit.EventFile(audit.JSONL, audit.Filter{Limit: 2}, audit.Evidence{}))
	require.NoError(t, err)
	require.Equal(t, []int64{2, 5, 6}, []int64{m.Count, m.FirstSeq, m.LastSeq})
}

func TestSurveyVerifiesAndSelects(t *testing.T) {
	t.Parallel()
	c, trail := trailtest.Installed(t)
	trailtest.Fill(t, c, trail, 6)
	require.NoError(t, trail.Read(t.Context(), func(r *audit.Reader) error {
		for _, tc := range []struct {
			f    audit.Filter
			want []int64
		}{
			{audit.Filter{}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
			{audit.Filter{Tenant: "1"}, []int64{2, 3}},
			{audit.Filter{Settled: true}, []int64{1, 3, 4, 6, 7, 9}},
			{audit.Filter{Statuses: []string{"ok"}}, []int64{3, 6, 9}},
			{audit.Filter{Actions: []string{"fleet", "tenant"}, Limit: 2}, []int64{8, 9}},
			{audit.Filter{Actions: []string{"ten"}}, nil},
			{audit.Filter{Until: time.Now().Add(-time.Hour)}, nil},
		} {
			var walked, each []int64
			period := 0
			v, err := r.Survey(t.Context(), tc.f, func(w audit.Walked) error {
				if w.Selected {
					walked = append(walked, w.Seq)
				}
				if w.InPeriod {
					period++
				}
				return nil
			})
			require.NoError(t, err)
			require.True(t, v.OK)
			require.EqualValues(t, 9, v.Events)
			require.Equal(t, tc.want, walked, "%+v", tc.f)
			require.Equal(t, map[bool]int{true: 9, false: 0}[tc.f.Until.IsZero()], period)
			require.NoError(t, r.Each(t.Context(), tc.f, func(s audit.Sealed) error { each = append(each, s.Seq); return nil }))
			require.Equal(t, tc.want, each, "%+v", tc.f)
		}
		stop := errors.New("enough")
		_, err := r.Survey(t.Context(), audit.Filter{}, func(audit.Walked) error { return stop })
		require.ErrorIs(t, err, stop)
		_, err = r.Head(t.Context())
		require.NoError(t, err, "the reader is free again")
		return nil
	}))
}
