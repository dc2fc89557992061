package home

import (
	"bytes"
	"errors"
	"io/fs"
	"net/mail"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

// The names of the settings; flags go by the names of their variables.
const (
	OperatorEmail  = "operator_email"
	AdminEmails    = "TENANT_ADMIN_EMAILS"
	CurrentFleet   = "current_fleet"
	Theme          = "theme"
	TimeZone       = "time_zone"
	RunQueuedWork  = "run_queued_work"
	HealthInterval = "SHARD_HEALTH_CHECK_INTERVAL"
	// ImbalanceThreshold is how far the largest shard may be above the mean.
	ImbalanceThreshold = "SHARD_IMBALANCE_THRESHOLD"
	// CredentialStore is where credentials are kept.
	CredentialStore = "credential_store"
	fileOfSettings  = "settings.toml"
)

// Kind is what a setting's value is.
type Kind string

// The kinds.
const (
	Bool   Kind = "bool"
	Text   Kind = "text"
	Email  Kind = "email"
	Emails Kind = "emails" // separated by commas
	Choice Kind = "choice"
	// Seconds is a whole number of them, from 10 to a day.
	Seconds Kind = "seconds"
	// Share is a part of one, from 0.01 to 1.
	Share Kind = "share"
)

// Source says where a setting's value comes from; the environment wins.
type Source string

// The sources.
const (
	FromDefault     Source = "default"
	FromSettings    Source = "settings"
	FromEnvironment Source = "environment"
)

// Setting is one setting with its present value.
type Setting struct {
	Name     string   `json:"name"`
	Kind     Kind     `json:"kind"`
	Value    string   `json:"value"`
	Default  string   `json:"default"`
	Choices  []string `json:"choices"`
	Source   Source   `json:"source"`
	Variable string   `json:"variable"` // of the environment; empty when there is none
	Help     string   `json:"help"`
}

// registry lists every setting that the program reads.
func registry() []Setting {
	out := []Setting{
		{Name: OperatorEmail, Kind: Email, Variable: "SHARD_ADMIN_OPERATOR", Help: "who you are; every change is recorded under it"},
		{Name: CurrentFleet, Kind: Text, Help: "the fleet that is meant where none is named"},
	}
	for _, f := range []struct {
		flag policy.Flag
		help string
	}{
		{policy.FlagEnabled, "this computer may make changes to fleets at all"},
		{policy.FlagAssignment, "tenants without rows may be assigned to another shard"},
		{policy.FlagMigrations, "tenants' rows may be moved, schemas migrated"},
		{policy.FlagBulk, "many tenants may be changed at once"},
	} {
		out = append(out, Setting{Name: string(f.flag), Kind: Bool, Default: "false", Variable: string(f.flag), Help: f.help})
	}
	return append(out,
		Setting{Name: AdminEmails, Kind: Emails, Variable: AdminEmails, Help: "who may do everything, beside the operators of a fleet"},
		Setting{
			Name: CredentialStore, Kind: Choice, Default: string(credential.FromKeychain), Choices: []string{string(credential.FromKeychain), string(credential.FromVault)}, Variable: "SHARD_ADMIN_CREDENTIAL_STORE",
			Help: "where this computer keeps passwords; a vault is one encrypted file",
		},
		Setting{Name: RunQueuedWork, Kind: Bool, Default: "false", Help: "this computer carries out runs that others have queued"},
		Setting{Name: HealthInterval, Kind: Seconds, Default: "300", Variable: HealthInterval, Help: "seconds between two looks at what reads every table"},
		Setting{Name: ImbalanceThreshold, Kind: Share, Default: "0.2", Variable: ImbalanceThreshold, Help: "how far from an even spread a shard may be before it is an alert"},
		Setting{Name: Theme, Kind: Choice, Default: "system", Choices: []string{"system", "light", "dark"}, Help: "the window's colours"},
		Setting{Name: TimeZone, Kind: Choice, Default: "local", Choices: []string{"local", "utc"}, Help: "how times are shown"},
	)
}

// Settings are what the user chose on this computer.
type Settings struct{ home *Home }

func (s *Settings) path() string { return filepath.Join(s.home.dir, fileOfSettings) }

// List returns every setting with its present value.
func (s *Settings) List() ([]Setting, error) {
	stored, err := s.stored()
	if err != nil {
		return nil, err
	}
	out := registry()
	for i := range out {
		if err := s.resolve(&out[i], stored); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Get returns one setting: settings_invalid for a name that does not exist.
func (s *Settings) Get(name string) (Setting, error) {
	stored, err := s.stored()
	if err != nil {
		return Setting{}, err
	}
	for _, one := range registry() {
		if one.Name == name {
			return one, s.resolve(&one, stored)
		}
	}
	return Setting{}, unknown(name)
}

func unknown(name string) error {
	names := []string{}
	for _, s := range registry() {
		names = append(names, s.Name)
	}
	return fault.Newf(fault.SettingsInvalid, "there are "+strings.Join(names, ", "), "there is no setting %q", name)
}

func (s *Settings) resolve(one *Setting, stored map[string]string) error {
	one.Value, one.Source = one.Default, FromDefault
	if one.Choices == nil {
		one.Choices = []string{}
	}
	if v, ok := stored[one.Name]; ok {
		one.Value, one.Source = v, FromSettings
	}
	if one.Variable == "" {
		return nil
	}
	if v := s.home.env(one.Variable); v != "" {
		value, err := one.parse(v)
		if err != nil {
			return fault.Newf(fault.SettingsInvalid, fault.HintOf(err)+", or take it out of the environment", "the environment variable %s: %s", one.Variable, err)
		}
		one.Value, one.Source = value, FromEnvironment
	}
	return nil
}

// parse checks a value and gives it its one form.
func (s Setting) parse(v string) (string, error) {
	v = strings.TrimSpace(v)
	bad := func(hint string) (string, error) {
		return "", fault.Newf(fault.SettingsInvalid, hint, "%s cannot be %q", s.Name, credential.Scrub(v))
	}
	switch s.Kind {
	case Bool:
		switch strings.ToLower(v) {
		case "true", "1", "yes", "on":
			return "true", nil
		case "false", "0", "no", "off":
			return "false", nil
		}
		return bad("write true or false")
	case Choice:
		if slices.Contains(s.Choices, strings.ToLower(v)) {
			return strings.ToLower(v), nil
		}
		return bad("write " + strings.Join(s.Choices, ", "))
	case Seconds:
		n, err := strconv.Atoi(v)
		if err != nil || n < 10 || n > 24*60*60 {
			return bad("write a number of seconds from 10 to 86400")
		}
		return strconv.Itoa(n), nil
	case Share:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || !(n >= 0.01 && n <= 1) {
			return bad("write a number from 0.01 to 1, such as 0.2 for a fifth")
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	case Email:
		if v != "" && !isEmail(v) {
			return bad("write an e-mail address")
		}
		return strings.ToLower(v), nil
	case Emails:
		out := []string{}
		for _, e := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
			if !isEmail(e) {
				return bad("write e-mail addresses separated by commas")
			}
			out = append(out, strings.ToLower(e))
		}
		return strings.Join(out, ","), nil
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
		return bad("write it on one line")
	}
	return v, nil
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// Set stores a value. An empty one goes back to the default.
func (s *Settings) Set(name, value string) error {
	one := Setting{}
	for _, r := range registry() {
		if r.Name == name {
			one = r
		}
	}
	if one.Name == "" {
		return unknown(name)
	}
	parsed := ""
	if value != "" {
		var err error
		if parsed, err = one.parse(value); err != nil {
			return err
		}
	}
	release, err := s.home.lock()
	if err != nil {
		return err
	}
	defer release()
	stored, err := s.stored()
	if err != nil {
		return err
	}
	if parsed == "" {
		delete(stored, name)
	} else {
		stored[name] = parsed
	}
	return s.write(stored)
}

func (s *Settings) write(stored map[string]string) error {
	typed := map[string]any{}
	for _, r := range registry() {
		v, ok := stored[r.Name]
		if !ok {
			continue
		}
		if r.Kind == Bool {
			typed[r.Name] = v == "true"
		} else {
			typed[r.Name] = v
		}
	}
	b, err := toml.Marshal(typed)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the settings could not be encoded", "")
	}
	return write(s.path(), b)
}

// stored reads the file; there is none before the first change.
func (s *Settings) stored() (map[string]string, error) {
	out := map[string]string{}
	b, err := read(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	raw := map[string]any{}
	if err := toml.Unmarshal(b, &raw); err != nil {
		line := 1
		var d *toml.DecodeError
		if errors.As(err, &d) {
			line, _ = d.Position()
		}
		return nil, fault.Newf(fault.SettingsInvalid, "mend the line, or delete the file to start with the defaults", "%s:%d: this is not TOML", s.path(), line)
	}
	for k, v := range raw {
		i := slices.IndexFunc(registry(), func(r Setting) bool { return r.Name == k })
		if i < 0 {
			return nil, fault.Newf(fault.SettingsInvalid, "take it out of the file, or look at shard-admin settings list", "%s:%d: there is no setting %q", s.path(), lineOf(b, k), k)
		}
		text, ok := plain(v)
		if !ok {
			return nil, fault.Newf(fault.SettingsInvalid, "write one value", "%s:%d: %s is not one value", s.path(), lineOf(b, k), k)
		}
		if out[k], err = registry()[i].parse(text); err != nil {
			return nil, fault.Newf(fault.SettingsInvalid, fault.HintOf(err), "%s:%d: %s", s.path(), lineOf(b, k), err)
		}
	}
	return out, nil
}

func plain(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case int64:
		return strconv.FormatInt(x, 10), true
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), true
	}
	return "", false
}

func lineOf(b []byte, key string) int {
	for i, l := range bytes.Split(b, []byte("\n")) {
		if strings.HasPrefix(strings.TrimLeft(string(l), " \t\"'["), key) {
			return i + 1
		}
	}
	return 1
}

// Text returns a value as it is.
func (s *Settings) Text(name string) (string, error) {
	one, err := s.Get(name)
	return one.Value, err
}

// Bool returns a yes or no; false when the settings cannot be read.
func (s *Settings) Bool(name string) (bool, error) {
	one, err := s.Get(name)
	return err == nil && one.Value == "true", err
}

// HealthInterval is how often what reads every table is looked at.
func (s *Settings) HealthInterval() (time.Duration, error) {
	text, err := s.Text(HealthInterval)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "the interval of the checks is no number", "")
	}
	return time.Duration(seconds) * time.Second, nil
}

// Flag returns a flag of this computer and, in words, where it was set; it is
// what policy.Config.Local asks. Settings that cannot be read turn it off.
func (s *Settings) Flag(f policy.Flag) (on bool, where string) {
	one, err := s.Get(string(f))
	switch {
	case err != nil:
		return false, "on this computer, because " + err.Error()
	case one.Source == FromEnvironment:
		return one.Value == "true", "in the environment of this program"
	}
	return one.Value == "true", "on this computer"
}

// Admins returns the e-mails of TENANT_ADMIN_EMAILS.
func (s *Settings) Admins() ([]string, error) {
	v, err := s.Text(AdminEmails)
	if err != nil || v == "" {
		return []string{}, err
	}
	return strings.Split(v, ","), nil
}
