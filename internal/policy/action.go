package policy

// Action is a kind of change.
type Action string

// The actions.
const (
	FleetInstall   Action = "fleet.install"
	FleetUninstall Action = "fleet.uninstall"
	OperatorSet    Action = "operator.set"
	PolicySet      Action = "policy.set"
	AssignTenant   Action = "tenant.assign"
	MoveStart      Action = "move.start"
	MoveSwitch     Action = "move.switch"
	MoveResume     Action = "move.resume"
	MoveCancel     Action = "move.cancel"
	MoveRollback   Action = "move.rollback"
	MoveFinalize   Action = "move.finalize"
	AuditExport    Action = "audit.export"
	// AuditKeyEnroll files an operator's public key, AuditKeyRevoke says that
	// it no longer speaks for them, AuditCheckpoint signs the chain's end.
	AuditKeyEnroll  Action = "audit.key.enroll"
	AuditKeyRevoke  Action = "audit.key.revoke"
	AuditCheckpoint Action = "audit.checkpoint"
	// AuditPurge removes events from the control database that lie in an archive.
	AuditPurge Action = "audit.purge"
	// AuditErase removes who a pseudonym of the trail is.
	AuditErase Action = "audit.erase"
	// AuditRestart ends the alarm of a computer's copy: the copy is kept as it is, and a
	// new one begun.
	AuditRestart Action = "audit.restart"
	// CredentialSet, CredentialRotate and CredentialForget are of the computer that
	// keeps them, and change nothing in the fleet.
	CredentialSet    Action = "credential.set"
	CredentialRotate Action = "credential.rotate"
	CredentialForget Action = "credential.forget"
	StripeFleet      Action = "fleet.stripe"
	QueuePause       Action = "queue.pause"
	QueueResume      Action = "queue.resume"
	QueueSet         Action = "queue.set"
	AlertAck         Action = "alert.acknowledge"
	AlertSilence     Action = "alert.silence"
	AlertUnsilence   Action = "alert.unsilence"
	RebalanceApply   Action = "rebalance.apply"
	SessionCancel    Action = "session.cancel"
	SessionTerminate Action = "session.terminate"
)

// Role is what an operator may be.
type Role string

// The roles, each may do what the ones before it may.
const (
	NoRole       Role = ""
	Viewer       Role = "viewer"
	OperatorRole Role = "operator"
	Admin        Role = "admin"
)

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case OperatorRole:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// Flag is a switch that a kind of change needs.
type Flag string

// The flags; each needs the ones before it.
const (
	FlagEnabled    Flag = "SHARD_ADMIN_ENABLED"
	FlagAssignment Flag = "SHARD_ASSIGNMENT_ENABLED"
	FlagMigrations Flag = "SHARD_MIGRATIONS_ENABLED"
	FlagBulk       Flag = "SHARD_BULK_OPS_ENABLED"
)

// Flags lists the flags in their order.
func Flags() []Flag { return []Flag{FlagEnabled, FlagAssignment, FlagMigrations, FlagBulk} }

// rule is what an action needs.
type rule struct {
	flag    Flag
	role    Role
	confirm bool // in production, by name
}

func ruleOf(a Action) rule {
	switch a {
	case FleetInstall:
		// The first admin is filed by it, so it asks the database's rights.
		return rule{FlagEnabled, NoRole, false}
	case FleetUninstall:
		return rule{FlagEnabled, Admin, true}
	case OperatorSet, PolicySet:
		return rule{FlagEnabled, Admin, false}
	case AssignTenant:
		return rule{FlagAssignment, OperatorRole, true}
	case MoveStart, MoveSwitch, MoveRollback, RebalanceApply:
		return rule{FlagMigrations, OperatorRole, true}
	case MoveFinalize:
		return rule{FlagMigrations, OperatorRole, true}
	case StripeFleet:
		return rule{FlagMigrations, Admin, true}
	case QueuePause:
		// Whoever may not begin a move may still stop all of them.
		return rule{FlagEnabled, OperatorRole, false}
	case QueueResume:
		return rule{FlagMigrations, OperatorRole, false}
	case QueueSet:
		return rule{FlagMigrations, Admin, false}
	case SessionCancel, SessionTerminate:
		return rule{FlagEnabled, OperatorRole, true}
	case MoveResume, MoveCancel:
		return rule{FlagMigrations, OperatorRole, false}
	case AlertAck, AlertSilence, AlertUnsilence:
		return rule{FlagEnabled, OperatorRole, false}
	case AuditExport, AuditCheckpoint, AuditRestart:
		return rule{"", Viewer, false}
	case AuditKeyEnroll:
		// It speaks for whoever enrolls it and for nobody else.
		return rule{"", OperatorRole, false}
	case AuditKeyRevoke:
		return rule{"", Admin, false}
	case AuditPurge, AuditErase:
		return rule{"", Admin, true}
	case CredentialSet, CredentialRotate, CredentialForget:
		return rule{"", NoRole, false}
	}
	return rule{FlagBulk, Admin, true} // an action nobody described is the most guarded
}

// Actions lists every action that has a rule.
func Actions() []Action {
	return []Action{
		FleetInstall, FleetUninstall, OperatorSet, PolicySet, AssignTenant, MoveStart, MoveSwitch, MoveResume, MoveCancel,
		MoveRollback, MoveFinalize, AuditExport, AuditKeyEnroll, AuditKeyRevoke, AuditCheckpoint, AuditPurge, AuditErase, AuditRestart, CredentialSet, CredentialRotate, CredentialForget, StripeFleet,
		QueuePause, QueueResume, QueueSet, AlertAck, AlertSilence, AlertUnsilence, RebalanceApply, SessionCancel, SessionTerminate,
	}
}
