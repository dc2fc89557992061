package audit

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

// Erasure is what was erased of a person.
type Erasure struct {
	// Refs are the pseudonyms that nobody can resolve any more, the operator's first.
	Refs []string
	// Events is how many events bear one of them; Plain how many have the e-mail itself,
	// which stays: they are older than the pseudonyms, or somebody wrote it as a reason.
	Events, Plain int64
	EventID       string
}

// erasing is what the event of an erasure records.
type erasing struct {
	// Persons are the refs without what every ref begins with, so that they read as
	// they are and not as whom they stood for.
	Persons []string `json:"persons"`
}

// Erased returns the refs that an event has erased, none for any other event.
func Erased(text string) []string {
	if !strings.Contains(text, `"`+string(policy.AuditErase)+`"`) {
		return nil
	}
	var b struct {
		Action  string  `json:"action"`
		Phase   string  `json:"phase"`
		Status  string  `json:"status"`
		Details erasing `json:"details"`
	}
	if json.Unmarshal([]byte(text), &b) != nil || policy.Action(b.Action) != policy.AuditErase || b.Phase != "outcome" || b.Status != "ok" {
		return nil
	}
	out := b.Details.Persons
	for i := range out {
		out[i] = refPrefix + out[i]
	}
	return out
}

//go:embed erase.sql
var eraseSQL string

// Erase removes who somebody is from the trail: an e-mail's value and salt, and those of
// computers and system users that events name beside this person alone; or those of one
// ref. Its events stay as they are, under the ref, and their hashes fit. The values and
// the event that says so go in one transaction: both, or neither. Only the owner of the
// schema may do it, or whom the owner lets call the function. Nobody is erased who is an
// operator of the fleet, has work queued, or asks for it.
func (t *Trail) Erase(ctx context.Context, p policy.Permit, who string) (Erasure, error) {
	one, beside, err := t.whom(ctx, p, who)
	if err != nil {
		return Erasure{}, err
	}
	if err := t.mayErase(ctx); err != nil {
		return Erasure{}, err
	}
	details := func(refs []string) map[string]any {
		digits := []string{}
		for _, ref := range refs {
			digits = append(digits, strings.TrimPrefix(ref, refPrefix))
		}
		return map[string]any{"persons": digits}
	}
	open, err := t.Begin(ctx, p, Intent{Details: details([]string{one.Ref})})
	if err != nil {
		return Erasure{}, err
	}
	out := Erasure{}
	err = t.erase(ctx, p, one, beside, open.ID(), details, &out)
	if fault.CodeOf(err) == fault.DatabaseGone {
		// The answer to the commit may be what was lost.
		if _, status, aerr := t.OutcomeOf(ctx, open.ID()); aerr == nil && status == "ok" {
			return out, nil
		}
	}
	if err != nil {
		_, _ = open.Finish(ctx, Outcome{Err: err, Details: details([]string{one.Ref})})
		return Erasure{}, err
	}
	return out, nil
}

func (t *Trail) erase(ctx context.Context, p policy.Permit, one Person, beside bool, intent string, details func([]string) map[string]any, out *Erasure) error {
	pool, err := t.control.Pool(ctx)
	if err != nil {
		return err
	}
	return t.eraseFault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '20s'`); err != nil {
			return err
		}
		// Counted before anybody has to wait: whoever is erased does nothing any more.
		plain, others := one.Value, []string{}
		if one.Kind != PersonEmail {
			plain = ""
		}
		if err := tx.QueryRow(ctx, t.sql(eraseSQL), one.Ref, plain, beside).Scan(&out.Events, &out.Plain, &others); err != nil {
			return err
		}
		out.Refs = append([]string{one.Ref}, others...)
		said := details(out.Refs)
		said["events"], said["plain_events"] = out.Events, out.Plain
		d, err := t.compose(p, Record{Phase: "outcome", Parent: intent, Details: said}, "")
		if err != nil {
			return err
		}
		if err := t.insert(ctx, tx, d); err != nil {
			return err
		}
		out.EventID = d.id
		for _, ref := range out.Refs {
			var there bool
			if err := tx.QueryRow(ctx, t.sql(`SELECT {{schema}}.audit_erase($1, $2::uuid)`), ref, d.id).Scan(&there); err != nil {
				return err
			}
			if !there {
				return nobody(ref)
			}
		}
		return nil
	}))
}

// whom finds the person, and whether what is beside it goes with it.
func (t *Trail) whom(ctx context.Context, p policy.Permit, who string) (one Person, beside bool, err error) {
	who = strings.ToLower(strings.TrimSpace(who))
	var all *Persons
	var listed bool
	err = t.Read(ctx, func(r *Reader) error {
		if all, err = r.Persons(ctx); err != nil {
			return err
		}
		if all == nil {
			all = NewPersons()
		}
		i := slices.IndexFunc(all.All(), func(one Person) bool { return one.Ref == who || one.Kind == PersonEmail && one.Value == who })
		if i < 0 {
			return nobody(who)
		}
		one = all.All()[i]
		return r.tx.QueryRow(ctx, t.sql(`SELECT $2 AND EXISTS (SELECT FROM {{schema}}.operator WHERE lower(email) = $1)`), one.Value, one.Kind == PersonEmail).Scan(&listed)
	})
	switch {
	case err != nil:
		return one, false, err
	case listed:
		return one, false, fault.Newf(fault.PersonActive, fault.Change("fleet operator remove "+one.Value)+" first", "%s is an operator of the fleet, and would be recorded anew at once; nothing was erased", one.Value)
	case one.Kind == PersonEmail && one.Value == strings.ToLower(p.Operator()):
		return one, false, fault.New(fault.PersonActive, "let another admin erase you", "you would be recorded anew by erasing yourself; nothing was erased")
	}
	return one, one.Kind == PersonEmail, nil
}

func nobody(who string) error {
	return fault.Newf(fault.PersonUnknown, "give the e-mail or the pseudonym as an event has it; what was recorded before the control database was upgraded to version 10 has no pseudonym and goes by audit archive and audit purge alone",
		"the audit trail keeps no person %s: it never had one, or the person was erased", who)
}

// mayErase refuses before an intent is written what the database would refuse after it.
func (t *Trail) mayErase(ctx context.Context) error {
	return t.Read(ctx, func(r *Reader) error {
		var may bool
		var role string
		f := pgx.Identifier{t.schema, "audit_erase"}.Sanitize() + "(text, uuid)"
		if err := r.tx.QueryRow(ctx, `SELECT has_function_privilege($1, 'EXECUTE'), current_user::text`, f).Scan(&may, &role); err != nil || may {
			return err
		}
		return fault.Newf(fault.RightMissing, "its owner grants it: GRANT EXECUTE ON FUNCTION "+f+" TO "+pgx.Identifier{role}.Sanitize()+"; or let the credential \"control\" log in as the owner (shard-admin fleet credential set control)",
			"only the owner of the schema %s may erase who somebody is, and whom the owner lets; nothing was erased", t.schema)
	})
}

func (t *Trail) eraseFault(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55006" {
		return fault.Wrap(err, fault.PersonActive, "the person is an operator of the fleet, or has work queued; nothing was erased", "shard-admin fleet operator list and shard-admin queue show both")
	}
	return notInstalled(t.fault(err))
}
