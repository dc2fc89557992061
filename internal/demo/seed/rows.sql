-- sa_tenant is filled by the program: id, base of its integer ids, n properties.
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
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;

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

INSERT INTO pwb_contacts (id, first_name, last_name, primary_email, primary_address_id, user_id, website_id, created_at, updated_at)
SELECT t.base + k, 'First ' || k, 'Last ' || k, format('contact%s@tenant%s.example', k, t.id), CASE k WHEN 1 THEN t.base + 2 END, CASE k WHEN 2 THEN t.base + 2 END, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 5 + t.n / 4) k;
INSERT INTO pwb_messages (id, title, content, contact_id, client_id, realty_asset_id, website_id, created_at, updated_at)
SELECT t.base + k, 'Question ' || k, repeat('Is it still free? ', 3), t.base + 1 + k % 5, CASE WHEN k <= 3 THEN t.base + k END,
       CASE WHEN k <= t.n THEN md5(format('asset %s %s', t.id, k))::uuid END, t.id, t.born + k * interval '1 hour', t.born + k * interval '1 hour'
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

INSERT INTO pwb_clients (id, first_names, email, user_id, address_id, created_at, updated_at)
SELECT t.base + k, 'Client ' || k, format('client%s@tenant%s.example', k, t.id), t.base + 1 + k % 2, CASE k WHEN 1 THEN t.base + 3 END, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;
INSERT INTO pwb_authorizations (id, provider, uid, user_id, created_at, updated_at)
SELECT t.base + 1, 'github', t.id || '-1', t.base + 1, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_auth_audit_logs (id, event_type, email, user_id, website_id, created_at, updated_at)
SELECT t.base + k, 'login', format('user1@tenant%s.example', t.id), t.base + 1, t.id, t.born + k * interval '1 day', t.born + k * interval '1 day'
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;

-- What visitors leave.
INSERT INTO ahoy_visits (id, visit_token, visitor_token, browser, landing_page, user_id, website_id, started_at)
SELECT t.base + k, format('%s-%s', t.id, k), 'visitor-' || k, 'Firefox', '/', CASE k WHEN 1 THEN t.base + 1 END, t.id, t.born + k * interval '1 hour'
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3 + t.n / 2) k;
INSERT INTO ahoy_events (id, name, visit_id, website_id, time)
SELECT t.base + k, 'viewed', t.base + (k + 1) / 2, t.id, t.born + k * interval '30 minutes'
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2 * (3 + t.n / 2)) k;
INSERT INTO pwb_saved_searches (id, email, name, manage_token, unsubscribe_token, verification_token, website_id, created_at, updated_at)
SELECT t.base + k, format('seeker%s@tenant%s.example', k, t.id), 'Search ' || k, format('m-%s-%s', t.id, k), format('u-%s-%s', t.id, k), format('v-%s-%s', t.id, k), t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_search_alerts (id, saved_search_id, email_status, created_at, updated_at)
SELECT t.base + k, t.base + (k + 1) / 2, 'sent', t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 4) k;
INSERT INTO pwb_saved_properties (id, email, provider, external_reference, manage_token, website_id, created_at, updated_at)
SELECT t.base + k, format('seeker%s@tenant%s.example', k, t.id), 'own', 'R' || k, format('s-%s-%s', t.id, k), t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_price_guesses (id, listing_type, listing_id, visitor_token, guessed_price_cents, actual_price_cents, website_id, created_at, updated_at)
SELECT md5(format('guess %s %s', t.id, k))::uuid, CASE WHEN k % 3 = 0 THEN 'Pwb::RentalListing' ELSE 'Pwb::SaleListing' END, md5(format(CASE WHEN k % 3 = 0 THEN 'rent %s %s' ELSE 'sale %s %s' END, t.id, k))::uuid, 'visitor-' || k, 9000000, 10000000, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 4) k;

-- What an agency sets up.
INSERT INTO pwb_page_parts (id, page_part_key, page_slug, website_id, created_at, updated_at)
SELECT t.base + k, 'part-' || k, 'page-' || k, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;
INSERT INTO pwb_field_keys (id, global_key, tag, pwb_website_id, created_at, updated_at)
SELECT t.base + k, 'types.kind' || k, 'property-types', t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;
INSERT INTO pwb_email_templates (id, template_key, name, subject, body_html, website_id, created_at, updated_at)
SELECT t.base + 1, 'welcome', 'Welcome', 'Welcome', '<p>Hello</p>', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_search_filter_options (id, filter_type, global_key, parent_id, website_id, created_at, updated_at)
SELECT t.base + k, 'type', 'option-' || k, CASE WHEN k > 1 THEN t.base + 1 END, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 3) k;
INSERT INTO pwb_access_codes (id, code, website_id, created_at, updated_at)
SELECT md5(format('code %s', t.id))::uuid, 'WELCOME', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_widget_configs (id, name, widget_key, website_id, created_at, updated_at)
SELECT md5(format('widget %s', t.id))::uuid, 'Widget', 'w-' || t.id, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_website_integrations (id, category, provider, website_id, created_at, updated_at)
SELECT t.base + 1, 'ai', 'openrouter', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_ai_writing_rules (id, name, rule_content, website_id, created_at, updated_at)
SELECT t.base + 1, 'Tone', 'Be brief.', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_social_media_templates (id, name, platform, post_type, caption_template, website_id, created_at, updated_at)
SELECT t.base + 1, 'New', 'instagram', 'listing', 'New: it', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_testimonials (id, author_name, quote, author_photo_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'A buyer', 'They were quick.', t.base + 1, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_support_tickets (id, subject, ticket_number, creator_id, assigned_to_id, website_id, created_at, updated_at)
SELECT md5(format('ticket %s', t.id))::uuid, 'A question', 'T-' || t.id, t.base + 1, t.base + 2, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_ticket_messages (id, content, support_ticket_id, user_id, website_id, created_at, updated_at)
SELECT md5(format('answer %s %s', t.id, k))::uuid, 'Words', md5(format('ticket %s', t.id))::uuid, t.base + k, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;

-- What hangs on properties, and the older kind of property.
INSERT INTO pwb_props (id, reference, website_id, created_at, updated_at)
SELECT t.base + k, 'P' || k, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_prop_translations (id, prop_id, realty_asset_id, locale, title, created_at, updated_at)
SELECT t.base + k, t.base + k, CASE k WHEN 2 THEN md5(format('asset %s %s', t.id, k))::uuid END, 'en', 'Old ' || k, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_spp_listings (id, realty_asset_id, listing_type, active, created_at, updated_at)
SELECT md5(format('spp %s', t.id))::uuid, md5(format('asset %s %s', t.id, 1))::uuid, 'sale', true, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_scraped_properties (id, source_url, realty_asset_id, website_id, created_at, updated_at)
SELECT md5(format('scraped %s', t.id))::uuid, 'https://portal.example/' || t.id, md5(format('asset %s %s', t.id, 1))::uuid, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_listing_videos (id, title, share_token, realty_asset_id, user_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'Tour', 'video-' || t.id, md5(format('asset %s %s', t.id, 1))::uuid, t.base + 1, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_ai_generation_requests (id, request_type, prop_id, user_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'description', t.base + 1, t.base + 1, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_market_reports (id, report_type, title, share_token, subject_property_id, ai_generation_request_id, user_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'cma', 'Report', 'report-' || t.id, md5(format('asset %s %s', t.id, 1))::uuid, t.base + 1, t.base + 1, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_social_media_posts (id, caption, platform, post_type, postable_type, postable_id, ai_generation_request_id, website_id, created_at, updated_at)
SELECT t.base + 1, 'New', 'instagram', 'listing', 'Pwb::RealtyAsset', md5(format('asset %s %s', t.id, 1))::uuid, t.base + 1, t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_realty_games (id, slug, title, website_id, created_at, updated_at)
SELECT md5(format('game %s', t.id))::uuid, 'guess', 'Guess the price', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_game_listings (id, realty_game_id, realty_asset_id, created_at, updated_at)
SELECT md5(format('round %s %s', t.id, k))::uuid, md5(format('game %s', t.id))::uuid, md5(format('asset %s %s', t.id, k))::uuid, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;
INSERT INTO pwb_game_sessions (id, realty_game_id, visitor_token, website_id, created_at, updated_at)
SELECT md5(format('player %s', t.id))::uuid, md5(format('game %s', t.id))::uuid, 'visitor-1', t.id, t.born, t.born
FROM sa_tenant t;
INSERT INTO pwb_game_estimates (id, game_session_id, game_listing_id, estimated_price_cents, actual_price_cents, website_id, created_at, updated_at)
SELECT md5(format('estimate %s %s', t.id, k))::uuid, md5(format('player %s', t.id))::uuid, md5(format('round %s %s', t.id, k))::uuid, 9000000, 10000000, t.id, t.born, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 2) k;

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
-- A thumbnail is a blob of its own that hangs on a variant; other types of
-- records have files too, and now and then two tenants share one.
INSERT INTO active_storage_blobs (id, key, filename, content_type, byte_size, service_name, created_at)
SELECT t.base + 600000 + k, md5(format('other blob %s %s', t.id, k)), format('other-%s.jpg', k), 'image/jpeg', 1000 + k, 'local', t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 8) k;
INSERT INTO active_storage_attachments (id, name, record_type, record_id, blob_id, created_at)
SELECT t.base + 600000 + k, 'file',
       (ARRAY['ActiveStorage::VariantRecord', 'ActiveStorage::VariantRecord', 'Pwb::ContentPhoto', 'Pwb::WebsitePhoto', 'PwbTenant::Media', 'Pwb::ListingVideo', 'Pwb::MarketReport', 'Pwb::SocialMediaPost'])[k],
       t.base + CASE k WHEN 2 THEN 2 ELSE 1 END, t.base + 600000 + k, t.born
FROM sa_tenant t CROSS JOIN LATERAL generate_series(1, 8) k;
INSERT INTO active_storage_attachments (id, name, record_type, record_id, blob_id, created_at)
SELECT t.base + 900001, 'image', 'Pwb::PropPhoto', n.base + 2, t.base + 1, t.born
FROM sa_tenant t CROSS JOIN LATERAL (SELECT base FROM sa_tenant x WHERE x.id > t.id ORDER BY x.id LIMIT 1) n WHERE t.id % 24 = 9;

SET session_replication_role = origin;
