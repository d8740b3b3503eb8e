package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// FuzzParse: whatever comes in, nothing panics, and what is accepted has one text only: taken apart and put together
// again, it is the same token.
func FuzzParse(f *testing.F) {
	f.Add(rfc7515Token)
	f.Add(forge(EdDSA, `{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`, honest))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(honest) + ".")
	f.Add(strings.Repeat(".", 64))
	set := must(ParseKeySet([]byte(`{"keys":[` + rfc7515Key + `,` + rfc7638Key + `,` + rfc8037Key + `]}`)))
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := Parse(raw)
		if (token == nil) != (err != nil) {
			t.Fatalf("got %v and %v", token, err)
		}
		if err != nil {
			return
		}
		var parts []string
		for part := range strings.SplitSeq(raw, ".") {
			parts = append(parts, text64(must(base64.RawURLEncoding.DecodeString(part))))
		}
		if again := strings.Join(parts, "."); again != raw || token.Raw() != raw || len(raw) > MaxSize {
			t.Errorf("%q is also %q", raw, again)
		}
		for _, key := range set.Keys {
			if token.Verify(key) != nil {
				continue
			}
			if _, err := readGolangJWT(raw, key.Public); err != nil {
				t.Errorf("we accept %q, golang-jwt: %v", raw, err)
			}
		}
	})
}

// FuzzClaims: what we accept, encoding/json decodes to the same values.
func FuzzClaims(f *testing.F) {
	for _, document := range []string{plain, members, honest, benchClaims, nested(16), `{"aud":"a","exp":1.5e3,"auth_time":-0}`, `{"ISS":1,"ıss":2}`} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		c, err := ParseClaims(document)
		if err != nil {
			return
		}
		want := decodeStandard(t, document)
		got, err := c.Map()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
		if !reflect.DeepEqual(known(c), knownOf(want)) {
			t.Fatalf("got %v, want %v", known(c), knownOf(want))
		}
		for name, value := range want {
			sameMember(t, c, name, value)
		}
	})
}

// decodeStandard decodes into maps, integers that fit as int64.
func decodeStandard(t *testing.T, document []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var all map[string]any
	if err := decoder.Decode(&all); err != nil {
		t.Fatalf("we accept what encoding/json does not: %v", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("we accept something behind the object")
	}
	return plainNumbers(t, all).(map[string]any)
}

func plainNumbers(t *testing.T, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(t, v[name])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(t, v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, err := v.Float64()
		if err != nil {
			t.Fatalf("we accept a number that no double holds: %s", v)
		}
		return n
	}
	return value
}

// known returns the claims that have a field, as Map would.
func known(c *Claims) []any {
	audience := []any{}
	for _, a := range c.Audience {
		audience = append(audience, a)
	}
	return []any{c.Issuer, c.Subject, c.ID, audience, c.ExpiresAt, c.NotBefore, c.IssuedAt, c.AuthTime}
}

func knownOf(all map[string]any) []any {
	var out []any
	for _, name := range []string{"iss", "sub", "jti"} {
		text, _ := all[name].(string)
		out = append(out, text)
	}
	audience, ok := all["aud"].([]any)
	if one, single := all["aud"].(string); single {
		audience = []any{one}
	} else if !ok {
		audience = []any{}
	}
	out = append(out, audience)
	for _, name := range []string{"exp", "nbf", "iat", "auth_time"} {
		switch n := all[name].(type) {
		case float64:
			out = append(out, int64(n))
		case int64:
			out = append(out, n)
		default:
			out = append(out, int64(0))
		}
	}
	return out
}

// sameMember compares one member as Raw, Text and Int return it.
func sameMember(t *testing.T, c *Claims, name string, want any) {
	raw, ok := c.Raw(name)
	var back any
	if err := json.Unmarshal(raw, &back); !ok || err != nil {
		t.Fatalf("%q: %q, %v, %v", name, raw, ok, err)
	}
	text, isText := want.(string)
	if got, ok := c.Text(name); ok != isText || got != text {
		t.Fatalf("%q: got %q, %v, want %q", name, got, ok, text)
	}
	n, isInt := want.(int64)
	if got, ok := c.Int(name); ok != isInt || got != n {
		t.Fatalf("%q: got %d, %v, want %d", name, got, ok, n)
	}
}

// FuzzKeySet: what we accept, go-jose reads as the same keys, and every key survives being written and read again.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[` + rfc7515Key + `,` + rfc7638Key + `,` + rfc8037Key + `]}`))
	f.Add(document(jwkOf("a", ES384), jwkOf("b", ES512), `{"kty":"oct","k":"AA"}`, `null`))
	f.Fuzz(func(t *testing.T, document []byte) {
		set, err := ParseKeySet(document)
		if err != nil {
			return
		}
		if n := len(set.Keys) + set.Skipped; len(set.Keys) == 0 || n > MaxKeys || len(document) > MaxKeySetBytes {
			t.Fatalf("%d keys of %d in %d bytes", len(set.Keys), n, len(document))
		}
		for _, key := range set.Keys {
			written, err := key.JWK()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseKeySet([]byte(`{"keys":[` + string(written) + `]}`))
			if err != nil || !reflect.DeepEqual(again.Keys[0], key) {
				t.Fatalf("%s: %v, read again %v", written, err, again.Keys)
			}
			sameByGoJose(t, key, written)
		}
	})
}

// sameByGoJose compares a key and its thumbprint with what go-jose makes of its JSON.
func sameByGoJose(t *testing.T, key Key, written []byte) {
	var other jose.JSONWebKey
	if err := json.Unmarshal(written, &other); err != nil {
		t.Fatalf("go-jose refuses %s: %v", written, err)
	}
	thumbprint, err := other.Thumbprint(crypto.SHA256)
	if err != nil || text64(thumbprint) != key.Thumbprint() {
		t.Fatalf("%s: thumbprint %s, go-jose %x, %v", written, key.Thumbprint(), thumbprint, err)
	}
	equal := false
	switch public := key.Public.(type) {
	case *ecdsa.PublicKey:
		equal = public.Equal(other.Key)
	case *rsa.PublicKey:
		equal = public.Equal(other.Key)
	default:
		equal = reflect.DeepEqual(public, other.Key)
	}
	if !equal || other.KeyID != key.ID || other.Algorithm != string(key.Algorithm) || !other.Valid() {
		t.Fatalf("%s: go-jose reads %s", written, other.KeyID)
	}
}
