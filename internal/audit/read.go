package audit

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Head is the end of the chain.
type Head struct {
	Seq  int64
	Hash []byte
}

// Reader reads the chain inside one snapshot.
type Reader struct {
	trail   *Trail
	tx      pgx.Tx
	persons *Persons // once they were asked for
}

// Read runs f on one snapshot of the trail.
func (t *Trail) Read(ctx context.Context, f func(*Reader) error) error {
	pool, err := t.control.Pool(ctx)
	if err != nil {
		return err
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return f(&Reader{trail: t, tx: tx})
	})
	if err != nil {
		return notInstalled(t.fault(err))
	}
	return nil
}

// Key names the chain's control database: two names that lead to one database
// give the same key.
func (t *Trail) Key(ctx context.Context) (string, error) {
	id, err := t.control.Identity(ctx)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(id.SystemIdentifier, 10) + "/" + strconv.FormatUint(uint64(id.DatabaseOID), 10) + "/" + t.schema, nil
}

// Head returns the end of the chain as the head row says.
func (r *Reader) Head(ctx context.Context) (Head, error) {
	var h Head
	err := r.tx.QueryRow(ctx, r.trail.sql(`SELECT seq, hash FROM {{schema}}.audit_head`)).Scan(&h.Seq, &h.Hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return Head{Hash: Genesis()}, nil // Verify reports the missing row
	}
	return h, r.trail.fault(err)
}

// HashAt returns the hash of an entry, or nil when there is no such entry; that
// of the one after which the trail begins is known as well.
func (r *Reader) HashAt(ctx context.Context, seq int64) ([]byte, error) {
	var h []byte
	err := r.tx.QueryRow(ctx, r.trail.sql(`SELECT hash FROM {{schema}}.audit_link WHERE seq = $1`), seq).Scan(&h)
	if errors.Is(err, pgx.ErrNoRows) {
		a, err := r.Anchor(ctx)
		if a.Seq != seq || a.Seq == 0 {
			return nil, err
		}
		return a.Hash, err
	}
	return h, r.trail.fault(err)
}

// sealedColumns are read as they are stored and brought to microseconds here: a
// function in the database is as easy to change as the rows.
const sealedColumns = `l.seq, l.sealed_at, l.event_id::text, e.occurred_at, e.recorded_at, coalesce(e.db_user, ''), coalesce(e.client_addr, ''),
	coalesce(e.app_name, ''), coalesce(e.body, ''), l.event_hash, l.prev_hash, l.hash, e.event_id IS NULL`

// micros is a time in microseconds since 1970, 0 where there is none.
type micros int64

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (m *micros) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m = 0
	if v.Valid {
		*m = micros(v.Time.UnixMicro())
	}
	return nil
}

// sealed returns how rows of sealedColumns are read, with those whom they name.
func (r *Reader) sealed(ctx context.Context) (pgx.RowToFunc[Sealed], error) {
	p, err := r.Persons(ctx)
	return func(row pgx.CollectableRow) (Sealed, error) {
		s := Sealed{Persons: p}
		return s, row.Scan(s.fields()...)
	}, err
}

// fields are where sealedColumns go.
func (s *Sealed) fields() []any {
	return []any{
		&s.Seq, (*micros)(&s.SealedUS), &s.EventID, (*micros)(&s.OccurredUS), (*micros)(&s.RecordedUS), &s.DBUser, &s.ClientAddr, &s.AppName, &s.Body,
		&s.EventHash, &s.PrevHash, &s.Hash, &s.Missing,
	}
}

// After returns at most limit entries that follow seq, in order.
func (r *Reader) After(ctx context.Context, seq int64, limit int) ([]Sealed, error) {
	scan, err := r.sealed(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.tx.Query(ctx, r.trail.sql(`SELECT `+sealedColumns+` FROM {{schema}}.audit_link l
		LEFT JOIN {{schema}}.audit_event e ON e.event_id = l.event_id WHERE l.seq > $1 ORDER BY l.seq LIMIT $2`), seq, limit)
	if err != nil {
		return nil, r.trail.fault(err)
	}
	out, err := pgx.CollectRows(rows, scan)
	return out, r.trail.fault(err)
}

// Unsealed lists events that are in no link: at most 100 ids.
func (r *Reader) Unsealed(ctx context.Context) ([]string, error) {
	rows, err := r.tx.Query(ctx, r.trail.sql(`SELECT e.event_id::text FROM {{schema}}.audit_event e
		WHERE NOT EXISTS (SELECT FROM {{schema}}.audit_link l WHERE l.event_id = e.event_id) ORDER BY 1 LIMIT 100`))
	if err != nil {
		return nil, r.trail.fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, r.trail.fault(err)
}

// guards are the triggers that keep the trail append-only.
func guards() []string {
	return []string{
		"audit_event.audit_refuse", "audit_event.audit_refuse_all", "audit_event.audit_seal", "audit_event.audit_stamp",
		"audit_link.audit_refuse", "audit_link.audit_refuse_all", "audit_link.audit_only_sealing",
		"audit_head.audit_refuse", "audit_head.audit_refuse_all", "audit_head.audit_only_sealing",
		"audit_anchor.audit_refuse", "audit_anchor.audit_refuse_all", "audit_anchor.audit_only_cutting",
		"audit_person.audit_person_stamp", "audit_person.audit_person_kept", "audit_person.audit_person_kept_all",
	}
}

// unguarded lists the triggers that are missing or switched off.
func (r *Reader) unguarded(ctx context.Context) ([]string, error) {
	rows, err := r.tx.Query(ctx, `SELECT w FROM unnest($2::text[]) w WHERE to_regclass(quote_ident($1) || '.' || split_part(w, '.', 1)) IS NOT NULL AND NOT EXISTS (
		SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname || '.' || t.tgname = w AND t.tgenabled = 'A') ORDER BY 1`, r.trail.schema, guards())
	if err != nil {
		return nil, r.trail.fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, r.trail.fault(err)
}
