package importer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/fleet/importer"
)

const services = `# ours
[pwb_main]
host=db1.example.com
port=5433
dbname=pwb
user=ops
password=p=w #1 [x]
sslmode=verify-full
sslrootcert=/etc/pwb/ca.pem

  [shard_1]
  hostaddr=10.0.0.7
  dbname=pwb_1
  user=ops
  user=other
  application_name=psql
  options=-c search_path=public
[shard_2]
host=/run/postgresql
user=pwb_2
[shard_1]
host=never.example.com
`

func imports(text, control string) (*importer.Result, error) {
	return importer.Import([]byte(text), importer.Options{Name: "pwb", File: "pg_service.conf", Control: control, Env: func(string) string { return "" }, Environ: []string{}})
}

func TestAServiceFileBecomesAFleet(t *testing.T) {
	t.Parallel()
	r, err := imports(services, "pwb_main")
	require.NoError(t, err)
	require.True(t, r.Service)
	require.Equal(t, "pwb", r.Fleet.Name)
	require.Equal(t, "postgres://ops@db1.example.com:5433/pwb?sslmode=verify-full&sslrootcert=%2Fetc%2Fpwb%2Fca.pem", r.Fleet.Control.URL)
	names := []string{}
	for _, s := range r.Fleet.Shards {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"default", "shard_1", "shard_2"}, names)
	require.True(t, r.Fleet.Shards[0].InControl)
	require.Equal(t, "postgres://ops@10.0.0.7/pwb_1?options=-c+search_path%3Dpublic", r.Fleet.Shards[1].Endpoint.URL, "of two keys or sections the first holds")
	require.Equal(t, "postgres://pwb_2@/pwb_2?host=%2Frun%2Fpostgresql", r.Fleet.Shards[2].Endpoint.URL, "the database is called as the user where nothing else is said")
	require.Len(t, r.Credentials, 1)
	require.Equal(t, "ops", r.Credentials[fleet.ControlName].User)
	require.Equal(t, "p=w #1 [x]", r.Credentials[fleet.ControlName].Password.Reveal(), "nothing is quoted, and a # within a line is one")
	notes := strings.Join(r.Notes, "\n")
	require.Contains(t, notes, "pg_service.conf, line 16: application_name of shard_1 is not carried over")
	require.Contains(t, notes, "the shard default lives in it")
	text, err := r.Fleet.Marshal()
	require.NoError(t, err)
	require.NotContains(t, string(text), "p=w")
}

func TestWhichSectionIsControl(t *testing.T) {
	t.Parallel()
	_, err := imports(services, "")
	require.Equal(t, fault.ImportInvalid, fault.CodeOf(err))
	require.Equal(t, "choose with --control: pwb_main, shard_1, shard_2", fault.HintOf(err))
	_, err = imports(services, "none")
	require.ErrorContains(t, err, "no section none")
	r, err := imports("[a]\ndbname=a\n[control]\ndbname=c\n", "")
	require.NoError(t, err)
	require.Contains(t, r.Fleet.Control.URL, "/c")
	r, err = imports("[only]\ndbname=o\n", "")
	require.NoError(t, err)
	require.Contains(t, r.Fleet.Control.URL, "/o")
}

func TestAServiceFileThatCannotBeReadSaysWhere(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"[a]\nhost=h\ndbnaem=x":                   `pg_service.conf, line 3: libpq has no parameter "dbnaem"`,
		"[a]\nhost = h":                           `line 2: libpq has no parameter "host "`,
		"[a]\npostgres://a:hush@h/d?x=y":          "line 2: what stands before = is no parameter of libpq",
		"[a]\n\nnothing":                          "line 3: this is neither [section] nor key=value",
		"[a]\n[]":                                 "line 2: this is no name of a section",
		"[a]\nservice=b":                          "line 2: a section cannot take another one in",
		"[a]\nldap://h/x?y":                       "line 2: the section comes from an LDAP server",
		"[a]\nsslpassword=hush":                   "line 2: a: the key of the client's certificate has a password",
		"[a]\nhost=one,two\ndbname=d":             "line 1: a: the host is not one host name",
		"[a]\nhost=h\nport=none\ndbname=d":        "line 1: a: the port is not a number",
		"[a]\nhost=h":                             "line 1: a: no database is named",
		"[a]\ndbname=a\n[b c/d]\ndbname=b":        "which section is the control database",
		"[control]\ndbname=a\n[b c/d]\ndbname=b":  "cannot be used",
		"[control]\ndbname=a\n[default]\ndbname=": "no database is named",
	} {
		_, err := imports(text, "")
		require.Equal(t, fault.ImportInvalid, fault.CodeOf(err), text)
		require.ErrorContains(t, err, says, text)
		require.NotContains(t, err.Error(), "hush")
	}
}

// Whatever a file holds, it is a fleet that its own file can hold, or a fault with
// its code; and no password is in either.
func FuzzService(f *testing.F) {
	f.Add(services, "pwb_main")
	f.Add("[a]\nhost=h\ndbname=d\npassword=sEcr3t", "")
	f.Add("[control]\r\nhostaddr=::1\r\ndbname=d\r\n#\r\n[s]\r\ndbname=e", "")
	f.Add("[x]\noptions=-c a=b\nsslkey=\ndbname=%00/@?#", "x")
	f.Fuzz(func(t *testing.T, text, control string) {
		// Behind it nothing can be a password but this.
		text = "[secret]\ndbname=d\npassword=sEcr3t\n" + text
		r, err := imports(text, control)
		if err != nil {
			require.NotEmpty(t, fault.CodeOf(err))
			require.NotContains(t, err.Error(), "sEcr3t")
			return
		}
		b, err := r.Fleet.Marshal()
		require.NoError(t, err)
		_, err = fleet.Parse(b, "pwb.toml")
		require.NoError(t, err)
		if !strings.Contains(strings.TrimPrefix(text, "[secret]\ndbname=d\npassword=sEcr3t\n"), "sEcr3t") {
			require.NotContains(t, string(b), "sEcr3t")
			require.NotContains(t, strings.Join(r.Notes, "\n"), "sEcr3t")
		}
	})
}
