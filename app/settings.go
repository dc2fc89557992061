package app

import (
	"context"
	"os"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/doctor"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
	"shardadmin/internal/version"
)

// SettingList is every setting of this computer.
type SettingList struct {
	Settings []home.Setting `json:"settings"`
}

// RoleRequest files an operator.
type RoleRequest struct {
	Email   string `json:"email"`
	Role    string `json:"role"` // viewer, operator or admin
	DBRole  string `json:"db_role"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// FlagRequest turns a flag of a fleet's policy on or off.
type FlagRequest struct {
	Flag    string `json:"flag"`
	On      bool   `json:"on"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// CredentialRequest puts a user name and a password into the keychain.
type CredentialRequest struct {
	Name     string `json:"name"`
	User     string `json:"user"`
	Password string `json:"password"`
	Note     string `json:"note"`
}

// InstallRequest makes or upgrades the schema of ours in the fleet.
type InstallRequest struct {
	Admin   string `json:"admin"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// Script is what to run in one database.
type Script struct {
	Database string `json:"database"`
	SQL      string `json:"sql"`
}

// ScriptList is what a database administrator runs instead of Install.
type ScriptList struct {
	Scripts []Script `json:"scripts"`
}

// Settings are fleets, credentials, policy and what this computer remembers.
type Settings struct{ app *App }

// Settings returns every setting with its present value.
func (s *Settings) Settings() (SettingList, error) {
	return answer(s.app, short, func(context.Context) (SettingList, error) {
		list, err := s.app.home.Settings().List()
		return SettingList{Settings: list}, err
	})
}

// Set stores a setting; an empty value goes back to the default.
func (s *Settings) Set(name, value string) (home.Setting, error) {
	return answer(s.app, short, func(context.Context) (home.Setting, error) {
		settings := s.app.home.Settings()
		if err := settings.Set(name, value); err != nil {
			return home.Setting{}, err
		}
		switch name {
		case home.OperatorEmail, home.AdminEmails:
			s.app.retireAll()
		case home.RunQueuedWork:
			s.app.rework()
		case home.CurrentFleet:
			s.app.mu.Lock()
			s.app.fleet = ""
			s.app.mu.Unlock()
		}
		return settings.Get(name)
	})
}

// rework makes every worker loop read its setting.
func (a *App) rework() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.opened {
		poke(o.rework)
	}
}

// Policy returns who may do what in the current fleet.
func (s *Settings) Policy() (session.PolicyView, error) {
	return look(s.app, short, func(ctx context.Context, e *session.Session) (session.PolicyView, error) { return e.Policy(ctx) })
}

// SetOperatorRole files an operator of the current fleet.
func (s *Settings) SetOperatorRole(r RoleRequest) (session.PolicyView, error) {
	return change(s.app, short, func(ctx context.Context, e *session.Session) (session.PolicyView, error) {
		if err := e.SetOperator(ctx, r.Email, r.Role, r.DBRole, r.Note, r.Confirm); err != nil {
			return session.PolicyView{}, err
		}
		return e.Policy(ctx)
	})
}

// SetFlag turns a flag of the current fleet's own policy on or off, for
// everybody who works on it.
func (s *Settings) SetFlag(r FlagRequest) (session.PolicyView, error) {
	return change(s.app, short, func(ctx context.Context, e *session.Session) (session.PolicyView, error) {
		if err := e.SetFlag(ctx, r.Flag, r.On, r.Note, r.Confirm); err != nil {
			return session.PolicyView{}, err
		}
		return e.Policy(ctx)
	})
}

// SetCredential keeps a user name and a password in the keychain, and tries
// them.
func (s *Settings) SetCredential(r CredentialRequest) (session.CredentialTest, error) {
	return ask(s.app, short, func(ctx context.Context, e *session.Session) (session.CredentialTest, error) {
		password := credential.NewSecret(r.Password)
		s.app.home.Hide(password)
		if password.Empty() {
			return session.CredentialTest{}, fault.New(fault.Usage, "there is no password", "type the password of the database user")
		}
		if err := e.SetCredential(ctx, r.Name, r.User, password, r.Note); err != nil {
			return session.CredentialTest{}, err
		}
		e.Reconnect()
		return e.TestCredential(ctx, r.Name)
	})
}

// RotateCredential replaces a kept password by one that the databases accept;
// where they refuse it, the kept one stays.
func (s *Settings) RotateCredential(r CredentialRequest) (session.CredentialTest, error) {
	return ask(s.app, short, func(ctx context.Context, e *session.Session) (session.CredentialTest, error) {
		password := credential.NewSecret(r.Password)
		s.app.home.Hide(password)
		if password.Empty() {
			return session.CredentialTest{}, fault.New(fault.Usage, "there is no password", "type the new password of the database user")
		}
		return e.RotateCredential(ctx, r.Name, password, r.Note)
	})
}

// TestCredential says whether a credential opens its database.
func (s *Settings) TestCredential(name string) (session.CredentialTest, error) {
	return look(s.app, short, func(ctx context.Context, e *session.Session) (session.CredentialTest, error) {
		return e.TestCredential(ctx, name)
	})
}

// ForgetCredential removes a credential from the keychain.
func (s *Settings) ForgetCredential(name string) error {
	_, err := ask(s.app, short, func(ctx context.Context, e *session.Session) (struct{}, error) {
		if err := e.ForgetCredential(ctx, name, ""); err != nil {
			return struct{}{}, err
		}
		e.Reconnect()
		return struct{}{}, nil
	})
	return err
}

// Examination is what this computer lacks of what the program needs.
type Examination struct {
	Checks    []doctor.Finding `json:"checks"`
	CheckedAt string           `json:"checked_at"`
}

// Doctor looks at what the program needs on this computer; it opens no
// database.
func (s *Settings) Doctor() (Examination, error) {
	return answer(s.app, short, func(ctx context.Context) (Examination, error) {
		s.app.mu.Lock()
		as := s.app.email
		s.app.mu.Unlock()
		checks := doctor.Examine(ctx, doctor.Options{Home: s.app.home, As: as, Window: !version.Read().Headless, Env: os.Getenv})
		return Examination{Checks: checks, CheckedAt: time.Now().UTC().Format(time.RFC3339)}, nil
	})
}

// InstallStatus returns what is there of the schema of ours.
func (s *Settings) InstallStatus() (session.InstallView, error) {
	return look(s.app, short, func(ctx context.Context, e *session.Session) (session.InstallView, error) {
		return e.InstallStatus(ctx)
	})
}

// Install makes or upgrades the schema of ours.
func (s *Settings) Install(r InstallRequest) (session.InstallView, error) {
	return change(s.app, long, func(ctx context.Context, e *session.Session) (session.InstallView, error) {
		v, err := e.Install(ctx, session.InstallRequest{Admin: r.Admin, Note: r.Note, Confirm: r.Confirm})
		s.app.rework()
		s.app.look()
		return v, err
	})
}

// InstallScript returns what Install would run, for somebody else to run.
func (s *Settings) InstallScript() (ScriptList, error) {
	return look(s.app, short, func(ctx context.Context, e *session.Session) (ScriptList, error) {
		scripts, err := e.InstallScript(ctx)
		list := ScriptList{}
		for _, one := range scripts {
			list.Scripts = append(list.Scripts, Script{Database: one.Database, SQL: one.SQL})
		}
		return list, err
	})
}
