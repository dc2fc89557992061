package report

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"

	"shardadmin/internal/audit"
	"shardadmin/internal/policy"
)

// ocsfVersion is the version of the schema that the mapping keeps to; docs/ocsf.md
// has the mapping field by field.
const ocsfVersion = "1.3.0"

type ocsfLines struct{ enc *json.Encoder }

func newOCSFLines(w io.Writer) ocsfLines {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return ocsfLines{e}
}

// Entry implements audit.Content.
func (o ocsfLines) Entry(x audit.Walked) error {
	if !x.Selected {
		return nil
	}
	return o.enc.Encode(ocsfOf(x.Sealed))
}

// End implements audit.Content.
func (ocsfLines) End(context.Context, audit.Source, *audit.Manifest) error { return nil }

type ocsfEvent struct {
	ActivityID   int            `json:"activity_id"`
	ActivityName string         `json:"activity_name"`
	CategoryUID  int            `json:"category_uid"`
	CategoryName string         `json:"category_name"`
	ClassUID     int            `json:"class_uid"`
	ClassName    string         `json:"class_name"`
	TypeUID      int            `json:"type_uid"`
	Time         int64          `json:"time"`
	SeverityID   int            `json:"severity_id"`
	Severity     string         `json:"severity"`
	StatusID     int            `json:"status_id"`
	Status       string         `json:"status"`
	StatusCode   string         `json:"status_code,omitempty"`
	StatusDetail string         `json:"status_detail,omitempty"`
	Message      string         `json:"message"`
	Actor        ocsfActor      `json:"actor"`
	API          *ocsfAPI       `json:"api,omitempty"`
	SrcEndpoint  ocsfEndpoint   `json:"src_endpoint"`
	User         *ocsfUser      `json:"user,omitempty"`
	Privileges   []string       `json:"privileges,omitempty"`
	Resources    []ocsfResource `json:"resources,omitempty"`
	Metadata     ocsfMetadata   `json:"metadata"`
	Unmapped     map[string]any `json:"unmapped"`
}

type ocsfActor struct {
	User    ocsfUser `json:"user"`
	AppName string   `json:"app_name,omitempty"`
}

type ocsfUser struct {
	Name      string      `json:"name,omitempty"`
	EmailAddr string      `json:"email_addr,omitempty"`
	Groups    []ocsfGroup `json:"groups,omitempty"`
}

type ocsfGroup struct {
	Name string `json:"name"`
}

type ocsfAPI struct {
	Operation string      `json:"operation"`
	Service   ocsfService `json:"service"`
}

type ocsfService struct {
	Name string `json:"name"`
}

type ocsfEndpoint struct {
	IP      string `json:"ip,omitempty"`
	Name    string `json:"hostname,omitempty"`
	SvcName string `json:"svc_name,omitempty"`
}

type ocsfResource struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
}

type ocsfMetadata struct {
	Version        string      `json:"version"`
	Product        ocsfProduct `json:"product"`
	UID            string      `json:"uid"`
	Sequence       int64       `json:"sequence"`
	CorrelationUID string      `json:"correlation_uid,omitempty"`
	OriginalTime   string      `json:"original_time"`
	LoggedTime     int64       `json:"logged_time"`
	Profiles       []string    `json:"profiles"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version"`
}

// ocsfOf is an event as an OCSF event.
func ocsfOf(s audit.Sealed) ocsfEvent {
	e := audit.EventOf(s)
	var more struct {
		Host    string `json:"host"`
		OSUser  string `json:"os_user"`
		Program string `json:"program"`
	}
	_ = json.Unmarshal([]byte(s.Body), &more) // a body that cannot be read has none of them
	o := ocsfEvent{
		CategoryUID: 6, CategoryName: "Application Activity", ClassUID: 6003, ClassName: "API Activity",
		Time: s.RecordedUS / 1000, Message: did(e.Action) + ": " + e.Note,
		Actor:       ocsfActor{User: ocsfUser{Name: e.DBUser, EmailAddr: e.Actor}, AppName: s.AppName},
		SrcEndpoint: ocsfEndpoint{IP: strings.Split(s.ClientAddr, "/")[0], Name: more.Host, SvcName: e.Via},
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Product: ocsfProduct{"Shard Admin", "Shard Admin", more.Program}, UID: e.ID, Sequence: e.Seq, CorrelationUID: e.Parent,
			OriginalTime: e.OccurredAt.Format("2006-01-02T15:04:05.000000Z07:00"), LoggedTime: s.SealedUS / 1000, Profiles: []string{},
		},
		Unmapped: map[string]any{
			"phase": e.Phase, "fleet": e.Fleet, "note": e.Note, "os_user": more.OSUser, "move_id": e.MoveID, "source": e.Source, "target": e.Target,
			"before": e.Before, "after": e.After, "details": e.Details,
			"hash": e.Hash, "prev_hash": hex.EncodeToString(s.PrevHash), "event_hash": hex.EncodeToString(s.EventHash),
		},
	}
	if e.ActorRole != "" {
		o.Actor.User.Groups = []ocsfGroup{{e.ActorRole}}
	}
	if e.Phase == "intent" {
		o.Metadata.CorrelationUID = e.ID
	}
	o.StatusID, o.Status, o.SeverityID, o.Severity = ocsfStatus(e.Status)
	if code, ok := e.Details["error"].(string); ok {
		o.StatusCode = code
	}
	if text, ok := e.Details["message"].(string); ok {
		o.StatusDetail = text
	}
	o.ActivityID, o.ActivityName = ocsfActivity(e.Action)
	switch policy.Action(e.Action) {
	case policy.OperatorSet:
		role, _ := e.After["role"].(string)
		email, _ := e.After["email"].(string)
		if email == "" {
			email, _ = e.Before["email"].(string)
		}
		if email == "" { // what failed need not say whom it was about, and this class is about somebody
			o.API = &ocsfAPI{e.Action, ocsfService{"shard-admin"}}
			break
		}
		o.CategoryUID, o.CategoryName, o.ClassUID, o.ClassName = 3, "Identity & Access Management", 3005, "User Access Management"
		o.ActivityID, o.ActivityName = 1, "Assign Privileges"
		if role == "" {
			o.ActivityID, o.ActivityName = 2, "Revoke Privileges"
			role = "all"
		}
		// A user has to have a name or an id, and this class an actor only with the
		// profile of a host.
		o.User, o.Privileges, o.Metadata.Profiles = &ocsfUser{Name: email, EmailAddr: email}, []string{role}, []string{"host"}
	case policy.CredentialSet, policy.CredentialRotate, policy.CredentialForget:
		o.CategoryUID, o.CategoryName, o.ClassUID, o.ClassName = 3, "Identity & Access Management", 3001, "Account Change"
		o.ActivityID, o.ActivityName = 3, "Password Change"
		if e.Action == string(policy.CredentialForget) {
			o.ActivityID, o.ActivityName = 6, "Delete"
		}
		user, _ := e.Details["user"].(string)
		if user == "" {
			user, _ = e.Details["credential"].(string)
		}
		if user == "" {
			user = e.DBUser
		}
		o.User = &ocsfUser{Name: user}
	default:
		o.API = &ocsfAPI{e.Action, ocsfService{"shard-admin"}}
	}
	o.TypeUID = o.ClassUID*100 + o.ActivityID
	if e.Tenant != "" {
		label, _ := e.Details["label"].(string)
		o.Resources = append(o.Resources, ocsfResource{UID: e.Tenant, Name: label, Type: "tenant"})
	}
	for i, shard := range []string{e.Source, e.Target} {
		if shard != "" {
			o.Resources = append(o.Resources, ocsfResource{Name: shard, Type: []string{"shard (source)", "shard (target)"}[i]})
		}
	}
	return o
}

func ocsfStatus(status string) (id int, name string, severity int, severityName string) {
	switch status {
	case "ok":
		return 1, "Success", 1, "Informational"
	case "begun":
		return 0, "Unknown", 1, "Informational"
	case "failed":
		return 2, "Failure", 3, "Medium"
	case "refused":
		return 2, "Failure", 2, "Low"
	case "cancelled", "rolled_back", audit.Interrupted:
		return 99, status, 2, "Low"
	}
	return 0, "Unknown", 0, "Unknown"
}

func ocsfActivity(action string) (int, string) {
	switch policy.Action(action) {
	case policy.FleetInstall, policy.MoveStart, policy.AuditKeyEnroll, policy.AuditCheckpoint, policy.AuditRestart, policy.AlertSilence:
		return 1, "Create"
	case policy.AuditExport:
		return 2, "Read"
	case policy.FleetUninstall, policy.MoveCancel, policy.AuditKeyRevoke, policy.AuditPurge, policy.AuditErase, policy.AlertUnsilence:
		return 4, "Delete"
	case policy.AssignTenant, policy.MoveSwitch, policy.MoveResume, policy.MoveRollback, policy.MoveFinalize, policy.PolicySet, policy.StripeFleet,
		policy.QueuePause, policy.QueueResume, policy.QueueSet, policy.AlertAck, policy.RebalanceApply:
		return 3, "Update"
	}
	return 99, "Other"
}
