package monitor

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

const (
	// perSecond and burst bound how often the API may be asked, by all together.
	perSecond, burst = 20, 40
	// closeWithin is how long the end waits for answers that are under way.
	closeWithin = 10 * time.Second
)

// Options of Serve.
type Options struct {
	Session *session.Session
	// Figures returns what is known, from memory.
	Figures func() session.Figures
	// Listen is an address with a port; one that is not loopback needs Cert and Key.
	Listen string
	// Cert and Key are PEM files. They are read anew when they have changed.
	Cert, Key string
	// Hosts are the names by which the server is reached, beside the loopback ones.
	Hosts []string
	Token credential.Secret
	Log   *slog.Logger
	// Ready is called once, with the address of the API.
	Ready func(url string)
}

// Serve serves API and metrics until ctx ends. Errors: usage for an address or a
// certificate that cannot be used, listen_failed.
func Serve(ctx context.Context, o Options) error {
	listener, certificate, err := open(ctx, o)
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the address of the listener cannot be read", "")
	}
	hosts := o.Hosts
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		hosts = append([]string{host}, hosts...)
	}
	server := &http.Server{
		Handler:           newDoor(hosts, port, o.Token, rate.NewLimiter(perSecond, burst)).guard(routes(o)),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	scheme := "http"
	if certificate != nil {
		scheme = "https"
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
	}
	ended := make(chan error, 1)
	go func() {
		if certificate != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	if o.Ready != nil {
		o.Ready(scheme + "://" + address + prefix)
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close() // the answers that did not end by themselves
		}
		return nil
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fault.Wrap(err, fault.ListenFailed, "serving the API ended", "start it again")
}

// open checks an address and listens on it.
func open(ctx context.Context, o Options) (net.Listener, *certificate, error) {
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, nil, fault.Newf(fault.Usage, "write --api-listen 127.0.0.1:9464", "%q is not an address with a port", o.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, nil, fault.Newf(fault.Usage, "write --api-listen 127.0.0.1:9464", "%q is not a port", port)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, nil, fault.New(fault.Usage, "a certificate needs its key", "give --tls-cert and --tls-key together")
	}
	ip := net.ParseIP(host)
	if o.Cert == "" && (ip == nil || !ip.IsLoopback()) {
		return nil, nil, fault.Newf(fault.Usage, "give --tls-cert and --tls-key, or listen on 127.0.0.1", "%q can be reached from elsewhere, and tokens do not go there in the clear", o.Listen)
	}
	var c *certificate
	if o.Cert != "" {
		c = &certificate{cert: o.Cert, key: o.Key}
		if _, err := c.get(nil); err != nil {
			return nil, nil, fault.Wrapf(err, fault.Usage, "give a certificate and its private key as PEM files", "%s and %s cannot be used", o.Cert, o.Key)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, nil, fault.Wrapf(err, fault.ListenFailed, "choose another port, or 0 for a free one", "%s cannot be listened on", o.Listen)
	}
	return l, c, nil
}

func routes(o Options) http.Handler {
	mux, api := http.NewServeMux(), http.NewServeMux()
	register(api, o.Session)
	mux.Handle(prefix+"/", known(api, coded(api)))
	registry := prometheus.NewRegistry()
	registry.MustRegister(newFigures(o.Figures), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn)}))
	return known(mux, mux)
}

// known lets through to next what mux has a pattern for, and says of the rest what is
// wrong: a mux alone would say so in plain text.
func known(mux *http.ServeMux, next http.Handler) http.Handler {
	has := func(r *http.Request) bool {
		_, pattern := mux.Handler(r)
		return pattern != ""
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if has(r) {
			next.ServeHTTP(w, r)
			return
		}
		read := *r
		if read.Method = http.MethodGet; has(&read) {
			w.Header().Set("Allow", "GET, HEAD")
			newProblem(http.StatusMethodNotAllowed, fault.Usage, r.URL.Path+" is only read, and this is a "+r.Method, "ask with GET: the API changes nothing").write(w)
			return
		}
		newProblem(http.StatusNotFound, fault.NotFound, "there is nothing at "+r.Method+" "+r.URL.Path, "GET "+prefix+"/openapi.json lists what there is").write(w)
	})
}
