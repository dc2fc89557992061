package app

import (
	"context"

	"shardadmin/internal/home"
	"shardadmin/internal/version"
)

// FleetName is a fleet as the top bar lists it.
type FleetName struct {
	Name        string `json:"name"`
	Environment string `json:"environment"`
	Current     bool   `json:"current"`
	// Error says why the fleet's file cannot be used; empty where it can.
	Error string `json:"error"`
}

// Info is what the page needs before anything else.
type Info struct {
	Version  string      `json:"version"`
	Commit   string      `json:"commit"`
	Headless bool        `json:"headless"`
	Mode     string      `json:"mode"` // window or page
	Operator string      `json:"operator"`
	Fleets   []FleetName `json:"fleets"`
	// FirstStart is true where there is no fleet yet.
	FirstStart bool `json:"first_start"`
}

// Shell is what surrounds every screen.
type Shell struct{ app *App }

// Info returns who works here, on what, with which version.
func (s *Shell) Info() (Info, error) {
	return answer(s.app, short, func(context.Context) (Info, error) { return s.info() })
}

func (s *Shell) info() (Info, error) {
	v := version.Read()
	i := Info{Version: v.Version, Commit: v.Commit, Headless: v.Headless, Mode: s.app.mode}
	s.app.mu.Lock()
	i.Operator = s.app.email
	s.app.mu.Unlock()
	var err error
	if i.Operator == "" {
		if i.Operator, err = s.app.home.Settings().Text(home.OperatorEmail); err != nil {
			return i, err
		}
	}
	entries, err := s.app.home.Fleets()
	if err != nil {
		return i, err
	}
	current, err := s.app.currentName()
	if err != nil {
		return i, err
	}
	for _, e := range entries {
		n := FleetName{Name: e.Name, Current: e.Name == current}
		if e.Err != nil {
			n.Error = Problem(e.Err).Message
		} else {
			n.Environment = string(e.Fleet.Environment)
		}
		i.Fleets = append(i.Fleets, n)
	}
	i.FirstStart = len(entries) == 0
	return i, nil
}

// SetOperator says who works here from now on.
func (s *Shell) SetOperator(email string) (Info, error) {
	return answer(s.app, short, func(context.Context) (Info, error) {
		if err := s.app.home.Settings().Set(home.OperatorEmail, email); err != nil {
			return Info{}, err
		}
		s.app.mu.Lock()
		s.app.email = ""
		s.app.mu.Unlock()
		s.app.retireAll()
		return s.info()
	})
}

// UseFleet makes a fleet the current one, here and for the next start.
func (s *Shell) UseFleet(name string) (Info, error) {
	return answer(s.app, short, func(context.Context) (Info, error) {
		if err := s.app.use(name); err != nil {
			return Info{}, err
		}
		return s.info()
	})
}

func (a *App) use(name string) error {
	if err := a.home.Use(name); err != nil {
		return err
	}
	a.mu.Lock()
	a.fleet = name
	a.mu.Unlock()
	poke(a.chosen) // it may be open already
	_, err := a.open(name)
	return err
}
