// Package fence keeps a tenant's writers out of a shard while its rows move,
// and lets them in again whatever happens to the mover.
//
// # Objects on a shard
//
// The schema shard_admin_move exists only while a move is open there. fence
// has a row for each tenant of an open move; epoch the epoch of each move's
// owner; owned the rows that a move brought and that the map alone could not
// find again. Each guarded table has a trigger, zzzz_shard_admin_guard, whose
// function computes the owners of OLD and NEW with the same SQL as the map. A
// tenant without a fence row costs one index lookup and takes no lock. On a shard
// that was guarded to receive rows, inserts have a trigger of their own that comes
// after the row, A_shard_admin_guard: with one before it the server stores the rows
// of a COPY one by one. Both hold alike: what a refused writer did is undone, and
// whoever has not the tenant's lock yet is refused when the fence has closed. A
// table has the guards that it got first while any move is open there.
//
// Where a fence row says so (noting), the guards also note the key of each row
// that the tenant's writers touch, in the writer's transaction. A row that gets
// another key is noted under both. A row that belongs to nobody as far as its
// writer sees is noted for every move: whoever makes it somebody's may not have
// committed yet. While somebody carries, each write is
// noted in touched and notes are taken away; while nobody does, each row is noted
// once, in touched_once, so that days of writing leave one note for each row.
// Between once and each lies soon, until every transaction that may go by once has
// ended: one of them would rely on a note that is just being taken away. digest
// keeps what the tenant's rows amount to while they are carried.
//
// # States of a fence row
//
//	armed      writers pass, holding the tenant's advisory lock shared
//	fenced     writers are refused with SA001 until expires_at
//	committing writers are refused; only this state outlives its owner
//	moved      writers are refused: the tenant is elsewhere
//	incoming   writers are refused: the tenant is not here yet
//	open       writers pass as under armed
//
// # Why it holds
//
// A writer reads the state, takes the advisory lock shared, and reads the
// state again: under READ COMMITTED with the statement's fresh snapshot, else
// FOR SHARE, which fails with 40001 when the row changed since the writer's
// snapshot. That works only when the row existed before the snapshot, so a
// move arms first and waits for older transactions. Closing takes the lock
// exclusively before it changes the row; updating the row alone is starved by
// overlapping share locks.
//
// Past expires_at, judged by the shard's clock alone, a fenced row lets
// writers in again, and each such writer counts itself on a sequence. The
// owner reaches committing only under the exclusive lock, before expires_at
// and with that count at zero: a clock that steps back opens no gap.
//
// The mover passes by shard_admin.bypass, set to its move's id for one
// transaction. The fence is cooperative, not a border against an attacker.
//
// Every writing transaction of ours reads the epoch FOR SHARE first. A new
// owner ends the sessions of older epochs and then raises it.
package fence
