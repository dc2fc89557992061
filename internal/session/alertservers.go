package session

import (
	"net"
	"strconv"
	"strings"

	"shardadmin/internal/alert"
	"shardadmin/internal/health"
	"shardadmin/internal/sample"
)

// alertServer is a server that holds several shards. What the checks say of it is the
// same for each of them, and is one alert.
type alertServer struct {
	address string // as the first of its shards is reached
	of      sample.Server
	shards  []string
	whole   map[string]bool // the checks that are the server's
	// up is true where one of its shards answers, judged are the checks that could look
	// on one, found what they found on the shard where it was most.
	up     bool
	judged map[string]bool
	found  map[string][]health.Finding
}

// namedServers is how many of a server's shards an alert names.
const namedServers = 12

// alertServers are the servers that hold several of these shards, by shard.
func (s *Session) alertServers(shards []ShardFigures) ([]*alertServer, map[string]*alertServer) {
	whole := map[string]bool{}
	for _, c := range health.Checks() {
		if c.Server {
			whole[c.Name] = true
		}
	}
	list := []*alertServer{}
next:
	for _, sh := range shards {
		db, err := s.set.Shard(sh.Name)
		if !sh.Configured || err != nil {
			continue
		}
		address := net.JoinHostPort(db.Host(), strconv.Itoa(db.Port()))
		if db.SSH() != "" {
			address += " through " + db.SSH() // whose hosts have names of their own
		}
		for _, server := range list {
			if server.is(address, sh.Reading.Server) {
				server.shards = append(server.shards, sh.Name)
				continue next
			}
		}
		list = append(list, &alertServer{
			address: address, of: sh.Reading.Server, shards: []string{sh.Name}, whole: whole, judged: map[string]bool{}, found: map[string][]health.Finding{},
		})
	}
	several, by := []*alertServer{}, map[string]*alertServer{}
	for _, server := range list {
		if len(server.shards) < 2 {
			continue
		}
		several = append(several, server)
		for _, name := range server.shards {
			by[name] = server
		}
	}
	return several, by
}

// is reports whether a shard is on the server. Copies share the identifier and a pooler
// leads to several servers by one address, so each alone says too little. Who may not ask
// for the identifier has the start of the server, and before the first look the address.
func (v *alertServer) is(address string, of sample.Server) bool {
	same := of.SystemIdentifier == v.of.SystemIdentifier
	known := of.SystemIdentifier != "" && v.of.SystemIdentifier != ""
	started := of.Started.Equal(v.of.Started)
	if address != v.address {
		return known && same && started && !of.Started.IsZero()
	}
	if known {
		return same
	}
	return started || of.Started.IsZero() || v.of.Started.IsZero()
}

// take takes what the checks say of the server out of the report of one of its shards
// that answers.
func (v *alertServer) take(r health.Report) health.Report {
	own, found, blind := health.Report{}, map[string][]health.Finding{}, map[string]bool{}
	for _, f := range r.Findings {
		if v.whole[f.Check] {
			found[f.Check] = append(found[f.Check], f)
		} else {
			own.Findings = append(own.Findings, f)
		}
	}
	for _, u := range r.Unavailable {
		if v.whole[u.Check] {
			blind[u.Check] = true
		} else {
			own.Unavailable = append(own.Unavailable, u)
		}
	}
	v.up = true
	for check := range v.whole {
		v.judged[check] = v.judged[check] || !blind[check]
		if worse(found[check], v.found[check]) {
			v.found[check] = found[check]
		}
	}
	return own
}

// worse reports whether findings, the worst first, say more than others.
func worse(a, b []health.Finding) bool {
	if len(a) == 0 || len(b) == 0 || a[0].Severity == b[0].Severity {
		return len(a) > len(b)
	}
	return a[0].Severity.Rank() < b[0].Severity.Rank()
}

// shardsOf are the shards of each server, by its address: what a silence goes by.
func shardsOf(servers []*alertServer) map[string][]string {
	out := map[string][]string{}
	for _, server := range servers {
		out[server.address] = server.shards
	}
	return out
}

// serversNow are the servers that hold several shards, as far as this program knows: from
// what it samples, and else from where the fleet file says they are.
func (s *Session) serversNow() map[string][]string {
	s.mu.Lock()
	b := s.observed
	s.mu.Unlock()
	list := []ShardFigures{}
	for _, sh := range s.cfg.Fleet.Shards {
		f := ShardFigures{Name: sh.Name, Configured: sh.Configured()}
		if b != nil {
			f.Reading, _ = b.sampler.Reading(sh.Name)
		}
		list = append(list, f)
	}
	servers, _ := s.alertServers(list)
	return shardsOf(servers)
}

// conditions are what is known of the server, in the name of its first shard.
func (v *alertServer) conditions() []alert.Condition {
	r := health.Report{}
	for _, c := range health.Checks() {
		r.Findings = append(r.Findings, v.found[c.Name]...)
	}
	named := strings.Join(v.shards[:min(len(v.shards), namedServers)], ", ")
	if n := len(v.shards) - namedServers; n > 0 {
		named += " and " + strconv.Itoa(n) + " more"
	}
	out := conditionsOf(v.address, r)
	for i := range out {
		out[i].Shard = v.shards[0]
		out[i].Message = "the server of " + named + ": " + out[i].Message
	}
	return out
}
