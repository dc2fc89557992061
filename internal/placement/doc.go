// Package placement points tenants to shards without moving rows, and compares
// pointers with where rows are.
//
// An assignment is refused while the present shard has rows of the tenant,
// unless the operator says that they stay. "No rows" is only true while nobody
// can write: so the tenant is fenced on its present shard as a move does it,
// looked at, and pointed elsewhere in one transaction with the application's
// record and the audit event. Then the fence goes.
//
//	lease ─► root replica on the target ─► guards, armed ─► fenced ─► no rows ─► committing ─► pointer ─► fence removed
//
// The fence runs out by itself. What a crash leaves on the shard carries an id
// that follows from the tenant, so the next assignment or move of the tenant
// takes it away.
package placement
