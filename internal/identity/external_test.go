package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestExternalIdentityCarriesWhatTheTokenSays(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	raw := sign(t, k, "JWT", externalClaims().with(claims{"groups": []string{"system:masters"}, "client_id": "x",
		"authorization_details": []any{claims{"type": "workspace", "identifier": "*", "actions": []string{"admin"}}}}))
	u := read(t, raw)
	got, err := newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case got.Kind() != External, got.Federated(), got.Tenant() != tenant:
		t.Error("kind or tenant")
	case got.Subject() != ExternalSubject(tenant.ID, issuer, "repo:acme/api"):
		t.Errorf("subject %s", got.Subject())
	case got.ExternalSubject() != "repo:acme/api", got.Issuer() != issuer, got.TokenID() != "1":
		t.Error("claims")
	case got.Digest() != u.digest, got.KeyThumbprint() != k.Thumbprint(), got.KeySource() != issuer+"/jwks":
		t.Error("provenance (rule 15)")
	case got.Permissions() != nil, got.Groups() != nil, got.ClientID() != "":
		t.Error("an outsider's grants were believed")
	}
}

func TestSecuritySignatures(t *testing.T) {
	k, forger := newKey(t, "k", jwt.ES256), newKey(t, "k", jwt.ES256)
	rsaKey := newKey(t, "k", jwt.RS256)
	for _, row := range []struct {
		rule   string
		set    []signingKey
		signer signingKey
		kid    string
		code   fault.Code
	}{
		{"the issuer's key", []signingKey{k}, k, "k", ""},
		{"another key of the same ID", []signingKey{k}, forger, "k", fault.TokenRefused},
		{"another algorithm than the key's", []signingKey{k}, rsaKey, "k", fault.TokenRefused},
		{"no key ID, one of the keys", []signingKey{forger, k}, k, "", ""},
		{"no key ID, none of the keys", []signingKey{k}, forger, "", fault.TokenRefused},
		{"no key ID, no key for the algorithm", []signingKey{k}, rsaKey, "", fault.TokenRefused},
		{"an unknown key ID", []signingKey{k}, k, "elsewhere", fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w := newWorld()
			w.publish(issuer, keySet(t, row.set...))
			u := read(t, sign(t, row.signer.named(t, row.kid), "JWT", externalClaims()))
			_, err := newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
			wantFault(t, err, row.code)
			if n := w.count(issuer); n != 1 {
				t.Errorf("%d fetches", n)
			}
		})
	}
}

func TestRule3TypesOfExternalTokens(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	v := newVerifier(w, nil, newClock())
	for typ, code := range map[string]fault.Code{
		"": "", "JWT": "", "jwt": "", "JOSE": "", "at+jwt": "", "application/at+jwt": "", "application/JWT": "",
		"logout+jwt": fault.TokenRefused, "secevent+jwt": fault.TokenRefused, "dpop+jwt": fault.TokenRefused, "vc+sd-jwt": fault.TokenRefused,
	} {
		t.Run(typ, func(t *testing.T) {
			_, err := v.External(t.Context(), tenant, read(t, sign(t, k, typ, externalClaims())), discovery)
			wantFault(t, err, code)
		})
	}
}

func TestRule5FederatedTokens(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	w.publish(tenant.Issuer, keySet(t, k))
	federated := externalClaims().with(claims{
		"sub": UserSubject(other.ID, "u"), "workspace_id": other.ID, "root_iat": start.Unix() - 600, "depth": 1,
	})
	now := start.Unix()
	for _, row := range []struct {
		rule   string
		claims claims
		code   fault.Code
	}{
		{"with its lineage", federated, ""},
		{"without root_iat", federated.with(claims{"root_iat": nil}), fault.TokenRefused},
		{"without depth", federated.with(claims{"depth": nil}), fault.TokenRefused},
		{"that shows an nsc subject alone", externalClaims().with(claims{"sub": "workspace/x"}), fault.TokenRefused},
		{"that shows a workspace ID alone", externalClaims().with(claims{"workspace_id": other.ID}), fault.TokenRefused},
		{"that shows root_iat alone", externalClaims().with(claims{"root_iat": now}), fault.TokenRefused},
		{"that shows depth alone", externalClaims().with(claims{"depth": 0}), fault.TokenRefused},
		{"with root_iat as a text", federated.with(claims{"root_iat": "1"}), fault.TokenRefused},
		{"with root_iat as null", federated.with(claims{"root_iat": jsonNull}), fault.TokenRefused},
		{"with root_iat of zero", federated.with(claims{"root_iat": 0}), fault.TokenRefused},
		{"with root_iat within the leeway after iat", federated.with(claims{"root_iat": now + 60}), ""},
		{"with root_iat after iat", federated.with(claims{"root_iat": now + 61}), fault.TokenRefused},
		{"with a depth below zero", federated.with(claims{"depth": -1}), fault.TokenRefused},
		{"with a depth that is no integer", federated.with(claims{"depth": 1.5}), fault.TokenRefused},
		{"with a depth beyond counting", federated.with(claims{"depth": int64(1) << 40}), fault.TokenRefused},
		{"for another audience (rule 1)", federated.with(claims{"aud": "https://api.example"}), fault.TokenRefused},
		{"for ours among many (rule 1)", federated.with(claims{"aud": []string{tenant.Issuer, "x"}}), fault.TokenRefused},
		{"of our own issuer", federated.with(claims{"iss": tenant.Issuer}), fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			u := read(t, sign(t, k, "JWT", row.claims))
			got, err := newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
			wantFault(t, err, row.code)
			if err == nil && (!got.Federated() || got.Depth() != 1 || got.RootIssuedAt().IsZero()) {
				t.Error("its lineage was lost")
			}
		})
	}
}

func TestOrdinaryTokenForManyAudiencesIsForPolicyToJudge(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	u := read(t, sign(t, k, "JWT", externalClaims().with(claims{"aud": []string{"x", "y"}})))
	got, err := newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
	if err != nil || len(got.Audience()) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestLocalIssuersAreNeverFetched(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	set, outage := keySet(t, k), error(nil)
	v := newVerifier(w, nil, newClock())
	v.sources.local = func(name string) (func(context.Context) (jwt.KeySet, error), bool) {
		return func(context.Context) (jwt.KeySet, error) { return set, outage }, name == other.Issuer
	}
	federated := externalClaims().with(claims{"iss": other.Issuer, "workspace_id": other.ID, "root_iat": start.Unix(), "depth": 0})
	u := read(t, sign(t, k, "JWT", federated))
	for _, row := range []struct {
		rule   string
		change func()
		code   fault.Code
	}{
		{"its keys are at hand", func() {}, ""},
		{"a removed key is refused at once", func() { set = keySet(t, newKey(t, "k2", jwt.ES256)) }, fault.TokenRefused},
		{"they cannot be read", func() { outage = errors.New("database") }, fault.KeysUnavailable},
		{"the workspace was deleted", func() { outage = fault.New(fault.NotFound, nil) }, fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			row.change()
			got, err := v.External(t.Context(), tenant, u, discovery)
			wantFault(t, err, row.code)
			if err == nil && got.KeySource() != "local" {
				t.Errorf("source %s", got.KeySource())
			}
		})
	}
	outage, set = nil, keySet(t, k)
	_, err := v.External(t.Context(), tenant, u, KeySource{})
	wantFault(t, err, fault.TokenRefused) // though its keys are at hand: nobody trusts it
	if n := w.count(other.Issuer); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

func TestRule15UploadedSetsEnd(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	for _, row := range []struct {
		rule string
		src  KeySource
		code fault.Code
	}{
		{"before its end", KeySource{Kind: JWKS, JWKS: document(t, k), NotAfter: start.Add(time.Second)}, ""},
		{"at its end", KeySource{Kind: JWKS, JWKS: document(t, k), NotAfter: start}, fault.TokenRefused},
		{"without an end", KeySource{Kind: JWKS, JWKS: document(t, k)}, fault.TokenRefused},
		{"that is no key set", KeySource{Kind: JWKS, JWKS: "{}", NotAfter: start.Add(time.Hour)}, fault.TokenRefused},
		{"without the key", KeySource{Kind: JWKS, JWKS: document(t, newKey(t, "x", jwt.ES256)), NotAfter: start.Add(time.Hour)}, fault.TokenRefused},
		{"no source at all", KeySource{}, fault.TokenRefused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w := newWorld()
			v := newVerifier(w, nil, newClock())
			u := read(t, sign(t, k, "JWT", externalClaims()))
			for range 2 { // parsed, then from the cache
				_, err := v.External(t.Context(), tenant, u, row.src)
				wantFault(t, err, row.code)
			}
			if w.count(issuer) != 0 {
				t.Error("fetched")
			}
		})
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	good := sign(t, k, "JWT", externalClaims())
	for _, row := range []struct {
		rule, raw string
		code      fault.Code
	}{
		{"a token", good, ""},
		{"nothing", "", fault.TokenMalformed},
		{"no token", "a.b", fault.TokenMalformed},
		{"too much", string(make([]byte, jwt.MaxSize+1)), fault.TokenTooLarge},
		{"unsigned", "eyJhbGciOiJub25lIn0.e30.eA", fault.TokenAlgorithm},
		{"HMAC", "eyJhbGciOiJIUzI1NiJ9.e30.eA", fault.TokenAlgorithm},
	} {
		t.Run(row.rule, func(t *testing.T) {
			u, err := Read(row.raw)
			wantFault(t, err, row.code)
			if err == nil && (u.Issuer() != issuer || u.Subject() != "repo:acme/api" || u.TokenID() != "1" || u.Audience()[0] != tenant.Issuer) {
				t.Error("reads something else")
			}
		})
	}
}
