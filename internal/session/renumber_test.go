package session_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
	"shardadmin/internal/tenancy"
)

// links says for every reference of a tenant's rows to which row it leads, where
// rows are told by their place in the order of their keys: new ids keep it.
func (f *fixture) links(n int, tenant string) []string {
	f.t.Helper()
	m, c := f.map_, f.super(n)
	place := func(class *tenancy.TableClass, alias string) string {
		keys := []string{}
		for _, k := range class.Table.Key() {
			keys = append(keys, pgx.Identifier{k}.Sanitize())
		}
		return "(SELECT t.*, row_number() OVER (ORDER BY " + strings.Join(keys, ", ") + ") AS sa_n FROM " + class.Table.Own() + " t WHERE " + m.Owned(class.Name(), m.Literal(tenant)) + ") " + alias
	}
	out := []string{}
	for _, e := range m.References {
		from, to := m.Table(e.From), m.Table(e.To)
		how := " LEFT JOIN "
		if e.TypeColumn != "" {
			how = " JOIN " // the others are of another type
		}
		rows, err := c.Query(f.t.Context(), "SELECT a.sa_n || ' -> ' || coalesce(b.sa_n::text, 'nothing') FROM "+place(from, "a")+how+place(to, "b")+" ON "+e.Join("a", "b")+" WHERE "+e.Set("a")+" ORDER BY a.sa_n, b.sa_n")
		require.NoError(f.t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(f.t, err)
		for _, l := range list {
			out = append(out, e.String()+": "+l)
		}
	}
	return out
}

// owns is every row of a tenant.
func (f *fixture) owns(n int, tenant string) map[string][]string {
	f.t.Helper()
	out := map[string][]string{}
	for _, c := range f.map_.Moving() {
		rows, err := f.super(n).Query(f.t.Context(), "SELECT t::text FROM "+c.Table.Own()+" t WHERE "+f.map_.Owned(c.Name(), f.map_.Literal(tenant))+" ORDER BY 1")
		require.NoError(f.t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(f.t, err)
		if len(list) > 0 {
			out[c.Name()] = list
		}
	}
	return out
}

// colliding files tenant 7 on default and tenant 9 on shard_1 with the same ids,
// and the same e-mail address.
func (f *fixture) colliding(n int) {
	f.t.Helper()
	f.tenant("7", "default", 7000, n)
	f.tenant("8", "default", 8000, 2)
	f.tenant("9", "shard_1", 7000, n)
	// The tenant's own row refers to an address; it is read on both shards.
	f.exec(0, "UPDATE pwb_websites SET contact_address_id = NULL")
	f.exec(0, "UPDATE pwb_users SET email = 'same@example.com' WHERE id = 7001")
	f.exec(1, "UPDATE pwb_users SET email = 'same@example.com' WHERE id = 7001")
	// The shards' sequences are where those of a shard that has worked would be.
	for side := range 2 {
		for _, c := range f.map_.Moving() {
			for _, col := range c.Table.Columns {
				if col.Sequence != "" {
					f.exec(side, "SELECT setval($1::regclass, 9000)", col.Sequence)
				}
			}
		}
	}
}

var renumber = []session.Decision{
	{Table: "*", Key: "*", Case: "collision_key", Choice: "renumber"},
	{Table: "*", Key: "*", Case: "collision_unique", Choice: "rename"},
}

// A tenant whose every integer id is somebody else's on the target: all rows
// arrive with new ids, every reference of every kind leads to its row, nobody
// else's row changes, and a rollback restores the old ids with what was written
// since.
func TestATenantWhoseEveryIDCollides(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.colliding(4)
	was, links := f.owns(0, "7"), f.links(0, "7")
	require.NotContains(t, strings.Join(links, "\n"), "nothing")
	eight, nine := f.owns(0, "8"), f.owns(1, "9")
	move := session.MoveRequest{Tenant: "7", Target: "shard_1", Note: "test"}

	p, err := s.PlanMove(t.Context(), move)
	require.NoError(t, err)
	require.True(t, p.Blocked)
	require.Equal(t, []string{"decisions"}, blockers(p), "%+v", p.Checks)
	require.Contains(t, collisions(t, p).Fix, "decide them: ")
	require.Contains(t, decision(p, "collision_key", "pwb_users")[0].Choices, "renumber")
	require.Equal(t, []string{"rename", "refuse"}, decision(p, "collision_unique", "pwb_users")[0].Choices)
	move.Decisions = renumber
	move.Mode = "online"
	p, err = s.PlanMove(t.Context(), move)
	require.NoError(t, err)
	require.Equal(t, []string{"mode"}, blockers(p))
	move.Mode = ""
	p, err = s.PlanMove(t.Context(), move)
	require.NoError(t, err)
	require.Empty(t, blockers(p), "%+v", p.Checks)
	require.Equal(t, "fenced", p.Mode)
	require.Contains(t, p.ModeReason, "new ids")
	require.Contains(t, collisions(t, p).Message, "; each is decided")
	require.NotContains(t, collisions(t, p).Fix, "decide them")
	replacing := map[string]session.Replacing{}
	for _, r := range p.Replacing {
		replacing[r.Table+"."+r.Column] = r
	}
	require.Equal(t, int64(4), replacing["pwb_users.id"].Rows)
	require.Contains(t, replacing["pwb_users.id"].References, "pwb_user_memberships.user_id")
	require.Contains(t, replacing["pwb_pages.id"].References, "pwb_page_translations.page_id")
	require.Contains(t, replacing["active_storage_blobs.id"].References, "active_storage_attachments.blob_id")
	require.Contains(t, strings.Join(replacing["pwb_media.id"].References, "\n"), "active_storage_attachments.record_id (record_type")
	require.Equal(t, "rename", replacing["pwb_users.email"].Rule)

	m, err := s.StartMove(t.Context(), move)
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	require.Equal(t, "retained", m.State)
	require.True(t, m.Verified)
	require.Equal(t, links, f.links(1, "7"))
	require.Equal(t, was, f.owns(0, "7"), "the source keeps what it had")
	require.Equal(t, nine, f.owns(1, "9"))
	require.Equal(t, eight, f.owns(0, "8"))
	require.Equal(t, "same+7@example.com", f.text(1, "SELECT email FROM pwb_users WHERE website_id = 7 AND email LIKE 'same%'"))
	list, err := s.ReplacedIDs(t.Context(), m.ID, "pwb_users", "7001", 0)
	require.NoError(t, err)
	require.Len(t, list.Replaced, 1)
	require.Equal(t, list.Replaced[0].Target, f.text(1, "SELECT id::text FROM pwb_users WHERE email = 'same+7@example.com'"))
	list, err = s.ReplacedIDs(t.Context(), m.ID, "", "", 3)
	require.NoError(t, err)
	require.Len(t, list.Replaced, 3)
	require.True(t, list.More)
	check, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.True(t, check.OK, "%+v", check.Tenants)

	// The application writes where it is; on the source another tenant gets ids
	// that the new rows have, and one that the move took from a row of 7.
	app := f.app(1)
	for _, sql := range []string{
		"INSERT INTO pwb_contents (website_id, created_at, updated_at) VALUES (7, now(), now())",
		"INSERT INTO pwb_content_translations (content_id, locale, created_at, updated_at) SELECT max(id), 'fr', now(), now() FROM pwb_contents WHERE website_id = 7",
		"INSERT INTO pwb_media_folders (website_id, name, slug, parent_id, created_at, updated_at) SELECT 7, 'n', 'n', min(id), now(), now() FROM pwb_media_folders WHERE website_id = 7",
		"UPDATE pwb_contacts SET first_name = 'changed' WHERE website_id = 7 AND id = (SELECT min(id) FROM pwb_contacts WHERE website_id = 7)",
		"DELETE FROM pwb_messages WHERE website_id = 7 AND id = (SELECT max(id) FROM pwb_messages WHERE website_id = 7)",
	} {
		tag, err := app.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
		require.Equal(t, int64(1), tag.RowsAffected(), sql)
	}
	fresh := f.text(1, "SELECT max(id)::text FROM pwb_contents WHERE website_id = 7")
	f.exec(0, "INSERT INTO pwb_contents (id, website_id, created_at, updated_at) VALUES ("+fresh+", 8, now(), now())")
	eight = f.owns(0, "8")
	now := f.links(1, "7")
	require.NotContains(t, strings.Join(now, "\n"), "nothing")
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	require.Equal(t, now, f.links(0, "7"))
	require.Equal(t, eight, f.owns(0, "8"))
	require.Equal(t, nine, f.owns(1, "9"))
	require.Empty(t, owned(t, f, 1, "7"))
	back := f.owns(0, "7")
	for table, rows := range was {
		for _, row := range rows {
			if table == "pwb_contacts" || table == "pwb_messages" {
				continue // one was changed, one deleted
			}
			require.Contains(t, back[table], row, "the old row with its old id")
		}
	}
	require.Equal(t, "changed", f.text(0, "SELECT first_name FROM pwb_contacts WHERE id = 7001"))
	require.Equal(t, "3", f.text(0, "SELECT count(*)::text FROM pwb_messages WHERE website_id = 7"))
	list, err = s.ReplacedIDs(t.Context(), m.ID, "pwb_contents", fresh, 0)
	require.NoError(t, err)
	require.Len(t, list.Replaced, 1, "the row that came since has another id on the source")
	require.NotEqual(t, fresh, list.Replaced[0].Source)
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
}

// What cannot get a new id is said in the plan, and stops the move: a row that the
// tenant's own row refers to.
func TestARowThatTheCatalogueNamesKeepsItsID(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.colliding(2)
	f.exec(0, "UPDATE pwb_websites SET contact_address_id = 7001 WHERE id = 7")
	f.exec(0, "UPDATE pwb_addresses SET city = 'Elsewhere' WHERE id IN (7001, 7002)") // else they are the same rows
	move := session.MoveRequest{Tenant: "7", Target: "shard_1", Note: "test", Decisions: renumber}
	p, err := s.PlanMove(t.Context(), move)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"collisions", "decisions"}, blockers(p))
	found := decision(p, "collision_key", "pwb_addresses")
	require.Len(t, found, 2)
	require.Equal(t, []string{"refuse"}, found[0].Choices)
	require.Contains(t, found[0].Detail, "pwb_websites.contact_address_id refers to it")
	require.Contains(t, found[1].Choices, "renumber")
	_, err = s.StartMove(t.Context(), move)
	require.Equal(t, fault.MoveBlocked, fault.CodeOf(err))
}

// Many rows are decided at once.
func TestManyCollisionsAreOneDecision(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.colliding(1)
	f.exec(0, "INSERT INTO pwb_contents (id, website_id, created_at, updated_at) SELECT i, 7, now(), now() FROM generate_series(100001, 100300) i")
	f.exec(1, "INSERT INTO pwb_contents (id, website_id, created_at, updated_at) SELECT i, 9, now(), now() FROM generate_series(100001, 100300) i")
	p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	found := decision(p, "collision_key", "pwb_contents")
	require.Len(t, found, 1)
	require.Equal(t, "*", found[0].Key)
	require.Contains(t, found[0].Detail, "301 rows, for example: row ")
}
