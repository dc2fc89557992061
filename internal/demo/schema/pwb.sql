-- PropertyWebBuilder's schema as of May 2026: 78 tables, their keys and indexes,
-- one materialized view. Written from a list of facts about it.


CREATE SEQUENCE active_storage_attachments_id_seq;
CREATE SEQUENCE active_storage_blobs_id_seq;
CREATE SEQUENCE active_storage_variant_records_id_seq;
CREATE SEQUENCE ahoy_events_id_seq;
CREATE SEQUENCE ahoy_visits_id_seq;
CREATE SEQUENCE pwb_addresses_id_seq AS integer;
CREATE SEQUENCE pwb_agencies_id_seq AS integer;
CREATE SEQUENCE pwb_ai_generation_requests_id_seq;
CREATE SEQUENCE pwb_ai_writing_rules_id_seq;
CREATE SEQUENCE pwb_auth_audit_logs_id_seq;
CREATE SEQUENCE pwb_authorizations_id_seq;
CREATE SEQUENCE pwb_client_themes_id_seq;
CREATE SEQUENCE pwb_clients_id_seq AS integer;
CREATE SEQUENCE pwb_contacts_id_seq;
CREATE SEQUENCE pwb_content_photos_id_seq AS integer;
CREATE SEQUENCE pwb_content_translations_id_seq;
CREATE SEQUENCE pwb_contents_id_seq AS integer;
CREATE SEQUENCE pwb_email_templates_id_seq;
CREATE SEQUENCE pwb_features_id_seq AS integer;
CREATE SEQUENCE pwb_field_keys_id_seq AS integer;
CREATE SEQUENCE pwb_link_translations_id_seq;
CREATE SEQUENCE pwb_links_id_seq AS integer;
CREATE SEQUENCE pwb_listing_videos_id_seq;
CREATE SEQUENCE pwb_market_reports_id_seq;
CREATE SEQUENCE pwb_media_id_seq;
CREATE SEQUENCE pwb_media_folders_id_seq;
CREATE SEQUENCE pwb_messages_id_seq AS integer;
CREATE SEQUENCE pwb_page_contents_id_seq;
CREATE SEQUENCE pwb_page_parts_id_seq;
CREATE SEQUENCE pwb_page_translations_id_seq;
CREATE SEQUENCE pwb_pages_id_seq AS integer;
CREATE SEQUENCE pwb_plans_id_seq;
CREATE SEQUENCE pwb_prop_photos_id_seq AS integer;
CREATE SEQUENCE pwb_prop_translations_id_seq;
CREATE SEQUENCE pwb_props_id_seq AS integer;
CREATE SEQUENCE pwb_saved_properties_id_seq;
CREATE SEQUENCE pwb_saved_searches_id_seq;
CREATE SEQUENCE pwb_search_alerts_id_seq;
CREATE SEQUENCE pwb_search_filter_options_id_seq;
CREATE SEQUENCE pwb_shard_audit_logs_id_seq;
CREATE SEQUENCE pwb_social_media_posts_id_seq;
CREATE SEQUENCE pwb_social_media_templates_id_seq;
CREATE SEQUENCE pwb_subdomains_id_seq;
CREATE SEQUENCE pwb_subscription_events_id_seq;
CREATE SEQUENCE pwb_subscriptions_id_seq;
CREATE SEQUENCE pwb_tenant_settings_id_seq;
CREATE SEQUENCE pwb_testimonials_id_seq;
CREATE SEQUENCE pwb_user_memberships_id_seq;
CREATE SEQUENCE pwb_users_id_seq AS integer;
CREATE SEQUENCE pwb_website_integrations_id_seq;
CREATE SEQUENCE pwb_website_photos_id_seq;
CREATE SEQUENCE pwb_websites_id_seq AS integer;
CREATE SEQUENCE solid_queue_blocked_executions_id_seq;
CREATE SEQUENCE solid_queue_claimed_executions_id_seq;
CREATE SEQUENCE solid_queue_failed_executions_id_seq;
CREATE SEQUENCE solid_queue_jobs_id_seq;
CREATE SEQUENCE solid_queue_pauses_id_seq;
CREATE SEQUENCE solid_queue_processes_id_seq;
CREATE SEQUENCE solid_queue_ready_executions_id_seq;
CREATE SEQUENCE solid_queue_recurring_executions_id_seq;
CREATE SEQUENCE solid_queue_recurring_tasks_id_seq;
CREATE SEQUENCE solid_queue_scheduled_executions_id_seq;
CREATE SEQUENCE solid_queue_semaphores_id_seq;
CREATE SEQUENCE translations_id_seq AS integer;

CREATE TABLE active_storage_attachments (
    "id" bigint DEFAULT nextval('active_storage_attachments_id_seq'::regclass) NOT NULL,
    "blob_id" bigint NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "name" character varying NOT NULL,
    "record_id" bigint NOT NULL,
    "record_type" character varying NOT NULL,
    CONSTRAINT active_storage_attachments_pkey PRIMARY KEY (id)
);

CREATE TABLE active_storage_blobs (
    "id" bigint DEFAULT nextval('active_storage_blobs_id_seq'::regclass) NOT NULL,
    "byte_size" bigint NOT NULL,
    "checksum" character varying,
    "content_type" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "filename" character varying NOT NULL,
    "key" character varying NOT NULL,
    "metadata" text,
    "service_name" character varying NOT NULL,
    CONSTRAINT active_storage_blobs_pkey PRIMARY KEY (id)
);

CREATE TABLE active_storage_variant_records (
    "id" bigint DEFAULT nextval('active_storage_variant_records_id_seq'::regclass) NOT NULL,
    "blob_id" bigint NOT NULL,
    "variation_digest" character varying NOT NULL,
    CONSTRAINT active_storage_variant_records_pkey PRIMARY KEY (id)
);

CREATE TABLE ahoy_events (
    "id" bigint DEFAULT nextval('ahoy_events_id_seq'::regclass) NOT NULL,
    "name" character varying NOT NULL,
    "properties" jsonb DEFAULT '{}'::jsonb,
    "time" timestamp without time zone NOT NULL,
    "visit_id" bigint,
    "website_id" bigint NOT NULL,
    CONSTRAINT ahoy_events_pkey PRIMARY KEY (id)
);

CREATE TABLE ahoy_visits (
    "id" bigint DEFAULT nextval('ahoy_visits_id_seq'::regclass) NOT NULL,
    "browser" character varying,
    "city" character varying,
    "country" character varying,
    "device_type" character varying,
    "landing_page" text,
    "os" character varying,
    "referrer" text,
    "referring_domain" character varying,
    "region" character varying,
    "started_at" timestamp without time zone,
    "user_id" bigint,
    "utm_campaign" character varying,
    "utm_content" character varying,
    "utm_medium" character varying,
    "utm_source" character varying,
    "utm_term" character varying,
    "visit_token" character varying,
    "visitor_token" character varying,
    "website_id" bigint NOT NULL,
    CONSTRAINT ahoy_visits_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_access_codes (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "code" character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "expires_at" timestamp(6) without time zone,
    "max_uses" integer,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "uses_count" integer DEFAULT 0 NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_access_codes_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_addresses (
    "id" integer DEFAULT nextval('pwb_addresses_id_seq'::regclass) NOT NULL,
    "city" character varying,
    "country" character varying,
    "created_at" timestamp without time zone NOT NULL,
    "latitude" double precision,
    "longitude" double precision,
    "postal_code" character varying,
    "region" character varying,
    "street_address" character varying,
    "street_number" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    CONSTRAINT pwb_addresses_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_agencies (
    "id" integer DEFAULT nextval('pwb_agencies_id_seq'::regclass) NOT NULL,
    "analytics_id" character varying,
    "analytics_id_type" integer,
    "available_currencies" text[] DEFAULT ARRAY[]::text[],
    "available_locales" text[] DEFAULT ARRAY[]::text[],
    "company_id" character varying,
    "company_id_type" integer,
    "company_name" character varying,
    "created_at" timestamp without time zone NOT NULL,
    "default_admin_locale" character varying,
    "default_client_locale" character varying,
    "default_currency" character varying,
    "details" json DEFAULT '{}'::json,
    "display_name" character varying,
    "email_for_general_contact_form" character varying,
    "email_for_property_contact_form" character varying,
    "email_primary" character varying,
    "flags" integer DEFAULT 0 NOT NULL,
    "payment_plan_id" integer,
    "phone_number_mobile" character varying,
    "phone_number_other" character varying,
    "phone_number_primary" character varying,
    "primary_address_id" integer,
    "raw_css" text,
    "secondary_address_id" integer,
    "site_configuration" json DEFAULT '{}'::json,
    "site_template_id" integer,
    "skype" character varying,
    "social_media" json DEFAULT '{}'::json,
    "supported_currencies" text[] DEFAULT ARRAY[]::text[],
    "supported_locales" text[] DEFAULT ARRAY[]::text[],
    "theme_name" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "url" character varying,
    "website_id" integer,
    CONSTRAINT pwb_agencies_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_ai_generation_requests (
    "id" bigint DEFAULT nextval('pwb_ai_generation_requests_id_seq'::regclass) NOT NULL,
    "ai_model" character varying,
    "ai_provider" character varying DEFAULT 'anthropic'::character varying,
    "cost_cents" integer,
    "created_at" timestamp(6) without time zone NOT NULL,
    "error_message" text,
    "input_data" jsonb DEFAULT '{}'::jsonb,
    "input_tokens" integer,
    "locale" character varying DEFAULT 'en'::character varying,
    "output_data" jsonb DEFAULT '{}'::jsonb,
    "output_tokens" integer,
    "prop_id" bigint,
    "request_type" character varying NOT NULL,
    "status" character varying DEFAULT 'pending'::character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_id" bigint,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_ai_generation_requests_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_ai_writing_rules (
    "id" bigint DEFAULT nextval('pwb_ai_writing_rules_id_seq'::regclass) NOT NULL,
    "active" boolean DEFAULT true,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "name" character varying NOT NULL,
    "position" integer DEFAULT 0,
    "rule_content" text NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_ai_writing_rules_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_auth_audit_logs (
    "id" bigint DEFAULT nextval('pwb_auth_audit_logs_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "email" character varying,
    "event_type" character varying NOT NULL,
    "failure_reason" character varying,
    "ip_address" character varying,
    "metadata" jsonb DEFAULT '{}'::jsonb,
    "provider" character varying,
    "request_path" character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_agent" character varying,
    "user_id" bigint,
    "website_id" bigint,
    CONSTRAINT pwb_auth_audit_logs_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_authorizations (
    "id" bigint DEFAULT nextval('pwb_authorizations_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "provider" character varying,
    "uid" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "user_id" bigint,
    CONSTRAINT pwb_authorizations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_client_themes (
    "id" bigint DEFAULT nextval('pwb_client_themes_id_seq'::regclass) NOT NULL,
    "color_schema" jsonb DEFAULT '{}'::jsonb,
    "created_at" timestamp(6) without time zone NOT NULL,
    "default_config" jsonb DEFAULT '{}'::jsonb,
    "description" text,
    "enabled" boolean DEFAULT true NOT NULL,
    "font_schema" jsonb DEFAULT '{}'::jsonb,
    "friendly_name" character varying NOT NULL,
    "layout_options" jsonb DEFAULT '{}'::jsonb,
    "name" character varying NOT NULL,
    "preview_image_url" character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "version" character varying DEFAULT '1.0.0'::character varying,
    CONSTRAINT pwb_client_themes_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_clients (
    "id" integer DEFAULT nextval('pwb_clients_id_seq'::regclass) NOT NULL,
    "address_id" integer,
    "client_title" character varying,
    "created_at" timestamp without time zone NOT NULL,
    "details" json DEFAULT '{}'::json,
    "documentation_id" character varying,
    "documentation_type" integer,
    "email" character varying,
    "fax" character varying,
    "first_names" character varying,
    "flags" integer DEFAULT 0 NOT NULL,
    "last_names" character varying,
    "nationality" character varying,
    "phone_number_other" character varying,
    "phone_number_primary" character varying,
    "skype" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "user_id" integer,
    CONSTRAINT pwb_clients_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_contacts (
    "id" bigint DEFAULT nextval('pwb_contacts_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "details" json DEFAULT '{}'::json,
    "documentation_id" character varying,
    "documentation_type" integer,
    "facebook_id" character varying,
    "fax" character varying,
    "first_name" character varying,
    "flags" integer DEFAULT 0 NOT NULL,
    "last_name" character varying,
    "linkedin_id" character varying,
    "nationality" character varying,
    "other_email" character varying,
    "other_names" character varying,
    "other_phone_number" character varying,
    "primary_address_id" integer,
    "primary_email" character varying,
    "primary_phone_number" character varying,
    "secondary_address_id" integer,
    "skype_id" character varying,
    "title" integer DEFAULT 0,
    "twitter_id" character varying,
    "unread_messages_count" integer DEFAULT 0 NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "user_id" integer,
    "website_id" bigint,
    "website_url" character varying,
    CONSTRAINT pwb_contacts_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_content_photos (
    "id" integer DEFAULT nextval('pwb_content_photos_id_seq'::regclass) NOT NULL,
    "block_key" character varying,
    "content_id" integer,
    "created_at" timestamp without time zone NOT NULL,
    "description" character varying,
    "external_url" character varying,
    "file_size" integer,
    "folder" character varying,
    "image" character varying,
    "sort_order" integer,
    "updated_at" timestamp without time zone NOT NULL,
    CONSTRAINT pwb_content_photos_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_content_translations (
    "id" bigint DEFAULT nextval('pwb_content_translations_id_seq'::regclass) NOT NULL,
    "content_id" integer NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "locale" character varying NOT NULL,
    "raw" text,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_content_translations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_contents (
    "id" integer DEFAULT nextval('pwb_contents_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "input_type" character varying,
    "key" character varying,
    "last_updated_by_user_id" integer,
    "page_part_key" character varying,
    "section_key" character varying,
    "sort_order" integer,
    "status" character varying,
    "tag" character varying,
    "target_url" character varying,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "website_id" integer,
    CONSTRAINT pwb_contents_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_email_templates (
    "id" bigint DEFAULT nextval('pwb_email_templates_id_seq'::regclass) NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "body_html" text NOT NULL,
    "body_text" text,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "name" character varying NOT NULL,
    "subject" character varying NOT NULL,
    "template_key" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_email_templates_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_features (
    "id" integer DEFAULT nextval('pwb_features_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "feature_key" character varying,
    "prop_id" integer,
    "realty_asset_id" uuid,
    "updated_at" timestamp without time zone NOT NULL,
    CONSTRAINT pwb_features_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_field_keys (
    "id" integer DEFAULT nextval('pwb_field_keys_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "global_key" character varying,
    "props_count" integer DEFAULT 0 NOT NULL,
    "pwb_website_id" bigint,
    "show_in_search_form" boolean DEFAULT true,
    "sort_order" integer DEFAULT 0,
    "tag" character varying,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "visible" boolean DEFAULT true,
    CONSTRAINT pwb_field_keys_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_game_estimates (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "actual_price_cents" bigint NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "estimate_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "estimated_price_cents" bigint NOT NULL,
    "game_listing_id" uuid NOT NULL,
    "game_session_id" uuid NOT NULL,
    "percentage_diff" numeric(8,2),
    "property_index" integer,
    "score" integer DEFAULT 0 NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_game_estimates_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_game_listings (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "display_title" character varying,
    "extra_data" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "realty_asset_id" uuid NOT NULL,
    "realty_game_id" uuid NOT NULL,
    "sort_order" integer DEFAULT 0 NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT true NOT NULL,
    CONSTRAINT pwb_game_listings_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_game_sessions (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "guest_name" character varying,
    "performance_rating" character varying,
    "realty_game_id" uuid NOT NULL,
    "total_score" integer DEFAULT 0 NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_uuid" character varying,
    "visitor_token" character varying NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_game_sessions_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_link_translations (
    "id" bigint DEFAULT nextval('pwb_link_translations_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "link_id" integer NOT NULL,
    "link_title" character varying DEFAULT ''::character varying,
    "locale" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_link_translations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_links (
    "id" integer DEFAULT nextval('pwb_links_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "flags" integer DEFAULT 0 NOT NULL,
    "href_class" character varying,
    "href_target" character varying,
    "icon_class" character varying,
    "is_deletable" boolean DEFAULT false,
    "is_external" boolean DEFAULT false,
    "link_path" character varying,
    "link_path_params" character varying,
    "link_url" character varying,
    "page_slug" character varying,
    "parent_slug" character varying,
    "placement" integer DEFAULT 0,
    "slug" character varying,
    "sort_order" integer DEFAULT 0,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "visible" boolean DEFAULT true,
    "website_id" integer,
    CONSTRAINT pwb_links_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_listing_videos (
    "id" bigint DEFAULT nextval('pwb_listing_videos_id_seq'::regclass) NOT NULL,
    "branding" jsonb DEFAULT '{}'::jsonb,
    "cost_cents" integer DEFAULT 0,
    "created_at" timestamp(6) without time zone NOT NULL,
    "duration_seconds" integer,
    "error_message" text,
    "failed_at" timestamp(6) without time zone,
    "file_size_bytes" integer,
    "format" character varying DEFAULT 'vertical_9_16'::character varying,
    "generated_at" timestamp(6) without time zone,
    "realty_asset_id" uuid NOT NULL,
    "reference_number" character varying,
    "render_id" character varying,
    "resolution" character varying,
    "scenes" jsonb DEFAULT '[]'::jsonb,
    "script" text,
    "share_token" character varying,
    "shared_at" timestamp(6) without time zone,
    "status" character varying DEFAULT 'pending'::character varying,
    "style" character varying DEFAULT 'professional'::character varying,
    "thumbnail_url" character varying,
    "title" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_id" bigint,
    "video_url" character varying,
    "view_count" integer DEFAULT 0,
    "voice" character varying DEFAULT 'nova'::character varying,
    "voiceover_url" character varying,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_listing_videos_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_market_reports (
    "id" bigint DEFAULT nextval('pwb_market_reports_id_seq'::regclass) NOT NULL,
    "ai_generation_request_id" bigint,
    "ai_insights" jsonb DEFAULT '{}'::jsonb,
    "branding" jsonb DEFAULT '{}'::jsonb,
    "city" character varying,
    "comparable_properties" jsonb DEFAULT '[]'::jsonb,
    "created_at" timestamp(6) without time zone NOT NULL,
    "generated_at" timestamp(6) without time zone,
    "latitude" numeric(10,7),
    "longitude" numeric(10,7),
    "market_statistics" jsonb DEFAULT '{}'::jsonb,
    "postal_code" character varying,
    "radius_km" numeric(5,2),
    "reference_number" character varying,
    "region" character varying,
    "report_type" character varying NOT NULL,
    "share_token" character varying,
    "shared_at" timestamp(6) without time zone,
    "status" character varying DEFAULT 'draft'::character varying,
    "subject_details" jsonb DEFAULT '{}'::jsonb,
    "subject_property_id" uuid,
    "suggested_price_currency" character varying DEFAULT 'USD'::character varying,
    "suggested_price_high_cents" integer,
    "suggested_price_low_cents" integer,
    "title" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_id" bigint,
    "view_count" integer DEFAULT 0,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_market_reports_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_media (
    "id" bigint DEFAULT nextval('pwb_media_id_seq'::regclass) NOT NULL,
    "alt_text" character varying,
    "byte_size" bigint,
    "caption" character varying,
    "checksum" character varying,
    "content_type" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "filename" character varying NOT NULL,
    "folder_id" bigint,
    "height" integer,
    "last_used_at" timestamp(6) without time zone,
    "sort_order" integer DEFAULT 0,
    "source_type" character varying,
    "source_url" character varying,
    "tags" character varying[] DEFAULT ARRAY[]::character varying[],
    "title" character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "usage_count" integer DEFAULT 0,
    "website_id" bigint NOT NULL,
    "width" integer,
    CONSTRAINT pwb_media_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_media_folders (
    "id" bigint DEFAULT nextval('pwb_media_folders_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "name" character varying NOT NULL,
    "parent_id" bigint,
    "slug" character varying,
    "sort_order" integer DEFAULT 0,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_media_folders_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_messages (
    "id" integer DEFAULT nextval('pwb_messages_id_seq'::regclass) NOT NULL,
    "client_id" integer,
    "contact_id" integer,
    "content" text,
    "created_at" timestamp without time zone NOT NULL,
    "delivered_at" timestamp(6) without time zone,
    "delivery_email" character varying,
    "delivery_error" text,
    "delivery_success" boolean DEFAULT false,
    "host" character varying,
    "latitude" double precision,
    "locale" character varying,
    "longitude" double precision,
    "origin_email" character varying,
    "origin_ip" character varying,
    "read" boolean DEFAULT false NOT NULL,
    "realty_asset_id" uuid,
    "title" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "url" character varying,
    "user_agent" character varying,
    "website_id" bigint,
    CONSTRAINT pwb_messages_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_page_contents (
    "id" bigint DEFAULT nextval('pwb_page_contents_id_seq'::regclass) NOT NULL,
    "content_id" bigint,
    "created_at" timestamp without time zone NOT NULL,
    "is_rails_part" boolean DEFAULT false,
    "label" character varying,
    "page_id" bigint,
    "page_part_key" character varying,
    "parent_page_content_id" bigint,
    "slot_name" character varying,
    "sort_order" integer,
    "updated_at" timestamp without time zone NOT NULL,
    "visible_on_page" boolean DEFAULT true,
    "website_id" bigint,
    CONSTRAINT pwb_page_contents_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_page_parts (
    "id" bigint DEFAULT nextval('pwb_page_parts_id_seq'::regclass) NOT NULL,
    "block_contents" json DEFAULT '{}'::json,
    "created_at" timestamp without time zone NOT NULL,
    "editor_setup" json DEFAULT '{}'::json,
    "flags" integer DEFAULT 0 NOT NULL,
    "is_rails_part" boolean DEFAULT false,
    "locale" character varying,
    "order_in_editor" integer,
    "page_part_key" character varying,
    "page_slug" character varying,
    "show_in_editor" boolean DEFAULT true,
    "template" text,
    "theme_name" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "website_id" integer,
    CONSTRAINT pwb_page_parts_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_page_translations (
    "id" bigint DEFAULT nextval('pwb_page_translations_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "link_title" character varying DEFAULT ''::character varying,
    "locale" character varying NOT NULL,
    "page_id" integer NOT NULL,
    "page_title" character varying DEFAULT ''::character varying,
    "raw_html" text DEFAULT ''::text,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_page_translations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_pages (
    "id" integer DEFAULT nextval('pwb_pages_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "details" json DEFAULT '{}'::json,
    "flags" integer DEFAULT 0 NOT NULL,
    "last_updated_by_user_id" integer,
    "meta_description" text,
    "seo_title" character varying,
    "setup_id" character varying,
    "show_in_footer" boolean DEFAULT false,
    "show_in_top_nav" boolean DEFAULT false,
    "slug" character varying,
    "sort_order_footer" integer DEFAULT 0,
    "sort_order_top_nav" integer DEFAULT 0,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "visible" boolean DEFAULT false,
    "website_id" integer,
    CONSTRAINT pwb_pages_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_plans (
    "id" bigint DEFAULT nextval('pwb_plans_id_seq'::regclass) NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "billing_interval" character varying DEFAULT 'month'::character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "display_name" character varying NOT NULL,
    "features" jsonb DEFAULT '[]'::jsonb NOT NULL,
    "name" character varying NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    "price_cents" integer DEFAULT 0 NOT NULL,
    "price_currency" character varying DEFAULT 'USD'::character varying NOT NULL,
    "property_limit" integer,
    "public" boolean DEFAULT true NOT NULL,
    "slug" character varying NOT NULL,
    "trial_days" integer DEFAULT 14 NOT NULL,
    "trial_unit" character varying DEFAULT 'days'::character varying,
    "trial_value" integer DEFAULT 14,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_limit" integer,
    CONSTRAINT pwb_plans_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_price_guesses (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "actual_price_cents" bigint NOT NULL,
    "actual_price_currency" character varying DEFAULT 'EUR'::character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "guessed_price_cents" bigint NOT NULL,
    "guessed_price_currency" character varying DEFAULT 'EUR'::character varying,
    "listing_id" uuid NOT NULL,
    "listing_type" character varying NOT NULL,
    "percentage_diff" numeric(8,2),
    "score" integer DEFAULT 0,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visitor_token" character varying NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_price_guesses_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_prop_photos (
    "id" integer DEFAULT nextval('pwb_prop_photos_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "description" character varying,
    "external_url" character varying,
    "file_size" integer,
    "folder" character varying,
    "image" character varying,
    "prop_id" integer,
    "realty_asset_id" uuid,
    "sort_order" integer,
    "updated_at" timestamp without time zone NOT NULL,
    CONSTRAINT pwb_prop_photos_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_prop_translations (
    "id" bigint DEFAULT nextval('pwb_prop_translations_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text DEFAULT ''::text,
    "locale" character varying NOT NULL,
    "prop_id" integer NOT NULL,
    "realty_asset_id" uuid,
    "title" character varying DEFAULT ''::character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_prop_translations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_props (
    "id" integer DEFAULT nextval('pwb_props_id_seq'::regclass) NOT NULL,
    "active_from" timestamp without time zone,
    "archived" boolean DEFAULT false,
    "area_unit" integer DEFAULT 0,
    "available_to_rent_from" timestamp without time zone,
    "available_to_rent_till" timestamp without time zone,
    "city" character varying,
    "commission_cents" integer DEFAULT 0 NOT NULL,
    "commission_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "constructed_area" double precision DEFAULT 0.0 NOT NULL,
    "count_bathrooms" double precision DEFAULT 0.0 NOT NULL,
    "count_bedrooms" integer DEFAULT 0 NOT NULL,
    "count_garages" integer DEFAULT 0 NOT NULL,
    "count_toilets" integer DEFAULT 0 NOT NULL,
    "country" character varying,
    "created_at" timestamp without time zone NOT NULL,
    "currency" character varying,
    "deleted_at" timestamp without time zone,
    "energy_performance" double precision,
    "energy_rating" integer,
    "flags" integer DEFAULT 0 NOT NULL,
    "for_rent_long_term" boolean DEFAULT false,
    "for_rent_short_term" boolean DEFAULT false,
    "for_sale" boolean DEFAULT false,
    "furnished" boolean DEFAULT false,
    "hide_map" boolean DEFAULT false,
    "highlighted" boolean DEFAULT false,
    "latitude" double precision,
    "longitude" double precision,
    "meta_description" text,
    "obscure_map" boolean DEFAULT false,
    "plot_area" double precision DEFAULT 0.0 NOT NULL,
    "portals_enabled" boolean DEFAULT false,
    "postal_code" character varying,
    "price_rental_monthly_current_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_current_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_rental_monthly_for_search_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_for_search_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_rental_monthly_high_season_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_high_season_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_rental_monthly_low_season_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_low_season_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_rental_monthly_original_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_original_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_rental_monthly_standard_season_cents" integer DEFAULT 0 NOT NULL,
    "price_rental_monthly_standard_season_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_sale_current_cents" bigint DEFAULT 0 NOT NULL,
    "price_sale_current_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "price_sale_original_cents" bigint DEFAULT 0 NOT NULL,
    "price_sale_original_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "prop_origin_key" character varying DEFAULT ''::character varying NOT NULL,
    "prop_state_key" character varying DEFAULT ''::character varying NOT NULL,
    "prop_type_key" character varying DEFAULT ''::character varying NOT NULL,
    "province" character varying,
    "reference" character varying,
    "region" character varying,
    "reserved" boolean DEFAULT false,
    "seo_title" character varying,
    "service_charge_yearly_cents" integer DEFAULT 0 NOT NULL,
    "service_charge_yearly_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "sold" boolean DEFAULT false,
    "street_address" character varying,
    "street_name" character varying,
    "street_number" character varying,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp without time zone NOT NULL,
    "visible" boolean DEFAULT false,
    "website_id" integer,
    "year_construction" integer DEFAULT 0 NOT NULL,
    CONSTRAINT pwb_props_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_realty_assets (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "city" character varying,
    "constructed_area" double precision DEFAULT 0.0,
    "count_bathrooms" double precision DEFAULT 0.0,
    "count_bedrooms" integer DEFAULT 0,
    "count_garages" integer DEFAULT 0,
    "count_toilets" integer DEFAULT 0,
    "country" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "energy_performance" double precision,
    "energy_rating" integer,
    "latitude" double precision,
    "longitude" double precision,
    "plot_area" double precision DEFAULT 0.0,
    "postal_code" character varying,
    "prop_origin_key" character varying,
    "prop_photos_count" integer DEFAULT 0 NOT NULL,
    "prop_state_key" character varying,
    "prop_type_key" character varying,
    "reference" character varying,
    "region" character varying,
    "slug" character varying,
    "street_address" character varying,
    "street_name" character varying,
    "street_number" character varying,
    "title" character varying,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" integer,
    "year_construction" integer DEFAULT 0,
    CONSTRAINT pwb_realty_assets_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_realty_games (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "bg_image_url" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "default_country" character varying,
    "default_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "description" text,
    "end_at" timestamp(6) without time zone,
    "estimates_count" integer DEFAULT 0 NOT NULL,
    "hidden_from_landing_page" boolean DEFAULT false NOT NULL,
    "sessions_count" integer DEFAULT 0 NOT NULL,
    "slug" character varying NOT NULL,
    "start_at" timestamp(6) without time zone,
    "title" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "validation_rules" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_realty_games_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_rental_listings (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT false NOT NULL,
    "archived" boolean DEFAULT false,
    "created_at" timestamp(6) without time zone NOT NULL,
    "for_rent_long_term" boolean DEFAULT false,
    "for_rent_short_term" boolean DEFAULT false,
    "furnished" boolean DEFAULT false,
    "game_enabled" boolean DEFAULT false,
    "game_shares_count" integer DEFAULT 0,
    "game_token" character varying,
    "game_views_count" integer DEFAULT 0,
    "highlighted" boolean DEFAULT false,
    "noindex" boolean DEFAULT false NOT NULL,
    "price_rental_monthly_current_cents" bigint DEFAULT 0,
    "price_rental_monthly_current_currency" character varying DEFAULT 'EUR'::character varying,
    "price_rental_monthly_high_season_cents" bigint DEFAULT 0,
    "price_rental_monthly_low_season_cents" bigint DEFAULT 0,
    "realty_asset_id" uuid,
    "reference" character varying,
    "reserved" boolean DEFAULT false,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT false,
    CONSTRAINT pwb_rental_listings_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_sale_listings (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT false NOT NULL,
    "archived" boolean DEFAULT false,
    "commission_cents" bigint DEFAULT 0,
    "commission_currency" character varying DEFAULT 'EUR'::character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "furnished" boolean DEFAULT false,
    "game_enabled" boolean DEFAULT false,
    "game_shares_count" integer DEFAULT 0,
    "game_token" character varying,
    "game_views_count" integer DEFAULT 0,
    "highlighted" boolean DEFAULT false,
    "noindex" boolean DEFAULT false NOT NULL,
    "price_sale_current_cents" bigint DEFAULT 0,
    "price_sale_current_currency" character varying DEFAULT 'EUR'::character varying,
    "realty_asset_id" uuid,
    "reference" character varying,
    "reserved" boolean DEFAULT false,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT false,
    CONSTRAINT pwb_sale_listings_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_saved_properties (
    "id" bigint DEFAULT nextval('pwb_saved_properties_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "current_price_cents" integer,
    "email" character varying NOT NULL,
    "external_reference" character varying NOT NULL,
    "manage_token" character varying NOT NULL,
    "notes" text,
    "original_price_cents" integer,
    "price_changed_at" timestamp(6) without time zone,
    "property_data" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "provider" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_saved_properties_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_saved_searches (
    "id" bigint DEFAULT nextval('pwb_saved_searches_id_seq'::regclass) NOT NULL,
    "alert_frequency" integer DEFAULT 0 NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "email" character varying NOT NULL,
    "email_verified" boolean DEFAULT false NOT NULL,
    "enabled" boolean DEFAULT true NOT NULL,
    "last_result_count" integer DEFAULT 0,
    "last_run_at" timestamp(6) without time zone,
    "manage_token" character varying NOT NULL,
    "name" character varying,
    "search_criteria" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "seen_property_refs" jsonb DEFAULT '[]'::jsonb NOT NULL,
    "unsubscribe_token" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "verification_token" character varying,
    "verified_at" timestamp(6) without time zone,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_saved_searches_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_scraped_properties (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "connector_used" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "extracted_data" jsonb DEFAULT '{}'::jsonb,
    "extracted_images" jsonb DEFAULT '[]'::jsonb,
    "extraction_source" character varying,
    "import_status" character varying DEFAULT 'pending'::character varying,
    "imported_at" timestamp(6) without time zone,
    "raw_html" text,
    "realty_asset_id" uuid,
    "scrape_error_message" character varying,
    "scrape_method" character varying,
    "scrape_successful" boolean DEFAULT false,
    "script_json" text,
    "source_host" character varying,
    "source_portal" character varying,
    "source_url" character varying NOT NULL,
    "source_url_normalized" character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_scraped_properties_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_search_alerts (
    "id" bigint DEFAULT nextval('pwb_search_alerts_id_seq'::regclass) NOT NULL,
    "clicked_at" timestamp(6) without time zone,
    "created_at" timestamp(6) without time zone NOT NULL,
    "delivered_at" timestamp(6) without time zone,
    "email_status" character varying,
    "error_message" text,
    "new_properties" jsonb DEFAULT '[]'::jsonb NOT NULL,
    "opened_at" timestamp(6) without time zone,
    "properties_count" integer DEFAULT 0 NOT NULL,
    "saved_search_id" bigint NOT NULL,
    "sent_at" timestamp(6) without time zone,
    "total_results_count" integer DEFAULT 0,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_search_alerts_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_search_filter_options (
    "id" bigint DEFAULT nextval('pwb_search_filter_options_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "external_code" character varying,
    "filter_type" character varying NOT NULL,
    "global_key" character varying NOT NULL,
    "icon" character varying,
    "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "parent_id" bigint,
    "show_in_search" boolean DEFAULT true NOT NULL,
    "sort_order" integer DEFAULT 0 NOT NULL,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT true NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_search_filter_options_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_shard_audit_logs (
    "id" bigint DEFAULT nextval('pwb_shard_audit_logs_id_seq'::regclass) NOT NULL,
    "changed_by_email" character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "new_shard_name" character varying NOT NULL,
    "notes" character varying,
    "old_shard_name" character varying,
    "status" character varying DEFAULT 'completed'::character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_shard_audit_logs_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_social_media_posts (
    "id" bigint DEFAULT nextval('pwb_social_media_posts_id_seq'::regclass) NOT NULL,
    "ai_generation_request_id" bigint,
    "call_to_action" character varying,
    "caption" text NOT NULL,
    "comments_count" integer DEFAULT 0,
    "created_at" timestamp(6) without time zone NOT NULL,
    "hashtags" text,
    "likes_count" integer DEFAULT 0,
    "link_url" character varying,
    "platform" character varying NOT NULL,
    "post_type" character varying NOT NULL,
    "postable_id" uuid,
    "postable_type" character varying,
    "reach_count" integer DEFAULT 0,
    "scheduled_at" timestamp(6) without time zone,
    "selected_photos" jsonb DEFAULT '[]'::jsonb,
    "shares_count" integer DEFAULT 0,
    "status" character varying DEFAULT 'draft'::character varying,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_social_media_posts_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_social_media_templates (
    "id" bigint DEFAULT nextval('pwb_social_media_templates_id_seq'::regclass) NOT NULL,
    "active" boolean DEFAULT true,
    "caption_template" text NOT NULL,
    "category" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "hashtag_template" text,
    "image_preferences" jsonb DEFAULT '{}'::jsonb,
    "is_default" boolean DEFAULT false,
    "name" character varying NOT NULL,
    "platform" character varying NOT NULL,
    "post_type" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_social_media_templates_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_spp_listings (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT false NOT NULL,
    "archived" boolean DEFAULT false,
    "created_at" timestamp(6) without time zone NOT NULL,
    "extra_data" jsonb DEFAULT '{}'::jsonb,
    "highlighted_features" jsonb DEFAULT '[]'::jsonb,
    "listing_type" character varying DEFAULT 'sale'::character varying NOT NULL,
    "live_url" character varying,
    "noindex" boolean DEFAULT false NOT NULL,
    "photo_ids_ordered" jsonb DEFAULT '[]'::jsonb,
    "price_cents" bigint DEFAULT 0 NOT NULL,
    "price_currency" character varying DEFAULT 'EUR'::character varying NOT NULL,
    "published_at" timestamp(6) without time zone,
    "realty_asset_id" uuid NOT NULL,
    "spp_settings" jsonb DEFAULT '{}'::jsonb,
    "spp_slug" character varying,
    "template" character varying,
    "translations" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT false,
    CONSTRAINT pwb_spp_listings_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_subdomains (
    "id" bigint DEFAULT nextval('pwb_subdomains_id_seq'::regclass) NOT NULL,
    "aasm_state" character varying DEFAULT 'available'::character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "name" character varying NOT NULL,
    "reserved_at" timestamp(6) without time zone,
    "reserved_by_email" character varying,
    "reserved_until" timestamp(6) without time zone,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint,
    CONSTRAINT pwb_subdomains_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_subscription_events (
    "id" bigint DEFAULT nextval('pwb_subscription_events_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "event_type" character varying NOT NULL,
    "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "subscription_id" bigint NOT NULL,
    CONSTRAINT pwb_subscription_events_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_subscriptions (
    "id" bigint DEFAULT nextval('pwb_subscriptions_id_seq'::regclass) NOT NULL,
    "cancel_at_period_end" boolean DEFAULT false NOT NULL,
    "canceled_at" timestamp(6) without time zone,
    "created_at" timestamp(6) without time zone NOT NULL,
    "current_period_ends_at" timestamp(6) without time zone,
    "current_period_starts_at" timestamp(6) without time zone,
    "external_customer_id" character varying,
    "external_id" character varying,
    "external_provider" character varying,
    "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "plan_id" bigint NOT NULL,
    "status" character varying DEFAULT 'trialing'::character varying NOT NULL,
    "trial_ends_at" timestamp(6) without time zone,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_subscriptions_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_support_tickets (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "assigned_at" timestamp(6) without time zone,
    "assigned_to_id" bigint,
    "category" character varying,
    "closed_at" timestamp(6) without time zone,
    "created_at" timestamp(6) without time zone NOT NULL,
    "creator_id" bigint NOT NULL,
    "description" text,
    "first_response_at" timestamp(6) without time zone,
    "last_message_at" timestamp(6) without time zone,
    "last_message_from_platform" boolean DEFAULT false,
    "message_count" integer DEFAULT 0,
    "priority" integer DEFAULT 1 NOT NULL,
    "resolved_at" timestamp(6) without time zone,
    "sla_resolution_breached" boolean DEFAULT false,
    "sla_resolution_due_at" timestamp(6) without time zone,
    "sla_response_breached" boolean DEFAULT false,
    "sla_response_due_at" timestamp(6) without time zone,
    "sla_warning_sent_at" timestamp(6) without time zone,
    "status" integer DEFAULT 0 NOT NULL,
    "subject" character varying NOT NULL,
    "ticket_number" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_support_tickets_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_tenant_settings (
    "id" bigint DEFAULT nextval('pwb_tenant_settings_id_seq'::regclass) NOT NULL,
    "configuration" jsonb DEFAULT '{}'::jsonb,
    "created_at" timestamp(6) without time zone NOT NULL,
    "default_available_themes" text[] DEFAULT ARRAY[]::text[],
    "singleton_key" character varying DEFAULT 'default'::character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT pwb_tenant_settings_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_testimonials (
    "id" bigint DEFAULT nextval('pwb_testimonials_id_seq'::regclass) NOT NULL,
    "author_name" character varying NOT NULL,
    "author_photo_id" bigint,
    "author_role" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "featured" boolean DEFAULT false NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    "quote" text NOT NULL,
    "rating" integer,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible" boolean DEFAULT true NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_testimonials_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_ticket_messages (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "content" text NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "from_platform_admin" boolean DEFAULT false,
    "internal_note" boolean DEFAULT false,
    "status_changed_from" character varying,
    "status_changed_to" character varying,
    "support_ticket_id" uuid NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_id" bigint NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_ticket_messages_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_user_memberships (
    "id" bigint DEFAULT nextval('pwb_user_memberships_id_seq'::regclass) NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "role" character varying DEFAULT 'member'::character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "user_id" bigint NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_user_memberships_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_users (
    "id" integer DEFAULT nextval('pwb_users_id_seq'::regclass) NOT NULL,
    "admin" boolean DEFAULT false,
    "authentication_token" character varying,
    "confirmation_sent_at" timestamp without time zone,
    "confirmation_token" character varying,
    "confirmed_at" timestamp without time zone,
    "created_at" timestamp without time zone NOT NULL,
    "current_sign_in_at" timestamp without time zone,
    "current_sign_in_ip" character varying,
    "default_admin_locale" character varying,
    "default_client_locale" character varying,
    "default_currency" character varying,
    "email" character varying DEFAULT ''::character varying NOT NULL,
    "encrypted_password" character varying DEFAULT ''::character varying NOT NULL,
    "failed_attempts" integer DEFAULT 0 NOT NULL,
    "firebase_uid" character varying,
    "first_names" character varying,
    "last_names" character varying,
    "last_sign_in_at" timestamp without time zone,
    "last_sign_in_ip" character varying,
    "locked_at" timestamp without time zone,
    "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "onboarding_completed_at" timestamp(6) without time zone,
    "onboarding_started_at" timestamp(6) without time zone,
    "onboarding_state" character varying DEFAULT 'active'::character varying NOT NULL,
    "onboarding_step" integer DEFAULT 0,
    "phone_number_primary" character varying,
    "remember_created_at" timestamp without time zone,
    "reset_password_sent_at" timestamp without time zone,
    "reset_password_token" character varying,
    "sign_in_count" integer DEFAULT 0 NOT NULL,
    "signup_token" character varying,
    "signup_token_expires_at" timestamp(6) without time zone,
    "site_admin_onboarding_completed_at" timestamp(6) without time zone,
    "skype" character varying,
    "unconfirmed_email" character varying,
    "unlock_token" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "website_id" integer,
    CONSTRAINT pwb_users_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_website_integrations (
    "id" bigint DEFAULT nextval('pwb_website_integrations_id_seq'::regclass) NOT NULL,
    "category" character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "credentials" text,
    "enabled" boolean DEFAULT true,
    "last_error_at" timestamp(6) without time zone,
    "last_error_message" text,
    "last_used_at" timestamp(6) without time zone,
    "provider" character varying NOT NULL,
    "settings" jsonb DEFAULT '{}'::jsonb,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "website_id" bigint NOT NULL,
    CONSTRAINT pwb_website_integrations_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_website_photos (
    "id" bigint DEFAULT nextval('pwb_website_photos_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "description" character varying,
    "external_url" character varying,
    "file_size" integer,
    "folder" character varying DEFAULT 'weebrix'::character varying,
    "image" character varying,
    "photo_key" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "website_id" bigint,
    CONSTRAINT pwb_website_photos_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_websites (
    "id" integer DEFAULT nextval('pwb_websites_id_seq'::regclass) NOT NULL,
    "admin_config" json DEFAULT '{}'::json,
    "analytics_id" character varying,
    "analytics_id_type" integer,
    "available_currencies" text[] DEFAULT ARRAY[]::text[],
    "available_themes" text[],
    "client_theme_config" jsonb DEFAULT '{}'::jsonb,
    "client_theme_name" character varying,
    "company_display_name" character varying,
    "compiled_palette_css" text,
    "configuration" json DEFAULT '{}'::json,
    "contact_address_id" integer,
    "created_at" timestamp without time zone NOT NULL,
    "custom_domain" character varying,
    "custom_domain_verification_token" character varying,
    "custom_domain_verified" boolean DEFAULT false,
    "custom_domain_verified_at" timestamp(6) without time zone,
    "dark_mode_setting" character varying DEFAULT 'light_only'::character varying NOT NULL,
    "default_admin_locale" character varying DEFAULT 'en-UK'::character varying,
    "default_area_unit" integer DEFAULT 0,
    "default_client_locale" character varying DEFAULT 'en-UK'::character varying,
    "default_currency" character varying DEFAULT 'EUR'::character varying,
    "default_meta_description" text,
    "default_seo_title" character varying,
    "demo_last_reset_at" timestamp(6) without time zone,
    "demo_mode" boolean DEFAULT false NOT NULL,
    "demo_reset_interval" interval DEFAULT '24:00:00'::interval,
    "demo_seed_pack" character varying,
    "email_for_general_contact_form" character varying,
    "email_for_property_contact_form" character varying,
    "email_verification_token" character varying,
    "email_verification_token_expires_at" timestamp(6) without time zone,
    "email_verified_at" timestamp(6) without time zone,
    "exchange_rates" json DEFAULT '{}'::json,
    "external_feed_config" json DEFAULT '{}'::json,
    "external_feed_enabled" boolean DEFAULT false NOT NULL,
    "external_feed_provider" character varying,
    "external_image_mode" boolean DEFAULT false NOT NULL,
    "favicon_url" character varying,
    "flags" integer DEFAULT 0 NOT NULL,
    "google_font_name" character varying,
    "imports_config" json DEFAULT '{}'::json,
    "main_logo_url" character varying,
    "maps_api_key" character varying,
    "ntfy_access_token" character varying,
    "ntfy_enabled" boolean DEFAULT false NOT NULL,
    "ntfy_notify_inquiries" boolean DEFAULT true NOT NULL,
    "ntfy_notify_listings" boolean DEFAULT true NOT NULL,
    "ntfy_notify_security" boolean DEFAULT true NOT NULL,
    "ntfy_notify_users" boolean DEFAULT false NOT NULL,
    "ntfy_server_url" character varying DEFAULT 'https://ntfy.sh'::character varying,
    "ntfy_topic_prefix" character varying,
    "owner_email" character varying,
    "palette_compiled_at" timestamp(6) without time zone,
    "palette_mode" character varying DEFAULT 'dynamic'::character varying NOT NULL,
    "provisioning_completed_at" timestamp(6) without time zone,
    "provisioning_error" text,
    "provisioning_failed_at" timestamp(6) without time zone,
    "provisioning_started_at" timestamp(6) without time zone,
    "provisioning_state" character varying DEFAULT 'live'::character varying NOT NULL,
    "raw_css" text,
    "realty_assets_count" integer DEFAULT 0 NOT NULL,
    "recaptcha_key" character varying,
    "rendering_mode" character varying DEFAULT 'rails'::character varying NOT NULL,
    "rent_price_options_from" text[] DEFAULT ARRAY[''::text, '250'::text, '500'::text, '750'::text, '1,000'::text, '1,500'::text, '2,500'::text, '5,000'::text],
    "rent_price_options_till" text[] DEFAULT ARRAY[''::text, '250'::text, '500'::text, '750'::text, '1,000'::text, '1,500'::text, '2,500'::text, '5,000'::text],
    "sale_price_options_from" text[] DEFAULT ARRAY[''::text, '25,000'::text, '50,000'::text, '75,000'::text, '100,000'::text, '150,000'::text, '250,000'::text, '500,000'::text, '1,000,000'::text, '2,000,000'::text, '5,000,000'::text, '10,000,000'::text],
    "sale_price_options_till" text[] DEFAULT ARRAY[''::text, '25,000'::text, '50,000'::text, '75,000'::text, '100,000'::text, '150,000'::text, '250,000'::text, '500,000'::text, '1,000,000'::text, '2,000,000'::text, '5,000,000'::text, '10,000,000'::text],
    "search_config" jsonb DEFAULT '{}'::jsonb NOT NULL,
    "search_config_buy" json DEFAULT '{}'::json,
    "search_config_landing" json DEFAULT '{}'::json,
    "search_config_rent" json DEFAULT '{}'::json,
    "seed_pack_name" character varying,
    "selected_palette" character varying,
    "shard_name" character varying DEFAULT 'default'::character varying,
    "site_type" character varying,
    "slug" character varying,
    "social_media" json DEFAULT '{}'::json,
    "style_variables_for_theme" json DEFAULT '{}'::json,
    "styles_config" json DEFAULT '{}'::json,
    "subdomain" character varying,
    "supported_currencies" text[] DEFAULT ARRAY[]::text[],
    "supported_locales" text[] DEFAULT ARRAY['en-UK'::text],
    "theme_name" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "whitelabel_config" json DEFAULT '{}'::json,
    CONSTRAINT pwb_websites_rendering_mode_check CHECK (((rendering_mode)::text = ANY (ARRAY[('rails'::character varying)::text, ('client'::character varying)::text]))),
    CONSTRAINT pwb_websites_pkey PRIMARY KEY (id)
);

CREATE TABLE pwb_widget_configs (
    "id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "active" boolean DEFAULT true NOT NULL,
    "allowed_domains" character varying[] DEFAULT ARRAY[]::character varying[],
    "clicks_count" integer DEFAULT 0,
    "columns" integer DEFAULT 3,
    "created_at" timestamp(6) without time zone NOT NULL,
    "highlighted_only" boolean DEFAULT false,
    "impressions_count" integer DEFAULT 0,
    "layout" character varying DEFAULT 'grid'::character varying,
    "listing_type" character varying,
    "max_bedrooms" integer,
    "max_price_cents" integer,
    "max_properties" integer DEFAULT 12,
    "min_bedrooms" integer,
    "min_price_cents" integer,
    "name" character varying NOT NULL,
    "property_types" character varying[] DEFAULT ARRAY[]::character varying[],
    "show_filters" boolean DEFAULT false,
    "show_pagination" boolean DEFAULT true,
    "show_search" boolean DEFAULT false,
    "theme" jsonb DEFAULT '{}'::jsonb,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "visible_fields" jsonb DEFAULT '{}'::jsonb,
    "website_id" bigint NOT NULL,
    "widget_key" character varying NOT NULL,
    CONSTRAINT pwb_widget_configs_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_blocked_executions (
    "id" bigint DEFAULT nextval('solid_queue_blocked_executions_id_seq'::regclass) NOT NULL,
    "concurrency_key" character varying NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "expires_at" timestamp(6) without time zone NOT NULL,
    "job_id" bigint NOT NULL,
    "priority" integer DEFAULT 0 NOT NULL,
    "queue_name" character varying NOT NULL,
    CONSTRAINT solid_queue_blocked_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_claimed_executions (
    "id" bigint DEFAULT nextval('solid_queue_claimed_executions_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "job_id" bigint NOT NULL,
    "process_id" bigint,
    CONSTRAINT solid_queue_claimed_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_failed_executions (
    "id" bigint DEFAULT nextval('solid_queue_failed_executions_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "error" text,
    "job_id" bigint NOT NULL,
    CONSTRAINT solid_queue_failed_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_jobs (
    "id" bigint DEFAULT nextval('solid_queue_jobs_id_seq'::regclass) NOT NULL,
    "active_job_id" character varying,
    "arguments" text,
    "class_name" character varying NOT NULL,
    "concurrency_key" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "finished_at" timestamp(6) without time zone,
    "priority" integer DEFAULT 0 NOT NULL,
    "queue_name" character varying NOT NULL,
    "scheduled_at" timestamp(6) without time zone,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT solid_queue_jobs_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_pauses (
    "id" bigint DEFAULT nextval('solid_queue_pauses_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "queue_name" character varying NOT NULL,
    CONSTRAINT solid_queue_pauses_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_processes (
    "id" bigint DEFAULT nextval('solid_queue_processes_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "hostname" character varying,
    "kind" character varying NOT NULL,
    "last_heartbeat_at" timestamp(6) without time zone NOT NULL,
    "metadata" text,
    "name" character varying NOT NULL,
    "pid" integer NOT NULL,
    "supervisor_id" bigint,
    CONSTRAINT solid_queue_processes_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_ready_executions (
    "id" bigint DEFAULT nextval('solid_queue_ready_executions_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "job_id" bigint NOT NULL,
    "priority" integer DEFAULT 0 NOT NULL,
    "queue_name" character varying NOT NULL,
    CONSTRAINT solid_queue_ready_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_recurring_executions (
    "id" bigint DEFAULT nextval('solid_queue_recurring_executions_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "job_id" bigint NOT NULL,
    "run_at" timestamp(6) without time zone NOT NULL,
    "task_key" character varying NOT NULL,
    CONSTRAINT solid_queue_recurring_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_recurring_tasks (
    "id" bigint DEFAULT nextval('solid_queue_recurring_tasks_id_seq'::regclass) NOT NULL,
    "arguments" text,
    "class_name" character varying,
    "command" character varying,
    "created_at" timestamp(6) without time zone NOT NULL,
    "description" text,
    "key" character varying NOT NULL,
    "priority" integer DEFAULT 0,
    "queue_name" character varying,
    "schedule" character varying NOT NULL,
    "static" boolean DEFAULT true NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT solid_queue_recurring_tasks_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_scheduled_executions (
    "id" bigint DEFAULT nextval('solid_queue_scheduled_executions_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "job_id" bigint NOT NULL,
    "priority" integer DEFAULT 0 NOT NULL,
    "queue_name" character varying NOT NULL,
    "scheduled_at" timestamp(6) without time zone NOT NULL,
    CONSTRAINT solid_queue_scheduled_executions_pkey PRIMARY KEY (id)
);

CREATE TABLE solid_queue_semaphores (
    "id" bigint DEFAULT nextval('solid_queue_semaphores_id_seq'::regclass) NOT NULL,
    "created_at" timestamp(6) without time zone NOT NULL,
    "expires_at" timestamp(6) without time zone NOT NULL,
    "key" character varying NOT NULL,
    "updated_at" timestamp(6) without time zone NOT NULL,
    "value" integer DEFAULT 1 NOT NULL,
    CONSTRAINT solid_queue_semaphores_pkey PRIMARY KEY (id)
);

CREATE TABLE translations (
    "id" integer DEFAULT nextval('translations_id_seq'::regclass) NOT NULL,
    "created_at" timestamp without time zone NOT NULL,
    "interpolations" text,
    "is_proc" boolean DEFAULT false,
    "key" character varying,
    "locale" character varying,
    "tag" character varying,
    "updated_at" timestamp without time zone NOT NULL,
    "value" text,
    CONSTRAINT translations_pkey PRIMARY KEY (id)
);

ALTER SEQUENCE active_storage_attachments_id_seq OWNED BY active_storage_attachments."id";
ALTER SEQUENCE active_storage_blobs_id_seq OWNED BY active_storage_blobs."id";
ALTER SEQUENCE active_storage_variant_records_id_seq OWNED BY active_storage_variant_records."id";
ALTER SEQUENCE ahoy_events_id_seq OWNED BY ahoy_events."id";
ALTER SEQUENCE ahoy_visits_id_seq OWNED BY ahoy_visits."id";
ALTER SEQUENCE pwb_addresses_id_seq OWNED BY pwb_addresses."id";
ALTER SEQUENCE pwb_agencies_id_seq OWNED BY pwb_agencies."id";
ALTER SEQUENCE pwb_ai_generation_requests_id_seq OWNED BY pwb_ai_generation_requests."id";
ALTER SEQUENCE pwb_ai_writing_rules_id_seq OWNED BY pwb_ai_writing_rules."id";
ALTER SEQUENCE pwb_auth_audit_logs_id_seq OWNED BY pwb_auth_audit_logs."id";
ALTER SEQUENCE pwb_authorizations_id_seq OWNED BY pwb_authorizations."id";
ALTER SEQUENCE pwb_client_themes_id_seq OWNED BY pwb_client_themes."id";
ALTER SEQUENCE pwb_clients_id_seq OWNED BY pwb_clients."id";
ALTER SEQUENCE pwb_contacts_id_seq OWNED BY pwb_contacts."id";
ALTER SEQUENCE pwb_content_photos_id_seq OWNED BY pwb_content_photos."id";
ALTER SEQUENCE pwb_content_translations_id_seq OWNED BY pwb_content_translations."id";
ALTER SEQUENCE pwb_contents_id_seq OWNED BY pwb_contents."id";
ALTER SEQUENCE pwb_email_templates_id_seq OWNED BY pwb_email_templates."id";
ALTER SEQUENCE pwb_features_id_seq OWNED BY pwb_features."id";
ALTER SEQUENCE pwb_field_keys_id_seq OWNED BY pwb_field_keys."id";
ALTER SEQUENCE pwb_link_translations_id_seq OWNED BY pwb_link_translations."id";
ALTER SEQUENCE pwb_links_id_seq OWNED BY pwb_links."id";
ALTER SEQUENCE pwb_listing_videos_id_seq OWNED BY pwb_listing_videos."id";
ALTER SEQUENCE pwb_market_reports_id_seq OWNED BY pwb_market_reports."id";
ALTER SEQUENCE pwb_media_id_seq OWNED BY pwb_media."id";
ALTER SEQUENCE pwb_media_folders_id_seq OWNED BY pwb_media_folders."id";
ALTER SEQUENCE pwb_messages_id_seq OWNED BY pwb_messages."id";
ALTER SEQUENCE pwb_page_contents_id_seq OWNED BY pwb_page_contents."id";
ALTER SEQUENCE pwb_page_parts_id_seq OWNED BY pwb_page_parts."id";
ALTER SEQUENCE pwb_page_translations_id_seq OWNED BY pwb_page_translations."id";
ALTER SEQUENCE pwb_pages_id_seq OWNED BY pwb_pages."id";
ALTER SEQUENCE pwb_plans_id_seq OWNED BY pwb_plans."id";
ALTER SEQUENCE pwb_prop_photos_id_seq OWNED BY pwb_prop_photos."id";
ALTER SEQUENCE pwb_prop_translations_id_seq OWNED BY pwb_prop_translations."id";
ALTER SEQUENCE pwb_props_id_seq OWNED BY pwb_props."id";
ALTER SEQUENCE pwb_saved_properties_id_seq OWNED BY pwb_saved_properties."id";
ALTER SEQUENCE pwb_saved_searches_id_seq OWNED BY pwb_saved_searches."id";
ALTER SEQUENCE pwb_search_alerts_id_seq OWNED BY pwb_search_alerts."id";
ALTER SEQUENCE pwb_search_filter_options_id_seq OWNED BY pwb_search_filter_options."id";
ALTER SEQUENCE pwb_shard_audit_logs_id_seq OWNED BY pwb_shard_audit_logs."id";
ALTER SEQUENCE pwb_social_media_posts_id_seq OWNED BY pwb_social_media_posts."id";
ALTER SEQUENCE pwb_social_media_templates_id_seq OWNED BY pwb_social_media_templates."id";
ALTER SEQUENCE pwb_subdomains_id_seq OWNED BY pwb_subdomains."id";
ALTER SEQUENCE pwb_subscription_events_id_seq OWNED BY pwb_subscription_events."id";
ALTER SEQUENCE pwb_subscriptions_id_seq OWNED BY pwb_subscriptions."id";
ALTER SEQUENCE pwb_tenant_settings_id_seq OWNED BY pwb_tenant_settings."id";
ALTER SEQUENCE pwb_testimonials_id_seq OWNED BY pwb_testimonials."id";
ALTER SEQUENCE pwb_user_memberships_id_seq OWNED BY pwb_user_memberships."id";
ALTER SEQUENCE pwb_users_id_seq OWNED BY pwb_users."id";
ALTER SEQUENCE pwb_website_integrations_id_seq OWNED BY pwb_website_integrations."id";
ALTER SEQUENCE pwb_website_photos_id_seq OWNED BY pwb_website_photos."id";
ALTER SEQUENCE pwb_websites_id_seq OWNED BY pwb_websites."id";
ALTER SEQUENCE solid_queue_blocked_executions_id_seq OWNED BY solid_queue_blocked_executions."id";
ALTER SEQUENCE solid_queue_claimed_executions_id_seq OWNED BY solid_queue_claimed_executions."id";
ALTER SEQUENCE solid_queue_failed_executions_id_seq OWNED BY solid_queue_failed_executions."id";
ALTER SEQUENCE solid_queue_jobs_id_seq OWNED BY solid_queue_jobs."id";
ALTER SEQUENCE solid_queue_pauses_id_seq OWNED BY solid_queue_pauses."id";
ALTER SEQUENCE solid_queue_processes_id_seq OWNED BY solid_queue_processes."id";
ALTER SEQUENCE solid_queue_ready_executions_id_seq OWNED BY solid_queue_ready_executions."id";
ALTER SEQUENCE solid_queue_recurring_executions_id_seq OWNED BY solid_queue_recurring_executions."id";
ALTER SEQUENCE solid_queue_recurring_tasks_id_seq OWNED BY solid_queue_recurring_tasks."id";
ALTER SEQUENCE solid_queue_scheduled_executions_id_seq OWNED BY solid_queue_scheduled_executions."id";
ALTER SEQUENCE solid_queue_semaphores_id_seq OWNED BY solid_queue_semaphores."id";
ALTER SEQUENCE translations_id_seq OWNED BY translations."id";

ALTER TABLE active_storage_attachments ADD CONSTRAINT active_storage_attachments_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES active_storage_blobs(id);
ALTER TABLE active_storage_variant_records ADD CONSTRAINT active_storage_variant_records_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES active_storage_blobs(id);
ALTER TABLE ahoy_events ADD CONSTRAINT ahoy_events_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES ahoy_visits(id);
ALTER TABLE ahoy_events ADD CONSTRAINT ahoy_events_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE ahoy_visits ADD CONSTRAINT ahoy_visits_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE ahoy_visits ADD CONSTRAINT ahoy_visits_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_access_codes ADD CONSTRAINT pwb_access_codes_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_ai_generation_requests ADD CONSTRAINT pwb_ai_generation_requests_prop_id_fkey FOREIGN KEY (prop_id) REFERENCES pwb_props(id);
ALTER TABLE pwb_ai_generation_requests ADD CONSTRAINT pwb_ai_generation_requests_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_ai_generation_requests ADD CONSTRAINT pwb_ai_generation_requests_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_ai_writing_rules ADD CONSTRAINT pwb_ai_writing_rules_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_auth_audit_logs ADD CONSTRAINT pwb_auth_audit_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_auth_audit_logs ADD CONSTRAINT pwb_auth_audit_logs_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_contacts ADD CONSTRAINT pwb_contacts_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_email_templates ADD CONSTRAINT pwb_email_templates_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_features ADD CONSTRAINT pwb_features_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_field_keys ADD CONSTRAINT pwb_field_keys_pwb_website_id_fkey FOREIGN KEY (pwb_website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_game_estimates ADD CONSTRAINT pwb_game_estimates_game_listing_id_fkey FOREIGN KEY (game_listing_id) REFERENCES pwb_game_listings(id);
ALTER TABLE pwb_game_estimates ADD CONSTRAINT pwb_game_estimates_game_session_id_fkey FOREIGN KEY (game_session_id) REFERENCES pwb_game_sessions(id);
ALTER TABLE pwb_game_estimates ADD CONSTRAINT pwb_game_estimates_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_game_listings ADD CONSTRAINT pwb_game_listings_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_game_listings ADD CONSTRAINT pwb_game_listings_realty_game_id_fkey FOREIGN KEY (realty_game_id) REFERENCES pwb_realty_games(id);
ALTER TABLE pwb_game_sessions ADD CONSTRAINT pwb_game_sessions_realty_game_id_fkey FOREIGN KEY (realty_game_id) REFERENCES pwb_realty_games(id);
ALTER TABLE pwb_game_sessions ADD CONSTRAINT pwb_game_sessions_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_listing_videos ADD CONSTRAINT pwb_listing_videos_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_listing_videos ADD CONSTRAINT pwb_listing_videos_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_listing_videos ADD CONSTRAINT pwb_listing_videos_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_market_reports ADD CONSTRAINT pwb_market_reports_ai_generation_request_id_fkey FOREIGN KEY (ai_generation_request_id) REFERENCES pwb_ai_generation_requests(id);
ALTER TABLE pwb_market_reports ADD CONSTRAINT pwb_market_reports_subject_property_id_fkey FOREIGN KEY (subject_property_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_market_reports ADD CONSTRAINT pwb_market_reports_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_market_reports ADD CONSTRAINT pwb_market_reports_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_media ADD CONSTRAINT pwb_media_folder_id_fkey FOREIGN KEY (folder_id) REFERENCES pwb_media_folders(id);
ALTER TABLE pwb_media ADD CONSTRAINT pwb_media_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_media_folders ADD CONSTRAINT pwb_media_folders_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES pwb_media_folders(id);
ALTER TABLE pwb_media_folders ADD CONSTRAINT pwb_media_folders_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_messages ADD CONSTRAINT pwb_messages_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_page_contents ADD CONSTRAINT pwb_page_contents_parent_page_content_id_fkey FOREIGN KEY (parent_page_content_id) REFERENCES pwb_page_contents(id);
ALTER TABLE pwb_price_guesses ADD CONSTRAINT pwb_price_guesses_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_prop_photos ADD CONSTRAINT pwb_prop_photos_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_prop_translations ADD CONSTRAINT pwb_prop_translations_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_realty_games ADD CONSTRAINT pwb_realty_games_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_rental_listings ADD CONSTRAINT pwb_rental_listings_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_sale_listings ADD CONSTRAINT pwb_sale_listings_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_saved_properties ADD CONSTRAINT pwb_saved_properties_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_saved_searches ADD CONSTRAINT pwb_saved_searches_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_scraped_properties ADD CONSTRAINT pwb_scraped_properties_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_scraped_properties ADD CONSTRAINT pwb_scraped_properties_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_search_alerts ADD CONSTRAINT pwb_search_alerts_saved_search_id_fkey FOREIGN KEY (saved_search_id) REFERENCES pwb_saved_searches(id);
ALTER TABLE pwb_search_filter_options ADD CONSTRAINT pwb_search_filter_options_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES pwb_search_filter_options(id);
ALTER TABLE pwb_search_filter_options ADD CONSTRAINT pwb_search_filter_options_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_shard_audit_logs ADD CONSTRAINT pwb_shard_audit_logs_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_social_media_posts ADD CONSTRAINT pwb_social_media_posts_ai_generation_request_id_fkey FOREIGN KEY (ai_generation_request_id) REFERENCES pwb_ai_generation_requests(id);
ALTER TABLE pwb_social_media_posts ADD CONSTRAINT pwb_social_media_posts_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_social_media_templates ADD CONSTRAINT pwb_social_media_templates_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_spp_listings ADD CONSTRAINT pwb_spp_listings_realty_asset_id_fkey FOREIGN KEY (realty_asset_id) REFERENCES pwb_realty_assets(id);
ALTER TABLE pwb_subdomains ADD CONSTRAINT pwb_subdomains_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_subscription_events ADD CONSTRAINT pwb_subscription_events_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES pwb_subscriptions(id);
ALTER TABLE pwb_subscriptions ADD CONSTRAINT pwb_subscriptions_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES pwb_plans(id);
ALTER TABLE pwb_subscriptions ADD CONSTRAINT pwb_subscriptions_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_support_tickets ADD CONSTRAINT pwb_support_tickets_assigned_to_id_fkey FOREIGN KEY (assigned_to_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_support_tickets ADD CONSTRAINT pwb_support_tickets_creator_id_fkey FOREIGN KEY (creator_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_support_tickets ADD CONSTRAINT pwb_support_tickets_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_testimonials ADD CONSTRAINT pwb_testimonials_author_photo_id_fkey FOREIGN KEY (author_photo_id) REFERENCES pwb_media(id);
ALTER TABLE pwb_testimonials ADD CONSTRAINT pwb_testimonials_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_ticket_messages ADD CONSTRAINT pwb_ticket_messages_support_ticket_id_fkey FOREIGN KEY (support_ticket_id) REFERENCES pwb_support_tickets(id);
ALTER TABLE pwb_ticket_messages ADD CONSTRAINT pwb_ticket_messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_ticket_messages ADD CONSTRAINT pwb_ticket_messages_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_user_memberships ADD CONSTRAINT pwb_user_memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES pwb_users(id);
ALTER TABLE pwb_user_memberships ADD CONSTRAINT pwb_user_memberships_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_website_integrations ADD CONSTRAINT pwb_website_integrations_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_website_photos ADD CONSTRAINT pwb_website_photos_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE pwb_widget_configs ADD CONSTRAINT pwb_widget_configs_website_id_fkey FOREIGN KEY (website_id) REFERENCES pwb_websites(id);
ALTER TABLE solid_queue_blocked_executions ADD CONSTRAINT solid_queue_blocked_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;
ALTER TABLE solid_queue_claimed_executions ADD CONSTRAINT solid_queue_claimed_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;
ALTER TABLE solid_queue_failed_executions ADD CONSTRAINT solid_queue_failed_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;
ALTER TABLE solid_queue_ready_executions ADD CONSTRAINT solid_queue_ready_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;
ALTER TABLE solid_queue_recurring_executions ADD CONSTRAINT solid_queue_recurring_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;
ALTER TABLE solid_queue_scheduled_executions ADD CONSTRAINT solid_queue_scheduled_executions_job_id_fkey FOREIGN KEY (job_id) REFERENCES solid_queue_jobs(id) ON DELETE CASCADE;

CREATE MATERIALIZED VIEW pwb_properties AS
SELECT a.id, a.reference, a.website_id, a.slug, a.title, a.prop_type_key, a.count_bedrooms, a.count_bathrooms, a.latitude, a.longitude,
       (s.id IS NOT NULL AND NOT coalesce(s.archived, false)) AS for_sale,
       (r.id IS NOT NULL AND NOT coalesce(r.archived, false)) AS for_rent,
       (coalesce(s.highlighted, false) OR coalesce(r.highlighted, false)) AS highlighted,
       (coalesce(s.visible, false) OR coalesce(r.visible, false)) AS visible,
       coalesce(s.price_sale_current_cents, 0) AS price_sale_current_cents,
       coalesce(r.price_rental_monthly_current_cents, 0) AS price_rental_monthly_current_cents,
       coalesce(s.price_sale_current_currency, r.price_rental_monthly_current_currency, 'EUR') AS currency
FROM pwb_realty_assets a
LEFT JOIN pwb_sale_listings s ON s.realty_asset_id = a.id AND s.active
LEFT JOIN pwb_rental_listings r ON r.realty_asset_id = a.id AND r.active;

CREATE INDEX index_active_storage_attachments_on_blob_id ON active_storage_attachments USING btree (blob_id);
CREATE UNIQUE INDEX index_active_storage_attachments_uniqueness ON active_storage_attachments USING btree (record_type, record_id, name, blob_id);
CREATE UNIQUE INDEX index_active_storage_blobs_on_key ON active_storage_blobs USING btree (key);
CREATE UNIQUE INDEX index_active_storage_variant_records_uniqueness ON active_storage_variant_records USING btree (blob_id, variation_digest);
CREATE INDEX index_ahoy_events_on_properties ON ahoy_events USING gin (properties);
CREATE INDEX index_ahoy_events_on_visit_id ON ahoy_events USING btree (visit_id);
CREATE INDEX index_ahoy_events_on_website_id ON ahoy_events USING btree (website_id);
CREATE INDEX index_ahoy_events_on_website_id_and_name_and_time ON ahoy_events USING btree (website_id, name, "time");
CREATE INDEX index_ahoy_events_on_website_id_and_time ON ahoy_events USING btree (website_id, "time");
CREATE INDEX index_ahoy_visits_on_user_id ON ahoy_visits USING btree (user_id);
CREATE UNIQUE INDEX index_ahoy_visits_on_visit_token ON ahoy_visits USING btree (visit_token);
CREATE INDEX index_ahoy_visits_on_visitor_token ON ahoy_visits USING btree (visitor_token);
CREATE INDEX index_ahoy_visits_on_website_id ON ahoy_visits USING btree (website_id);
CREATE INDEX index_ahoy_visits_on_website_id_and_started_at ON ahoy_visits USING btree (website_id, started_at);
CREATE INDEX index_pwb_access_codes_on_website_id ON pwb_access_codes USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_access_codes_on_website_id_and_code ON pwb_access_codes USING btree (website_id, code);
CREATE INDEX index_pwb_agencies_on_website_id ON pwb_agencies USING btree (website_id);
CREATE INDEX idx_on_website_id_request_type_fcf3872c0b ON pwb_ai_generation_requests USING btree (website_id, request_type);
CREATE INDEX index_pwb_ai_generation_requests_on_prop_id ON pwb_ai_generation_requests USING btree (prop_id);
CREATE INDEX index_pwb_ai_generation_requests_on_prop_id_and_request_type ON pwb_ai_generation_requests USING btree (prop_id, request_type);
CREATE INDEX index_pwb_ai_generation_requests_on_user_id ON pwb_ai_generation_requests USING btree (user_id);
CREATE INDEX index_pwb_ai_generation_requests_on_website_id ON pwb_ai_generation_requests USING btree (website_id);
CREATE INDEX index_pwb_ai_generation_requests_on_website_id_and_status ON pwb_ai_generation_requests USING btree (website_id, status);
CREATE INDEX index_pwb_ai_writing_rules_on_website_id ON pwb_ai_writing_rules USING btree (website_id);
CREATE INDEX index_pwb_ai_writing_rules_on_website_id_and_active ON pwb_ai_writing_rules USING btree (website_id, active);
CREATE INDEX index_pwb_auth_audit_logs_on_created_at ON pwb_auth_audit_logs USING btree (created_at);
CREATE INDEX index_pwb_auth_audit_logs_on_email ON pwb_auth_audit_logs USING btree (email);
CREATE INDEX index_pwb_auth_audit_logs_on_event_type ON pwb_auth_audit_logs USING btree (event_type);
CREATE INDEX index_pwb_auth_audit_logs_on_ip_address ON pwb_auth_audit_logs USING btree (ip_address);
CREATE INDEX index_pwb_auth_audit_logs_on_user_id ON pwb_auth_audit_logs USING btree (user_id);
CREATE INDEX index_pwb_auth_audit_logs_on_user_id_and_event_type ON pwb_auth_audit_logs USING btree (user_id, event_type);
CREATE INDEX index_pwb_auth_audit_logs_on_website_id ON pwb_auth_audit_logs USING btree (website_id);
CREATE INDEX index_pwb_auth_audit_logs_on_website_id_and_event_type ON pwb_auth_audit_logs USING btree (website_id, event_type);
CREATE INDEX index_pwb_authorizations_on_user_id ON pwb_authorizations USING btree (user_id);
CREATE INDEX index_pwb_client_themes_on_enabled ON pwb_client_themes USING btree (enabled);
CREATE UNIQUE INDEX index_pwb_client_themes_on_name ON pwb_client_themes USING btree (name);
CREATE UNIQUE INDEX index_pwb_clients_on_documentation_id ON pwb_clients USING btree (documentation_id);
CREATE UNIQUE INDEX index_pwb_clients_on_email ON pwb_clients USING btree (email);
CREATE INDEX index_pwb_clients_on_first_names_and_last_names ON pwb_clients USING btree (first_names, last_names);
CREATE INDEX index_pwb_contacts_on_documentation_id ON pwb_contacts USING btree (documentation_id);
CREATE INDEX index_pwb_contacts_on_first_name ON pwb_contacts USING btree (first_name);
CREATE INDEX index_pwb_contacts_on_first_name_and_last_name ON pwb_contacts USING btree (first_name, last_name);
CREATE INDEX index_pwb_contacts_on_last_name ON pwb_contacts USING btree (last_name);
CREATE INDEX index_pwb_contacts_on_primary_email ON pwb_contacts USING btree (primary_email);
CREATE INDEX index_pwb_contacts_on_primary_phone_number ON pwb_contacts USING btree (primary_phone_number);
CREATE INDEX index_pwb_contacts_on_title ON pwb_contacts USING btree (title);
CREATE INDEX index_pwb_contacts_on_website_id ON pwb_contacts USING btree (website_id);
CREATE INDEX index_pwb_content_photos_on_content_id ON pwb_content_photos USING btree (content_id);
CREATE INDEX index_pwb_content_translations_on_locale ON pwb_content_translations USING btree (locale);
CREATE INDEX index_pwb_content_translations_on_pwb_content_id ON pwb_content_translations USING btree (content_id);
CREATE INDEX index_pwb_contents_on_translations ON pwb_contents USING gin (translations);
CREATE INDEX index_pwb_contents_on_website_id ON pwb_contents USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_contents_on_website_id_and_key ON pwb_contents USING btree (website_id, key);
CREATE INDEX index_pwb_email_templates_on_active ON pwb_email_templates USING btree (active);
CREATE INDEX index_pwb_email_templates_on_template_key ON pwb_email_templates USING btree (template_key);
CREATE INDEX index_pwb_email_templates_on_website_id ON pwb_email_templates USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_email_templates_on_website_id_and_template_key ON pwb_email_templates USING btree (website_id, template_key);
CREATE INDEX index_pwb_features_on_feature_key ON pwb_features USING btree (feature_key);
CREATE INDEX index_pwb_features_on_realty_asset_id ON pwb_features USING btree (realty_asset_id);
CREATE INDEX index_pwb_features_on_realty_asset_id_and_feature_key ON pwb_features USING btree (realty_asset_id, feature_key);
CREATE INDEX index_field_keys_on_website_and_tag ON pwb_field_keys USING btree (pwb_website_id, tag);
CREATE UNIQUE INDEX index_field_keys_unique_per_website ON pwb_field_keys USING btree (pwb_website_id, global_key);
CREATE INDEX index_pwb_field_keys_on_pwb_website_id ON pwb_field_keys USING btree (pwb_website_id);
CREATE INDEX index_pwb_game_estimates_on_game_listing_id ON pwb_game_estimates USING btree (game_listing_id);
CREATE INDEX index_pwb_game_estimates_on_game_session_id ON pwb_game_estimates USING btree (game_session_id);
CREATE INDEX index_pwb_game_estimates_on_website_id ON pwb_game_estimates USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_game_estimates_unique_session_listing ON pwb_game_estimates USING btree (game_session_id, game_listing_id);
CREATE INDEX index_pwb_game_listings_on_realty_asset_id ON pwb_game_listings USING btree (realty_asset_id);
CREATE INDEX index_pwb_game_listings_on_realty_game_id ON pwb_game_listings USING btree (realty_game_id);
CREATE UNIQUE INDEX index_pwb_game_listings_unique_game_asset ON pwb_game_listings USING btree (realty_game_id, realty_asset_id);
CREATE INDEX index_pwb_game_sessions_on_game_and_visitor ON pwb_game_sessions USING btree (realty_game_id, visitor_token);
CREATE INDEX index_pwb_game_sessions_on_realty_game_id ON pwb_game_sessions USING btree (realty_game_id);
CREATE INDEX index_pwb_game_sessions_on_website_and_score ON pwb_game_sessions USING btree (website_id, total_score);
CREATE INDEX index_pwb_game_sessions_on_website_id ON pwb_game_sessions USING btree (website_id);
CREATE INDEX index_pwb_link_translations_on_locale ON pwb_link_translations USING btree (locale);
CREATE INDEX index_pwb_link_translations_on_pwb_link_id ON pwb_link_translations USING btree (link_id);
CREATE INDEX index_pwb_links_on_flags ON pwb_links USING btree (flags);
CREATE INDEX index_pwb_links_on_page_slug ON pwb_links USING btree (page_slug);
CREATE INDEX index_pwb_links_on_placement ON pwb_links USING btree (placement);
CREATE INDEX index_pwb_links_on_translations ON pwb_links USING gin (translations);
CREATE INDEX index_pwb_links_on_website_id ON pwb_links USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_links_on_website_id_and_slug ON pwb_links USING btree (website_id, slug);
CREATE INDEX index_pwb_listing_videos_on_realty_asset_id ON pwb_listing_videos USING btree (realty_asset_id);
CREATE INDEX index_pwb_listing_videos_on_render_id ON pwb_listing_videos USING btree (render_id);
CREATE UNIQUE INDEX index_pwb_listing_videos_on_share_token ON pwb_listing_videos USING btree (share_token) WHERE (share_token IS NOT NULL);
CREATE INDEX index_pwb_listing_videos_on_user_id ON pwb_listing_videos USING btree (user_id);
CREATE INDEX index_pwb_listing_videos_on_website_id ON pwb_listing_videos USING btree (website_id);
CREATE INDEX index_pwb_listing_videos_on_website_id_and_status ON pwb_listing_videos USING btree (website_id, status);
CREATE INDEX index_pwb_market_reports_on_ai_generation_request_id ON pwb_market_reports USING btree (ai_generation_request_id);
CREATE UNIQUE INDEX index_pwb_market_reports_on_share_token ON pwb_market_reports USING btree (share_token) WHERE (share_token IS NOT NULL);
CREATE INDEX index_pwb_market_reports_on_status ON pwb_market_reports USING btree (status);
CREATE INDEX index_pwb_market_reports_on_subject_property_id ON pwb_market_reports USING btree (subject_property_id);
CREATE INDEX index_pwb_market_reports_on_user_id ON pwb_market_reports USING btree (user_id);
CREATE INDEX index_pwb_market_reports_on_website_id ON pwb_market_reports USING btree (website_id);
CREATE INDEX index_pwb_market_reports_on_website_id_and_report_type ON pwb_market_reports USING btree (website_id, report_type);
CREATE INDEX index_pwb_media_on_folder_id ON pwb_media USING btree (folder_id);
CREATE INDEX index_pwb_media_on_tags ON pwb_media USING gin (tags);
CREATE INDEX index_pwb_media_on_website_id ON pwb_media USING btree (website_id);
CREATE INDEX index_pwb_media_on_website_id_and_content_type ON pwb_media USING btree (website_id, content_type);
CREATE INDEX index_pwb_media_on_website_id_and_created_at ON pwb_media USING btree (website_id, created_at);
CREATE INDEX index_pwb_media_on_website_id_and_folder_id ON pwb_media USING btree (website_id, folder_id);
CREATE INDEX index_pwb_media_folders_on_parent_id ON pwb_media_folders USING btree (parent_id);
CREATE INDEX index_pwb_media_folders_on_website_id ON pwb_media_folders USING btree (website_id);
CREATE INDEX index_pwb_media_folders_on_website_id_and_parent_id ON pwb_media_folders USING btree (website_id, parent_id);
CREATE UNIQUE INDEX index_pwb_media_folders_on_website_id_and_slug ON pwb_media_folders USING btree (website_id, slug);
CREATE INDEX index_pwb_messages_on_realty_asset_id ON pwb_messages USING btree (realty_asset_id);
CREATE INDEX index_pwb_messages_on_website_id ON pwb_messages USING btree (website_id);
CREATE INDEX index_pwb_page_contents_on_content_id ON pwb_page_contents USING btree (content_id);
CREATE INDEX index_pwb_page_contents_on_page_id ON pwb_page_contents USING btree (page_id);
CREATE INDEX index_pwb_page_contents_on_parent_and_slot ON pwb_page_contents USING btree (parent_page_content_id, slot_name);
CREATE INDEX index_pwb_page_contents_on_parent_page_content_id ON pwb_page_contents USING btree (parent_page_content_id);
CREATE INDEX index_pwb_page_contents_on_parent_slot_order ON pwb_page_contents USING btree (parent_page_content_id, slot_name, sort_order);
CREATE INDEX index_pwb_page_contents_on_website_id ON pwb_page_contents USING btree (website_id);
CREATE UNIQUE INDEX index_page_parts_unique_per_website ON pwb_page_parts USING btree (page_part_key, page_slug, website_id);
CREATE INDEX index_pwb_page_parts_on_page_part_key ON pwb_page_parts USING btree (page_part_key);
CREATE INDEX index_pwb_page_parts_on_page_slug ON pwb_page_parts USING btree (page_slug);
CREATE INDEX index_pwb_page_parts_on_website_id ON pwb_page_parts USING btree (website_id);
CREATE INDEX index_pwb_page_translations_on_locale ON pwb_page_translations USING btree (locale);
CREATE INDEX index_pwb_page_translations_on_pwb_page_id ON pwb_page_translations USING btree (page_id);
CREATE INDEX index_pwb_pages_on_flags ON pwb_pages USING btree (flags);
CREATE INDEX index_pwb_pages_on_show_in_footer ON pwb_pages USING btree (show_in_footer);
CREATE INDEX index_pwb_pages_on_show_in_top_nav ON pwb_pages USING btree (show_in_top_nav);
CREATE UNIQUE INDEX index_pwb_pages_on_slug_and_website_id ON pwb_pages USING btree (slug, website_id);
CREATE INDEX index_pwb_pages_on_translations ON pwb_pages USING gin (translations);
CREATE INDEX index_pwb_pages_on_website_id ON pwb_pages USING btree (website_id);
CREATE INDEX index_pwb_plans_on_active_and_position ON pwb_plans USING btree (active, "position");
CREATE UNIQUE INDEX index_pwb_plans_on_slug ON pwb_plans USING btree (slug);
CREATE INDEX index_price_guesses_on_listing_and_score ON pwb_price_guesses USING btree (listing_type, listing_id, score);
CREATE UNIQUE INDEX index_price_guesses_on_listing_and_visitor ON pwb_price_guesses USING btree (listing_type, listing_id, visitor_token);
CREATE INDEX index_pwb_price_guesses_on_listing ON pwb_price_guesses USING btree (listing_type, listing_id);
CREATE INDEX index_pwb_price_guesses_on_website_id ON pwb_price_guesses USING btree (website_id);
CREATE INDEX index_pwb_prop_photos_on_prop_id ON pwb_prop_photos USING btree (prop_id);
CREATE INDEX index_pwb_prop_photos_on_realty_asset_id ON pwb_prop_photos USING btree (realty_asset_id);
CREATE INDEX index_pwb_prop_translations_on_locale ON pwb_prop_translations USING btree (locale);
CREATE INDEX index_pwb_prop_translations_on_pwb_prop_id ON pwb_prop_translations USING btree (prop_id);
CREATE INDEX index_pwb_prop_translations_on_realty_asset_id ON pwb_prop_translations USING btree (realty_asset_id);
CREATE INDEX index_pwb_properties_on_bathrooms ON pwb_properties USING btree (count_bathrooms);
CREATE INDEX index_pwb_properties_on_bedrooms ON pwb_properties USING btree (count_bedrooms);
CREATE INDEX index_pwb_properties_on_for_rent ON pwb_properties USING btree (for_rent);
CREATE INDEX index_pwb_properties_on_for_sale ON pwb_properties USING btree (for_sale);
CREATE INDEX index_pwb_properties_on_highlighted ON pwb_properties USING btree (highlighted);
CREATE UNIQUE INDEX index_pwb_properties_on_id ON pwb_properties USING btree (id);
CREATE INDEX index_pwb_properties_on_lat_lng ON pwb_properties USING btree (latitude, longitude);
CREATE INDEX index_pwb_properties_on_price_rental_cents ON pwb_properties USING btree (price_rental_monthly_current_cents);
CREATE INDEX index_pwb_properties_on_price_sale_cents ON pwb_properties USING btree (price_sale_current_cents);
CREATE INDEX index_pwb_properties_on_prop_type ON pwb_properties USING btree (prop_type_key);
CREATE INDEX index_pwb_properties_on_reference ON pwb_properties USING btree (reference);
CREATE INDEX index_pwb_properties_on_slug ON pwb_properties USING btree (slug);
CREATE INDEX index_pwb_properties_on_visible ON pwb_properties USING btree (visible);
CREATE INDEX index_pwb_properties_on_website_id ON pwb_properties USING btree (website_id);
CREATE INDEX index_pwb_props_on_archived ON pwb_props USING btree (archived);
CREATE INDEX index_pwb_props_on_flags ON pwb_props USING btree (flags);
CREATE INDEX index_pwb_props_on_for_rent_long_term ON pwb_props USING btree (for_rent_long_term);
CREATE INDEX index_pwb_props_on_for_rent_short_term ON pwb_props USING btree (for_rent_short_term);
CREATE INDEX index_pwb_props_on_for_sale ON pwb_props USING btree (for_sale);
CREATE INDEX index_pwb_props_on_highlighted ON pwb_props USING btree (highlighted);
CREATE INDEX index_pwb_props_on_latitude_and_longitude ON pwb_props USING btree (latitude, longitude);
CREATE INDEX index_pwb_props_on_price_rental_monthly_current_cents ON pwb_props USING btree (price_rental_monthly_current_cents);
CREATE INDEX index_pwb_props_on_price_sale_current_cents ON pwb_props USING btree (price_sale_current_cents);
CREATE INDEX index_pwb_props_on_reference ON pwb_props USING btree (reference);
CREATE INDEX index_pwb_props_on_translations ON pwb_props USING gin (translations);
CREATE INDEX index_pwb_props_on_visible ON pwb_props USING btree (visible);
CREATE INDEX index_pwb_props_on_website_id ON pwb_props USING btree (website_id);
CREATE INDEX index_pwb_realty_assets_on_prop_photos_count ON pwb_realty_assets USING btree (prop_photos_count);
CREATE INDEX index_pwb_realty_assets_on_prop_state_key ON pwb_realty_assets USING btree (prop_state_key);
CREATE INDEX index_pwb_realty_assets_on_prop_type_key ON pwb_realty_assets USING btree (prop_type_key);
CREATE UNIQUE INDEX index_pwb_realty_assets_on_slug ON pwb_realty_assets USING btree (slug);
CREATE INDEX index_pwb_realty_assets_on_translations ON pwb_realty_assets USING gin (translations);
CREATE INDEX index_pwb_realty_assets_on_website_id ON pwb_realty_assets USING btree (website_id);
CREATE INDEX index_pwb_realty_assets_on_website_id_and_prop_type_key ON pwb_realty_assets USING btree (website_id, prop_type_key);
CREATE INDEX index_pwb_realty_games_on_website_id ON pwb_realty_games USING btree (website_id);
CREATE INDEX index_pwb_realty_games_on_website_id_and_active ON pwb_realty_games USING btree (website_id, active);
CREATE UNIQUE INDEX index_pwb_realty_games_on_website_id_and_slug ON pwb_realty_games USING btree (website_id, slug);
CREATE UNIQUE INDEX index_pwb_rental_listings_on_game_token ON pwb_rental_listings USING btree (game_token) WHERE (game_token IS NOT NULL);
CREATE INDEX index_pwb_rental_listings_on_noindex ON pwb_rental_listings USING btree (noindex);
CREATE INDEX index_pwb_rental_listings_on_realty_asset_id ON pwb_rental_listings USING btree (realty_asset_id);
CREATE INDEX index_pwb_rental_listings_on_translations ON pwb_rental_listings USING gin (translations);
CREATE UNIQUE INDEX index_pwb_rental_listings_unique_active ON pwb_rental_listings USING btree (realty_asset_id, active) WHERE (active = true);
CREATE UNIQUE INDEX index_pwb_sale_listings_on_game_token ON pwb_sale_listings USING btree (game_token) WHERE (game_token IS NOT NULL);
CREATE INDEX index_pwb_sale_listings_on_noindex ON pwb_sale_listings USING btree (noindex);
CREATE INDEX index_pwb_sale_listings_on_realty_asset_id ON pwb_sale_listings USING btree (realty_asset_id);
CREATE INDEX index_pwb_sale_listings_on_translations ON pwb_sale_listings USING gin (translations);
CREATE UNIQUE INDEX index_pwb_sale_listings_unique_active ON pwb_sale_listings USING btree (realty_asset_id, active) WHERE (active = true);
CREATE INDEX index_pwb_saved_properties_on_email ON pwb_saved_properties USING btree (email);
CREATE UNIQUE INDEX index_pwb_saved_properties_on_manage_token ON pwb_saved_properties USING btree (manage_token);
CREATE INDEX index_pwb_saved_properties_on_website_id ON pwb_saved_properties USING btree (website_id);
CREATE INDEX index_pwb_saved_properties_on_website_id_and_email ON pwb_saved_properties USING btree (website_id, email);
CREATE INDEX index_saved_properties_on_provider_ref ON pwb_saved_properties USING btree (website_id, provider, external_reference);
CREATE UNIQUE INDEX index_saved_properties_unique_per_email ON pwb_saved_properties USING btree (email, provider, external_reference);
CREATE INDEX index_pwb_saved_searches_on_email ON pwb_saved_searches USING btree (email);
CREATE UNIQUE INDEX index_pwb_saved_searches_on_manage_token ON pwb_saved_searches USING btree (manage_token);
CREATE UNIQUE INDEX index_pwb_saved_searches_on_unsubscribe_token ON pwb_saved_searches USING btree (unsubscribe_token);
CREATE UNIQUE INDEX index_pwb_saved_searches_on_verification_token ON pwb_saved_searches USING btree (verification_token);
CREATE INDEX index_pwb_saved_searches_on_website_id ON pwb_saved_searches USING btree (website_id);
CREATE INDEX index_pwb_saved_searches_on_website_id_and_email ON pwb_saved_searches USING btree (website_id, email);
CREATE INDEX index_saved_searches_for_alerts ON pwb_saved_searches USING btree (website_id, enabled, alert_frequency);
CREATE INDEX index_pwb_scraped_properties_on_import_status ON pwb_scraped_properties USING btree (import_status);
CREATE INDEX index_pwb_scraped_properties_on_realty_asset_id ON pwb_scraped_properties USING btree (realty_asset_id);
CREATE INDEX index_pwb_scraped_properties_on_source_url_normalized ON pwb_scraped_properties USING btree (source_url_normalized);
CREATE INDEX index_pwb_scraped_properties_on_website_id ON pwb_scraped_properties USING btree (website_id);
CREATE INDEX index_pwb_scraped_properties_on_website_id_and_source_host ON pwb_scraped_properties USING btree (website_id, source_host);
CREATE INDEX index_pwb_search_alerts_on_saved_search_id ON pwb_search_alerts USING btree (saved_search_id);
CREATE INDEX index_pwb_search_alerts_on_saved_search_id_and_created_at ON pwb_search_alerts USING btree (saved_search_id, created_at);
CREATE INDEX index_pwb_search_alerts_on_sent_at ON pwb_search_alerts USING btree (sent_at);
CREATE INDEX index_pwb_search_filter_options_on_parent_id ON pwb_search_filter_options USING btree (parent_id);
CREATE INDEX index_pwb_search_filter_options_on_website_id ON pwb_search_filter_options USING btree (website_id);
CREATE INDEX index_search_filter_options_on_external_code ON pwb_search_filter_options USING btree (website_id, external_code) WHERE (external_code IS NOT NULL);
CREATE INDEX index_search_filter_options_on_order ON pwb_search_filter_options USING btree (website_id, filter_type, sort_order);
CREATE INDEX index_search_filter_options_on_type ON pwb_search_filter_options USING btree (website_id, filter_type);
CREATE UNIQUE INDEX index_search_filter_options_unique_key ON pwb_search_filter_options USING btree (website_id, filter_type, global_key);
CREATE INDEX index_pwb_shard_audit_logs_on_changed_by_email ON pwb_shard_audit_logs USING btree (changed_by_email);
CREATE INDEX index_pwb_shard_audit_logs_on_created_at ON pwb_shard_audit_logs USING btree (created_at);
CREATE INDEX index_pwb_shard_audit_logs_on_status ON pwb_shard_audit_logs USING btree (status);
CREATE INDEX index_pwb_shard_audit_logs_on_website_id ON pwb_shard_audit_logs USING btree (website_id);
CREATE INDEX index_pwb_social_media_posts_on_ai_generation_request_id ON pwb_social_media_posts USING btree (ai_generation_request_id);
CREATE INDEX index_pwb_social_media_posts_on_postable_type_and_postable_id ON pwb_social_media_posts USING btree (postable_type, postable_id);
CREATE INDEX index_pwb_social_media_posts_on_scheduled_at ON pwb_social_media_posts USING btree (scheduled_at);
CREATE INDEX index_pwb_social_media_posts_on_status ON pwb_social_media_posts USING btree (status);
CREATE INDEX index_pwb_social_media_posts_on_website_id ON pwb_social_media_posts USING btree (website_id);
CREATE INDEX index_pwb_social_media_posts_on_website_id_and_platform ON pwb_social_media_posts USING btree (website_id, platform);
CREATE INDEX idx_on_website_id_platform_category_c9f0f62b45 ON pwb_social_media_templates USING btree (website_id, platform, category);
CREATE INDEX index_pwb_social_media_templates_on_website_id ON pwb_social_media_templates USING btree (website_id);
CREATE INDEX index_pwb_spp_listings_on_noindex ON pwb_spp_listings USING btree (noindex);
CREATE INDEX index_pwb_spp_listings_on_realty_asset_id ON pwb_spp_listings USING btree (realty_asset_id);
CREATE INDEX index_pwb_spp_listings_on_spp_slug ON pwb_spp_listings USING btree (spp_slug);
CREATE INDEX index_pwb_spp_listings_on_translations ON pwb_spp_listings USING gin (translations);
CREATE UNIQUE INDEX index_pwb_spp_listings_unique_active ON pwb_spp_listings USING btree (realty_asset_id, listing_type, active) WHERE (active = true);
CREATE INDEX index_pwb_subdomains_on_aasm_state ON pwb_subdomains USING btree (aasm_state);
CREATE INDEX index_pwb_subdomains_on_aasm_state_and_name ON pwb_subdomains USING btree (aasm_state, name);
CREATE UNIQUE INDEX index_pwb_subdomains_on_name ON pwb_subdomains USING btree (name);
CREATE INDEX index_pwb_subdomains_on_website_id ON pwb_subdomains USING btree (website_id);
CREATE UNIQUE INDEX index_subdomains_unique_reserved_email ON pwb_subdomains USING btree (reserved_by_email) WHERE (((aasm_state)::text = 'reserved'::text) AND (reserved_by_email IS NOT NULL));
CREATE INDEX idx_on_subscription_id_created_at_3fabb76699 ON pwb_subscription_events USING btree (subscription_id, created_at);
CREATE INDEX index_pwb_subscription_events_on_event_type ON pwb_subscription_events USING btree (event_type);
CREATE INDEX index_pwb_subscription_events_on_subscription_id ON pwb_subscription_events USING btree (subscription_id);
CREATE INDEX index_pwb_subscriptions_on_current_period_ends_at ON pwb_subscriptions USING btree (current_period_ends_at);
CREATE UNIQUE INDEX index_pwb_subscriptions_on_external_id ON pwb_subscriptions USING btree (external_id) WHERE (external_id IS NOT NULL);
CREATE INDEX index_pwb_subscriptions_on_plan_id ON pwb_subscriptions USING btree (plan_id);
CREATE INDEX index_pwb_subscriptions_on_status ON pwb_subscriptions USING btree (status);
CREATE INDEX index_pwb_subscriptions_on_trial_ends_at ON pwb_subscriptions USING btree (trial_ends_at);
CREATE UNIQUE INDEX index_pwb_subscriptions_on_website_unique ON pwb_subscriptions USING btree (website_id);
CREATE INDEX idx_tickets_sla_response_breach_status ON pwb_support_tickets USING btree (sla_response_breached, status);
CREATE INDEX index_pwb_support_tickets_on_assigned_to_id ON pwb_support_tickets USING btree (assigned_to_id);
CREATE INDEX index_pwb_support_tickets_on_assigned_to_id_and_status ON pwb_support_tickets USING btree (assigned_to_id, status);
CREATE INDEX index_pwb_support_tickets_on_creator_id ON pwb_support_tickets USING btree (creator_id);
CREATE INDEX index_pwb_support_tickets_on_priority ON pwb_support_tickets USING btree (priority);
CREATE INDEX index_pwb_support_tickets_on_sla_resolution_due_at ON pwb_support_tickets USING btree (sla_resolution_due_at);
CREATE INDEX index_pwb_support_tickets_on_sla_response_due_at ON pwb_support_tickets USING btree (sla_response_due_at);
CREATE INDEX index_pwb_support_tickets_on_status ON pwb_support_tickets USING btree (status);
CREATE UNIQUE INDEX index_pwb_support_tickets_on_ticket_number ON pwb_support_tickets USING btree (ticket_number);
CREATE INDEX index_pwb_support_tickets_on_website_id ON pwb_support_tickets USING btree (website_id);
CREATE INDEX index_pwb_support_tickets_on_website_id_and_created_at ON pwb_support_tickets USING btree (website_id, created_at);
CREATE INDEX index_pwb_support_tickets_on_website_id_and_status ON pwb_support_tickets USING btree (website_id, status);
CREATE UNIQUE INDEX index_pwb_tenant_settings_on_singleton_key ON pwb_tenant_settings USING btree (singleton_key);
CREATE INDEX index_pwb_testimonials_on_author_photo_id ON pwb_testimonials USING btree (author_photo_id);
CREATE INDEX index_pwb_testimonials_on_position ON pwb_testimonials USING btree ("position");
CREATE INDEX index_pwb_testimonials_on_visible ON pwb_testimonials USING btree (visible);
CREATE INDEX index_pwb_testimonials_on_website_id ON pwb_testimonials USING btree (website_id);
CREATE INDEX index_pwb_ticket_messages_on_support_ticket_id ON pwb_ticket_messages USING btree (support_ticket_id);
CREATE INDEX index_pwb_ticket_messages_on_support_ticket_id_and_created_at ON pwb_ticket_messages USING btree (support_ticket_id, created_at);
CREATE INDEX index_pwb_ticket_messages_on_user_id ON pwb_ticket_messages USING btree (user_id);
CREATE INDEX index_pwb_ticket_messages_on_website_id ON pwb_ticket_messages USING btree (website_id);
CREATE INDEX index_pwb_ticket_messages_on_website_id_and_created_at ON pwb_ticket_messages USING btree (website_id, created_at);
CREATE INDEX index_pwb_user_memberships_on_user_id ON pwb_user_memberships USING btree (user_id);
CREATE INDEX index_pwb_user_memberships_on_website_id ON pwb_user_memberships USING btree (website_id);
CREATE UNIQUE INDEX index_user_memberships_on_user_and_website ON pwb_user_memberships USING btree (user_id, website_id);
CREATE UNIQUE INDEX index_pwb_users_on_confirmation_token ON pwb_users USING btree (confirmation_token);
CREATE UNIQUE INDEX index_pwb_users_on_email ON pwb_users USING btree (email);
CREATE UNIQUE INDEX index_pwb_users_on_firebase_uid ON pwb_users USING btree (firebase_uid);
CREATE INDEX index_pwb_users_on_onboarding_state ON pwb_users USING btree (onboarding_state);
CREATE UNIQUE INDEX index_pwb_users_on_reset_password_token ON pwb_users USING btree (reset_password_token);
CREATE UNIQUE INDEX index_pwb_users_on_signup_token ON pwb_users USING btree (signup_token);
CREATE INDEX index_pwb_users_on_site_admin_onboarding_completed_at ON pwb_users USING btree (site_admin_onboarding_completed_at);
CREATE UNIQUE INDEX index_pwb_users_on_unlock_token ON pwb_users USING btree (unlock_token);
CREATE INDEX index_pwb_users_on_website_id ON pwb_users USING btree (website_id);
CREATE INDEX index_pwb_users_on_zoho_lead_id ON pwb_users USING btree (((metadata ->> 'zoho_lead_id'::text))) WHERE ((metadata ->> 'zoho_lead_id'::text) IS NOT NULL);
CREATE UNIQUE INDEX idx_website_integrations_unique_provider ON pwb_website_integrations USING btree (website_id, category, provider);
CREATE INDEX index_pwb_website_integrations_on_website_id ON pwb_website_integrations USING btree (website_id);
CREATE INDEX index_pwb_website_integrations_on_website_id_and_category ON pwb_website_integrations USING btree (website_id, category);
CREATE INDEX index_pwb_website_integrations_on_website_id_and_enabled ON pwb_website_integrations USING btree (website_id, enabled);
CREATE INDEX index_pwb_website_photos_on_photo_key ON pwb_website_photos USING btree (photo_key);
CREATE INDEX index_pwb_website_photos_on_website_id ON pwb_website_photos USING btree (website_id);
CREATE UNIQUE INDEX index_pwb_websites_on_custom_domain ON pwb_websites USING btree (custom_domain) WHERE ((custom_domain IS NOT NULL) AND ((custom_domain)::text <> ''::text));
CREATE INDEX index_pwb_websites_on_dark_mode_setting ON pwb_websites USING btree (dark_mode_setting);
CREATE INDEX index_pwb_websites_on_demo_mode_and_shard_name ON pwb_websites USING btree (demo_mode, shard_name);
CREATE UNIQUE INDEX index_pwb_websites_on_email_verification_token ON pwb_websites USING btree (email_verification_token) WHERE (email_verification_token IS NOT NULL);
CREATE INDEX index_pwb_websites_on_external_feed_enabled ON pwb_websites USING btree (external_feed_enabled);
CREATE INDEX index_pwb_websites_on_external_feed_provider ON pwb_websites USING btree (external_feed_provider);
CREATE INDEX index_pwb_websites_on_palette_mode ON pwb_websites USING btree (palette_mode);
CREATE INDEX index_pwb_websites_on_provisioning_state ON pwb_websites USING btree (provisioning_state);
CREATE INDEX index_pwb_websites_on_realty_assets_count ON pwb_websites USING btree (realty_assets_count);
CREATE INDEX index_pwb_websites_on_rendering_mode ON pwb_websites USING btree (rendering_mode);
CREATE INDEX index_pwb_websites_on_search_config ON pwb_websites USING gin (search_config);
CREATE INDEX index_pwb_websites_on_selected_palette ON pwb_websites USING btree (selected_palette);
CREATE INDEX index_pwb_websites_on_site_type ON pwb_websites USING btree (site_type);
CREATE INDEX index_pwb_websites_on_slug ON pwb_websites USING btree (slug);
CREATE UNIQUE INDEX index_pwb_websites_on_subdomain ON pwb_websites USING btree (subdomain);
CREATE INDEX index_pwb_widget_configs_on_website_id ON pwb_widget_configs USING btree (website_id);
CREATE INDEX index_pwb_widget_configs_on_website_id_and_active ON pwb_widget_configs USING btree (website_id, active);
CREATE UNIQUE INDEX index_pwb_widget_configs_on_widget_key ON pwb_widget_configs USING btree (widget_key);
CREATE INDEX index_solid_queue_blocked_executions_for_maintenance ON solid_queue_blocked_executions USING btree (expires_at, concurrency_key);
CREATE INDEX index_solid_queue_blocked_executions_for_release ON solid_queue_blocked_executions USING btree (concurrency_key, priority, job_id);
CREATE UNIQUE INDEX index_solid_queue_blocked_executions_on_job_id ON solid_queue_blocked_executions USING btree (job_id);
CREATE UNIQUE INDEX index_solid_queue_claimed_executions_on_job_id ON solid_queue_claimed_executions USING btree (job_id);
CREATE INDEX index_solid_queue_claimed_executions_on_process_id_and_job_id ON solid_queue_claimed_executions USING btree (process_id, job_id);
CREATE UNIQUE INDEX index_solid_queue_failed_executions_on_job_id ON solid_queue_failed_executions USING btree (job_id);
CREATE INDEX index_solid_queue_jobs_for_alerting ON solid_queue_jobs USING btree (scheduled_at, finished_at);
CREATE INDEX index_solid_queue_jobs_for_filtering ON solid_queue_jobs USING btree (queue_name, finished_at);
CREATE INDEX index_solid_queue_jobs_on_active_job_id ON solid_queue_jobs USING btree (active_job_id);
CREATE INDEX index_solid_queue_jobs_on_class_name ON solid_queue_jobs USING btree (class_name);
CREATE INDEX index_solid_queue_jobs_on_finished_at ON solid_queue_jobs USING btree (finished_at);
CREATE UNIQUE INDEX index_solid_queue_pauses_on_queue_name ON solid_queue_pauses USING btree (queue_name);
CREATE INDEX index_solid_queue_processes_on_last_heartbeat_at ON solid_queue_processes USING btree (last_heartbeat_at);
CREATE UNIQUE INDEX index_solid_queue_processes_on_name_and_supervisor_id ON solid_queue_processes USING btree (name, supervisor_id);
CREATE INDEX index_solid_queue_processes_on_supervisor_id ON solid_queue_processes USING btree (supervisor_id);
CREATE INDEX index_solid_queue_poll_all ON solid_queue_ready_executions USING btree (priority, job_id);
CREATE INDEX index_solid_queue_poll_by_queue ON solid_queue_ready_executions USING btree (queue_name, priority, job_id);
CREATE UNIQUE INDEX index_solid_queue_ready_executions_on_job_id ON solid_queue_ready_executions USING btree (job_id);
CREATE UNIQUE INDEX index_solid_queue_recurring_executions_on_job_id ON solid_queue_recurring_executions USING btree (job_id);
CREATE UNIQUE INDEX index_solid_queue_recurring_executions_on_task_key_and_run_at ON solid_queue_recurring_executions USING btree (task_key, run_at);
CREATE UNIQUE INDEX index_solid_queue_recurring_tasks_on_key ON solid_queue_recurring_tasks USING btree (key);
CREATE INDEX index_solid_queue_recurring_tasks_on_static ON solid_queue_recurring_tasks USING btree (static);
CREATE INDEX index_solid_queue_dispatch_all ON solid_queue_scheduled_executions USING btree (scheduled_at, priority, job_id);
CREATE UNIQUE INDEX index_solid_queue_scheduled_executions_on_job_id ON solid_queue_scheduled_executions USING btree (job_id);
CREATE INDEX index_solid_queue_semaphores_on_expires_at ON solid_queue_semaphores USING btree (expires_at);
CREATE UNIQUE INDEX index_solid_queue_semaphores_on_key ON solid_queue_semaphores USING btree (key);
CREATE INDEX index_solid_queue_semaphores_on_key_and_value ON solid_queue_semaphores USING btree (key, value);
