// Package policy decides who may change what.
//
// It alone mints a Permit, and every method that changes something takes one
// as its first argument, so that a change nobody was allowed to make cannot be
// written down in Go. A permit carries who, under which role, why, and from
// where; the audit trail records it.
//
// A change needs, in this order: the flags of its kind (each needs the one
// before it), an operator with the role, a reason, and in production the name
// of what is changed. A flag may be set on this computer or by the fleet in
// its control database; the stricter wins. With no list of operators anywhere
// everyone may look and nobody may change. The demo fleet has everything on.
package policy
