package health_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
)

// condition is something that is made real on servers, and the checks that have to be
// seen to speak of it and to fall silent. What is compared between shards is
// "between NAME".
type condition struct {
	checks string
	made   func(*testing.T)
}

// conditions has every check: TestEveryCheckHasACondition.
func conditions() []condition {
	return []condition{
		{"reachable latency", aServerThatIsFarOrGone},
		{"writable", aDatabaseThatTakesNoWrites},
		{"connections", connectionsAgainstWhatIsLeft},
		{"pooler", clientsThatWaitForThePooler},
		{"blocking", blockedSessionsAreATree},
		{"long_transactions idle_in_transaction long_queries", sessionsThatTakeLong},
		{"horizon prepared_transactions", snapshotsAndPreparedTransactionsThatAreForgotten},
		{"replication horizon", standbysThatFallBehind},
		{"cache_hits temp_files deadlocks rollbacks checkpoints wal", countersBetweenTwoLooks},
		{"statements io", statementsThatTakeMostAndAreDisplaced},
		{"checksums", blocksThatAreDamaged},
		{"capacity", aShardThatGrows},
		{"vacuum bloat", deadRowsAndEmptyRoom},
		{"wraparound", transactionIDsThatAreOld},
		{"sequences", sequencesNearTheirEnd},
		{"invalid_constraints", constraintsThatOlderRowsMayBreak},
		{"invalid_indexes foreign_keys duplicate_indexes", indexesThatAreBroken},
		{"missing_indexes", tablesThatAreReadAsAWhole},
		{"between unused_indexes", anIndexThatNoShardUses},
		{"slots", slotsThatNobodyReads},
		{"settings archiver", settingsAndTheArchive},
		{"extensions", extensionsThatLagBehind},
		{"between settings, between extensions", shardsThatDrift},
		{"version, between version", versionsThatAreOldOrDiffer},
	}
}

// names are the checks of a condition, of which those between shards have two words.
func (c condition) names() []string {
	if strings.Contains(c.checks, "between") {
		return strings.Split(c.checks, ", ")
	}
	return strings.Fields(c.checks)
}

// A check for which nobody has made its condition real may be wrong for years.
func TestEveryCheckHasACondition(t *testing.T) {
	t.Parallel()
	made := []string{}
	for _, c := range conditions() {
		made = append(made, c.names()...)
	}
	has := []string{}
	for _, c := range health.Checks() {
		if c.Judge != nil {
			has = append(has, c.Name)
		}
		if c.Between != nil {
			has = append(has, "between "+c.Name)
		}
	}
	for _, name := range has {
		require.Contains(t, made, name, "no condition of registry_test.go makes the check speak")
	}
	for _, name := range made {
		require.Contains(t, has, name, "there is no such check")
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range conditions() {
		t.Run(strings.ReplaceAll(strings.ReplaceAll(c.checks, ", ", " "), " ", "_"), func(t *testing.T) {
			t.Parallel()
			c.made(t)
			for _, name := range c.names() {
				require.True(t, cameAndWent(t, name), "the check %s was not seen to be silent, to speak and to be silent again with the same limits", name)
			}
		})
	}
}

// sighting is one answer of a check.
type sighting struct {
	check  string
	limits health.Limits
	found  int
}

// sightings are the answers of checks by the test that asked, in their order.
var sightings = struct {
	sync.Mutex
	by map[*testing.T][]sighting
}{by: map[*testing.T][]sighting{}}

// saw notes what a check found on a server.
func saw(t *testing.T, check string, l health.Limits, found []health.Finding) []health.Finding {
	t.Helper()
	sightings.Lock()
	defer sightings.Unlock()
	sightings.by[t] = append(sightings.by[t], sighting{check, l, len(found)})
	return found
}

// cameAndWent reports whether a check found nothing, then something and then nothing,
// each time with the same limits: what other limits hide has not gone.
func cameAndWent(t *testing.T, check string) bool {
	t.Helper()
	sightings.Lock()
	defer sightings.Unlock()
	stages := map[health.Limits]int{}
	return slices.ContainsFunc(sightings.by[t], func(s sighting) bool {
		if s.check == check && (s.found > 0) == (stages[s.limits] == 1) {
			stages[s.limits]++
		}
		return stages[s.limits] == 3
	})
}

// between is what a comparison of shards says of one check.
func between(t *testing.T, check string, shards map[string]health.Reading, l health.Limits) []health.Finding {
	t.Helper()
	return saw(t, "between "+check, l, of(health.Report{Findings: health.Fleet(shards, l)}, check))
}
