// Package deptest holds the direction of imports as a test: the picture of
// docs/architecture.md in a form that fails.
package deptest
