// Shard Admin is a control room for tenant-sharded PostgreSQL: a window, a
// loopback page and a command line in one binary.
package main

import (
	"context"
	"fmt"
	"os"

	"shardadmin/app/window"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

func main() {
	h, err := home.Open(home.Options{})
	if err == nil {
		err = window.Run(context.Background(), window.Options{Home: h})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "shard-admin:", err, fault.HintOf(err))
	}
	os.Exit(fault.Exit(err))
}
