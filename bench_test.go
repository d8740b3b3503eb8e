package nsc_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc"
)

// realisticClaims make a token of some 700 bytes of claims, as the tables of the performance goals have it.
func (i *issuer) realisticClaims(n int) claims {
	now := time.Now().Unix()
	return i.idClaims().with(claims{
		"exp": now + 3600, "jti": fmt.Sprint(n), "workspace_id": "aaaaaaaaaaaaaaaaaaaaaaaaaa",
		"sub":    "workspace/aaaaaaaaaaaaaaaaaaaaaaaaaa/external/bbbbbbbbbbbbbbbbbbbbbbbbbb/repo%3Aacme%2Fapi%3Aref%3Arefs%2Fheads%2Fmain",
		"groups": []string{"token.actions.githubusercontent.com#deployers", "token.actions.githubusercontent.com#release-managers"},
		"attributes": claims{
			"repository": "acme/api", "repository_owner": "acme", "ref": "refs/heads/main", "environment": "production", "actor": "octo",
			"workflow": "deploy", "sha": "0123456789012345678901234567890123456789",
		},
	})
}

// tokens returns so many different tokens that none is remembered when it comes again.
func (i *issuer) tokens() []string {
	all := make([]string, 6000)
	for n := range all {
		all[n] = i.sign("JWT", i.realisticClaims(n))
	}
	return all
}

func BenchmarkVerify(b *testing.B) {
	i := newIssuer(prod)
	v, all := i.verifier(), i.tokens()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := v.Verify(b.Context(), all[n%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyByHand takes turns with a verification that is written by hand for this one token, and reports the ratio
// of the medians: what else the machine does meanwhile hits both.
func BenchmarkVerifyByHand(b *testing.B) {
	i := newIssuer(prod)
	v, all, public := i.verifier(), i.tokens(), i.key.Public.(*ecdsa.PublicKey)
	var ours, theirs []time.Duration
	for n := 0; b.Loop(); n++ {
		token, start := all[n%len(all)], time.Now()
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := byHand(token, i.key.id, public); err != nil {
			b.Fatal(err)
		}
		ours, theirs = append(ours, middle.Sub(start)), append(theirs, time.Since(middle))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	mine, other := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(float64(mine.Nanoseconds()), "ns/verify")
	b.ReportMetric(float64(other.Nanoseconds()), "ns/by-hand")
	b.ReportMetric(float64(mine)/float64(other), "ratio")
}

func BenchmarkVerifyRepeated(b *testing.B) {
	i := newIssuer(prod)
	v, token := i.verifier(), i.sign("JWT", i.realisticClaims(0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAllows(b *testing.B) {
	i := newIssuer(prod)
	c, err := i.verifier(nsc.AccessTokens()).Verify(b.Context(), i.sign("at+jwt", i.accessClaims()))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !c.Allows("http", "your-service.example.com/api/resource", "get") {
			b.Fatal("refused")
		}
	}
}

var errByHand = errors.New("refused")

// byHand is the least that a service would write by itself: ES256 and one key.
func byHand(token, keyID string, public *ecdsa.PublicKey) (any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errByHand
	}
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}
	var payload struct {
		Issuer     string            `json:"iss"`
		Subject    string            `json:"sub"`
		Audience   string            `json:"aud"`
		ExpiresAt  int64             `json:"exp"`
		NotBefore  int64             `json:"nbf"`
		Groups     []string          `json:"groups"`
		Attributes map[string]string `json:"attributes"`
	}
	for n, into := range []any{&header, &payload} {
		text, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, err
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	now := time.Now().Unix()
	digest := sha256.Sum256([]byte(token[:len(parts[0])+1+len(parts[1])]))
	switch {
	case header.Algorithm != "ES256" || header.KeyID != keyID || header.Type != "JWT" || len(signature) != 64,
		payload.Issuer != prod || payload.Audience != audience || payload.ExpiresAt <= now || payload.NotBefore > now,
		!ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])):
		return nil, errByHand
	}
	return payload, nil
}
