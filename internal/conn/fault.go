package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/fault"
)

// Fault turns an error of the driver into one with a code, a place and a
// remedy. A fault passes through as it is; nil stays nil.
func Fault(err error, where string) error {
	if err == nil {
		return nil
	}
	var connect *pgconn.ConnectError
	connecting := errors.As(err, &connect)
	if f := fault.As(err); f != nil {
		if connecting {
			// From an SSH host on the way; the driver's own words repeat it.
			return fault.Wrapf(err, f.Code, strings.ReplaceAll(f.Hint, "DATABASE", where), "%s: %s", where, f.Message)
		}
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return serverFault(err, pg, where, connecting)
	}
	if f := tlsFault(err, where); f != nil {
		return f
	}
	if errors.Is(err, context.Canceled) && !connecting {
		return err
	}
	if f := clientCertificate(err, connect, where); f != nil {
		return f
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fault.Wrapf(err, fault.DatabaseUnreachable, "check the host in the fleet file and this computer's network", "%s: the host %s is not known", where, dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Wrapf(err, fault.DatabaseUnreachable, "check that the server runs and listens there", "%s: connection refused%s", where, at(connect))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		if connecting {
			return fault.Wrapf(err, fault.DatabaseUnreachable, "check the network, a firewall, or the server's load", "%s: no answer in time%s", where, at(connect))
		}
		return fault.Wrapf(err, fault.TimedOut, "try again, or find out what the server is busy with", "%s: no answer in time", where)
	case connecting:
		return fault.Wrapf(err, fault.DatabaseUnreachable, "check host, port and network", "%s: no connection%s", where, at(connect))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, net.ErrClosed), strings.Contains(err.Error(), "conn closed"):
		return fault.Wrapf(err, fault.DatabaseGone, "try again; what was under way is read again first", "%s: the connection was lost", where)
	}
	var netErr net.Error
	if errors.As(err, &netErr) {
		return fault.Wrapf(err, fault.DatabaseGone, "try again; what was under way is read again first", "%s: the connection was lost", where)
	}
	return fault.Wrapf(err, fault.DatabaseFailed, "", "%s: %s", where, err)
}

func at(c *pgconn.ConnectError) string {
	if c == nil || c.Config == nil {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", c.Config.Host, c.Config.Port)
}

func serverFault(err error, pg *pgconn.PgError, where string, connecting bool) error {
	say := func(code fault.Code, hint, what string) error {
		return fault.Wrapf(err, code, hint, "%s: %s (SQLSTATE %s)", where, what, pg.Code)
	}
	switch {
	case pg.Code == "28000" && strings.Contains(pg.Message, "certificate"):
		return say(fault.LoginRefused, "give the client's certificate and key in the URL: sslcert=FILE&sslkey=FILE", pg.Message)
	case pg.Code == "28000" && strings.Contains(pg.Message, "pg_hba.conf"):
		return say(fault.LoginRefused, "the server's pg_hba.conf must let this user in from here; where it says no encryption, write sslmode=verify-full", pg.Message)
	case pg.Code == "28P01" || pg.Code == "28000":
		return say(fault.LoginRefused, "shard-admin fleet credential set stores the right user and password", "the server refused user or password")
	case connecting && refusesLogin(pg):
		return say(fault.LoginRefused, "shard-admin fleet credential set stores the right user and password", "the server refused user or password")
	case pg.Code == "3D000", connecting && pg.Code == "08P01" && strings.Contains(pg.Message, "no such database"):
		return say(fault.LoginRefused, "check the database's name in the fleet file", pg.Message)
	case pg.Code == "53300":
		return say(fault.DatabaseUnreachable, "the server has no connection left; end some or raise max_connections", pg.Message)
	case connecting && strings.HasPrefix(pg.Code, "08"):
		return say(fault.DatabaseUnreachable, "check host, port, and the pooler's log if there is one", pg.Message)
	case pg.Code == "57P03", connecting && strings.HasPrefix(pg.Code, "57P"):
		return say(fault.DatabaseUnreachable, "the server is starting or stopping; try again", pg.Message)
	case pg.Code == "25006":
		return say(fault.DatabaseReadOnly, "connect to the primary, or let the database take writes", pg.Message)
	case pg.Code == "42501":
		return say(fault.RightMissing, "shard-admin fleet check prints the GRANT", pg.Message)
	case pg.Code == "53100":
		return say(fault.TargetDiskFull, "make room on the server, then try again or cancel; both need some", "the server's disk is full: "+pg.Message)
	case pg.Code == "55P03":
		return say(fault.LockTimeout, "try again when the sessions that hold the lock are done", pg.Message)
	case pg.Code == "57014":
		return say(fault.TimedOut, "try again, or find out what the server is busy with", pg.Message)
	case pg.Code == "57P01", pg.Code == "57P02", strings.HasPrefix(pg.Code, "08"):
		return say(fault.DatabaseGone, "try again; what was under way is read again first", "the server ended the connection: "+pg.Message)
	}
	text := pg.Message
	if pg.ConstraintName != "" {
		text += " [" + pg.ConstraintName + "]"
	}
	return say(fault.DatabaseFailed, pg.Hint, text)
}

func tlsFault(err error, where string) error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return fault.Wrapf(err, fault.TLSExpired, "renew the certificate", "%s: the server's certificate has expired or is not yet valid", where)
	}
	// What the other side says of TLS has no type that can be asked for.
	if _, said, ok := strings.Cut(err.Error(), "remote error: tls: "); ok {
		if strings.Contains(said, "expired") {
			return fault.Wrapf(err, fault.TLSExpired, "renew the client's certificate", "%s: the server says that the client's certificate has expired", where)
		}
		return fault.Wrapf(err, fault.TLSInvalid, "check the client's certificate (sslcert, sslkey) and the authorities that the server trusts", "%s: the server refused TLS: %s", where, firstLine(said))
	}
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &host):
		return fault.Wrapf(err, fault.TLSInvalid, "use the host name that the certificate names", "%s: the server's certificate is for another host than %s", where, host.Host)
	case errors.As(err, &authority):
		return fault.Wrapf(err, fault.TLSInvalid, "give the authority's certificate as sslrootcert", "%s: the server's certificate is signed by an unknown authority", where)
	case errors.As(err, &verification), errors.As(err, &invalid):
		return fault.Wrapf(err, fault.TLSInvalid, "check the server's certificate and sslrootcert", "%s: the server's certificate could not be verified", where)
	case strings.Contains(err.Error(), "server refused TLS"):
		return fault.Wrapf(err, fault.TLSInvalid, "turn TLS on at the server; sslmode=prefer would go without", "%s: the server offers no TLS", where)
	}
	return nil
}

// clientCertificate describes a connection that the server ended before it
// could be read why, which is how a refused certificate most often looks: TLS
// 1.3 lets the client go on before its certificate was checked.
func clientCertificate(err error, connect *pgconn.ConnectError, where string) error {
	if connect == nil || connect.Config == nil || connect.Config.TLSConfig == nil || len(connect.Config.TLSConfig.Certificates) == 0 {
		return nil
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if leaf := connect.Config.TLSConfig.Certificates[0].Leaf; leaf != nil && time.Now().After(leaf.NotAfter) {
		return fault.Wrapf(err, fault.TLSExpired, "renew the client's certificate", "%s: the server ended the connection, and the client's certificate has expired", where)
	}
	return fault.Wrapf(err, fault.TLSInvalid, "check the client's certificate (sslcert, sslkey) and the authorities that the server trusts",
		"%s: the server refused TLS: it ended the connection when it was given the client's certificate", where)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// refusesParameters reports whether a connection was refused because of our
// session settings, as poolers do.
func refusesParameters(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "08P01" && strings.Contains(pg.Message, "startup parameter")
}

// refusesLogin reports whether a pooler refused user or password; it has no
// code of its own for that.
func refusesLogin(pg *pgconn.PgError) bool {
	return pg.Code == "08P01" && (strings.Contains(pg.Message, "authentication failed") || strings.Contains(pg.Message, "no such user"))
}

// asksForPassword reports whether a login failed over the password.
func asksForPassword(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "28P01" || refusesLogin(pg))
}
