// Package sample asks PostgreSQL servers for their figures.
//
// A Query knows its SQL for each server, or why it cannot be asked there: the
// version is too old, an extension is missing. Collect sends any number of
// queries in one round trip and gives each a result of its own: one that
// fails, for a right that is missing or a view that is not there, takes none
// of the others with it. Only a connection that is lost ends them all.
//
// A value is known, null, or missing because its query failed; the three are
// never mixed up. What a server's statistics count since they were reset is
// handed on as it is: a rate is the business of those who have two looks.
//
// Looking must not harm what is looked at. Every statement carries the comment
// Tag, so that it can be told from an application's, and runs read only under
// a short limit of time and a shorter one for locks (Settings). Behind
// a pooler, where a session keeps no settings, each statement brings them
// along in a transaction of its own.
//
// Nothing is written anywhere and nothing goes on by itself: a crash leaves at
// most one statement that the server ends at its limit.
package sample
