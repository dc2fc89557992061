// Package health judges what a server answered: checks that find what is
// wrong, why it matters and what to do about it.
//
// A Check is one file that has its name: why it matters, what helps, the limits that
// it keeps to and a judgement that is a function of two readings and nothing else.
// What it asks lies beside it, in a file of SQL of the same name or, where several
// checks share an answer, of the query's. Examine runs every check over a Reading; a check that
// could not look, for a right, a view or an extension that is missing, is
// listed as Unavailable and never as fine.
//
// Counters of PostgreSQL run since they were reset, often for months. What
// they say of now is the difference between two readings; a check that needs
// two is unavailable with the first one, and after a restart or a reset of the
// statistics. Limits are tied to the server's own settings where it has some:
// absolute numbers are wrong on half the servers of a fleet.
//
// An index that nobody used on one shard may be needed on another: Fleet, which
// sees all readings, alone speaks of unused indexes. Nothing that is merely
// wasteful, such as unused and duplicate indexes, is ever more than info.
//
// Sessions and statements of this program are left out of lists; they count
// where a limit is shared. Statements of others are shown without the texts
// in them, which may be anybody's data or a password.
//
// The package keeps nothing: a crash leaves nothing behind.
package health
