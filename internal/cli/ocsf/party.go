package ocsf

import "github.com/nsc-federation/nsc/internal/cli/api"

// Names where an event has none.
const (
	self    = "nsc"     // the server, or its operator on the server's own machine
	unknown = "Unknown" // the framework's word
)

type actor struct {
	User    *user    `json:"user,omitempty"`
	Session *session `json:"session,omitempty"`  // the credential that was shown
	App     string   `json:"app_name,omitempty"` // where nobody showed one
}

type user struct {
	UID    string `json:"uid"`
	Name   string `json:"name,omitempty"`   // as the credential's issuer calls him
	Domain string `json:"domain,omitempty"` // that issuer
}

type session struct {
	UID       string `json:"uid,omitempty"`
	Issuer    string `json:"issuer,omitempty"`
	ExpiresAt int64  `json:"expiration_time,omitempty"` // milliseconds
}

type endpoint struct {
	IP      string `json:"ip,omitempty"`
	Service string `json:"svc_name,omitempty"`
	Name    string `json:"name,omitempty"`
}

// actorOf says who asked. Where somebody acts for the subject, that is he, by his own credential (rule 34).
func actorOf(e api.Event) (a actor) {
	subject, credential := e.Subject, e.Upstream
	if e.Actor != nil {
		subject, credential = "", e.Actor
		if len(e.Act) > 0 {
			subject = e.Act[0]
		}
	}
	if credential != nil {
		a.Session = &session{UID: credential.TokenID, Issuer: credential.Issuer}
	}
	if credential != nil || subject != "" {
		a.User = userOf(subject, credential)
	} else {
		a.App = self
	}
	return a
}

// userOf names a subject, and what the issuer of his credential calls him.
func userOf(subject string, credential *api.EventUpstream) *user {
	u := &user{UID: subject}
	if credential != nil {
		u.Name, u.Domain = credential.Subject, credential.Issuer
		if u.UID == "" {
			u.UID = credential.Subject // one that nothing admitted has no other name
		}
	}
	return u
}

func sourceOf(e api.Event) *endpoint {
	if e.Address == "" {
		return nil
	}
	return &endpoint{IP: e.Address}
}

// insteadOfAddress says from where something came that has no address on the record: what nobody signed in for, from the
// server itself; of the rest, nothing is known.
func insteadOfAddress(e api.Event) *endpoint {
	if e.Subject == "" {
		return &endpoint{Service: self}
	}
	return &endpoint{Name: unknown}
}
