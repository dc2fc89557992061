package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

func ref[T any](v T) *T { return &v }

// Each view is drawn once with what it may hold at its worst: long names, what
// is not known, what is wrong.
func TestViewsAreDrawnAsTheyWere(t *testing.T) {
	t.Parallel()
	down := &session.Problem{Code: "database_unreachable", Message: "shard_2 (db3.example.com:5432) does not answer: connection refused", Hint: "is the server up, and is the port right?"}
	move := session.MoveView{
		ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "a-tenant-with-quite-a-long-subdomain", Source: "default", Target: "shard_1", Mode: "fenced",
		State: "failed", Phase: "Verify", Rows: 1234567, Bytes: 3 << 30, RowsCopied: 1234567, WritePauseMS: ref(int64(1830)), ReadOnlySince: ref("2024-05-06T07:08:09Z"),
		CreatedBy: "ann@example.com", Note: "grew out of default", CreatedAt: "2024-05-06T07:00:00Z", Owner: "laptop/cli/1-2",
		Error:  &session.Problem{Code: "verification_differences", Message: "two rows of pwb_messages differ", Hint: "shard-admin move show 01a20e0f lists them"},
		Next:   []string{"shard-admin move resume 01a20e0f-81cf-73d3-b76a-df3528ccffec --wait --note REASON"},
		Tables: []session.MoveTable{{Table: "public.a_table_with_a_name_that_is_far_too_long_to_be_shown_whole_here", Rows: 1234567, RowsCopied: 1234567, Bytes: 3 << 30, Verified: true}, {Table: "pwb_empty"}},
	}
	copying := session.MoveView{
		ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Mode: "online", State: "copying", Phase: "Copy", Rows: 46115, Bytes: 21 << 20,
		RowsCopied: 20000, BytesCopied: 9 << 20, CreatedBy: "ann@example.com", Note: "grew out of default", CreatedAt: "2024-05-06T07:00:00Z", Owner: "laptop/cli/1-2",
		RowsPerS: ref(int64(8100)), BytesPerS: ref(int64(4 << 20)), TimeLeft: &session.TimeRange{Low: 3200, High: 9100}, TimeLeftUntil: "compared", MeasuredAt: ref("2024-05-06T07:08:09Z"),
		Tables: []session.MoveTable{
			{Table: "pwb_messages", Rows: 46000, RowsCopied: 19890, Bytes: 20 << 20, BytesCopied: 9 << 20, RowsPerS: ref(int64(8100)), BytesPerS: ref(int64(4 << 20))},
			{Table: "public.a_table_with_a_name_that_is_far_too_long_to_be_shown_whole_here", Rows: 115, RowsCopied: 110, Bytes: 4096, BytesCopied: 4000},
			{Table: "pwb_empty"},
		},
	}
	held := session.MoveView{
		ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Mode: "online", State: "ready", Held: true, Phase: "Switch", CreatedAt: "2024-05-06T07:00:00Z",
		Behind: &session.MoveBehind{Shard: "default", Rows: 100000, AtLeast: true, OldestReason: "default keeps no times of commits: track_commit_timestamp is off", At: "2024-05-06T07:08:09Z"},
	}
	back := session.MoveView{
		ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Mode: "online", State: "retained", Phase: "Watch", CreatedAt: "2024-05-06T07:00:00Z",
		Behind: &session.MoveBehind{Shard: "shard_1", Rows: 1204, OldestMS: ref(int64(7_200_000)), At: "2024-05-06T07:08:09Z"},
	}
	silent := session.MoveView{
		ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Mode: "online", State: "retained", Phase: "Watch", CreatedAt: "2024-05-06T07:00:00Z",
		BehindReason: "shard_1 did not answer within 1.5 s",
	}
	past := session.HistoryView{
		From: 1714975200, To: 1714978800, StepSeconds: 600, Sampling: session.Sampling{Reason: "no program looks at this fleet"},
		Shards: []session.ShardHistory{{Name: "shard_1", KeptSince: ref("2024-05-06T05:00:00Z"), Metrics: []session.MetricHistory{
			{
				Name: "latency_ms", Title: "Latency", Unit: "ms", At: []int64{1714975200, 1714975800, 1714975801, 1714977600, 1714978200},
				Mean:  []*float64{ref(1.5), ref(3.0), nil, ref(6.0), ref(2.0)},
				Least: []*float64{ref(1.0), ref(2.0), nil, ref(2.5), ref(2.0)}, Most: []*float64{ref(2.0), ref(40.0), nil, ref(9.0), ref(2.5)},
			},
			{Name: "cache_hit_rate", Title: "Cache hits", Unit: "share", At: []int64{1714978200}, Mean: []*float64{ref(0.9984)}, Least: []*float64{ref(0.9984)}, Most: []*float64{ref(0.9984)}},
			{Name: "size_bytes", Title: "Size", Unit: "bytes", At: []int64{1714978200}, Mean: []*float64{ref(4.2e9)}},
			{Name: "replication_lag_bytes", Title: "Replication lag", Unit: "bytes", Reason: "no standby was seen in this time"},
		}}},
		Marks: []session.HistoryMark{{At: 1714977600, Kind: "move_switched", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Move: "m"}, {At: 1714977660, Kind: "assigned", Tenant: "7", Source: "shard_1", Target: "default"}},
	}
	retained := session.MoveView{ID: "01a20e0f-0000", Tenant: "7", Source: "shard_1", Target: "default", State: "rolled_back", CreatedAt: "2024-05-06T07:00:00Z"}
	report := session.MoveReport{
		Fleet: "production", Environment: "production", MadeAt: "2024-05-07T09:00:00Z", ModeReason: "every table has a key",
		Move: session.MoveView{
			ID: "01a20e0f-81cf-73d3-b76a-df3528ccffec", Tenant: "15", Label: "acme", Source: "default", Target: "shard_1", Mode: "online", State: "retained", Rows: 46115, Bytes: 21 << 20,
			RowsCopied: 46118, BytesCopied: 20 << 20, MaxReadOnlyMS: 300_000, WritePauseMS: ref(int64(184)), Verified: true, VerifiedAt: ref("2024-05-06T07:01:30Z"), CreatedBy: "ann@example.com",
			Note: "grew out of default", CreatedAt: "2024-05-06T07:00:00Z", StartedAt: ref("2024-05-06T07:00:09Z"), SwitchedAt: ref("2024-05-06T07:02:00Z"),
			Next: []string{"shard-admin move finalize 01a20e0f-81cf-73d3-b76a-df3528ccffec --wait --note REASON"},
			Log:  []session.LogLine{{At: "2024-05-06T07:02:00Z", Level: "info", Message: "the pointer is on shard_1"}, {At: "2024-05-06T07:02:01Z", Level: "error", Message: "a view was not refreshed"}},
		},
		Phases: []session.ReportPhase{
			{Phase: "Queue", BeganAt: "2024-05-06T07:00:00Z", DurationMS: ref(int64(8800))},
			{Phase: "Check", BeganAt: "2024-05-06T07:00:09Z", DurationMS: ref(int64(930))},
			{Phase: "Copy", BeganAt: "2024-05-06T07:00:10Z", DurationMS: ref(int64(80_000))},
			{Phase: "Verify", BeganAt: "2024-05-06T07:01:30Z", DurationMS: ref(int64(29_000))},
			{Phase: "Switch", BeganAt: "2024-05-06T07:01:59Z", DurationMS: ref(int64(310))},
			{Phase: "Watch", BeganAt: "2024-05-06T07:02:00Z"},
		},
		Tables: []session.ReportTable{
			{Table: "pwb_messages", Rows: 46000, RowsCopied: 46000, BytesCopied: 20 << 20, Verified: true, Digest: &session.ReportDigest{Rows: 46003, SHA256: "8b1f6c3d5e7a9b0c1d2e3f405162738495a6b7c8d9e0f1021324354657687980"}},
			{Table: "public.a_table_with_a_name_that_is_far_too_long_to_be_shown_whole_here", Rows: 118, RowsCopied: 118, BytesCopied: 4096, Verified: true, Digest: &session.ReportDigest{Rows: 115, SHA256: "1111111122222222333333334444444455555555666666667777777788888888"}},
			{Table: "pwb_empty", Verified: true, Digest: &session.ReportDigest{SHA256: "0"}},
		},
		Decisions: []session.Decision{{Table: "pwb_users", Key: "42", Case: "two_owners", Choice: "share"}},
		Shared:    []session.ReportRow{{Table: "pwb_users", Key: "42"}}, Kept: []session.ReportRow{{Table: "pwb_media", Key: "7"}},
		Refused: []session.ReportRefused{{Shard: "default", Count: ref(int64(1250))}, {Shard: "shard_1", Count: ref(int64(0))}},
		Events: []session.Event{
			{Seq: 41, At: "2024-05-06T07:00:00Z", Actor: "ann@example.com", Action: "move.start", Status: "begun", Note: "grew out of default", Hash: "ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00"},
			{Seq: 1042, At: "2024-05-06T07:02:00Z", Actor: "a.person.with.a.long.address@example.com", Action: "move.start", Status: "ok", Note: "because there was more room over there and nobody minded", Hash: "ee00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff11"},
		},
		ChainOK: true, Safe: "acme lives on shard_1; default keeps the copy with which it can move back",
	}
	unwell := session.Health{Shards: []session.ShardHealth{
		{
			Name: "default", Status: "degraded", LatencyMS: ref(3.0), Connections: ref(199), MaxConnections: ref(200), CacheHitRate: ref(0.873), CacheSince: ref("2024-02-06T07:08:09Z"), IndexHitRate: ref(0.991), IndexSinceReason: "the statistics were never reset", SizeBytes: ref(int64(5 << 30)),
			Findings: []session.Finding{
				{
					Check: "connections", Severity: "critical", Message: "199 of 200 connections are in use", Advice: "find who holds them, or raise max_connections", Statement: "SELECT pg_terminate_backend(4711)",
					Columns: []string{"connections", "state", "client", "application"}, Rows: [][]string{{"180", "idle", "", "an application with quite a long name of its own and more"}, {"19", "active", "", "puma"}},
				},
				{Check: "duplicate_indexes", Severity: "info", Message: "another index covers it"},
			},
			Unavailable: []session.UnavailableCheck{{Check: "blocking", Reason: "the role op is not a member of pg_monitor and sees its own only", Grant: `GRANT pg_monitor TO "op"`}, {Check: "wal", Reason: "not known yet: needs two looks", Later: true}},
		},
		{Name: "shard_2", Status: "unreachable", Problem: down, Findings: []session.Finding{{Check: "reachable", Severity: "critical", Message: "the database does not answer: connection refused", Advice: "start it"}}},
		{
			Name: "shard_4", Status: "degraded", LatencyMS: ref(11.0), Problem: &session.Problem{Code: "timed_out", Message: "shard_4 answers, and was not yet told how it is: its statistics take longer than 2.0 s"},
			Unavailable: []session.UnavailableCheck{{Check: "reachable", Reason: "shard_4 answers, and was not yet told how it is: its statistics take longer than 2.0 s"}, {Check: "latency", Reason: "shard_4 answers, and was not yet told how it is: its statistics take longer than 2.0 s"}},
		},
	}, Fleet: []session.Finding{{Check: "settings", Severity: "info", Subject: "work_mem", Message: "setting work_mem differs"}}}
	looked := session.ShardViews{Name: "shard_1", CheckedAt: "2024-05-06T07:08:09Z", Views: []session.ShardView{
		{Name: "statements", Title: "Statements that take most", CheckedAt: ref("2024-05-06T07:08:01Z"), OverMS: ref(61000.0), Columns: []session.ViewColumn{{Name: "statement", Kind: "code"}, {Name: "share", Kind: "share"}, {Name: "total", Kind: "seconds"}, {Name: "calls", Kind: "count"}, {Name: "mean", Kind: "ms"}, {Name: "from cache", Kind: "share"}}, Rows: [][]string{
			{"SELECT pwb_realty_assets.* FROM pwb_realty_assets WHERE website_id = $1 ORDER BY created_at", "0.731", "12.25", "40123", "0.305", ""},
		}},
		{Name: "locks", Title: "Who waits for whom", Reason: "the role op is not a member of pg_monitor and sees its own only", Grant: "GRANT pg_monitor TO \"op\"", Empty: "nobody waits for a lock", Columns: []session.ViewColumn{{Name: "session", Kind: "code"}}},
		{Name: "slots", Title: "Replication slots", CheckedAt: ref("2024-05-06T06:40:09Z"), Empty: "there is no slot", Columns: []session.ViewColumn{{Name: "slot", Kind: "code"}}},
		{Name: "tables", Title: "Tables", CheckedAt: ref("2024-05-06T07:05:09Z"), Columns: []session.ViewColumn{{Name: "table", Kind: "code"}, {Name: "rows", Kind: "count"}, {Name: "bytes", Kind: "bytes"}, {Name: "analyzed", Kind: "time"}}, Rows: [][]string{
			{"public.a_table_with_a_name_that_is_far_too_long_to_be_shown_whole_here_and_elsewhere", "1234567", "3221225472", "2024-05-06T05:08:09Z"}, {"b", "", "0", ""}, {"c", "1", "8192", ""}, {"d", "1", "8192", ""}, {"e", "1", "8192", ""}, {"f", "1", "8192", ""}, {"g", "1", "8192", ""}, {"h", "1", "8192", ""}, {"i", "1", "8192", ""},
		}},
	}}
	compared := []session.ShardView{
		{
			Name: "statements", Title: "The same statement on each shard", CheckedAt: ref("2024-05-06T07:08:01Z"),
			Columns: []session.ViewColumn{{Name: "id", Kind: "code"}, {Name: "statement", Kind: "code"}, {Name: "shard", Kind: "text"}, {Name: "calls", Kind: "count"}, {Name: "mean", Kind: "ms"}, {Name: "share", Kind: "share"}, {Name: "others", Kind: "ms"}, {Name: "note", Kind: "text"}, {Name: "since", Kind: "time"}},
			Rows: [][]string{
				{"0123456789ab", "SELECT pwb_realty_assets.* FROM pwb_realty_assets WHERE website_id = $1 ORDER BY created_at", "default", "40123", "0.305", "0.731", "12.5", "", "2024-05-01T05:08:09Z"},
				{"0123456789ab", "SELECT pwb_realty_assets.* FROM pwb_realty_assets WHERE website_id = $1 ORDER BY created_at", "shard_1", "1200", "12.5", "0.2", "0.305", "41.0 times slower", ""},
				{"0123456789ab", "SELECT pwb_realty_assets.* FROM pwb_realty_assets WHERE website_id = $1 ORDER BY created_at", "shard_2", "", "", "", "", "not known", ""},
			},
		},
		{
			Name: "indexes", Title: "Indexes that no shard uses", CheckedAt: ref("2024-05-06T07:05:09Z"), Reason: "not known of 1 shard: shard_2: the database does not answer: connection refused",
			Columns: []session.ViewColumn{{Name: "index", Kind: "code"}, {Name: "table", Kind: "code"}, {Name: "bytes", Kind: "bytes"}, {Name: "shards", Kind: "count"}, {Name: "use", Kind: "text"}, {Name: "since", Kind: "time"}},
			Rows:    [][]string{{"index_pwb_contacts_on_a_column_that_nobody_asks_for", "pwb_contacts", "1048576", "2", "not known", "2024-04-06T05:08:09Z"}},
		},
	}
	for name, draw := range map[string]func(io.Writer){
		"status": func(w io.Writer) {
			printStatus(w, session.Status{
				Fleet: "production", Environment: "production", Tenants: ref(1200), Answering: 2, Configured: 3,
				Control: session.ShardStatus{Name: "control", Status: "healthy"},
				Shards: []session.ShardStatus{
					{Name: "default", Configured: true, Reachable: true, Status: "healthy", Host: "db1.example.com", Port: 5432, Tenants: ref(1100), SizeBytes: ref(int64(42 << 30)), LatencyMS: ref(0.42), Connections: ref(17), MaxConnections: ref(200)},
					{Name: "a-shard-with-a-long-name", Configured: true, Reachable: true, Status: "slow", Host: "a-host-with-a-long-name.eu-central-1.rds.example.com", Port: 5432, Tenants: ref(100), SizeBytes: ref(int64(3 << 40)), LatencyMS: ref(1830.0), Connections: ref(190), MaxConnections: ref(200)},
					{Name: "shard_2", Configured: true, Status: "unreachable", Host: "db3.example.com", Port: 5432, Problem: down},
					{Name: "shard_3", Status: "not_configured"},
				},
				InstallNote: "the control database has no schema shard_admin: the fleet may only be looked at",
			})
		},
		"health":       func(w io.Writer) { printHealth(w, unwell, false) },
		"health-alone": func(w io.Writer) { printHealth(w, unwell, true) },
		"look": func(w io.Writer) {
			printViews(w, looked.Views, "look shard_1", false, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
		},
		"compare": func(w io.Writer) { printComparison(w, compared, false, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)) },
		"look-alone": func(w io.Writer) {
			printViews(w, looked.Views, "look shard_1", true, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
		},
		"distribution": func(w io.Writer) {
			printDistribution(w, session.Distribution{Total: 1200, Shards: []session.ShardShare{{Name: "default", Tenants: 1100, Percent: 91.7, SizeBytes: ref(int64(42 << 30))}, {Name: "shard_2", Tenants: 100, Percent: 8.3, SizeReason: "the shard does not answer", Problem: down}}})
		},
		"dimensions": func(w io.Writer) {
			seen := ref("2024-05-06T07:08:09Z")
			kept := session.Recommendation{
				Recommended: true, RecommendedReason: "the fullest shard came more than 20 % above an even spread of bytes at 07:08 UTC on 2024-05-04 and was not within 10 % since",
				Kept: ref(session.KeptHere), KeptReason: "the control database has no schema of ours, so only what this computer saw is known", Dimensions: []session.RebalanceDimension{
					{By: "rows", State: session.DimensionEven, Reason: "no shard is more than 20 % above an even spread of rows", Over: ref(0.12), Fullest: "default", SeenAt: seen, SeenBy: "worker on db9", AgeMS: ref(int64(240_000))},
					{By: "load", State: session.DimensionUnknown, Reason: "no worker, serve or window has looked for 3 h: they do while they run", SeenAt: seen, SeenBy: "window on desk", AgeMS: ref(int64(3 * 3600_000))},
					{By: "count", State: session.DimensionStanding, Recommended: true, Reason: "the fullest shard came more than 20 % above an even spread of tenants at 07:08 UTC on 2024-05-05 and was not within 10 % since", Over: ref(0.4), Fullest: "shard_1", SeenAt: seen, SeenBy: "worker on db9", AgeMS: ref(int64(240_000))},
				},
			}
			printDimensions(w, kept)
			printDimensions(w, session.Recommendation{KeptReason: "no history is kept"})
			printDistribution(w, session.Distribution{Total: 1200, Recommendation: kept})
		},
		"tenants": func(w io.Writer) {
			printTenants(w, session.TenantList{Total: 1200, Tenants: []session.TenantRow{
				{ID: "7", Label: "acme", Shard: "default", Title: "Acme Real Estate", Status: ref("live"), MoveState: ref("catching_up"), RowsEstimate: ref(int64(46_210)), BytesEstimate: ref(int64(19 << 20))},
				{ID: "0f7f6c1e-3c1f-4c07-9c55-1a2b3c4d5e6f", Label: "a-tenant-with-quite-a-long-subdomain", Shard: "shard_1", Title: "東京不動産株式会社 with a long name", EstimateReason: "shard_1: no answer within 2 s"},
			}}, session.TenantFilter{Offset: 100, Limit: 2})
		},
		"tenant": func(w io.Writer) {
			printTenant(w, session.TenantView{
				TenantRow: session.TenantRow{ID: "7", Label: "acme", Shard: "default", Status: ref("live")}, Rows: 12, Bytes: 900, CountedAt: "2024-05-06T07:08:09Z", Move: &move,
				Tables:  []session.TableRows{{Table: "pwb_messages", Kind: "tenant", Rows: 12, Bytes: 900}, {Table: "pwb_empty", Kind: "child"}},
				History: []session.Event{{At: "2024-05-06T07:08:09.123456Z", Actor: "a.person.with.a.long.address@example.com", Action: "tenant.assign", Tenant: "7", Status: "ok", Note: "because there was more room over there and nobody minded"}},
			})
		},
		"placement": func(w io.Writer) {
			printPlacement(w, session.PlacementCheck{Checked: 200, Disagree: 1, Unreachable: []string{"shard_2"}, Tenants: []session.Placement{{ID: "7", Label: "acme", Pointer: "shard_1", RowsOn: []string{"default", "shard_1"}, Why: "12 rows in pwb_messages are on default"}}})
		},
		"map": func(w io.Writer) {
			printMap(w, session.MapView{Profile: "property_web_builder", Database: "control", Unclassified: 1, Problems: []string{"the table stray is not classified"}, Tables: []session.MapTable{
				{Table: "pwb_websites", Kind: "root", TenantColumn: "id", RowsEstimate: ref(int64(200))},
				{Table: "active_storage_blobs", Kind: "owned_by_reference", Mixed: true, Path: []string{"active_storage_attachments.blob_id", "active_storage_attachments.record_id", "pwb_listing_videos.website_id"}},
				{Table: "pwb_features", Kind: "child", Path: []string{"pwb_features.prop_id", "pwb_props.website_id"}, RowsEstimate: ref(int64(30573))},
				{Table: "stray", Kind: "unclassified"},
			}})
		},
		"plan": func(w io.Writer) {
			printPlan(w, session.Plan{
				Tenant: "7", Label: "acme", Source: "default", Target: "shard_1", Mode: "fenced", ModeReason: "this version moves a tenant while its writes wait", Rows: 1234, Bytes: 99999, EstimateReason: "a check stands in the way before anything was measured", Blocked: true,
				Tables:    []session.TableRows{{Table: "pwb_messages", Kind: "tenant", Rows: 1234, Bytes: 99999}, {Table: "pwb_empty", Kind: "child"}},
				Decisions: []session.Decision{{Table: "pwb_users", Key: "42", Case: "two_owners", Choices: []string{"share", "refuse"}}},
				Checks:    []session.Check{{Name: "rights", Status: "ok"}, {Name: "collisions", Status: "blocker", Message: "3 keys of pwb_users are taken on the target", Fix: "move them away first", Evidence: "41, 42, 43"}},
				Notices:   []string{"until finalize the source keeps its copy"},
			}, "")
		},
		"history": func(w io.Writer) { printHistory(w, past) },
		"move":    func(w io.Writer) { printMove(w, move) },
		"move-measured": func(w io.Writer) {
			for _, v := range []session.MoveView{copying, held, back, silent} {
				printMove(w, v)
				line(w, "")
			}
		},
		"report": func(w io.Writer) { printReport(w, report) },
		"report-failed": func(w io.Writer) {
			printReport(w, session.MoveReport{
				Fleet: "staging", Environment: "staging", MadeAt: "2024-05-06T08:00:00Z", Move: move, Safe: "a-tenant-with-quite-a-long-subdomain lives on default with all its rows",
				ChainReason: "the audit chain does not verify: shard-admin audit verify says where",
				Refused:     []session.ReportRefused{{Shard: "default", Count: ref(int64(3))}, {Shard: "shard_1", Reason: down.Message}},
				Tables: []session.ReportTable{
					{Table: "public.a_table_with_a_name_that_is_far_too_long_to_be_shown_whole_here", Rows: 1234567, RowsCopied: 1234567, BytesCopied: 3 << 30, Reason: "the table was not verified"},
				},
			})
		},
		"moves": func(w io.Writer) { printMoves(w, session.MoveList{Moves: []session.MoveView{move, retained}}) },
		"check": func(w io.Writer) {
			printCheck(w, session.FleetCheck{Databases: []session.DatabaseCheck{
				{
					Name: "control", Configured: true, Reachable: true, Version: "16.4 (Debian 16.4-1.pgdg120+1)", TLS: "TLSv1.3", LatencyMS: ref(0.4), User: "ops", Warnings: []string{"sslmode=require does not prove who the server is; verify-full does"},
					Missing:  []session.MissingRight{{Capability: "move", Right: "INSERT on pwb_users", Grant: `GRANT INSERT ON "public"."pwb_users" TO "ops";`}},
					Optional: []session.MissingRight{{Capability: "signal", Right: "membership of pg_signal_backend", Grant: `GRANT "pg_signal_backend" TO "ops";`}},
				},
				{Name: "shard_2", Configured: true, Problem: down},
				{Name: "shard_3"},
			}})
		},
	} {
		var b bytes.Buffer
		draw(&b)
		path := filepath.Join("testdata", "view-"+name+".txt")
		if updating() {
			require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), b.String(), name)
		for _, l := range strings.Split(b.String(), "\n") {
			if !strings.HasPrefix(l, "  shard-admin ") {
				require.LessOrEqual(t, width(l), wide, "%s: %s", name, l)
			}
		}
	}
}
