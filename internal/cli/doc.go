// Package cli is the command line: it parses, calls home or a session, and
// prints.
//
// Every command is a small function that fills an options struct from flags
// and a runX(ctx, opts) that does the work, so that tests and people read the
// same thing. With --json exactly one document goes to standard output, an
// error being one too; progress, questions and notes go to standard error. The
// exit status comes from the error's code and from nowhere else.
//
// The first Ctrl-C parks a run at its next safe point and prints the command
// that goes on; the second ends the program, which loses nothing either.
//
// The other faces are handed in (Faces): this package imports none of them.
package cli
