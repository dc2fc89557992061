package model_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/move"
)

// checks are the parts into which the whole state space is too large to fall;
// README.md says what each leaves out.
var checks = []struct{ name, defines string }{
	{"forward, two writers", "-DRC=1 -DRR=1 -DMISHAPS=0 -DSESSIONS_B=0"},
	{"forward, a mishap", "-DRC=1 -DRR=0 -DMISHAPS=1 -DSESSIONS_B=0"},
	{"forward, held", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=1 -DHOLDS"},
	{"forward, a clock that steps back", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0 -DCLOCK_STEPS_BACK"},
	{"back and finalize, two writers", "-DRC=1 -DRR=1 -DMISHAPS=0 -DSESSIONS_B=0 -DROLLBACKS -DFINALIZES -DFROM_RETAINED"},
	{"back and finalize, a mishap", "-DRC=0 -DRR=1 -DMISHAPS=1 -DSESSIONS_B=0 -DROLLBACKS -DFINALIZES -DFROM_RETAINED"},
	{"from start to end", "-DRC=0 -DRR=1 -DMISHAPS=0 -DSESSIONS_B=1 -DROLLBACKS -DFINALIZES"},
	{"online forward", "-DONLINE -DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0"},
	{"online forward, held", "-DONLINE -DRC=0 -DRR=1 -DMISHAPS=0 -DSESSIONS_B=1 -DHOLDS"},
	{"online back and finalize, a mishap", "-DONLINE -DRC=0 -DRR=1 -DMISHAPS=1 -DSESSIONS_B=0 -DROLLBACKS -DFINALIZES -DFROM_RETAINED"},
}

// faults must each be found: the first three are what the protocol is made of,
// the others were found by this model in the code.
var faults = []struct{ name, defines, says string }{
	{"FLIP_WITHOUT_EPOCH", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0", "assertion violated"},
	{"FENCE_READ_BEFORE_LOCK", "-DRC=0 -DRR=1 -DMISHAPS=0 -DSESSIONS_B=0", "((acked&data[ptr])==acked)"},
	{"COMMITTING_EXPIRES", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0", "assertion violated"},
	{"ROLLBACK_IGNORES_ROUTES", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0 -DROLLBACKS -DFROM_RETAINED", "((acked&data[ptr])==acked)"},
	{"HANDS_OVER_TWICE", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0 -DROLLBACKS -DFROM_RETAINED", "(lep<12)"},
	{"REOPENS_NOTHING", "-DRC=1 -DRR=0 -DMISHAPS=1 -DSESSIONS_B=1", "(lep<12)"},
	{"TAKES_OVER_UNMARKED", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0", "assertion violated"},
	{"ENTERS_UNASKED", "-DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0", "assertion violated"},
	{"RECORDS_WITHOUT_LEASE", "-DRC=1 -DRR=0 -DMISHAPS=1 -DSESSIONS_B=0", "assertion violated"},
	{"UNDOES_UNSAID", "-DONLINE -DRC=1 -DRR=0 -DMISHAPS=0 -DSESSIONS_B=0", "((acked&data[ptr])==acked)"},
}

// only in the model, with the reason.
var only = map[string]string{
	"idle": "writer", "written": "writer", "refused": "writer", "done": "writer", "end": "the clock's resting place",
	"session": "owner", "crashed": "owner", "lost": "owner", "forget": "owner", "failing": "owner", "gone": "owner",
	"forward": "branch", "arm": "branch", "holding": "branch", "copying": "branch", "settle": "branch", "undo": "branch", "removeCopy": "branch",
	"cancel": "branch", "takeDown": "branch", "rollback": "branch", "settleBack": "branch", "finalize": "branch",
	"catchUp": "branch", "goOn": "branch", "switchOnline": "branch",
}

// merged are stop points without a label of their own, with the reason.
var merged = map[string]string{
	"replaced": "the fence is closed and no row is on the target: for the protocol it is the point fenced",
}

func TestLabelsAreTheStopPoints(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("move.pml")
	require.NoError(t, err)
	text := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(src), "")
	labels := []string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z_]+):`).FindAllStringSubmatch(text, -1) {
		labels = append(labels, m[1])
	}
	points := []string{}
	for _, p := range move.Points() {
		points = append(points, p.Name)
		_, skipped := merged[p.Name]
		require.True(t, slices.Contains(labels, p.Name) != skipped, "the stop point %s of internal/move/stop.go needs a label in move.pml, or a reason why it has none", p.Name)
	}
	for _, l := range labels {
		_, known := only[l]
		require.True(t, slices.Contains(points, l) != known, "the label %s of move.pml is no stop point of internal/move/stop.go", l)
	}
}

func TestTheProtocolHolds(t *testing.T) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			out := verify(t, c.defines)
			require.Contains(t, out, "errors: 0", out)
			require.NotContains(t, out, "Search not completed", out)
			require.NotContains(t, out, "truncated", out)
		})
	}
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			out := verify(t, f.defines+" -D"+f.name)
			require.Contains(t, out, "errors: 1", out)
			require.Contains(t, out, f.says, out)
		})
	}
}

// verify generates, compiles and runs the checker of one part.
func verify(t *testing.T, defines string) string {
	t.Helper()
	model, err := filepath.Abs("move.pml")
	require.NoError(t, err)
	for _, tool := range []string{"spin", "cc"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "%s is needed to check the model of the move: apt-get install spin gcc, or brew install spin", tool)
	}
	dir := t.TempDir()
	begin := time.Now()
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Run(), out.String())
		return out.String()
	}
	run("spin", append(append([]string{}, strings.Fields(defines)...), "-a", model)...)
	// Optimizing takes longer than it saves.
	run("cc", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=1900", "-o", "pan", "pan.c")
	out := run(filepath.Join(dir, "pan"), "-m200000", "-w24")
	t.Logf("%s, %.1f s in all", regexp.MustCompile(`\d+ states, stored`).FindString(out), time.Since(begin).Seconds())
	return out
}
