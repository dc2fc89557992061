package seed

// Conditions say by hand which rows of each table are a tenant's ($1), so that who
// checks a move does not depend on the table map that made it.
func Conditions() map[string]string {
	const (
		asset = "realty_asset_id IN (SELECT id FROM pwb_realty_assets WHERE website_id = $1)"
		user  = "user_id IN (SELECT id FROM pwb_users WHERE website_id = $1)"
		prop  = "prop_id IN (SELECT id FROM pwb_props WHERE website_id = $1)"
		photo = "SELECT id FROM pwb_prop_photos WHERE " + asset
		text  = "content_id IN (SELECT id FROM pwb_contents WHERE website_id = $1)"
		// What hangs on records, and then on what hangs on variants of it.
		upload = `(record_type = 'Pwb::PropPhoto' AND record_id IN (` + photo + `)
			OR record_type = 'Pwb::ContentPhoto' AND record_id IN (SELECT id FROM pwb_content_photos WHERE ` + text + `)
			OR record_type = 'Pwb::WebsitePhoto' AND record_id IN (SELECT id FROM pwb_website_photos WHERE website_id = $1)
			OR record_type = 'PwbTenant::Media' AND record_id IN (SELECT id FROM pwb_media WHERE website_id = $1)
			OR record_type = 'Pwb::ListingVideo' AND record_id IN (SELECT id FROM pwb_listing_videos WHERE website_id = $1)
			OR record_type = 'Pwb::MarketReport' AND record_id IN (SELECT id FROM pwb_market_reports WHERE website_id = $1)
			OR record_type = 'Pwb::SocialMediaPost' AND record_id IN (SELECT id FROM pwb_social_media_posts WHERE website_id = $1))`
		variant    = "SELECT id FROM active_storage_variant_records WHERE blob_id IN (SELECT blob_id FROM active_storage_attachments WHERE " + upload + ")"
		attachment = "(" + upload + " OR record_type = 'ActiveStorage::VariantRecord' AND record_id IN (" + variant + "))"
		blob       = "SELECT blob_id FROM active_storage_attachments WHERE " + attachment
	)
	by := map[string]string{
		"pwb_sale_listings": asset, "pwb_rental_listings": asset, "pwb_spp_listings": asset, "pwb_game_listings": asset,
		"pwb_features": asset, "pwb_prop_photos": asset, "pwb_prop_translations": prop,
		"pwb_page_translations":    "page_id IN (SELECT id FROM pwb_pages WHERE website_id = $1)",
		"pwb_link_translations":    "link_id IN (SELECT id FROM pwb_links WHERE website_id = $1)",
		"pwb_content_translations": text, "pwb_content_photos": text,
		"pwb_search_alerts":  "saved_search_id IN (SELECT id FROM pwb_saved_searches WHERE website_id = $1)",
		"pwb_authorizations": user, "pwb_clients": user,
		"pwb_field_keys":                 "pwb_website_id = $1",
		"active_storage_attachments":     attachment,
		"active_storage_blobs":           "id IN (" + blob + ")",
		"active_storage_variant_records": "id IN (" + variant + ")",
		"pwb_addresses": `id IN (SELECT primary_address_id FROM pwb_agencies WHERE website_id = $1
			UNION SELECT primary_address_id FROM pwb_contacts WHERE website_id = $1 UNION SELECT address_id FROM pwb_clients WHERE ` + user + ")",
	}
	for _, t := range []string{
		"ahoy_events", "ahoy_visits", "pwb_access_codes", "pwb_agencies", "pwb_ai_generation_requests", "pwb_ai_writing_rules", "pwb_auth_audit_logs",
		"pwb_contacts", "pwb_contents", "pwb_email_templates", "pwb_game_estimates", "pwb_game_sessions", "pwb_links", "pwb_listing_videos",
		"pwb_market_reports", "pwb_media", "pwb_media_folders", "pwb_messages", "pwb_page_contents", "pwb_page_parts", "pwb_pages", "pwb_price_guesses",
		"pwb_props", "pwb_realty_assets", "pwb_realty_games", "pwb_saved_properties", "pwb_saved_searches", "pwb_scraped_properties",
		"pwb_search_filter_options", "pwb_social_media_posts", "pwb_social_media_templates", "pwb_support_tickets", "pwb_testimonials",
		"pwb_ticket_messages", "pwb_user_memberships", "pwb_users", "pwb_website_integrations", "pwb_website_photos", "pwb_widget_configs",
	} {
		by[t] = "website_id = $1"
	}
	return by
}
