package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"time"

	"shardadmin/app"
	"shardadmin/frontend"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

// parkWithin is how long the end of serving waits for work to reach a safe
// point.
const parkWithin = 45 * time.Second

// Options of Serve.
type Options struct {
	Home *home.Home
	// Listen is a loopback address with a port; 127.0.0.1:0 when empty.
	Listen string
	// Demo starts the demo fleet; nil where there is none.
	Demo app.Demo
	// Fleet to open first; empty means the only one, else the current one.
	Fleet string
	// Email is who works here; empty means the one of the settings.
	Email string
	// Assets is the page; the embedded one when nil.
	Assets fs.FS
	// Ready is called once, with the address that opens the page.
	Ready func(url string)
}

// Serve shows the page until ctx ends. Work under way then parks at its next
// safe point.
func Serve(ctx context.Context, o Options) error {
	listener, err := listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	if o.Assets == nil {
		if o.Assets, err = frontend.Assets(); err != nil {
			return fault.Wrap(err, fault.Internal, "the page is not in this build", "build again with `make build`")
		}
	}
	token, cookie := secret(), secret()
	events := newHub()
	a := app.New(app.Options{Home: o.Home, Mode: app.Page, Demo: o.Demo, Fleet: o.Fleet, Email: o.Email})
	a.Start(events)

	address := listener.Addr().String()
	log := o.Home.Logger()
	calls, err := newCalls(a.Services(), log)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the address of the listener cannot be read", "")
	}
	door := newDoor(port, token, cookie)
	server := &http.Server{
		Handler:           door.guard(routes(calls, events, o.Assets)),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if o.Ready != nil {
		o.Ready("http://" + address + "/?" + tokenParameter + "=" + token)
	}

	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	events.close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), parkWithin)
	defer cancel()
	stopped := make(chan struct{})
	go func() { defer close(stopped); a.Stop(closing) }() // ends the calls that are waited for
	if shut := server.Shutdown(closing); shut != nil {
		_ = server.Close() // the connections that did not end by themselves
	}
	<-stopped
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.ListenFailed, "serving the page ended", "start it again")
	}
	return nil
}

// listen opens a loopback address and refuses every other.
func listen(ctx context.Context, address string) (net.Listener, error) {
	const hint = "listen on 127.0.0.1:0, and reach this computer from another one through `ssh -L`"
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.Newf(fault.Usage, hint, "%q is not an address with a port", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return nil, fault.Newf(fault.Usage, hint, "%q is not a port", port)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fault.Newf(fault.Usage, hint, "the page is shown on this computer alone, not on %q", host)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fault.Wrapf(err, fault.ListenFailed, "choose another port, or 0 for a free one", "%s cannot be listened on", net.JoinHostPort(host, port))
	}
	return l, nil
}

// secret returns 256 random bits for a URL.
func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func routes(calls *calls, events *hub, assets fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /bindings/{service}/{method}", calls)
	mux.Handle("GET /events", events)
	// A call is no page: who asks for one is told so.
	mux.HandleFunc("GET /bindings/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a call is a POST", http.StatusMethodNotAllowed)
	})
	mux.Handle("GET /", newFiles(assets))
	return mux
}
