SET synchronous_commit = off;

-- The same on every shard; nobody's rows.
INSERT INTO pwb_plans (id, name, display_name, slug, created_at, updated_at) VALUES
    (1, 'basic', 'Basic', 'basic', '2023-01-01', '2023-01-01'), (2, 'pro', 'Pro', 'pro', '2023-01-01', '2023-01-01');
INSERT INTO pwb_client_themes (id, name, friendly_name, created_at, updated_at) VALUES
    (1, 'amsterdam', 'Amsterdam', '2023-01-01', '2023-01-01'), (2, 'athens', 'Athens', '2023-01-01', '2023-01-01');
INSERT INTO pwb_tenant_settings (id, created_at, updated_at) VALUES (1, '2023-01-01', '2023-01-01');
INSERT INTO translations (id, locale, key, value, created_at, updated_at)
SELECT k, CASE k % 2 WHEN 0 THEN 'en' ELSE 'es' END, 'word-' || (k + 1) / 2, 'Word ' || k, '2023-01-01', '2023-01-01' FROM generate_series(1, 40) k;
INSERT INTO pwb_addresses (id, street_address, city, country, created_at, updated_at)
SELECT k, k || ' Head Office Road', 'Springfield', 'ES', '2023-01-01', '2023-01-01' FROM generate_series(1, 3) k;
