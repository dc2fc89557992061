// Package conn opens the databases of a fleet.
//
// A Set dials nothing when it is made. Each Database has a pool for short
// reads and writes, which may lead through a pooler, and hands out direct
// sessions for what needs one server process for itself: snapshots, advisory
// locks, guards. A direct session refuses to run through a pooler, which it
// tells by the process number: a pooler gives its own.
//
// Every session carries settings of our own, because a server's defaults may
// kill a long copy or let a forgotten transaction hold a lock for ever. Behind
// a pooler the settings cannot be a session's; there the caller's context is
// the limit.
//
// Two names may lead to one database. System identifier and oid make that a
// suspicion (a physical copy keeps both); a random advisory lock that is held
// through one connection and refused through the other proves it.
package conn
