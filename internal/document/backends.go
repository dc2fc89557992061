package document

import "shardadmin/internal/session"

// Backends is who is connected to a shard's database.
type Backends struct {
	session.Backends
	Sessions []Backend `json:"sessions"`
}

// Backend is one client session of a shard's server.
type Backend struct {
	session.BackendView
	StartedReason     string `json:"started_at_reason,omitempty"`
	StatementReason   string `json:"statement_at_reason,omitempty"`
	TransactionReason string `json:"transaction_ms_reason,omitempty"`
	RunsReason        string `json:"statement_ms_reason,omitempty"`
	StateReason       string `json:"state_ms_reason,omitempty"`
}

func ofBackend(v session.BackendView) Backend {
	d := Backend{BackendView: v}
	why := func(otherwise string) string {
		if v.Reason != "" {
			return v.Reason
		}
		return otherwise
	}
	because(why("the server does not say when it began"), unknown{v.StartedAt == nil, &d.StartedReason}, unknown{v.StateMS == nil, &d.StateReason})
	because(why("it has run no statement"), unknown{v.StatementAt == nil, &d.StatementReason}, unknown{v.StatementMS == nil, &d.RunsReason})
	because(why("no transaction is open in it"), unknown{v.TransactionMS == nil, &d.TransactionReason})
	return d
}

// OfBackends makes the document of a shard's sessions.
func OfBackends(v session.Backends) Backends {
	d := Backends{Backends: v, Sessions: []Backend{}}
	for _, b := range v.Sessions {
		d.Sessions = append(d.Sessions, ofBackend(b))
	}
	return d
}

// Ended is what became of a session that was to be cancelled or terminated.
type Ended struct {
	session.Ended
	Session Backend `json:"session"`
}

// OfEnded makes the document of what became of a session.
func OfEnded(v session.Ended) Ended { return Ended{v, ofBackend(v.Session)} }
