// Package alert holds what is wrong with a fleet, from the first sight of it to
// its end, and says who has to be told when.
//
// # States
//
//	           seen for the hold time        a person
//	(none) ─► pending ───────────► firing ─────────► acknowledged
//	             │                    │                   │
//	             │ not seen           └─────────┬─────────┘
//	             ▼                              ▼ not seen for the clear time
//	          (gone)                        resolved
//
// A condition is a rule and a subject: a check and a shard, a move. Step is a pure
// function of what is seen now, what was kept, and the time. What nobody could look
// at is not seen and not gone: its alerts stay as they are. Near its limit
// a condition keeps an alert open and begins none, so that a value that wavers makes
// one alert and not twenty.
//
// # Telling
//
// An alert is told when it fires, again when it gets worse, and when it is resolved.
// What is due together within groupWait is one message. A silence is for one shard or
// the fleet, one rule or all, and for a time, or for windows that come again until then:
// alerts live on, nobody is told. What
// fires still when the silence ends is told then, and so is the end of what was told
// before it; what began and ended within it is not.
// Acknowledging ends what is told but the end. An alert of something that happened,
// as a move that is done, is told once.
//
// # What is kept
//
// The Store lies in the control database. Who holds the lease "alert" writes; every
// transaction carries the lease's epoch. What is due together is a Telling, a row of
// the same transaction, so what is known and what is told never part.
//
// Channels stand in fleet files, and whoever evaluates may have another file than
// others, or none with a channel. So each program hands tellings of the last day to the
// channels of its own file: it makes the message and notes the channel in the telling,
// whose row it locks, in one transaction. A telling comes to a channel once, whoever
// knows the channel; a crash before the commit leaves it to be handed again. What comes
// late is one message, without what began and ended meanwhile.
//
// Messages are rows of their own. Whoever sends claims a
// row (SKIP LOCKED) for claimTime, sends, and marks it. A crash before the claim
// leaves a message that is sent; between claim and sending one that is sent when the
// claim runs out; between sending and mark one that is sent again under the same
// key, by which a receiver knows it: the Message-ID of a mail, the Idempotency-Key of
// a webhook. Never is a message lost.
//
// What only one program can know, as who places new tenants, it Reports under its own
// lease; who evaluates takes that for unknown, and tells of it like of any other.
//
// A desktop is told otherwise: no message waits for it. Each window looks at what was
// told and shows what Shown, in the local store, does not have, noting it first. A crash
// between the two leaves an alert that this desktop never shows.
package alert
