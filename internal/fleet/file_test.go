package fleet_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

const secret = "s3cret-Word"

// whole is a file with everything that a fleet file may say.
const whole = `name = "production"
environment = "production"
profile = "property_web_builder"
credential = "ops"
schema = "steering"

[control]
url = "postgres://db1.example.com:5432/app?sslmode=verify-full"
direct = "postgres://db1.example.com:5433/app?sslmode=verify-full"
credential = "control-room"

[[shard]]
name = "default"
database = "control"
[[shard]]
name = "shard_1"
url = "postgres://ops@db2.example.com:6432/app_1?sslmode=verify-full"
direct = "postgres://ops@db2.example.com:5432/app_1?sslmode=verify-full"
credential = "one"
capacity = "200GB"
ssh = "user@bastion"
placement = "drain"
region = "eu-west"
[shard.labels]
tier = "gold"
[[shard]]
name = "shard_2"
`

// small is the least file; lines of a test go below it.
const small = "name = \"f\"\n[control]\nurl = \"postgres://h/d\"\n[[shard]]\nname = \"a\"\n"

func TestAFleetFileReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "production.toml")
	require.NoError(t, os.WriteFile(path, []byte(whole), 0o600))
	f, err := fleet.Load(path)
	require.NoError(t, err)
	require.Equal(t, &fleet.Fleet{
		Name: "production", Environment: fleet.Production, Profile: "property_web_builder", Credential: "ops", Schema: "steering", Path: path,
		Control: fleet.Endpoint{
			URL: "postgres://db1.example.com:5432/app?sslmode=verify-full", Direct: "postgres://db1.example.com:5433/app?sslmode=verify-full", Credential: "control-room",
		},
		Shards: []fleet.Shard{
			{Name: "default", InControl: true, Placement: fleet.PlacementOpen},
			{
				Name: "shard_1", Capacity: 200 << 30, Placement: fleet.PlacementDrain, Region: "eu-west", Labels: map[string]string{"tier": "gold"},
				Endpoint: fleet.Endpoint{
					URL: "postgres://ops@db2.example.com:6432/app_1?sslmode=verify-full", Direct: "postgres://ops@db2.example.com:5432/app_1?sslmode=verify-full", Credential: "one", SSH: "user@bastion",
				},
			},
			{Name: "shard_2", Placement: fleet.PlacementOpen},
		},
	}, f)
	text, err := f.Marshal()
	require.NoError(t, err)
	again, err := fleet.Parse(text, path)
	require.NoError(t, err, string(text))
	require.Equal(t, f, again)

	require.Equal(t, []string{"control-room", "one", fleet.SSHCredential}, f.Credentials())
	for name, want := range map[string]string{"control": "control-room", "default": "control-room", "shard_1": "one", "shard_2": "ops"} {
		require.Equal(t, want, f.CredentialOf(name), name)
	}
	known, ok := f.Shard("shard_2")
	require.True(t, ok)
	require.False(t, known.Configured(), "known and not configured")
	_, ok = f.Shard("shard_9")
	require.False(t, ok)
}

func TestRulesForThePlannerReadBackAsWritten(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse([]byte(small+`max_tenants = 40
[rebalance]
cool_down = "7d"
by = ["bytes", "rows"]
minimum_gain = "2GB"
[placement]
automatic = true
at_once = 3
exclude = ["acme"]
confirm = "f"
[[rebalance.pin]]
tenant = "acme"
reason = "the contract names its server"
[[rebalance.dedicated]]
shard = "a"
tenants = ["whale"]
[[rebalance.apart]]
tenants = ["acme", "whale"]
`), "f.toml")
	require.NoError(t, err)
	gain := int64(2 << 30)
	require.Equal(t, fleet.Placing{Automatic: true, AtOnce: 3, Exclude: []string{"acme"}}, f.Placing)
	require.Equal(t, fleet.Rebalance{
		MinimumGain: &gain,
		CoolDown:    7 * 24 * time.Hour, By: []string{"bytes", "rows"}, Pins: []fleet.Pin{{Tenant: "acme", Reason: "the contract names its server"}},
		Dedicated: []fleet.Dedicated{{Shard: "a", Tenants: []string{"whale"}}}, Apart: [][]string{{"acme", "whale"}},
	}, f.Rebalance)
	require.Equal(t, 40, f.Shards[0].MaxTenants)
	text, err := f.Marshal()
	require.NoError(t, err)
	again, err := fleet.Parse(text, "f.toml")
	require.NoError(t, err, string(text))
	require.Equal(t, f, again)
}

func TestWhatAFileLeavesOut(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse([]byte(small+"url = \"postgres://h2/d\"\n"), "f.toml")
	require.NoError(t, err)
	require.Equal(t, fleet.Production, f.Environment, "the careful guess")
	require.Equal(t, []string{"control", "a"}, f.Credentials(), "each database has its own")
	require.Equal(t, fleet.PlacementOpen, f.Shards[0].Placement)
}

func TestEveryMistakeNamesLineAndRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		line int
		want string
		hint string
	}{
		"no TOML":               {"name = \"f\n", 1, "", "mend the line"},
		"a wrong type":          {"name = 5\n", 1, "", "mend the line"},
		"an unknown key":        {"colour = 1\n" + small, 1, `no key "colour"`, "docs/operator.md"},
		"one of a shard":        {small + "colour = 1\n", 6, `no key "shard.colour"`, "take it out"},
		"no name":               {"\n[control]\nurl = \"postgres://h/d\"\n", 1, `name "" is not usable`, "letters, digits"},
		"a bad name":            {strings.Replace(small, `"f"`, `"a b"`, 1), 1, `name "a b"`, "letters, digits"},
		"a path for a name":     {strings.Replace(small, `"f"`, `"../f"`, 1), 1, `name "../f"`, "letters, digits"},
		"a bad environment":     {"environment = \"prod\"\n" + small, 1, `no environment "prod"`, "production, staging, development or demo"},
		"a bad schema":          {"schema = \"My Schema\"\n" + small, 1, "schema's name", "lower-case"},
		"the server's schema":   {"schema = \"pg_mine\"\n" + small, 1, "schema's name", "lower-case"},
		"no control":            {"name = \"f\"\n[[shard]]\nname = \"a\"\n", 1, "no url", "under [control]"},
		"an empty control":      {"name = \"f\"\n[control]\n[[shard]]\nname = \"a\"\n", 2, "no url", "under [control]"},
		"control is no URL":     {strings.Replace(small, "postgres://h/d", "h/d", 1), 3, "not a PostgreSQL URL", "postgres://host"},
		"another server":        {strings.Replace(small, "postgres://h/d", "mysql://h/d", 1), 3, "not a PostgreSQL URL", "postgres://host"},
		"no host":               {strings.Replace(small, "postgres://h/d", "postgres:///d", 1), 3, "names no host", "postgres://host"},
		"no database":           {strings.Replace(small, "postgres://h/d", "postgres://h/", 1), 3, "names no database", "postgres://host"},
		"a bad sslmode":         {strings.Replace(small, "postgres://h/d", "postgres://h/d?sslmode=sure", 1), 3, `no sslmode "sure"`, "verify-full"},
		"parameters":            {strings.Replace(small, "postgres://h/d", "postgres://h/d?a;b", 1), 3, "parameters cannot be read", "?name=value"},
		"control's direct":      {"name = \"f\"\n[control]\nurl = \"postgres://h/d\"\ndirect = \"h\"\n", 4, "not a PostgreSQL URL", "postgres://host"},
		"a bad cool-down":       {small + "[rebalance]\ncool_down = \"soon\"\n", 7, `cool-down "soon" is not a time`, `"7d"`},
		"a bad dimension":       {small + "[rebalance]\nby = [\"colour\"]\n", 7, `spread by "colour"`, "bytes, rows, load, count"},
		"a bad gain":            {small + "[rebalance]\nminimum_gain = \"much\"\n", 7, `minimum gain "much"`, `"1GB"`},
		"placed unconfirmed":    {small + "[placement]\nautomatic = true\n", 7, "must be confirmed by the fleet's name", "confirm ="},
		"confirmed for another": {small + "[placement]\nautomatic = true\nconfirm = \"q\"\n", 8, `confirmed for "q"`, "confirm ="},
		"none placed at once":   {small + "[placement]\nautomatic = false\nat_once = 0\n", 8, "0 tenants", "1 to 100"},
		"excluded twice":        {small + "[placement]\nautomatic = false\nexclude = [\"x\", \"x\"]\n", 8, "excluded twice", "each tenant once"},
		"a dimension twice":     {small + "[rebalance]\nby = [\"rows\", \"rows\"]\n", 7, "named twice", "each once"},
		"a pin of nobody":       {small + "[[rebalance.pin]]\nreason = \"x\"\n", 6, "names no tenant", "tenant ="},
		"a pin with no reason":  {small + "[[rebalance.pin]]\ntenant = \"x\"\n", 6, "has no reason", "reason ="},
		"a pin twice":           {small + "[[rebalance.pin]]\ntenant = \"x\"\nreason = \"y\"\n[[rebalance.pin]]\ntenant = \"x\"\nreason = \"y\"\n", 10, "pinned twice", "leave one"},
		"no shard to dedicate":  {small + "[[rebalance.dedicated]]\nshard = \"z\"\n", 6, `no shard "z"`, "[[shard]]"},
		"dedicated to nobody":   {small + "[[rebalance.dedicated]]\nshard = \"a\"\n", 6, "dedicated to nobody", "tenants ="},
		"dedicated twice":       {small + "[[rebalance.dedicated]]\nshard = \"a\"\ntenants = [\"x\"]\n[[rebalance.dedicated]]\nshard = \"a\"\ntenants = [\"y\"]\n", 10, "dedicated twice", "one list"},
		"a tenant twice there":  {small + "[[rebalance.dedicated]]\nshard = \"a\"\ntenants = [\"x\", \"x\"]\n", 8, `tenant "x" is named twice`, "one shard"},
		"apart from itself":     {small + "[[rebalance.apart]]\ntenants = [\"x\", \"x\"]\n", 6, "fewer than two", "another"},
		"less than no tenants":  {small + "max_tenants = -1\n", 6, "cannot hold -1", "leave it out"},
		"no shard":              {"name = \"f\"\n[control]\nurl = \"postgres://h/d\"\n", 1, "no shard", "[[shard]]"},
		"a shard with no name":  {"name = \"f\"\n[control]\nurl = \"postgres://h/d\"\n[[shard]]\nurl = \"postgres://h/e\"\n", 4, `shard's name ""`, "letters, digits"},
		"a name twice":          {small + "[[shard]]\nname = \"a\"\n", 7, "shard a is named twice", "its own name"},
		"the control's name":    {small + "[[shard]]\nname = \"control\"\n", 7, "name of the control database", "another name"},
		"a bad database":        {small + "database = \"other\"\n", 6, `names the database "other"`, `database = "control"`},
		"control twice":         {small + "database = \"control\"\n[[shard]]\nname = \"b\"\ndatabase = \"control\"\n", 9, "shards a and b both", "only one"},
		"url beside control":    {small + "database = \"control\"\nurl = \"postgres://h/e\"\n", 7, "a url of its own", "leave url out"},
		"direct beside control": {small + "database = \"control\"\ndirect = \"postgres://h/e\"\n", 7, "a direct url of its own", "[control]"},
		"credential of control": {small + "database = \"control\"\ncredential = \"x\"\n", 7, "a credential of its own", "[control]"},
		"direct alone":          {small + "direct = \"postgres://h/e\"\n", 6, "a direct url and no url", "as url"},
		"a shard's direct":      {small + "url = \"postgres://h/e\"\ndirect = \"postgres://h\"\n", 7, "names no database", "postgres://host"},
		"a bad placement":       {small + "placement = \"full\"\n", 6, `no placement "full"`, "open, pinned, drain or demo"},
		"a bad capacity":        {small + "capacity = \"big\"\n", 6, `"big" is not a size`, "200GB"},
		"a huge capacity":       {small + "capacity = \"99999999999TB\"\n", 6, "is not a size", "200GB"},
		"inline tables":         {"name = \"f\"\ncontrol = {url = \"postgres://h/d\"}\nshard = [{name = \"a\", placement = \"full\"}]\n", 3, "no placement", "open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fleet.Parse([]byte(c.text), "/fleets/f.toml")
			require.Equal(t, fault.FleetInvalid, fault.CodeOf(err), "%v", err)
			require.Equal(t, 2, fault.Exit(err))
			require.True(t, strings.HasPrefix(err.Error(), fmt.Sprintf("/fleets/f.toml:%d:", c.line)), err.Error())
			require.Contains(t, err.Error(), c.want)
			require.Contains(t, fault.HintOf(err), c.hint)
		})
	}
}

func TestAFileWithASecretIsRefusedAndTheSecretNotRepeated(t *testing.T) {
	t.Parallel()
	command := "shard-admin --fleet f fleet credential set "
	for name, c := range map[string]struct {
		text string
		line int
		hint string
	}{
		"control":          {strings.Replace(small, "//h/d", "//u:"+secret+"@h/d", 1), 3, command + "control,"},
		"a parameter":      {strings.Replace(small, "h/d", "h/d?PassWord="+secret, 1), 3, command + "control,"},
		"a key's":          {strings.Replace(small, "h/d", "h/d?sslpassword="+secret, 1), 3, command + "control,"},
		"an escaped name":  {strings.Replace(small, "h/d", "h/d?pass%77ord="+secret, 1), 3, command + "control,"},
		"a shard":          {small + "url = \"postgres://u:" + secret + "@h/d\"\n", 6, command + "a,"},
		"a shard's direct": {small + "url = \"postgres://h/d\"\ndirect = \"postgres://u:" + secret + "@h/d\"\n", 7, command + "a,"},
		"a named item":     {small + "credential = \"ops\"\nurl = \"postgres://u:" + secret + "@h/d\"\n", 7, command + "ops,"},
		"a key of its own": {small + "password = \"" + secret + "\"\n", 6, "fleet credential set"},
		"ssh":              {small + "ssh = \"u:" + secret + "@bastion\"\n", 6, "user@bastion"},
		"a label":          {small + "[shard.labels]\npassword = \"" + secret + "\"\n", 4, command + "a,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fleet.Parse([]byte(c.text), "f.toml")
			require.Equal(t, fault.FleetHoldsSecret, fault.CodeOf(err), "%v", err)
			require.Equal(t, 3, fault.Exit(err))
			require.True(t, strings.HasPrefix(err.Error(), fmt.Sprintf("f.toml:%d:", c.line)), err.Error())
			require.Contains(t, fault.HintOf(err), c.hint)
			require.NotContains(t, fmt.Sprintf("%v %s %+v", err, fault.HintOf(err), fault.As(err).Cause), secret)
		})
	}
	// A password with a bare # or / in it is no password to the URL reader.
	for _, tail := range []string{"1#" + secret + "@h/d", "1/" + secret + "@h/d", "1?" + secret + "@h/d"} {
		_, err := fleet.Parse([]byte(strings.Replace(small, "h/d", "u:"+tail, 1)), "f.toml")
		require.Error(t, err, tail)
		require.Equal(t, fault.FleetInvalid, fault.CodeOf(err))
		require.NotContains(t, err.Error()+fault.HintOf(err), secret)
	}
}

func TestCredentialsThatCollideAreRefused(t *testing.T) {
	t.Parallel()
	_, err := fleet.Parse([]byte(small+"url = \"postgres://h/e\"\ncredential = \"a-b\"\n[[shard]]\nname = \"c\"\nurl = \"postgres://h/f\"\ncredential = \"a_B\"\n"), "f.toml")
	require.Equal(t, fault.CredentialClash, fault.CodeOf(err))
	require.True(t, strings.HasPrefix(err.Error(), "f.toml:11: "), err.Error())
	require.Contains(t, err.Error(), "SHARD_ADMIN_PASSWORD_F_A_B")
	require.Contains(t, fault.HintOf(err), "rename one")
}

func TestLoadOfAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := fleet.Load(filepath.Join(t.TempDir(), "none.toml"))
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "fleet list")
}

func TestSplitSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		"postgres://u:p%23@h:1/d?sslmode=require": {"postgres://u@h:1/d?sslmode=require", "u", "p#"},
		"postgresql://h/d?password=p&x=y":         {"postgresql://h/d?x=y", "", "p"},
		"postgres://u:p@h/d?Password=q":           {"postgres://u@h/d", "u", "p"},
		"postgres://:p@h/d":                       {"postgres://h/d", "", "p"},
		"postgres://u@h/d":                        {"postgres://u@h/d", "u", ""},
		"postgres:///d?host=/run/postgresql":      {"postgres:///d?host=%2Frun%2Fpostgresql", "", ""},
	} {
		clean, c, err := fleet.SplitSecret(text)
		require.NoError(t, err, text)
		require.Equal(t, want, [3]string{clean, c.User, c.Password.Reveal()}, text)
	}
	for _, text := range []string{secret, "mysql://u:" + secret + "@h/d", "postgres://u:%" + secret + "@h/d", "postgres://u:1#" + secret + "@h/d", "postgres://u:1/" + secret + "@h/d", "postgres://h/d?sslpassword=" + secret} {
		clean, c, err := fleet.SplitSecret(text)
		require.Equal(t, fault.Usage, fault.CodeOf(err), text)
		require.NotContains(t, fmt.Sprintf("%s %v %v %s %+v", clean, c, err, fault.HintOf(err), fault.As(err).Cause), secret)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"200GB": 200 << 30, "1.5 kib": 1536, "12": 12, "3TiB": 3 << 40, "7 mb": 7 << 20, "0": 0, "9B": 9} {
		n, err := fleet.ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "GB", "-1GB", "1PB", "1e9", "1 2 GB", "1..5GB", strings.Repeat("9", 400)} {
		_, err := fleet.ParseSize(text)
		require.Equal(t, fault.FleetInvalid, fault.CodeOf(err), text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add(small)
	f.Add("name = \"f\"\ncontrol = {url = \"postgres://u:p@h/d\"}\nshard = [{name = \"a\"}]\n")
	f.Add("[[shard]]\n[shard.labels]\n\"a.b\" = \"c\"\n[[shard.x]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := fleet.Parse([]byte(text), "f.toml")
		if err != nil {
			require.Contains(t, []fault.Code{fault.FleetInvalid, fault.FleetHoldsSecret, fault.CredentialClash}, fault.CodeOf(err))
			require.NotEmpty(t, fault.HintOf(err))
			require.Regexp(t, `(?s)^f\.toml:\d+:`, err.Error())
			return
		}
		written, err := got.Marshal()
		require.NoError(t, err)
		again, err := fleet.Parse(written, "f.toml")
		require.NoError(t, err, "%s", written)
		require.Equal(t, got, again)
	})
}

func FuzzSplitSecret(f *testing.F) {
	f.Add("postgres://u:p%23@h:1/d?sslmode=require", "x")
	f.Add("postgresql://h/d?password=p&PgPassword=q", "y z")
	f.Add("postgres://u:a/b@h/d", "#")
	f.Fuzz(func(t *testing.T, text, word string) {
		clean, c, err := fleet.SplitSecret(text)
		if err != nil {
			require.Equal(t, fault.Usage, fault.CodeOf(err))
			require.NotEmpty(t, fault.HintOf(err))
			require.Empty(t, clean)
			return
		}
		again, none, err := fleet.SplitSecret(clean)
		require.NoError(t, err, "%q became %q", text, clean)
		require.Equal(t, clean, again)
		require.True(t, none.Password.Empty(), "%q became %q", text, clean)
		require.Equal(t, c.User, none.User)
		// Whatever stands where a password belongs comes out as it went in.
		if word != "" {
			clean, c, err = fleet.SplitSecret("postgres://" + url.UserPassword("u", word).String() + "@h/d")
			require.NoError(t, err)
			require.Equal(t, []string{"postgres://u@h/d", word}, []string{clean, c.Password.Reveal()})
		}
	})
}

func FuzzParseSize(f *testing.F) {
	f.Add("200GB")
	f.Add("1.5 kib")
	f.Add("9e99TiB")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := fleet.ParseSize(text)
		if err != nil {
			require.Equal(t, fault.FleetInvalid, fault.CodeOf(err))
			return
		}
		require.GreaterOrEqual(t, n, int64(0), text)
	})
}

// A password is taken out of the URLs of its credential alone, and nothing else of the
// file changes.
func TestPasswordsAreTakenOutOfAFile(t *testing.T) {
	t.Parallel()
	const text = `# handed over
name = "f"
[control]
url = "postgres://ops:s3cret@db/x?sslmode=require" # primary
direct = 'postgres://ops@db:5433/x?password=s3cret'
[[shard]]
name = "default"
database = "control"
[[shard]]
name = "one"
url = "postgres://ops:0ther@one/x"
`
	clean, taken := fleet.WithoutSecrets([]byte(text), "control")
	require.True(t, taken)
	require.Equal(t, strings.NewReplacer("ops:s3cret@", "ops@", "'postgres://ops@db:5433/x?password=s3cret'", `"postgres://ops@db:5433/x"`).Replace(text), string(clean))
	_, err := fleet.Parse(clean, "f.toml")
	require.Equal(t, fault.FleetHoldsSecret, fault.CodeOf(err), "that of the shard is still there")
	require.Contains(t, fault.HintOf(err), "fleet credential set one, which keeps the password elsewhere and takes it out of the file")
	clean, taken = fleet.WithoutSecrets(clean, "one")
	require.True(t, taken)
	_, err = fleet.Parse(clean, "f.toml")
	require.NoError(t, err)
	again, taken := fleet.WithoutSecrets(clean, "one")
	require.False(t, taken)
	require.Equal(t, clean, again)
	for _, odd := range []string{"name = ", "url = \"postgres://u@h/x\"", `[control]
url = "postgres://ops:s3cr\u0065t@db/x"`} {
		same, taken := fleet.WithoutSecrets([]byte(odd), "control")
		require.False(t, taken, odd)
		require.Equal(t, odd, string(same))
	}
}
