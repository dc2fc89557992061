package move

import "slices"

// State is where a move stands. Control is the only place that knows.
type State string

// The states, in the order of a move that goes through.
const (
	Planned     State = "planned"
	Copying     State = "copying"
	CatchingUp  State = "catching_up"
	Ready       State = "ready"
	Switching   State = "switching"
	Switched    State = "switched"
	Retained    State = "retained"
	Finalizing  State = "finalizing"
	Finalized   State = "finalized"
	Cancelled   State = "cancelled"
	Failed      State = "failed"
	RollingBack State = "rolling_back"
	RolledBack  State = "rolled_back"
)

// following lists, for each state, the states that may come next. Everything
// before switched can be undone; everything after it only goes forward, or
// back by another flip.
var following = map[State][]State{
	Planned:     {Copying, Ready, Failed, Cancelled},
	Copying:     {CatchingUp, Ready, Planned, Failed, Cancelled},
	CatchingUp:  {Ready, Planned, Failed, Cancelled},
	Ready:       {Copying, CatchingUp, Switching, Planned, Failed, Cancelled},
	Switching:   {Switched, Ready, CatchingUp, Planned, Failed, Cancelled},
	Switched:    {Retained},
	Retained:    {RollingBack, Finalizing},
	RollingBack: {RolledBack, Retained},
	Finalizing:  {Finalized},
	Failed:      {Planned, Copying, CatchingUp, Cancelled}, // copying: a repair compares again
	Finalized:   {},
	Cancelled:   {},
	RolledBack:  {},
}

// May reports whether a move in state s may go to state to.
func (s State) May(to State) bool { return slices.Contains(following[s], to) }

// Over reports whether nothing can happen to the move any more.
func (s State) Over() bool { return s == Finalized || s == Cancelled || s == RolledBack }

// Undoable reports whether the pointer cannot have moved in this state.
func (s State) Undoable() bool {
	return slices.Contains([]State{Planned, Copying, CatchingUp, Ready, Switching, Failed}, s)
}

// Settled reports whether --wait returns: nothing is running that a person did
// not ask to stop here.
func (m *Move) Settled() bool {
	switch m.State {
	case Retained, RolledBack, Finalized, Cancelled, Failed:
		return true
	case Ready:
		return m.Held()
	}
	return m.ErrorCode != ""
}

// Safe says what can be relied on where the move stands, whatever failed: on
// which shard the tenant lives, and what the other one holds.
func (m *Move) Safe() string {
	name := m.Label
	if name == "" {
		name = m.Tenant
	}
	lives := func(on string) string { return name + " lives on " + on }
	switch {
	case m.State.Undoable() && m.ReadOnlySince != nil:
		return lives(m.Source) + " with all its rows; its writes still wait"
	case m.State.Undoable():
		return lives(m.Source) + " with all its rows; whatever is on " + m.Target + " is a copy that nobody reads"
	case m.State == Cancelled:
		return lives(m.Source) + " with all its rows"
	case m.State == RolledBack, m.State == RollingBack && m.Step == stepFlippedBack:
		return lives(m.Source) + " again, with what it wrote on " + m.Target
	case m.State == Finalizing:
		return lives(m.Target) + "; on " + m.Source + " only rows that were found equal there are deleted"
	case m.State == Finalized:
		return lives(m.Target)
	}
	return lives(m.Target) + "; " + m.Source + " keeps the copy with which it can move back"
}

// stood is the state that a failed move was in, else the state that it is in.
func (m *Move) stood() State {
	if m.State == Failed && m.FailedIn != nil {
		return State(*m.FailedIn)
	}
	return m.State
}

// GoesOn reports whether a resume keeps what is on the target and carries only
// what the tenant has written since, or does not copy at all; without it the copy
// is removed and begins anew.
func (m *Move) GoesOn() bool { return m.keepsCopy() || !m.State.Undoable() }

// Held reports whether the move stands at ready and waits for a person.
func (m *Move) Held() bool { return m.State == Ready && m.Step == stepHeld }

// Action is what a person may ask of a move.
type Action string

// The actions.
const (
	ActionStart    Action = "start"
	ActionSwitch   Action = "switch"
	ActionResume   Action = "resume"
	ActionCancel   Action = "cancel"
	ActionRollback Action = "rollback"
	ActionFinalize Action = "finalize"
)

// Actions returns what is legal now, most natural first. The faces show these
// and no others.
func (m *Move) Actions() []Action {
	switch m.State {
	case Planned, Copying, CatchingUp, Switching:
		return []Action{ActionResume, ActionCancel}
	case Ready:
		if m.Held() {
			return []Action{ActionSwitch, ActionCancel}
		}
		return []Action{ActionResume, ActionCancel}
	case Failed:
		return []Action{ActionResume, ActionCancel}
	case Switched:
		return []Action{ActionResume}
	case Retained:
		return []Action{ActionFinalize, ActionRollback}
	case RollingBack:
		return []Action{ActionResume}
	case Finalizing:
		return []Action{ActionResume}
	}
	return []Action{}
}

// Allows reports whether the action is legal in the move's state.
func (m *Move) Allows(a Action) bool {
	if slices.Contains(m.Actions(), a) {
		return true
	}
	// Asking again for what is already under way goes on with it.
	switch a {
	case ActionRollback:
		return m.State == RollingBack
	case ActionFinalize:
		return m.State == Finalizing
	case ActionStart:
		return m.State == Planned
	}
	return false
}

// Next returns the commands that a person may type now.
func (m *Move) Next() []string {
	out := []string{}
	for _, a := range m.Actions() {
		cmd := "shard-admin move " + string(a) + " " + m.ID + " --wait --note REASON"
		out = append(out, cmd)
	}
	return out
}
