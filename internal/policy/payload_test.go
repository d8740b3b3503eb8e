package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRule11WhatTokensCarry(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(func(tr *Trust) {
		tr.Mappings = map[string]string{"groups": "claims.groups", "attributes.team": "claims.team"}
	}))
	who := w.external(claims{
		"groups": []string{"dev"}, "team": "core", "azp": "evil", "nonce": "n", "act": claims{"sub": "x"},
	})
	always := []string{
		"attributes", "aud", "depth", "exp", "groups", "iat", "iss", "jti", "nbf", "root_iat", "sub",
		"workspace", "workspace_id",
	}
	for _, row := range []struct {
		rule string
		ask  []func(*Request)
		also []string
	}{
		{"ID token", []func(*Request){idToken, forAudience("https://api.example/v1")}, nil},
		{"ID token for the issuer", []func(*Request){idToken}, nil},
		{"access token for another audience", []func(*Request){forAudience("https://api.example/v1")}, []string{"client_id"}},
		{"access token for another audience, with details",
			[]func(*Request){forAudience("https://api.example/v1"), wanting(grant(Workspace, "trust", Read))}, []string{"authorization_details", "client_id"}},
		{"access token for another audience, with a scope",
			[]func(*Request){forAudience("https://api.example/v1"), scoped("workspace:read")}, []string{"authorization_details", "client_id"}},
		{"access token for another audience, with no details",
			[]func(*Request){forAudience("https://api.example/v1"), wanting()}, []string{"client_id"}},
		{"ID token, with details", []func(*Request){idToken, forAudience("https://api.example/v1"), wanting(grant(Workspace, "trust", Read))}, nil},
		{"access token for the issuer", nil, []string{"authorization_details", "client_id", "trusts"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g := w.granted(Decide(who, trusts, nil, w.ask(row.ask...)))
			want := slices.Sorted(slices.Values(append(slices.Clone(always), row.also...)))
			if got := slices.Sorted(maps.Keys(payloadOf(t, g))); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if (len(g.Permissions()) > 0) != slices.Contains(row.also, "authorization_details") || len(g.Trusts()) != 1 {
				t.Errorf("echo %v, trusts of the record %v", g.Permissions(), g.Trusts())
			}
		})
	}
}

func TestRule11ThePayloadToItsLastByte(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust(func(tr *Trust) {
		tr.Mappings = map[string]string{"groups": "claims.groups", "attributes.team": "claims.team"}
	}))
	who := w.external(claims{"groups": []string{"<ops>", "dev"}, "team": "core & more"})
	g := w.granted(Decide(who, trusts, nil, w.ask()))
	sub := who.Subject()
	want := fmt.Sprintf(`{"iss":"https://nsc.example/w/acme","sub":%q,"aud":"https://nsc.example/w/acme",`+
		`"iat":1772366400,"exp":1772367300,"nbf":1772366370,"jti":"mmmmmmmmmmmmmmmmmmmmmmmmma",`+
		`"workspace_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","workspace":"acme","root_iat":1772366400,"depth":0,"client_id":%q,`+
		`"authorization_details":[{"type":"audience","identifier":"https://api.example/*","actions":["issue"]},`+
		`{"type":"workspace","identifier":"trust","actions":["read"]}],`+
		`"trusts":[{"id":"tttttttttttttttttttttttttA","version":1}],`+
		`"groups":["issuer.example#<ops>","issuer.example#dev"],"attributes":{"team":"core & more"}}`, sub, sub)
	if string(g.Payload()) != want {
		t.Errorf("\n%s, want\n%s", g.Payload(), want)
	}
	if g.ID() != jti || g.WorkspaceID() != tenant.ID || g.Generation() != 7 ||
		g.Algorithm() != "ES256" || g.Audience() != tenant.Issuer || !g.IssuedAt().Equal(w.now) || !g.ExpiresAt().Equal(w.now.Add(15*time.Minute)) || g.Caller().TokenID() != "external-1" {
		t.Errorf("%+v", g.g)
	}
}

func TestRule11OwnTokensCarryOn(t *testing.T) {
	w := newWorld(t)
	tr := trust(func(tr *Trust) {
		tr.Mappings = map[string]string{"groups": "claims.groups", "attributes.team": "claims.team"}
	})
	parent := w.granted(Decide(w.external(claims{"groups": []string{"dev"}, "team": "core"}), compile(t, tr), nil, w.ask()))
	who := w.mustOwn(parent)
	child := w.granted(Decide(who, nil, who.Trusts(), w.ask(func(r *Request) { r.ID = "child" })))
	before, after := payloadOf(t, parent), payloadOf(t, child)
	if fmt.Sprint(after["parents"], after["parent_keys"]) != fmt.Sprint([]any{before["jti"]}, []any{"k1"}) || before["parents"] != nil {
		t.Errorf("parents %v, signed by %v", after["parents"], after["parent_keys"])
	}
	for _, own := range []string{"jti", "parents", "parent_keys"} {
		delete(before, own)
		delete(after, own)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("\n%v\n%v", before, after)
	}
}

func TestSecuritySkewedClocks(t *testing.T) {
	w := newWorld(t)
	p := payloadOf(t, w.granted(Decide(w.external(nil), compile(t, trust()), nil, w.ask())))
	if p["iat"].(float64)-p["nbf"].(float64) != 30 {
		t.Errorf("nbf %v, iat %v", p["nbf"], p["iat"])
	}
}

func TestAlgorithmByAudience(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct{ audience, asked, want string }{
		{"", "", "ES256"},
		{"sts.amazonaws.com", "", "ES256"},
		{"api://AzureADTokenExchange", "", "RS256"},
		{"api://AzureADTokenExchangeUSGov", "", "RS256"},
		{"api://AzureADTokenExchange", "ES256", "ES256"},
		{"sts.amazonaws.com", "RS256", "RS256"},
	} {
		g := w.granted(derive(admin(w, w.now.Add(time.Hour)), w.ask(forAudience(row.audience), func(r *Request) {
			r.Algorithm = row.asked
		})))
		if g.Algorithm() != row.want {
			t.Errorf("%q, asked for %q: %s", row.audience, row.asked, g.Algorithm())
		}
	}
}

func TestRule12GroupsFromOutside(t *testing.T) {
	w := newWorld(t)
	many := make([]string, maxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	for _, row := range []struct {
		rule   string
		groups any
		want   Reason
		got    []any
	}{
		{"prefixed, sorted, each once", []string{"ops", "dev", "ops"}, Granted,
			[]any{"issuer.example#dev", "issuer.example#ops"}},
		{"one string", "dev", Granted, []any{"issuer.example#dev"}},
		{"none", []string{}, Granted, nil},
		{"system:masters", []string{"dev", "system:masters"}, MappingRefused, nil},
		{"system", []string{"system"}, MappingRefused, nil},
		{"systems are another thing", []string{"systems"}, Granted, []any{"issuer.example#systems"}},
		{"an empty one", []string{""}, MappingRefused, nil},
		{"too long", []string{strings.Repeat("g", maxMapped+1)}, MappingRefused, nil},
		{"a control character", []string{"a\nb"}, MappingRefused, nil},
		{"201 of them", many, MappingRefused, nil},
		{"not strings: an evaluation error, no match", []any{1, 2}, NoTrust, nil},
		{"not a list: an evaluation error, no match", 5, NoTrust, nil},
		{"absent: an evaluation error, no match", nil, NoTrust, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			trusts := compile(t, trust(func(tr *Trust) { tr.Mappings = map[string]string{"groups": "claims.groups"} }))
			d := Decide(w.external(claims{"groups": row.groups}), trusts, nil, w.ask())
			if d.Reason != row.want || len(d.Outcomes) != 1 || (d.Outcomes[0].Failed == ClauseMapping) != (row.want != Granted) {
				t.Fatalf("%+v", d)
			}
			if g, ok := d.Grant(); ok {
				got, _ := payloadOf(t, g)["groups"].([]any)
				if !reflect.DeepEqual(got, row.got) {
					t.Errorf("%q", got)
				}
			}
		})
	}
}

func TestRule12ThePrefixIsUniqueToTheIssuer(t *testing.T) {
	seen := map[string]string{}
	for _, i := range []string{
		"https://a.example", "http://a.example", "https://a.example/", "https://a.example/b", "http://127.0.0.1:9000",
		"https://http://a.example", "https://https://a.example", "https://https://http://a.example", "https://a.example/http://a.example",
	} {
		prefix := groupPrefix(i)
		if before, ok := seen[prefix]; ok {
			t.Errorf("%q and %q share %q", i, before, prefix)
		}
		seen[prefix] = i
	}
	if groupPrefix("https://a.example") != "a.example#" || groupPrefix("http://a.example") != "http://a.example#" {
		t.Errorf("%v", seen)
	}
}

func TestRule12AttributesFromOutside(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule  string
		value any
		want  Reason
	}{
		{"a string", "core", Granted},
		{"system:", "system:serviceaccount:a:b", MappingRefused},
		{"empty", "", MappingRefused},
		{"too long", strings.Repeat("a", maxMapped+1), MappingRefused},
		{"a control character", "a\tb", MappingRefused},
		{"a number", 5, NoTrust},
		{"absent", nil, NoTrust},
	} {
		t.Run(row.rule, func(t *testing.T) {
			trusts := compile(t, trust(func(tr *Trust) { tr.Mappings = map[string]string{"attributes.team": "claims.team"} }))
			if d := Decide(w.external(claims{"team": row.value}), trusts, nil, w.ask()); d.Reason != row.want {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestRule12ConflictingMappingsRefuse(t *testing.T) {
	w := newWorld(t)
	of := func(target, expression string) map[string]string { return map[string]string{target: expression} }
	for _, row := range []struct {
		rule string
		a, b map[string]string
		want Reason
		keys []string
	}{
		{"equal groups", of("groups", `["a", "b"]`), of("groups", `["b", "a", "b"]`), Granted, nil},
		{"different groups", of("groups", `["a"]`), of("groups", `["a", "b"]`), MappingConflict, nil},
		{"no groups are groups", of("groups", `["a"]`), of("groups", `[]`), MappingConflict, nil},
		{"groups from one alone", of("groups", `["a"]`), nil, Granted, nil},
		{"equal attributes", of("attributes.x", `"1"`), of("attributes.x", `"1"`), Granted, []string{"x"}},
		{"different attributes", of("attributes.x", `"1"`), of("attributes.x", `"2"`), MappingConflict, nil},
		{"attributes of two names", of("attributes.x", `"1"`), of("attributes.y", `"2"`), Granted, []string{"x", "y"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			a := trust(func(tr *Trust) { tr.ID, tr.Mappings = "a", row.a })
			b := trust(func(tr *Trust) { tr.ID, tr.Mappings = "b", row.b })
			d := Decide(w.external(nil), compile(t, a, b), nil, w.ask())
			if d.Reason != row.want {
				t.Fatalf("%+v", d)
			}
			if g, ok := d.Grant(); ok && row.keys != nil {
				attributes := payloadOf(t, g)["attributes"].(map[string]any)
				if !slices.Equal(slices.Sorted(maps.Keys(attributes)), row.keys) {
					t.Errorf("%v", attributes)
				}
			}
			if row.want == MappingConflict && d.Outcomes[1].Failed != ClauseMapping {
				t.Errorf("%+v", d.Outcomes)
			}
			if _, ok := Decide(w.external(nil), compile(t, a, b), nil, w.ask(named("a"))).Grant(); !ok {
				t.Error("naming one trust does not help")
			}
		})
	}
}
