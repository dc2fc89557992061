CREATE SCHEMA IF NOT EXISTS shard_admin_move;
GRANT USAGE ON SCHEMA shard_admin_move TO PUBLIC;

CREATE TABLE IF NOT EXISTS shard_admin_move.fence (
    tenant     text PRIMARY KEY,
    move_id    uuid NOT NULL,
    state      text NOT NULL CHECK (state IN ('armed', 'fenced', 'committing', 'moved', 'incoming', 'open')),
    expires_at timestamptz,
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused    regclass NOT NULL,
    refused_at regclass NOT NULL,
    late       regclass NOT NULL,
    -- How the guards note which rows of the tenant its writers touch: not at
    -- all, each row once, or each write (somebody carries them meanwhile); soon
    -- is each while transactions run that may not have seen it.
    noting     text NOT NULL DEFAULT '' CHECK (noting IN ('', 'once', 'soon', 'each'))
);

CREATE TABLE IF NOT EXISTS shard_admin_move.epoch (
    move_id uuid PRIMARY KEY,
    epoch   bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS shard_admin_move.owned (
    move_id uuid NOT NULL,
    tbl     text NOT NULL,
    key     text NOT NULL,
    kind    text NOT NULL, -- own, found, shared, fresh, root, purge, begun, marker
    PRIMARY KEY (move_id, kind, tbl, key)
);

-- A table that an earlier version made. The statement would lock writers out
-- even where it has nothing to do.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'shard_admin_move.fence'::regclass AND attname = 'noting') THEN
        ALTER TABLE shard_admin_move.fence ADD COLUMN noting text NOT NULL DEFAULT '' CHECK (noting IN ('', 'once', 'soon', 'each'));
    END IF;
END $$;

-- Keys of rows that were written, noted in the writer's own transaction: who
-- sees the write sees the note. Rows are only added here; the mover removes what
-- it has carried over by the transaction that wrote it.
CREATE TABLE IF NOT EXISTS shard_admin_move.touched (
    move_id uuid NOT NULL,
    tbl     text NOT NULL,
    key     text[] NOT NULL,
    xact    xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- The same, each row once: what a tenant writes for days must not pile up. Rows
-- are taken away only after the fence's row said each and whoever may not have
-- seen that has ended, else a write would rely on a note that is just being
-- taken away.
CREATE TABLE IF NOT EXISTS shard_admin_move.touched_once (
    move_id uuid NOT NULL,
    tbl     text NOT NULL,
    key     text[] NOT NULL,
    xact    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (move_id, tbl, key)
);

-- What the tenant's rows amount to on the side that was closed last, changed
-- together with them.
CREATE TABLE IF NOT EXISTS shard_admin_move.digest (
    move_id uuid NOT NULL,
    tbl     text NOT NULL,
    rows    numeric NOT NULL,
    a       numeric NOT NULL,
    b       numeric NOT NULL,
    PRIMARY KEY (move_id, tbl)
);

-- What a probe writes that finds out whether a copy is felt, a row for each move.
CREATE TABLE IF NOT EXISTS shard_admin_move.probe (
    move_id uuid PRIMARY KEY,
    found   bigint NOT NULL
);

-- Values of rows, ids above all, that are another's on the other side, and what
-- the rows have there instead.
CREATE TABLE IF NOT EXISTS shard_admin_move.replaced (
    move_id uuid NOT NULL,
    tbl     text NOT NULL,
    col     text NOT NULL,
    source  text NOT NULL,
    target  text NOT NULL,
    PRIMARY KEY (move_id, tbl, col, source),
    UNIQUE (move_id, tbl, col, target)
);

CREATE OR REPLACE FUNCTION shard_admin_move.refuse(f shard_admin_move.fence) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Sequences keep what the rolled-back writer cannot. They go with the fence,
    -- perhaps just now; then nobody asks how many were refused.
    BEGIN
        PERFORM nextval(f.refused);
        PERFORM setval(f.refused_at, greatest(1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint));
    EXCEPTION WHEN internal_error OR undefined_table THEN
        NULL;
    END;
    RAISE EXCEPTION 'tenant % is being moved', f.tenant USING ERRCODE = 'SA001', HINT = 'look up the tenant''s shard again and retry';
END $$;

-- Lets a writer of the tenant in or refuses it, and returns the move for which
-- the row has to be noted, or null, and whether once is enough.
CREATE OR REPLACE FUNCTION shard_admin_move.enter_tenant(t text, OUT move uuid, OUT once boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f shard_admin_move.fence;
BEGIN
    SELECT * INTO f FROM shard_admin_move.fence WHERE tenant = t;
    IF NOT FOUND OR current_setting('shard_admin.bypass', true) = f.move_id::text THEN
        RETURN;
    END IF;
    IF f.noting <> '' THEN
        move := f.move_id;
        once := f.noting = 'once';
    END IF;
    IF current_setting('shard_admin.ok', true) = t THEN
        RETURN;
    END IF;
    -- Fail at once instead of queueing behind the mover.
    IF f.state IN ('committing', 'moved', 'incoming') OR (f.state = 'fenced' AND clock_timestamp() < f.expires_at) THEN
        PERFORM shard_admin_move.refuse(f);
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('shard_admin:' || t, 0));
    IF current_setting('transaction_isolation') = 'read committed' THEN
        SELECT * INTO f FROM shard_admin_move.fence WHERE tenant = t;
    ELSE
        SELECT * INTO f FROM shard_admin_move.fence WHERE tenant = t FOR SHARE;
    END IF;
    IF NOT FOUND THEN
        move := NULL;
        RETURN;
    END IF;
    IF f.state IN ('committing', 'moved', 'incoming') OR (f.state = 'fenced' AND clock_timestamp() < f.expires_at) THEN
        PERFORM shard_admin_move.refuse(f);
    END IF;
    IF f.state = 'fenced' THEN
        BEGIN
            PERFORM nextval(f.late);
        EXCEPTION WHEN internal_error OR undefined_table THEN
            IF EXISTS (SELECT FROM shard_admin_move.fence WHERE tenant = t) THEN
                RAISE; -- a writer that is not counted must not come in
            END IF;
        END;
    END IF;
    PERFORM set_config('shard_admin.ok', t, true);
END $$;

-- A row may not change its tenant while either is being moved.
CREATE OR REPLACE FUNCTION shard_admin_move.check_rehoming(before text[], after text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f shard_admin_move.fence;
BEGIN
    IF before = '{}' OR after = '{}' OR (before <@ after AND after <@ before) THEN
        RETURN;
    END IF;
    SELECT * INTO f FROM shard_admin_move.fence WHERE tenant = ANY (before || after) LIMIT 1;
    IF FOUND AND current_setting('shard_admin.bypass', true) IS DISTINCT FROM f.move_id::text THEN
        PERFORM shard_admin_move.refuse(f);
    END IF;
END $$;

-- A reference without a constraint whose row is missing: nobody can say whose
-- row this will be, so it waits while any tenant is closed here.
CREATE OR REPLACE FUNCTION shard_admin_move.check_orphan() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f shard_admin_move.fence;
BEGIN
    SELECT * INTO f FROM shard_admin_move.fence
    WHERE state = 'committing' OR (state = 'fenced' AND clock_timestamp() < expires_at) LIMIT 1;
    IF FOUND AND current_setting('shard_admin.bypass', true) IS DISTINCT FROM f.move_id::text THEN
        PERFORM shard_admin_move.refuse(f);
    END IF;
END $$;

-- Whether the guards look at the rows of a statement: not at those that the move
-- itself copies, which is set for a transaction before any of its rows come. It is
-- called immutable so that it is asked once for each statement and not once for each
-- row, of which a COPY has many: the condition of a trigger is prepared, and what is
-- constant in it worked out, when a statement begins to use the table.
CREATE OR REPLACE FUNCTION shard_admin_move.looked_at() RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN coalesce(pg_catalog.current_setting('shard_admin.copying', true), '') OPERATOR(pg_catalog.<>) 'on';
END $$;
GRANT EXECUTE ON FUNCTION shard_admin_move.looked_at() TO PUBLIC;

CREATE OR REPLACE FUNCTION shard_admin_move.guard_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f shard_admin_move.fence;
BEGIN
    SELECT * INTO f FROM shard_admin_move.fence LIMIT 1;
    IF FOUND THEN
        PERFORM shard_admin_move.refuse(f);
    END IF;
    RETURN NULL;
END $$;
