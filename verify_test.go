package nsc_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestVerifyReturnsWhatTheTokenSays(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			i := newIssuer(prod)
			i.key = newKey("k", alg)
			i.publish(i.key)
			now := time.Now().Truncate(time.Second)
			c, err := i.verifier(nsc.AccessTokens()).Verify(t.Context(), i.sign("at+jwt",
				i.accessClaims().with(claims{"attributes": claims{"team": "blue"}, "auth_time": 17})))
			if err != nil {
				t.Fatal(err)
			}
			if c.Issuer != prod || c.Subject != "workspace/w/user/u" || c.Audience != audience || c.ID != "j" ||
				c.WorkspaceID != "w" || c.Workspace != "prod" || c.ClientID != "c" ||
				c.IssuedAt.Before(now) || c.ExpiresAt.Sub(c.IssuedAt) != 5*time.Minute {
				t.Errorf("%+v", c)
			}
			if !slices.Equal(c.Groups(), []string{"staff", "ops"}) || c.Attributes()["team"] != "blue" {
				t.Errorf("groups %q, attributes %q", c.Groups(), c.Attributes())
			}
			want := []nsc.Grant{
				{"http", "your-service.example.com/api/*", []string{"get", "post"}}, {"registry", "team/app", []string{"pull"}},
			}
			if !reflect.DeepEqual(c.Grants(), want) {
				t.Errorf("grants %v", c.Grants())
			}
			var at int
			if ok, err := c.Decode("auth_time", &at); !ok || err != nil || at != 17 {
				t.Errorf("auth_time %d, %v, %v", at, ok, err)
			}
			if ok, err := c.Decode("acr", &at); ok || err != nil {
				t.Errorf("acr %v, %v", ok, err)
			}
			if _, err := c.Decode("sub", &at); err == nil {
				t.Error("a text was decoded as a number")
			}
		})
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	var nobody nsc.Claims
	if nobody.Allows("workspace", "*", "read") || nobody.InGroup("") || nobody.Groups() != nil || nobody.Grants() != nil || nobody.Attributes() != nil {
		t.Error("the zero Claims are somebody")
	}
	if ok, err := nobody.Decode("sub", new(string)); ok || err != nil {
		t.Error("the zero Claims have a claim")
	}
}

func TestAllows(t *testing.T) {
	i := newIssuer(prod)
	verify := func(grants ...claims) nsc.Claims {
		c, err := i.verifier(nsc.AccessTokens()).Verify(t.Context(), i.sign("at+jwt", i.idClaims().with(claims{"authorization_details": grants})))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	grant := func(kind, id string, actions ...string) claims {
		return claims{"type": kind, "identifier": id, "actions": actions}
	}
	for name, row := range map[string]struct {
		grant            claims
		kind, id, action string
		want             bool
	}{
		"what it names":                     {grant("registry", "team/app", "pull"), "registry", "team/app", "pull", true},
		"another action":                    {grant("registry", "team/app", "pull"), "registry", "team/app", "push", false},
		"another resource":                  {grant("registry", "team/app", "pull"), "registry", "team/app2", "pull", false},
		"another type":                      {grant("registry", "team/app", "pull"), "http", "team/app", "pull", false},
		"below a pattern":                   {grant("http", "h.example/api/*", "get"), "http", "h.example/api/a/b", "get", true},
		"the pattern's root":                {grant("http", "h.example/api/*", "get"), "http", "h.example/api/", "get", false},
		"a host that begins the same":       {grant("http", "h.example/*", "get"), "http", "h.example.evil/x", "get", false},
		"every method":                      {grant("http", "h.example/*", "*"), "http", "h.example/x", "delete", true},
		"* as an action of another type":    {grant("registry", "team/*", "*"), "registry", "team/app", "pull", false},
		"everything of a type":              {grant("http", "*", "get"), "http", "anything/at/all", "get", true},
		"no pattern in a type without them": {grant("kubernetes", "a*", "user"), "kubernetes", "ab", "user", false},
		"write includes read":               {grant("workspace", "trust", "write"), "workspace", "trust", "read", true},
		"the administrator's":               {grant("workspace", "*", "admin"), "http", "h.example/x", "get", true},
		"an empty resource":                 {grant("http", "*", "*"), "http", "", "get", false},
		"an empty action":                   {grant("registry", "team/app", "pull"), "registry", "team/app", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verify(row.grant).Allows(row.kind, row.id, row.action); got != row.want {
				t.Errorf("%v on %s %s: %v", row.action, row.kind, row.id, got)
			}
			if verify().Allows(row.kind, row.id, row.action) {
				t.Error("allowed without a grant")
			}
		})
	}
}

// TestSecurityAllowsRefusesWhatIsNotCanonical: a path that leads out of what its text is below is allowed by no grant, not
// even by one that is the same text: whoever has host/api/* gets a token with host/api/../admin for the asking.
func TestSecurityAllowsRefusesWhatIsNotCanonical(t *testing.T) {
	i := newIssuer(prod)
	for rule, row := range map[string]struct {
		kind, id string
		want     bool
	}{
		"a path":                                  {"http", "h.example/api/x", true},
		"a final slash":                           {"http", "h.example/api/x/", true},
		"the host":                                {"http", "h.example", true},
		"the host and a slash":                    {"http", "h.example/", true},
		"names that begin with dots":              {"http", "h.example/api/.git/..x/...", true},
		"an encoded slash and dot within names":   {"http", "h.example/api/a%2fb/c%2ed", true},
		"a parameter":                             {"http", "h.example/api/x;v=1", true},
		"up":                                      {"http", "h.example/api/../x", false},
		"up, at the end":                          {"http", "h.example/api/..", false},
		"up, and a slash":                         {"http", "h.example/api/../", false},
		"up, from the host":                       {"http", "../api/x", false},
		"here":                                    {"http", "h.example/api/./x", false},
		"nothing":                                 {"http", "h.example/api//x", false},
		"nothing, at the end":                     {"http", "h.example/api//", false},
		"no host":                                 {"http", "/api/x", false},
		"up, percent-encoded":                     {"http", "h.example/api/%2e%2e/x", false},
		"up, percent-encoded in upper case":       {"http", "h.example/api/%2E%2E/x", false},
		"up, percent-encoded in part":             {"http", "h.example/api/.%2e/x", false},
		"here, percent-encoded":                   {"http", "h.example/api/%2e/x", false},
		"up, between percent-encoded slashes":     {"http", "h.example/api/a%2f..%2Fx", false},
		"up, between backslashes":                 {"http", `h.example/api\..\x`, false},
		"up, between percent-encoded backslashes": {"http", "h.example/api%5c..%5Cx", false},
		"up, with a parameter":                    {"http", "h.example/api/..;v=1/x", false},
		"up, with a query":                        {"http", "h.example/api/..?x", false},
		"a repository":                            {"registry", "team/app", true},
		"up, in a registry":                       {"registry", "team/../app", false},
		"a type without paths":                    {"kubernetes", "..", true},
	} {
		t.Run(rule, func(t *testing.T) {
			for _, grant := range []claims{
				{"type": row.kind, "identifier": row.id, "actions": []string{"get"}},
				{"type": row.kind, "identifier": "*", "actions": []string{"get"}},
				{"type": "http", "identifier": "h.example/api/*", "actions": []string{"get"}},
				{"type": "workspace", "identifier": "*", "actions": []string{"admin"}},
			} {
				token := i.sign("at+jwt", i.idClaims().with(claims{"authorization_details": []claims{grant}}))
				c, err := i.verifier(nsc.AccessTokens()).Verify(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				reaches := grant["identifier"] == row.id || grant["type"] == "workspace"
				if got := c.Allows(row.kind, row.id, "get"); got && !row.want || row.want && reaches && !got {
					t.Errorf("%v allows %s: %v", grant, row.id, got)
				}
			}
		})
	}
}

// TestCallersCannotChangeWhatIsRemembered: a token is verified once and its claims are shared by all who show it.
func TestCallersCannotChangeWhatIsRemembered(t *testing.T) {
	i := newIssuer(prod)
	v, token := i.verifier(nsc.AccessTokens()), i.sign("at+jwt", i.accessClaims().with(claims{"attributes": claims{"a": "b"}}))
	first, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	first.Subject = "somebody else"
	first.Groups()[0] = "admins"
	first.Attributes()["a"] = "c"
	first.Grants()[0].Actions[0] = "delete"
	second, err := v.Verify(t.Context(), token)
	if err != nil || second.Subject == "somebody else" || second.InGroup("admins") || second.Attributes()["a"] != "b" ||
		second.Allows("http", "your-service.example.com/api/x", "delete") {
		t.Errorf("%+v, %v", second, err)
	}
}

func TestTimes(t *testing.T) {
	for name, row := range map[string]struct {
		leeway   time.Duration
		nbf, exp any           // seconds from now; nil is no claim
		iat      time.Duration // from now
		want     error
	}{
		"good":                               {0, -30, 300, 0, nil},
		"its last second":                    {0, -30, 1, 0, nil},
		"its end":                            {0, -30, 0, 0, nsc.ErrExpired},
		"long ended":                         {0, -30, -1000, 0, nsc.ErrExpired},
		"a clock that is a bit behind":       {0, -5, 300, 25 * time.Second, nil}, // nbf is iat - 30 s
		"not before now":                     {0, 0, 300, 0, nil},
		"not yet":                            {0, 1, 300, 0, nsc.ErrNotYetValid},
		"no nbf, issued in the future":       {0, nil, 300, time.Second, nsc.ErrNotYetValid},
		"no nbf, issued now":                 {0, nil, 300, 0, nil},
		"ended, within the leeway":           {time.Minute, -30, -59, 0, nil},
		"ended, at the end of the leeway":    {time.Minute, -30, -60, 0, nsc.ErrExpired},
		"not yet, within the leeway":         {time.Minute, 60, 300, 0, nil},
		"not yet, beyond the leeway":         {time.Minute, 61, 300, 0, nsc.ErrNotYetValid},
		"the longest leeway":                 {5 * time.Minute, -30, -299, 0, nil},
		"an end far beyond any calendar":     {0, -30, int64(1) << 62, 0, nsc.ErrMalformed},
		"a beginning far before the present": {0, -(int64(1) << 33), 300, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, i *issuer) {
				at := func(offset any) any {
					switch offset := offset.(type) {
					case int:
						return time.Now().Unix() + int64(offset)
					case int64:
						return time.Now().Unix() + offset
					}
					return nil
				}
				c := i.idClaims().with(claims{"nbf": at(row.nbf), "exp": at(row.exp), "iat": time.Now().Add(row.iat).Unix()})
				_, err := i.verifier(nsc.Leeway(row.leeway)).Verify(t.Context(), i.sign("JWT", c))
				wantError(t, err, row.want)
			})
		})
	}
}

// TestRule17RememberedTokensEnd: that a token was verified before does not let it outlive its end.
func TestRule17RememberedTokensEnd(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v, token := i.verifier(), i.sign("JWT", i.idClaims())
		for range 10 {
			verify(t, v, token, nil)
			time.Sleep(30 * time.Second)
		}
		verify(t, v, token, nsc.ErrExpired)
	})
}

// TestRule17OnlyTheWholeTokenIsRemembered: the digest is over the signature too.
func TestRule17OnlyTheWholeTokenIsRemembered(t *testing.T) {
	i := newIssuer(prod)
	v, token := i.verifier(), i.sign("JWT", i.idClaims())
	verifyNow(t, v, token, nil)
	other := i.sign("JWT", i.idClaims().with(claims{"sub": "other"}))
	verifyNow(t, v, token[:strings.LastIndexByte(token, '.')]+other[strings.LastIndexByte(other, '.'):], nsc.ErrSignature)
	verifyNow(t, i.verifier(nsc.AccessTokens()), token, nsc.ErrType) // and by its own verifier alone
}

func verifyNow(t *testing.T, v *nsc.Verifier, token string, reason error) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	wantError(t, err, reason)
}

func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		v := i.verifier()
		var tokens []string
		for n := range 8 {
			tokens = append(tokens, i.key.sign("JWT", i.idClaims().with(claims{"sub": strings.Repeat("u", n+1), "exp": time.Now().Add(time.Hour).Unix()})))
		}
		var all sync.WaitGroup
		for n := range 64 {
			all.Go(func() {
				for range 30 {
					c, err := v.Verify(context.Background(), tokens[n%8])
					if err != nil || len(c.Subject) != n%8+1 {
						t.Errorf("%q, %v", c.Subject, err)
					}
					time.Sleep(time.Minute)
				}
			})
		}
		all.Wait()
		synctest.Wait()
	})
}

// TestAllocations holds the part of the performance goal that does not depend on the machine.
func TestAllocations(t *testing.T) {
	i := newIssuer(prod)
	v, next := i.verifier(), 0
	var tokens []string
	for n := range 102 {
		tokens = append(tokens, i.sign("JWT", i.idClaims().with(claims{"sub": strings.Repeat("u", n+1)})))
	}
	verifyNow(t, v, tokens[0], nil)
	verified := testing.AllocsPerRun(100, func() {
		next++
		verifyNow(t, v, tokens[next], nil)
	})
	repeated := testing.AllocsPerRun(100, func() { verifyNow(t, v, tokens[0], nil) })
	if verified > 60 || repeated > 1 {
		t.Errorf("%v allocations, %v for a repeated token", verified, repeated)
	}
}
