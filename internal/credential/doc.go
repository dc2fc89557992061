// Package credential finds and keeps user names and passwords.
//
// A credential is one item of the operating system's keychain, under the
// service "shard-admin" and the account FLEET/CREDENTIAL, or of a vault in its
// place: one file that age encrypts, for machines without a keychain. Else it
// comes from the environment, else from PostgreSQL's own password file. Nothing
// is ever written in plain text by this program.
//
// Every call to a keychain has a limit of time: it may wait for a person, and
// for ever. A locked keychain, an absent one and a missing item are told
// apart, because each needs something else done.
package credential
