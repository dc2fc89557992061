// Package backend shows who is connected to a shard's database and ends what a
// session runs, or the session.
//
// # Order
//
//  1. The session is looked up: it has to be the one that was meant.
//  2. The intent is in the audit trail, or nothing is done.
//  3. One statement finds the session again by its number and its start, and
//     signals it.
//  4. The server is watched for a few seconds until the session obeyed.
//  5. The outcome is in the trail.
//
// # Who is meant
//
// A server gives the number of a session that ended to a new one. So a session is
// its number and when it began, and a statement is its session and when that
// began: what has changed since it was looked at is left alone. Between the
// comparison and the signal lies one call within the server; PostgreSQL offers
// nothing closer.
//
// Sessions of this program are shown and left alone unless their number is given
// together with the word that they are ours: behind one of them a tenant may be
// copied or closed to writers at that moment. Only client sessions of the shard's
// database are shown at all; a standby's or a worker process is none.
//
// # What a crash leaves
//
// After 2 an intent without an outcome, which the trail shows as unknown: the
// signal may or may not have been sent. Nothing has to be cleaned up.
package backend
