package identity

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestSecurityDiscovery(t *testing.T) {
	set := document(t, newKey(t, "k", jwt.ES256))
	elsewhere := newSite(t, answer(http.StatusOK, set)) // has the same certificate
	for _, row := range []struct {
		rule    string
		path    string // of the issuer
		changes claims
		want    class
	}{
		{"of a host", "", nil, ""},
		{"of a path", "/realms/acme", nil, ""},
		{"of a host with a slash", "/", nil, ""},
		{"of a path with a slash", "/realms/acme/", nil, ""},
		{"names another issuer", "", claims{"issuer": "https://other.example"}, otherIssuer},
		{"names the issuer with a slash", "", claims{"issuer": "SITE/"}, otherIssuer},
		{"names the issuer without its slash", "/realms/acme/", claims{"issuer": "SITE/realms/acme"}, otherIssuer},
		{"names nobody", "", claims{"issuer": nil}, badDocument},
		{"names the issuer in capitals only", "", claims{"issuer": nil, "ISSUER": "SITE"}, badDocument},
		{"names another issuer also in capitals", "", claims{"Issuer": "https://other.example"}, ""},
		{"names a list of issuers", "", claims{"issuer": []string{"SITE"}}, badDocument},
		{"names no keys", "", claims{"jwks_uri": nil}, badDocument},
		{"has its keys at another host", "", claims{"jwks_uri": elsewhere.URL}, ""},
		{"has its keys at a plain address", "", claims{"jwks_uri": "http://127.0.0.1/jwks"}, refusedAddress},
		{"has its keys in a file", "", claims{"jwks_uri": "file:///etc/passwd"}, refusedAddress},
		{"has its keys at an inside address", "", claims{"jwks_uri": "https://169.254.169.254/latest"}, refusedAddress},
		{"has its keys nowhere", "", claims{"jwks_uri": ""}, refusedAddress},
		{"has its keys beside it", "", claims{"jwks_uri": "/jwks"}, refusedAddress},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var s *site
			s = newSite(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/jwks" {
					io.WriteString(w, set)
					return
				}
				if want := strings.TrimSuffix(row.path, "/") + "/.well-known/openid-configuration"; r.URL.Path != want {
					http.NotFound(w, r)
					return
				}
				text, _ := json.Marshal(maps.Clone(claims{"issuer": s.URL + row.path, "jwks_uri": s.URL + "/jwks"}).with(row.changes))
				w.Write(bytes.ReplaceAll(text, []byte("SITE"), []byte(s.URL)))
			})
			got, origin, err := s.fetch(t, admitting(), s.URL+row.path, discovery)
			wantClass(t, err, row.want)
			if err == nil && (len(got.Keys) != 1 || !strings.HasPrefix(origin, "https://127.0.0.1:")) {
				t.Errorf("%d keys from %s", len(got.Keys), origin)
			}
		})
	}
}

func TestDiscoveryThatIsNoDocument(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "<html>", `{"issuer":`, "{}"} {
		s := newSite(t, answer(http.StatusOK, text))
		_, _, err := s.fetch(t, admitting(), s.URL, discovery)
		wantClass(t, err, badDocument)
	}
}

func FuzzParseDiscovery(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"a","jwks_uri":"b"}`, `{"ISSUER":"a","jwks_uri":"b"}`, `{"issuer":null}`, `[]`, `null`, `{"issuer":"a","ISSUER":"b"}`,
		`{"issuer":"a","issuer":"b","jwks_uri":"c"}`, `{"issuer":"\u0061\ud800","jwks_uri":"\u0000"}`, `{"issuer":["a"],"jwks_uri":{"b":1}}`,
		`{"issuer":"https://a.example","jwks_uri":"https://a.example/keys","id_token_signing_alg_values_supported":["RS256"]}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		issuer, keys, err := parseDiscovery(text)
		if err != nil && issuer+keys != "" {
			t.Fatalf("%q, %q with %v", issuer, keys, err)
		}
		var members map[string]any
		if err == nil && (json.Unmarshal(text, &members) != nil || issuer != "" && members["issuer"] != issuer || keys != "" && members["jwks_uri"] != keys) {
			t.Fatalf("%q, %q are not what %q says", issuer, keys, text)
		}
	})
}
