package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/credential"
)

// What each command's document must hold, in the notation of the contract
// page: names in quotes, lists and objects as in JSON.
const (
	ofStatus       = `{"fleet","shards":[{"name","configured","reachable","database","host","port","tenants","size_bytes","latency_ms","error"}]}`
	ofHealth       = `{"shards":[{"name","status","latency_ms","connections","max_connections","cache_hit_rate","index_hit_rate","size_bytes","findings":[{"check","severity","message","value","advice"}],"checked_at"}]}`
	ofStats        = `{"name","tenants","table_count","size_bytes","index_bytes","counts":{}}`
	ofDistribution = `{"total","shards":[{"name","tenants","percent","size_bytes"}]}`
	ofAssign       = `{"tenant","from","to","audit_event"}`
	ofTenants      = `{"total","tenants":[{"id","label","shard","move_state"}]}`
	ofTenant       = `{"id","label","shard","tables":[{"table","rows"}],"history":[{"id","at","actor","actor_role","action","tenant","source","target","status","note","move_id","hash"}]}`
	ofPlacement    = `{"ok","tenants":[{"id","pointer","rows_on":[]}]}`
	ofFleets       = `{"fleets":[{"name"}]}`
	ofFleet        = `{"name","environment","profile","shards":[{"name"}]}`
	ofCheck        = `{"databases":[{"name","reachable","version","tls","missing":[{"capability","right","grant"}],"error"}]}`
	ofMap          = `{"tables":[{"table","kind","mixed","tenant_column","path":[],"follows","rows_estimate"}],"unclassified"}`
	ofPlan         = `{"tenant","source","target","mode","tables":[{"table","rows","bytes"}],"rows","bytes","estimate_ms","decisions":[{"table","key","case","choices":[],"choice"}],"checks":[{"name","status","message","fix"}]}`
	ofMove         = `{"id","tenant","source","target","mode","state","rows","bytes","write_pause_ms","time_left_ms","behind","read_only_since","verified","started_at","finished_at","error","next":[],"tables":[{"table","rows","bytes","verified"}]}`
	ofMoves        = `{"moves":[{"id","tenant","source","target","mode","state","rows","bytes","write_pause_ms","time_left_ms","behind","read_only_since","verified","started_at","finished_at","error","next":[]}]}`
	ofEvents       = `{"events":[{"id","at","actor","actor_role","action","tenant","source","target","status","note","move_id","hash"}]}`
	ofVerify       = `{"ok","events","first_bad","findings":[{"seq","kind","event_id","message"}]}`
	ofDoctor       = `{"checks":[{"name","status","message","fix"}]}`
	ofVersion      = `{"version","commit","go","headless"}`
	ofError        = `{"error":{"code","message","hint"}}`
)

// The type of each field, and whether it may be null: "?" for what may not be
// there, "!" for what may be unknown and then stands beside its reason.
var fieldTypes = map[string]string{
	"configured": "bool", "reachable": "bool", "ok": "bool", "mixed": "bool", "verified": "bool", "headless": "bool",
	"tenants": "int!", "size_bytes": "int!", "index_bytes": "int", "table_count": "int", "total": "int", "rows": "int!", "bytes": "int!",
	"connections": "int!", "max_connections": "int!", "unclassified": "int", "rows_estimate": "int!", "estimate_ms": "int!", "write_pause_ms": "int!",
	"events": "int", "seq": "int", "first_bad": "int?", "latency_ms": "number!", "cache_hit_rate": "number!", "index_hit_rate": "number!", "percent": "number",
	"stripes": "int", "chosen": "bool", "done": "bool", "blocked": "bool", "residue": "int!", "stored": "bool", "identity": "bool", "striped": "bool",
	"increment": "int", "new_increment": "int", "increment_before": "int", "last_value": "int!", "last_value_before": "int!", "highest": "int!", "next_value": "int!",
	"port": "int@", "host": "string@", "database": "string@", "error": "any?", "move_state": "string?", "read_only_since": "time?", "started_at": "time?",
	"paused": "bool", "window_open": "bool", "paused_at": "time?", "window_opens_at": "time?", "window_closes_at": "time?", "changed_at": "time?",
	"per_fleet": "int?", "per_shard": "int", "running": "int", "waiting": "int", "workers": "int", "priority": "int", "not_before": "time?", "created_at": "time",
	"pid": "int", "blocks": "int", "ours": "bool", "ended": "bool", "statement_at": "time!", "blocked_by": "any",
	"transaction_ms": "int!", "statement_ms": "int!", "state_ms": "int!",
	"began_at": "time", "made_at": "time", "ended_at": "time?", "duration_ms": "int!", "rows_copied": "int", "bytes_copied": "int", "count": "int!", "chain_ok": "bool",
	"missing": "int", "due_at": "time?", "next_at": "time", "delivered_at": "time!", "delivered_until": "time?", "failed_at": "time?",
	"time_left_ms": "any!", "behind": "any!", "finished_at": "time?", "at": "time", "checked_at": "time", "version": "string!", "tls": "string!",
}

// Values that the contract names.
var fieldValues = map[string]map[string]string{
	ofHealth: {"status": "healthy|slow|degraded|unreachable|not_configured", "severity": "info|warning|critical"},
	ofMap:    {"kind": "root|tenant|child|declared|owned_by_reference|reference|control|excluded|unclassified"},
	ofPlan:   {"status": "ok|warning|blocker", "mode": "fenced|online"},
	ofMove: {
		"mode":  "fenced|online",
		"state": "planned|copying|catching_up|ready|switching|switched|retained|finalizing|finalized|cancelled|failed|rolling_back|rolled_back",
	},
}

// form is a field of the notation with what is inside.
type form struct {
	name   string
	list   bool
	inside []form // nil: a value, or a list of values
}

var token = regexp.MustCompile(`"(\w+)"(:)?|[\[\]{},]`)

// notation reads the contract's notation.
func notation(t *testing.T, text string) []form {
	t.Helper()
	tokens := token.FindAllStringSubmatch(text, -1)
	at := 1 // after the first brace
	var object func() []form
	object = func() []form {
		out := []form{}
		for {
			switch tk := tokens[at]; {
			case tk[0] == "}":
				at++
				return out
			case tk[0] == ",":
				at++
			case tk[2] == ":":
				f := form{name: tk[1]}
				at++
				if tokens[at][0] == "[" {
					f.list = true
					at++
				}
				if tokens[at][0] == "{" {
					at++
					f.inside = object()
				}
				if f.list {
					require.Equal(t, "]", tokens[at][0], text)
					at++
				}
				out = append(out, f)
			default:
				out = append(out, form{name: tk[1]})
				at++
			}
		}
	}
	return object()
}

var snake = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// contract demands of a document what the contract says.
func contract(t *testing.T, text string, v map[string]any) {
	t.Helper()
	demand(t, text, notation(t, text), v, "")
	everywhere(t, v, "")
	reasons(t, v)
}

// unexplained are the names under which a document may have null without a reason
// of its own, and those whose reason has another name.
func unexplained() (absent map[string]bool, common map[string]string) {
	absent, common = map[string]bool{}, map[string]string{}
	for name := range cli.Absent() {
		absent[name[strings.LastIndex(name, ".")+1:]] = true
	}
	for name, reason := range cli.Common() {
		common[name[strings.LastIndex(name, ".")+1:]] = reason
	}
	return absent, common
}

// reasons demands that whatever is null in a document that was printed has its reason
// beside it, and that nothing that has a reason is zero in place of null.
func reasons(t *testing.T, document map[string]any) {
	t.Helper()
	absent, common := unexplained()
	var walk func(x any, at string)
	walk = func(x any, at string) {
		switch x := x.(type) {
		case []any:
			for i, e := range x {
				walk(e, fmt.Sprintf("%s[%d]", at, i))
			}
		case map[string]any:
			for k, v := range x {
				own, _ := x[k+"_reason"].(string)
				shared, _ := x[common[k]].(string)
				switch {
				case v == nil && !absent[k] && own == "" && shared == "":
					t.Errorf("%s.%s is null without a reason", at, k)
				case own != "" && (v == "" || fmt.Sprint(v) == "0"):
					t.Errorf("%s.%s is %q although it is not known: %s", at, k, v, own)
				case !slices.Contains([]string{"before", "after", "details", "fields", "rows"}, k): // what is in them is not ours
					walk(v, at+"."+k)
				}
			}
		}
	}
	walk(document, "")
}

func demand(t *testing.T, text string, fields []form, v map[string]any, at string) {
	t.Helper()
	for _, f := range fields {
		where := at + "." + f.name
		x, ok := v[f.name]
		require.True(t, ok, "%s is missing", where)
		switch {
		case f.list:
			list, ok := x.([]any)
			require.True(t, ok, "%s is no list but %v", where, x)
			for i, e := range list {
				if f.inside == nil {
					_, ok := e.(string)
					require.True(t, ok, "%s[%d] is %v", where, i, e)
					continue
				}
				o, ok := e.(map[string]any)
				require.True(t, ok, "%s[%d] is %v", where, i, e)
				demand(t, text, f.inside, o, fmt.Sprintf("%s[%d]", where, i))
			}
		case f.inside != nil:
			o, ok := x.(map[string]any)
			require.True(t, ok, "%s is no object but %v", where, x)
			demand(t, text, f.inside, o, where)
		default:
			value(t, text, f.name, x, v, where)
		}
	}
}

func value(t *testing.T, text, name string, x any, beside map[string]any, where string) {
	t.Helper()
	kind := fieldTypes[name]
	if kind == "" || text == ofVersion {
		kind = "string"
	}
	mark := ""
	if strings.ContainsAny(kind[len(kind)-1:], "?!@") {
		kind, mark = kind[:len(kind)-1], kind[len(kind)-1:]
	}
	if text == ofError || text == ofVersion && name == "headless" {
		mark = ""
		if name == "headless" {
			kind = "bool"
		}
	}
	if x == nil {
		switch mark {
		case "?":
		case "!":
			require.NotEmpty(t, beside[name+"_reason"], "%s is null without a reason", where)
		case "@":
			require.Equal(t, false, beside["configured"], "%s is null", where)
			require.NotEmpty(t, beside["address_reason"], where)
		default:
			require.Fail(t, where+" is null")
		}
		return
	}
	switch kind {
	case "bool":
		require.IsType(t, true, x, where)
	case "int":
		n, ok := x.(json.Number)
		require.True(t, ok, "%s is %v", where, x)
		_, err := n.Int64()
		require.NoError(t, err, where)
	case "number":
		require.IsType(t, json.Number(""), x, where)
	case "time":
		moment(t, x, where)
	case "any":
	default:
		require.IsType(t, "", x, where)
	}
	if of := fieldValues[text][name]; of != "" && !(text == ofMove && strings.Contains(where, "log")) {
		require.Contains(t, strings.Split(of, "|"), x, where)
	}
}

func moment(t *testing.T, x any, where string) {
	t.Helper()
	s, ok := x.(string)
	require.True(t, ok, "%s is %v", where, x)
	_, err := time.Parse(time.RFC3339Nano, s)
	require.NoError(t, err, where)
	require.True(t, strings.HasSuffix(s, "Z"), "%s is not UTC: %s", where, s)
}

// everywhere checks what holds for every field of every document.
func everywhere(t *testing.T, x any, at string) {
	t.Helper()
	switch x := x.(type) {
	case []any:
		for i, e := range x {
			everywhere(t, e, fmt.Sprintf("%s[%d]", at, i))
		}
	case map[string]any:
		for k, v := range x {
			where := at + "." + k
			// Names that are data: an application's tables, counts, settings.
			if !strings.Contains(at, ".counts") && !strings.Contains(at, ".fields") && !strings.Contains(at, ".before") && !strings.Contains(at, ".after") && !strings.Contains(at, ".details") {
				require.Regexp(t, snake, k, where)
				switch {
				case k == "time_left_ms" && v != nil: // a range
					require.IsType(t, map[string]any{}, v, where)
				case strings.HasSuffix(k, "_ms") && v != nil:
					require.IsType(t, json.Number(""), v, where)
				case strings.HasSuffix(k, "_at") || k == "at":
					if v != nil && v != "" {
						moment(t, v, where)
					}
				case k == "id" || strings.HasSuffix(k, "_id"):
					if v != nil {
						require.IsType(t, "", v, where)
					}
				}
			}
			everywhere(t, v, where)
		}
	}
}

// kept is json with numbers as they are written, held against the contract.
func (s *shell) kept(text string, exit int, args ...string) map[string]any {
	s.t.Helper()
	r := s.run(append(args, "--json")...)
	require.Equal(s.t, exit, r.exit, "%v\n%s%s", args, r.out, r.stderr)
	dec := json.NewDecoder(strings.NewReader(r.out))
	dec.UseNumber()
	var v map[string]any
	require.NoError(s.t, dec.Decode(&v), "%v: %s", args, r.out)
	require.False(s.t, dec.More(), "more than one document: %s", r.out)
	contract(s.t, text, v)
	if s.filled == nil {
		s.filled = map[string]map[string]bool{}
	}
	if s.filled[text] == nil {
		s.filled[text] = map[string]bool{}
	}
	fill(notation(s.t, text), v, "", s.filled[text])
	return v
}

// fill notes which lists of a document have something in them: of an empty one nothing
// inside was held against the contract.
func fill(fields []form, v map[string]any, at string, filled map[string]bool) {
	for _, f := range fields {
		where := at + "." + f.name
		switch x := v[f.name].(type) {
		case []any:
			filled[where] = filled[where] || len(x) > 0
			for _, e := range x {
				if o, is := e.(map[string]any); is {
					fill(f.inside, o, where+"[]", filled)
				}
			}
		case map[string]any:
			fill(f.inside, x, where, filled)
		}
	}
}

// everyListHad demands that each list of the contracts that documents were held against
// had something in it at least once.
func (s *shell) everyListHad() {
	s.t.Helper()
	for text, filled := range s.filled {
		var walk func(fields []form, at string)
		walk = func(fields []form, at string) {
			for _, f := range fields {
				where := at + "." + f.name
				if f.list {
					if !filled[where] {
						s.t.Errorf("%s was empty in every document of %s", where, text)
					}
					walk(f.inside, where+"[]")
				} else {
					walk(f.inside, where)
				}
			}
		}
		walk(notation(s.t, text), "")
	}
}

// Every command that the contract marks main answers with the fields, types
// and exit codes that it names; what is unknown is null beside a reason.
func TestEveryDocumentKeepsTheContract(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 1)
	l.tenant("8", "shard_1", 8000, 1)
	l.tenant("9", "default", 9000, 0)
	l.tenant("10", "default", 10000, 1)

	// Something for every list: an index that repeats another, a right that is missing,
	// rows that two tenants share, a scheduled report.
	l.exec(0, "CREATE INDEX longer ON pwb_contacts (website_id, created_at, updated_at); CREATE INDEX shorter ON pwb_contacts (website_id, created_at)")
	l.exec(0, "REVOKE SELECT ON shard_admin.lease FROM "+l.role)
	l.kept(ofCheck, 3, "fleet", "check")
	l.exec(0, "GRANT SELECT ON shard_admin.lease TO "+l.role)
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, fmt.Appendf(file, "\n[[report]]\nname = \"monthly\"\nkind = \"moves\"\nevery = \"month\"\nfolder = %q\n", t.TempDir()), 0o600))

	l.kept(ofVersion, 0, "version")
	l.kept(ofDoctor, 0, "doctor")
	l.kept(ofFleets, 0, "fleet", "list")
	l.kept(ofFleet, 0, "fleet", "show")
	l.kept(ofCheck, 0, "fleet", "check")
	status := l.kept(ofStatus, 0, "shards", "status")
	spare := status["shards"].([]any)[2].(map[string]any)
	for _, unknown := range []string{"host", "port", "database", "size_bytes", "latency_ms", "connections"} {
		require.Nil(t, spare[unknown], "%s of a shard without a connection", unknown)
	}
	l.kept(ofHealth, 0, "shards", "health")
	l.kept(ofHealth, 0, "shards", "health", "shard_2")
	require.NotEmpty(t, l.kept(ofHealth, 0, "shards", "health", "default")["shards"].([]any)[0].(map[string]any)["findings"])
	l.kept(ofStats, 0, "shards", "stats", "shard_1")
	l.kept(ofDistribution, 0, "shards", "distribution")
	l.kept(ofTenants, 0, "tenants", "list")
	l.kept(ofPlacement, 0, "tenants", "check")
	l.kept(ofMap, 0, "map", "--check")
	l.kept(ofPlan, 0, "move", "plan", "sub7", "shard_1")
	blocked := l.kept(ofPlan, 3, "move", "plan", "sub7", "shard_1", "--max-read-only", "1ms")
	require.Equal(t, true, blocked["blocked"])
	l.exec(0, "UPDATE active_storage_attachments SET blob_id = 7001 WHERE id = 10001")
	shared := l.kept(ofPlan, 3, "move", "plan", "sub7", "shard_1")
	require.NotEmpty(t, shared["decisions"], "two tenants have one blob")
	l.exec(0, "UPDATE active_storage_attachments SET blob_id = 10001 WHERE id = 10001")
	l.kept(ofAssign, 0, "shards", "assign", "9", "shard_1", "--note", "room")

	m := l.kept(ofMove, 0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--hold", "--wait", "--note", "room")
	id := m["id"].(string)
	require.Equal(t, "ready", m["state"])
	require.Nil(t, m["write_pause_ms"])
	moving := l.kept(ofTenant, 0, "tenants", "show", "sub7")
	require.Equal(t, "ready", moving["move_state"])
	l.kept(ofMove, 0, "move", "switch", id, "--wait", "--note", "go")
	shown := l.kept(ofMove, 0, "move", "show", id)
	require.NotNil(t, shown["write_pause_ms"])
	l.kept(ofMove, 0, "move", "watch", id)
	l.kept(ofMoves, 0, "move", "list")
	l.kept(ofMove, 0, "move", "rollback", id, "--wait", "--note", "back")
	m = l.kept(ofMove, 0, "move", "start", "sub7", "shard_1", "--wait", "--note", "room")
	finalized := l.kept(ofMove, 0, "move", "finalize", m["id"].(string), "--wait", "--note", "done")
	require.Equal(t, "finalized", finalized["state"])
	l.kept(ofMove, 0, "move", "start", "sub8", "default", "--note", "queued for nobody")
	queued := l.kept(ofMoves, 0, "move", "list", "--tenant", "sub8")["moves"].([]any)[0].(map[string]any)["id"].(string)
	l.kept(ofMove, 0, "move", "cancel", queued, "--wait", "--note", "no")
	l.kept(ofMove, 0, "move", "resume", l.kept(ofMove, 0, "move", "start", "sub8", "default", "--note", "later")["id"].(string), "--wait", "--note", "now")

	l.kept(ofEvents, 0, "audit", "list", "--limit", "200")
	l.kept(ofTenant, 0, "tenants", "show", "7")
	require.Equal(t, true, l.kept(ofVerify, 0, "audit", "verify")["ok"])
	l.kept(`{}`, 0, "audit", "sync")
	l.kept(`{}`, 0, "audit", "export", "--format", "csv", "-o", filepath.Join(t.TempDir(), "trail.csv"), "--note", "yearly")
	l.kept(`{"reports":[{"kind","title","holds","needs"}],"formats":[]}`, 0, "report", "list")
	l.kept(`{"schedules":[{"name","kind","format","every","time_of_day","zone","folder","mail","status","missing","due_at","next_at","delivered_at","delivered_until","failed_at"}],"workers"}`, 0, "report", "schedules")
	l.kept(`{"file","manifest","kind","format","statement","count","sha256","chain_ok"}`, 0, "report", "moves", "-o", filepath.Join(t.TempDir(), "moves.pdf"), "--note", "yearly")
	l.kept(`{"settings":[{"name","value"}]}`, 0, "settings", "list")
	l.kept(`{"profiles":[{"name","description"}]}`, 0, "profile", "list")
	require.Contains(t, l.kept(`{"name","profile"}`, 0, "profile", "show", "property_web_builder")["profile"], "[tenants]")
	l.kept(`{"points":[{"name"}]}`, 0, "move", "points")
	l.kept(`{"scripts":[{"database","sql"}]}`, 0, "fleet", "install", "--print")

	// Disagreement, and tampering, are 4.
	l.exec(0, "UPDATE pwb_websites SET shard_name = 'shard_1' WHERE id = 8")
	l.exec(0, "UPDATE pwb_websites SET shard_name = 'default' WHERE id = 7")
	require.Equal(t, false, l.kept(ofPlacement, 4, "tenants", "check")["ok"])
	l.exec(0, `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; UPDATE shard_admin.audit_event SET body = replace(body, 'room', 'rumour')`)
	l.refused(2, "usage", "audit", "verify", "--server", "--mirror")
	l.refused(2, "usage", "audit", "verify", "--mirror", "--file", "x.jsonl")
	bad := l.kept(ofVerify, 4, "audit", "verify")
	require.NotNil(t, bad["first_bad"])
	require.NotEmpty(t, bad["findings"])
	l.everyListHad()
}

// What needs a database that cannot be reached ends with 5, and what lists
// shards answers all the same.
func TestWhatCannotBeReachedIs5(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	require.NoError(t, os.Setenv(credential.Variable("gone", "control"), "x"))
	require.NoError(t, os.Setenv(credential.Variable("gone", "shard_1"), "x"))
	s.json(0, "fleet", "add", "gone", "--control", "postgres://nobody@127.0.0.1:1/none", "--shard", "default=control", "--shard", "shard_1=postgres://nobody@127.0.0.1:1/one",
		"--shard", "shard_2", "--environment", "staging", "--profile", "property_web_builder")
	for _, f := range []string{"SHARD_ADMIN_ENABLED", "SHARD_ASSIGNMENT_ENABLED", "SHARD_MIGRATIONS_ENABLED"} {
		s.json(0, "settings", "set", f, "true")
	}
	s.json(0, "settings", "set", "operator_email", "ann@example.com")
	file := filepath.Join(t.TempDir(), "x")
	for _, args := range [][]string{
		{"tenants", "list"},
		{"tenants", "show", "7"},
		{"tenants", "check"},
		{"map"},
		{"shards", "stats", "shard_1"},
		{"shards", "distribution"},
		{"shards", "assign", "7", "shard_1", "--note", "x"},
		{"move", "plan", "7", "shard_1"},
		{"move", "start", "7", "shard_1", "--note", "x", "--wait"},
		{"move", "list"},
		{"move", "show", "7"},
		{"move", "watch", "7"},
		{"move", "cancel", "7", "--note", "x"},
		{"audit", "list"},
		{"audit", "sync"},
		{"audit", "verify"},
		{"audit", "export", "--format", "csv", "-o", file, "--note", "x"},
		{"fleet", "install", "--note", "x"},
		{"fleet", "uninstall", "--note", "x"},
		{"fleet", "policy", "show"},
		{"fleet", "operator", "list"},
		{"worker"},
	} {
		v := s.kept(ofError, 5, args...)
		require.Equal(t, "database_unreachable", v["error"].(map[string]any)["code"], args)
		require.NotEmpty(t, v["error"].(map[string]any)["hint"], args)
	}
	require.NoFileExists(t, file)
	silent := s.kept(ofCheck, 5, "fleet", "check")
	require.Equal(t, false, silent["ok"])
	for _, d := range list(t, silent, "databases") {
		for _, unknown := range []string{"version", "tls", "latency_ms", "in_recovery", "read_only", "wal_level", "free_slots", "pooler"} {
			require.Nil(t, d[unknown], unknown)
			require.NotEmpty(t, d[unknown+"_reason"], unknown)
		}
	}
	s.kept(`{"name","ok"}`, 5, "fleet", "credential", "test", "control")
	for _, shard := range s.kept(ofStatus, 0, "shards", "status")["shards"].([]any) {
		require.Equal(t, false, shard.(map[string]any)["reachable"])
		require.NotNil(t, shard.(map[string]any)["error"])
	}
	s.kept(ofHealth, 0, "shards", "health")
	scripts := s.kept(`{"scripts":[{"database","sql"}]}`, 0, "fleet", "install", "--print")
	require.Len(t, scripts["scripts"], 2, "a DBA can read the SQL although nothing answers")
}
