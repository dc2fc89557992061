package fault

import "sort"

// Code names a kind of failure. Codes are part of the outside contract.
type Code string

// The codes, by what they are about.
const (
	Internal  Code = "internal"
	Cancelled Code = "cancelled"
	TimedOut  Code = "timed_out"
	Usage     Code = "usage"
	NotFound  Code = "not_found"
	DiskFull  Code = "disk_full"

	NotAvailable Code = "not_available"

	FleetInvalid     Code = "fleet_invalid"
	FleetHoldsSecret Code = "fleet_holds_secret"
	FleetUnknown     Code = "fleet_unknown"
	FleetExists      Code = "fleet_exists"
	ImportInvalid    Code = "import_invalid"
	SettingsInvalid  Code = "settings_invalid"
	ProfileInvalid   Code = "profile_invalid"

	KeychainLocked    Code = "keychain_locked"
	KeychainAbsent    Code = "keychain_absent"
	VaultLocked       Code = "vault_locked"
	VaultRefused      Code = "vault_refused"
	VaultDamaged      Code = "vault_damaged"
	CredentialMissing Code = "credential_missing"
	CredentialClash   Code = "credential_clash"

	SSHUnreachable   Code = "ssh_unreachable"
	SSHLoginRefused  Code = "ssh_login_refused"
	SSHHostUnknown   Code = "ssh_host_key_unknown"
	SSHHostChanged   Code = "ssh_host_key_changed"
	SSHConfigInvalid Code = "ssh_config_invalid"

	DatabaseUnreachable Code = "database_unreachable"
	DatabaseGone        Code = "database_connection_lost"
	DatabaseReadOnly    Code = "database_read_only"
	DatabaseFailed      Code = "database_failed"
	LoginRefused        Code = "login_refused"
	TLSInvalid          Code = "tls_invalid"
	TLSExpired          Code = "tls_certificate_expired"
	RightMissing        Code = "right_missing"
	PoolerInPath        Code = "pooler_in_path"
	LockTimeout         Code = "lock_timeout"
	SameDatabase        Code = "same_database"
	TargetDiskFull      Code = "target_disk_full"

	NotInstalled  Code = "not_installed"
	SchemaNewer   Code = "schema_newer"
	SchemaOlder   Code = "schema_older"
	InstallFailed Code = "install_failed"

	FlagOff         Code = "flag_off"
	OperatorUnknown Code = "operator_unknown"
	RoleTooLow      Code = "role_too_low"
	ReasonMissing   Code = "reason_missing"
	ConfirmMissing  Code = "confirmation_missing"
	ReentryRefused  Code = "reentry_refused"
	RoleMismatch    Code = "operator_role_mismatch"

	AuditTampered    Code = "audit_tampered"
	AuditUnavailable Code = "audit_unavailable"
	MirrorConflict   Code = "mirror_conflict"
	FileUnreadable   Code = "file_unreadable"
	KeyNotEnrolled   Code = "key_not_enrolled"
	NotAnArchive     Code = "not_an_archive"
	PersonActive     Code = "person_active"
	PersonUnknown    Code = "person_unknown"
	MirrorBehindCut  Code = "mirror_behind_cut"
	NoCopy           Code = "no_copy"
	FilterUnknown    Code = "filter_unknown"
	FilterExists     Code = "filter_exists"
	FilterInvalid    Code = "filter_invalid"

	ShardUnknown       Code = "shard_unknown"
	ShardNotConfigured Code = "shard_not_configured"
	TenantUnknown      Code = "tenant_unknown"
	TenantAmbiguous    Code = "tenant_ambiguous"
	SameShard          Code = "same_shard"
	RowsExist          Code = "rows_exist"
	PointerChanged     Code = "pointer_changed"
	PlacementDisagrees Code = "placement_disagrees"
	MapUnclassified    Code = "map_unclassified"

	MoveInProgress    Code = "move_in_progress"
	MoveUnknown       Code = "move_unknown"
	MoveState         Code = "move_state"
	MoveBlocked       Code = "move_blocked"
	MoveNoWorker      Code = "move_no_worker"
	MoveParked        Code = "move_parked"
	LeaseLost         Code = "lease_lost"
	LeaseHeld         Code = "lease_held"
	FenceBlocked      Code = "fence_blocked"
	FenceExpired      Code = "fence_expired"
	FenceEstimate     Code = "fence_estimate"
	CarryBehind       Code = "carry_behind"
	GuardMissing      Code = "guard_missing"
	StandbyBehind     Code = "standby_behind"
	VerifyDifferent   Code = "verification_differences"
	SchemaDifferent   Code = "schema_different"
	PurgeUnlisted     Code = "purge_unlisted_rows"
	RoutingUnproven   Code = "routing_unproven"
	RoutingNotSettled Code = "routing_not_settled"
	EngineNewer       Code = "engine_newer"
	QueueState        Code = "queue_state"
	PlanStale         Code = "plan_stale"
	PlanPartly        Code = "plan_partly"
	BatchStopped      Code = "batch_stopped"

	AlertUnknown   Code = "alert_unknown"
	AlertState     Code = "alert_state"
	ChannelUnknown Code = "channel_unknown"
	NotifyFailed   Code = "notify_failed"
	NotifyRefused  Code = "notify_refused"

	SessionChanged Code = "session_changed"
	SessionIdle    Code = "session_idle"
	SessionOurs    Code = "session_ours"

	StripesFixed     Code = "stripes_fixed"
	StripesFull      Code = "stripes_full"
	SequenceOverflow Code = "sequence_overflow"
	SequenceUnsuited Code = "sequence_unsuited"

	DemoRunning  Code = "demo_running"
	DemoFailed   Code = "demo_failed"
	NoBinaries   Code = "postgres_binaries_missing"
	NoDisplay    Code = "no_display"
	ListenFailed Code = "listen_failed"
	PageRefused  Code = "page_refused"
)

// Info describes a code: the exit status, whether the same call may be made
// again as it is, and one sentence for docs/errors.md. Before says that the
// code is only given before anything was changed, or after it was rolled back.
type Info struct {
	Code    Code
	Exit    int
	Retry   bool
	Before  bool
	Meaning string
}

var codes = map[Code]Info{
	Internal:  {Exit: 1, Meaning: "Something failed that nobody described; the log has the cause."},
	Cancelled: {Exit: 1, Retry: true, Meaning: "The operator or the system ended the call before it was done."},
	TimedOut:  {Exit: 1, Retry: true, Meaning: "A limit of time ran out before there was an answer."},
	Usage:     {Exit: 2, Before: true, Meaning: "The command, a flag or an argument is not of the form that help shows."},
	NotFound:  {Exit: 1, Before: true, Meaning: "The thing that was named does not exist."},
	DiskFull:  {Exit: 1, Meaning: "This computer's disk is full."},

	NotAvailable: {Exit: 1, Before: true, Meaning: "A figure cannot be asked for on this server: its version, an extension or a setting stands against it."},

	FleetInvalid:     {Exit: 2, Before: true, Meaning: "A fleet file has a mistake; the message names file, line and remedy."},
	FleetHoldsSecret: {Exit: 3, Before: true, Meaning: "A fleet file holds a password; it is refused until the named command has moved it to the keychain."},
	FleetUnknown:     {Exit: 2, Before: true, Meaning: "No fleet of that name is known on this computer."},
	FleetExists:      {Exit: 3, Before: true, Meaning: "A fleet of that name is already known on this computer."},
	ImportInvalid:    {Exit: 2, Before: true, Meaning: "The imported file holds something outside the grammar that is understood; the message names the line."},
	SettingsInvalid:  {Exit: 2, Before: true, Meaning: "A setting has no such name or no such value."},
	ProfileInvalid:   {Exit: 2, Before: true, Meaning: "A tenancy profile has a mistake or names something that the schema does not have."},

	KeychainLocked:    {Exit: 1, Retry: true, Meaning: "The keychain is locked, or it waited for a person for too long."},
	KeychainAbsent:    {Exit: 1, Meaning: "This computer has no keychain service that answers."},
	VaultLocked:       {Exit: 1, Meaning: "Nothing was given that opens the vault: no passphrase, or no identity that can be used."},
	VaultRefused:      {Exit: 1, Meaning: "The passphrase or identity that was given does not open the vault."},
	VaultDamaged:      {Exit: 1, Meaning: "The vault is damaged, no vault, or written by a newer program; it is not written over."},
	CredentialMissing: {Exit: 1, Meaning: "No user name and password were found in keychain or vault, environment or password file."},
	CredentialClash:   {Exit: 2, Before: true, Meaning: "Two credential names of the fleet give the same environment variable."},

	SSHUnreachable:   {Exit: 5, Retry: true, Meaning: "An SSH host on the way to a database does not answer, or the connection to it was lost."},
	SSHLoginRefused:  {Exit: 5, Meaning: "An SSH host does not accept the user or any key, or does not let the user open connections."},
	SSHHostUnknown:   {Exit: 5, Meaning: "Nobody has accepted the key of an SSH host yet; the message holds its fingerprint and the hint the command."},
	SSHHostChanged:   {Exit: 5, Meaning: "An SSH host shows another key than the accepted one, or a revoked one; the message holds both fingerprints."},
	SSHConfigInvalid: {Exit: 2, Meaning: "ssh's configuration or a file of known hosts cannot be read, or asks for something that is not done here."},

	DatabaseUnreachable: {Exit: 5, Retry: true, Meaning: "No connection to the database could be made."},
	DatabaseGone:        {Exit: 5, Retry: true, Meaning: "A connection was lost while it was in use; what it was doing is read again before anything else is done."},
	DatabaseReadOnly:    {Exit: 3, Meaning: "The database takes no writes: it is a standby, or read-only by setting."},
	DatabaseFailed:      {Exit: 1, Meaning: "The database answered with an error; the message holds its SQLSTATE."},
	LoginRefused:        {Exit: 5, Meaning: "The database refused the user name or the password."},
	TLSInvalid:          {Exit: 5, Meaning: "The server's certificate could not be verified, or TLS is not offered."},
	TLSExpired:          {Exit: 5, Meaning: "The server's certificate or the client's has expired."},
	RightMissing:        {Exit: 3, Meaning: "The connected role lacks a right; the hint holds the GRANT."},
	PoolerInPath:        {Exit: 3, Meaning: "The connection goes through a pooler and this work needs a direct one."},
	LockTimeout:         {Exit: 1, Retry: true, Meaning: "A lock was not free within the limit."},
	SameDatabase:        {Exit: 3, Before: true, Meaning: "Two names of the fleet lead to the same database."},
	TargetDiskFull:      {Exit: 1, Meaning: "The target's disk is full; the tenant goes on where it is. Make some room: cancel removes what had been copied, resume goes on."},

	NotInstalled:  {Exit: 3, Before: true, Meaning: "The control database has no shard_admin schema; the fleet may only be looked at."},
	SchemaNewer:   {Exit: 3, Before: true, Meaning: "The control database's schema is newer than this program; it may only be looked at."},
	SchemaOlder:   {Exit: 3, Before: true, Meaning: "The control database's schema is older than this program; fleet install upgrades it."},
	InstallFailed: {Exit: 1, Meaning: "The schema could not be installed or removed; the transaction was rolled back."},

	FlagOff:         {Exit: 3, Before: true, Meaning: "A flag that this change needs is off; the message says where."},
	OperatorUnknown: {Exit: 3, Before: true, Meaning: "The operator is not on the fleet's list, or no list exists."},
	RoleTooLow:      {Exit: 3, Before: true, Meaning: "The operator's role does not allow this change."},
	ReasonMissing:   {Exit: 3, Before: true, Meaning: "Every change needs a reason (--note)."},
	ConfirmMissing:  {Exit: 3, Before: true, Meaning: "In production the change must be confirmed by name (--confirm)."},
	ReentryRefused:  {Exit: 3, Before: true, Meaning: "What was typed in again is not the password with which the control database is logged in to."},
	RoleMismatch:    {Exit: 3, Before: true, Meaning: "In production the operator's e-mail must belong to the connected database role."},

	AuditTampered:    {Exit: 4, Meaning: "The audit chain does not verify."},
	AuditUnavailable: {Exit: 3, Before: true, Meaning: "The intent could not be stored in the audit trail, so nothing was done."},
	NotAnArchive:     {Exit: 3, Before: true, Meaning: "The file is no archive of the beginning of this control database's audit trail, so nothing was removed."},
	PersonActive:     {Exit: 3, Before: true, Meaning: "The person is an operator of the fleet, has work queued or asks for it, so nothing of theirs was erased from the audit trail."},
	PersonUnknown:    {Exit: 3, Before: true, Meaning: "The audit trail keeps no value of that person: it never had one, or it was erased."},
	NoCopy:           {Exit: 1, Before: true, Meaning: "This computer has no copy of the fleet's audit trail."},
	FilterUnknown:    {Exit: 2, Before: true, Meaning: "No filter of the audit trail is saved under that name for the fleet on this computer."},
	FilterExists:     {Exit: 3, Before: true, Meaning: "A filter of the audit trail is saved under that name already; it is replaced only where that is asked for."},
	FilterInvalid:    {Exit: 2, Before: true, Meaning: "A filter of the audit trail cannot be saved under that name, or selects every event, or was saved by a newer program."},
	MirrorBehindCut:  {Exit: 3, Before: true, Meaning: "Events that this computer's copy of the audit trail lacks were archived and removed from the control database."},
	KeyNotEnrolled:   {Exit: 3, Before: true, Meaning: "The signing key kept on this computer is enrolled by no event of the trail, or was revoked."},
	FileUnreadable:   {Exit: 1, Meaning: "The exported file, or what lies beside it, cannot be read."},
	MirrorConflict:   {Exit: 4, Meaning: "The server's audit chain disagrees with the copy on this computer: gap, fork or rollback."},

	ShardUnknown:       {Exit: 3, Before: true, Meaning: "The fleet has no shard of that name."},
	ShardNotConfigured: {Exit: 3, Before: true, Meaning: "The shard is known but has no connection in the fleet file."},
	TenantUnknown:      {Exit: 3, Before: true, Meaning: "The catalogue has no such tenant."},
	TenantAmbiguous:    {Exit: 2, Before: true, Meaning: "Several tenants answer to that label; use the id."},
	SameShard:          {Exit: 3, Before: true, Meaning: "The tenant is on that shard already."},
	RowsExist:          {Exit: 3, Before: true, Meaning: "The tenant has rows where it is; an assignment would leave them behind."},
	PointerChanged:     {Exit: 3, Before: true, Meaning: "Somebody changed the tenant's shard in the meantime; nothing was done."},
	PlacementDisagrees: {Exit: 4, Meaning: "Pointers and rows disagree for at least one tenant."},
	MapUnclassified:    {Exit: 3, Before: true, Meaning: "The table map cannot classify every table; the profile must say what they are."},

	MoveInProgress:    {Exit: 3, Before: true, Meaning: "A move holds the tenant."},
	MoveUnknown:       {Exit: 3, Before: true, Meaning: "There is no move of that id."},
	MoveState:         {Exit: 3, Before: true, Meaning: "The move is in a state that does not allow this; next names what it does."},
	MoveBlocked:       {Exit: 3, Before: true, Meaning: "A check of the plan blocks the move; nothing was written."},
	MoveNoWorker:      {Exit: 0, Meaning: "The move is queued and no worker is alive to carry it out."},
	MoveParked:        {Exit: 1, Retry: true, Meaning: "The run stopped at a safe point; resume goes on."},
	LeaseLost:         {Exit: 1, Meaning: "Another owner took the run over; this one wrote nothing more."},
	LeaseHeld:         {Exit: 3, Retry: true, Before: true, Meaning: "Another owner is carrying out the run."},
	FenceBlocked:      {Exit: 3, Retry: true, Before: true, Meaning: "Open transactions kept the fence from closing; the message names them and nothing has changed."},
	FenceExpired:      {Exit: 1, Retry: true, Meaning: "The fence ran out before the switch; the tenant writes where it wrote before."},
	CarryBehind:       {Exit: 1, Meaning: "The tenant writes faster than an online move can carry its rows; the move can go on at a quieter time."},
	FenceEstimate:     {Exit: 3, Before: true, Meaning: "The copy, or the switch of an online move, is expected to take longer than the tenant may be read-only."},
	GuardMissing:      {Exit: 1, Meaning: "A guard was removed or disabled while the move needed it; nothing was switched, and the tenant writes where it did."},
	StandbyBehind:     {Exit: 1, Retry: true, Meaning: "A standby from which the application may read has not replayed the tenant's rows in time; the pointer did not move."},
	VerifyDifferent:   {Exit: 4, Meaning: "Verification found rows that differ between source and target."},
	SchemaDifferent:   {Exit: 3, Meaning: "Source and target do not have the same structure for the tenant's tables."},
	PurgeUnlisted:     {Exit: 4, Meaning: "The source holds rows of the tenant that the move did not copy; nothing more was deleted."},
	RoutingUnproven:   {Exit: 3, Before: true, Meaning: "Nobody has shown that the application follows the pointer for some tables; an operator must confirm with a reason."},
	RoutingNotSettled: {Exit: 3, Retry: true, Before: true, Meaning: "Writes were refused on the source within the routing time; the application has not followed yet."},
	EngineNewer:       {Exit: 3, Before: true, Meaning: "The run was made by a newer version of this program, which has to finish it."},
	QueueState:        {Exit: 3, Before: true, Meaning: "The queue is paused already, or it is not paused."},
	PlanStale:         {Exit: 3, Before: true, Meaning: "The fleet is not as it was when a plan was made: it is planned again."},
	PlanPartly:        {Exit: 3, Meaning: "A plan was refused after a part of it was done."},
	BatchStopped:      {Exit: 3, Meaning: "A move of the same plan has failed, so those that had not begun are cancelled."},

	AlertUnknown:   {Exit: 3, Before: true, Meaning: "There is no alert or silence of that number."},
	AlertState:     {Exit: 3, Before: true, Meaning: "The alert does not fire, or somebody has acknowledged it already."},
	ChannelUnknown: {Exit: 3, Before: true, Meaning: "The fleet file has no channel of that name."},
	NotifyFailed:   {Exit: 1, Retry: true, Meaning: "A message could not be handed to its receiver, which may take it later; nothing of the fleet was changed."},
	NotifyRefused:  {Exit: 1, Meaning: "The receiver of a message refuses it, or its address is not usable; nothing of the fleet was changed."},

	SessionChanged: {Exit: 3, Before: true, Meaning: "The session of a server that was meant has ended, or runs something else by now; it was left alone."},
	SessionIdle:    {Exit: 3, Before: true, Meaning: "The session runs nothing that could be cancelled."},
	SessionOurs:    {Exit: 3, Before: true, Meaning: "The session belongs to this program, whose moves may run in it; it was left alone."},

	StripesFixed:     {Exit: 3, Meaning: "The fleet's number of stripes was chosen before; another one would hand out the ids of other shards."},
	StripesFull:      {Exit: 3, Meaning: "The fleet has more shards than stripes, so a shard would get another's ids."},
	SequenceOverflow: {Exit: 3, Meaning: "A sequence would soon reach its highest value when it counts in larger steps."},
	SequenceUnsuited: {Exit: 3, Meaning: "A sequence cannot be striped as it is: it cycles, counts down, or has steps on which an application may count."},

	DemoRunning:  {Exit: 3, Before: true, Meaning: "Another demo owns the demo fleet's folder."},
	DemoFailed:   {Exit: 1, Meaning: "The demo found something that was not as promised."},
	NoBinaries:   {Exit: 1, Meaning: "No PostgreSQL server binaries were found on this computer."},
	NoDisplay:    {Exit: 2, Meaning: "There is no display to open a window on; serve gives the same page."},
	ListenFailed: {Exit: 1, Meaning: "The address could not be listened on."},
	PageRefused:  {Exit: 3, Before: true, Meaning: "A request to the page did not come through the address that serve printed, or came from elsewhere."},
}

// Codes returns every code with its meaning, in the order of their names.
func Codes() []Info {
	out := make([]Info, 0, len(codes))
	for c, i := range codes {
		i.Code = c
		out = append(out, i)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Code < out[b].Code })
	return out
}
