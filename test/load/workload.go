package main

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// Parameters of RFC 8693.
const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeJWT       = "urn:ietf:params:oauth:token-type:jwt"
	typeID        = "urn:ietf:params:oauth:token-type:id_token"
	typeAccess    = "urn:ietf:params:oauth:token-type:access_token"
)

// subjects is the pattern of those that are trusted, subject one of them.
const (
	subjects = "repo:acme/api:*"
	subject  = "repo:acme/api:ref:refs/heads/main"
)

// workload is one kind of call, to nsc and to the floor.
type workload struct {
	name      string
	title     string
	size      int    // requests of one run
	algorithm string // of the external tokens that a run needs; "" where it needs none
	issues    bool   // whether every request is for a token
	goal      goal
	durable   bool // the floor with a journal is in nsc's place: what comes before the signature is durable, and that is all
	floor     func(f *fixture, n int) []request
	nsc       func(f *fixture, n int) []request
}

// goal is what performance.md asks: a ratio to the floor, or microseconds above it, or nothing.
type goal struct {
	ratio float64
	above float64 // µs
}

func (g goal) String() string {
	switch {
	case g.above > 0:
		return fmt.Sprintf("floor + %g µs", g.above)
	case g.ratio == 0:
		return "—"
	}
	return fmt.Sprintf("%g × floor", g.ratio)
}

// fixture is a server with a tenant and what was prepared of it.
type fixture struct {
	tenant  *tenant
	floor   *process
	durable *process // a floor with a journal
	spent   meter    // of it, and of the database that the journal is in
	issuer  *issuer
	tokens  []string // external ones of the pair that runs: both sides get the same
	callers []string // access tokens of callers that are signed in
	held    []string // distinct tokens of ours, more than are remembered
	opaque  []string
	known   int // of them, that are introspected again and again
}

var workloads = []workload{
	{"exchange", "exchange ES256 → ES256", 12000, "ES256", true, goal{ratio: 1.2}, false, floorExchange("/exchange"), nscExchange(nil)},
	{
		"durable", "the floor itself, the payload durable before it is signed, ES256", 12000, "ES256", false, goal{}, true,
		floorExchange("/exchange"), durableExchange("/exchange/durable"),
	},
	{
		"id-token", "ID token from a signed-in caller, ES256", 12000, "ES256", true, goal{ratio: 1.25}, false, floorExchange("/exchange"),
		nscDerive(url.Values{"requested_token_type": {typeID}, "audience": {service}}),
	},
	{
		"exchange-rs256", "exchange RS256 → RS256", 1200, "RS256", true, goal{above: 60}, false, floorExchange("/exchange/rs256"),
		nscExchange(url.Values{"requested_token_type": {typeID}, "audience": {service}, "id_token_signed_response_alg": {"RS256"}}),
	},
	{
		"durable-rs256", "the floor itself, the payload durable before it is signed, RS256", 1200, "RS256", false, goal{}, true,
		floorExchange("/exchange/rs256"), durableExchange("/exchange/durable/rs256"),
	},
	{"jwks", "JWKS", 80000, "", false, goal{ratio: 1.5}, false, floorGet("/jwks"), nscGet("/jwks")},
	{"discovery", "discovery", 80000, "", false, goal{ratio: 1.5}, false, floorGet("/discovery"), nscGet("/.well-known/openid-configuration")},
	{"introspect-jwt", "introspection of a JWT", 0, "ES256", false, goal{ratio: 1.3}, false, floorIntrospect, nscIntrospect(func(f *fixture) []string { return f.held })},
	{"introspect-opaque", "introspection of an opaque token, seen before", 0, "", false, goal{ratio: 3}, false, floorForm, nscIntrospect(func(f *fixture) []string { return f.opaque[:f.known] })},
	{"introspect-unseen", "introspection of an opaque token, not seen lately", 0, "", false, goal{ratio: 3}, false, floorForm, nscIntrospect(func(f *fixture) []string { return f.opaque })},
}

func exchangeForm(token, kind string, more url.Values) string {
	form := url.Values{"grant_type": {grantExchange}, "subject_token": {token}, "subject_token_type": {kind}}
	for name, values := range more {
		form[name] = values
	}
	return form.Encode()
}

func floorExchange(path string) func(*fixture, int) []request {
	return func(f *fixture, n int) []request { return f.exchanges(f.floor, path, n) }
}

func durableExchange(path string) func(*fixture, int) []request {
	return func(f *fixture, n int) []request { return f.exchanges(f.durable, path, n) }
}

// exchanges are those of a floor.
func (f *fixture) exchanges(floor *process, path string, n int) []request {
	return each(n, func(i int) request { return post(hostOf(floor.url), path, exchangeForm(f.tokens[i], typeJWT, nil)) })
}

func nscExchange(more url.Values) func(*fixture, int) []request {
	return func(f *fixture, n int) []request {
		return each(n, func(i int) request { return f.exchange(f.tokens[i], typeJWT, more) })
	}
}

func (f *fixture) exchange(token, kind string, more url.Values) request {
	return post(hostOf(f.tenant.server.url), "/w/"+f.tenant.name+"/token", exchangeForm(token, kind, more))
}

func nscDerive(more url.Values) func(*fixture, int) []request {
	return func(f *fixture, n int) []request {
		return each(n, func(i int) request { return f.exchange(f.callers[i%len(f.callers)], typeAccess, more) })
	}
}

func floorGet(path string) func(*fixture, int) []request {
	return func(f *fixture, n int) []request { return repeat(n, get(hostOf(f.floor.url), path)) }
}

func nscGet(path string) func(*fixture, int) []request {
	return func(f *fixture, n int) []request {
		return repeat(n, get(hostOf(f.tenant.server.url), "/w/"+f.tenant.name+path))
	}
}

func floorIntrospect(f *fixture, n int) []request {
	return each(n, func(i int) request {
		return post(hostOf(f.floor.url), "/introspect", url.Values{"token": {f.tokens[i]}}.Encode())
	})
}

func floorForm(f *fixture, n int) []request {
	return each(n, func(i int) request {
		return post(hostOf(f.floor.url), "/form", url.Values{"token": {f.opaque[i]}}.Encode())
	})
}

func nscIntrospect(tokens func(*fixture) []string) func(*fixture, int) []request {
	return func(f *fixture, n int) []request {
		all := tokens(f)
		return each(n, func(i int) request {
			return post(hostOf(f.tenant.server.url), "/w/"+f.tenant.name+"/introspect", url.Values{"token": {all[i%len(all)]}}.Encode(),
				"Authorization: Bearer "+f.callers[i%len(f.callers)])
		})
	}
}

func each(n int, make1 func(i int) request) []request {
	all := make([]request, n)
	for i := range all {
		all[i] = make1(i)
	}
	return all
}

func repeat(n int, r request) []request { return each(n, func(int) request { return r }) }

// accessToken returns the token of an answer.
func accessToken(body []byte) (string, error) {
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", fmt.Errorf("no token in %s", body)
	}
	return answer.Token, nil
}
