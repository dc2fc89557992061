package sample

import (
	"context"
	_ "embed"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Extension is one that is installed in the database.
type Extension struct {
	Version string
	// Schema is where its functions and views are; it is not quoted.
	Schema string
}

// Server is what a connection leads to: what decides which queries can be
// asked, and which two names lead to one server.
type Server struct {
	// Version is server_version_num, 170005 for 17.5.
	Version     int
	VersionText string
	InRecovery  bool
	Started     time.Time
	// SystemIdentifier is made by initdb and shared by physical copies; empty
	// where the role may not ask for it.
	SystemIdentifier string
	Database         string
	DatabaseOID      uint32
	// Role is the connected one; Monitor says whether it has the rights of
	// pg_monitor, without which most figures of others are hidden from it.
	Role    string
	Monitor bool
	// Pooled is true behind a pooler: the session keeps no settings.
	Pooled bool
	// Extensions by name.
	Extensions map[string]Extension
}

// Major is the major version, 17 for 17.5.
func (s Server) Major() int { return s.Version / 10000 }

// Instance tells servers apart that a fleet reaches by several names: physical
// copies share an identifier, but hardly ever the microsecond of their start.
func (s Server) Instance() string {
	return s.SystemIdentifier + "/" + strconv.FormatInt(s.Started.UnixMicro(), 10)
}

// Same reports whether two looks found one server, although a role that got its
// rights in between sees the identifier that was hidden from it before.
func (s Server) Same(o Server) bool {
	return s.Started.Equal(o.Started) && s.DatabaseOID == o.DatabaseOID &&
		(s.SystemIdentifier == o.SystemIdentifier || s.SystemIdentifier == "" || o.SystemIdentifier == "")
}

// AnswersAs reports whether what decides which queries can be asked, and how much
// they show, is as it was.
func (s Server) AnswersAs(o Server) bool {
	return s.Version == o.Version && s.InRecovery == o.InRecovery && s.Role == o.Role && s.Monitor == o.Monitor &&
		s.SystemIdentifier == o.SystemIdentifier && maps.Equal(s.Extensions, o.Extensions)
}

//go:embed sql/server.sql
var serverSQL string

//go:embed sql/extensions.sql
var extensionsSQL string

// Identify asks a server what it is. Of the answers only the system identifier
// may be refused to a role. Errors are faults of package conn.
func Identify(ctx context.Context, c *pgx.Conn) (Server, error) {
	results, err := Collect(ctx, c, Server{}, []Query{
		{Name: "server", Tier: Live, SQL: Always(serverSQL)},
		{Name: "extensions", Tier: Live, SQL: Always(extensionsSQL)},
		{Name: "identifier", Tier: Live, SQL: Always("SELECT system_identifier::text AS identifier FROM pg_catalog.pg_control_system()")},
	})
	if err != nil {
		return Server{}, err
	}
	for _, name := range []string{"server", "extensions"} {
		if err := results[name].Err; err != nil {
			return Server{}, err
		}
	}
	s := Server{Extensions: map[string]Extension{}}
	for r := range results["server"].All() {
		s.Version, s.VersionText = int(r.IntOr("version", 0)), r.Text("version_text")
		s.InRecovery, s.Monitor = r.Is("in_recovery"), r.Is("monitor")
		s.Started, _ = r.Time("started")
		s.Database, s.DatabaseOID, s.Role = r.Text("database"), uint32(r.IntOr("oid", 0)), r.Text("role") //nolint:gosec // an oid has 32 bits
		s.Pooled = uint32(r.IntOr("pid", 0)) != c.PgConn().PID()                                          //nolint:gosec // so has a process number
	}
	for r := range results["extensions"].All() {
		s.Extensions[r.Text("name")] = Extension{Version: r.Text("version"), Schema: r.Text("schema")}
	}
	for r := range results["identifier"].All() {
		s.SystemIdentifier = r.Text("identifier")
	}
	return s, nil
}
