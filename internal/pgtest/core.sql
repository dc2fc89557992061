-- What is left of the reference application's schema has tables of every class,
-- every kind of reference and a materialized view.
DROP TABLE ahoy_events, ahoy_visits, pwb_access_codes, pwb_ai_writing_rules, pwb_testimonials, pwb_client_themes, pwb_content_photos,
  pwb_content_translations, pwb_email_templates, pwb_field_keys, pwb_link_translations, pwb_links, pwb_listing_videos, pwb_market_reports,
  pwb_social_media_posts, pwb_ai_generation_requests, pwb_page_parts, pwb_page_translations, pwb_prop_translations, pwb_search_alerts,
  pwb_saved_properties, pwb_saved_searches, pwb_scraped_properties, pwb_search_filter_options, pwb_social_media_templates,
  pwb_spp_listings, pwb_tenant_settings, pwb_website_integrations, pwb_website_photos, pwb_widget_configs, solid_queue_blocked_executions,
  solid_queue_claimed_executions, solid_queue_failed_executions, solid_queue_ready_executions, solid_queue_recurring_executions,
  solid_queue_scheduled_executions, solid_queue_jobs, solid_queue_pauses, solid_queue_processes, solid_queue_recurring_tasks,
  solid_queue_semaphores;
