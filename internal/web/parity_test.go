package web_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/app"
	"shardadmin/internal/web"
)

// What differs between two calls of the same thing.
var passing = map[string]bool{
	"checked_at": true, "answered_at": true, "latency_ms": true, "connections": true, "made_at": true, "verified_at": true, "counted_at": true,
	"estimate_ms": true, "cache_hit_rate": true, "index_hit_rate": true, "size_bytes": true, "index_bytes": true,
	"estimate_ms_reason": true, "cache_hit_rate_reason": true, "index_hit_rate_reason": true, "cache_hit_rate_since": true, "index_hit_rate_since": true, "cache_hit_rate_since_reason": true, "index_hit_rate_since_reason": true, "file": true, "manifest": true,
	"pulled": true, "value": true, "rows_estimate": true, "bytes": true, "pause_ms": true, "age_ms": true, "peak_bytes": true,
}

// steady replaces what differs between two calls by whether it is there.
func steady(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if passing[k] {
				v[k] = x != nil
			} else {
				v[k] = steady(x)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = steady(v[i])
		}
		return v
	case string:
		return duration.ReplaceAllString(v, "some time")
	}
	return v
}

// counting leaves out the rows of views, which servers count from one look to the
// next.
func counting(v any) {
	m, _ := v.(map[string]any)
	views, _ := m["views"].([]any)
	for _, one := range views {
		view, _ := one.(map[string]any)
		view["rows"], view["sessions"] = view["rows"] != nil, view["sessions"] != nil
	}
}

// duration is one in a sentence.
var duration = regexp.MustCompile(`\b\d+(\.\d+)? ?(ms|s)\b`)

// The arguments of each method that takes some, and of each that could not be
// called twice with the same answer: then they are refused, the same way.
var given = map[string][]string{
	"Shell/SetOperator":         {`["nobody"]`, `["ann@example.com"]`},
	"Shell/UseFleet":            {`["none"]`, `["test"]`},
	"Overview/Health":           {`[""]`, `["shard_1"]`, `["none"]`},
	"Overview/History":          {`[{"shard":"none"}]`, `[{"metrics":["weather"]}]`, `[{"since":"soon"}]`, `[{"shard":"shard_1","since":"2026-01-01","until":"2026-01-02"}]`},
	"Overview/Stats":            {`["default"]`, `["none"]`, `["shard_2"]`},
	"Overview/Views":            {`["none"]`, `["shard_2"]`},
	"Overview/Sessions":         {`["none"]`, `["shard_2"]`},
	"Overview/CancelSession":    {`[{"shard":"default","pid":0,"note":"x"}]`, `[{"shard":"default","pid":1,"started_at":"nonsense","note":"x"}]`, `[{"shard":"none","pid":1,"note":"x"}]`},
	"Overview/EndSession":       {`[{"shard":"default","pid":0,"note":"x"}]`, `[{"shard":"default","pid":1,"note":""}]`, `[{"shard":"shard_2","pid":1,"note":"x"}]`},
	"Tenants/List":              {`[{}]`, `[{"shard":"shard_1","search":"","sort":"-id","limit":1,"offset":0}]`, `[{"sort":"nonsense"}]`},
	"Tenants/Find":              {`["7"]`, `["none"]`},
	"Tenants/Export":            {`[{"columns":["nonsense"]}]`, `[{}]`},
	"Tenants/Get":               {`["7"]`, `["sub8"]`, `["none"]`},
	"Tenants/Assign":            {`[{"tenant":"none","shard":"shard_1","note":"x"}]`, `[{"tenant":"7","shard":"shard_2","note":"x"}]`},
	"Tenants/WouldAssign":       {`[{"where":{"shard":"default"},"shard":"shard_1"}]`, `[{"where":{},"shard":"shard_1"}]`, `[{"where":{"tenants":["none"]},"shard":"shard_1"}]`},
	"Tenants/AssignMany":        {`[{"where":{"tenants":["none"]},"shard":"shard_1","note":"x"}]`, `[{"where":{"shard":"default"},"shard":"none","note":"x"}]`},
	"Moves/Plan":                {`[{"tenant":"7","target":"shard_1"}]`, `[{"tenant":"7","target":"default"}]`, `[{"tenant":"none","target":"shard_1"}]`},
	"Moves/Start":               {`[{"tenant":"none","target":"shard_1","note":"x"}]`, `[{"tenant":"7","target":"shard_2","note":"x"}]`},
	"Moves/Act":                 {`["resume",{"id":"00000000-0000-0000-0000-000000000001","note":"x"}]`, `["nonsense",{"id":"x"}]`},
	"Moves/List":                {`["",10]`, `["none",10]`},
	"Moves/Get":                 {`["00000000-0000-0000-0000-000000000001"]`, `["nonsense"]`},
	"Moves/Report":              {`["00000000-0000-0000-0000-000000000001"]`},
	"Moves/SaveReport":          {`["00000000-0000-0000-0000-000000000001"]`},
	"Moves/PauseQueue":          {`[{}]`, `[{"note":" "}]`},
	"Moves/ResumeQueue":         {`[{}]`, `[{"note":"it is not paused"}]`},
	"Alerts/List":               {`[false]`, `[true]`},
	"Alerts/Acknowledge":        {`[1,"x"]`, `[1,""]`},
	"Alerts/Silence":            {`[{"shard":"none","ends":"1h","note":"x"}]`, `[{"ends":"soon","note":"x"}]`},
	"Alerts/Unsilence":          {`[1,"x"]`},
	"Alerts/Test":               {`["none"]`},
	"Rebalance/Plan":            {`[{}]`, `[{"by":["load"]}]`, `[{"by":["colour"]}]`, `[{"max_moves":-1}]`},
	"Rebalance/Apply":           {`[{"strategy":"nonsense"}]`, `[{"strategy":"most-even","plan":"none","note":"x"}]`},
	"Audit/List":                {`[{}]`, `[{"since":"24h","limit":1}]`, `[{"since":"nonsense"}]`},
	"Audit/Facets":              {`[{}]`, `[{"since":"24h"}]`, `[{"since":"nonsense"}]`},
	"Audit/SaveFilter":          {`[{"name":"failed","filter":{"status":"failed","since":"30d"},"replace":true}]`, `[{"name":"failed","filter":{"status":"failed"}}]`, `[{"name":"all","filter":{"limit":7}}]`, `[{"name":" ","filter":{"tenant":"7"}}]`},
	"Audit/RemoveFilter":        {`["nothing is called so"]`},
	"Audit/Restart":             {`[" "]`},
	"Audit/Export":              {`[{"format":"doc","note":"x"}]`},
	"Audit/Preview":             {`[{"kind":"nonsense"}]`, `[{"kind":"tenant"}]`},
	"Audit/ShowFolder":          {`["/etc/passwd"]`},
	"Settings/Set":              {`["theme","dark"]`, `["no_such","x"]`},
	"Settings/AddFleet":         {`[{"name":"test"}]`, `[{"name":"x","environment":"staging","profile":"property_web_builder","control":"nonsense","shards":[]}]`},
	"Settings/ImportFleet":      {`[{"text":"{{{"}]`},
	"Settings/TestFleet":        {`["test"]`, `["none"]`},
	"Settings/RemoveFleet":      {`["none"]`},
	"Settings/SetOperatorRole":  {`[{"email":"nobody","role":"viewer","note":"x"}]`, `[{"email":"bob@example.com","role":"nonsense","note":"x"}]`},
	"Settings/TryFleet":         {`[{"name":"x","environment":"staging","profile":"property_web_builder","control":"nonsense","shards":[]}]`},
	"Settings/TryImport":        {`[{"text":"{{{"}]`},
	"Settings/SetFlag":          {`[{"flag":"nonsense","on":true,"note":"x"}]`, `[{"flag":"SHARD_ADMIN_ENABLED","on":false,"note":""}]`},
	"Settings/SetCredential":    {`[{"name":"none","user":"x","password":"y","note":"z"}]`, `[{"name":"control","user":"x","password":"","note":"z"}]`},
	"Settings/RotateCredential": {`[{"name":"none","password":"y"}]`, `[{"name":"control","password":""}]`},
	"Settings/TestCredential":   {`["control"]`, `["none"]`},
	"Settings/ForgetCredential": {`["none"]`},
	"Settings/UnknownHost":      {`[{"fleet":"none","database":"control"}]`, `[{"fleet":"test","database":"control"}]`, `[{"new":{"name":"x","environment":"staging","profile":"property_web_builder","control":"nonsense","shards":[]},"database":"control"}]`},
	"Settings/UnlockVault":      {`["a phrase",""]`, `["",""]`, `["a phrase","a phrase"]`},
	"Settings/TrustHost":        {`[{"fleet":"none","database":"control"},"SHA256:x"]`, `[{"fleet":"test","database":"shard_1"},"SHA256:x"]`, `[{"import":{"text":"{{{"},"database":"control"},"SHA256:x"]`},
	"Settings/Install":          {`[{"admin":"nobody","note":""}]`},
}

// What is called before a method that would answer otherwise the second time.
var first = map[string]string{"Moves/PauseQueue": "Moves/PauseQueue", "Moves/ResumeQueue": "Moves/ResumeQueue"}

func TestEveryMethodAnswersTheSameBothWays(t *testing.T) {
	t.Parallel()
	h := fleetHome(t)
	p := serve(t, web.Options{Home: h}).enter()
	window := app.New(app.Options{Home: h, Mode: app.Page})
	t.Cleanup(func() { window.Stop(t.Context()) })

	called := map[string]bool{}
	for _, service := range window.Services() {
		v := reflect.ValueOf(service)
		for i := range v.NumMethod() {
			name := v.Elem().Type().Name() + "/" + v.Type().Method(i).Name
			called[name] = true
			lists := []string{"[]"}
			if method := v.Method(i).Type(); method.NumIn() > 0 || given[name] != nil {
				require.NotEmpty(t, given[name], "%s has no arguments in this test", name)
				lists = given[name]
			}
			for _, args := range lists {
				if ready := first[name]; ready != "" { // so that it is refused both ways
					status, text, _ := p.call(ready, `[{"note":"x"}]`)
					require.Contains(t, []int{http.StatusOK, http.StatusConflict}, status, text)
				}
				want, failed := callDirectly(t, v.Method(i), args)
				status, got, header := p.call(name, args)
				require.Equal(t, failed, status != http.StatusOK, "%s %s: %d %s, directly %s", name, args, status, got, want)
				require.Equal(t, "application/json", header.Get("Content-Type"))
				require.NotContains(t, got, "did not foresee", "%s %s", name, args)
				var a, b any
				require.NoError(t, json.Unmarshal([]byte(want), &a))
				require.NoError(t, json.Unmarshal([]byte(got), &b))
				if name == "Overview/Compare" { // the servers go on counting
					counting(a)
					counting(b)
				}
				require.Equal(t, steady(a), steady(b), "%s %s", name, args)
				if !failed {
					noNullLists(t, name, v.Method(i).Type(), got)
				}
			}
		}
	}
	for name := range given {
		require.True(t, called[name], "%s is gone", name)
	}
	// Where a person has a fleet, these answer.
	for _, name := range []string{
		"Shell/Info", "Overview/Status", "Overview/Distribution", "Overview/Recent", "Tenants/Check", "Tenants/Map", "Moves/Workers",
		"Audit/Verify", "Audit/Filters", "Audit/Sync", "Audit/Alarms", "Audit/Schedules", "Settings/Fleets", "Settings/Policy", "Settings/Settings", "Settings/InstallStatus", "Settings/InstallScript",
		"Settings/Doctor",
	} {
		status, text, _ := p.call(name, "[]")
		require.Equal(t, http.StatusOK, status, "%s: %s", name, text)
	}
}

// callDirectly is what the window does: JSON in, the method, JSON out.
func callDirectly(t *testing.T, method reflect.Value, args string) (text string, failed bool) {
	t.Helper()
	var raw []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(args), &raw))
	in := make([]reflect.Value, len(raw))
	for i, r := range raw {
		v := reflect.New(method.Type().In(i))
		require.NoError(t, json.Unmarshal(r, v.Interface()))
		in[i] = v.Elem()
	}
	out := method.Call(in)
	if err, ok := out[len(out)-1].Interface().(error); ok && err != nil {
		return app.ProblemText(err), true
	}
	var result any
	if len(out) == 2 {
		result = out[0].Interface()
	}
	b, err := json.Marshal(result)
	require.NoError(t, err)
	return string(b), false
}

// noNullLists decodes an answer into its type and looks for lists that were
// null.
func noNullLists(t *testing.T, name string, method reflect.Type, text string) {
	t.Helper()
	if method.NumOut() < 2 {
		return
	}
	v := reflect.New(method.Out(0))
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v.Interface()), name)
	var walk func(reflect.Value, string)
	walk = func(v reflect.Value, where string) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), where)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), where+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice:
			require.False(t, v.IsNil(), where)
			for i := range v.Len() {
				walk(v.Index(i), where)
			}
		default:
		}
	}
	walk(v, name)
}
