SELECT m.id::text, m.tenant, m.label, m.source, m.target, m.mode, m.state, m.step, m.failed_in, m.engine, m.epoch, m.hold,
       m.max_read_only_ms, m.rows, m.bytes,
       coalesce((SELECT sum(t.rows_copied)::bigint FROM {{schema}}.move_table t WHERE t.move_id = m.id), 0),
       coalesce((SELECT sum(t.bytes_copied)::bigint FROM {{schema}}.move_table t WHERE t.move_id = m.id), 0),
       m.read_only_since, m.write_pause_ms, m.verified, m.verified_at, m.park, m.note,
       coalesce(m.error_code, ''), coalesce(m.error_message, ''), coalesce(m.error_hint, ''),
       m.audit_event, m.app_audit, m.routing_confirmed, m.created_by, m.created_at, m.not_before, m.started_at, m.switched_at,
       m.finished_at, m.updated_at, l.holder, l.expires_at
FROM {{schema}}.move m
LEFT JOIN {{schema}}.lease l ON l.resource = 'tenant/' || m.tenant AND l.expires_at > clock_timestamp()
