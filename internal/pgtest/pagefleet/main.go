//go:build unix

// Program pagefleet is what the browser tests of the page look at: the demo's
// real PostgreSQL servers, several fleets on them (one that is whole, one of
// production, one with a silent shard, one that is empty, one with 100,000
// tenants, one that does not answer, one without our schema, none at all, twice) and a served page for each.
// Tests alone start it:
//
//	pagefleet -binary build/bin/shard-admin-headless
//
// It prints one line of JSON when everything is up, and ends, with every server
// and every file, when its standard input ends or a signal comes: whoever
// started it cannot leave it behind.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shardadmin/internal/demo"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

// up is what the tests are told.
type up struct {
	// Pages are addresses with a token that works once, by fleet.
	Pages map[string]string `json:"pages"`
	// Ask answers SQL; Token is its bearer.
	Ask   string `json:"ask"`
	Token string `json:"token"`
	// Keychain reports whether the fleet "fresh" has one of its own.
	Keychain bool `json:"keychain"`
}

func main() {
	binary := flag.String("binary", "build/bin/shard-admin-headless", "the program that serves the pages")
	flag.Parse()
	if err := run(*binary); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "pagefleet:", err)
		if f := fault.As(err); f != nil && f.Hint != "" {
			_, _ = fmt.Fprintln(os.Stderr, "  ", f.Hint)
		}
		os.Exit(1)
	}
}

func run(binary string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // whoever started this holds its standard input open
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("there is no program to serve the pages: %w; `make build-headless` makes it", err)
	}
	sweep()
	dir := filepath.Join(os.TempDir(), prefix+strconv.Itoa(os.Getpid()))
	w := &world{binary: binary, dir: dir, started: time.Now(), pages: map[string]string{}}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := w.begin(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	ask, token, err := w.listen(ctx)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(up{Pages: w.pages, Ask: ask, Token: token, Keychain: w.bus != ""}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

const prefix = "shard-admin-page-"

// sweep removes what runs that were killed have left.
func sweep() {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"[0-9]*"))
	for _, dir := range old {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), prefix))
		if err == nil && syscall.Kill(pid, 0) != nil {
			_ = forget(dir)
		}
	}
}

// forget removes the servers and the folder of a run.
func forget(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	h, err := home.Open(home.Options{Dir: filepath.Join(dir, "demo")})
	if err == nil {
		err = errors.Join(demo.New(h).Reset(ctx), h.Close())
	}
	return errors.Join(err, os.RemoveAll(dir))
}
