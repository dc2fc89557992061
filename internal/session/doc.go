// Package session is one operator working on one opened fleet: it wires the
// packages that do the work to one another and turns what they answer into
// what the faces show. It has no rules of its own.
//
// Nothing is dialled before it is needed, and a shard that does not answer
// never holds up what is known about the others.
package session
