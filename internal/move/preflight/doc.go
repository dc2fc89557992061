// Package preflight says, before anything is written, what a move would do and
// what stands in its way.
//
// Make reads both shards and the control database and writes nothing. A plan
// holds exact rows and bytes per table, an estimate from a probe, checks with
// evidence and a remedy each, and decisions: rows of which only a person can
// say what becomes of them.
//
//	null_tenant       a tenant column that is null and no other owner
//	ownerless         no column and no reference leads to a tenant
//	two_owners        the tenant's and another's
//	inbound           the tenant's row, to which another's row points
//	outbound          another's row, to which a row of the tenant points
//	collision_key     a row of the target that has the same key
//	collision_unique  a row of the target that has the same unique value
//
// Choices are share (copied, and kept where others need it), leave (stays
// where it is) and refuse. A decision without a choice blocks the move, and so
// does refuse. Collisions have no other choice: rows would need new ids.
package preflight
