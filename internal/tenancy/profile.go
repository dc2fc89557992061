package tenancy

import (
	"bytes"
	"embed"
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"shardadmin/internal/fault"
)

//go:embed profiles/*.toml
var builtin embed.FS

// Follows says whether the application reads and writes a table where the
// tenant's pointer says.
type Follows string

// The values of Follows.
const (
	FollowsTrue     Follows = "true"
	FollowsFalse    Follows = "false"
	FollowsUnproven Follows = "unproven"
)

// Profile is what the catalogue cannot say about an application's schema.
type Profile struct {
	Name        string `toml:"name"`
	Description string `toml:"description,omitempty"`
	// Extends names a built-in profile whose values this one overrides.
	Extends string  `toml:"extends,omitempty"`
	Tenants Tenants `toml:"tenants"`
	// TenantColumns are column names that hold the tenant's key wherever they
	// stand.
	TenantColumns []string `toml:"tenant_columns"`
	// Pointer is "table.column" of the catalogue, or "shard_admin.placement".
	Pointer string `toml:"pointer"`
	// DefaultShard is meant by a pointer that is null.
	DefaultShard string `toml:"default_shard,omitempty"`
	// RoutingTTLText is how long the application may cache a pointer.
	RoutingTTLText string        `toml:"routing_ttl,omitempty"`
	RoutingTTL     time.Duration `toml:"-"`
	// Follows holds for every table that Tables does not name.
	Follows Follows `toml:"follows,omitempty"`

	Reference []string `toml:"reference,omitempty"`
	Control   []string `toml:"control,omitempty"`
	Excluded  []string `toml:"excluded,omitempty"`

	Soft        []SoftRef     `toml:"soft,omitempty"`
	Polymorphic []Polymorphic `toml:"polymorphic,omitempty"`
	Backward    []Backward    `toml:"backward,omitempty"`
	Tables      []TableRule   `toml:"table,omitempty"`
	Counts      []Count       `toml:"count,omitempty"`
	AppAudit    *AppAuditRule `toml:"app_audit,omitempty"`
}

// Tenants describes the tenants table.
type Tenants struct {
	Table string `toml:"table"`
	Key   string `toml:"key"`
	// Labels are columns by which people name a tenant; the first is shown.
	Labels []string `toml:"labels"`
	// Show are further columns for lists.
	Show []string `toml:"show,omitempty"`
	// Title is the column with the customer's name.
	Title string `toml:"title,omitempty"`
	// Demo is a boolean column that marks demonstration tenants.
	Demo string `toml:"demo,omitempty"`
	// Created and Status are columns for lists.
	Created string `toml:"created,omitempty"`
	Status  string `toml:"status,omitempty"`
	// Region is a column with the region that a tenant belongs to.
	Region string `toml:"region,omitempty"`
	// Needs are columns by the label of shards that has to have their value, such as
	// tier = "plan".
	Needs map[string]string `toml:"needs,omitempty"`
	// Volatile columns may differ between the catalogue and its replicas.
	Volatile []string `toml:"volatile,omitempty"`
}

// SoftRef is a column that refers to a row without a constraint.
type SoftRef struct {
	Table  string `toml:"table"`
	Column string `toml:"column"`
	To     string `toml:"to"` // table
	Key    string `toml:"key,omitempty"`
	// Evidence is why somebody believes so; for proposals.
	Evidence string `toml:"evidence,omitempty"`
}

// Polymorphic is a pair of columns that names a table and a row in it.
type Polymorphic struct {
	Table  string            `toml:"table"`
	Type   string            `toml:"type"`
	ID     string            `toml:"id"`
	Types  map[string]string `toml:"types"` // value → table
	Prefix []string          `toml:"also_with_prefix,omitempty"`
}

// Backward is a table whose rows belong to whoever points at them.
type Backward struct {
	Table string `toml:"table"`
	Key   string `toml:"key,omitempty"`
	// From lists "table.column" that point at it.
	From []string `toml:"from"`
	// Created is the column by which a row without an owner is fresh.
	Created string `toml:"created,omitempty"`
	// FreshHours is the age below which a row without an owner is copied.
	FreshHours int `toml:"fresh_hours,omitempty"`
	// Ownerless says what older rows without an owner are: "reference" (the
	// same on every shard, stay) or "" (a person decides).
	Ownerless string `toml:"ownerless,omitempty"`
}

// TableRule overrides what holds for one table.
type TableRule struct {
	Name         string  `toml:"name"`
	Kind         Kind    `toml:"kind,omitempty"`
	TenantColumn string  `toml:"tenant_column,omitempty"`
	Follows      Follows `toml:"follows,omitempty"`
	// Ownerless says what rows without an owner are: "reference" or "".
	Ownerless string `toml:"ownerless,omitempty"`
}

// Count is a figure to show for a shard or tenant.
type Count struct {
	Name  string `toml:"name"`
	Table string `toml:"table"`
}

// AppAuditRule describes the application's own record of moves.
type AppAuditRule struct {
	Table  string `toml:"table"`
	Key    string `toml:"key"`
	Tenant string `toml:"tenant"`
	From   string `toml:"from"`
	To     string `toml:"to"`
	By     string `toml:"by"`
	Note   string `toml:"note"`
	Status string `toml:"status"`
	// Created and Updated are filled with the time.
	Created string `toml:"created"`
	Updated string `toml:"updated"`
}

// PlacementPointer is the pointer of an application without a column for it.
const PlacementPointer = "shard_admin.placement"

// Builtins lists the names of the built-in profiles.
func Builtins() []string {
	entries, err := builtin.ReadDir("profiles")
	if err != nil {
		return nil
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return out
}

// LoadProfile returns a built-in profile by name, or reads a file.
func LoadProfile(nameOrPath string) (*Profile, error) {
	if slices.Contains(Builtins(), nameOrPath) {
		b, err := builtin.ReadFile(path.Join("profiles", nameOrPath+".toml"))
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "a built-in profile is missing", "")
		}
		return ParseProfile(b, nameOrPath)
	}
	b, err := os.ReadFile(nameOrPath)
	if err != nil {
		return nil, fault.Newf(fault.ProfileInvalid, "built in are "+strings.Join(Builtins(), ", ")+"; a path names a file of your own",
			"there is no profile %q", nameOrPath)
	}
	return ParseProfile(b, nameOrPath)
}

// ParseProfile reads a profile's text; where is for messages.
func ParseProfile(data []byte, where string) (*Profile, error) {
	var head struct {
		Extends string `toml:"extends"`
	}
	if err := toml.Unmarshal(data, &head); err != nil {
		return nil, profileFault(err, where)
	}
	p := &Profile{}
	if head.Extends != "" {
		if !slices.Contains(Builtins(), head.Extends) || head.Extends == where {
			return nil, fault.Newf(fault.ProfileInvalid, "built in are "+strings.Join(Builtins(), ", "), "%s: extends %q, which is not a built-in profile", where, head.Extends)
		}
		base, err := LoadProfile(head.Extends)
		if err != nil {
			return nil, err
		}
		p = base
	}
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, profileFault(err, where)
	}
	return p, p.check(where)
}

func profileFault(err error, where string) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fault.Newf(fault.ProfileInvalid, "shard-admin profile show property_web_builder shows every key in use",
			"%s:%d: there is no key %q in a profile", where, row, strings.Join(strict.Errors[0].Key(), "."))
	}
	var d *toml.DecodeError
	if errors.As(err, &d) {
		row, _ := d.Position()
		return fault.Newf(fault.ProfileInvalid, "mend the line", "%s:%d: %s", where, row, strings.TrimPrefix(d.Error(), "toml: "))
	}
	return fault.Wrapf(err, fault.ProfileInvalid, "mend the file", "%s: not a profile", where)
}

func (p *Profile) check(where string) error {
	bad := func(format string, args ...any) error {
		return fault.Newf(fault.ProfileInvalid, "shard-admin profile show property_web_builder is an example", where+": "+format, args...)
	}
	if p.Tenants.Table == "" || p.Tenants.Key == "" {
		return bad("tenants.table and tenants.key are needed")
	}
	if len(p.Tenants.Labels) == 0 {
		p.Tenants.Labels = []string{p.Tenants.Key}
	}
	if p.Pointer == "" {
		return bad("pointer is needed: a column of the catalogue such as %q, or %q", p.Tenants.Table+".shard", PlacementPointer)
	}
	if p.Pointer != PlacementPointer && !strings.HasPrefix(p.Pointer, p.Tenants.Table+".") {
		return bad("the pointer %q is not a column of %s", p.Pointer, p.Tenants.Table)
	}
	p.RoutingTTL = time.Minute
	if p.RoutingTTLText != "" {
		d, err := time.ParseDuration(p.RoutingTTLText)
		if err != nil || d < 0 {
			return bad("routing_ttl %q is not a duration such as \"60s\"", p.RoutingTTLText)
		}
		p.RoutingTTL = d
	}
	if p.Follows == "" {
		p.Follows = FollowsUnproven
	}
	values := []Follows{FollowsTrue, FollowsFalse, FollowsUnproven}
	if !slices.Contains(values, p.Follows) {
		return bad("follows is true, false or unproven, not %q", p.Follows)
	}
	for _, t := range p.Tables {
		if t.Name == "" {
			return bad("a [[table]] has no name")
		}
		if t.Follows != "" && !slices.Contains(values, t.Follows) {
			return bad("table %s: follows is true, false or unproven, not %q", t.Name, t.Follows)
		}
		if t.Kind != "" && !slices.Contains([]Kind{Reference, Control, Excluded}, t.Kind) {
			return bad("table %s: kind can be reference, control or excluded, not %q", t.Name, t.Kind)
		}
	}
	for _, b := range p.Backward {
		for _, f := range b.From {
			if !strings.Contains(f, ".") {
				return bad("backward %s: from wants \"table.column\", not %q", b.Table, f)
			}
		}
	}
	return nil
}

// PointerColumn returns the pointer's column in the tenants table, or "" when
// it lies in the placement table.
func (p *Profile) PointerColumn() string {
	if p.Pointer == PlacementPointer {
		return ""
	}
	return p.Pointer[strings.LastIndex(p.Pointer, ".")+1:]
}

// Marshal writes the profile as a file.
func (p *Profile) Marshal() ([]byte, error) {
	b, err := toml.Marshal(p)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the profile could not be written", "")
	}
	return b, nil
}

// rule returns what the profile says of one table.
func (p *Profile) rule(name string) TableRule {
	for _, t := range p.Tables {
		if t.Name == name {
			return t
		}
	}
	return TableRule{Name: name}
}

// listed reports whether a name matches one of a list of names and patterns.
func listed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return err == nil && ok
	})
}
