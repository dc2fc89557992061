//go:build !linux

package cli_test

import "testing"

// smallDisk is nil: a file system of its own is mounted on Linux alone.
func smallDisk(*testing.T, *lab) func() { return nil }
