//go:build !linux

package credential

// SessionBus reports whether a keychain can be asked; elsewhere asking starts
// nothing.
func SessionBus() error { return nil }
