// Package waiting keeps, in the local store, what was done on this computer while the
// control database could not record it: a password is kept before anything can be
// opened with it. Each becomes an event of the trail the next time that it can. The
// store is no evidence: whoever has the computer can take it away.
package waiting
