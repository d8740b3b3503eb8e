// Package ocsf writes events of nsc in the words of the Open Cybersecurity Schema Framework, for the systems that collect
// everybody's. Tokens are Authentication (class 3002), all else is API Activity (6003). What the framework has no word for
// is in raw_data: the event's canonical encoding, to the byte. No event lacks what the framework requires of its class:
// schema_test.go has the requirements and holds every kind of event against them.
package ocsf

import (
	"cmp"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/evidence"
)

// SchemaVersion is the release of the framework whose words these are.
const SchemaVersion = "1.3.0"

// Event is one event. Members that say nothing are left out.
type Event struct {
	ActivityID   int        `json:"activity_id"`
	ActivityName string     `json:"activity_name"`
	CategoryUID  int        `json:"category_uid"`
	ClassUID     int        `json:"class_uid"`
	TypeUID      int        `json:"type_uid"`
	Time         int64      `json:"time"` // milliseconds
	SeverityID   int        `json:"severity_id"`
	StatusID     int        `json:"status_id"`
	StatusDetail string     `json:"status_detail,omitempty"`
	Message      string     `json:"message"`
	Metadata     metadata   `json:"metadata"`
	Actor        actor      `json:"actor"`
	Source       *endpoint  `json:"src_endpoint,omitempty"`
	User         *user      `json:"user,omitempty"`             // Authentication
	Protocol     *int       `json:"auth_protocol_id,omitempty"` // Authentication
	Session      *session   `json:"session,omitempty"`          // Authentication: the token that was issued
	Service      *service   `json:"service,omitempty"`          // Authentication: whom the token is for, or was to be
	API          *operation `json:"api,omitempty"`              // API Activity
	Resources    []resource `json:"resources,omitempty"`        // API Activity
	RawData      string     `json:"raw_data,omitempty"`
}

type metadata struct {
	Version   string  `json:"version"`
	Product   product `json:"product"`
	UID       string  `json:"uid"`
	EventCode string  `json:"event_code"`
	LogName   string  `json:"log_name"`
	Sequence  int64   `json:"sequence"` // index in the log
	TenantUID string  `json:"tenant_uid,omitempty"`
}

type product struct {
	Name   string `json:"name"`
	Vendor string `json:"vendor_name"`
}

type service struct {
	Name string `json:"name"`
}

type operation struct {
	Operation string `json:"operation"`
}

type resource struct {
	UID  string `json:"uid"`
	Type string `json:"type"`
}

// Numbers of the framework.
const (
	iam, authentication      = 3, 3002
	application, apiActivity = 6, 6003

	activityLogon = 1
	activityOther = 99

	informational, low = 1, 2
	success, failed    = 1, 2

	protocolOpenID, protocolOAuth = 4, 6
)

// maxText is how many bytes a text of the framework may have (its type string_t).
const maxText = 65535

// Of says an event in the framework's words. Issuer is the workspace's, index the event's place in its log, and canonical the
// event as it is on the record.
func Of(e api.Event, issuer string, index int64, canonical string) Event {
	o := Event{
		Time: e.Time.UnixMilli(), SeverityID: informational, StatusID: success, StatusDetail: e.Reason, Message: e.Kind,
		Metadata: metadata{
			Version: SchemaVersion, Product: product{self, self}, UID: e.ID, EventCode: e.Kind, LogName: evidence.Origin(issuer), Sequence: index,
			TenantUID: e.WorkspaceID,
		},
		Actor: actorOf(e), Source: sourceOf(e),
	}
	if len(canonical) <= maxText { // half of it would be nobody's event
		o.RawData = canonical
	}
	if e.Kind == "token.refused" {
		o.SeverityID, o.StatusID = low, failed
	}
	if strings.HasPrefix(e.Kind, "token.") {
		o.authentication(e, issuer)
	} else {
		o.apiActivity(e)
	}
	o.TypeUID = 100*o.ClassUID + o.ActivityID
	return o
}

// authentication says who got which token, or none. A token for the workspace itself is a sign-in; the framework has no word
// for one that is for others. It demands to know at whom a refused one was aimed: at the audience that was asked for, else
// at the workspace (rule 1).
func (o *Event) authentication(e api.Event, issuer string) {
	o.CategoryUID, o.ClassUID, o.ActivityID, o.ActivityName = iam, authentication, activityLogon, "Logon"
	subject, protocol, audience := e.Subject, protocolOAuth, e.Details["audience"]
	if t := e.Token; t != nil {
		subject, audience = t.Subject, t.Audience
		o.Session = &session{UID: t.ID, Issuer: issuer, ExpiresAt: t.ExpiresAt.UnixMilli()}
		if t.Audience != issuer {
			o.ActivityID, o.ActivityName = activityOther, "Token for another audience"
		}
		if t.Type == "id_token" {
			protocol = protocolOpenID
		}
	}
	o.User, o.Protocol, o.Service = userOf(subject, e.Upstream), &protocol, &service{cmp.Or(audience, issuer)}
}

// activities are what the last word of a kind means to the framework.
var activities = map[string]struct {
	id   int
	name string
}{
	"created": {1, "Create"}, "published": {1, "Create"}, "imported": {1, "Create"},
	"exported": {2, "Read"},
	"updated":  {3, "Update"}, "refreshed": {3, "Update"}, "resealed": {3, "Update"}, "restored": {3, "Update"},
	"removed": {4, "Delete"}, "erased": {4, "Delete"}, "revoked": {4, "Delete"}, "lifted": {4, "Delete"},
}

// apiActivity says what was written. The framework demands to know from where.
func (o *Event) apiActivity(e api.Event) {
	noun, verb, _ := strings.Cut(e.Kind, ".")
	activity, ok := activities[verb]
	if !ok {
		activity.id, activity.name = activityOther, verb
	}
	o.CategoryUID, o.ClassUID, o.ActivityID, o.ActivityName = application, apiActivity, activity.id, activity.name
	o.API = &operation{e.Kind}
	if o.Source == nil {
		o.Source = insteadOfAddress(e)
	}
	if e.Object != "" {
		o.Resources = []resource{{e.Object, noun}}
	}
}
