// Package fault is the one error type that people see.
//
// An Error carries a Code that scripts may rely on, a Message (what failed,
// where and why), a Hint (what to do about it) and the Cause for the log. A
// message never holds a secret: whoever builds one takes only names, hosts and
// SQLSTATEs. The code decides the exit status of the command line, so faces
// print and never judge.
//
// Every code is listed once, in codes.go; docs/errors.md is written from that
// list and a test compares the two.
package fault
