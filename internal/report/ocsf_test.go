package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// ocsfRules are what OCSF 1.3.0 demands of the classes that events become, besides their
// fields' types, which the writer has: github.com/ocsf/ocsf-schema, events and objects.
var ocsfRules = map[float64]struct {
	required   []string
	activities []float64
	// bare is true for a class that has an actor only with the profile of a host.
	bare bool
}{
	6003: {[]string{"activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time", "type_uid"}, []float64{0, 1, 2, 3, 4, 99}, false},
	3005: {[]string{"activity_id", "category_uid", "class_uid", "metadata", "privileges", "severity_id", "time", "type_uid", "user"}, []float64{0, 1, 2, 99}, true},
	3001: {[]string{"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "user"}, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99}, false},
}

// Every kind of report has events that keep to the schema's rules.
func TestOCSFEventsKeepToTheSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.ocsf")
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	seen := map[float64]int{}
	oneOf := func(o any, names ...string) bool {
		m, _ := o.(map[string]any)
		return slices.ContainsFunc(names, func(n string) bool { return m[n] != nil && m[n] != "" })
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range bytes.Lines(text) {
			var e map[string]any
			require.NoError(t, json.Unmarshal(line, &e), "%s: %s", file, line)
			class, _ := e["class_uid"].(float64)
			rules, ok := ocsfRules[class]
			require.True(t, ok, "%s: class %v", file, class)
			seen[class]++
			for _, name := range rules.required {
				require.Contains(t, e, name, "%s: %s", file, line)
			}
			require.Contains(t, rules.activities, e["activity_id"], "%s: %s", file, line)
			require.Equal(t, class*100+e["activity_id"].(float64), e["type_uid"])
			require.Contains(t, []float64{0, 1, 2, 3, 4, 5, 6, 99}, e["severity_id"])
			require.Contains(t, []float64{0, 1, 2, 99}, e["status_id"])
			meta := e["metadata"].(map[string]any)
			require.Contains(t, meta, "version")
			require.Contains(t, meta["product"], "vendor_name")
			require.True(t, oneOf(e["actor"], "user", "app_name"), "%s: %s", file, line)
			require.True(t, oneOf(e["src_endpoint"], "ip", "uid", "name", "hostname", "svc_name"), "%s: %s", file, line)
			if e["user"] != nil {
				require.True(t, oneOf(e["user"], "account", "name", "uid"), "%s: a user has a name or an id: %s", file, line)
			}
			if rules.bare {
				require.Contains(t, meta["profiles"], "host", "%s: %s", file, line)
			}
		}
	}
	for class := range ocsfRules {
		require.Positive(t, seen[class], "%v", class)
	}
}
