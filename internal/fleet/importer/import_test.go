package importer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/fleet/importer"
)

const secret = "s3cret-Word"

func lookup(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func fixture(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/database.yml")
	require.NoError(t, err)
	return b
}

// everything shows a result as text, so that a test may look for a secret.
func everything(t testing.TB, r *importer.Result) string {
	t.Helper()
	b, err := json.Marshal(r)
	require.NoError(t, err)
	file, err := r.Fleet.Marshal()
	require.NoError(t, err)
	return string(b) + string(file) + fmt.Sprintf("%v %+v %#v", r, r.Fleet, r.Credentials)
}

func TestImportReadsTheFileAsRailsDoes(t *testing.T) {
	t.Parallel()
	r, err := importer.Import(fixture(t), importer.Options{Env: lookup(
		"DATABASE_URL", "postgres://other@elsewhere/other",
		"AGENCY_DATABASE_URL", "postgres://ops:"+secret+"@db1.example.com:6432/agency?sslmode=verify-full&pool=9",
		"AGENCY_DATABASE_PASSWORD", "unused",
		"AGENCY_TENANT_SHARD_1_DATABASE_URL", "postgresql://ops:a%23b%2F%40@db2.example.com/agency_1",
	)})
	require.NoError(t, err)
	require.Equal(t, "production", r.Fleet.Name)
	require.Equal(t, fleet.Production, r.Fleet.Environment)
	require.Equal(t, "postgres://ops@db1.example.com:6432/agency?sslmode=verify-full", r.Fleet.Control.URL)
	require.Len(t, r.Fleet.Shards, 3)
	require.Equal(t, "default", r.Fleet.Shards[0].Name)
	require.True(t, r.Fleet.Shards[0].InControl)
	require.Equal(t, "shard_1", r.Fleet.Shards[1].Name)
	require.Equal(t, "postgres://ops@db2.example.com/agency_1", r.Fleet.Shards[1].Endpoint.URL)
	require.Equal(t, "demo", r.Fleet.Shards[2].Name)
	require.False(t, r.Fleet.Shards[2].Configured(), "its variable is not set")
	require.Len(t, r.Credentials, 2)
	require.Equal(t, "ops", r.Credentials["control"].User)
	require.Equal(t, secret, r.Credentials["control"].Password.Reveal())
	require.Equal(t, "a#b/@", r.Credentials["shard_1"].Password.Reveal())
	require.NotContains(t, everything(t, r), secret)
	notes := strings.Join(r.Notes, "\n")
	for _, want := range []string{
		"line 31: tenant_shard_1 became the shard shard_1",
		"the URL of tenant_shard_1 names no sslmode",
		"line 37: the shard demo (demo_shard) is known but not configured, because AGENCY_DEMO_SHARD_DATABASE_URL is not set",
		"primary does without prepared statements",
	} {
		require.Contains(t, notes, want)
	}
}

func TestImportForms(t *testing.T) {
	t.Parallel()
	one := "postgres://u:" + secret + "@h/d"
	for name, c := range map[string]struct {
		yaml, environment string
		env               []string
		control           string
		password          string
		shards            string
	}{
		"single database": {
			yaml: "production:\n  adapter: postgresql\n  host: db\n  port: 5433\n  database: app\n  username: app\n  password: <%= ENV['P'] %>\n", env: []string{"P", "a: b #c *d\"'"},
			control: "postgres://app@db:5433/app", password: "a: b #c *d\"'", shards: "default",
		},
		"quoted ERB":            {yaml: "production:\n  url: \"<%= ENV['U'] %>\"\n", env: []string{"U", one}, control: "postgres://u@h/d", password: secret, shards: "default"},
		"the second of two":     {yaml: "production:\n  url: <%= ENV['A'] || ENV[\"B\"] %>\n", env: []string{"B", one}, control: "postgres://u@h/d", password: secret, shards: "default"},
		"default as block":      {yaml: "production:\n  url: <%= ENV.fetch(\"A\") { ENV.fetch('B', 'postgres://h/x') } %>\n", control: "postgres://h/x", shards: "default"},
		"default as argument":   {yaml: "production:\n  host: h\n  database: <%= ENV.fetch('D', \"d\") %>_1\n", control: "postgres://h/d_1", shards: "default"},
		"ERB over two lines":    {yaml: "production:\n  url: <%= ENV['A'] ||\n    ENV['B'] %>\n", env: []string{"B", one}, control: "postgres://u@h/d", password: secret, shards: "default"},
		"Rails's own variable":  {yaml: "production:\n  primary:\n    database: d\n  two:\n    database: e\n    host: h2\n", env: []string{"DATABASE_URL", one}, control: "postgres://u@h/d", password: secret, shards: "default two"},
		"variable of the entry": {yaml: "production:\n  primary:\n    url: " + "postgres://h/d" + "\n  eu:\n    adapter: postgresql\n", env: []string{"EU_DATABASE_URL", "postgres://h2/e"}, control: "postgres://h/d", shards: "default eu"},
		"no primary by name":    {yaml: "production:\n  main:\n    url: postgres://h/d\n  eu:\n    url: postgres://h/e\n", control: "postgres://h/d", shards: "default eu"},
		"replica and framework": {yaml: "production:\n  primary:\n    url: postgres://h/d\n  primary_replica:\n    url: postgres://r/d\n    replica: true\n  cache:\n    url: postgres://h/c\n", control: "postgres://h/d", shards: "default"},
		"socket":                {yaml: "production:\n  host: /run/postgresql\n  port: 5433\n  database: d\n", control: "postgres:///d?host=%2Frun%2Fpostgresql&port=5433", shards: "default"},
		"own keys win":          {yaml: "a: &a\n  host: x\n  database: a\nproduction:\n  <<: *a\n  host: z\n", control: "postgres://z/a", shards: "default"},
		"a merge below wins":    {yaml: "a: &a\n  host: x\n  database: a\nb: &b\n  host: y\nproduction:\n  host: z\n  <<: *a\n  <<: *b\n", control: "postgres://y/a", shards: "default"},
		"merge of a list":       {yaml: "a: &a {host: x, database: a}\nb: &b {host: y}\nproduction:\n  <<: [*a, *b]\n", control: "postgres://x/a", shards: "default"},
		"whole section aliased": {yaml: "development: &d\n  host: x\n  database: a\nproduction: *d\n", control: "postgres://x/a", shards: "default"},
		"URL wins over keys":    {yaml: "production:\n  url: postgres://u@h/d\n  host: no\n  username: no\n  password: " + secret + "\n", control: "postgres://u@h/d", password: secret, shards: "default"},
		"an IPv6 host":          {yaml: "production:\n  host: \"fe80::1\"\n  database: d\n", control: "postgres://[fe80::1]/d", shards: "default"},
		"PostGIS":               {yaml: "production:\n  adapter: postgis\n  url: postgis://h/d\n", control: "postgres://h/d", shards: "default"},
		"other section":         {yaml: "staging:\n  url: postgres://h/d\nproduction:\n  url: <%= ENV.fetch('UNSET') %>\n", environment: "staging", control: "postgres://h/d", shards: "default"},
		"conditions inside":     {yaml: "production:\n  url: postgres://h/d\n<% if ENV['A'].present? %>\n<% if ENV['B'].present? %>\nbroken: [\n<% end %>\n<% end %>\n", env: []string{"B", "1"}, control: "postgres://h/d", shards: "default"},
		"comment of ERB":        {yaml: "<%# anything `at` all %>production:\n  url: postgres://h/d\n", control: "postgres://h/d", shards: "default"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := importer.Import([]byte(c.yaml), importer.Options{Environment: c.environment, Name: "x", Env: lookup(c.env...)})
			require.NoError(t, err)
			require.Equal(t, c.control, r.Fleet.Control.URL)
			got := []string{}
			for _, s := range r.Fleet.Shards {
				got = append(got, s.Name)
			}
			require.Equal(t, c.shards, strings.Join(got, " "))
			require.Equal(t, c.password, r.Credentials["control"].Password.Reveal())
			require.NotContains(t, everything(t, r), secret)
		})
	}
}

func TestImportRefusesWithLineAndRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		env  []string
		want string
	}{
		"Ruby":                    {yaml: "production:\n  url: <%= Rails.application.credentials.db %>\n", want: "line 2: this Ruby is beyond"},
		"a shell":                 {yaml: "\n<% `id` %>\n", want: "line 2: this Ruby"},
		"a method":                {yaml: "production:\n  url: <%= ENV['X'].upcase %>\n", want: "line 2: this Ruby"},
		"interpolation":           {yaml: "production:\n  url: <%= \"a#{1}\" %>\n", want: "line 2: this Ruby"},
		"unless":                  {yaml: "<% unless ENV['X'].present? %>\n<% end %>\n", want: "line 1: this Ruby"},
		"else":                    {yaml: "<% if ENV['X'].present? %>\n<% else %>\n<% end %>\n", want: "line 2: this Ruby"},
		"an open tag":             {yaml: "production:\n  url: <%= ENV['X']\n", want: "line 2: an ERB tag is not closed"},
		"an open if":              {yaml: "production:\n  <% if ENV['X'].present? %>\n", want: "line 2: <% if … %> has no <% end %>"},
		"a lone end":              {yaml: "production:\n  url: x\n<% end %>\n", want: "line 3: <% end %> closes nothing"},
		"no default":              {yaml: "production:\n  url: <%= ENV.fetch('PROD_URL') %>\n", want: "line 2: the variable PROD_URL is not set"},
		"two defaults":            {yaml: "production:\n  url: <%= ENV.fetch('A', 'x') { 'y' } %>\n", want: "line 2: this Ruby"},
		"deep defaults":           {yaml: "production:\n  url: <%= " + strings.Repeat("ENV.fetch('A', ", 2000) + "1" + strings.Repeat(")", 2000) + " %>\n", want: "line 2: this Ruby"},
		"no URL":                  {yaml: "production:\n  database: x\n  url: <%= ENV['A'] || ENV['B'] %>\n", want: "line 3: primary has no URL"},
		"no section":              {yaml: "development:\n  url: postgres://h/d\n", want: "the file has no section production"},
		"an empty section":        {yaml: "development:\n  a: b\nproduction:\n", want: "line 3: the section production has no entries"},
		"an empty file":           {yaml: "# nothing\n", want: "line 1: the file is empty"},
		"no mapping":              {yaml: "- a\n- b\n", want: "line 1: the file holds no sections"},
		"bad YAML":                {yaml: "production:\n  url: \"" + secret + "\n", want: "is not valid YAML"},
		"a key twice":             {yaml: "production:\n  url: postgres://h/d\n  url: postgres://h/e\n", want: "line 3: "},
		"an unknown alias":        {yaml: "production:\n  <<: *nowhere\n", want: "line 2: the alias has no anchor"},
		"merge of a word":         {yaml: "a: &a word\nproduction:\n  <<: *a\n", want: "line 3: what is merged is not a mapping"},
		"a second document":       {yaml: "production:\n  url: postgres://h/d\n---\na: b\n", want: "a second YAML document"},
		"another database":        {yaml: "production:\n  adapter: mysql2\n  host: h\n  database: d\n", want: "line 2: primary: the database is not PostgreSQL but mysql2"},
		"another URL":             {yaml: "production:\n  url: sqlite3://h/d\n", want: "line 2: primary: the database is not PostgreSQL but sqlite3"},
		"no URL at all":           {yaml: "production:\n  url: " + secret + "\n", want: "line 2: primary: the connection URL is not one of PostgreSQL"},
		"a bare # in a password":  {yaml: "production:\n  url: <%= ENV['U'] %>\n", env: []string{"U", "postgres://u:1#" + secret + "@h/d"}, want: "line 2: primary: the connection URL has a part that belongs nowhere"},
		"a bare / in a password":  {yaml: "production:\n  url: <%= ENV['U'] %>\n", env: []string{"U", "postgres://u:1/" + secret + "@h/d"}, want: "line 2: primary: the connection URL has a part that belongs nowhere"},
		"a bare % in a password":  {yaml: "production:\n  url: <%= ENV['U'] %>\n", env: []string{"U", "postgres://u:%" + secret + "@h/d"}, want: "line 2: primary: the connection URL cannot be read"},
		"no database":             {yaml: "production:\n  host: h\n", want: "line 1: primary: no database is named"},
		"a bad port":              {yaml: "production:\n  host: h\n  database: d\n  port: many\n", want: "primary: the port is not a number"},
		"a list for a value":      {yaml: "production:\n  primary:\n    url: [a, b]\n", want: "line 3: url is not a single value"},
		"names that clash":        {yaml: "production:\n  primary:\n    url: postgres://h/d\n  eu:\n    url: postgres://h/e\n  tenant_eu:\n    url: postgres://h/f\n", want: "line 6: eu and tenant_eu would both be the shard eu"},
		"a bad mode":              {yaml: "production:\n  url: postgres://h/d?sslmode=sure\n", want: "there is no sslmode"},
		"a private character":     {yaml: "production:\n  url: \uE0000\uE001\n", want: "line 2: there is a character"},
		"a name made by ERB":      {yaml: "production:\n  <%= ENV['A'] || 'x' %>:\n    url: postgres://h/d\n", want: "line 2: a name is made by ERB"},
		"an anchor inside itself": {yaml: "production: &p\n  primary: *p\n", want: "line 2: the alias has no anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := importer.Import([]byte(c.yaml), importer.Options{Env: lookup(c.env...)})
			require.Error(t, err)
			require.Equal(t, fault.ImportInvalid, fault.CodeOf(err))
			require.Contains(t, err.Error(), c.want)
			require.NotEmpty(t, fault.HintOf(err))
			require.NotContains(t, fmt.Sprintf("%v %s %+v", err, fault.HintOf(err), fault.As(err).Cause), secret)
		})
	}
}

func TestAliasesMayNotUnfoldWithoutEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a0: &a0 {" + strings.TrimSuffix(strings.Repeat("k%d: v, ", 0), ", ") + "k: v}\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&b, "a%d: &a%d {x: *a%d, y: *a%d, z: *a%d}\n", i, i, i-1, i-1, i-1)
	}
	b.WriteString("production:\n  <<: *a59\n  url: postgres://h/d\n")
	r, err := importer.Import([]byte(b.String()), importer.Options{Env: lookup()})
	require.NoError(t, err, "shared parts cost nothing")
	require.Equal(t, "postgres://h/d", r.Fleet.Control.URL)
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environment string
		vars        []string
		control     string
		shards      string
		problem     string
	}{
		"one": {vars: []string{"DATABASE_URL=postgres://u:" + secret + "@h/d"}, control: "postgres://u@h/d", shards: "default"},
		"with a name": {
			vars:    []string{"AGENCY_DATABASE_URL=postgres://h/a", "DATABASE_URL=postgres://h/b", "AGENCY_TENANT_SHARD_1_DATABASE_URL=postgres://h/s1", "AGENCY_DEMO_SHARD_DATABASE_URL=postgres://h/demo", "AGENCY_STAGING_DATABASE_URL=postgres://s/a", "AGENCY_STAGING_TENANT_SHARD_1_DATABASE_URL=postgres://s/s1"},
			control: "postgres://h/a", shards: "default demo=postgres://h/demo shard_1=postgres://h/s1",
		},
		"staging": {
			environment: "staging",
			vars:        []string{"AGENCY_DATABASE_URL=postgres://h/a", "DATABASE_URL=postgres://h/b", "AGENCY_TENANT_SHARD_1_DATABASE_URL=postgres://h/s1", "AGENCY_STAGING_DATABASE_URL=postgres://s/a", "AGENCY_STAGING_TENANT_SHARD_1_DATABASE_URL=postgres://s/s1"},
			control:     "postgres://s/a", shards: "default shard_1=postgres://s/s1",
		},
		"staging falls back for the primary": {
			environment: "staging",
			vars:        []string{"AGENCY_DATABASE_URL=postgres://h/a", "AGENCY_STAGING_TENANT_SHARD_1_DATABASE_URL=postgres://s/s1"},
			control:     "postgres://h/a", shards: "default shard_1=postgres://s/s1",
		},
		"without a name": {vars: []string{"DATABASE_URL=postgres://h/a", "EU_DATABASE_URL=postgres://h/e"}, control: "postgres://h/a", shards: "default eu=postgres://h/e"},
		"a name on the shards alone": {
			vars:    []string{"DATABASE_URL=postgres://h/a", "AGENCY_DEMO_SHARD_DATABASE_URL=postgres://h/demo"},
			control: "postgres://h/a", shards: "default demo=postgres://h/demo",
		},
		"a name of two words on the shards alone": {
			vars:    []string{"DATABASE_URL=postgres://h/a", "MY_AGENCY_TENANT_SHARD_1_DATABASE_URL=postgres://h/s1", "MY_AGENCY_STAGING_TENANT_SHARD_1_DATABASE_URL=postgres://s/s1"},
			control: "postgres://h/a", shards: "default shard_1=postgres://h/s1",
		},
		"shards without a name": {
			environment: "staging",
			vars:        []string{"DATABASE_URL=postgres://h/a", "STAGING_TENANT_SHARD_1_DATABASE_URL=postgres://h/s1"},
			control:     "postgres://h/a", shards: "default shard_1=postgres://h/s1",
		},
		"Rails's primary":    {vars: []string{"PRIMARY_DATABASE_URL=postgres://h/a", "DATABASE_URL=postgres://h/b"}, control: "postgres://h/a", shards: "default"},
		"the name alone":     {vars: []string{"AGENCY_DATABASE_URL=postgres://h/a"}, control: "postgres://h/a", shards: "default"},
		"empty ones":         {vars: []string{"DATABASE_URL=postgres://h/a", "EU_DATABASE_URL="}, control: "postgres://h/a", shards: "default"},
		"none":               {vars: []string{"PATH=/bin"}, problem: "no variable DATABASE_URL"},
		"no primary":         {vars: []string{"A_B_DATABASE_URL=postgres://h/a", "C_D_DATABASE_URL=postgres://h/b"}, problem: "none of the primary database"},
		"one that is no URL": {vars: []string{"DATABASE_URL=" + secret}, problem: "DATABASE_URL: the connection URL is not one of PostgreSQL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pairs := []string{}
			for _, v := range c.vars {
				k, x, _ := strings.Cut(v, "=")
				pairs = append(pairs, k, x)
			}
			r, err := importer.FromEnvironment(importer.Options{Environment: c.environment, Environ: c.vars, Env: lookup(pairs...)})
			if c.problem != "" {
				require.Equal(t, fault.ImportInvalid, fault.CodeOf(err))
				require.Contains(t, err.Error(), c.problem)
				require.NotEmpty(t, fault.HintOf(err))
				require.NotContains(t, err.Error()+fault.HintOf(err), secret)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.control, r.Fleet.Control.URL)
			got := []string{}
			for _, s := range r.Fleet.Shards {
				if s.Endpoint.URL != "" {
					got = append(got, s.Name+"="+s.Endpoint.URL)
				} else {
					got = append(got, s.Name)
				}
			}
			require.Equal(t, c.shards, strings.Join(got, " "))
			require.NotContains(t, everything(t, r), secret)
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add(string(fixture(f)))
	f.Add("production:\n  url: <%= ENV.fetch('A') { ENV['B'] || 'postgres://h/d' } %>\n")
	f.Add("a: &a {b: [1, 2]}\nproduction:\n  <<: *a\n  url: postgres://u:p@h/d\n")
	f.Add("a: <%>\n")
	f.Add("<% if ENV['A'].present? %>\nx: y\n<% end %>\n? [k]\n: !!binary x\n--- |\n  text\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := importer.Import([]byte(text), importer.Options{Name: "f", Env: func(string) string { return "postgres://u:" + secret + "@h/d" }})
		if err != nil {
			require.Equal(t, fault.ImportInvalid, fault.CodeOf(err), "%v", err)
			require.NotEmpty(t, fault.HintOf(err))
			require.NotContains(t, err.Error()+fault.HintOf(err), secret)
			return
		}
		require.NotContains(t, everything(t, r), secret)
		b, err := r.Fleet.Marshal()
		require.NoError(t, err)
		_, err = fleet.Parse(b, "f.toml")
		require.NoError(t, err)
	})
}

func FuzzVariables(f *testing.F) {
	f.Add("DATABASE_URL", "postgres://u:p@h/d", "AGENCY_TENANT_SHARD_1_DATABASE_URL", "postgres://h:6432/s1?pgbouncer=true", "production")
	f.Add("AGENCY_STAGING_DATABASE_URL", "postgis://h/d?sslmode=require&pool=5", "_DATABASE_URL", "mysql://h/d", "staging")
	f.Add("A_DATABASE_URL", "postgres://u:p#q/r?@h/d", "B_DATABASE_URL", "postgres://[::1]:99999/%zz", "")
	f.Fuzz(func(t *testing.T, name, url, other, otherURL, environment string) {
		values := map[string]string{name: strings.ReplaceAll(url, "p", secret), other: otherURL}
		r, err := importer.FromEnvironment(importer.Options{
			Name: "f", Environment: environment, Environ: []string{name + "=x", other + "=x"}, Env: func(n string) string { return values[n] },
		})
		if err != nil {
			require.Contains(t, []fault.Code{fault.ImportInvalid, fault.FleetInvalid, fault.CredentialClash, fault.Usage}, fault.CodeOf(err), "%v", err)
			require.NotEmpty(t, fault.HintOf(err))
			return
		}
		b, err := r.Fleet.Marshal()
		require.NoError(t, err)
		_, err = fleet.Parse(b, "f.toml")
		require.NoError(t, err, "%s", b)
	})
}
