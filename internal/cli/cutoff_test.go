package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// Rule 23: what was not looked at is not said to be reached.
func TestRule23WhatIsOutOfReachIsSaidInWords(t *testing.T) {
	some := []api.Unreachable{{Audience: "https://api.example.com", Count: 3}}
	for want, result := range map[string]api.Unreached{
		"No living tokens are out of reach.":   {},
		"but not all were looked at.":          {Incomplete: true},
		"https://api.example.com  3":           {Unreachable: some},
		"until they fetch the keys again":      {Unreachable: some},
		"may be more: not all were looked at.": {Unreachable: some, Incomplete: true},
	} {
		var said strings.Builder
		(&program{now: time.Now}).unreachable(&said, result, byKey)
		if !strings.Contains(said.String(), want) || result.Incomplete != strings.Contains(said.String(), "not all") {
			t.Errorf("%+v: %s", result, &said)
		}
	}
}

func TestCutOffTakesAWholeToken(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /api/v1/workspaces/prod/cut-offs", 201, `{"id":"c","unreachable":[]}`)
	token := l.nsc.accessToken("prod", "s", noon.Add(time.Hour))
	for _, given := range []string{token, "-", fmt.Sprint(l.nsc.issued)} {
		l.stdin = token + "\n"
		l.ok("cutoff", "--token", given)
		if c := l.nsc.last(); c.body["token"] != fmt.Sprint(l.nsc.issued) {
			t.Errorf("%.10s: sent %+v", given, c)
		}
	}
	foreign := l.nsc.sign(`{"iss":"https://ci.example.com","jti":"x"}`)
	for given, want := range map[string][2]string{
		secrets()[0]:                        {"the secret of a token, which has no jti", "nsc token revoke -"},
		secrets()[1]:                        {"the secret of a token, which has no jti", "nsc token list"},
		"eyJ.half":                          {"a JWT that is not whole", "nsc auth inspect"},
		l.nsc.sign(`{"iss":"i"}`):           {"has no jti", "nsc auth inspect"},
		foreign:                             {"is one of https://ci.example.com, not of " + l.nsc.issuer("prod"), "--issuer ISSUER --subject SUBJECT"},
		l.nsc.accessToken("far", "s", noon): {"is one of " + l.nsc.issuer("far"), "--workspace far"},
	} {
		r := l.fails(failure.Misused, want[0], "cutoff", "--token", given)
		if !strings.Contains(r.talk, want[1]) || strings.Contains(r.talk, given) {
			t.Errorf("%s", r.talk)
		}
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
}
