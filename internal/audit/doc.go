// Package audit is the trail: who changed what, when, why, under which role
// and from where, in the control database.
//
// # Invariants
//
// Every change has an intent, committed before a shard is touched, and an
// outcome after it; an intent without an outcome is "outcome unknown", never
// silence. No intent stored, no action.
//
// The trail is append-only by rights (a role inserts three columns and reads)
// and by triggers (which also stop the owner). At the commit of the writing
// transaction a deferred trigger seals each event: it locks the head, gives
// the next number, chains the hash, moves the head. The lock therefore lives
// only inside COMMIT, numbers have no gap whatever is rolled back, and their
// order is the order of the commits. Times are the server's, in microseconds,
// because that is what PostgreSQL keeps.
//
// The transaction that appends runs READ COMMITTED: a stricter one would meet
// a serialization failure at its commit when another sealed in between.
//
// # What the chain cannot show
//
// A superuser who cuts the tail and rewinds the head leaves a chain that
// verifies, and one who rewrites everything too. Package mirror keeps a copy
// on each operator's computer; every copy is a witness.
//
// # Hashes
//
//	event_hash = sha256(0x00 ‖ netstrings(event_id, occurred_us, recorded_us, db_user, client_addr, app_name, body))
//	hash       = sha256(0x01 ‖ netstrings(seq, sealed_us) ‖ event_hash ‖ prev_hash)
//
// The first prev_hash is 32 zero bytes. The body is canonical JSON: sorted
// keys, no floating point, no secrets.
package audit
