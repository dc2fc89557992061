//go:build !desktop && !bindings

package window

import (
	"context"

	"shardadmin/internal/fault"
)

// Available reports whether this build has a window.
const Available = false

// Run refuses: this build has no window.
func Run(context.Context, Options) error {
	return fault.New(fault.NoDisplay, "this build has no window",
		"run `shard-admin serve` and open the address that it prints, or build with the tag desktop")
}
