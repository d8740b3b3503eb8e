package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/nsc-federation/nsc"
)

// A verdict is what a library says of a token: why it refuses it, or what it reads in it.
type verdict struct {
	refused error
	reading reading
}

type reading struct {
	Subject string `json:"sub"`
	ID      string `json:"jti"`
	Expires int64  `json:"exp"`
}

// A library verifies tokens as its documentation says.
type library func(raw string) verdict

// publisher answers for the issuer, without a network.
type publisher struct{ keySet []byte }

// RoundTrip answers one request.
func (p publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	body := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/jwks")
	if strings.HasSuffix(r.URL.Path, "/jwks") {
		body = string(p.keySet)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func ours(t *testing.T, keySet []byte) library {
	t.Helper()
	v := nsc.NewVerifier(issuer, audience, nsc.HTTPClient(&http.Client{Transport: publisher{keySet}}))
	if err := v.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func(raw string) verdict {
		c, err := v.Verify(t.Context(), raw)
		return verdict{err, reading{c.Subject, c.ID, c.ExpiresAt.Unix()}}
	}
}

var accepted = []string{"ES256", "RS256", "EdDSA"}

func goJose(keySet []byte) library {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keySet, &set); err != nil {
		panic(err)
	}
	return func(raw string) verdict {
		token, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA})
		if err != nil {
			return verdict{refused: err}
		}
		var c josejwt.Claims
		if err := token.Claims(set, &c); err != nil {
			return verdict{refused: err}
		}
		expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}
		if err := c.ValidateWithLeeway(expected, 0); err != nil {
			return verdict{refused: err}
		}
		if c.Expiry == nil || c.Subject == "" {
			return verdict{refused: errors.New("exp or sub is missing")}
		}
		return verdict{reading: reading{c.Subject, c.ID, c.Expiry.Time().Unix()}}
	}
}

func golangJWT(all []signer) library {
	parser := golangjwt.NewParser(golangjwt.WithValidMethods(accepted), golangjwt.WithIssuer(issuer), golangjwt.WithAudience(audience),
		golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt())
	find := func(t *golangjwt.Token) (any, error) {
		for _, s := range all {
			if id, named := t.Header["kid"]; id == s.id || !named && t.Method.Alg() == s.algorithm {
				return s.private.Public(), nil
			}
		}
		return nil, errors.New("no such key")
	}
	return func(raw string) verdict {
		var c golangjwt.RegisteredClaims
		if _, err := parser.ParseWithClaims(raw, &c, find); err != nil {
			return verdict{refused: err}
		}
		if c.Subject == "" {
			return verdict{refused: errors.New("sub is missing")}
		}
		return verdict{reading: reading{c.Subject, c.ID, c.ExpiresAt.Unix()}}
	}
}
