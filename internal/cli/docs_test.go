package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

// pages are the README and everything under docs.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	out := map[string]string{}
	for _, p := range append(paths, filepath.Join(root, "README.md")) {
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		out[p] = string(b)
	}
	for _, want := range []string{"guide.md", "architecture.md", "application.md", "break-glass.md", "rights.md", "errors.md", "commands.md"} {
		require.NotEmpty(t, out[filepath.Join(root, "docs", want)], want)
	}
	return out
}

var (
	fenced     = regexp.MustCompile("(?ms)^```([a-z]*)[^\n]*\n(.*?)^```")
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments that lead into a page.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		out[strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

func TestEveryLinkOfThePagesLeadsSomewhere(t *testing.T) {
	t.Parallel()
	seen := 0
	for path, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			to := m[1] + m[2]
			if strings.Contains(to, "://") {
				continue
			}
			seen++
			file, fragment, _ := strings.Cut(to, "#")
			where := path
			if file != "" {
				where = filepath.Join(filepath.Dir(path), file)
			}
			b, err := os.ReadFile(where)
			require.NoError(t, err, "%s links to %s", path, to)
			if fragment != "" {
				require.True(t, anchors(string(b))[fragment], "%s links to %s, which has no such heading", path, to)
			}
		}
	}
	require.Greater(t, seen, 20)
}

// shellWords splits a command line as a shell does, as far as the pages go:
// quotes, comments, and an end at a pipe or a redirection.
func shellWords(line string) []string {
	out, word, quote, in := []string{}, strings.Builder{}, rune(0), false
	end := func() {
		if in {
			out = append(out, word.String())
		}
		word.Reset()
		in = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, in = r, true
		case r == ' ':
			end()
		case !in && (r == '#' || r == '|' || r == '>' || r == ';'):
			return out
		default:
			in = true
			word.WriteRune(r)
		}
	}
	end()
	return out
}

// written is a command line of a page; whole means that it is meant to be
// typed as it is.
type written struct {
	line  string
	whole bool
}

// commandLines collects what the pages call a command of this program.
func commandLines(text string) []written {
	out := []written{}
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		if m[1] != "sh" {
			continue
		}
		for _, line := range strings.Split(strings.ReplaceAll(m[2], "\\\n", ""), "\n") {
			line = strings.TrimPrefix(line, "build/bin/")
			if strings.HasPrefix(line, "shard-admin") {
				out = append(out, written{line, true})
			}
		}
	}
	groups := map[string]bool{}
	for _, c := range (&program{}).root().Commands() {
		groups[c.Name()] = c.HasAvailableSubCommands()
	}
	for _, m := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		span := strings.TrimPrefix(m[1], "build/bin/")
		first, rest, _ := strings.Cut(span, " ")
		switch {
		case first == "shard-admin" && rest != "" && rest[0] >= 'a' && rest[0] <= 'z':
			out = append(out, written{span, false})
		case groups[first] && rest != "" && !strings.ContainsAny(span, "=[]{}().,|"):
			out = append(out, written{"shard-admin " + span, false})
		}
	}
	return out
}

func TestEveryCommandOfThePagesExists(t *testing.T) {
	t.Parallel()
	seen := 0
	for path, text := range pages(t) {
		if filepath.Base(path) == "commands.md" {
			continue // written from the program itself
		}
		for _, w := range commandLines(text) {
			seen++
			words := shellWords(w.line)[1:]
			if len(words) == 0 {
				continue // the window
			}
			root := (&program{}).root()
			c, rest, err := root.Find(words)
			require.NoError(t, err, "%s: %s", path, w.line)
			require.NotEqual(t, root, c, "%s: %s: no such command", path, w.line)
			if c.HasAvailableSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
				t.Errorf("%s: %s: %s has no command %s", path, w.line, c.CommandPath(), rest[0])
				continue
			}
			require.NoError(t, parsed(c, rest), "%s: %s", path, w.line)
			if args := c.Flags().Args(); w.whole || len(args) > 0 {
				require.NoError(t, c.ValidateArgs(args), "%s: %s", path, w.line)
			}
		}
	}
	require.Greater(t, seen, 100)
}

// parsed sets the flags of a command; a flag that stands at the end of an
// extract may lack its value.
func parsed(c *cobra.Command, rest []string) error {
	if len(rest) > 0 {
		if name, ok := strings.CutPrefix(rest[len(rest)-1], "--"); ok {
			f := c.Flags().Lookup(name)
			if f == nil {
				f = c.InheritedFlags().Lookup(name)
			}
			if f != nil && f.NoOptDefVal == "" {
				rest = rest[:len(rest)-1]
			}
		}
	}
	return c.ParseFlags(rest)
}

// A flag that a page names by itself belongs to some command.
func TestEveryFlagOfThePagesExists(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range commands((&program{}).root()) {
		for _, m := range regexp.MustCompile(`--[a-z-]+`).FindAllString(helpOf(c), -1) {
			known[m] = true
		}
	}
	for path, text := range pages(t) {
		for _, m := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if name, _, _ := strings.Cut(m[1], " "); strings.HasPrefix(name, "--") {
				require.True(t, known[name], "%s: no command has the flag %s", path, name)
			}
		}
	}
}

func TestEveryTargetAndTestOfThePagesExists(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	require.NoError(t, err)
	targets := regexp.MustCompile(`(?:^|\s)make ([a-z-]+)`)
	tests := regexp.MustCompile(`-run (\w+) (\./internal/\w+)|(\./internal/\w+) -run (\w+)`)
	seen := 0
	for path, text := range pages(t) {
		for _, m := range fenced.FindAllStringSubmatch(text, -1) {
			if m[1] != "sh" {
				continue
			}
			for _, x := range targets.FindAllStringSubmatch(m[2], -1) {
				seen++
				require.Regexp(t, `(?m)^`+x[1]+`:`, string(b), "%s: make %s", path, x[1])
			}
			for _, x := range tests.FindAllStringSubmatch(m[2], -1) {
				seen++
				require.True(t, hasTest(t, x[2]+x[3], x[1]+x[4]), "%s: %s", path, x[0])
			}
		}
	}
	require.Greater(t, seen, 5)
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		if regexp.MustCompile(`(?m)^func Test\w*` + strings.TrimPrefix(name, "Test")).Match(b) {
			return true
		}
	}
	return false
}

func TestEveryErrorCodeOfTheGuideExists(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range fault.Codes() {
		known[string(c.Code)] = true
	}
	_, table, ok := strings.Cut(pages(t)[filepath.Join("..", "..", "docs", "guide.md")], "## Messages, and what to do")
	require.True(t, ok)
	seen := 0
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			seen++
			require.True(t, known[m[1]], "there is no error %s", m[1])
		}
	}
	require.Greater(t, seen, 20)
}

// The Go of the pages is a program's; vet compiles it.
func TestGoOfThePagesCompiles(t *testing.T) {
	t.Parallel()
	seen := 0
	for path, text := range pages(t) {
		for _, m := range fenced.FindAllStringSubmatch(text, -1) {
			if m[1] != "go" {
				continue
			}
			seen++
			file := filepath.Join(t.TempDir(), "example.go")
			require.NoError(t, os.WriteFile(file, []byte(m[2]), 0o600))
			out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
			require.NoError(t, err, "%s: %s", path, out)
		}
	}
	require.Positive(t, seen)
}
