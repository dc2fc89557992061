// Package stripe lets the sequences of a fleet's shards count in stripes, so
// that no two shards give the same id to two rows.
//
// The fleet has n stripes, chosen once; each shard has one residue of n, given
// once. Both are stored in control and never change, so that a shard which is
// added later gets what nobody had before. A sequence that fills a column of a
// table whose rows move counts by n, and what it hands out leaves the shard's
// residue. The tenants table is left out: tenants are created in control alone.
//
// Old ids are of any residue. What is handed out after a run is therefore above
// the highest old id of the column on every shard, not only on its own, and
// meets neither a new id nor an old one.
//
// # Order
//
//	plan ─► intent ─► lease ─► stripes and residues in control
//	     ─► per shard: every sequence counts in the stripe; the highest old ids are noted in control
//	     ─► per shard: what is not above the highest old id of the fleet is raised
//	     ─► outcome
//
// The plan reads every shard first. A shard that does not answer, a right that
// is missing or a sequence that cannot be striped refuses the whole run while
// nothing has been written. The old ids are compared only after every shard
// counts in its stripe, because until then they grow.
//
// Each sequence is changed in one transaction, under the lock of ALTER SEQUENCE:
// that waits for every transaction that has drawn a value, so what it has
// inserted is seen, and nobody draws one until the new steps, the new value and
// the new start stand together. A value never goes down. Values that sessions
// have cached are dropped by the server with the change. Until then a session may
// hold one that is lower than the next, so of a sequence with a cache it is noted
// above which old ids it was raised.
//
// # What a crash leaves
//
// Any number of sequences striped, each of them whole, and an intent without an
// outcome in the trail. The next run reads what is there and goes on: what is
// done is skipped; a sequence that counts in its stripe, but of which the old
// ids were not noted, has them noted then, a little too high at worst. Because
// every step may be done twice and none goes down, the lease keeps two operators
// from disturbing each other and no writing transaction has to carry its epoch.
//
// setval, as fixtures and restores use it, takes a sequence out of its stripe.
// The plan shows it, and the next run puts it back above what was handed out.
package stripe
