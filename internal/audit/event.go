package audit

import (
	"encoding/hex"
	"encoding/json"
	"time"
)

// Event is one sealed entry of the trail, as read.
type Event struct {
	ID  string `json:"id"`
	Seq int64  `json:"seq"`
	// At is when the server recorded the event; OccurredAt is what the clock
	// of the operator's computer said.
	At         time.Time `json:"at"`
	OccurredAt time.Time `json:"occurred_at"`
	Actor      string    `json:"actor"`
	// ActorRef is the pseudonym under which the sealed text has the actor, "" where
	// that has the e-mail itself.
	ActorRef  string `json:"actor_ref"`
	ActorRole string `json:"actor_role"`
	DBUser    string `json:"db_user"`
	Action    string `json:"action"`
	Phase     string `json:"phase"`
	Tenant    string `json:"tenant"`
	Source    string `json:"source"`
	Target    string `json:"target"`
	// Status of an outcome; of an intent it is "begun".
	Status string         `json:"status"`
	Note   string         `json:"note"`
	MoveID string         `json:"move_id"`
	Parent string         `json:"parent"`
	Via    string         `json:"via"`
	Fleet  string         `json:"fleet"`
	Hash   string         `json:"hash"`
	Before map[string]any `json:"before"`
	After  map[string]any `json:"after"`
	// Details is what else the action recorded.
	Details map[string]any `json:"details"`
}

// body is what a client says. Field names are the JSON keys of the stored text.
type body struct {
	Version   int            `json:"v"`
	Action    string         `json:"action"`
	Phase     string         `json:"phase"`
	Status    string         `json:"status"`
	Reason    string         `json:"reason"`
	Fleet     string         `json:"fleet"`
	Tenant    string         `json:"tenant,omitempty"`
	Source    string         `json:"source,omitempty"`
	Target    string         `json:"target,omitempty"`
	MoveID    string         `json:"move_id,omitempty"`
	Parent    string         `json:"parent,omitempty"`
	Actor     string         `json:"actor"`
	ActorRole string         `json:"actor_role"`
	Via       string         `json:"via"`
	Host      string         `json:"host,omitempty"`
	OSUser    string         `json:"os_user,omitempty"`
	Program   string         `json:"program"`
	Before    map[string]any `json:"before,omitempty"`
	After     map[string]any `json:"after,omitempty"`
	Details   map[string]any `json:"details,omitempty"`
}

// EventOf reads a sealed entry's text.
func EventOf(s Sealed) Event {
	var b body
	err := json.Unmarshal([]byte(s.Body), &b)
	return s.event(b, err)
}

// event joins what the server stamped with what the client said, unless that
// could not be read.
func (s Sealed) event(b body, err error) Event {
	e := Event{
		ID: s.EventID, Seq: s.Seq, At: time.UnixMicro(s.RecordedUS).UTC(), OccurredAt: time.UnixMicro(s.OccurredUS).UTC(),
		DBUser: s.DBUser, Hash: hex.EncodeToString(s.Hash), Status: "unreadable",
	}
	if err != nil {
		return e
	}
	e.Actor, e.ActorRole, e.Action, e.Phase, e.Status, e.Note = b.Actor, b.ActorRole, b.Action, b.Phase, b.Status, b.Reason
	e.Tenant, e.Source, e.Target, e.MoveID, e.Parent = b.Tenant, b.Source, b.Target, b.MoveID, b.Parent
	e.Via, e.Fleet, e.Before, e.After, e.Details = b.Via, b.Fleet, b.Before, b.After, b.Details
	if !pseudonymous(s.Body) {
		return e
	}
	if IsRef(b.Actor) {
		e.ActorRef = b.Actor
	}
	e.Actor = s.Persons.Name(b.Actor)
	for _, m := range []map[string]any{e.Before, e.After, e.Details} {
		s.Persons.names(m)
	}
	return e
}
