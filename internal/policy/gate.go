package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// Permit is the leave to make one change. Only this package makes one.
type Permit struct {
	operator, reason, source, fleet, subject string
	role                                     Role
	action                                   Action
}

// Operator returns the e-mail of who acts.
func (p Permit) Operator() string { return p.operator }

// Role returns the role under which they act.
func (p Permit) Role() Role { return p.role }

// Action returns what may be done.
func (p Permit) Action() Action { return p.action }

// Reason returns why.
func (p Permit) Reason() string { return p.reason }

// Source returns the face that asked: cli, window, page or worker.
func (p Permit) Source() string { return p.source }

// Fleet returns the fleet's name.
func (p Permit) Fleet() string { return p.fleet }

// Valid reports whether policy minted the permit.
func (p Permit) Valid() bool { return p.action != "" && p.operator != "" }

// Config of a Gate.
type Config struct {
	Fleet   *fleet.Fleet
	Control *conn.Database
	Schema  string // unquoted
	// Local returns a flag of this computer: its value, and where it was set.
	Local func(Flag) (on bool, where string)
	// Email of who uses this program; a claim.
	Email string
	// Admins are the e-mails of TENANT_ADMIN_EMAILS.
	Admins []string
	Source string
}

// Gate decides for one fleet and one operator.
type Gate struct{ cfg Config }

// NewGate returns the gate of a fleet.
func NewGate(cfg Config) *Gate {
	cfg.Email = strings.ToLower(strings.TrimSpace(cfg.Email))
	if cfg.Local == nil {
		cfg.Local = func(Flag) (bool, string) { return false, "this computer" }
	}
	return &Gate{cfg}
}

// Request is a change that somebody wants to make.
type Request struct {
	Action Action
	Tenant string // id
	Label  string
	Shard  string
	Reason string
	// Confirm is the name that was typed in; in production it must be the
	// tenant's id or label, or the shard's name.
	Confirm string
	// Bulk is true for one of several tenants that are changed at once.
	Bulk bool
	// Queued is true for a run that was confirmed when it was queued.
	Queued bool
	// QueuedAs is the database role that queued the run, as the server stamped
	// it; in production it must be the operator's. Empty means the connected
	// role.
	QueuedAs string
}

// Operator is who uses this program, as far as the fleet knows.
type Operator struct {
	Email  string `json:"email"`
	Role   Role   `json:"role"`
	DBRole string `json:"db_role"`
	// Listed is false where no list of operators exists.
	Listed bool `json:"listed"`
	// Why says what follows, when the role is not what one may expect.
	Why string `json:"why"`
}

// Permit checks a request and mints the permit, or refuses with the flag or
// role that is missing, where, and the command that grants it.
func (g *Gate) Permit(ctx context.Context, req Request) (Permit, error) {
	return g.permit(ctx, g.cfg.Email, req)
}

// PermitAs is Permit for a queued run of another operator; policy may have
// changed since they queued it.
func (g *Gate) PermitAs(ctx context.Context, email string, req Request) (Permit, error) {
	req.Queued = true
	return g.permit(ctx, strings.ToLower(email), req)
}

func (g *Gate) permit(ctx context.Context, email string, req Request) (Permit, error) {
	email = g.named(email)
	op, err := g.may(ctx, email, req.Action, req.Bulk, req.QueuedAs)
	if err != nil {
		return Permit{}, err
	}
	reason, err := g.reason(req.Reason)
	if err != nil {
		return Permit{}, err
	}
	if g.cfg.Fleet.Environment == fleet.Production && ruleOf(req.Action).confirm && !req.Queued {
		names := []string{}
		for _, n := range []string{req.Label, req.Tenant, req.Shard} {
			if n != "" {
				names = append(names, n)
			}
		}
		if req.Action == FleetUninstall || len(names) == 0 {
			names = []string{g.cfg.Fleet.Name}
		}
		if !slices.Contains(names, req.Confirm) {
			return Permit{}, fault.Newf(fault.ConfirmMissing, "add --confirm "+names[0], "%s is production: this change must be confirmed by name", g.cfg.Fleet.Name)
		}
	}
	return Permit{operator: email, role: op.Role, action: req.Action, reason: reason, source: g.cfg.Source, fleet: g.cfg.Fleet.Name, subject: req.Tenant}, nil
}

func (g *Gate) named(email string) string {
	if email == "" && g.cfg.Fleet.Environment == fleet.Demo {
		return "demo@localhost"
	}
	return email
}

func (g *Gate) reason(text string) (string, error) {
	reason := credential.Scrub(strings.TrimSpace(text)) // it is stored in many places
	if reason == "" && g.cfg.Fleet.Environment == fleet.Demo {
		reason = "demo"
	}
	if reason == "" {
		return "", fault.New(fault.ReasonMissing, "every change needs a reason", "add --note \"why\"")
	}
	return reason, nil
}

// Said returns who acts and why, for what reads nothing but this computer and is recorded
// once the control database answers: which role somebody has is known there alone.
func (g *Gate) Said(a Action, reason string) (operator, why string, err error) {
	if operator = g.named(g.cfg.Email); operator == "" {
		return "", "", nobody(a)
	}
	why, err = g.reason(reason)
	return operator, why, err
}

// nobody is the error of an action that is recorded under a name.
func nobody(a Action) error {
	return fault.Newf(fault.OperatorUnknown, "say who you are: --as EMAIL, or shard-admin settings set operator_email EMAIL", "%s is recorded under a name, and nobody said who you are", a)
}

// May reports whether the operator may make such a change at all; the reason
// and the confirmation are asked for later.
func (g *Gate) May(ctx context.Context, a Action) error {
	_, err := g.may(ctx, g.cfg.Email, a, false, "")
	return err
}

func (g *Gate) may(ctx context.Context, email string, a Action, bulk bool, queuedAs string) (Operator, error) {
	r, what := ruleOf(a), string(a)
	if bulk {
		r.flag, what = FlagBulk, what+" of several tenants at once"
	}
	if g.cfg.Fleet.Environment == fleet.Demo {
		return Operator{Email: email, Role: Admin, Listed: true}, nil
	}
	if r.flag != "" {
		state, err := g.Flags(ctx)
		if err != nil {
			return Operator{}, err
		}
		for _, f := range state {
			// What the fleet's own policy turned off, an admin turns on there again.
			if !f.On && (a != PolicySet || !f.ours) {
				return Operator{}, fault.Newf(fault.FlagOff, f.Remedy, "%s needs the flag %s, which is off %s", what, f.Flag, f.Where)
			}
			if f.Flag == r.flag {
				break
			}
		}
	}
	op, err := g.operator(ctx, email)
	if err != nil {
		return op, err
	}
	if op.Role.rank() < r.role.rank() {
		hint := fmt.Sprintf("an admin grants it: shard-admin fleet operator set %s --role %s --note REASON", nameOr(email), r.role)
		if !op.Listed {
			hint = "shard-admin fleet install --admin " + nameOr(email) + " files the first"
		}
		switch {
		case email == "":
			return op, fault.Newf(fault.OperatorUnknown, "say who you are: --as EMAIL, or shard-admin settings set operator_email EMAIL", "%s needs an operator, and nobody said who you are", a)
		case op.Role == NoRole:
			return op, fault.Newf(fault.OperatorUnknown, hint, "%s needs the role %s: %s is not an operator of fleet %s", a, r.role, email, g.cfg.Fleet.Name)
		}
		return op, fault.Newf(fault.RoleTooLow, hint, "%s needs the role %s: %s is %s of fleet %s", a, r.role, email, op.Role, g.cfg.Fleet.Name)
	}
	if email == "" {
		return op, nobody(a)
	}
	if g.cfg.Fleet.Environment == fleet.Production && r.role != NoRole {
		if err := g.matchesRole(ctx, op, queuedAs); err != nil {
			return op, err
		}
	}
	return op, nil
}

func nameOr(email string) string {
	if email == "" {
		return "EMAIL"
	}
	return email
}

// matchesRole compares the operator's database role with the one that asks:
// the connected one, or for a queued run the one that queued it.
func (g *Gate) matchesRole(ctx context.Context, op Operator, queuedAs string) error {
	if queuedAs != "" {
		if op.DBRole != queuedAs {
			return fault.Newf(fault.RoleMismatch, "queue it again as the role that belongs to the e-mail, or have an admin file it: shard-admin fleet operator set "+op.Email+" --db-role "+queuedAs+" --note REASON",
				"in production %s must act as their own database role; the run was queued by %s", op.Email, queuedAs)
		}
		return nil
	}
	pool, err := g.cfg.Control.Pool(ctx)
	if err != nil {
		return err
	}
	var connected string
	if err := pool.QueryRow(ctx, "SELECT session_user::text").Scan(&connected); err != nil {
		return conn.Fault(err, fleet.ControlName)
	}
	if op.DBRole != connected {
		return fault.Newf(fault.RoleMismatch, "connect as the role that belongs to the e-mail, or have an admin file it: shard-admin fleet operator set "+op.Email+" --db-role "+connected+" --note REASON",
			"in production %s must be connected as its own database role; this connection is %s", op.Email, connected)
	}
	return nil
}

// Operator returns who uses this program.
func (g *Gate) Operator(ctx context.Context) (Operator, error) {
	if g.cfg.Fleet.Environment == fleet.Demo {
		email := g.cfg.Email
		if email == "" {
			email = "demo@localhost"
		}
		return Operator{Email: email, Role: Admin, Listed: true, Why: "the demo fleet lets everyone do everything"}, nil
	}
	return g.operator(ctx, g.cfg.Email)
}

func (g *Gate) operator(ctx context.Context, email string) (Operator, error) {
	op := Operator{Email: email}
	if len(g.cfg.Admins) > 0 {
		op.Listed = true
		if slices.ContainsFunc(g.cfg.Admins, func(a string) bool { return strings.EqualFold(strings.TrimSpace(a), email) }) && email != "" {
			op.Role = Admin
		}
	}
	pool, err := g.cfg.Control.Pool(ctx)
	if err != nil {
		return op, err
	}
	var installed bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, g.table("operator")).Scan(&installed); err != nil {
		return op, conn.Fault(err, fleet.ControlName)
	}
	if !installed {
		op.Why = "the fleet has no schema of ours, so no list of operators"
		return op, nil
	}
	rows, err := pool.Query(ctx, `SELECT email, role, coalesce(db_role, '') FROM `+g.table("operator"))
	if err != nil {
		return op, conn.Fault(err, fleet.ControlName)
	}
	var e, role, db string
	_, err = pgx.ForEachRow(rows, []any{&e, &role, &db}, func() error {
		op.Listed = true
		if e == email {
			op.DBRole = db
			if Role(role).rank() > op.Role.rank() {
				op.Role = Role(role)
			}
		}
		return nil
	})
	return op, conn.Fault(err, fleet.ControlName)
}

func (g *Gate) table(name string) string { return pgx.Identifier{g.cfg.Schema, name}.Sanitize() }

// FlagState is one flag with where it is off and how to turn it on.
type FlagState struct {
	Flag   Flag   `json:"flag"`
	On     bool   `json:"on"`
	Where  string `json:"where"`
	Remedy string `json:"remedy"`
	ours   bool   // off by the fleet's own policy, not on this computer
}

// Flags returns every flag; the fleet's policy wins when it is stricter.
func (g *Gate) Flags(ctx context.Context) ([]FlagState, error) {
	if g.cfg.Fleet.Environment == fleet.Demo {
		out := []FlagState{}
		for _, f := range Flags() {
			out = append(out, FlagState{Flag: f, On: true, Where: "for the demo fleet"})
		}
		return out, nil
	}
	remote, err := g.remote(ctx)
	if err != nil {
		return nil, err
	}
	out := []FlagState{}
	before := true
	for _, f := range Flags() {
		on, where := g.cfg.Local(f)
		s := FlagState{Flag: f, On: on && before, Where: where}
		switch {
		case !before:
			s.Where, s.Remedy = "because the flag before it is off", "turn on the flag before it first"
		case !on:
			s.Remedy = "shard-admin settings set " + string(f) + " true, or " + string(f) + "=true in the environment"
		case remote[f] != "" && remote[f] != "true": // whatever else somebody wrote there is no leave
			s.ours = true
			s.On, s.Where, s.Remedy = false, "by the fleet's own policy in the control database", "an admin turns it on: shard-admin fleet policy set "+string(f)+" true --note REASON"
		}
		before = s.On
		out = append(out, s)
	}
	return out, nil
}

func (g *Gate) remote(ctx context.Context) (map[Flag]string, error) {
	out := map[Flag]string{}
	pool, err := g.cfg.Control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	var installed bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, g.table("policy")).Scan(&installed); err != nil || !installed {
		return out, conn.Fault(err, fleet.ControlName)
	}
	rows, err := pool.Query(ctx, `SELECT name, value FROM `+g.table("policy"))
	if err != nil {
		return nil, conn.Fault(err, fleet.ControlName)
	}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error { out[Flag(name)] = value; return nil })
	return out, conn.Fault(err, fleet.ControlName)
}

// SetOperator files an operator; the permit is one of OperatorSet, or of
// FleetInstall for the first.
func (g *Gate) SetOperator(ctx context.Context, tx pgx.Tx, p Permit, email string, role Role, dbRole string) error {
	if p.action != OperatorSet && p.action != FleetInstall {
		return fault.New(fault.Internal, "the permit is for something else", "")
	}
	email = strings.ToLower(strings.TrimSpace(email))
	if !strings.Contains(email, "@") || role.rank() == 0 {
		return fault.New(fault.Usage, "an operator is an e-mail with a role", "roles are viewer, operator and admin")
	}
	admins, err := g.admins(ctx, tx)
	if err != nil {
		return err
	}
	if p.action == FleetInstall && len(admins) > 0 && !slices.Contains(admins, email) {
		return fault.Newf(fault.RoleTooLow, "an admin files others: shard-admin fleet operator set "+email+" --role "+string(role)+" --note REASON",
			"the fleet %s has an admin already; installing again files nobody else", g.cfg.Fleet.Name)
	}
	if role != Admin && slices.Equal(admins, []string{email}) {
		return fault.New(fault.RoleTooLow, email+" is the fleet's only admin", "file another admin first: shard-admin fleet operator set EMAIL --role admin --note REASON")
	}
	_, err = tx.Exec(ctx, `INSERT INTO `+g.table("operator")+` (email, role, db_role, added_by) VALUES ($1, $2, nullif($3, ''), $4)
		ON CONFLICT (email) DO UPDATE SET role = excluded.role, db_role = coalesce(excluded.db_role, operator.db_role), added_by = excluded.added_by, added_at = clock_timestamp()`,
		email, string(role), dbRole, p.operator)
	return conn.Fault(err, fleet.ControlName)
}

// RemoveOperator takes somebody off the fleet's list and returns what they were; the
// permit is one of OperatorSet. The only admin stays.
func (g *Gate) RemoveOperator(ctx context.Context, tx pgx.Tx, p Permit, email string) (Operator, error) {
	if p.action != OperatorSet {
		return Operator{}, fault.New(fault.Internal, "the permit is for something else", "")
	}
	was := Operator{Email: strings.ToLower(strings.TrimSpace(email)), Listed: true}
	admins, err := g.admins(ctx, tx)
	if err != nil {
		return was, err
	}
	if slices.Equal(admins, []string{was.Email}) {
		return was, fault.New(fault.RoleTooLow, was.Email+" is the fleet's only admin", "file another admin first: shard-admin fleet operator set EMAIL --role admin --note REASON")
	}
	err = tx.QueryRow(ctx, `DELETE FROM `+g.table("operator")+` WHERE email = $1 RETURNING role, coalesce(db_role, '')`, was.Email).Scan(&was.Role, &was.DBRole)
	if errors.Is(err, pgx.ErrNoRows) {
		return was, fault.New(fault.NotFound, was.Email+" is not an operator of fleet "+g.cfg.Fleet.Name, "shard-admin fleet operator list shows them")
	}
	return was, conn.Fault(err, fleet.ControlName)
}

// admins lists the fleet's admins; nobody changes the list until tx ends.
func (g *Gate) admins(ctx context.Context, tx pgx.Tx) ([]string, error) {
	if _, err := tx.Exec(ctx, `LOCK TABLE `+g.table("operator")+` IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return nil, conn.Fault(err, fleet.ControlName)
	}
	rows, err := tx.Query(ctx, `SELECT email FROM `+g.table("operator")+` WHERE role = 'admin' ORDER BY email`)
	if err != nil {
		return nil, conn.Fault(err, fleet.ControlName)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, conn.Fault(err, fleet.ControlName)
}

// SetFlag sets a flag of the fleet's own policy.
func (g *Gate) SetFlag(ctx context.Context, tx pgx.Tx, p Permit, f Flag, on bool) error {
	if p.action != PolicySet {
		return fault.New(fault.Internal, "the permit is for something else", "")
	}
	if !slices.Contains(Flags(), f) {
		names := []string{}
		for _, known := range Flags() {
			names = append(names, string(known))
		}
		return fault.Newf(fault.Usage, "flags are "+strings.Join(names, ", "), "there is no flag %s", f)
	}
	_, err := tx.Exec(ctx, `INSERT INTO `+g.table("policy")+` (name, value, changed_by) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = clock_timestamp()`, string(f), fmt.Sprint(on), p.operator)
	return conn.Fault(err, fleet.ControlName)
}

// Operators lists the fleet's operators; nobody where our schema is not there.
func (g *Gate) Operators(ctx context.Context) ([]Operator, error) {
	out := []Operator{}
	pool, err := g.cfg.Control.Pool(ctx)
	if err != nil {
		return out, err
	}
	var installed bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, g.table("operator")).Scan(&installed); err != nil || !installed {
		return out, conn.Fault(err, fleet.ControlName)
	}
	rows, err := pool.Query(ctx, `SELECT email, role, coalesce(db_role, '') FROM `+g.table("operator")+` ORDER BY email`)
	if err != nil {
		return out, conn.Fault(err, fleet.ControlName)
	}
	var e, role, db string
	_, err = pgx.ForEachRow(rows, []any{&e, &role, &db}, func() error {
		out = append(out, Operator{Email: e, Role: Role(role), DBRole: db, Listed: true})
		return nil
	})
	return out, conn.Fault(err, fleet.ControlName)
}
