package session

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/audit/mirror"
	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
)

//go:embed sql/check.sql
var checkSQL string

// Check looks at every database of the fleet: whether it answers, what it is,
// and which rights the connected role lacks.
func (s *Session) Check(ctx context.Context) (FleetCheck, error) {
	dbs := []*conn.Database{s.set.Control()}
	out := FleetCheck{OK: true, CheckedAt: now()}
	for _, sh := range s.cfg.Fleet.Shards {
		if sh.Configured() && !sh.InControl {
			db, err := s.set.Shard(sh.Name)
			if err != nil {
				return out, err
			}
			dbs = append(dbs, db)
		}
	}
	out.Databases = make([]DatabaseCheck, len(dbs))
	var wg sync.WaitGroup
	for i, db := range dbs {
		wg.Go(func() { out.Databases[i] = s.checkOne(ctx, db) })
	}
	wg.Wait()
	for i, a := range dbs {
		for j := range i {
			if !out.Databases[i].Reachable || !out.Databases[j].Reachable {
				continue
			}
			same, err := conn.Same(ctx, dbs[j], a)
			switch {
			case err != nil:
				out.Databases[i].Warnings = append(out.Databases[i].Warnings, "whether this is the same database as "+dbs[j].Name()+" is not known: "+*errorText(err))
			case same:
				remedy := "give one of them another url"
				if dbs[j].InControl() {
					remedy = `give the shard database = "control", or another url`
				}
				out.Databases[i].SameAs = dbs[j].Name()
				out.Databases[i].Warnings = append(out.Databases[i].Warnings, "this is the same database as "+dbs[j].Name()+": "+remedy)
			}
			if same {
				break // the first of its names says enough
			}
		}
	}
	for _, sh := range s.cfg.Fleet.Shards {
		if !sh.Configured() {
			out.Databases = append(out.Databases, DatabaseCheck{Name: sh.Name, Missing: []MissingRight{}, Optional: []MissingRight{}, SSH: []SSHHop{}, Warnings: []string{"known, but without a connection in the fleet file"}})
		}
	}
	for _, d := range out.Databases {
		if d.Configured && (!d.Reachable || len(d.Missing) > 0 || d.SameAs != "") {
			out.OK = false
		}
	}
	return out, nil
}

func (s *Session) checkOne(ctx context.Context, db *conn.Database) (v DatabaseCheck) {
	v = DatabaseCheck{
		Name: db.Name(), Configured: true, Host: db.Host(), Port: db.Port(), Database: db.DatabaseName(), TLS: "none", TLSMode: db.TLSMode(),
		Missing: []MissingRight{}, Optional: []MissingRight{}, Warnings: []string{}, SSH: []SSHHop{},
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second+db.WayLimit())
	defer cancel()
	// What is known of the way at the end: it is dialled by what comes first.
	defer func() { v.SSH = waysOf(db) }()
	fail := func(err error) DatabaseCheck {
		v.Error, v.Problem = errorText(err), problem(err)
		return v
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return fail(err)
	}
	if err := pool.Ping(ctx); err != nil {
		return fail(conn.Fault(err, db.Name()))
	}
	begin := time.Now()
	if _, err := pool.Exec(ctx, "SELECT 1"); err != nil {
		return fail(conn.Fault(err, db.Name()))
	}
	v.LatencyMS, v.Reachable = ptr(milliseconds(time.Since(begin))), true
	var recovery, readOnly bool
	var slots int
	if err := pool.QueryRow(ctx, checkSQL).Scan(&v.Version, &v.User, &v.TLS, &recovery, &readOnly, &v.WALLevel, &slots); err != nil {
		return fail(conn.Fault(err, db.Name()))
	}
	v.InRecovery, v.ReadOnly, v.FreeSlots = &recovery, &readOnly, &slots
	switch v.TLSMode {
	case "verify-full":
	case "verify-ca":
		v.Warnings = append(v.Warnings, "sslmode=verify-ca does not check the server's name; verify-full does")
	default:
		v.Warnings = append(v.Warnings, fmt.Sprintf("sslmode=%s does not prove who the server is; verify-full does", v.TLSMode))
	}
	if recovery {
		v.Warnings = append(v.Warnings, "the database is a standby: it takes no writes")
	} else if readOnly {
		v.Warnings = append(v.Warnings, "the database is read-only by setting")
	}
	if c, err := db.Direct(ctx, conn.DirectOptions{Purpose: "check"}); err == nil {
		_ = c.Close(context.WithoutCancel(ctx))
	} else if fault.CodeOf(err) == fault.PoolerInPath {
		v.Pooler = true
		v.Warnings = append(v.Warnings, "the connection goes through a pooler and direct is missing: moves are refused")
	}
	if err := s.ready(); err != nil {
		v.Warnings = append(v.Warnings, "rights were not checked: "+*errorText(err))
		return v
	}
	m, err := s.mapOf(ctx, db)
	if err != nil {
		v.Warnings = append(v.Warnings, "rights on tables were not checked: "+*errorText(err))
		return v
	}
	missing, err := rights.Check(ctx, db, preflight.Need(m, s.profile, s.schema, rights.Capabilities()...))
	if err != nil {
		return fail(err)
	}
	for _, x := range missing {
		to := &v.Missing
		if x.Capability.Optional() {
			to = &v.Optional
		}
		*to = append(*to, MissingRight{Capability: string(x.Capability), Right: x.Right, Grant: x.Grant + ";"})
	}
	return v
}

// InstallRequest says who is the first admin of the fleet.
type InstallRequest struct{ Admin, Note, Confirm string }

// InstallStatus reads what is installed.
func (s *Session) InstallStatus(ctx context.Context) (InstallView, error) {
	st, err := s.install.Status(ctx, s.set.Control())
	return InstallView(st), err
}

// Install makes the schema of ours in the control database or upgrades it, and
// files the first admin. It refuses a fleet of which tenants' rows lie on two
// shards.
func (s *Session) Install(ctx context.Context, r InstallRequest) (InstallView, error) {
	if err := s.ready(); err != nil {
		return InstallView{}, err
	}
	if err := s.install.Check(); err != nil {
		return InstallView{}, err
	}
	st, err := s.install.Status(ctx, s.set.Control())
	if err != nil {
		return InstallView(st), err
	}
	if st.Version > st.Wanted {
		return InstallView(st), s.install.RequireCurrent(ctx, s.set.Control())
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.FleetInstall, Shard: s.cfg.Fleet.Name, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return InstallView(st), err
	}
	first := !st.Installed
	if st.Installed { // perhaps by a DBA, and nobody is filed yet
		list, err := s.gate.Operators(ctx)
		if err != nil {
			return InstallView(st), err
		}
		first = len(list) == 0
	}
	if first {
		if err := s.onOneShard(ctx); err != nil {
			return InstallView(st), err
		}
	}
	if err := s.install.Install(ctx, s.set.Control()); err != nil {
		return InstallView(st), err
	}
	if s.profile.PointerColumn() == "" {
		if err := s.filePlacements(ctx); err != nil {
			return InstallView(st), err
		}
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return InstallView(st), err
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if r.Admin != "" {
			var user string
			if err := tx.QueryRow(ctx, "SELECT current_user").Scan(&user); err != nil {
				return err
			}
			if err := s.gate.SetOperator(ctx, tx, permit, r.Admin, policy.Admin, user); err != nil {
				return err
			}
		}
		_, err := s.trail.AppendTx(ctx, tx, permit, audit.Record{Before: map[string]any{"version": st.Version}, After: map[string]any{"version": st.Wanted, "admin": r.Admin}})
		return err
	})
	if err != nil {
		return InstallView(st), conn.Fault(err, fleet.ControlName)
	}
	s.handIn(ctx)
	st, err = s.install.Status(ctx, s.set.Control())
	return InstallView(st), err
}

// onOneShard refuses a fleet of which a tenant's rows lie on two shards.
func (s *Session) onOneShard(ctx context.Context) error {
	check, err := s.CheckTenants(ctx)
	if err != nil {
		return err
	}
	for _, p := range check.Tenants {
		if len(p.RowsOn) > 1 {
			return fault.Newf(fault.PlacementDisagrees, "shard-admin tenants check lists all such tenants; put each one's rows on one shard first", "tenant %s (%s): %s", p.Label, p.ID, p.Why)
		}
	}
	return nil
}

// filePlacements files every tenant of an application without a pointer under
// the shard where its rows are; one without rows where the pointer of a tenant
// that is not filed leads.
func (s *Session) filePlacements(ctx context.Context) error {
	found, err := placement.Check(ctx, s.placement())
	if err != nil {
		return err
	}
	for _, sh := range s.cfg.Fleet.Shards {
		if found.Unreachable[sh.Name] != nil {
			return fault.Newf(fault.DatabaseUnreachable, "bring it up, then install again", "shard %s does not answer: where its tenants are is not known", sh.Name)
		}
	}
	on := map[string]string{}
	for _, w := range found.Tenants {
		switch {
		case !w.Known:
		case len(w.RowsOn) == 0:
			on[w.Tenant.ID] = w.Tenant.Shard
		case len(w.RowsOn) == 1:
			on[w.Tenant.ID] = w.RowsOn[0]
		}
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for id, shard := range on {
			if _, err := tx.Exec(ctx, "INSERT INTO "+pgx.Identifier{s.schema, "placement"}.Sanitize()+" (tenant, shard) VALUES ($1, $2) ON CONFLICT (tenant) DO NOTHING", id, shard); err != nil {
				return err
			}
		}
		return nil
	}), fleet.ControlName)
}

// Script is SQL for one database, to be run by somebody who may.
type Script struct {
	Database string `json:"database"`
	SQL      string `json:"sql"`
}

// InstallScript returns what Install does, and the rights that are missing, as
// plain SQL for each database. Like Install it refuses a fleet of which tenants'
// rows lie on two shards, as far as this role can see.
func (s *Session) InstallScript(ctx context.Context) ([]Script, error) {
	if st, err := s.install.Status(ctx, s.set.Control()); err == nil && !st.Installed {
		if err := s.onOneShard(ctx); fault.CodeOf(err) == fault.PlacementDisagrees {
			return nil, err
		}
	}
	check, err := s.Check(ctx)
	if err != nil {
		return nil, err
	}
	out := []Script{}
	for _, d := range check.Databases {
		if !d.Configured {
			continue
		}
		text := "-- " + d.Name + ": " + d.Host + ", database " + d.Database + "\n"
		if d.Error != nil {
			text += "-- it does not answer, so the rights that are missing are not known: " + *d.Error + "\n"
		}
		for _, m := range d.Missing {
			text += m.Grant + " -- " + m.Capability + ": " + m.Right + "\n"
		}
		for _, m := range d.Optional {
			text += "-- optional: " + m.Grant + " -- " + m.Capability + ": " + m.Right + "\n"
		}
		if d.Name == fleet.ControlName {
			text += s.install.Script(d.User)
		}
		out = append(out, Script{d.Name, text})
	}
	return out, nil
}

// Uninstall removes the schema with the audit trail in it. This computer's copy has all
// of it, up to the outcome, which is one transaction with the removal.
func (s *Session) Uninstall(ctx context.Context, note, confirm string) error {
	// Not even the refusal is written into a schema that is newer.
	st, err := s.install.Status(ctx, s.set.Control())
	if err != nil {
		return err
	}
	if !st.Installed || st.Version > st.Wanted {
		return s.install.RequireCurrent(ctx, s.set.Control())
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.FleetUninstall, Shard: s.cfg.Fleet.Name, Reason: note, Confirm: confirm})
	if err != nil {
		return err
	}
	intent, err := s.trail.Begin(ctx, permit, audit.Intent{})
	if err != nil {
		return err
	}
	// The copy on this computer keeps what the schema takes with it.
	if _, err := s.SyncAudit(ctx); err != nil {
		_, _ = intent.Finish(ctx, audit.Outcome{Status: "failed", Err: err})
		return err
	}
	return s.withMirror(ctx, func(m *mirror.Mirror) error {
		var keep func(context.Context) error
		if err := s.install.Uninstall(ctx, s.set.Control(), func(ctx context.Context, tx pgx.Tx) error {
			r, err := intent.FinishTx(ctx, tx, audit.Outcome{})
			if err == nil {
				keep, err = m.Rest(ctx, r)
			}
			return err
		}); err != nil {
			_, _ = intent.Finish(ctx, audit.Outcome{Status: "refused", Err: err})
			return err
		}
		if err := keep(context.WithoutCancel(ctx)); err != nil {
			return fault.Wrapf(err, fault.CodeOf(err), fault.HintOf(err), "the schema was removed, and this computer's copy of the trail could not take that it was: %s", err)
		}
		return nil
	})
}

// Policy says who may do what.
func (s *Session) Policy(ctx context.Context) (PolicyView, error) {
	out := PolicyView{Operators: []OperatorView{}, Flags: []FlagView{}}
	me, err := s.gate.Operator(ctx)
	if err != nil {
		return out, err
	}
	out.Me = operatorView(me)
	flags, err := s.gate.Flags(ctx)
	if err != nil {
		return out, err
	}
	for _, f := range flags {
		out.Flags = append(out.Flags, FlagView{string(f.Flag), f.On, f.Where, f.Remedy})
	}
	list, err := s.gate.Operators(ctx)
	for _, o := range list {
		out.Operators = append(out.Operators, operatorView(o))
	}
	return out, err
}

func operatorView(o policy.Operator) OperatorView {
	return OperatorView{o.Email, string(o.Role), o.DBRole, o.Listed, o.Why}
}

// SetOperator files an operator of the fleet with a role.
func (s *Session) SetOperator(ctx context.Context, email, role, dbRole, note, confirm string) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.OperatorSet, Shard: s.cfg.Fleet.Name, Reason: note, Confirm: confirm})
	if err != nil {
		return err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.gate.SetOperator(ctx, tx, permit, email, policy.Role(role), dbRole); err != nil {
			return err
		}
		_, err := s.trail.AppendTx(ctx, tx, permit, audit.Record{After: map[string]any{"email": email, "role": role, "db_role": dbRole}})
		return err
	}), fleet.ControlName)
}

// RemoveOperator takes an operator off the fleet's list; it answers with the role that
// they had.
func (s *Session) RemoveOperator(ctx context.Context, email, note, confirm string) (OperatorView, error) {
	if err := s.installed(ctx); err != nil {
		return OperatorView{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.OperatorSet, Shard: s.cfg.Fleet.Name, Reason: note, Confirm: confirm})
	if err != nil {
		return OperatorView{}, err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return OperatorView{}, err
	}
	var was policy.Operator
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if was, err = s.gate.RemoveOperator(ctx, tx, permit, email); err != nil {
			return err
		}
		_, err := s.trail.AppendTx(ctx, tx, permit, audit.Record{
			Before: map[string]any{"email": was.Email, "role": string(was.Role), "db_role": was.DBRole}, After: map[string]any{"email": was.Email, "role": ""},
		})
		return err
	})
	return operatorView(was), conn.Fault(err, fleet.ControlName)
}

// triedKept is what is safe after a credential that does not open what it is for: it
// may have been kept before it was tried.
const triedKept = "no database was changed; the credential that was tried is the one that is kept"

// CredentialTest is whether a credential opens what it is for.
type CredentialTest struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	User    string   `json:"user"`
	OK      bool     `json:"ok"`
	Problem *Problem `json:"problem"`
}

// ofChannel reports whether a credential is a channel's.
func (s *Session) ofChannel(name string) bool {
	for _, c := range s.cfg.Fleet.Channels {
		if name == c.CredentialName() || name == c.SecretName() {
			return true
		}
	}
	return false
}

func (s *Session) knows(name string) error {
	if name == fleet.APICredential {
		return nil
	}
	for _, c := range s.cfg.Fleet.Credentials() {
		if c == name {
			return nil
		}
	}
	return fault.Newf(fault.NotFound, fmt.Sprintf("the fleet uses %v", s.cfg.Fleet.Credentials()), "the fleet %s uses no credential %q", s.cfg.Fleet.Name, name)
}

// SetCredential keeps a user name and a password in the keychain or vault, over what
// was there, drops the connections that were made with the old ones, and records it.
func (s *Session) SetCredential(ctx context.Context, name, user string, password credential.Secret, note string) error {
	if err := s.knows(name); err != nil {
		return err
	}
	return s.keepCredential(ctx, policy.CredentialSet, name, user, password, note)
}

func (s *Session) keepCredential(ctx context.Context, action policy.Action, name, user string, password credential.Secret, note string) error {
	if err := s.keychain.Set(ctx, s.cfg.Fleet.Name, name, credential.Credential{User: user, Password: password}); err != nil {
		return err
	}
	s.Reconnect()
	s.credentialChanged(ctx, action, name, user, note)
	return nil
}

// TookCredential records that a password was taken out of the fleet file and is kept
// elsewhere.
func (s *Session) TookCredential(ctx context.Context, name, user, note string) {
	s.credentialChanged(ctx, policy.CredentialSet, name, user, note)
}

// RotateCredential replaces the password that the keychain keeps by one that
// the databases accept; where they refuse it, the kept one stays.
func (s *Session) RotateCredential(ctx context.Context, name string, password credential.Secret, note string) (CredentialTest, error) {
	out := CredentialTest{Name: name, Source: string(s.keychain.Source())}
	if err := s.knows(name); err != nil {
		return out, err
	}
	kept, err := s.keychain.Get(ctx, s.cfg.Fleet.Name, name)
	if errors.Is(err, credential.ErrNotFound) {
		return out, s.notKept(name)
	} else if err != nil {
		return out, err
	}
	next := credential.Credential{User: kept.User, Password: password}
	if out, err = s.tryCredential(ctx, name, fixed{name, next, s.keychain.Source(), s.cfg.Resolver}); err != nil {
		return out, err
	}
	if !out.OK {
		return out, fault.New(fault.Code(out.Problem.Code), out.Problem.Message, "the kept password stays; change it in the database first, then rotate")
	}
	return out, s.keepCredential(ctx, policy.CredentialRotate, name, next.User, next.Password, note)
}

// ForgetCredential removes a credential from the keychain. It is recorded through the
// connections that were made with it, before they end: afterwards nobody may get in.
func (s *Session) ForgetCredential(ctx context.Context, name, note string) error {
	within, cancel := context.WithTimeout(ctx, recordWithin)
	_ = s.trailThere(within) // opens one, where it can
	cancel()
	if err := s.keychain.Delete(ctx, s.cfg.Fleet.Name, name); errors.Is(err, credential.ErrNotFound) {
		return s.notKept(name)
	} else if err != nil {
		return err
	}
	s.credentialChanged(ctx, policy.CredentialForget, name, "", note)
	s.Reconnect()
	return nil
}

func (s *Session) notKept(name string) error {
	return fault.Newf(fault.CredentialMissing, "shard-admin --fleet "+s.cfg.Fleet.Name+" fleet credential set "+name+" keeps one", "the %s holds no credential %q of fleet %s", s.keychain.Source(), name, s.cfg.Fleet.Name)
}

// TestCredential opens each database that a credential is for, with new
// connections: one that is open already says nothing about the password.
func (s *Session) TestCredential(ctx context.Context, name string) (CredentialTest, error) {
	if err := s.knows(name); err != nil {
		return CredentialTest{Name: name, Source: string(credential.FromNowhere)}, err
	}
	return s.tryCredential(ctx, name, s.cfg.Resolver)
}

func (s *Session) tryCredential(ctx context.Context, name string, r credential.Resolver) (CredentialTest, error) {
	out := CredentialTest{Name: name, Source: string(credential.FromNowhere), OK: true}
	set := conn.Open(s.cfg.Fleet, conn.Options{Resolver: r, MaxConns: 1, ConnectTimeout: 5 * time.Second, Env: s.cfg.Env})
	defer set.Close()
	dbs := []*conn.Database{set.Control()}
	for _, db := range set.Configured() {
		if !db.InControl() {
			dbs = append(dbs, db)
		}
	}
	switch name {
	case fleet.SSHCredential:
		return s.tryKeys(ctx, dbs, r)
	case fleet.APICredential:
		_, from, err := s.apiToken(ctx)
		out.Source = string(from)
		if err != nil {
			out.OK, out.Problem = false, problem(err)
		}
		return out, nil
	}
	if s.ofChannel(name) {
		// What it opens is found out by telling somebody: notify test does that.
		c, from, err := r.Resolve(ctx, s.cfg.Fleet.Name, name, credential.Endpoint{})
		out.Source = string(from)
		if err == nil && c.Password.Empty() {
			err = c.Lacking
		}
		if err != nil {
			out.OK, out.Problem = false, problem(err)
		}
		return out, nil
	}
	for _, db := range dbs {
		if db.Credential() != name {
			continue
		}
		c, from, err := r.Resolve(ctx, s.cfg.Fleet.Name, name, credential.Endpoint{Host: db.Host(), Port: db.Port(), Database: db.DatabaseName(), User: db.User()})
		out.Source, out.User = string(from), c.User
		if err == nil {
			_, err = db.Pool(ctx)
		}
		if err != nil {
			out.OK, out.Problem = false, problem(err)
			out.Problem.Safe = triedKept
			return out, nil
		}
	}
	return out, nil
}
