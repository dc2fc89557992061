// Package localpg finds PostgreSQL server binaries and runs servers with them,
// for the demo and for tests.
//
// A server listens on a socket in a folder that only its owner may enter and
// on the loopback address. initdb refuses to run as root; there the server is
// a child process of another user, which no library for embedded servers can
// start, so this package runs initdb and postgres itself. Binaries that lie
// where that user may not go are copied beside the data.
//
// Start reuses a data folder and a running server that it finds there; Stop is
// a fast shutdown. A server started with Child ends with its parent, so that
// an interrupted test leaves nothing behind; others outlive the program and
// are found again by their pid file.
package localpg
