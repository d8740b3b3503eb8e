package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// leeway is how far clocks may differ: as the server has it.
const leeway = time.Minute

// usualLifetime is the longest life of a token that a trust admits unless it says otherwise.
const usualLifetime = 24 * time.Hour

// judge says what the strict reader, the clock and the audience have against a token that could be taken apart.
func (r *Report) judge(raw string, want Expectation) {
	token, err := jwt.Parse(raw)
	if err != nil {
		r.strict(raw, err)
		return
	}
	c := token.Claims
	r.complete(c)
	r.times(c, want)
	r.audience(c, want)
}

// strict words why nsc's reader refuses a token, unless that has been said.
func (r *Report) strict(raw string, err error) {
	algorithm, _ := text(r.Header, "alg")
	switch {
	case errors.Is(err, jwt.ErrTooLarge):
		r.problem(Malformed, fmt.Sprintf("it is larger than %d KiB, the most that nsc reads", jwt.MaxSize>>10), "")
	case strings.HasSuffix(raw, "."):
		r.problem(Unsigned, "it is unsigned: its signature is empty", "anybody can write such a token; have its issuer sign it")
	case errors.Is(err, jwt.ErrAlgorithm) && strings.EqualFold(algorithm, "none"):
		r.problem(Unsigned, "it is unsigned: its alg is none", "anybody can write such a token; have its issuer sign it")
	case errors.Is(err, jwt.ErrAlgorithm):
		r.problem(Algorithm, fmt.Sprintf("its alg %q is not accepted%s", algorithm, secretHint(algorithm)),
			"have its issuer sign with ES256, RS256, EdDSA or another of ES, RS and PS")
	case len(r.Problems) == 0:
		what := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "jwt: malformed: ", ""), "header: header: ")
		r.problem(Malformed, "nsc does not read it: "+what, "have its issuer leave that out, or write it in the standard form")
	}
}

func secretHint(algorithm string) string {
	if strings.HasPrefix(strings.ToUpper(algorithm), "HS") {
		return ": whoever can check such a signature can make one"
	}
	return ""
}

// text returns a top-level member that is a string.
func text(object json.RawMessage, name string) (string, bool) {
	for _, m := range Members(object) {
		var value string
		if m.Name == name && json.Unmarshal(m.Value, &value) == nil {
			return value, true
		}
	}
	return "", false
}

func (r *Report) complete(c *jwt.Claims) {
	var missing []string
	for _, claim := range []struct {
		name   string
		absent bool
	}{
		{"iss", c.Issuer == ""}, {"sub", c.Subject == ""}, {"aud", len(c.Audience) == 0},
		{"exp", c.ExpiresAt == 0}, {"iat", c.IssuedAt == 0},
	} {
		if claim.absent {
			missing = append(missing, claim.name)
		}
	}
	if len(missing) > 0 {
		r.problem(Incomplete, "it lacks "+strings.Join(missing, ", "), "nsc needs iss, sub, aud, exp and iat: have its issuer add them")
	}
}

func (r *Report) times(c *jwt.Claims, want Expectation) {
	ends, begins, issued := time.Unix(c.ExpiresAt, 0), time.Unix(c.NotBefore, 0), time.Unix(c.IssuedAt, 0)
	switch late := want.Now.Add(leeway); {
	case c.ExpiresAt != 0 && !want.Now.Before(ends):
		r.problem(Expired, "it expired "+want.Relative(ends), "get a new one from its issuer, "+c.Issuer)
	case c.NotBefore != 0 && late.Before(begins):
		r.problem(NotYetValid, "it is not valid yet: it begins "+want.Relative(begins), "compare this machine's clock with its issuer's")
	case c.IssuedAt != 0 && late.Before(issued):
		r.problem(NotYetValid, "it says that it will be issued "+want.Relative(issued), "compare this machine's clock with its issuer's")
	}
	if c.ExpiresAt != 0 && c.IssuedAt != 0 && ends.Sub(issued) > usualLifetime {
		r.note(fmt.Sprintf("it lives %s; a trust admits 24h unless it has a longer --max-external-lifetime", ends.Sub(issued)))
	}
}

// audience compares the token's audience with the issuer of the workspace that it is to be shown to, which a trust
// expects unless it says otherwise.
func (r *Report) audience(c *jwt.Claims, want Expectation) {
	if want.Issuer == "" || len(c.Audience) == 0 || c.Issuer == want.Issuer {
		return
	}
	for _, a := range c.Audience {
		if a == want.Issuer {
			return
		}
	}
	what := fmt.Sprintf("its audience is %s; a trust expects %s, the workspace's issuer, unless it names another",
		strings.Join(c.Audience, ", "), want.Issuer)
	for _, a := range c.Audience {
		if near := nearMiss(a, want.Issuer); near != "" {
			what += "; they differ only in " + near
		}
	}
	if want.Insist {
		r.problem(Audience, what, "ask its issuer for the audience "+want.Issuer)
		return
	}
	r.note(what)
}

// nearMiss names what alone makes two addresses differ, since they are compared byte for byte.
func nearMiss(a, b string) string {
	scheme := func(s string) string { return strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://") }
	switch {
	case strings.TrimRight(a, "/") == strings.TrimRight(b, "/"):
		return "a slash at the end"
	case strings.EqualFold(a, b):
		return "capital letters"
	case scheme(a) == scheme(b):
		return "http and https"
	}
	return ""
}
