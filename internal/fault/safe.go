package fault

// Unchanged is what is safe after a code that is only given before anything was
// changed.
const Unchanged = "nothing was changed"

// Where a code leaves open how far the call came, these say where that shows.
const (
	inTheTrail  = "how far it came is not known: what was begun is in the audit trail, so look there before doing it again"
	noEntry     = "nothing was done over the connection that could not be made; what the same call had done before is in the audit trail"
	takenBack   = "the step that failed was not done or was rolled back; what was done before it is in the audit trail, and move show has it of a move"
	moveShows   = "move show says on which shard the tenant lives and what the other one holds"
	keptOrNot   = "fleet credential test says what is kept; a keychain that only waited may still do what it was asked"
	vaultIsKept = "the vault is as it was"
	striped     = "what is striped stays so; fleet stripe-sequences --plan says how every sequence counts"
)

// safe is what can be relied on after the codes that do not promise that nothing
// was changed: what is true wherever the code is given, and where it shows how far
// the call came. A code is here or has Before, and never both.
var safe = map[Code]string{
	Internal:  inTheTrail,
	Cancelled: inTheTrail,
	TimedOut:  inTheTrail,
	DiskFull:  "no database was changed by what could not be written here, and a file that was half written is not to be used; what the same call had done before is in the audit trail",

	KeychainLocked:    keptOrNot,
	KeychainAbsent:    "no keychain was changed; fleet credential test says what opens a database",
	VaultLocked:       vaultIsKept,
	VaultRefused:      vaultIsKept,
	VaultDamaged:      vaultIsKept,
	CredentialMissing: noEntry,

	SSHUnreachable:   noEntry,
	SSHLoginRefused:  noEntry,
	SSHHostUnknown:   noEntry,
	SSHHostChanged:   noEntry,
	SSHConfigInvalid: noEntry,

	DatabaseUnreachable: noEntry,
	DatabaseGone:        inTheTrail,
	DatabaseReadOnly:    takenBack,
	DatabaseFailed:      takenBack,
	LoginRefused:        noEntry,
	TLSInvalid:          noEntry,
	TLSExpired:          noEntry,
	RightMissing:        takenBack,
	PoolerInPath:        noEntry,
	LockTimeout:         takenBack,
	TargetDiskFull:      "the tenant goes on where it is; move show says how much was copied",

	InstallFailed: "the step that failed was rolled back; fleet install --print shows every step, and doctor what is there",

	AuditTampered:  "audit verify names the first event that does not fit; those before it fit together",
	FileUnreadable: "nothing was written to the file that could not be read",
	MirrorConflict: "this computer's copy keeps what it had, as evidence; it is not brought in line with the server",

	PlacementDisagrees: "tenants check says of every tenant where its pointer and its rows are",

	MoveNoWorker:    "the move is filed and waits; the tenant stays where it is until a worker takes it",
	MoveParked:      "what was done is kept, and resume goes on from there; " + moveShows,
	LeaseLost:       "this program wrote nothing after it lost the run; " + moveShows,
	FenceExpired:    "the tenant writes where it wrote before",
	CarryBehind:     "the tenant writes where it did, and the move can go on",
	GuardMissing:    "the pointer did not move, and the tenant writes where it did",
	StandbyBehind:   "the pointer did not move, and the tenant writes where it did",
	VerifyDifferent: "rows that differ do not count as verified; " + moveShows,
	SchemaDifferent: moveShows,
	PurgeUnlisted:   "the rows that the move did not copy are left where they are; " + moveShows,
	PlanPartly:      "tenants without rows that were assigned stay so, and moves that were queued go on; the message and the audit trail name them",
	BatchStopped:    "a move that is cancelled for it had not begun; move list has those that had",

	NotifyFailed:  "nothing of the fleet was changed; alerts list says what waits to be sent",
	NotifyRefused: "nothing of the fleet was changed; alerts list says how the channel goes",

	StripesFixed:     striped,
	StripesFull:      striped,
	SequenceOverflow: striped,
	SequenceUnsuited: striped,

	DemoFailed:   "no fleet but the demo's was touched; demo status says which of its servers run",
	NoBinaries:   "no server was started",
	NoDisplay:    "no window was opened",
	ListenFailed: "nothing of this program listens on that address",
}

// Safe returns what can be relied on although err was given; "" for no error.
func Safe(err error) string {
	if err == nil {
		return ""
	}
	if NothingChanged(err) {
		return Unchanged
	}
	return safe[CodeOf(err)]
}
