package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	ofStripes = `{"fleet","stripes","chosen","done","blocked","shards":[{"name","configured","reachable","same_as","residue","stored","sequences":[{"sequence","columns":[],"identity","increment","last_value","highest","new_increment","next_value","striped","findings":[{"check","severity","message","fix"}]}],"findings":[{"check","severity","message","fix"}],"error"}],"left_out":[{"column","reason"}],"findings":[{"check","severity","message","fix"}]}`
	ofStriped = `{"fleet","stripes","audit_event","shards":[{"name","residue","changed":[{"sequence","increment_before","last_value_before","increment","next_value"}]}]}`
)

// counting is how every sequence of the fleet's application counts.
func (l *lab) counting() []any {
	l.t.Helper()
	out := []any{}
	for n := range l.dbs {
		out = append(out, rows(l.t, l.super(n), `SELECT concat_ws(' ', sequencename, start_value, increment_by, last_value) FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`))
	}
	return append(out, rows(l.t, l.super(0), `SELECT concat_ws(' ', shard, residue) FROM shard_admin.stripe ORDER BY 1`))
}

func TestStripingAFleet(t *testing.T) {
	t.Parallel()
	l := populated(t)
	before := l.counting()
	for _, args := range [][]string{{}, {"--plan", "--apply"}} {
		e := l.refused(2, "usage", append([]string{"fleet", "stripe-sequences"}, args...)...)
		require.Contains(t, e["message"], "either --plan or --apply")
	}
	l.refused(2, "usage", "fleet", "stripe-sequences", "--plan", "--stripes", "5000")

	plan := l.kept(ofStripes, 0, "fleet", "stripe-sequences", "--plan", "--stripes", "16")
	require.Equal(t, false, plan["done"])
	text := l.ok("fleet", "stripe-sequences", "--plan", "--stripes", "16")
	for _, want := range []string{
		"16 stripes, to be chosen", "default: residue 0 of 16", "shard_1: residue 1 of 16", "shard_2: the shard has no connection", "COLUMN", "NEXT VALUE",
		"pwb_contacts.id", "to do", "Left as it is: pwb_websites.id", "fleet stripe-sequences --apply",
	} {
		require.Contains(t, text, want)
	}
	alike(t, before, l.counting(), "a plan")

	done := l.kept(ofStriped, 0, "fleet", "stripe-sequences", "--apply", "--stripes", "16", "--note", "ids collide")
	require.NotEmpty(t, done["audit_event"])
	text = l.ok("fleet", "stripe-sequences", "--plan")
	require.Contains(t, text, "16 stripes, chosen for good")
	require.Contains(t, text, "Every sequence is striped; nothing is left to do.")
	require.NotContains(t, text, "to do\n")
	require.Contains(t, l.ok("fleet", "stripe-sequences", "--apply", "--note", "again"), "nothing was changed")
	e := l.refused(3, "stripes_fixed", "fleet", "stripe-sequences", "--apply", "--stripes", "32", "--note", "more")
	require.Contains(t, e["hint"], "--stripes")
	events := list(t, l.json(0, "audit", "list", "--action", "fleet.stripe"), "events")
	require.Len(t, events, 2, "the intent and the outcome of the one that did something")
	require.Empty(t, l.unfinished())
	l.exec(1, "INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at) VALUES (70, 'x', 'x', 'shard_1', now(), now())")
	require.Equal(t, "1", rows(t, l.super(1), "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (70, now(), now()) RETURNING (id % 16)::text")[0])
}

// A finding and a shard that is down are in the plan and refuse the change.
func TestStripingIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	l := populated(t)
	l.exec(1, "ALTER SEQUENCE pwb_contacts_id_seq INCREMENT BY 50")
	before := l.counting()
	plan := l.kept(ofStripes, 3, "fleet", "stripe-sequences", "--plan")
	require.Equal(t, true, plan["blocked"])
	r := l.run("fleet", "stripe-sequences", "--plan")
	require.Equal(t, 3, r.exit)
	fits(t, r.out)
	require.Contains(t, r.out, "✗ pwb_contacts_id_seq counts by 50")
	require.Contains(t, r.out, "blocked")
	require.Contains(t, r.out, "It cannot be carried out: shard_1: pwb_contacts_id_seq counts by 50")
	apply := []string{"fleet", "stripe-sequences", "--apply", "--note", "x"}
	l.unchanged("steps of its own", 3, "sequence_unsuited", apply)
	l.exec(1, "ALTER SEQUENCE pwb_contacts_id_seq INCREMENT BY 1")
	l.elsewhere("postgres://127.0.0.1:1/nowhere")
	plan = l.kept(ofStripes, 5, "fleet", "stripe-sequences", "--plan")
	shards := list(t, plan, "shards")
	require.Equal(t, false, shards[1]["reachable"])
	require.NotEmpty(t, shards[0]["sequences"], "the others are shown")
	l.unchanged("a shard that is down", 5, "database_unreachable", apply)
	after := l.counting()
	before[1], after[1] = nil, nil // its steps were put back
	alike(t, before, after, "refusals")
}

func TestStripingInProductionAsksForTheFleetsName(t *testing.T) {
	t.Parallel()
	l := installed(t, "production")
	l.json(0, "fleet", "operator", "set", "ann@example.com", "--role", "admin", "--db-role", l.role, "--note", "x")
	e := l.refused(3, "confirmation_missing", "fleet", "stripe-sequences", "--apply", "--note", "x", "--yes")
	require.Contains(t, e["hint"], "--confirm "+l.name())
	v := l.kept(ofStriped, 0, "fleet", "stripe-sequences", "--apply", "--note", "x", "--confirm", l.name())
	require.Equal(t, "8", strings.TrimSpace(v["stripes"].(interface{ String() string }).String()))
}
