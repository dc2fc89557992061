// Package keyringtest starts gnome-keyring on a session bus of its own: the keychain of
// whoever runs the tests is not touched, and a test can lock its own or stop it.
package keyringtest
