package monitor

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"shardadmin/internal/document"
	"shardadmin/internal/session"
	"shardadmin/internal/version"
)

// prefix is where the API is.
const prefix = "/api/v1"

type answer[T any] struct{ Body T }

// shards are those of a fleet with control and the number of tenants.
type shards struct {
	Fleet       string           `json:"fleet"`
	Environment string           `json:"environment"`
	Tenants     *int             `json:"tenants" doc:"null where control does not answer; tenants_reason says why"`
	Reason      string           `json:"tenants_reason,omitempty"`
	Control     document.Shard   `json:"control"`
	Shards      []document.Shard `json:"shards"`
	CheckedAt   string           `json:"checked_at"`
}

// schemaName tells types of one name apart by their package.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "." || pkg == "" || pkg == "monitor" {
		return name
	}
	r := []rune(pkg)
	return string(unicode.ToUpper(r[0])) + string(r[1:]) + strings.ToUpper(name[:1]) + name[1:]
}

// register puts the API on a mux.
func register(mux *http.ServeMux, s *session.Session) {
	config := huma.DefaultConfig("Shard Admin", version.Read().Version)
	config.Info.Description = "The fleet " + s.Fleet().Name + " as other programs read it. Nothing can be changed by it."
	config.OpenAPIPath = prefix + "/openapi"
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no links to schemas in the answers
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "SHARD_API_TOKEN, or the one that the keychain holds"}}
	config.Security = []map[string][]string{{"token": {}}}
	api := humago.New(mux, config)

	get(api, "/shards", "Every shard: reachable, tenants, size, latency", func(ctx context.Context, _ *struct{}) (shards, error) {
		v, err := s.Status(ctx)
		d := document.OfStatus(v)
		return shards{v.Fleet, v.Environment, v.Tenants, v.TenantsReason, d.Control, d.Shards, v.CheckedAt}, err
	})
	get(api, "/shards/health", "What the checks found on each shard", func(ctx context.Context, _ *struct{}) (document.Health, error) {
		v, err := s.Health(ctx, "")
		return document.OfHealth(v), err
	})
	get(api, "/shards/distribution", "How tenants spread over the shards", func(ctx context.Context, _ *struct{}) (session.Distribution, error) {
		return s.Distribution(ctx)
	})
	get(api, "/shards/{name}/statistics", "What a shard holds", func(ctx context.Context, in *struct {
		Name string `path:"name" doc:"the shard's name"`
	},
	) (session.ShardStats, error) {
		return s.Stats(ctx, in.Name)
	})
	get(api, "/moves", "Moves, the newest first", func(ctx context.Context, in *struct {
		Tenant string `query:"tenant" doc:"of this tenant alone"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (document.Moves, error) {
		v, err := s.Moves(ctx, in.Tenant, in.Limit)
		return document.OfMoves(v), err
	})
	get(api, "/audit", "The audit trail, the newest first", func(ctx context.Context, in *struct {
		Tenant string `query:"tenant"`
		Actor  string `query:"actor"`
		Shard  string `query:"shard"`
		Action string `query:"action"`
		Since  string `query:"since" doc:"RFC 3339, a date, or an age such as 24h"`
		Until  string `query:"until"`
		Before int64  `query:"before" minimum:"0" doc:"only events with a smaller seq, for paging"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (session.EventList, error) {
		return s.Events(ctx, session.AuditFilter{Tenant: in.Tenant, Actor: in.Actor, Shard: in.Shard, Action: in.Action, Since: in.Since, Until: in.Until, Before: in.Before, Limit: in.Limit})
	})
}

// get registers one endpoint that only looks.
func get[I, T any](api huma.API, at, summary string, look func(context.Context, *I) (T, error)) {
	name := strings.NewReplacer("/", "-", "{", "", "}", "").Replace(strings.Trim(at, "/"))
	huma.Register(api, huma.Operation{OperationID: "get-" + name, Method: http.MethodGet, Path: prefix + at, Summary: summary, Errors: []int{400, 401, 403, 404, 409, 429, 503}},
		func(ctx context.Context, in *I) (*answer[T], error) {
			v, err := look(ctx, in)
			if err != nil {
				return nil, asProblem(err)
			}
			return &answer[T]{v}, nil
		})
}
