package policy_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/controltest"
	"shardadmin/internal/policy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	boss = "boss@example.com"
	mate = "mate@example.com"
	eyes = "eyes@example.com"
)

// gate is the gate of an operator on a fleet where this computer has flags on.
func gate(c *controltest.Control, email string, on ...policy.Flag) *policy.Gate {
	return policy.NewGate(policy.Config{
		Fleet: c.Fleet, Control: c.DB, Schema: "shard_admin", Email: email, Source: "cli",
		Local: func(f policy.Flag) (bool, string) {
			for _, x := range on {
				if x == f {
					return true, "in settings.toml"
				}
			}
			return false, "in settings.toml"
		},
	})
}

// staff files an admin, an operator and a viewer; each belongs to the role
// that is connected.
func staff(c *controltest.Control) {
	c.Exec("INSERT INTO shard_admin.operator (email, role, db_role, added_by) VALUES ('" + boss + "', 'admin', '" + c.Role + "', 'x'), ('" + mate + "', 'operator', '" +
		c.Role + "', 'x'), ('" + eyes + "', 'viewer', '" + c.Role + "', 'x')")
}

func refused(t *testing.T, err error, code fault.Code, message, hint string) {
	t.Helper()
	require.Equal(t, code, fault.CodeOf(err), "%v", err)
	require.True(t, fault.Refused(err), "%v", err)
	require.Contains(t, err.Error(), message)
	require.Contains(t, fault.HintOf(err), hint)
}

func request(a policy.Action) policy.Request {
	return policy.Request{Action: a, Tenant: "7", Label: "harbour", Shard: "shard_1", Reason: "because", Confirm: "harbour"}
}

func TestFlagsAreAskedInTheirOrder(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	for _, a := range []policy.Action{policy.AssignTenant, policy.MoveStart} {
		need := []policy.Flag{policy.FlagEnabled, policy.FlagAssignment}
		if a == policy.MoveStart {
			need = append(need, policy.FlagMigrations)
		}
		for i := range need {
			_, err := gate(c, boss, need[:i]...).Permit(t.Context(), request(a))
			refused(t, err, fault.FlagOff, string(a)+" needs the flag "+string(need[i])+", which is off in settings.toml", "shard-admin settings set "+string(need[i])+" true")
			require.Contains(t, fault.HintOf(err), string(need[i])+"=true in the environment")
		}
		p, err := gate(c, boss, need...).Permit(t.Context(), request(a))
		require.NoError(t, err)
		require.True(t, p.Valid())
	}
	// A later flag does not make up for an earlier one.
	_, err := gate(c, boss, policy.FlagMigrations, policy.FlagBulk).Permit(t.Context(), request(policy.MoveStart))
	refused(t, err, fault.FlagOff, string(policy.FlagEnabled), "settings set")
	state, err := gate(c, boss, policy.FlagEnabled, policy.FlagMigrations).Flags(t.Context())
	require.NoError(t, err)
	on := []bool{}
	for _, s := range state {
		on = append(on, s.On)
		require.Equal(t, s.On, s.Remedy == "", s.Flag)
	}
	require.Equal(t, []bool{true, false, false, false}, on)
	require.Equal(t, "because the flag before it is off", state[2].Where)
	// Looking needs none.
	require.NoError(t, gate(c, eyes).May(t.Context(), policy.AuditExport))
}

// Several tenants at once need the last flag on top of what each of them needs, and
// in the worker as well.
func TestSeveralTenantsAtOnceNeedTheLastFlag(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	many := request(policy.MoveStart)
	many.Bulk = true
	without := policy.Flags()[:3]
	_, err := gate(c, boss, without...).Permit(t.Context(), request(policy.MoveStart))
	require.NoError(t, err, "one by one")
	_, err = gate(c, boss, without...).Permit(t.Context(), many)
	refused(t, err, fault.FlagOff, "move.start of several tenants at once needs the flag SHARD_BULK_OPS_ENABLED, which is off in settings.toml", "shard-admin settings set SHARD_BULK_OPS_ENABLED true")
	_, err = gate(c, boss, without...).PermitAs(t.Context(), boss, many)
	refused(t, err, fault.FlagOff, "SHARD_BULK_OPS_ENABLED", "SHARD_BULK_OPS_ENABLED=true in the environment")
	_, err = gate(c, boss, policy.FlagEnabled, policy.FlagBulk).Permit(t.Context(), many)
	refused(t, err, fault.FlagOff, "SHARD_ASSIGNMENT_ENABLED", "settings set")
	for _, who := range []string{boss, mate} {
		p, err := gate(c, who, policy.Flags()...).Permit(t.Context(), many)
		require.NoError(t, err)
		require.Equal(t, policy.MoveStart, p.Action())
	}
	_, err = gate(c, eyes, policy.Flags()...).Permit(t.Context(), many)
	refused(t, err, fault.RoleTooLow, "move.start needs the role operator", "fleet operator set")
	c.Exec("INSERT INTO shard_admin.policy (name, value, changed_by) VALUES ('SHARD_BULK_OPS_ENABLED', 'false', 'x')")
	_, err = gate(c, boss, policy.Flags()...).Permit(t.Context(), many)
	refused(t, err, fault.FlagOff, "SHARD_BULK_OPS_ENABLED, which is off by the fleet's own policy in the control database", "shard-admin fleet policy set SHARD_BULK_OPS_ENABLED true")
}

func TestTheFleetsOwnPolicyWinsWhenItIsStricter(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	g := gate(c, boss, policy.Flags()...)
	for _, value := range []string{"false", "off", "maybe"} {
		c.Exec("INSERT INTO shard_admin.policy (name, value, changed_by) VALUES ('SHARD_ASSIGNMENT_ENABLED', '" + value + "', 'x') ON CONFLICT (name) DO UPDATE SET value = excluded.value")
		_, err := g.Permit(t.Context(), request(policy.MoveStart))
		refused(t, err, fault.FlagOff, "SHARD_ASSIGNMENT_ENABLED, which is off by the fleet's own policy in the control database", "shard-admin fleet policy set SHARD_ASSIGNMENT_ENABLED true")
	}
	c.Exec("UPDATE shard_admin.policy SET value = 'true'")
	_, err := g.Permit(t.Context(), request(policy.MoveStart))
	require.NoError(t, err)
	// The fleet cannot turn on what is off on this computer.
	_, err = gate(c, boss, policy.FlagEnabled).Permit(t.Context(), request(policy.AssignTenant))
	refused(t, err, fault.FlagOff, "SHARD_ASSIGNMENT_ENABLED, which is off in settings.toml", "settings set")
}

func TestRolesMayWhatTheirRulesSay(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	least := map[policy.Action]policy.Role{
		policy.FleetInstall: policy.NoRole, policy.FleetUninstall: policy.Admin, policy.OperatorSet: policy.Admin, policy.PolicySet: policy.Admin,
		policy.AssignTenant: policy.OperatorRole, policy.MoveStart: policy.OperatorRole, policy.MoveSwitch: policy.OperatorRole, policy.MoveResume: policy.OperatorRole,
		policy.MoveCancel: policy.OperatorRole, policy.MoveRollback: policy.OperatorRole, policy.MoveFinalize: policy.OperatorRole,
		policy.AuditExport: policy.Viewer, policy.AuditCheckpoint: policy.Viewer, policy.AuditKeyEnroll: policy.OperatorRole, policy.AuditKeyRevoke: policy.Admin, policy.AuditPurge: policy.Admin, policy.AuditErase: policy.Admin, policy.AuditRestart: policy.Viewer,
		policy.CredentialSet: policy.NoRole, policy.CredentialRotate: policy.NoRole, policy.CredentialForget: policy.NoRole, policy.StripeFleet: policy.Admin,
		policy.QueuePause: policy.OperatorRole, policy.QueueResume: policy.OperatorRole, policy.QueueSet: policy.Admin,
		policy.AlertAck: policy.OperatorRole, policy.AlertSilence: policy.OperatorRole, policy.AlertUnsilence: policy.OperatorRole,
		policy.RebalanceApply: policy.OperatorRole,
		policy.SessionCancel:  policy.OperatorRole, policy.SessionTerminate: policy.OperatorRole,
	}
	require.Len(t, policy.Actions(), len(least))
	rank := map[policy.Role]int{policy.NoRole: 0, policy.Viewer: 1, policy.OperatorRole: 2, policy.Admin: 3}
	people := map[string]policy.Role{"stranger@example.com": policy.NoRole, eyes: policy.Viewer, mate: policy.OperatorRole, boss: policy.Admin}
	for _, a := range append(policy.Actions(), "never.described") {
		need, ok := least[a]
		if !ok {
			need = policy.Admin // the most guarded
		}
		for email, role := range people {
			p, err := gate(c, email, policy.Flags()...).Permit(t.Context(), request(a))
			switch {
			case rank[role] >= rank[need]:
				require.NoError(t, err, "%s %s", a, email)
				require.Equal(t, []any{email, role, a, "because", "cli", "test"}, []any{p.Operator(), p.Role(), p.Action(), p.Reason(), p.Source(), p.Fleet()})
			case role == policy.NoRole:
				refused(t, err, fault.OperatorUnknown, string(a)+" needs the role "+string(need)+": "+email+" is not an operator of fleet test",
					"shard-admin fleet operator set "+email+" --role "+string(need)+" --note REASON")
				require.False(t, p.Valid())
			default:
				refused(t, err, fault.RoleTooLow, string(a)+" needs the role "+string(need)+": "+email+" is "+string(role), "shard-admin fleet operator set "+email)
			}
		}
		// Nobody acts without a name.
		_, err := gate(c, "  ", policy.Flags()...).Permit(t.Context(), request(a))
		refused(t, err, fault.OperatorUnknown, "said who you are", "--as EMAIL")
	}
	// An e-mail is the same in every spelling.
	p, err := gate(c, " Boss@Example.COM ", policy.Flags()...).Permit(t.Context(), request(policy.PolicySet))
	require.NoError(t, err)
	require.Equal(t, boss, p.Operator())
	require.False(t, policy.Permit{}.Valid(), "a permit cannot be written down")
}

func TestWithoutAListEveryoneMayLookAndNobodyMayChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*controltest.Control{"nothing installed": controltest.New(t, fleet.Staging, ""), "nobody filed": controltest.Installed(t, fleet.Staging)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gate(c, boss, policy.Flags()...)
			_, err := g.Permit(t.Context(), request(policy.AssignTenant))
			refused(t, err, fault.OperatorUnknown, boss+" is not an operator of fleet test", "shard-admin fleet install --admin "+boss)
			op, err := g.Operator(t.Context())
			require.NoError(t, err)
			require.Equal(t, policy.NoRole, op.Role)
			require.False(t, op.Listed)
			all, err := g.Operators(t.Context())
			require.NoError(t, err)
			require.Empty(t, all)
			require.NoError(t, g.May(t.Context(), policy.FleetInstall), "so the first can be filed")
			// The environment's list counts as one.
			listed := policy.NewGate(policy.Config{Fleet: c.Fleet, Control: c.DB, Schema: "shard_admin", Email: boss, Admins: []string{" BOSS@example.com", ""}, Local: func(policy.Flag) (bool, string) { return true, "" }})
			p, err := listed.Permit(t.Context(), request(policy.AssignTenant))
			require.NoError(t, err)
			require.Equal(t, policy.Admin, p.Role())
			empty := policy.NewGate(policy.Config{Fleet: c.Fleet, Control: c.DB, Schema: "shard_admin", Email: "", Admins: []string{""}, Local: func(policy.Flag) (bool, string) { return true, "" }})
			_, err = empty.Permit(t.Context(), request(policy.AssignTenant))
			refused(t, err, fault.OperatorUnknown, "nobody said who you are", "--as")
		})
	}
}

func TestProductionAsksForTheNameAndTheRoleOfTheDatabase(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Production)
	staff(c)
	g := gate(c, mate, policy.Flags()...)
	for _, a := range policy.Actions() {
		confirmed := map[policy.Action]bool{
			policy.AssignTenant: true, policy.MoveStart: true, policy.MoveSwitch: true, policy.MoveRollback: true, policy.MoveFinalize: true, policy.FleetUninstall: true, policy.StripeFleet: true,
			policy.RebalanceApply: true, policy.AuditPurge: true, policy.AuditErase: true,
			policy.SessionCancel: true, policy.SessionTerminate: true,
		}[a]
		who := mate
		if a == policy.FleetUninstall || a == policy.OperatorSet || a == policy.PolicySet || a == policy.StripeFleet || a == policy.QueueSet || a == policy.AuditKeyRevoke || a == policy.AuditPurge || a == policy.AuditErase {
			who = boss
		}
		g := gate(c, who, policy.Flags()...)
		req := request(a)
		req.Confirm = ""
		_, err := g.Permit(t.Context(), req)
		if !confirmed {
			require.NoError(t, err, a)
			continue
		}
		name := "harbour"
		if a == policy.FleetUninstall {
			name = "test"
		}
		refused(t, err, fault.ConfirmMissing, "test is production: this change must be confirmed by name", "--confirm "+name)
		for _, wrong := range []string{"yes", "Harbour", name + " "} {
			req.Confirm = wrong
			_, err = g.Permit(t.Context(), req)
			require.Equal(t, fault.ConfirmMissing, fault.CodeOf(err), "%s %q", a, wrong)
		}
		req.Confirm = name
		_, err = g.Permit(t.Context(), req)
		require.NoError(t, err, a)
		if a != policy.FleetUninstall {
			for _, other := range []string{"7", "shard_1"} {
				req.Confirm = other
				_, err = g.Permit(t.Context(), req)
				require.NoError(t, err)
			}
		}
		// A run that was confirmed when it was queued is not asked again.
		req.Confirm = ""
		_, err = g.PermitAs(t.Context(), strings.ToUpper(who), req)
		require.NoError(t, err, a)
	}
	// With nothing named, the fleet's name is asked for.
	_, err := g.Permit(t.Context(), policy.Request{Action: policy.MoveStart, Reason: "x"})
	refused(t, err, fault.ConfirmMissing, "production", "--confirm test")

	// The e-mail must belong to the connected role.
	c.Exec("UPDATE shard_admin.operator SET db_role = 'somebody' WHERE email = '" + mate + "'")
	_, err = g.Permit(t.Context(), request(policy.MoveStart))
	refused(t, err, fault.RoleMismatch, "in production "+mate+" must be connected as its own database role; this connection is "+c.Role, "fleet operator set "+mate+" --db-role "+c.Role)
	require.NoError(t, g.May(t.Context(), policy.CredentialSet), "what changes nothing in the fleet needs no role")
	// A worker connects as itself; the run was queued by the operator's role.
	queued := request(policy.MoveStart)
	queued.QueuedAs = "somebody"
	p, err := g.PermitAs(t.Context(), mate, queued)
	require.NoError(t, err)
	require.Equal(t, mate, p.Operator())
	queued.QueuedAs = "an_impostor"
	_, err = g.PermitAs(t.Context(), mate, queued)
	refused(t, err, fault.RoleMismatch, "the run was queued by an_impostor", "--db-role an_impostor")
	c.Exec("UPDATE shard_admin.operator SET db_role = NULL")
	_, err = g.Permit(t.Context(), request(policy.MoveStart))
	refused(t, err, fault.RoleMismatch, mate, "--db-role")
	// An e-mail from the environment belongs to no role.
	listed := policy.NewGate(policy.Config{Fleet: c.Fleet, Control: c.DB, Schema: "shard_admin", Email: "e@example.com", Admins: []string{"e@example.com"}, Local: func(policy.Flag) (bool, string) { return true, "" }})
	_, err = listed.Permit(t.Context(), request(policy.MoveStart))
	refused(t, err, fault.RoleMismatch, "e@example.com", "--db-role")
}

func TestEveryChangeNeedsAReason(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	req := request(policy.AssignTenant)
	req.Reason = " \t"
	_, err := gate(c, boss, policy.Flags()...).Permit(t.Context(), req)
	refused(t, err, fault.ReasonMissing, "every change needs a reason", "--note")
}

// What is recorded later has a name and a reason all the same.
func TestWhatIsRecordedLaterSaysWhoAndWhy(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	who, why, err := gate(c, boss).Said(policy.AuditExport, " for the auditor ")
	require.NoError(t, err)
	require.Equal(t, []string{boss, "for the auditor"}, []string{who, why})
	_, _, err = gate(c, boss).Said(policy.AuditExport, " \t")
	refused(t, err, fault.ReasonMissing, "every change needs a reason", "--note")
	_, _, err = gate(c, "").Said(policy.AuditExport, "why")
	refused(t, err, fault.OperatorUnknown, "nobody said who you are", "--as EMAIL")
}

func TestTheDemoLetsEveryoneDoEverything(t *testing.T) {
	t.Parallel()
	// A set that can reach nothing: the demo asks nobody.
	f := &fleet.Fleet{Name: "demo", Environment: fleet.Demo, Control: fleet.Endpoint{URL: "postgres://127.0.0.1:1/x"}, Shards: []fleet.Shard{{Name: "default", InControl: true}}}
	set := conn.Open(f, conn.Options{Resolver: credential.Chain{NoKeychain: true}})
	t.Cleanup(set.Close)
	g := policy.NewGate(policy.Config{Fleet: f, Control: set.Control(), Schema: "shard_admin"})
	for _, a := range policy.Actions() {
		p, err := g.Permit(t.Context(), policy.Request{Action: a, Tenant: "1"})
		require.NoError(t, err)
		require.Equal(t, policy.Admin, p.Role())
		require.Equal(t, "demo@localhost", p.Operator())
		require.Equal(t, "demo", p.Reason())
	}
	state, err := g.Flags(t.Context())
	require.NoError(t, err)
	for _, s := range state {
		require.True(t, s.On)
	}
}

// inTx runs f in a transaction of the operator's pool and keeps what it did.
func inTx(t *testing.T, c *controltest.Control, f func(pgx.Tx) error) error {
	t.Helper()
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	return pgx.BeginFunc(t.Context(), pool, f)
}

func TestOperatorsAreFiledByAdmins(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	g := gate(c, boss, policy.Flags()...)
	set := func(p policy.Permit, email string, role policy.Role, db string) error {
		return inTx(t, c, func(tx pgx.Tx) error { return g.SetOperator(t.Context(), tx, p, email, role, db) })
	}
	install, err := g.Permit(t.Context(), request(policy.FleetInstall))
	require.NoError(t, err)
	require.NoError(t, set(install, " Boss@Example.com", policy.Admin, c.Role))
	require.NoError(t, set(install, boss, policy.Admin, ""), "installing again changes nothing")
	// Whoever may install may not make themselves an admin of a fleet that has one.
	stranger, err := gate(c, "me@example.com", policy.Flags()...).Permit(t.Context(), request(policy.FleetInstall))
	require.NoError(t, err)
	refused(t, set(stranger, "me@example.com", policy.Admin, ""), fault.RoleTooLow, "has an admin already", "fleet operator set me@example.com")
	filed, err := g.Permit(t.Context(), request(policy.OperatorSet))
	require.NoError(t, err)
	require.NoError(t, set(filed, mate, policy.OperatorRole, "mate_role"))
	require.NoError(t, set(filed, mate, policy.Viewer, ""))
	refused(t, set(filed, boss, policy.Viewer, ""), fault.RoleTooLow, boss+" is the fleet's only admin", "another admin first")
	for _, bad := range [][2]string{{"nobody", "admin"}, {"a@b", "king"}, {"a@b", ""}} {
		require.Equal(t, fault.Usage, fault.CodeOf(set(filed, bad[0], policy.Role(bad[1]), "")))
	}
	other, err := g.Permit(t.Context(), request(policy.AssignTenant))
	require.NoError(t, err)
	require.Equal(t, fault.Internal, fault.CodeOf(set(other, mate, policy.Admin, "")), "a permit is for what it says")
	list, err := g.Operators(t.Context())
	require.NoError(t, err)
	require.Equal(t, []policy.Operator{
		{Email: boss, Role: policy.Admin, DBRole: c.Role, Listed: true}, {Email: mate, Role: policy.Viewer, DBRole: "mate_role", Listed: true},
	}, list)
}

func TestFlagsOfTheFleetAreSetByAdmins(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	g := gate(c, boss, policy.Flags()...)
	set := func(p policy.Permit, f policy.Flag, on bool) error {
		return inTx(t, c, func(tx pgx.Tx) error { return g.SetFlag(t.Context(), tx, p, f, on) })
	}
	p, err := g.Permit(t.Context(), request(policy.PolicySet))
	require.NoError(t, err)
	require.NoError(t, set(p, policy.FlagMigrations, false))
	require.Equal(t, fault.FlagOff, fault.CodeOf(g.May(t.Context(), policy.MoveStart)))
	require.NoError(t, set(p, policy.FlagMigrations, true))
	require.NoError(t, g.May(t.Context(), policy.MoveStart))
	// Who turned off everything can turn it on again, as its remedy says.
	require.NoError(t, set(p, policy.FlagEnabled, false))
	require.Equal(t, fault.FlagOff, fault.CodeOf(g.May(t.Context(), policy.OperatorSet)))
	p, err = g.Permit(t.Context(), request(policy.PolicySet))
	require.NoError(t, err)
	require.NoError(t, set(p, policy.FlagEnabled, true))
	require.NoError(t, g.May(t.Context(), policy.OperatorSet))
	require.Equal(t, fault.FlagOff, fault.CodeOf(gate(c, boss).May(t.Context(), policy.PolicySet)), "this computer's flag still counts")
	err = set(p, "SHARD_EVERYTHING", true)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "SHARD_ADMIN_ENABLED")
	other, err := g.Permit(t.Context(), request(policy.OperatorSet))
	require.NoError(t, err)
	require.Equal(t, fault.Internal, fault.CodeOf(set(other, policy.FlagBulk, true)))
}

func TestAPolicyThatCannotBeReadIsARefusal(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	staff(c)
	role := controltest.Role(t)
	set := c.As(role)
	g := policy.NewGate(policy.Config{Fleet: c.Fleet, Control: set.Control(), Schema: "shard_admin", Email: boss, Local: func(policy.Flag) (bool, string) { return true, "" }})
	_, err := g.Permit(t.Context(), request(policy.AssignTenant))
	refused(t, err, fault.RightMissing, "permission denied", "GRANT")
}
