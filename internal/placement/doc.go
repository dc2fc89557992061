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
// Looking reads whole tables where no index is on the tenant's column, so it has limits
// of its own and not the pool's: 10 min a statement before the fence, and under it three
// times what it took before, at least 10 s and at most 5 min, which is also how long the
// fence may last.
//
// What a crash leaves on the shard carries an id that follows from the tenant,
// so the next assignment or move of the tenant that begins or ends there takes
// it away. Until committing the fence runs out by itself; from there on it stays
// closed until control was read, because the pointer may have moved.
package placement
