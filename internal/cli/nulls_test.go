package cli

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Absent are the fields of documents that are null because there is nothing, or it
// has not happened: that is known, and not unknown. Any other null has a reason
// beside it. A field is named by the type that declares it.
func Absent() map[string]string {
	const error, happened, window, column = "nothing is wrong", "it has not happened", "there is no window", "the application has no such column, or nothing in it"
	return map[string]string{
		"session.ShardStatus.error": error, "session.ShardStatus.problem": error, "session.ShardHealth.problem": error, "session.ShardShare.problem": error,
		"session.MoveView.error": error, "session.AssignedOne.problem": error, "session.AssignedMany.ended": error, "session.ComparedShard.problem": error, "session.CredentialTest.problem": error,
		"session.DatabaseCheck.error": error, "session.DatabaseCheck.problem": error, "session.RebalanceOne.problem": error, "session.StripePlan.refusal": error,
		"session.StripeShard.error": error, "session.StripeShard.problem": error, "cli.fleetLine.error": error, "cli.appliedPlan.error": error,

		"session.MoveView.started_at": happened, "session.MoveView.switched_at": happened, "session.MoveView.verified_at": happened, "session.MoveView.finished_at": happened,
		"session.AlertView.fired_at": happened, "session.AlertView.acknowledged_at": happened, "session.AlertView.resolved_at": happened, "session.ChannelView.sent_at": happened,
		"session.ReportPhase.ended_at": happened, "session.AuditKey.revoked_seq": happened, "session.QueueState.changed_at": happened, "session.QueueState.paused_at": happened,
		"session.ReportSchedule.failed_at": happened, "session.ReportSchedule.delivered_until": happened,
		"session.AuditVerification.first_bad": error, "session.AuditVerification.last_checkpoint": happened,

		"session.QueueState.window_opens_at": window, "session.QueueState.window_closes_at": window, "session.SilenceView.next_at": window,
		"session.QueueState.per_fleet": "there is no limit", "session.QueuedRun.not_before": "it may begin at once", "session.ReportSchedule.due_at": "none is due",

		"session.MoveView.read_only_since": "the tenant can write",
		"session.TenantRow.status":         column, "session.TenantRow.demo": column, "session.TenantRow.created_at": column,

		"session.EventList.copy_to": "the trail itself was read", "session.AuditVerification.copy_to": "the trail itself was read", "session.AuditExport.copied_at": "the trail itself was read",
		"session.EventList.copy_at": "the trail itself was read", "session.Sampling.since": "nobody measures, which on says",
		"cli.startedMove.notice": "somebody carries it out", "cli.appliedPlan.notice": "somebody carries it out", "cli.proposedProfile.file": "it went to standard output",
		"session.ViewSession.started_at": "the row is of no session whose beginning can be named, so none can be ended by it",
	}
}

// Common are the fields of documents whose reason has another name than their own
// with _reason: those of a group that is known together or not at all.
func Common() map[string]string {
	return map[string]string{
		// An address is one thing: a shard has all of it or no connection.
		"document.Shard.database": "address_reason", "document.Shard.host": "address_reason", "document.Shard.port": "address_reason", "document.Shard.tls": "address_reason",
		// A look that was never taken has neither a time nor an age.
		"session.RebalanceDimension.age_ms": "seen_at_reason",
		// No move holds the tenant, or whether one does is not known.
		"session.TenantRow.move_state": "move_reason", "session.TenantRow.move_id": "move_reason",
	}
}

// numbered are ids that are not of tenants or moves and count from 1.
func numbered() []string { return []string{"session.AlertView.id", "session.SilenceView.id"} }

// data are the fields whose content is not ours but the application's or the
// server's, in the words of its columns.
func data() []string {
	return []string{"session.Event.before", "session.Event.after", "session.Event.details", "document.ShardView.rows"}
}

// ours reads this program's packages and nothing else: of a package of others every
// name is unknown, and a document that holds one is a finding.
type ours struct {
	files *token.FileSet
	read  map[string]*types.Package
	build build.Context
}

// Import reads the types of a package.
func (o *ours) Import(path string) (*types.Package, error) {
	if p := o.read[path]; p != nil {
		return p, nil
	}
	p, _, _, err := o.load(path, true)
	return p, err
}

func (o *ours) load(path string, typesOnly bool) (*types.Package, *types.Info, []*ast.File, error) {
	name, is := strings.CutPrefix(path, "shardadmin/")
	if !is {
		p := types.NewPackage(path, filepath.Base(path))
		p.MarkComplete()
		o.read[path] = p
		return p, nil, nil, nil
	}
	found, err := o.build.ImportDir(filepath.Join("..", "..", filepath.FromSlash(name)), 0)
	if err != nil {
		return nil, nil, nil, err
	}
	parsed := []*ast.File{}
	for _, f := range found.GoFiles {
		file, err := parser.ParseFile(o.files, filepath.Join(found.Dir, f), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, nil, err
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: o, IgnoreFuncBodies: typesOnly, Error: func(error) {}}
	p, _ := config.Check(path, o.files, parsed, info) // names of others are unknown to it, which it calls errors
	o.read[path] = p
	return p, info, parsed, nil
}

// printed are the types of all that the command line prints as a document and the
// monitoring API answers with, by where that is.
func printed(t *testing.T) map[string]types.Type {
	t.Helper()
	o, out := &ours{files: token.NewFileSet(), read: map[string]*types.Package{}, build: build.Default}, map[string]types.Type{}
	o.build.BuildTags = []string{"headless"}
	for _, pkg := range []string{"shardadmin/internal/monitor", "shardadmin/internal/cli"} {
		_, info, files, err := o.load(pkg, false)
		require.NoError(t, err)
		for _, f := range files {
			for _, d := range f.Decls {
				fn, is := d.(*ast.FuncDecl)
				if !is || fn.Name.Name == "answer" || fn.Name.Name == "verified" { // they hand on what they are given
					continue
				}
				ast.Inspect(fn, func(n ast.Node) bool {
					call, is := n.(*ast.CallExpr)
					if !is {
						return true
					}
					at := o.files.Position(call.Pos())
					where := fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
					switch fun := call.Fun.(type) {
					case *ast.SelectorExpr:
						if slices.Contains([]string{"answer", "document", "verified"}, fun.Sel.Name) && len(call.Args) > 0 {
							out[where] = documentOf(info, call.Args[0])
						}
					case *ast.Ident:
						if fun.Name == "get" && len(call.Args) == 4 {
							if look, is := info.TypeOf(call.Args[3]).(*types.Signature); is {
								out[where] = look.Results().At(0).Type()
							}
						}
					}
					return true
				})
			}
		}
	}
	return out
}

// documentOf is the type of an expression; a map that is written out there is the
// struct of its keys.
func documentOf(info *types.Info, x ast.Expr) types.Type {
	lit, is := x.(*ast.CompositeLit)
	if !is {
		return info.TypeOf(x)
	}
	m, is := info.TypeOf(x).Underlying().(*types.Map)
	if !is {
		return info.TypeOf(x)
	}
	fields, tags := []*types.Var{}, []string{}
	for i, e := range lit.Elts {
		kv := e.(*ast.KeyValueExpr)
		typ := m.Elem()
		if types.IsInterface(typ) {
			typ = info.TypeOf(kv.Value)
		}
		fields = append(fields, types.NewField(kv.Pos(), nil, fmt.Sprintf("F%d", i), types.Default(typ), false))
		tags = append(tags, "json:"+kv.Key.(*ast.BasicLit).Value)
	}
	return types.NewStruct(fields, tags)
}

// field is one of a document.
type field struct {
	of  string // the type that declares it
	typ types.Type
}

// fieldsOf are those that encoding/json writes of a struct: a field of an outer struct
// stands in for an embedded one's of the same name.
func fieldsOf(owner string, s *types.Struct) map[string]field {
	out, embedded := map[string]field{}, []types.Type{}
	for i := range s.NumFields() {
		f := s.Field(i)
		tag, _, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
		switch {
		case tag == "-":
		case f.Embedded() && tag == "":
			embedded = append(embedded, pointee(f.Type()))
		case f.Exported():
			if tag == "" {
				tag = f.Name()
			}
			out[tag] = field{owner, f.Type()}
		}
	}
	for _, e := range embedded {
		if inner, is := e.Underlying().(*types.Struct); is {
			for tag, x := range fieldsOf(nameOf(e), inner) {
				if _, there := out[tag]; !there {
					out[tag] = x
				}
			}
		}
	}
	return out
}

func nameOf(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}

func pointee(t types.Type) types.Type {
	if p, is := t.(*types.Pointer); is {
		return p.Elem()
	}
	return t
}

var snakeCase = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// breaks are what is wrong with a field by its name and its type.
func breaks(name string, f field, beside map[string]field) []string {
	out, at := []string{}, f.of+"."+name
	bad := func(why string) { out = append(out, at+": "+why) }
	if !snakeCase.MatchString(name) {
		bad("its name is not snake_case")
	}
	if _, null := f.typ.(*types.Pointer); null {
		reason, common := Common()[at]
		if !common {
			reason = name + "_reason"
		}
		_, absent := Absent()[at]
		if why, is := beside[reason]; absent == is {
			bad("it may be null, so it has " + reason + " beside it or is one of Absent, and not both")
		} else if is && nameOf(why.typ) != "string" {
			bad("its reason is no text")
		}
	}
	typ := nameOf(pointee(f.typ))
	number := slices.Contains([]string{"int", "int32", "int64", "float64"}, typ)
	switch {
	case strings.HasSuffix(name, "_reason"):
	case strings.HasSuffix(name, "_seconds") || strings.HasSuffix(name, "_minutes") || strings.HasSuffix(name, "_kb") || strings.HasSuffix(name, "_mb"):
		bad("durations are *_ms and sizes bytes")
	case strings.HasSuffix(name, "_ms") && !number && typ != "session.TimeRange":
		bad("a duration is a number of milliseconds")
	case (name == "bytes" || strings.HasSuffix(name, "_bytes")) && typ != "int64":
		bad("a size is a whole number of bytes")
	case (name == "at" || strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "since") || strings.HasSuffix(name, "until")) && typ != "string":
		bad("a time is RFC 3339")
	case (name == "id" || strings.HasSuffix(name, "_id") || name == "tenant" || name == "move") && typ != "string" && !strings.HasPrefix(typ, "document.") && !slices.Contains(numbered(), at):
		bad("an id is a string")
	}
	return out
}

// Unknown is null beside a reason, in every document that there is; names, times,
// sizes, durations and ids have the form that the contract gives them.
func TestEveryFieldOfEveryDocumentKeepsToTheRules(t *testing.T) {
	t.Parallel()
	walked, at, found := map[string]bool{}, map[string]bool{}, []string{}
	var walk func(where string, typ types.Type)
	walk = func(where string, typ types.Type) {
		switch u := typ.(type) {
		case *types.Pointer:
			walk(where, u.Elem())
			return
		case *types.Slice:
			walk(where+"[]", u.Elem())
			return
		case *types.Map:
			walk(where+"{}", u.Elem())
			return
		}
		switch u := typ.Underlying().(type) {
		case *types.Struct:
			owner := nameOf(typ)
			if walked[owner] {
				return
			}
			walked[owner] = true
			fields := fieldsOf(owner, u)
			for name, f := range fields {
				found, at[f.of+"."+name] = append(found, breaks(name, f, fields)...), true
				if !slices.Contains(data(), f.of+"."+name) {
					walk(where+"."+name, f.typ)
				}
			}
		case *types.Basic:
			if u.Kind() == types.Invalid {
				found = append(found, where+": it is of a type of others")
			}
		default:
			found = append(found, where+": its type says nothing of what is in it: "+nameOf(typ))
		}
	}
	documents := printed(t)
	require.Greater(t, len(documents), 75)
	for where, typ := range documents {
		walk(where, typ)
	}
	require.Greater(t, len(walked), 120)
	slices.Sort(found)
	require.Empty(t, slices.Compact(found), strings.Join(slices.Compact(found), "\n"))
	for _, listed := range []map[string]string{Absent(), Common()} {
		for name := range listed {
			require.True(t, at[name], "%s is listed and is in no document", name)
		}
	}
	for _, name := range append(numbered(), data()...) {
		require.True(t, at[name], "%s is listed and is in no document", name)
	}
}
