package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// golangJWT is a relying party whose author had a library for JWTs alone, and wrote the look-up himself.
type golangJWT struct {
	client  *http.Client
	issuers map[string]*lookedUp
}

// lookedUp is what is known of an issuer.
type lookedUp struct {
	Issuer     string   `json:"issuer"`
	JWKS       string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	keys       map[string]any
}

var (
	errUnknownKey = errors.New("no such key")
	errType       = errors.New("not an ID token")
)

func openGolangJWT(_ *testing.T, l *lab) relyingParty {
	return &golangJWT{l.secure.client, map[string]*lookedUp{}}
}

func (g *golangJWT) verify(ctx context.Context, v verification) (string, error) {
	i, err := g.lookUp(ctx, v.issuer)
	if err != nil {
		return "", err
	}
	key := func(token *jwt.Token) (any, error) {
		if token.Header["typ"] != "JWT" {
			return nil, errType
		}
		id, _ := token.Header["kid"].(string)
		return g.key(ctx, i, id)
	}
	token, err := jwt.Parse(v.token, key,
		jwt.WithIssuer(v.issuer), jwt.WithAudience(v.audience), jwt.WithValidMethods(i.Algorithms),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithTimeFunc(func() time.Time { return time.Now().Add(v.later) }))
	if err != nil {
		return "", golangJWTRefusal(err)
	}
	return token.Claims.GetSubject()
}

func golangJWTRefusal(err error) error {
	for _, reason := range []struct {
		err  error
		what string
	}{
		{errType, "typ"}, {errUnknownKey, "kid"}, {jwt.ErrTokenSignatureInvalid, "signature"},
		{jwt.ErrTokenExpired, "exp"}, {jwt.ErrTokenInvalidIssuer, "iss"}, {jwt.ErrTokenInvalidAudience, "aud"},
	} {
		if errors.Is(err, reason.err) {
			return &refusal{reason.what, err}
		}
	}
	return err
}

func (g *golangJWT) lookUp(ctx context.Context, issuer string) (*lookedUp, error) {
	if i, ok := g.issuers[issuer]; ok {
		return i, nil
	}
	i := &lookedUp{keys: map[string]any{}}
	if err := g.fetch(ctx, issuer+"/.well-known/openid-configuration", i); err != nil {
		return nil, err
	}
	if i.Issuer != issuer {
		return nil, fmt.Errorf("%s calls itself %s", issuer, i.Issuer)
	}
	g.issuers[issuer] = i
	return i, nil
}

// key fetches the key set where the key is not known from the last time. The new set replaces the old one.
func (g *golangJWT) key(ctx context.Context, i *lookedUp, id string) (any, error) {
	if key, ok := i.keys[id]; ok {
		return key, nil
	}
	var set struct {
		Keys []publicKey `json:"keys"`
	}
	if err := g.fetch(ctx, i.JWKS, &set); err != nil {
		return nil, err
	}
	i.keys = map[string]any{}
	for _, k := range set.Keys {
		key, err := k.decode()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.ID, err)
		}
		i.keys[k.ID] = key
	}
	if key, ok := i.keys[id]; ok {
		return key, nil
	}
	return nil, errUnknownKey
}

func (g *golangJWT) fetch(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := g.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
