// Package audit is the trail: who changed what, when, why, under which role
// and from where, in the control database.
//
// # Invariants
//
// Every change has an intent, committed before a shard is touched, and an
// outcome after it; an intent without an outcome is "outcome unknown", never
// silence. No intent stored, no action. Who takes over a tenant from an owner that
// is gone ends that owner's open intents as "interrupted" under the tenant's lease,
// in the transaction that begins its own: an intent is open only while its owner
// lives, or until somebody next acts on the tenant.
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
//
// # Persons
//
// Since version 2 a body holds no e-mail, computer or system user in plain words where
// the program puts one: actor, host, os_user, and every text beneath before, after and
// details that is an e-mail and nothing besides. A ref stands there,
//
//	ref = "person-" ‖ the first 32 hexadecimal digits of sha256(salt ‖ value)
//
// and audit_person keeps value and salt (32 random bytes) apart, one row for each value,
// so that a person has one ref in the whole trail. No hash is over that table. Reading
// loads it once and puts the values back; erasing deletes the row. What is left cannot be
// guessed from a list of e-mails, because the salt is gone as well. Bodies of version 1
// stay as they are and hold what they hold; so do the reason, which is the operator's own
// words, the database role and the address, which the server stamps, and the names of
// keys that were made before (their owner's e-mail; now the fleet's name).
//
// The states of a value:
//
//	absent ─► there      with the first event that names it, in the same transaction
//	there  ─► erased     with an event audit.erase that names the ref, in the same transaction
//	erased ─► there      never: who comes back is given another salt, and so another ref
//
// Appending holds an advisory lock shared to its end and erasing holds it alone, so an
// event that bears a ref is always sealed before the event that erases it: where the
// trail's beginning is archived, no ref is left behind whose erasure went with it. What a
// walk finds is then wrong only if a value does not fit its ref (person_changed), or is
// not there and no event says so (person_missing).
//
// A crash leaves of an append neither event nor person, or both; of an erasure an intent
// without an outcome and the value, or the outcome and nothing of the value, in any table:
// where others say who did something, the ref is put in the same transaction. A copy on
// an operator's computer deletes the value in the transaction that copies the event of
// the erasure, and overwrites its bytes; a crash before that is made up for by the next
// sync. A file that was written before keeps what it has.
//
// A ref-like text that somebody else wrote is no ref: it is put down as what an erased
// person reads as.
package audit
