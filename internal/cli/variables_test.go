package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVariablesOfAFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"A": "1", "B": "two words", "C": "x#y", "D": "", "E": "say \"x\"", "F": "no end"},
		variables("# A=0\nA=1\nexport B=\"two words\" # said\n C = x#y # no\nD=\nE='say \"x\"'\nno line\nF=\"no end\n"))
}

func FuzzVariables(f *testing.F) {
	f.Add("A=1\nB='x'\n")
	f.Add("=\n'='\n\"=\"")
	f.Fuzz(func(t *testing.T, text string) {
		for k, v := range variables(text) {
			require.NotContains(t, k+v, "\n")
		}
	})
}
