package cli

import (
	"context"

	"github.com/spf13/pflag"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

// apiHelp is what serve and worker say of the monitoring API.
const apiHelp = `With --api-listen other programs may read what is observed: GET /api/v1/… with
an OpenAPI description at /api/v1/openapi.json, and /metrics for Prometheus,
which asks no database. Each request needs the token of SHARD_API_TOKEN, or the
one that "fleet credential set api-token" keeps. An address that is not loopback
needs a certificate.`

// apiOptions say where API and metrics are served.
type apiOptions struct {
	listen, cert, key string
	hosts             []string
}

func (o *apiOptions) flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.listen, "api-listen", "", "serve API and metrics at this `ADDRESS`, such as 127.0.0.1:9464")
	fs.StringVar(&o.cert, "tls-cert", "", "the certificate `FILE` of API and metrics; read anew when it changes")
	fs.StringVar(&o.key, "tls-key", "", "the private key `FILE` of that certificate")
	fs.StringArrayVar(&o.hosts, "host", nil, "a `NAME` by which API and metrics are reached; may be given several times")
}

// api serves API and metrics beside what else runs, where they are asked for. It
// returns their address, a context that ends when they do, and what ends them.
func (p *program) api(ctx context.Context, h *home.Home, o apiOptions) (url string, within context.Context, end func() error, err error) {
	none := func() error { return nil }
	if o.listen == "" {
		if o.cert != "" || o.key != "" || len(o.hosts) > 0 {
			return "", ctx, none, fault.New(fault.Usage, "--tls-cert, --tls-key and --host are about API and metrics, which are not asked for", "add --api-listen ADDRESS")
		}
		return "", ctx, none, nil
	}
	if p.faces.Monitor == nil {
		return "", ctx, none, fault.New(fault.ListenFailed, "this build has no monitoring API", "make build-headless builds one that has")
	}
	s, err := p.sessionOf(ctx, p.fleet, "api")
	if err != nil {
		return "", ctx, none, err
	}
	token, err := s.APIToken(ctx)
	if err != nil {
		return "", ctx, none, err
	}
	h.Hide(token)
	full, err := h.Settings().HealthInterval()
	if err != nil {
		return "", ctx, none, err
	}
	running, cancel := context.WithCancelCause(ctx)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		err := p.faces.Monitor(running, s, MonitorOptions{
			Listen: o.listen, Cert: o.cert, Key: o.key, Hosts: o.hosts, Token: token, Full: full, Log: h.Logger(),
			Ready: func(url string) { ready <- url },
		})
		cancel(err) // what runs beside it ends as well
		ended <- err
	}()
	end = func() error {
		cancel(nil)
		return <-ended
	}
	select {
	case url = <-ready:
		p.say("API and metrics of %s are at %s and /metrics.", s.Fleet().Name, url)
		return url, running, end, nil
	case err := <-ended:
		return "", ctx, none, err
	}
}
