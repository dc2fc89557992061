-- A schema that no profile describes, with the habits of several frameworks:
-- a tenant key of type uuid, quoted names, keys of several columns, cycles,
-- partitioned and inherited tables, tables without a key. Every table has a
-- column mark that names the tenant, which only the test reads.
CREATE SCHEMA core;
CREATE SCHEMA billing;
CREATE SCHEMA "Weird Schema";
CREATE TYPE org_status AS ENUM ('trial', 'active', 'closed');
CREATE TYPE money_of AS (amount numeric, currency text);
CREATE DOMAIN folder_id AS uuid;

CREATE TABLE currencies (code text PRIMARY KEY, name text, mark text);
CREATE TABLE countries (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE, currency_code text REFERENCES currencies, mark text);
CREATE TABLE order_statuses (id smallint PRIMARY KEY, name text, mark text);
CREATE TABLE schema_migrations (version text PRIMARY KEY, mark text);
CREATE TABLE good_jobs (id uuid PRIMARY KEY, args jsonb, mark text);

CREATE TABLE core."Organizations" (
    "Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "Slug" text NOT NULL UNIQUE, "Name" text, status org_status NOT NULL DEFAULT 'trial',
    "ParentOrganizationId" uuid REFERENCES core."Organizations", country_id int REFERENCES countries, settings json, mark text,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());

-- Identity and generated columns.
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL REFERENCES core."Organizations", email text NOT NULL,
    lower_email text GENERATED ALWAYS AS (lower(email)) STORED, invited_by_id bigint REFERENCES users, mark text, UNIQUE (organization_id, email));
CREATE TABLE api_keys (serial serial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE, token text UNIQUE, mark text);
CREATE TABLE webhooks (
    id uuid PRIMARY KEY, payload jsonb NOT NULL, organization_id uuid GENERATED ALWAYS AS ((payload ->> 'org')::uuid) STORED, mark text);

-- Keys of several columns, quoted names.
CREATE TABLE "Order Books" ("OrganizationId" uuid NOT NULL REFERENCES core."Organizations", "No" int, "countryId" int REFERENCES countries, mark text, PRIMARY KEY ("OrganizationId", "No"));
CREATE TABLE "Order Lines" (
    "OrganizationId" uuid NOT NULL, book int, line int, "UserID" bigint, status_id smallint REFERENCES order_statuses, mark text, PRIMARY KEY ("OrganizationId", book, line),
    FOREIGN KEY ("OrganizationId", book) REFERENCES "Order Books" ON DELETE CASCADE);
CREATE TABLE "Order Notes" (org uuid, book int, line int, n int, note text, mark text, UNIQUE (org, book, line, n), FOREIGN KEY (org, book, line) REFERENCES "Order Lines");
CREATE TABLE "Weird Schema"."Größe ""XL""" ("Schlüssel ö" uuid PRIMARY KEY, "select" uuid REFERENCES core."Organizations", "näme." text, mark text);
CREATE TABLE "Weird Schema"."Order Books" (id uuid PRIMARY KEY, "Größe Id" uuid NOT NULL REFERENCES "Weird Schema"."Größe ""XL""", "b""c" money_of, mark text);

-- Cycles, self references, a key of a domain's type.
CREATE TABLE images (id uuid PRIMARY KEY, key text UNIQUE, bytes bytea, created_at timestamptz NOT NULL, mark text);
CREATE TABLE folders (
    id folder_id PRIMARY KEY, organization_id uuid REFERENCES core."Organizations", parent_id folder_id REFERENCES folders, cover_image_id uuid REFERENCES images, mark text);
CREATE TABLE pages (id uuid PRIMARY KEY, folder_id folder_id NOT NULL REFERENCES folders, current_version_id uuid, mark text);
CREATE TABLE page_versions (id uuid PRIMARY KEY, page_id uuid NOT NULL REFERENCES pages, body xml, search tsvector, mark text);
ALTER TABLE pages ADD FOREIGN KEY (current_version_id) REFERENCES page_versions DEFERRABLE;
CREATE TABLE threads (id uuid PRIMARY KEY, folder_id folder_id REFERENCES folders, last_post_id uuid, mark text);
CREATE TABLE posts (id uuid PRIMARY KEY, thread_id uuid REFERENCES threads, answer_to_id uuid REFERENCES posts, mark text);
ALTER TABLE threads ADD FOREIGN KEY (last_post_id) REFERENCES posts DEFERRABLE INITIALLY DEFERRED;

-- Partitioned tables: by range and then by list; one that belongs to tenants
-- by way of itself and has no key of one column.
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, organization_id uuid NOT NULL, at timestamptz NOT NULL, kind int NOT NULL DEFAULT 0, mark text, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2026_some PARTITION OF events_2026 FOR VALUES IN (0, 1);
CREATE TABLE events_2026_rest PARTITION OF events_2026 DEFAULT;
CREATE TABLE event_notes (event_id bigint NOT NULL, event_at timestamptz NOT NULL, event_kind int NOT NULL, n int, mark text, PRIMARY KEY (event_id, n),
    FOREIGN KEY (event_id, event_at, event_kind) REFERENCES events (id, at, kind) ON DELETE CASCADE);
CREATE TABLE nodes (id uuid, part int, up_id uuid, up_part int, folder_id folder_id REFERENCES folders, mark text, PRIMARY KEY (id, part), FOREIGN KEY (up_id, up_part) REFERENCES nodes) PARTITION BY LIST (part);
CREATE TABLE nodes_0 PARTITION OF nodes FOR VALUES IN (0);
CREATE TABLE nodes_1 PARTITION OF nodes FOR VALUES IN (1);

-- Inherited tables: a child's rows are its own, though a query of the parent
-- shows them too.
CREATE TABLE vehicles (id uuid PRIMARY KEY, organization_id uuid NOT NULL, mark text);
CREATE TABLE trucks (load numeric(8, 2), PRIMARY KEY (id)) INHERITS (vehicles);
CREATE TABLE vehicle_logs (vehicle_id uuid REFERENCES vehicles, text text, mark text);

-- Without a key; references that only a name tells of; pairs.
CREATE TABLE log_lines (organization_id uuid NOT NULL, at timestamptz, text text, mark text);
CREATE TABLE page_reads (page_id uuid, reader_user_id bigint, mark text);
CREATE TABLE comments (id uuid PRIMARY KEY, commentable_type text NOT NULL, commentable_id uuid NOT NULL, body text, mark text);
CREATE TABLE reactions (comment_id uuid NOT NULL REFERENCES comments, face text, mark text);
CREATE TABLE transfers (id uuid PRIMARY KEY, from_organization_id uuid REFERENCES core."Organizations", to_organization_id uuid REFERENCES core."Organizations", amount numeric, mark text);
CREATE TABLE billing.invoices (
    id uuid PRIMARY KEY, organization_id uuid NOT NULL, number int NOT NULL, total numeric(12, 2), spent interval, rate float8, states org_status[], period tstzrange, tags text[], mark text,
    UNIQUE (organization_id, number) DEFERRABLE);
CREATE TABLE billing.invoice_lines (invoice_id uuid NOT NULL REFERENCES billing.invoices ON DELETE CASCADE, n smallint, payer_user_id bigint, mark text, PRIMARY KEY (invoice_id, n));
CREATE TABLE billing.users (id bigint PRIMARY KEY, invoice_id uuid REFERENCES billing.invoices, mark text);

CREATE MATERIALIZED VIEW billing.totals AS SELECT organization_id, sum(total) AS total FROM billing.invoices GROUP BY 1;
CREATE UNIQUE INDEX ON billing.totals (organization_id);

INSERT INTO currencies SELECT x, x, 'everybody' FROM unnest(ARRAY['EUR', 'USD']) x;
INSERT INTO countries (code, currency_code, mark) VALUES ('DE', 'EUR', 'everybody'), ('US', 'USD', 'everybody');
INSERT INTO order_statuses VALUES (1, 'open', 'everybody'), (2, 'paid', 'everybody');
INSERT INTO schema_migrations VALUES ('1', 'everybody');
