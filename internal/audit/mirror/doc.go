// Package mirror keeps a copy of audit trails on this computer and raises an
// alarm when a server's trail is no longer the one that was copied.
//
// A chain in a database cannot witness against whoever owns the database: the
// tail can be cut and the head rewound, or everything rewritten with new
// hashes. The copy can, because it was made before. A sync first compares the
// server's chain with the copy's end, then copies what is new, checking every
// hash, in transactions that can be resumed. Nothing is copied from a chain
// that disagrees, and an alarm stays in the file.
//
// Who has full access to the SQLite file can delete the copy's newest events or write
// it anew. How far a copy went is therefore marked in a file beside it (MarksFile), and
// a copy that falls short of its mark is an alarm as well.
//
// One file holds the copies of many fleets, each under the key of its control
// database. Copies are append-only by triggers; searching them needs no
// server.
package mirror
