package stripe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/job"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/policy"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// application has a sequence of every kind: serial, identity, one that only a
// default names, one for two tables, one of a partitioned table; the root's,
// and that of a table which is the same on every shard.
const application = `
	CREATE TABLE owners (id bigserial PRIMARY KEY, shard text);
	CREATE TABLE notes (id bigserial PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners);
	CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners);
	CREATE SEQUENCE loose;
	CREATE TABLE tags (id bigint PRIMARY KEY DEFAULT nextval('loose'), owner_id bigint NOT NULL REFERENCES owners);
	CREATE TABLE marks (number bigint DEFAULT nextval('loose'), owner_id bigint NOT NULL REFERENCES owners);
	CREATE TABLE "Odd parts" ("Id" bigserial, owner_id bigint NOT NULL REFERENCES owners, at date NOT NULL DEFAULT '2026-06-01', PRIMARY KEY ("Id", at)) PARTITION BY RANGE (at);
	CREATE TABLE parts_2026 PARTITION OF "Odd parts" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
	CREATE TABLE codes (code text PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners);
	CREATE TABLE countries (id serial PRIMARY KEY);
	INSERT INTO owners (id) VALUES (1);
`

// striped are the sequences of application that are, with what inserts a row.
var striped = map[string]string{
	"notes_id_seq":       `INSERT INTO notes (owner_id) VALUES (1) RETURNING id`,
	"items_id_seq":       `INSERT INTO items (owner_id) VALUES (1) RETURNING id::bigint`,
	"loose":              `INSERT INTO tags (owner_id) VALUES (1) RETURNING id`,
	"Odd parts_Id_seq":   `INSERT INTO "Odd parts" (owner_id) VALUES (1) RETURNING "Id"`,
	"loose, from marks":  `INSERT INTO marks (owner_id) VALUES (1) RETURNING number`,
	"parts, by own name": `INSERT INTO parts_2026 (owner_id) VALUES (1) RETURNING "Id"`,
}

// drawsFrom is the sequence that a statement of striped draws from.
func drawsFrom(name string) string {
	switch name {
	case "loose, from marks":
		return "loose"
	case "parts, by own name":
		return "Odd parts_Id_seq"
	}
	return name
}

const password = "operator-password"

// bench is a fleet of databases on one server and a role that has exactly the
// rights that a plan prints.
type bench struct {
	t    *testing.T
	role string
	dbs  []string
	f    *fleet.Fleet
}

type known struct{ role string }

func (k known) Resolve(context.Context, string, string, credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: k.role, Password: credential.NewSecret(password)}, credential.FromKeychain, nil
}

// shardName is default for the first, which lives in control.
func shardName(i int) string {
	if i == 0 {
		return "default"
	}
	return fmt.Sprintf("shard_%d", i)
}

// bare makes the databases, the first of which is control and the shard default.
func bare(t *testing.T, sql ...string) *bench {
	t.Helper()
	s := pgtest.Server(t, 0)
	b := &bench{t: t, role: pgtest.Random("op_"), f: &fleet.Fleet{Name: "f", Environment: fleet.Demo}}
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+b.role+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(password)+"'")
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
		if err != nil {
			return
		}
		defer func() { _ = c.Close(context.Background()) }()
		_, _ = c.Exec(context.Background(), "DROP OWNED BY "+b.role+"; DROP ROLE IF EXISTS "+b.role, pgx.QueryExecModeSimpleProtocol)
	})
	for _, x := range sql {
		b.add(x)
	}
	super := conn.Open(&fleet.Fleet{Name: "f", Control: fleet.Endpoint{URL: s.URL("", b.dbs[0])}}, conn.Options{Resolver: credential.Chain{NoKeychain: true}})
	defer super.Close()
	require.NoError(t, install.New("").Install(t.Context(), super.Control()))
	return b
}

// add makes one more database and lets the fleet have it as a shard.
func (b *bench) add(sql string) {
	s := pgtest.Server(b.t, 0)
	i := len(b.dbs)
	b.dbs = append(b.dbs, pgtest.Database(b.t, 0, sql))
	url := s.URL(b.role, b.dbs[i])
	if i == 0 {
		b.f.Control.URL = url
		b.f.Shards = append(b.f.Shards, fleet.Shard{Name: "default", InControl: true})
		return
	}
	b.f.Shards = append(b.f.Shards, fleet.Shard{Name: shardName(i), Endpoint: fleet.Endpoint{URL: url}})
}

// ready is bare with every right granted.
func ready(t *testing.T, sql ...string) *bench {
	t.Helper()
	b := bare(t, sql...)
	b.grant()
	return b
}

func (b *bench) deps() Deps {
	set := conn.Open(b.f, conn.Options{Resolver: known{b.role}, ConnectTimeout: 2 * time.Second})
	b.t.Cleanup(set.Close)
	return Deps{
		Set: set, Schema: "shard_admin", Trail: audit.New(set.Control(), "shard_admin"), Jobs: job.New(set.Control(), "shard_admin", job.LocalHolder("test")),
		Profile: &tenancy.Profile{
			Name: "p", Tenants: tenancy.Tenants{Table: "owners", Key: "id", Labels: []string{"id"}}, TenantColumns: []string{"owner_id"},
			Pointer: "owners.shard", Follows: tenancy.FollowsTrue, Reference: []string{"countries"},
		},
	}
}

func (b *bench) exec(i int, sql string) {
	b.t.Helper()
	pgtest.Exec(b.t, pgtest.Server(b.t, 0), b.dbs[i], sql)
}

func (b *bench) super(i int) *pgx.Conn {
	return pgtest.Connect(b.t, pgtest.Server(b.t, 0).URL("", b.dbs[i]))
}

// grant gives what the plan says is missing until nothing is.
func (b *bench) grant() {
	b.t.Helper()
	for range 4 {
		p := b.plan(0)
		missing := 0
		run := func(i int, list []Finding) {
			for _, x := range list {
				if x.Check == "rights" {
					missing++
					b.exec(i, x.Fix)
				}
			}
		}
		run(0, p.Findings)
		for i, s := range p.Shards {
			run(i, s.Findings)
		}
		if missing == 0 {
			return
		}
	}
	b.t.Fatal("the printed rights do not suffice")
}

func (b *bench) plan(stripes int) *Plan {
	b.t.Helper()
	p, err := Make(b.t.Context(), b.deps(), stripes)
	require.NoError(b.t, err)
	return p
}

func (b *bench) permit() policy.Permit {
	b.t.Helper()
	d := b.deps()
	p, err := policy.NewGate(policy.Config{Fleet: b.f, Control: d.Set.Control(), Schema: "shard_admin"}).Permit(b.t.Context(), policy.Request{Action: policy.StripeFleet, Reason: "a test"})
	require.NoError(b.t, err)
	return p
}

func (b *bench) apply(stripes int) (Result, error) {
	return Apply(b.t.Context(), b.deps(), b.permit(), stripes)
}

func (b *bench) applied(stripes int) Result {
	b.t.Helper()
	r, err := b.apply(stripes)
	require.NoError(b.t, err)
	p := b.plan(0)
	require.NoError(b.t, p.Refusal())
	require.True(b.t, p.Done(), "nothing is left to do: %s", said(p))
	return r
}

// said is every finding of a plan.
func said(p *Plan) string {
	out := []string{}
	say := func(where string, list []Finding) {
		for _, f := range list {
			out = append(out, where+": "+string(f.Severity)+" "+f.Check+": "+f.Message)
		}
	}
	say("fleet", p.Findings)
	for _, s := range p.Shards {
		say(s.Name, s.Findings)
		for _, q := range s.Sequences {
			say(s.Name, q.Findings)
		}
	}
	return strings.Join(out, "\n")
}

func (b *bench) sequence(p *Plan, i int, name string) *Sequence {
	b.t.Helper()
	for _, q := range p.Shards[i].Sequences {
		if q.Name == name {
			return q
		}
	}
	b.t.Fatalf("%s has no sequence %s in the plan", shardName(i), name)
	return nil
}

// state is every sequence of a database, and what control has stored, as text.
func (b *bench) state() []string {
	b.t.Helper()
	out := []string{}
	for i := range b.dbs {
		rows, err := b.super(i).Query(b.t.Context(), `SELECT concat_ws(' ', sequencename, start_value, increment_by, last_value, cycle) FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`)
		require.NoError(b.t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(b.t, err)
		out = append(out, lines...)
	}
	return append(out, b.stored()...)
}

func (b *bench) stored() []string {
	b.t.Helper()
	rows, err := b.super(0).Query(b.t.Context(), `SELECT 'stripes ' || stripes FROM shard_admin.stripe_count
		UNION ALL SELECT concat_ws(' ', shard, residue) FROM shard_admin.stripe UNION ALL SELECT concat_ws(' ', shard, name, highest) FROM shard_admin.stripe_column ORDER BY 1`)
	require.NoError(b.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return out
}

// events are the bodies of the trail.
func (b *bench) events() []string {
	b.t.Helper()
	rows, err := b.super(0).Query(b.t.Context(), `SELECT body FROM shard_admin.audit_event e JOIN shard_admin.audit_link l USING (event_id) ORDER BY seq`)
	require.NoError(b.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return out
}

// ids inserts n rows by every statement of striped and returns the ids by
// sequence.
func (b *bench) ids(i, n int) map[string][]int64 {
	b.t.Helper()
	c := b.super(i)
	out := map[string][]int64{}
	for name, sql := range striped {
		for range n {
			var id int64
			require.NoError(b.t, c.QueryRow(b.t.Context(), sql).Scan(&id))
			out[drawsFrom(name)] = append(out[drawsFrom(name)], id)
		}
	}
	return out
}

// meet demands that no id was handed out twice, and that each leaves its
// shard's residue.
func (b *bench) meet(old map[string][]int64, stripes int, by map[int]map[string][]int64) {
	b.t.Helper()
	for name := range by[0] {
		seen := map[int64]string{}
		for _, id := range old[name] {
			seen[id] = "before"
		}
		for i, ids := range by {
			var residue int
			require.NoError(b.t, b.super(0).QueryRow(b.t.Context(), `SELECT residue FROM shard_admin.stripe WHERE shard = $1`, shardName(i)).Scan(&residue))
			for _, id := range ids[name] {
				require.Empty(b.t, seen[id], "%s: %d is handed out by %s again", name, id, shardName(i))
				seen[id] = shardName(i)
				require.EqualValues(b.t, residue, id%int64(stripes), "%s of %s", name, shardName(i))
			}
		}
	}
}

// merge puts what several shards handed out together.
func merge(all ...map[string][]int64) map[string][]int64 {
	out := map[string][]int64{}
	for _, m := range all {
		for k, v := range m {
			out[k] = append(out[k], v...)
		}
	}
	return out
}

func TestAPlanWritesNothing(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.ids(0, 3)
	b.ids(1, 1)
	before := b.state()
	p := b.plan(0)
	require.NoError(t, p.Refusal(), said(p))
	require.Equal(t, before, b.state())
	require.Empty(t, b.events())
	require.False(t, p.Chosen)
	require.False(t, p.Done())
	require.Equal(t, 8, p.Stripes)
	require.Equal(t, []LeftOut{{"owners.id", "tenants are created in control alone, so one sequence gives all their ids"}}, p.LeftOut)
	for i, s := range p.Shards {
		require.Equal(t, i, *s.Residue)
		require.False(t, s.Given)
		names := []string{}
		for _, q := range s.Sequences {
			names = append(names, q.Name)
			require.False(t, q.Striped)
			require.EqualValues(t, 1, q.Increment)
		}
		slices.Sort(names)
		require.Equal(t, []string{"Odd parts_Id_seq", "items_id_seq", "loose", "notes_id_seq"}, names, "not the root's, nor the reference table's")
	}
	require.True(t, b.sequence(p, 0, "items_id_seq").Identity)
	loose := b.sequence(p, 1, "loose")
	require.ElementsMatch(t, []Column{{"tags", "id"}, {"marks", "number"}}, loose.Columns)
	require.EqualValues(t, 2, *loose.Last, "two tables draw from it")
	require.EqualValues(t, 2, *loose.Highest)
	// Default has handed out 6: shard_1 goes on above that, in its own stripe.
	require.EqualValues(t, 9, *loose.Next)
	require.EqualValues(t, 8, *b.sequence(p, 0, "loose").Next)
	require.EqualValues(t, 9, *b.sequence(p, 1, "notes_id_seq").Next)
}

func TestNoIdIsHandedOutTwice(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application, application)
	old := merge(b.ids(0, 7), b.ids(1, 29), b.ids(2, 1))
	r := b.applied(0)
	require.Equal(t, 8, r.Stripes)
	require.NotEmpty(t, r.AuditEvent)
	for _, s := range r.Shards {
		require.Len(t, s.Changes, 4, s.Shard)
	}
	by := map[int]map[string][]int64{}
	for i := range b.dbs {
		by[i] = b.ids(i, 40)
	}
	b.meet(old, 8, by)

	// Once more: nothing is left to do, and nothing is recorded.
	before, events := b.state(), b.events()
	r, err := b.apply(0)
	require.NoError(t, err)
	require.Empty(t, r.AuditEvent)
	for _, s := range r.Shards {
		require.Empty(t, s.Changes)
	}
	require.Equal(t, before, b.state())
	require.Equal(t, events, b.events())

	// An emptied table begins again in the stripe.
	b.exec(2, "TRUNCATE notes RESTART IDENTITY")
	var id int64
	require.NoError(t, b.super(2).QueryRow(t.Context(), striped["notes_id_seq"]).Scan(&id))
	require.EqualValues(t, 2, id)
}

func TestTheTrailTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.ids(1, 2)
	r := b.applied(16)
	events := b.events()
	require.Len(t, events, 2)
	require.Contains(t, events[0], `"phase":"intent"`)
	require.Contains(t, events[0], `"notes_id_seq":{"increment":1,"last":2}`)
	require.Contains(t, events[1], `"phase":"outcome"`)
	require.Contains(t, events[1], `"status":"ok"`)
	require.Contains(t, events[1], `"action":"fleet.stripe"`)
	require.Contains(t, events[1], `"shard_1":{"residue":1,"sequences":{`)
	require.Contains(t, events[1], `"notes_id_seq":{"increment":16,"next":17}`)
	require.Contains(t, events[1], `"stripes":16`)
	for _, c := range r.Shards[1].Changes {
		if c.Sequence == "notes_id_seq" {
			two := int64(2)
			require.Equal(t, Change{Sequence: "notes_id_seq", IncrementBefore: 1, LastBefore: &two, Increment: 16, Residue: 1, Next: 17}, c)
		}
	}
}

// A shard that comes later, with ids of its own above all others, gets a stripe
// that nobody has; the others keep theirs and are raised above its ids.
func TestALaterShardGetsAFreeStripe(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.applied(0)
	have := map[int]map[string][]int64{0: b.ids(0, 5), 1: b.ids(1, 5)}
	b.add(application)
	old := merge(b.ids(2, 50), have[0], have[1])
	b.grant()
	p := b.plan(0)
	require.False(t, p.Done())
	require.Equal(t, []int{0, 1, 2}, []int{*p.Shards[0].Residue, *p.Shards[1].Residue, *p.Shards[2].Residue})
	require.Equal(t, []bool{true, true, false}, []bool{p.Shards[0].Given, p.Shards[1].Given, p.Shards[2].Given})
	b.applied(0)
	b.meet(old, 8, map[int]map[string][]int64{0: b.ids(0, 30), 1: b.ids(1, 30), 2: b.ids(2, 30)})

	// A shard that is gone keeps its stripe.
	b.f.Shards = append(b.f.Shards[:1:1], b.f.Shards[2:]...)
	p = b.plan(0)
	require.Contains(t, said(p), "residue 1 stays kept for shard_1, which the fleet no longer has")
	require.Equal(t, []int{0, 2}, []int{*p.Shards[0].Residue, *p.Shards[1].Residue})
	require.True(t, p.Done())
}

func TestTheNumberOfStripesIsChosenOnce(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	for _, n := range []int{1, -1, MaxStripes + 1} {
		_, err := Make(t.Context(), b.deps(), n)
		require.Equal(t, fault.Usage, fault.CodeOf(err), n)
	}
	b.applied(2)
	before := b.state()
	_, err := b.apply(8)
	require.Equal(t, fault.StripesFixed, fault.CodeOf(err))
	require.Contains(t, err.Error(), "the fleet has 2 stripes, for good")
	b.add(application)
	b.grant()
	_, err = b.apply(0)
	require.Equal(t, fault.StripesFull, fault.CodeOf(err))
	require.Contains(t, err.Error(), "shard_2: every one of the fleet's 2 stripes has a shard")
	b.dbs = b.dbs[:2]
	require.Equal(t, before, b.state())
	require.Equal(t, 3, fault.Exit(err))
}

// One shard of two does not answer: the plan shows the other, and nothing is
// changed anywhere.
func TestAShardThatIsDownRefusesAll(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.ids(0, 2)
	before := b.state()
	url := b.f.Shards[1].Endpoint.URL
	b.f.Shards[1].Endpoint.URL = "postgres://127.0.0.1:1/x"
	p := b.plan(0)
	require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(p.Shards[1].Err))
	require.Len(t, p.Shards[0].Sequences, 4)
	require.NotNil(t, p.Shards[0].Sequences[0].Next)
	_, err := b.apply(0)
	require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err))
	require.Equal(t, 5, fault.Exit(err))
	require.Contains(t, err.Error(), "shard_1")
	require.Contains(t, fault.HintOf(err), "nothing was changed on any shard")
	require.Equal(t, before, b.state())
	require.Empty(t, b.events())
	// A standby and a database that is read-only by setting take no writes.
	b.f.Shards[1].Endpoint.URL = url
	b.exec(1, "ALTER DATABASE "+b.dbs[1]+" SET default_transaction_read_only = on")
	_, err = b.apply(0)
	require.Equal(t, fault.DatabaseReadOnly, fault.CodeOf(err))
	require.Contains(t, err.Error(), "shard_1: it takes no writes")
	require.Equal(t, before, b.state())
	pgtest.Exec(t, pgtest.Server(t, 0), "postgres", "ALTER DATABASE "+b.dbs[1]+" RESET default_transaction_read_only")
	b.applied(0)
}

// What is missing is named with the statement, and nothing is written. The
// sequence that only a default names has an owner of its own.
func TestAMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	b := bare(t, application, application)
	s := pgtest.Server(t, 0)
	other := pgtest.Random("other_")
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+other)
	b.exec(1, "ALTER SEQUENCE loose OWNER TO "+other)
	t.Cleanup(func() {
		pgtest.Exec(t, s, b.dbs[1], "ALTER SEQUENCE loose OWNER TO postgres; DROP OWNED BY "+other+"; DROP ROLE "+other)
	})
	before := b.state()
	refused := func() error {
		t.Helper()
		_, err := b.apply(0)
		require.Equal(t, fault.RightMissing, fault.CodeOf(err), err)
		require.Equal(t, 3, fault.Exit(err))
		require.Contains(t, fault.HintOf(err), "GRANT ")
		require.Equal(t, before, b.state())
		require.Empty(t, b.events())
		return err
	}
	refused()
	b.grant()
	pgtest.Exec(t, s, "postgres", "REVOKE "+other+" FROM "+b.role)
	err := refused()
	require.Contains(t, err.Error(), "shard_1: the role lacks membership of "+other+", which owns the sequence loose")
	require.Contains(t, fault.HintOf(err), `GRANT "`+other+`" TO "`+b.role+`"`)
	b.grant()
	pgtest.Exec(t, s, "postgres", "REVOKE "+pgtest.Owner+" FROM "+b.role)
	err = refused()
	require.Contains(t, err.Error(), "membership of "+pgtest.Owner+", which owns")
	b.grant()
	b.exec(0, "REVOKE INSERT ON shard_admin.stripe FROM "+b.role)
	err = refused()
	require.Contains(t, err.Error(), "control: the role lacks INSERT on shard_admin.stripe")
	b.grant()
	b.applied(0)
}

func TestASequenceThatWouldEndSoonIsAFinding(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	// As many ids again as were handed out need 8 times the room: of 2^31, a
	// ninth is half the way, a third is four fifths.
	for _, x := range []struct {
		at       int64
		severity Severity
	}{{230_000_000, ""}, {240_000_000, Warning}, {700_000_000, Warning}, {720_000_000, Blocker}, {2_147_483_640, Blocker}} {
		b.exec(1, fmt.Sprintf("SELECT setval('items_id_seq', %d)", x.at))
		q := b.sequence(b.plan(0), 1, "items_id_seq")
		if x.severity == "" {
			require.Empty(t, q.Findings, x.at)
			continue
		}
		require.Len(t, q.Findings, 1, x.at)
		require.Equal(t, x.severity, q.Findings[0].Severity, "%d: %s", x.at, q.Findings[0].Message)
		require.Equal(t, "overflow", q.Findings[0].Check)
	}
	b.exec(1, "SELECT setval('items_id_seq', 720000000)")
	before := b.state()
	_, err := b.apply(0)
	require.Equal(t, fault.SequenceOverflow, fault.CodeOf(err))
	require.Contains(t, err.Error(), "shard_1: items_id_seq is 80 % on its way to its highest value, 2147483647, counting by 8")
	require.Contains(t, fault.HintOf(err), "bigint")
	require.Equal(t, before, b.state())
	// The column's type counts as well as the sequence's.
	b.exec(1, "SELECT setval('items_id_seq', 1); ALTER TABLE marks ALTER number TYPE int; SELECT setval('loose', 1900000000)")
	_, err = b.apply(0)
	require.Equal(t, fault.SequenceOverflow, fault.CodeOf(err))
	require.Contains(t, err.Error(), "loose")
	// With the ids of another shard in the way there must be room above them.
	b.exec(1, "SELECT setval('loose', 1); ALTER TABLE marks ALTER number TYPE bigint")
	b.exec(0, "ALTER SEQUENCE items_id_seq AS bigint; ALTER TABLE items ALTER id TYPE bigint; SELECT setval('items_id_seq', 3000000000)")
	_, err = b.apply(0)
	require.Equal(t, fault.SequenceOverflow, fault.CodeOf(err))
	require.Contains(t, err.Error(), "shard_1: items_id_seq has no value left below its highest, 2147483647, that is above every id of the fleet")
	b.exec(1, "ALTER SEQUENCE items_id_seq AS bigint; ALTER TABLE items ALTER id TYPE bigint")
	b.applied(0)
}

func TestASequenceThatCannotBeStripedRefusesAll(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	for sql, says := range map[string]string{
		"ALTER SEQUENCE notes_id_seq CYCLE":                             "notes_id_seq cycles",
		"ALTER SEQUENCE notes_id_seq INCREMENT BY -1":                   "notes_id_seq counts down",
		"ALTER SEQUENCE notes_id_seq INCREMENT BY 50":                   "notes_id_seq counts by 50",
		"ALTER SEQUENCE notes_id_seq INCREMENT BY 8":                    "notes_id_seq counts by 8",
		"CREATE TABLE strange (id bigserial PRIMARY KEY, whose bigint)": "1 tables are not classified",
	} {
		b.exec(1, sql)
		before := b.state()
		_, err := b.apply(0)
		require.Equal(t, 3, fault.Exit(err), "%s: %v", sql, err)
		require.Contains(t, err.Error(), says, sql)
		require.NotEmpty(t, fault.HintOf(err))
		require.Equal(t, before, b.state())
		b.exec(1, "ALTER SEQUENCE notes_id_seq INCREMENT BY 1 NO CYCLE; DROP TABLE IF EXISTS strange")
	}
	require.Empty(t, b.events())
	b.applied(0)
	// A schema that was copied from a striped shard brings its steps along.
	b.add(application)
	b.exec(2, "ALTER SEQUENCE notes_id_seq INCREMENT BY 8 START WITH 1 RESTART WITH 17")
	b.grant()
	b.applied(0)
	require.EqualValues(t, 2, b.ids(2, 1)["notes_id_seq"][0]%8)
}

// An apply that is interrupted between two shards, and one that died before it
// could note what it had done: the next goes on.
func TestAnInterruptedApplyIsGoneOnWith(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	old := merge(b.ids(0, 20), b.ids(1, 3))
	// Somebody on shard_1 has drawn an id and stays in the transaction.
	c := b.super(1)
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	var drawn int64
	require.NoError(t, tx.QueryRow(t.Context(), "SELECT nextval('loose')").Scan(&drawn))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	d, permit := b.deps(), b.permit()
	go func() {
		_, err := Apply(ctx, d, permit, 0)
		done <- err
	}()
	watch := b.super(1)
	require.Eventually(t, func() bool {
		var n int
		err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'loose'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&n)
		return err == nil && n > 0
	}, 20*time.Second, 5*time.Millisecond, "it waits for who has drawn an id")
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	_, err = tx.Exec(t.Context(), "INSERT INTO tags (id, owner_id) VALUES ($1, 1)", drawn)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	old["loose"] = append(old["loose"], drawn)
	events := b.events()
	require.Len(t, events, 2)
	require.Contains(t, events[1], `"status":"failed"`)
	require.Contains(t, events[1], `"default":{"residue":0,"sequences":{"Odd parts_Id_seq":{"increment":8,`, "what was done is told")
	p := b.plan(0)
	require.True(t, p.Chosen)
	require.False(t, p.Done())
	require.True(t, b.sequence(p, 0, "loose").Striped)
	require.False(t, b.sequence(p, 1, "loose").Striped)
	r := b.applied(0)
	require.NotEmpty(t, r.Shards[1].Changes)
	b.meet(old, 8, map[int]map[string][]int64{0: b.ids(0, 15), 1: b.ids(1, 15)})

	// Noted on every shard and raised on none, as if the run had died then.
	old = merge(old, b.ids(0, 1), b.ids(1, 1))
	b.exec(1, "ALTER SEQUENCE loose RESTART WITH 9; DELETE FROM tags; DELETE FROM marks")
	require.False(t, b.sequence(b.plan(0), 1, "loose").Striped)
	b.applied(0)
	require.Greater(t, b.ids(1, 1)["loose"][0], int64(40), "above what default had before")

	// Nothing noted of a shard, as if the run had died between the two.
	old = merge(old, b.ids(0, 3), b.ids(1, 60))
	b.exec(0, "DELETE FROM shard_admin.stripe_column WHERE shard = 'shard_1'")
	require.False(t, b.plan(0).Done())
	b.applied(0)
	b.meet(old, 8, map[int]map[string][]int64{0: b.ids(0, 15), 1: b.ids(1, 15)})
}

// Who stays in a transaction that has drawn from a sequence is named, and the
// others go on drawing meanwhile.
func TestWhoIsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	c, other := b.super(1), b.super(1)
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT nextval('loose')")
	require.NoError(t, err)
	d, permit := b.deps(), b.permit()
	d.limit = 3 * time.Second
	done := make(chan error, 1)
	go func() {
		_, err := Apply(t.Context(), d, permit, 0)
		done <- err
	}()
	drawn, longest := 0, time.Duration(0)
	for len(done) == 0 {
		begin := time.Now()
		_, err := other.Exec(t.Context(), "SELECT nextval('loose')")
		require.NoError(t, err)
		longest = max(longest, time.Since(begin))
		drawn++
		time.Sleep(10 * time.Millisecond)
	}
	err = <-done
	require.Equal(t, fault.LockTimeout, fault.CodeOf(err), err)
	require.Contains(t, err.Error(), fmt.Sprintf("shard_1: loose was in use by open transactions for 3s: pid %d (postgres, ", c.PgConn().PID()))
	require.Contains(t, fault.HintOf(err), "apply again")
	require.Greater(t, drawn, 10)
	require.Less(t, longest, 2*time.Second, "an attempt lets go")
	require.NoError(t, tx.Rollback(t.Context()))
	p := b.plan(0)
	require.EqualValues(t, 8, b.sequence(p, 0, "loose").Increment, "what was done stays")
	require.False(t, b.sequence(p, 1, "loose").Striped)
	b.applied(0)
}

// The application writes on both shards while they are striped: none of its
// inserts fails, and what it gets afterwards is its shard's and nobody else's.
func TestTheApplicationWritesMeanwhile(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.exec(1, "ALTER SEQUENCE notes_id_seq CACHE 10")
	b.ids(0, 100)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type drawn struct {
		at    time.Time // before the insert
		shard int
		name  string
		id    int64
	}
	var mu sync.Mutex
	var all []drawn
	var failed error
	var wg sync.WaitGroup
	for i := range 2 {
		for range 3 {
			c := b.super(i)
			wg.Go(func() {
				for ctx.Err() == nil {
					for name, sql := range striped {
						at := time.Now()
						var id int64
						err := c.QueryRow(t.Context(), sql).Scan(&id)
						mu.Lock()
						if err != nil && failed == nil {
							failed = err
						}
						all = append(all, drawn{at, i, drawsFrom(name), id})
						mu.Unlock()
					}
				}
			})
		}
	}
	// written waits until it has gone on writing since a moment.
	written := func(since time.Time) {
		require.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, x := range all {
				if x.at.After(since) {
					n++
				}
			}
			return n > 60 || failed != nil
		}, 20*time.Second, 20*time.Millisecond)
	}
	written(time.Time{})
	_, err := b.apply(0)
	end := time.Now()
	written(end)
	stop()
	wg.Wait()
	require.NoError(t, err)
	require.NoError(t, failed)
	require.True(t, b.plan(0).Done(), said(b.plan(0)))
	old, by := map[string][]int64{}, map[int]map[string][]int64{0: {}, 1: {}}
	late := 0
	for _, x := range all {
		if x.at.After(end) {
			late++
			by[x.shard][x.name] = append(by[x.shard][x.name], x.id)
		} else {
			old[x.name] = append(old[x.name], x.id)
		}
	}
	require.Greater(t, late, 20, "it went on writing")
	require.Greater(t, len(all)-late, 20)
	b.meet(old, 8, by)
}

// Connections to a shard are cut while it is striped, again and again: what
// was done stays whole, and the run that is let through completes it.
func TestBrokenConnectionsLeaveWholeSequences(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	old := merge(b.ids(0, 30), b.ids(1, 2))
	cutter := b.super(1)
	// In the first round it has to wait for somebody, and is cut then.
	holder, err := b.super(1).Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "SELECT nextval('loose')")
	require.NoError(t, err)
	broken := 0
	for round := range 8 {
		d, permit := b.deps(), b.permit()
		done := make(chan error, 1)
		go func() {
			_, err := Apply(t.Context(), d, permit, 0)
			done <- err
		}()
		for cut := 0; len(done) == 0 && cut <= 8; {
			var n int
			require.NoError(t, cutter.QueryRow(t.Context(), `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND usename = $1 AND query LIKE '%ALTER SEQUENCE%' AND (backend_xid IS NOT NULL OR wait_event_type = 'Lock')) x`, b.role).Scan(&n))
			cut += n
		}
		if err := <-done; err != nil {
			require.Contains(t, []fault.Code{fault.DatabaseGone, fault.DatabaseUnreachable}, fault.CodeOf(err), err)
			broken++
		}
		if round == 0 {
			require.Positive(t, broken)
			require.NoError(t, holder.Rollback(t.Context()))
		}
		for _, q := range b.plan(0).Shards[1].Sequences {
			whole := q.Increment == 1 && q.start == 1 || q.Increment == 8 && leaves(q.start, 1, 8) && leaves(q.upcoming(), 1, 8)
			require.True(t, whole, "%s counts by %d from %d, next %d", q.Name, q.Increment, q.start, q.upcoming())
		}
	}
	b.applied(0)
	b.meet(old, 8, map[int]map[string][]int64{0: b.ids(0, 20), 1: b.ids(1, 20)})
	for _, e := range b.events() {
		require.True(t, strings.Contains(e, `"phase":"intent"`) || strings.Contains(e, `"parent":`), "every intent has its outcome")
	}
}

// What a session has cached of the old steps is dropped with the change.
func TestCachedValuesAreDropped(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	for i := range 2 {
		b.exec(i, "ALTER SEQUENCE notes_id_seq CACHE 20")
	}
	c := b.super(1)
	var id int64
	require.NoError(t, c.QueryRow(t.Context(), striped["notes_id_seq"]).Scan(&id))
	require.EqualValues(t, 1, id)
	require.Contains(t, said(b.plan(0)), "sessions draw 20 values of notes_id_seq at once")
	b.applied(0)
	for want := int64(25); want < 25+5*8; want += 8 {
		require.NoError(t, c.QueryRow(t.Context(), striped["notes_id_seq"]).Scan(&id))
		require.Equal(t, want, id)
	}
	// A session holds values below an old id that another shard's notes hold:
	// that a higher one is drawn next does not help.
	require.NoError(t, b.super(0).QueryRow(t.Context(), striped["notes_id_seq"]).Scan(&id))
	_, err := c.Exec(t.Context(), "SELECT nextval('notes_id_seq')")
	require.NoError(t, err)
	b.exec(0, "UPDATE shard_admin.stripe_column SET highest = 120 WHERE shard = 'default' AND name = 'notes.id'")
	require.False(t, b.sequence(b.plan(0), 1, "notes_id_seq").Striped)
	b.applied(0)
	require.NoError(t, c.QueryRow(t.Context(), striped["notes_id_seq"]).Scan(&id))
	require.EqualValues(t, 1, id%8)
	require.Greater(t, id, int64(120), "and not the 73 that the session held")
}

// setval takes a sequence out of its stripe; the plan shows it and the next run
// puts it back.
func TestASequenceThatHasLeftItsStripeComesBack(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.applied(0)
	b.exec(1, "SELECT setval('notes_id_seq', 1000)")
	old := merge(b.ids(0, 2), b.ids(1, 4))
	p := b.plan(0)
	require.False(t, p.Done())
	require.NoError(t, p.Refusal())
	require.Contains(t, said(p), "shard_1: warning setval: notes_id_seq was striped and has left its stripe")
	b.applied(0)
	b.meet(old, 8, map[int]map[string][]int64{0: b.ids(0, 200), 1: b.ids(1, 20)})
	// Rows that were put in above what the sequence has reached.
	b.exec(0, "INSERT INTO notes (id, owner_id) VALUES (500000, 1)")
	require.False(t, b.plan(0).Done())
	b.applied(0)
	require.Greater(t, b.ids(0, 1)["notes_id_seq"][0], int64(500000))
}

// Two names for one database are one shard, and keep the stripe of either.
func TestADatabaseUnderTwoNamesCountsOnce(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	b.f.Shards = append([]fleet.Shard{{Name: "again", Endpoint: b.f.Shards[1].Endpoint}}, b.f.Shards...)
	b.f.Shards = append(b.f.Shards, fleet.Shard{Name: "home", InControl: true}, fleet.Shard{Name: "spare"})
	p := b.plan(0)
	require.NoError(t, p.Refusal(), said(p))
	names := []string{}
	for _, s := range p.Shards {
		names = append(names, s.Name+" "+s.SameAs)
		require.Equal(t, s.SameAs == "" && s.Name != "spare", s.Residue != nil, s.Name)
	}
	require.Equal(t, []string{"again ", "default ", "shard_1 again", "home default", "spare "}, names)
	// It was striped under the other name.
	one := b.f.Shards[0]
	b.f.Shards = b.f.Shards[1:]
	b.applied(0)
	stored := b.stored()
	b.f.Shards = append([]fleet.Shard{one}, b.f.Shards...)
	p = b.plan(0)
	require.True(t, p.Done(), said(p))
	require.Equal(t, "shard_1", p.Shards[0].SameAs)
	require.Empty(t, p.Shards[2].SameAs)
	require.Equal(t, 1, *p.Shards[2].Residue)
	_, err := b.apply(0)
	require.NoError(t, err)
	require.Equal(t, stored, b.stored())
}

func TestOneOperatorAtATime(t *testing.T) {
	t.Parallel()
	b := ready(t, application, application)
	before := b.state()
	lease, err := b.deps().Jobs.Acquire(t.Context(), Resource, time.Minute)
	require.NoError(t, err)
	_, err = b.apply(0)
	require.Equal(t, fault.LeaseHeld, fault.CodeOf(err))
	require.Equal(t, before, b.state())
	require.Contains(t, b.events()[1], `"status":"refused"`)
	require.NoError(t, lease.Release(t.Context()))
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		d, permit := b.deps(), b.permit()
		wg.Go(func() { _, errs[i] = Apply(t.Context(), d, permit, 0) })
	}
	wg.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else {
			require.Equal(t, fault.LeaseHeld, fault.CodeOf(err), err)
		}
	}
	require.Positive(t, good)
	require.True(t, b.plan(0).Done())
}

func TestValuesAreTheSmallestOfTheirStripe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(2, MaxStripes).Draw(t, "stripes")
		residue := rapid.Int64Range(0, n-1).Draw(t, "residue")
		floor := rapid.Int64Range(-1<<40, 1<<62).Draw(t, "floor")
		v, ok := firstAbove(floor, residue, n)
		if !ok || v <= floor || v-n > floor || !leaves(v, residue, n) || leaves(v+1, residue, n) {
			t.Fatalf("%d of %d above %d is not %d", residue, n, floor, v)
		}
	})
	_, ok := firstAbove(1<<63-2, 0, 8)
	require.False(t, ok, "there is none")
	for shards, want := range map[int]int{1: 8, 2: 8, 4: 8, 5: 16, 8: 16, 9: 32, 20: 64} {
		require.Equal(t, want, defaultStripes(shards), shards)
	}
}
