// Shard Admin is a control room for tenant-sharded PostgreSQL: a window, a
// loopback page and a command line in one binary.
package main

import (
	"context"
	"os"

	"shardadmin/app/window"
	"shardadmin/internal/cli"
	"shardadmin/internal/home"
	"shardadmin/internal/web"
)

func main() {
	faces := cli.Faces{Serve: serve}
	if window.Available {
		faces.Window = open
	}
	os.Exit(cli.Main(context.Background(), faces, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func open(ctx context.Context, h *home.Home, o cli.WindowOptions) error {
	return window.Run(ctx, window.Options{Home: h, Fleet: o.Fleet, Email: o.Email})
}

func serve(ctx context.Context, h *home.Home, o cli.ServeOptions) error {
	return web.Serve(ctx, web.Options{Home: h, Listen: o.Listen, Fleet: o.Fleet, Email: o.Email, Ready: o.Ready})
}
