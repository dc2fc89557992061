-- $tenants is filled by the program: id, base of its integer ids, n properties.
SET synchronous_commit = off;
SET session_replication_role = replica;

INSERT INTO pwb_users (id, email, encrypted_password, first_names, website_id, created_at, updated_at)
SELECT t.base + k, format('user%s@tenant%s.example', k, t.id), '', 'User ' || k, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2 + t.n / 100) k;

INSERT INTO pwb_user_memberships (id, user_id, website_id, role, created_at, updated_at)
SELECT t.base + k, t.base + k, t.id, CASE k WHEN 1 THEN 'owner' ELSE 'member' END, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2 + t.n / 100) k;

-- A user of one tenant who works for the next one on the same shard as well.
INSERT INTO pwb_user_memberships (id, user_id, website_id, role, created_at, updated_at)
SELECT t.base + 900001, t.base + 1, n.id, 'member', t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL (SELECT id FROM sa_tenant x WHERE x.id > t.id ORDER BY x.id LIMIT 1) n WHERE t.id % 9 = 5;

INSERT INTO pwb_addresses (id, street_address, city, country, created_at, updated_at)
SELECT t.base + k, k || ' Main Street', 'Springfield', 'ES', t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;

INSERT INTO pwb_agencies (id, display_name, company_name, primary_address_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'Agency ' || t.id, 'Agency ' || t.id || ' Ltd', t.base + 1, t.id, t.born, t.born FROM sa_tenant t;

INSERT INTO pwb_pages (id, slug, visible, website_id, created_at, updated_at)
SELECT t.base + k, 'page-' || k, true, t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 6) k;
INSERT INTO pwb_page_translations (id, page_id, locale, page_title, raw_html, created_at, updated_at)
SELECT t.base + k, t.base + (k - 1) / 2 + 1, CASE k % 2 WHEN 0 THEN 'en' ELSE 'es' END, 'Title ' || k, repeat('<p>text</p>', 5), t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 12) k;
INSERT INTO pwb_contents (id, key, page_part_key, website_id, created_at, updated_at)
SELECT t.base + k, 'content-' || k, 'part-' || k, t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 6) k;
INSERT INTO pwb_content_translations (id, content_id, locale, raw, created_at, updated_at)
SELECT t.base + k, t.base + k, 'en', 'Words ' || k, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 6) k;
INSERT INTO pwb_content_photos (id, content_id, image, created_at, updated_at)
SELECT t.base + k, t.base + k, 'photo-' || k || '.jpg', t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;
INSERT INTO pwb_page_contents (id, page_id, content_id, label, website_id, parent_page_content_id, created_at, updated_at)
SELECT t.base + k, t.base + k, t.base + k, 'slot-' || k, t.id, CASE WHEN k > 1 THEN t.base + 1 END, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 6) k;
INSERT INTO pwb_links (id, slug, link_path, website_id, created_at, updated_at)
SELECT t.base + k, 'link-' || k, '/p/' || k, t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 4) k;
INSERT INTO pwb_link_translations (id, link_id, locale, link_title, created_at, updated_at)
SELECT t.base + k, t.base + k, 'en', 'Link ' || k, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 4) k;
INSERT INTO pwb_website_photos (id, photo_key, image, website_id, created_at, updated_at)
SELECT t.base + k, 'photo-' || k, 'hero-' || k || '.jpg', t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_media_folders (id, name, slug, parent_id, website_id, created_at, updated_at)
SELECT t.base + k, 'Folder ' || k, 'folder-' || k, CASE k WHEN 2 THEN t.base + 1 END, t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_media (id, filename, folder_id, website_id, created_at, updated_at)
SELECT t.base + k, 'file-' || k || '.jpg', t.base + 1 + k % 2, t.id, t.born, t.born FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 4) k;

INSERT INTO pwb_contacts (id, first_name, last_name, primary_email, primary_address_id, website_id, created_at, updated_at)
SELECT t.base + k, 'First ' || k, 'Last ' || k, format('contact%s@tenant%s.example', k, t.id), CASE k WHEN 1 THEN t.base + 2 END, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 5 + t.n / 4) k;
INSERT INTO pwb_messages (id, title, content, contact_id, website_id, created_at, updated_at)
SELECT t.base + k, 'Question ' || k, repeat('Is it still free? ', 3), t.base + 1 + k % 5, t.id, t.born + k * interval '1 hour', t.born + k * interval '1 hour'
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 10 + t.n) k;

INSERT INTO pwb_realty_assets (id, reference, title, slug, city, country, count_bedrooms, website_id, created_at, updated_at)
SELECT md5(format('asset %s %s', t.id, k))::uuid, 'R' || k, 'Property ' || k, format('property-%s-%s', t.id, k), 'Springfield', 'ES', k % 6, t.id, t.born + k * interval '1 minute', t.born + k * interval '1 minute'
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k;
INSERT INTO pwb_sale_listings (id, realty_asset_id, active, visible, price_sale_current_cents, created_at, updated_at)
SELECT md5(format('sale %s %s', t.id, k))::uuid, md5(format('asset %s %s', t.id, k))::uuid, true, true, 10000000 + k * 1000, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k WHERE k % 3 > 0;
INSERT INTO pwb_rental_listings (id, realty_asset_id, active, visible, price_rental_monthly_current_cents, created_at, updated_at)
SELECT md5(format('rent %s %s', t.id, k))::uuid, md5(format('asset %s %s', t.id, k))::uuid, true, true, 80000 + k * 10, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k WHERE k % 3 = 0;
INSERT INTO pwb_features (id, feature_key, realty_asset_id, created_at, updated_at)
SELECT t.base + 3 * k + f, (ARRAY['pool', 'garden', 'lift'])[f + 1], md5(format('asset %s %s', t.id, k))::uuid, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k CROSS JOIN LATERAL generate_series(0, 2) f;
INSERT INTO pwb_prop_photos (id, image, sort_order, realty_asset_id, created_at, updated_at)
SELECT t.base + 2 * k + f, format('p%s-%s.jpg', k, f), f, md5(format('asset %s %s', t.id, k))::uuid, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k CROSS JOIN LATERAL generate_series(0, 1) f;

-- Uploads: polymorphic attachments, blobs that belong to whoever points at them,
-- and variants that hang on blobs.
INSERT INTO active_storage_blobs (id, key, filename, content_type, byte_size, service_name, created_at)
SELECT t.base + k, md5(format('blob %s %s', t.id, k)), format('p%s.jpg', k), 'image/jpeg', 100000 + k, 'local', t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k;
INSERT INTO active_storage_attachments (id, name, record_type, record_id, blob_id, created_at)
SELECT t.base + k, 'image', 'Pwb::PropPhoto', t.base + 2 * k, t.base + k, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, t.n) k;
INSERT INTO active_storage_variant_records (id, blob_id, variation_digest)
SELECT t.base + k, t.base + k, md5('thumb') FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;

SET session_replication_role = origin;
