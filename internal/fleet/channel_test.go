package fleet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

func TestTheDesktopIsAChannelWithoutAnAddressAndWithoutASecret(t *testing.T) {
	t.Parallel()
	const file = `
name = "estates"
environment = "staging"
profile = "property_web_builder"

[control]
url = "postgres://db1.example.com:5432/pwb"

[[shard]]
name = "default"
database = "control"

[[notify]]
name = "here"
kind = "desktop"
`
	f, err := fleet.Parse([]byte(file+`severity = "critical"`), "estates.toml")
	require.NoError(t, err)
	require.Equal(t, []fleet.Channel{{Name: "here", Kind: fleet.ChannelDesktop, Severity: "critical"}}, f.Channels)
	require.NotContains(t, f.Credentials(), f.Channels[0].CredentialName())
	text, err := f.Marshal()
	require.NoError(t, err)
	again, err := fleet.Parse(text, "estates.toml")
	require.NoError(t, err)
	require.Equal(t, f.Channels, again.Channels)
	for _, more := range []string{`to = ["ops@example.com"]`, `host = "mail.example.com"`, `digest = "daily 08:00 Europe/Berlin"`, `user = "ops"`} {
		_, err = fleet.Parse([]byte(file+more), "estates.toml")
		require.Equal(t, fault.FleetInvalid, fault.CodeOf(err), more)
		require.ErrorContains(t, err, "is the desktop", more)
	}
}
