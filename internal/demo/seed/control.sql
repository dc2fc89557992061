SET synchronous_commit = off;

-- Stays in the control database, whatever moves.
INSERT INTO pwb_subscriptions (id, website_id, plan_id, status, created_at, updated_at)
SELECT id, id, 1 + id % 2, 'active', created_at, created_at FROM pwb_websites;
INSERT INTO pwb_subscription_events (id, subscription_id, event_type, created_at)
SELECT id, id, 'activated', created_at FROM pwb_subscriptions;
INSERT INTO pwb_subdomains (id, name, aasm_state, website_id, created_at, updated_at)
SELECT id, subdomain, 'allocated', id, created_at, created_at FROM pwb_websites;
INSERT INTO solid_queue_jobs (id, class_name, queue_name, created_at, updated_at, finished_at)
SELECT k, 'Pwb::RefreshListingsJob', 'default', '2026-05-01', '2026-05-01', '2026-05-01' FROM generate_series(1, 20) k;
