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
// # The sampler
//
// A Sampler asks sources over and over, each by itself: one that is slow, hung or
// gone delays none of the others. It keeps one session with each source for the
// frequent tiers and has a second one for as long as a slower tier takes, never
// more: one that it opens, or one that is lent to it (Source.Second), so that others
// who look at the source share it. Whoever wants to know how a source is now has it
// looked at before its time, over the session that is kept (Look). A source that answers
// slowly is spared the slower tiers.
//
// Each tier has a deadline of its own. That of the live tier is short and says alone
// whether a source is up. Where the counters of each minute do not fit into theirs, the
// query that took the time says so, and from then on they are asked with the slower
// tiers, which have longer.
//
//	waiting  not asked yet
//	up       the last look was answered
//	failing  it was missed; the next comes at once
//	down     the next was missed as well; looks come less and less often, though
//	         never less often than a source that is up is looked at
//
// What a server is, what the role may and which extensions there are is found out with
// each session that is opened, that of the slower tiers too, and at once where a look
// finds a standby promoted; then every tier is asked anew.
//
// From each state a look that is answered leads to up. What was known stays with
// its age. A server that was restarted begins anew: two looks at a counter of which
// one was before and one after it make no rate.
//
// Nothing is written anywhere; package history keeps what is worth keeping. A crash
// leaves at most two statements, which the server ends at their limits.
package sample
