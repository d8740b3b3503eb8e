package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

func TestRequestsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	who := w.external(nil)
	trusts := compile(t, trust())
	for _, row := range []struct {
		rule   string
		caller identity.Identity
		change func(*Request)
		want   Reason
	}{
		{"nobody", identity.Identity{}, func(*Request) {}, NoCaller},
		{"no ID", who, func(r *Request) { r.ID = "" }, RequestRefused},
		{"no time", who, func(r *Request) { r.Now = time.Time{} }, RequestRefused},
		{"no token type", who, func(r *Request) { r.TokenType = "" }, RequestRefused},
		{"a refresh token", who, func(r *Request) { r.TokenType = "refresh_token" }, RequestRefused},
		{"a negative lifetime", who, wish(-time.Hour), RequestRefused},
		{"a lifetime below a second", who, wish(time.Millisecond), RequestRefused},
		{"an audience with NUL", who, forAudience("https://api.example/\x00"), RequestRefused},
		{"an audience that is too long", who, forAudience("https://api.example/" + strings.Repeat("x", 1024)), RequestRefused},
		{"a trust named with our own token", admin(w, w.now.Add(time.Hour)), named(trust().ID), RequestRefused},
		{"65 scopes", who, scoped(make([]string, 65)...), RequestRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var live []identity.TrustRef
			if !row.caller.IsZero() {
				live = row.caller.Trusts()
			}
			d := Decide(row.caller, trusts, live, w.ask(row.change))
			if g, ok := d.Grant(); ok || !g.IsZero() || d.Reason != row.want || (d.Reason == RequestRefused) != (d.Detail != "") {
				t.Errorf("%+v", d)
			}
		})
	}
	if g, ok := (Decision{}).Grant(); ok || !g.IsZero() {
		t.Error("the zero decision grants something")
	}
}

func TestRule05NarrowingIsNeverWidening(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(func(tr *Trust) {
		tr.Grants = these(grant(Registry, "team/*", "pull", "push"), grant(Workspace, "trust", Write))
	}))
	all := func(list ...func(*Request)) []func(*Request) { return list }
	pullApp, readTrust := grant(Registry, "team/app", "pull"), grant(Workspace, "trust", Read)
	readKey, allApp := grant(Workspace, "key", Read), grant(Registry, "team/app", "pull", "push")
	for _, row := range []struct {
		rule string
		ask  []func(*Request)
		want Reason
		have []identity.Permission
	}{
		{"part of it", all(wanting(pullApp)), Granted, these(pullApp)},
		{"an included action", all(wanting(readTrust)), Granted, these(readTrust)},
		{"nothing at all", all(wanting()), Granted, nil},
		{"another action", all(wanting(grant(Registry, "team/app", "delete"))), DetailsRefused, nil},
		{"a wider pattern", all(wanting(grant(Registry, "*", "pull"))), DetailsRefused, nil},
		{"one held and one not", all(wanting(pullApp, readKey)), DetailsRefused, nil},
		{"no action", all(wanting(grant(Registry, "team/app"))), DetailsRefused, nil},
		{"an unknown type", all(wanting(grant("mainframe", "x", "read"))), DetailsRefused, nil},
		{"a scope", all(scoped("registry:pull")), Granted, these(grant(Registry, "team/*", "pull"))},
		{"a scope within details", all(wanting(allApp), scoped("registry:pull")), Granted, these(pullApp)},
		{"a scope beyond details", all(wanting(pullApp), scoped("registry:push")), ScopeRefused, nil},
		{"a scope that is not held", all(scoped("registry:delete")), ScopeRefused, nil},
		{"details of an ID token are judged too", all(idToken, wanting(readKey)), DetailsRefused, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			d := Decide(w.external(nil), trusts, nil, w.ask(row.ask...))
			if d.Reason != row.want {
				t.Fatalf("%+v", d)
			}
			if g, ok := d.Grant(); ok && len(row.have)+len(g.Permissions()) > 0 && !reflect.DeepEqual(g.Permissions(), row.have) {
				t.Errorf("%v", g.Permissions())
			}
		})
	}
}
