package fence

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/tenancy"
)

// The names sort after those of any application, so that a guard sees the row as
// it will be stored; but that of the guard that comes after an insert, which sees
// it stored, sorts before those of foreign keys, so that a writer at the wrong
// shard is told so and not that a key is broken.
const (
	guardName    = "zzzz_shard_admin_guard"
	insertedName = "A_shard_admin_guard"
	truncateName = "zzzz_shard_admin_truncate"
)

// Role says what a shard is to whoever has its tables guarded.
type Role int

const (
	// Serving shards have guards before each row: a refused writer has not even
	// looked whether a unique value is taken.
	Serving Role = iota
	// Receiving shards have a guard after each inserted row in its place. A server
	// that has something to do before each row stores rows of a COPY one by one,
	// which takes twice the time; it does not ask whether the guard would be called.
	Receiving
)

// The events of a row's trigger, as pg_trigger.tgtype has them.
const (
	onInsert = 4
	onDelete = 8
	onUpdate = 16
	onEvery  = onInsert | onDelete | onUpdate
)

func functionName(table string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(table))
	return fmt.Sprintf("guard_%016x", h.Sum64())
}

// guardSQL is the trigger function of one table.
func (s *Shard) guardSQL(c *tenancy.TableClass) string {
	owners := func(row string) string {
		if c.TenantColumn != "" && len(c.Owners) == 0 {
			// The column decides alone: no query is needed.
			tc := row + "." + pgx.Identifier{c.TenantColumn}.Sanitize()
			return "CASE WHEN " + tc + " IS NULL THEN '{}'::text[] ELSE ARRAY[" + tc + "::text] END"
		}
		return "ARRAY(SELECT DISTINCT o.owner FROM (" + s.m.Owners(c.Name(), row) + ") o WHERE o.owner IS NOT NULL ORDER BY 1)"
	}
	orphan := func(row string) string {
		parts := []string{}
		for _, e := range c.Owners {
			if !e.Soft || e.Backward {
				continue
			}
			cond := row + "." + pgx.Identifier{e.FromColumns[0]}.Sanitize() + " IS NOT NULL"
			if e.TypeColumn != "" {
				values := make([]string, len(e.TypeValues))
				for i, v := range e.TypeValues {
					values[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
				}
				cond += " AND " + row + "." + pgx.Identifier{e.TypeColumn}.Sanitize() + " IN (" + strings.Join(values, ", ") + ")"
			}
			parts = append(parts, "("+cond+")")
		}
		if len(parts) == 0 {
			return ""
		}
		return "IF after = '{}' AND (" + strings.Join(parts, " OR ") + ") THEN PERFORM shard_admin_move.check_orphan(); END IF;\n"
	}
	// Without jit = off the server would compile long conditions anew for each
	// row that the application writes, which takes seconds.
	return fmt.Sprintf(`CREATE OR REPLACE FUNCTION shard_admin_move.%s() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off%s
AS $guard$
DECLARE
    before text[] := '{}';
    after text[] := '{}';
    t text;
    e record;
    m uuid;
    each uuid[] := '{}';
    once uuid[] := '{}';
BEGIN
%s    IF TG_OP <> 'INSERT' THEN
        before := %s;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := %s;
        %s
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF before = after THEN
            before := '{}';
        ELSE
            PERFORM shard_admin_move.check_rehoming(before, after);
        END IF;
    END IF;
    FOREACH t IN ARRAY before || after LOOP
        e := shard_admin_move.enter_tenant(t);
        IF e.move IS NULL OR e.move = ANY (each || once) THEN
            CONTINUE;
        END IF;
        IF e.once THEN
            once := once || e.move;
        ELSE
            each := each || e.move;
        END IF;
    END LOOP;
%s    FOREACH m IN ARRAY each LOOP
%s
    END LOOP;
    FOREACH m IN ARRAY once LOOP
%s
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $guard$`, functionName(c.Name()), pinned(c), strangers(c), owners("OLD"), owners("NEW"), orphan("NEW"), nobodys(c), notes(c, "touched", ""), notes(c, "touched_once", " ON CONFLICT DO NOTHING"))
}

// strangers lets the writers of all other tenants pass at once: they pay for it with
// each row. It is "" for tables whose column does not decide alone.
func strangers(c *tenancy.TableClass) string {
	if c.TenantColumn == "" || len(c.Owners) > 0 {
		return ""
	}
	col := pgx.Identifier{c.TenantColumn}.Sanitize()
	pass := func(condition, row string) string {
		return condition + "NOT EXISTS (SELECT FROM shard_admin_move.fence f WHERE f.tenant = " + row + "." + col + "::text) THEN\n            RETURN " + row + ";\n        END IF;\n"
	}
	return "    IF TG_OP = 'UPDATE' THEN\n" + pass("        IF OLD."+col+"::text = NEW."+col+"::text AND ", "NEW") +
		"    ELSIF TG_OP = 'INSERT' THEN\n" + pass("        IF NEW."+col+" IS NOT NULL AND ", "NEW") +
		"    ELSE\n" + pass("        IF OLD."+col+" IS NOT NULL AND ", "OLD") + "    END IF;\n"
}

// nobodys notes, for every move that notes, a row that belongs to nobody as far
// as the writer sees: who makes it somebody's may commit meanwhile, and then
// neither would have noted it. It is "" for tables whose rows always have a tenant.
func nobodys(c *tenancy.TableClass) string {
	if col := c.Table.Column(c.TenantColumn); col != nil && col.NotNull {
		return ""
	}
	return `    IF before = '{}' AND after = '{}' THEN
        SELECT coalesce(array_agg(f.move_id) FILTER (WHERE f.noting <> 'once'), '{}'), coalesce(array_agg(f.move_id) FILTER (WHERE f.noting = 'once'), '{}') INTO each, once
        FROM shard_admin_move.fence f WHERE f.noting <> '' AND f.move_id::text IS DISTINCT FROM current_setting('shard_admin.bypass', true);
    END IF;
`
}

// notes are the statements that note which row a writer touched. A row that gets
// another key is touched under both.
func notes(c *tenancy.TableClass, in, end string) string {
	key := c.Table.Key()
	note := func(row string) string {
		parts := make([]string, len(key))
		for i, col := range key {
			parts[i] = row + "." + pgx.Identifier{col}.Sanitize() + "::text"
		}
		if len(key) == 0 {
			parts = []string{"'*'"}
		}
		return "INSERT INTO shard_admin_move." + in + " (move_id, tbl, key) VALUES (m, " + tenancy.Quote(c.Name()) + ", ARRAY[" + strings.Join(parts, ", ") + "]::text[])" + end + ";"
	}
	if len(key) == 0 {
		return note("NEW")
	}
	differs := make([]string, len(key))
	for i, col := range key {
		q := pgx.Identifier{col}.Sanitize()
		differs[i] = "OLD." + q + " IS DISTINCT FROM NEW." + q
	}
	return `        IF TG_OP <> 'INSERT' THEN
            ` + note("OLD") + `
        END IF;
        IF TG_OP = 'INSERT' THEN
            ` + note("NEW") + `
        ELSIF TG_OP = 'UPDATE' THEN
            IF ` + strings.Join(differs, " OR ") + ` THEN
                ` + note("NEW") + `
            END IF;
        END IF;`
}

// pinned are settings for a key whose text depends on the writer's own.
func pinned(c *tenancy.TableClass) string {
	for _, name := range c.Table.Key() {
		switch col := c.Table.Column(name); col.Type {
		case "smallint", "integer", "bigint", "uuid", "text", "boolean":
		default:
			if strings.HasPrefix(col.Type, "character") {
				continue
			}
			return " SET datestyle = 'ISO, MDY' SET timezone = 'UTC' SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'"
		}
	}
	return ""
}

// triggerSQL makes the triggers of one table.
func (s *Shard) triggerSQL(c *tenancy.TableClass, as Role) []string {
	before := "BEFORE"
	if col := c.Table.Column(c.TenantColumn); col != nil && col.Generated {
		before = "AFTER" // its value is not there before
	}
	q, f := c.Table.Quoted(), functionName(c.Name())
	trigger := func(name, when, after string) []string {
		name = pgx.Identifier{name}.Sanitize()
		return []string{
			"CREATE TRIGGER " + name + " " + when + " ON " + q + " FOR EACH " + after,
			"ALTER TABLE " + q + " ENABLE ALWAYS TRIGGER " + name,
		}
	}
	row := "ROW WHEN (shard_admin_move.looked_at()) EXECUTE FUNCTION shard_admin_move." + f + "()"
	out := []string{}
	for _, name := range []string{guardName, insertedName, truncateName} {
		out = append(out, "DROP TRIGGER IF EXISTS "+pgx.Identifier{name}.Sanitize()+" ON "+q)
	}
	if as == Receiving && before == "BEFORE" {
		out = append(out, trigger(insertedName, "AFTER INSERT", row)...)
		out = append(out, trigger(guardName, "BEFORE UPDATE OR DELETE", row)...)
	} else {
		out = append(out, trigger(guardName, before+" INSERT OR UPDATE OR DELETE", row)...)
	}
	return append(out, trigger(truncateName, "BEFORE TRUNCATE", "STATEMENT EXECUTE FUNCTION shard_admin_move.guard_truncate()")...)
}

// partitionTriggers keep partitions from being truncated each by itself: unlike a
// trigger for rows, one for statements is not cloned to them.
func partitionTriggers(ctx context.Context, q querier, c *tenancy.TableClass) ([]string, error) {
	if c.Table.Kind != "p" {
		return nil, nil
	}
	rows, err := q.Query(ctx, `SELECT n.nspname, p.relname FROM pg_partition_tree(to_regclass($1)) t
		JOIN pg_class p ON p.oid = t.relid JOIN pg_namespace n ON n.oid = p.relnamespace
		WHERE t.level > 0 ORDER BY t.level, 1, 2`, c.Table.Quoted())
	if err != nil {
		return nil, err
	}
	out := []string{}
	name := pgx.Identifier{truncateName}.Sanitize()
	var schema, table string
	_, err = pgx.ForEachRow(rows, []any{&schema, &table}, func() error {
		q := pgx.Identifier{schema, table}.Sanitize()
		out = append(out, "DROP TRIGGER IF EXISTS "+name+" ON "+q,
			"CREATE TRIGGER "+name+" BEFORE TRUNCATE ON "+q+" FOR EACH STATEMENT EXECUTE FUNCTION shard_admin_move.guard_truncate()",
			"ALTER TABLE "+q+" ENABLE ALWAYS TRIGGER "+name)
		return nil
	})
	return out, err
}

// briefly begins a transaction that waits no longer than 200 ms for a lock at a
// time: who waits for one keeps the application's statements waiting behind it.
const briefly = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '200ms'"

// Hooks hear about waits.
type Hooks struct {
	// Blocked is called when a guard waits for other sessions.
	Blocked func(table string, by []Blocker)
	// Patience bounds the wait for one table; a minute when 0.
	Patience time.Duration
}

// Missing is a right that guarding needs.
type Missing struct{ Table, Right, Grant string }

// ProveOwnership lists the tables that the role does not own. TRIGGER alone
// could make a guard and never remove it.
func (s *Shard) ProveOwnership(ctx context.Context) ([]Missing, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	out := []Missing{}
	for _, c := range s.m.Moving() {
		var owner, user string
		var has, exists bool
		err := pool.QueryRow(ctx, `SELECT pg_get_userbyid(c.relowner), current_user, pg_has_role(c.relowner, 'USAGE'), true FROM pg_class c WHERE c.oid = to_regclass($1)`, c.Table.Quoted()).
			Scan(&owner, &user, &has, &exists)
		if errors.Is(err, pgx.ErrNoRows) {
			continue // a difference in structure, which the plan reports
		}
		if err != nil {
			return nil, conn.Fault(err, s.db.Name())
		}
		if !has {
			out = append(out, Missing{c.Name(), "ownership of " + c.Name(), "GRANT " + pgx.Identifier{owner}.Sanitize() + " TO " + pgx.Identifier{user}.Sanitize() + ";"})
		}
	}
	return out, nil
}

// InstallGuards guards every table whose rows move, one table a transaction,
// waiting no longer than 200 ms for a lock at a time: fence_blocked with the
// sessions in the way when there was none. A table that is guarded already, for
// whatever role, stays as it is: another move relies on it.
func (s *Shard) InstallGuards(ctx context.Context, as Role, hooks Hooks) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	missing, err := s.badGuards(ctx, pool, s.m.Moving())
	if err != nil {
		return err
	}
	if hooks.Patience == 0 {
		hooks.Patience = time.Minute
	}
	for _, c := range s.m.Moving() {
		if !missing[c.Name()] {
			continue
		}
		deadline := time.Now().Add(hooks.Patience)
		for {
			err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: briefly}, func(tx pgx.Tx) error {
				// Moves that come at once make the same guards: one after the
				// other, and who comes second finds them.
				if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('shard_admin_move guards', 0))"); err != nil {
					return err
				}
				if missing, err := s.badGuards(ctx, tx, []*tenancy.TableClass{c}); err != nil || !missing[c.Name()] {
					return err
				}
				truncates, err := partitionTriggers(ctx, tx, c)
				if err != nil {
					return err
				}
				// In one message: writers of the table wait while it is made.
				_, err = tx.Exec(ctx, strings.Join(slices.Concat([]string{s.guardSQL(c)}, s.triggerSQL(c, as), truncates), ";\n"), pgx.QueryExecModeSimpleProtocol)
				return err
			})
			if err == nil {
				break
			}
			if SQLState(err) != "55P03" {
				return conn.Fault(err, s.db.Name())
			}
			by, seen := s.lockers(ctx, c.Table.Quoted())
			if time.Now().After(deadline) {
				names := make([]string, len(by))
				for i, b := range by {
					names[i] = b.String()
				}
				return fault.Wrapf(err, fault.FenceBlocked, "end those transactions, then try again",
					"%s: open transactions kept table %s from being guarded for %s: %s", s.db.Name(), c.Name(), figure.Span(hooks.Patience), strings.Join(names, "; "))
			}
			if hooks.Blocked != nil && seen == nil {
				hooks.Blocked(c.Name(), by)
			}
			if err := pause(ctx, 100*time.Millisecond+rand.N(400*time.Millisecond)); err != nil {
				return err
			}
		}
	}
	return s.VerifyGuards(ctx)
}

// SQLState returns the code that the server gave an error, or "".
func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// VerifyGuards fails with guard_missing unless every table has its guard,
// enabled always, with the function that this map gives it.
func (s *Shard) VerifyGuards(ctx context.Context) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	bad, err := s.badGuards(ctx, pool, s.m.Moving())
	if err != nil {
		return err
	}
	for _, c := range s.m.Moving() {
		if bad[c.Name()] {
			return fault.Newf(fault.GuardMissing, "find out who removes triggers on "+s.db.Name()+", then resume the move: what was written meanwhile was not noted, so that it copies anew",
				"%s: the guard of table %s is missing, disabled or changed", s.db.Name(), c.Name())
		}
	}
	return nil
}

// badGuards are the names of those of the tables whose guards are not there, are
// disabled or are others than this map's.
func (s *Shard) badGuards(ctx context.Context, q querier, of []*tenancy.TableClass) (map[string]bool, error) {
	names := make([]string, len(of))
	for i, c := range of {
		names[i] = c.Table.Quoted()
	}
	rows, err := q.Query(ctx, `SELECT n.nspname, c.relname, p.proname, p.prosrc, g.tgtype::int
		FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE g.tgrelid IN (SELECT to_regclass(t) FROM unnest($3::text[]) t) AND g.tgname = ANY ($1) AND g.tgenabled = 'A' AND EXISTS (SELECT FROM pg_trigger x WHERE x.tgrelid = g.tgrelid AND x.tgname = $2 AND x.tgenabled = 'A')
		AND NOT EXISTS (SELECT FROM pg_partition_tree(g.tgrelid) p WHERE p.relid <> g.tgrelid AND (NOT EXISTS (
			SELECT FROM pg_trigger x WHERE x.tgrelid = p.relid AND x.tgname = g.tgname AND x.tgfoid = g.tgfoid AND x.tgenabled = 'A')
			OR NOT EXISTS (SELECT FROM pg_trigger x WHERE x.tgrelid = p.relid AND x.tgname = $2 AND x.tgenabled = 'A')))`, []string{guardName, insertedName}, truncateName, names)
	if err != nil {
		return nil, conn.Fault(err, s.db.Name())
	}
	type guard struct{ table, function string }
	good := map[guard]int{}
	var schema, rel, fn, src string
	var events int
	if _, err = pgx.ForEachRow(rows, []any{&schema, &rel, &fn, &src, &events}, func() error {
		good[guard{pgx.Identifier{schema, rel}.Sanitize(), fn + "\x00" + src}] |= events & onEvery
		return nil
	}); err != nil {
		return nil, conn.Fault(err, s.db.Name())
	}
	bad := map[string]bool{}
	for _, c := range of {
		_, body, _ := strings.Cut(s.guardSQL(c), "AS $guard$")
		body = strings.TrimSuffix(body, "$guard$")
		if good[guard{c.Table.Quoted(), functionName(c.Name()) + "\x00" + body}] != onEvery {
			bad[c.Name()] = true
		}
	}
	return bad, nil
}

// RemoveGuards removes everything of ours from the shard once no move is open
// there: triggers are disabled first, because that is quick, then dropped with
// retries.
func (s *Shard) RemoveGuards(ctx context.Context) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('shard_admin_move.fence') IS NOT NULL`).Scan(&there); err != nil || !there {
		return conn.Fault(err, s.db.Name())
	}
	var open int
	if err := pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM shard_admin_move.fence) + (SELECT count(*) FROM shard_admin_move.epoch)`).Scan(&open); err != nil {
		return conn.Fault(err, s.db.Name())
	}
	if open > 0 {
		return nil // another open move needs them
	}
	rows, err := pool.Query(ctx, `SELECT n.nspname, c.relname, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE g.tgname = ANY ($1) AND g.tgparentid = 0 ORDER BY 1, 2, 3`, []string{guardName, insertedName, truncateName})
	if err != nil {
		return conn.Fault(err, s.db.Name())
	}
	type guarded struct {
		table    string
		triggers []string
	}
	tables := []guarded{}
	var schema, rel, name string
	if _, err := pgx.ForEachRow(rows, []any{&schema, &rel, &name}, func() error {
		table := pgx.Identifier{schema, rel}.Sanitize()
		if len(tables) == 0 || tables[len(tables)-1].table != table {
			tables = append(tables, guarded{table: table})
		}
		last := &tables[len(tables)-1]
		last.triggers = append(last.triggers, pgx.Identifier{name}.Sanitize())
		return nil
	}); err != nil {
		return conn.Fault(err, s.db.Name())
	}
	// Disabling waits for writers alone, dropping for readers as well: writers
	// are rid of the guards first.
	disable := func(t guarded) string {
		return "ALTER TABLE " + t.table + " DISABLE TRIGGER " + strings.Join(t.triggers, ", DISABLE TRIGGER ")
	}
	drop := func(t guarded) string {
		return "DROP TRIGGER IF EXISTS " + strings.Join(t.triggers, " ON "+t.table+"; DROP TRIGGER IF EXISTS ") + " ON " + t.table
	}
	for _, removal := range []func(guarded) string{disable, drop} {
		for _, t := range tables {
			needed := false
			err := s.retry(ctx, func(tx pgx.Tx) (err error) {
				// A move that comes now files its epoch before it looks which
				// guards are there.
				if needed, err = inUse(ctx, tx, "SHARE"); err == nil && !needed {
					_, err = tx.Exec(ctx, removal(t), pgx.QueryExecModeSimpleProtocol)
				}
				return err
			})
			if c := SQLState(err); c == "42704" || c == "42P01" {
				continue // somebody else removed one, or the table: what is left is dropped
			}
			if err != nil || needed {
				return err
			}
		}
	}
	return s.retry(ctx, func(tx pgx.Tx) error {
		if needed, err := inUse(ctx, tx, "ACCESS EXCLUSIVE"); err != nil || needed {
			return err
		}
		_, err := tx.Exec(ctx, "DROP SCHEMA shard_admin_move CASCADE")
		return err
	})
}

// inUse reports whether a move is open on the shard, and keeps others from
// opening until the transaction ends. A schema that is gone is not in use, and
// there is nothing left to remove.
func inUse(ctx context.Context, tx pgx.Tx, mode string) (bool, error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('shard_admin_move.epoch') IS NOT NULL`).Scan(&there); err != nil || !there {
		return !there, err
	}
	var open int
	both := &pgx.Batch{}
	both.Queue("LOCK TABLE shard_admin_move.epoch IN " + mode + " MODE")
	both.Queue(`SELECT (SELECT count(*) FROM shard_admin_move.fence) + (SELECT count(*) FROM shard_admin_move.epoch)`).
		QueryRow(func(row pgx.Row) error { return row.Scan(&open) })
	err := tx.SendBatch(ctx, both).Close()
	return open > 0, err
}

// retry runs a short transaction again while it cannot have its locks.
func (s *Shard) retry(ctx context.Context, f func(pgx.Tx) error) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: briefly}, f)
		if err == nil {
			return nil
		}
		if SQLState(err) != "55P03" && SQLState(err) != "40P01" || time.Now().After(deadline) {
			return conn.Fault(err, s.db.Name())
		}
		if err := pause(ctx, 50*time.Millisecond+rand.N(250*time.Millisecond)); err != nil {
			return err
		}
	}
}
