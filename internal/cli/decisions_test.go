package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func TestDecisionsAreReadFromTOMLAndJSON(t *testing.T) {
	t.Parallel()
	want := []session.Decision{{Table: "pwb_users", Key: "7", Case: "outbound", Choices: []string{}, Choice: "share"}}
	for _, text := range []string{
		"[[decision]]\ntable = \"pwb_users\"\nkey = \"7\"\ncase = \"outbound\"\nchoice = \"share\"\n",
		`[{"table":"pwb_users","key":"7","case":"outbound","choice":"share"}]`,
		`{"tenant":"1","decisions":[{"table":"pwb_users","key":"7","case":"outbound","choices":["share","refuse"],"choice":"share"}]}`,
	} {
		got, err := session.ParseDecisions([]byte(text), "file")
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
}

func FuzzDecisions(f *testing.F) {
	f.Add([]byte("[[decision]]\ntable = \"t\"\ncase = \"outbound\"\nchoice = \"share\"\n"))
	f.Add([]byte(`[{"table":"t","case":"outbound","choice":"refuse"}]`))
	f.Add([]byte(`{"decisions":[]}`))
	f.Add([]byte("[["))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := session.ParseDecisions(data, "file")
		if err != nil {
			require.Equal(t, fault.Usage, fault.CodeOf(err))
			return
		}
		for _, d := range got {
			require.NotEmpty(t, d.Table)
			require.NotEmpty(t, d.Key)
			require.Contains(t, []string{"share", "leave", "refuse"}, d.Choice)
		}
	})
}
