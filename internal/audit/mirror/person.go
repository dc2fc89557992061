package mirror

import (
	"context"
	"database/sql"
	"errors"

	"shardadmin/internal/audit"
)

// persons copies who the refs of the server's trail are. A value that does not fit its
// ref was changed there, and nothing is copied from it.
func (m *Mirror) persons(ctx context.Context, r *audit.Reader, chain, head, end int64) error {
	p, err := r.Persons(ctx)
	if err != nil || p == nil {
		return err
	}
	have, _, err := m.known(ctx)
	if err != nil {
		return err
	}
	var fresh []audit.Person
	for _, one := range p.All() {
		if !one.Fits() {
			return m.alarm(ctx, chain, Changed, end+1, head, "the value or the salt of "+one.Ref+" is not the one that its ref was made of: it was changed on the server")
		}
		if _, ok := have.Of(one.Ref); !ok {
			fresh = append(fresh, one)
		}
	}
	return m.write(ctx, func(tx *sql.Tx) error {
		for _, one := range fresh {
			if _, err := tx.ExecContext(ctx, `INSERT INTO mirror_person (chain, ref, kind, value, salt)
				SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM mirror_erased WHERE ref = ?2) ON CONFLICT DO NOTHING`,
				chain, one.Ref, one.Kind, one.Value, one.Salt); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE mirror_chain SET persons_to = max(persons_to, ?) WHERE id = ?`, head, chain)
		return err
	})
}

// erase removes the values of refs from every copy, also from those that were retired.
// The index of words never had them: it is made of the events' text, which has the refs.
func erase(ctx context.Context, tx *sql.Tx, refs []string) error {
	for _, ref := range refs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO mirror_erased (ref) VALUES (?) ON CONFLICT DO NOTHING`, ref); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM mirror_person WHERE ref = ?`, ref); err != nil {
			return err
		}
	}
	return nil
}

// wipe brings what was erased out of the log that SQLite writes ahead of the file; the
// file's own pages are overwritten by secure_delete. While another process reads it
// cannot be done, and the next sync does it.
func (m *Mirror) wipe(ctx context.Context) error {
	var due int64
	if err := m.db.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM mirror_erased WHERE wiped = 0`).Scan(&due); err != nil || due == 0 {
		return localFault(err)
	}
	var busy, log, moved int
	if err := m.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved); err != nil || busy != 0 {
		return localFault(err)
	}
	return m.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE mirror_erased SET wiped = 1 WHERE rowid <= ?`, due)
		return err
	})
}

// known returns the persons of the present copy, and the head of the trail when they were
// copied.
func (m *Mirror) known(ctx context.Context) (*audit.Persons, int64, error) {
	var to int64
	err := m.db.QueryRowContext(ctx, `SELECT persons_to FROM mirror_chain WHERE key = ? AND retired_at IS NULL`, m.key).Scan(&to)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, 0, localFault(err)
	}
	rows, err := m.db.QueryContext(ctx, `SELECT p.ref, p.kind, p.value, p.salt FROM mirror_person p JOIN mirror_chain c ON c.id = p.chain WHERE c.key = ? AND c.retired_at IS NULL`, m.key)
	if err != nil {
		return nil, 0, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	var list []audit.Person
	for rows.Next() {
		var p audit.Person
		if err := rows.Scan(&p.Ref, &p.Kind, &p.Value, &p.Salt); err != nil {
			return nil, 0, localFault(err)
		}
		list = append(list, p)
	}
	return audit.NewPersons(list...), to, localFault(rows.Err())
}
