package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Fetch gets a document. Its error is a sentence for people.
type Fetch func(ctx context.Context, address string) ([]byte, error)

const wellKnown = "/.well-known/openid-configuration"

// Skip says why the signature is not checked.
func (r *Report) Skip(reason string) { r.Signature = Signature{Status: Unchecked, Reason: reason} }

// Verify checks the signature with the keys that the token's issuer publishes (OpenID Connect Discovery §4). What keeps
// it from being checked is no problem of the token's.
func (r *Report) Verify(ctx context.Context, text string, fetch Fetch) {
	token, err := jwt.Parse(new(Report).unwrap(strings.TrimSpace(text)))
	if err != nil {
		r.Skip("the token cannot be read")
		return
	}
	address, err := r.keySetAddress(ctx, token.Claims.Issuer, fetch)
	if err != nil {
		r.Skip(err.Error())
		return
	}
	document, err := fetch(ctx, address)
	if err != nil {
		r.Skip(err.Error())
		return
	}
	set, err := jwt.ParseKeySet(document)
	if err != nil {
		r.Skip(fmt.Sprintf("%s holds no key set that nsc can use", address))
		return
	}
	r.check(token, set, address)
}

// keySetAddress returns where an issuer says that its keys are.
func (r *Report) keySetAddress(ctx context.Context, issuer string, fetch Fetch) (string, error) {
	address := strings.TrimSuffix(issuer, "/") + wellKnown
	document, err := fetch(ctx, address)
	if err != nil {
		return "", err
	}
	var discovery struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(document, &discovery); err != nil || discovery.JWKS == "" {
		return "", fmt.Errorf("%s is not a discovery document", address)
	}
	if discovery.Issuer != issuer {
		what := fmt.Sprintf("%s says that its issuer is %s, the token says %s", address, discovery.Issuer, issuer)
		if near := nearMiss(discovery.Issuer, issuer); near != "" {
			what += ": they differ only in " + near
		}
		r.problem(WrongIssuer, what, "the two must be equal, byte for byte")
		return "", errors.New("the discovery document is another issuer's")
	}
	return discovery.JWKS, nil
}

func (r *Report) check(token *jwt.Token, set jwt.KeySet, address string) {
	candidates := set.Candidates(token.Header)
	for _, key := range candidates {
		if token.Verify(key) == nil {
			r.Signature = Signature{Status: Valid, KeyID: key.ID, JWKS: address}
			return
		}
	}
	r.Signature = Signature{Status: Invalid, JWKS: address}
	if len(candidates) > 0 {
		r.Signature.Reason = "no key of its issuer made it"
		r.problem(BadSignature, "its signature was not made by its issuer's key", "it was changed, or it is not from "+token.Claims.Issuer)
		return
	}
	r.Signature.Reason = fmt.Sprintf("its issuer publishes no key %q", token.Header.KeyID)
	r.problem(UnknownKey, fmt.Sprintf("%s has no key %q that fits %s (it has %s)", address, token.Header.KeyID,
		token.Header.Algorithm, keyIDs(set)), "its issuer has withdrawn the key: get a new token; or it is not from this issuer")
}

func keyIDs(set jwt.KeySet) string {
	var ids []string
	for _, key := range set.Keys {
		ids = append(ids, fmt.Sprintf("%q", key.ID))
	}
	return strings.Join(ids, ", ")
}
