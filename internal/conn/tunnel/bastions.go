package tunnel

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// Limit bounds the way to one host: connection, keys and login. A way over
// several hosts has it for each.
const Limit = 15 * time.Second

// Options of Bastions.
type Options struct {
	// Env looks up a variable, HOME and SSH_AUTH_SOCK among them; os.Getenv
	// when nil.
	Env func(string) string
	// System is the folder of the system's ssh_config; the platform's when empty.
	System string
	// Passphrase returns the passphrase of a key file, an empty one where
	// nobody keeps it. It is called when a host has accepted the key.
	Passphrase func(ctx context.Context, key string) (credential.Secret, error)
	// Every is the time between two questions whether a connection lives; 15 s
	// when zero. Silent is how long one may say nothing after that; 30 s when
	// zero.
	Every, Silent time.Duration
}

// Bastions are the SSH connections of one fleet. Its methods may be called from
// any goroutine.
type Bastions struct {
	o       Options
	writing sync.Mutex

	mu     sync.Mutex
	open   map[string]*bastion
	all    map[*bastion]bool
	closed bool
}

// New describes the connections; it dials nothing.
func New(o Options) *Bastions {
	if o.Every == 0 {
		o.Every = 15 * time.Second
	}
	if o.Silent == 0 {
		o.Silent = 30 * time.Second
	}
	if o.Passphrase == nil {
		o.Passphrase = func(context.Context, string) (credential.Secret, error) { return credential.Secret{}, nil }
	}
	return &Bastions{o: o, open: map[string]*bastion{}, all: map[*bastion]bool{}}
}

// bastion is one connection to one host.
type bastion struct {
	hop    hop
	ready  chan struct{} // closed when client or err is set
	client *ssh.Client
	err    error
	key    ssh.PublicKey
	before *bastion // the host through which it is reached
	gone   chan struct{}
	probe  chan struct{}
	heard  *atomic.Int64

	// under the mutex of Bastions
	users   int
	retired bool
}

func (x *bastion) over() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

// Dial opens a connection to a database through the hosts of a way; network and
// addr are as the last host sees them. Errors are faults that name the host:
// ssh_unreachable, ssh_login_refused, ssh_host_key_unknown,
// ssh_host_key_changed, ssh_config_invalid, and database_unreachable where the
// last host cannot reach the database.
func (b *Bastions) Dial(ctx context.Context, way, network, addr string) (net.Conn, error) {
	hops, err := b.hops(way)
	if err != nil {
		return nil, err
	}
	for again := true; ; again = false {
		x, err := b.reach(ctx, hops)
		if err != nil {
			return nil, err
		}
		channel, err := x.client.DialContext(ctx, network, addr)
		if err == nil {
			return carry(channel, address{network, addr}, func() { b.release(x) }), nil
		}
		dead := x.over()
		b.release(x)
		var refused *ssh.OpenChannelError
		switch {
		case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
			return nil, fault.Wrapf(err, fault.SSHLoginRefused, "let AllowTcpForwarding and PermitOpen of its sshd_config permit it", "the SSH host %s does not let %s open a connection to %s", x.hop.Address(), x.hop.User, addr)
		case errors.As(err, &refused):
			return nil, fault.Wrapf(err, fault.DatabaseUnreachable, "check host and port as the SSH host sees them", "the SSH host %s cannot connect to %s: %s", x.hop.Address(), addr, refused.Message)
		case ctx.Err() != nil:
			// It may be dead, or only what is behind it.
			x.ask()
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, ctx.Err()
			}
			return nil, fault.Wrapf(err, fault.DatabaseUnreachable, "check that the database answers the SSH host", "no answer in time from %s through the SSH host %s", addr, x.hop.Address())
		case !again && !dead:
			return nil, fault.Wrapf(err, fault.SSHUnreachable, "try again", "the SSH host %s ended the connection", x.hop.Address())
		case !again:
			return nil, fault.Wrapf(err, fault.SSHUnreachable, "try again", "the connection to the SSH host %s was lost", x.hop.Address())
		}
		// It had ended without our knowing, as after a sleep.
		b.retire(x)
	}
}

// Way returns the hosts of a way as ssh's configuration resolves them, with the
// fingerprints of those to which a connection is open. It dials nothing.
func (b *Bastions) Way(way string) ([]Hop, error) {
	hops, err := b.hops(way)
	if err != nil {
		return nil, err
	}
	out := make([]Hop, len(hops))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range hops {
		out[i] = hops[i].Hop
		if x := b.open[keyOf(hops[:i+1])]; x != nil && !x.over() {
			select {
			case <-x.ready:
				if x.err == nil {
					out[i].Fingerprint, out[i].KeyType = ssh.FingerprintSHA256(x.key), x.key.Type()
				}
			default:
			}
		}
	}
	return out, nil
}

// Unknown goes the way until it meets a host whose key nobody has accepted;
// nil when there is none. Other errors are those of Dial.
func (b *Bastions) Unknown(ctx context.Context, way string) (*HostKey, error) {
	hops, err := b.hops(way)
	if err != nil {
		return nil, err
	}
	x, err := b.reach(ctx, hops)
	if err == nil {
		b.release(x)
		return nil, nil //nolint:nilnil // no unknown key is an answer
	}
	var k *HostKey
	if fault.CodeOf(err) == fault.SSHHostUnknown && errors.As(err, &k) {
		return k, nil
	}
	return nil, err
}

// Reset retires every connection: the next database connection makes a new
// one, and what runs goes on.
func (b *Bastions) Reset() {
	b.mu.Lock()
	list := make([]*bastion, 0, len(b.all))
	for x := range b.all {
		list = append(list, x)
	}
	b.mu.Unlock()
	for _, x := range list {
		b.retire(x)
	}
}

// Close ends every connection, and with it what it carries.
func (b *Bastions) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for x := range b.all {
		x.end()
	}
	b.open = map[string]*bastion{}
}

func keyOf(hops []hop) string {
	text := make([]string, len(hops))
	for i, h := range hops {
		text[i] = h.String() + "=" + h.keyName
	}
	return strings.Join(text, ">")
}

// reach returns the open connection to the last of the hosts, with one user
// more; release takes it back.
func (b *Bastions) reach(ctx context.Context, hops []hop) (*bastion, error) {
	key := keyOf(hops)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil, fault.New(fault.Cancelled, "the fleet was closed", "open the fleet again")
	}
	x := b.open[key]
	if x == nil || x.over() {
		x = &bastion{hop: hops[len(hops)-1], ready: make(chan struct{}), gone: make(chan struct{}), probe: make(chan struct{}, 1), heard: &atomic.Int64{}}
		b.open[key], b.all[x] = x, true
		go b.connect(context.WithoutCancel(ctx), x, hops)
	}
	x.users++
	b.mu.Unlock()
	select {
	case <-x.ready:
		if x.err != nil {
			b.release(x)
			return nil, x.err
		}
		return x, nil
	case <-ctx.Done():
		b.release(x)
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, fault.Wrapf(ctx.Err(), fault.SSHUnreachable, "check host, port and network", "no answer in time from the SSH host %s", x.hop.Address())
	}
}

func (b *Bastions) release(x *bastion) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.users--
	if x.users == 0 && x.retired {
		x.end()
	}
}

func (b *Bastions) retire(x *bastion) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, y := range b.open {
		if x == y {
			delete(b.open, k)
		}
	}
	x.retired = true
	if x.users == 0 {
		x.end()
	}
}

// end closes a connection that is open; one that is being dialled sees that it
// is retired or that all is closed.
func (x *bastion) end() {
	select {
	case <-x.ready:
		if x.client != nil {
			_ = x.client.Close()
		}
	default:
	}
}

// ask has the connection looked at now.
func (x *bastion) ask() {
	select {
	case x.probe <- struct{}{}:
	default:
	}
}

// connect dials a host for all who wait for it.
func (b *Bastions) connect(ctx context.Context, x *bastion, hops []hop) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(hops))*Limit)
	defer cancel()
	client, before, err := b.login(ctx, x, hops)
	b.mu.Lock()
	x.client, x.before, x.err = client, before, err
	// Nobody can have closed what was not there yet.
	unwanted := b.closed || (x.retired && x.users == 0)
	if err != nil {
		delete(b.all, x)
		for k, y := range b.open {
			if x == y {
				delete(b.open, k)
			}
		}
		close(x.gone)
	}
	close(x.ready)
	b.mu.Unlock()
	if err != nil {
		if before != nil {
			b.release(before)
		}
		return
	}
	if unwanted {
		_ = client.Close()
	}
	go x.watch(b.o.Every, b.o.Silent)
	_ = client.Wait()
	b.mu.Lock()
	close(x.gone)
	delete(b.all, x)
	b.mu.Unlock()
	if before != nil {
		b.release(before)
	}
}

// login makes the connection: through the host before it, if there is one,
// whose user it becomes.
func (b *Bastions) login(ctx context.Context, x *bastion, hops []hop) (client *ssh.Client, before *bastion, err error) {
	h := x.hop
	check, err := checker(h.known)
	if err != nil {
		return nil, nil, err
	}
	var raw net.Conn
	if len(hops) > 1 {
		if before, err = b.reach(ctx, hops[:len(hops)-1]); err != nil {
			return nil, nil, err
		}
		raw, err = before.client.DialContext(ctx, h.network, h.Address())
	} else {
		raw, err = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}).DialContext(ctx, h.network, h.Address())
	}
	if err != nil {
		through := ""
		if before != nil {
			through = " through " + before.hop.Address()
		}
		return nil, before, fault.Wrapf(err, fault.SSHUnreachable, "check host, port and network", "the SSH host %s cannot be reached%s", h.Address(), through)
	}
	end := context.AfterFunc(ctx, func() { _ = raw.Close() })
	keys := &identities{hop: h, ctx: ctx, passphrase: b.o.Passphrase}
	defer keys.close()
	known, authority := accepted(check, h.keyName)
	var refusal error
	config := &ssh.ClientConfig{
		Config: h.config, User: h.User, HostKeyAlgorithms: preferred(h.hostKeys, known, authority), ClientVersion: "SSH-2.0-shard-admin",
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(keys.signers)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			refusal, x.key = judge(h, check, key), key
			return refusal
		},
	}
	c, channels, requests, err := ssh.NewClientConn(heard{raw, x.heard}, h.Address(), config)
	if err == nil && !end() {
		err = ctx.Err()
	}
	if err == nil {
		return ssh.NewClient(c, channels, requests), before, nil
	}
	_ = raw.Close()
	switch {
	case refusal != nil:
		return nil, before, refusal
	case keys.refusal != nil:
		return nil, before, keys.refusal
	case ctx.Err() != nil:
		return nil, before, fault.Wrapf(err, fault.SSHUnreachable, "check the host and the network; an agent may wait for a person", "no answer in time from the SSH host %s", h.Address())
	case strings.Contains(err.Error(), "unable to authenticate"):
		return nil, before, fault.Wrapf(err, fault.SSHLoginRefused, "ssh -v "+h.String()+" shows what works; keys come from the agent, or from IdentityFile in ~/.ssh/config",
			"the SSH host %s does not let %s in: %s", h.Address(), h.User, keys.listed())
	case strings.Contains(err.Error(), "no common algorithm"):
		return nil, before, fault.Wrapf(err, fault.SSHUnreachable, "choose others with KexAlgorithms, Ciphers, MACs or HostKeyAlgorithms in ~/.ssh/config", "the SSH host %s and this computer have no algorithm in common", h.Address())
	}
	return nil, before, fault.Wrapf(err, fault.SSHUnreachable, "check that an SSH server listens there", "the SSH host %s ended the connection before anybody was logged in", h.Address())
}

// heard counts what arrives, by which a busy connection shows that it lives.
type heard struct {
	net.Conn
	n *atomic.Int64
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.n.Add(int64(n))
	return n, err
}

// watch closes a connection that is asked and says nothing.
func (x *bastion) watch(every, silent time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-x.gone:
			return
		case <-tick.C:
		case <-x.probe:
		}
		answered := make(chan struct{})
		go func() {
			// An answer that refuses the request is one too.
			_, _, _ = x.client.SendRequest("keepalive@openssh.com", true, nil)
			close(answered)
		}()
		for waiting := true; waiting; {
			before := x.heard.Load()
			limit := time.NewTimer(silent)
			select {
			case <-answered:
				waiting = false
			case <-x.gone:
				limit.Stop()
				return
			case <-limit.C:
				if x.heard.Load() == before {
					_ = x.client.Close()
					return
				}
			}
			limit.Stop()
		}
	}
}
