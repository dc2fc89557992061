// Package app is what the page can ask of this program: one small struct per
// screen, whose methods the window binds and the loopback page serves, with the
// same JSON both ways.
//
// App owns everything that outlives a call: the opened fleets, the loop that
// carries out queued work, and the watchers that push a move's progress. A call
// from the page starts work and returns; closing or reloading the page ends
// nothing. Each fleet that was opened stays open until the app stops, so that
// choosing another one does not park a running move.
//
// Bound types hold no time.Time and no 64-bit number that can pass 2^53. Lists
// are never null. Errors reach the page as JSON text, see Problem.
package app
