package importer

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// address is how one database of the application is reached.
type address struct {
	host, port, database string
	credential           credential.Credential
	params               url.Values
	// dropped are settings that mean something to Rails alone.
	dropped []string
	// pooled is true where the application does without prepared statements,
	// as it has to behind a pooler.
	pooled bool
}

// kept are the connection parameters that a fleet's URL may carry: they say
// how to reach and trust the server.
var kept = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslsni", "connect_timeout", "target_session_attrs", "channel_binding", "require_auth"}

const urlHint = `write "postgres://user:password@host:5432/database"; special characters of a password are written as %23 for #, %40 for @, %2F for /`

// parseAddress reads a connection URL. No message repeats it. Problem and hint
// are empty when it can be used.
func parseAddress(text string) (a *address, problem, hint string) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, "the connection URL cannot be read", urlHint
	}
	switch u.Scheme {
	case "postgres", "postgresql", "postgis":
	case "mysql", "mysql2", "trilogy", "sqlite3", "sqlite", "sqlserver", "oracle":
		return nil, "the database is not PostgreSQL but " + u.Scheme, "only PostgreSQL databases can be part of a fleet"
	default:
		return nil, "the connection URL is not one of PostgreSQL", urlHint
	}
	// What looks like this is a password with a bare #, / or ? in it.
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	if u.Fragment != "" || strings.ContainsAny(path, "@/") || u.Opaque != "" {
		return nil, "the connection URL has a part that belongs nowhere", urlHint
	}
	a = &address{host: u.Hostname(), port: u.Port(), database: strings.TrimPrefix(u.Path, "/"), params: url.Values{}}
	if u.User != nil {
		a.credential.User = u.User.Username()
		p, _ := u.User.Password()
		a.credential.Password = credential.NewSecret(p)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, "the parameters of the connection URL cannot be read", urlHint
	}
	keys := make([]string, 0, len(query))
	for k := range query {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if problem, hint = a.set(k, query.Get(k), true); problem != "" {
			return nil, problem, hint
		}
	}
	return a, "", ""
}

// set takes one setting: of the URL's query, or of the entry.
func (a *address) set(key, text string, over bool) (problem, hint string) {
	if text == "" {
		return "", ""
	}
	fill := func(to *string) {
		if *to == "" || over {
			*to = text
		}
	}
	switch key {
	case "host":
		fill(&a.host)
	case "port":
		fill(&a.port)
	case "database", "dbname":
		fill(&a.database)
	case "username", "user":
		fill(&a.credential.User)
	case "password":
		if a.credential.Password.Empty() || over {
			a.credential.Password = credential.NewSecret(text)
		}
	case "sslpassword":
		return "the key of the client's certificate has a password", "use a key without one, readable by you alone"
	case "prepared_statements":
		a.pooled = text == "false"
	case "adapter":
		if !slices.Contains([]string{"postgresql", "postgis", "postgres"}, text) {
			return "the database is not PostgreSQL but " + text, "only PostgreSQL databases can be part of a fleet"
		}
	case "schema_search_path":
		if text != "public" {
			a.dropped = append(a.dropped, key)
		}
	default:
		if slices.Contains(kept, key) {
			if a.params.Get(key) == "" || over {
				a.params.Set(key, text)
			}
		}
	}
	return "", ""
}

// url is the address without its password.
func (a *address) url() string {
	u := url.URL{Scheme: "postgres", Path: "/" + a.database}
	if a.credential.User != "" {
		u.User = url.User(a.credential.User)
	}
	q := url.Values{}
	for k, v := range a.params {
		q[k] = v
	}
	if strings.HasPrefix(a.host, "/") {
		q.Set("host", a.host)
		if a.port != "" {
			q.Set("port", a.port)
		}
	} else {
		u.Host = a.host
		if a.port != "" {
			u.Host = net.JoinHostPort(a.host, a.port)
		} else if strings.Contains(a.host, ":") {
			u.Host = "[" + a.host + "]"
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// check says what is missing or wrong, with the remedy.
func (a *address) check() (problem, hint string) {
	if a.database == "" {
		return "no database is named", "add /database to the URL, or database: NAME"
	}
	if n, err := strconv.Atoi(a.port); a.port != "" && (err != nil || n < 1 || n > 65535) {
		return "the port is not a number from 1 to 65535", "write port: 5432"
	}
	if !strings.HasPrefix(a.host, "/") && strings.ContainsAny(a.host, "/@?# \t,") {
		return "the host is not one host name", "write host: db.example.com"
	}
	return "", ""
}

func asFault(problem, hint string) error { return fault.New(fault.ImportInvalid, problem, hint) }
