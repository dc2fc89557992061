package app

import (
	"context"
	"errors"
	"slices"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/fleet/importer"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// ShardURL is a shard as somebody types it in.
type ShardURL struct {
	Name string `json:"name"`
	// URL is a PostgreSQL URL, "control" for a shard in the control database,
	// or empty for a shard that is known but not configured.
	URL string `json:"url"`
}

// AddFleetRequest describes a fleet. Passwords in URLs go to the keychain.
type AddFleetRequest struct {
	Name        string     `json:"name"`
	Environment string     `json:"environment"`
	Profile     string     `json:"profile"`
	Control     string     `json:"control"`
	Shards      []ShardURL `json:"shards"`
	// SSH are the hosts through which every database is reached, as user@jump,user@bastion;
	// empty for none.
	SSH string `json:"ssh"`
}

// ImportFleetRequest is a fleet as an application has it: the text of a Rails
// config/database.yml.
type ImportFleetRequest struct {
	// Name of the fleet; the environment's when empty.
	Name string `json:"name"`
	// Environment is the section of the file; production when empty.
	Environment string `json:"environment"`
	Text        string `json:"text"`
	// SSH is that of AddFleetRequest.
	SSH string `json:"ssh"`
}

// FleetShard is a shard as the fleet file has it.
type FleetShard struct {
	Name          string `json:"name"`
	Configured    bool   `json:"configured"`
	InControl     bool   `json:"in_control"`
	URL           string `json:"url"`
	Direct        string `json:"direct"`
	Credential    string `json:"credential"`
	CapacityBytes int64  `json:"capacity_bytes"`
	Placement     string `json:"placement"`
	Region        string `json:"region"`
}

// FleetFile is a fleet as its file has it. URLs hold no password.
type FleetFile struct {
	Name        string           `json:"name"`
	Environment string           `json:"environment"`
	Profile     string           `json:"profile"`
	Path        string           `json:"path"`
	Current     bool             `json:"current"`
	Control     string           `json:"control"`
	Direct      string           `json:"direct"`
	Credential  string           `json:"credential"`
	Credentials []string         `json:"credentials"`
	Shards      []FleetShard     `json:"shards"`
	Problem     *session.Problem `json:"problem"`
	// Notes say what an import left out or changed.
	Notes []string `json:"notes"`
}

// FleetList is every fleet of this computer.
type FleetList struct {
	Fleets []FleetFile `json:"fleets"`
}

// Fleets returns every fleet of this computer.
func (s *Settings) Fleets() (FleetList, error) {
	return answer(s.app, short, func(context.Context) (FleetList, error) {
		entries, err := s.app.home.Fleets()
		if err != nil {
			return FleetList{}, err
		}
		current, err := s.app.currentName()
		if err != nil {
			return FleetList{}, err
		}
		list := FleetList{}
		for _, e := range entries {
			list.Fleets = append(list.Fleets, fleetFile(e, current))
		}
		return list, nil
	})
}

func fleetFile(e home.Entry, current string) FleetFile {
	v := FleetFile{Name: e.Name, Path: e.Path, Current: e.Name == current}
	if e.Err != nil {
		p := Problem(e.Err)
		v.Problem = &p
		return v
	}
	f := e.Fleet
	v.Environment, v.Profile = string(f.Environment), f.Profile
	v.Control, v.Direct, v.Credential = f.Control.URL, f.Control.Direct, f.CredentialOf(fleet.ControlName)
	v.Credentials = f.Credentials()
	for _, one := range f.Shards {
		v.Shards = append(v.Shards, FleetShard{
			Name: one.Name, Configured: one.Configured(), InControl: one.InControl,
			URL: one.Endpoint.URL, Direct: one.Endpoint.Direct, Credential: f.CredentialOf(one.Name),
			CapacityBytes: one.Capacity, Placement: string(one.Placement), Region: one.Region,
		})
	}
	return v
}

// AddFleet writes a new fleet's file and keeps the passwords of its URLs in
// the keychain. The first fleet becomes the current one.
func (s *Settings) AddFleet(r AddFleetRequest) (FleetFile, error) {
	return answer(s.app, short, func(ctx context.Context) (FleetFile, error) {
		f, secrets, err := s.app.described(r)
		if err != nil {
			return FleetFile{}, err
		}
		return s.app.addFleet(ctx, f, secrets, nil)
	})
}

// TryFleet says what of a fleet is reachable and which rights are missing,
// before anything of it is kept.
func (s *Settings) TryFleet(r AddFleetRequest) (session.FleetCheck, error) {
	v, err := answer(s.app, short, func(ctx context.Context) (session.FleetCheck, error) {
		f, secrets, err := s.app.described(r)
		if err != nil {
			return session.FleetCheck{}, err
		}
		return s.app.try(ctx, f, secrets)
	})
	return v, looked(err)
}

// TryImport is TryFleet for the fleet that a database.yml describes.
func (s *Settings) TryImport(r ImportFleetRequest) (session.FleetCheck, error) {
	v, err := answer(s.app, short, func(ctx context.Context) (session.FleetCheck, error) {
		result, err := s.app.imported(r)
		if err != nil {
			return session.FleetCheck{}, err
		}
		return s.app.try(ctx, result.Fleet, result.Credentials)
	})
	return v, looked(err)
}

// described is the fleet that somebody typed in, and the passwords of its URLs.
func (a *App) described(r AddFleetRequest) (*fleet.Fleet, map[string]credential.Credential, error) {
	f := &fleet.Fleet{Name: r.Name, Environment: fleet.Environment(r.Environment), Profile: r.Profile}
	secrets := map[string]credential.Credential{}
	var err error
	if f.Control.URL, err = a.split(r.Control, fleet.ControlName, secrets); err != nil {
		return nil, nil, err
	}
	for _, one := range r.Shards {
		shard := fleet.Shard{Name: one.Name, Placement: fleet.PlacementOpen}
		switch one.URL {
		case "":
		case fleet.ControlName:
			shard.InControl = true
		default:
			if shard.Endpoint.URL, err = a.split(one.URL, one.Name, secrets); err != nil {
				return nil, nil, err
			}
		}
		f.Shards = append(f.Shards, shard)
	}
	f.ReachThrough(r.SSH)
	return f, secrets, nil
}

func (a *App) imported(r ImportFleetRequest) (*importer.Result, error) {
	result, err := importer.Import([]byte(r.Text), importer.Options{Name: r.Name, Environment: r.Environment, Env: a.home.Env})
	if err != nil {
		return nil, err
	}
	for _, c := range result.Credentials {
		a.home.Hide(c.Password)
	}
	result.Fleet.ReachThrough(r.SSH)
	return result, nil
}

// try checks a fleet that no file describes yet. A password that was typed in
// comes before every other place for passwords.
func (a *App) try(ctx context.Context, f *fleet.Fleet, secrets map[string]credential.Credential) (session.FleetCheck, error) {
	s, err := a.unkept(f, secrets)
	if err != nil {
		return session.FleetCheck{}, err
	}
	defer s.Close()
	return s.Check(ctx)
}

// unkept is a session on a fleet that no file describes yet.
func (a *App) unkept(f *fleet.Fleet, secrets map[string]credential.Credential) (*session.Session, error) {
	text, err := f.Marshal()
	if err != nil {
		return nil, err
	}
	if f, err = fleet.Parse(text, f.Name+".toml"); err != nil {
		return nil, err
	}
	return session.Open(session.Config{
		Fleet: f, Resolver: typed{secrets, a.home.Credentials().Source(), a.home.Resolver()}, Flag: a.home.Settings().Flag, Source: a.mode, DBPath: a.home.DBPath(), Log: a.log, Env: a.home.Env,
	}), nil
}

// typed resolves the credentials that somebody has just typed in.
type typed struct {
	secrets map[string]credential.Credential
	store   credential.Source
	then    credential.Resolver
}

// Resolve asks what was typed in first.
func (t typed) Resolve(ctx context.Context, fleet, name string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if c, ok := t.secrets[name]; ok {
		return c, t.store, nil // where it will be
	}
	return t.then.Resolve(ctx, fleet, name, at)
}

// ImportFleet adds the fleet that a database.yml describes.
func (s *Settings) ImportFleet(r ImportFleetRequest) (FleetFile, error) {
	return answer(s.app, short, func(ctx context.Context) (FleetFile, error) {
		result, err := s.app.imported(r)
		if err != nil {
			return FleetFile{}, err
		}
		return s.app.addFleet(ctx, result.Fleet, result.Credentials, result.Notes)
	})
}

// split takes the password out of a URL and keeps it for the keychain.
func (a *App) split(text, name string, secrets map[string]credential.Credential) (string, error) {
	clean, c, err := fleet.SplitSecret(text)
	if err != nil {
		return "", err
	}
	if !c.Password.Empty() {
		a.home.Hide(c.Password)
		secrets[name] = c // a fleet made here has a credential of each database's own name
	}
	return clean, nil
}

// addFleet keeps secrets first: a fleet whose passwords could not be kept is
// not added, and one that could not be added leaves no password behind.
func (a *App) addFleet(ctx context.Context, f *fleet.Fleet, secrets map[string]credential.Credential, notes []string) (FleetFile, error) {
	text, err := f.Marshal()
	if err != nil {
		return FleetFile{}, err
	}
	if f, err = fleet.Parse(text, f.Name+".toml"); err != nil {
		return FleetFile{}, err
	}
	entries, err := a.home.Fleets()
	if err != nil {
		return FleetFile{}, err
	}
	if slices.ContainsFunc(entries, func(e home.Entry) bool { return e.Name == f.Name }) {
		return FleetFile{}, fault.Newf(fault.FleetExists, "choose another name, or remove that fleet first", "there is a fleet %q already", f.Name)
	}
	var (
		chain = a.home.Credentials()
		kept  []string
	)
	undo := func(err error) error {
		for _, name := range kept {
			if gone := chain.Delete(ctx, f.Name, name); gone != nil && !errors.Is(gone, credential.ErrNotFound) {
				a.log.Warn("a credential stays where it was kept", "fleet", f.Name, "credential", name, "error", gone)
			}
		}
		return err
	}
	for name, c := range secrets {
		if err := chain.Set(ctx, f.Name, name, c); err != nil {
			return FleetFile{}, undo(err)
		}
		kept = append(kept, name)
	}
	if err := a.home.AddFleet(f); err != nil {
		return FleetFile{}, undo(err)
	}
	if len(entries) == 0 {
		if err := a.use(f.Name); err != nil {
			return FleetFile{}, err
		}
	}
	return a.fleetView(f.Name, notes)
}

func (a *App) fleetView(name string, notes []string) (FleetFile, error) {
	entries, err := a.home.Fleets()
	if err != nil {
		return FleetFile{}, err
	}
	current, err := a.currentName()
	if err != nil {
		return FleetFile{}, err
	}
	for _, e := range entries {
		if e.Name == name {
			v := fleetFile(e, current)
			v.Notes = notes
			return v, nil
		}
	}
	return FleetFile{}, fault.Newf(fault.FleetUnknown, "look at the list of fleets", "there is no fleet %q", name)
}

// TestFleet says what of a fleet is reachable and which rights are missing.
func (s *Settings) TestFleet(name string) (session.FleetCheck, error) {
	v, err := answer(s.app, short, func(ctx context.Context) (session.FleetCheck, error) {
		e, err := s.app.home.Session(ctx, name, home.SessionOptions{Source: s.app.mode})
		if err != nil {
			return session.FleetCheck{}, err
		}
		defer e.Close()
		return e.Check(ctx)
	})
	return v, looked(err)
}

// RemoveFleet forgets a fleet's file. Databases and credentials stay.
func (s *Settings) RemoveFleet(name string) (FleetList, error) {
	_, err := answer(s.app, short, func(context.Context) (struct{}, error) {
		if err := s.app.home.RemoveFleet(name); err != nil {
			return struct{}{}, err
		}
		s.app.mu.Lock()
		if s.app.fleet == name {
			s.app.fleet = ""
		}
		s.app.mu.Unlock()
		s.app.retire(name, nil)
		return struct{}{}, nil
	})
	if err != nil {
		return FleetList{}, err
	}
	return s.Fleets()
}
