package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

func TestDocumentsAreCurrent(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"errors.md": errorsDocument(), "commands.md": commandsDocument()} {
		path := filepath.Join("..", "..", "docs", name)
		if updating() {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(b), text, "go test ./internal/cli -run Documents -update writes docs/%s anew", name)
	}
}

// updating reports whether files are to be written anew: -update.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	for _, c := range commands((&program{}).root()) {
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.False(t, strings.HasSuffix(c.Short, "."), c.CommandPath())
		for _, l := range strings.Split(helpOf(c), "\n") {
			require.LessOrEqual(t, width(l), wide, "%s: %s", c.CommandPath(), l)
		}
	}
}

// commands lists every command that help shows, parents before children.
func commands(root *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			out = append(out, commands(c)...)
		}
	}
	return out
}

// commandsDocument is docs/commands.md: the help of every command.
func commandsDocument() string {
	var b strings.Builder
	line(&b, "# Commands\n\nThis page is what `shard-admin help` and `shard-admin COMMAND --help` say, in one\nplace. It is written from the program; a test keeps it current.")
	for _, c := range commands((&program{}).root()) {
		line(&b, "\n## %s\n\n```text\n%s```", c.CommandPath(), helpOf(c))
	}
	return b.String()
}

// errorsDocument is docs/errors.md: every code with its exit status.
func errorsDocument() string {
	var b strings.Builder
	line(&b, `# Errors

Every error has a code that scripts may rely on, a message (what failed, where
and why) and a hint (what to do about it). With `+"`--json`"+` it is the document
`+"`{\"error\":{\"code\",\"message\",\"hint\",\"safe\"}}`"+`; the code decides the exit status.
`+"`safe`"+` is what can be relied on although it failed, or where that shows; below it
stands by each code. A call of the page that only looks has changed nothing and says
so, and the error of a move says where its tenant lives.

| exit | means |
| --- | --- |
| 0 | done |
| 1 | failed |
| 2 | usage |
| 3 | refused by a check, a policy or a flag |
| 4 | verification found differences or tampering |
| 5 | a database could not be reached |

"Again" says whether the same command may succeed when it is given again without
anything being changed by a person.

| code | exit | again | meaning | safe |
| --- | --- | --- | --- | --- |`)
	for _, c := range fault.Codes() {
		line(&b, "| `%s` | %d | %s | %s | %s |", c.Code, c.Exit, yesNo(c.Retry), c.Meaning, fault.Safe(fault.New(c.Code, "", "")))
	}
	line(&b, "\nThis page is written from the program's own list; a test keeps it current.")
	return b.String()
}
