package ocsf

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/identity"
)

// shape is what the framework requires of a class of events or of an object, as far as nsc says anything of it. What is not
// among the attributes may not be said: whoever adds a member to an event looks up here first what the framework has.
// Beside each is the file of the schema, at release 1.3.0, that says so; just_one is said of nothing that is here.
// Attributes that only a profile requires (cloud, osint) are not here, for nsc's events claim none.
type shape struct {
	required   []string
	atLeastOne []string
	attributes map[string]string // and their types: a type of dictionary.json, or the name of a shape; [] is a list
	numbers    map[string][]int  // that are allowed
}

// base is what all classes have: events/base_event.json with includes/classification.json and includes/occurrence.json.
// The numbers of severity_id and status_id are those of dictionary.json.
var base = shape{
	required: []string{"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata"},
	attributes: map[string]string{
		"activity_id": "integer_t", "activity_name": "string_t", "category_uid": "integer_t", "class_uid": "integer_t", "type_uid": "long_t",
		"time": "timestamp_t", "severity_id": "integer_t", "status_id": "integer_t", "status_detail": "string_t", "message": "string_t",
		"metadata": "metadata", "raw_data": "string_t",
	},
	numbers: map[string][]int{"severity_id": {0, 1, 2, 3, 4, 5, 6, 99}, "status_id": {0, 1, 2, 99}},
}

var classes = map[int]shape{
	3002: { // events/iam/authentication.json, which extends events/iam/iam.json
		required: []string{"user"}, atLeastOne: []string{"service", "dst_endpoint"},
		attributes: map[string]string{
			"user": "user", "service": "service", "session": "session", "actor": "actor", "src_endpoint": "network_endpoint", "auth_protocol_id": "integer_t",
		},
		numbers: map[string][]int{
			"activity_id": {0, 1, 2, 3, 4, 5, 6, 99}, "category_uid": {3}, "class_uid": {3002},
			"auth_protocol_id": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99},
		},
	},
	6003: { // events/application/api_activity.json, which extends events/application/application.json
		required: []string{"actor", "api", "src_endpoint"},
		attributes: map[string]string{
			"actor": "actor", "api": "api", "src_endpoint": "network_endpoint", "resources": "[]resource_details",
		},
		numbers: map[string][]int{"activity_id": {0, 1, 2, 3, 4, 99}, "category_uid": {6}, "class_uid": {6003}},
	},
}

var objects = map[string]shape{
	"metadata": { // objects/metadata.json
		required: []string{"version", "product"},
		attributes: map[string]string{
			"version": "string_t", "product": "product", "uid": "string_t", "event_code": "string_t", "log_name": "string_t", "sequence": "integer_t",
			"tenant_uid": "string_t",
		},
	},
	"product": { // objects/product.json, which extends objects/_entity.json
		required: []string{"vendor_name"}, atLeastOne: []string{"name", "uid"},
		attributes: map[string]string{"name": "string_t", "vendor_name": "string_t"},
	},
	"actor": { // objects/actor.json
		atLeastOne: []string{"process", "user", "invoked_by", "session", "app_name", "app_uid"},
		attributes: map[string]string{"user": "user", "session": "session", "app_name": "string_t"},
	},
	"user": { // objects/user.json
		atLeastOne: []string{"account", "name", "uid"},
		attributes: map[string]string{"uid": "string_t", "name": "username_t", "domain": "string_t"},
	},
	"session": { // objects/session.json
		attributes: map[string]string{"uid": "string_t", "issuer": "string_t", "expiration_time": "timestamp_t"},
	},
	"network_endpoint": { // objects/network_endpoint.json, which extends objects/endpoint.json
		atLeastOne: []string{"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name"},
		attributes: map[string]string{"ip": "ip_t", "svc_name": "string_t", "name": "string_t"},
	},
	"service": { // objects/service.json, which extends objects/_entity.json
		atLeastOne: []string{"name", "uid"},
		attributes: map[string]string{"name": "string_t"},
	},
	"api": { // objects/api.json
		required: []string{"operation"}, attributes: map[string]string{"operation": "string_t"},
	},
	"resource_details": { // objects/resource_details.json, which extends objects/_resource.json and so objects/_entity.json
		atLeastOne: []string{"name", "uid"}, attributes: map[string]string{"uid": "string_t", "type": "string_t"},
	},
}

// faults returns what the framework has against an event, as systems read it.
func faults(event map[string]any) []string {
	number, _ := event["class_uid"].(float64)
	class, ok := classes[int(number)]
	if !ok {
		return []string{fmt.Sprintf("class_uid is %v", event["class_uid"])}
	}
	found := slices.Concat(base.lacks("event", event), class.lacks("event", event))
	for name, value := range event {
		of := base
		if _, ok := of.attributes[name]; !ok {
			of = class
		}
		found = append(found, of.faultsOf(name, name, value)...)
		for _, of := range []shape{base, class} {
			if allowed := of.numbers[name]; allowed != nil && !oneOf(value, allowed) {
				found = append(found, fmt.Sprintf("%s is %v", name, value))
			}
		}
	}
	if activity, _ := event["activity_id"].(float64); event["type_uid"] != 100*number+activity {
		found = append(found, fmt.Sprintf("type_uid is %v", event["type_uid"]))
	}
	return found
}

func oneOf(value any, allowed []int) bool {
	n, ok := value.(float64)
	return ok && slices.Contains(allowed, int(n))
}

// lacks returns what is required and not there. An empty text is not there either.
func (s shape) lacks(path string, object map[string]any) (found []string) {
	said := func(name string) bool { return object[name] != nil && object[name] != "" }
	for _, name := range s.required {
		if !said(name) {
			found = append(found, path+" has no "+name)
		}
	}
	if len(s.atLeastOne) > 0 && !slices.ContainsFunc(s.atLeastOne, said) {
		found = append(found, path+" has none of "+strings.Join(s.atLeastOne, ", "))
	}
	return found
}

// faultsOf returns what is wrong with the value of an attribute.
func (s shape) faultsOf(path, name string, value any) (found []string) {
	kind, ok := s.attributes[name]
	if !ok {
		return []string{path + " is no attribute that is known here"}
	}
	if of, ok := strings.CutPrefix(kind, "[]"); ok {
		list, ok := value.([]any)
		if !ok {
			return []string{path + " is no list"}
		}
		for _, one := range list {
			found = append(found, objectFaults(path, of, one)...)
		}
		return found
	}
	if _, ok := objects[kind]; ok {
		return objectFaults(path, kind, value)
	}
	if !scalar(kind, value) {
		found = append(found, fmt.Sprintf("%s is %.40v", path, value))
	}
	return found
}

func objectFaults(path, kind string, value any) []string {
	object, ok := value.(map[string]any)
	if !ok {
		return []string{path + " is no object"}
	}
	found := objects[kind].lacks(path, object)
	for name, value := range object {
		found = append(found, objects[kind].faultsOf(path+"."+name, name, value)...)
	}
	return found
}

// scalar reports whether a value is of a type of dictionary.json.
func scalar(kind string, value any) bool {
	switch v := value.(type) {
	case string:
		switch kind {
		case "string_t", "username_t":
			return len(v) <= 65535
		case "ip_t":
			_, err := netip.ParseAddr(v)
			return err == nil && len(v) <= 40
		}
	case float64:
		switch kind {
		case "integer_t", "long_t":
			return v == float64(int64(v))
		case "timestamp_t": // milliseconds: of this century, and so neither seconds nor microseconds
			return v > 946_684_800_000 && v < 4_102_444_800_000
		}
	}
	return false
}

// exported returns an event as a system gets it that collects everybody's: from the record to the line.
func exported(t *testing.T, e audit.Event) map[string]any {
	t.Helper()
	canonical := string(e.AppendCanonical(nil))
	logged, err := api.LoggedEvent(canonical)
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(Of(logged, issuer, 0, canonical))
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(line, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// occasions returns events of a kind as nsc records them.
func occasions(kind audit.Kind) map[string]audit.Event {
	const subject = "workspace/acmeid/external/h/x"
	bare := audit.Event{ID: "e1", Time: at, WorkspaceID: "acmeid", Kind: kind}
	upstream := &audit.Upstream{Issuer: "https://issuer.example.com", Subject: "repo:acme/api", TokenID: "job-1", Digest: "00", Key: "k", KeySource: "discovery"}
	actor := &audit.Upstream{Issuer: "https://other.example.com", Subject: "agent"} // its issuer gives no jti
	told := bare
	told.Subject, told.Address, told.Upstream, told.Trusts = subject, "192.0.2.7", upstream, []identity.TrustRef{{ID: "t1", Version: 2}}

	switch kind {
	case audit.TokenIssued, audit.TokenReissued:
		told.Token = &audit.Token{ID: "e1", Type: "access_token", Audience: issuer, Subject: subject, Algorithm: "ES256", ExpiresAt: at.Add(time.Hour), PayloadHash: "00"}
		others := told
		others.Token = &audit.Token{ID: "e1", Type: "id_token", Audience: "sts.amazonaws.com", Subject: subject, Algorithm: "RS256", ExpiresAt: at.Add(time.Hour), PayloadHash: "00"}
		delegated, unaddressed := told, others
		delegated.Address, delegated.Actor, delegated.Act = "2001:db8::7", actor, []string{"workspace/acmeid/external/h/y"}
		unaddressed.Address = ""
		return map[string]audit.Event{"a sign-in": told, "for others": others, "delegated": delegated, "from nowhere": unaddressed}
	case audit.TokenRefused:
		told.Reason, told.Details = "audience_refused", map[string]string{"code": "audience_refused", "audience": "sts.amazonaws.com", "token_type": "id_token"}
		stranger, delegated := told, told
		stranger.Subject, stranger.Address, stranger.Upstream, stranger.Trusts = "", "", actor, nil
		stranger.Details = map[string]string{"code": "token_refused", "audience": "", "token_type": ""}
		delegated.Actor = actor
		return map[string]audit.Event{"known": told, "a stranger": stranger, "delegated": delegated}
	}
	told.Object = "o1"
	unaddressed, operator, long := told, bare, told
	unaddressed.Address, unaddressed.Upstream, unaddressed.Trusts = "", nil, nil
	operator.Object = "o1"
	long.Details = map[string]string{"before": strings.Repeat("a", 40_000), "after": strings.Repeat("b", 40_000)}
	return map[string]audit.Event{
		"told": told, "from nowhere": unaddressed, "by the operator, on the administration socket": operator,
		"by the operator, of nothing in particular": bare, "long": long,
	}
}

func TestEveryKindOfEventHasWhatTheFrameworkRequires(t *testing.T) {
	for _, kind := range append(audit.Kinds(), "trust.praised", "unheard") { // and those of a newer release
		for name, e := range occasions(kind) {
			for _, fault := range faults(exported(t, e)) {
				t.Errorf("%s, %s: %s", kind, name, fault)
			}
		}
	}
}

func TestWhatTheFrameworkRequiresIsMissed(t *testing.T) {
	at := func(event map[string]any, path ...string) map[string]any {
		for _, name := range path {
			event = event[name].(map[string]any)
		}
		return event
	}
	type damaged = map[string]any
	for name, c := range map[string]struct {
		kind   audit.Kind
		damage func(event damaged)
		want   string
	}{
		"a required attribute":           {audit.TrustCreated, func(e damaged) { delete(e, "severity_id") }, "event has no severity_id"},
		"one of the class":               {audit.TokenRefused, func(e damaged) { delete(e, "user") }, "event has no user"},
		"one of the other class":         {audit.TrustCreated, func(e damaged) { delete(e, "actor") }, "event has no actor"},
		"one of an object":               {audit.TrustCreated, func(e damaged) { delete(at(e, "metadata", "product"), "vendor_name") }, "metadata.product has no vendor_name"},
		"one of two":                     {audit.TokenRefused, func(e damaged) { delete(e, "service") }, "event has none of service, dst_endpoint"},
		"an empty text":                  {audit.TokenRefused, func(e damaged) { at(e, "service")["name"] = "" }, "service has none of name, uid"},
		"an empty object":                {audit.TrustCreated, func(e damaged) { e["actor"] = damaged{} }, "actor has none of process, user, invoked_by, session, app_name, app_uid"},
		"an empty object of a list":      {audit.TrustCreated, func(e damaged) { e["resources"] = []any{damaged{}} }, "resources has none of name, uid"},
		"a number of another class":      {audit.TrustCreated, func(e damaged) { e["activity_id"], e["type_uid"] = 5.0, 600305.0 }, "activity_id is 5"},
		"a number of nothing":            {audit.TrustCreated, func(e damaged) { e["status_id"] = 3.0 }, "status_id is 3"},
		"a class of nothing":             {audit.TrustCreated, func(e damaged) { e["class_uid"] = 6001.0 }, "class_uid is 6001"},
		"a category of another class":    {audit.TokenIssued, func(e damaged) { e["category_uid"] = 6.0 }, "category_uid is 6"},
		"a type that does not follow":    {audit.TokenIssued, func(e damaged) { e["type_uid"] = 300202.0 }, "type_uid is 300202"},
		"a member of another class":      {audit.TrustCreated, func(e damaged) { e["user"] = damaged{"uid": "x"} }, "user is no attribute that is known here"},
		"a time in seconds":              {audit.TrustCreated, func(e damaged) { e["time"] = 1772600767.0 }, "time is 1772600767"},
		"an address that is none":        {audit.TrustCreated, func(e damaged) { at(e, "src_endpoint")["ip"] = "@" }, "src_endpoint.ip is @"},
		"a number in a text's place":     {audit.TrustCreated, func(e damaged) { at(e, "api")["operation"] = 1.0 }, "api.operation is 1"},
		"a text in an object's place":    {audit.TrustCreated, func(e damaged) { e["api"] = "trust.created" }, "api is no object"},
		"an object in a list's place":    {audit.TrustCreated, func(e damaged) { e["resources"] = damaged{} }, "resources is no list"},
		"a text that is longer than 64K": {audit.TrustCreated, func(e damaged) { e["raw_data"] = strings.Repeat("a", 65536) }, "raw_data is " + strings.Repeat("a", 40)},
	} {
		occasion := "told"
		switch c.kind {
		case audit.TokenRefused:
			occasion = "known"
		case audit.TokenIssued:
			occasion = "a sign-in"
		}
		e := exported(t, occasions(c.kind)[occasion])
		c.damage(e)
		if got := faults(e); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}
