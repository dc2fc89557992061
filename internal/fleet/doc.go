// Package fleet is the description of a fleet: one control database and the
// shards of its tenants, as the operator's file has it.
//
// A fleet file never holds a secret. One that does is refused with the command
// that moves the secret to the keychain. Every mistake is reported with file,
// line and what to write instead.
package fleet
