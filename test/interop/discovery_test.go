package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// metadata is what a relying party may rely on (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKS                  string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	Algorithms            []string `json:"id_token_signing_alg_values_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
}

// The two places where the document of an issuer with a path is looked for.
func openIDAddress(issuer string) string { return issuer + "/.well-known/openid-configuration" }

func oauthAddress(t *testing.T, issuer string) string { // RFC 8414 §3.1
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/.well-known/oauth-authorization-server" + u.Path
	return u.String()
}

func TestDiscoveryDocumentIsComplete(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		for _, w := range []workspace{s.dev, s.other} {
			t.Run(transport+"/"+w.Name, func(t *testing.T) {
				for _, address := range []string{openIDAddress(w.Issuer), oauthAddress(t, w.Issuer)} {
					body, header := s.get(t, address, nil, http.StatusOK)
					if media := header.Get("Content-Type"); media != "application/json" {
						t.Errorf("%s: Content-Type %q", address, media)
					}
					var m metadata
					if err := json.Unmarshal(body, &m); err != nil {
						t.Fatal(err)
					}
					m.check(t, w)
				}
			})
		}
	}
}

func (m metadata) check(t *testing.T, w workspace) {
	t.Helper()
	if m.Issuer != w.Issuer { // byte for byte, Discovery §4.3
		t.Errorf("issuer %q, want %q", m.Issuer, w.Issuer)
	}
	for name, endpoint := range map[string]string{"token_endpoint": m.TokenEndpoint, "jwks_uri": m.JWKS} {
		if !strings.HasPrefix(endpoint, w.Issuer+"/") {
			t.Errorf("%s %q is not below the issuer", name, endpoint)
		}
	}
	// Discovery §3 knows no OpenID Provider without this endpoint; RFC 8414 §2 does, where no grant type needs it.
	byBrowser := func(grant string) bool { return grant == "authorization_code" || grant == "implicit" }
	if m.AuthorizationEndpoint == "" && (m.GrantTypes == nil || slices.ContainsFunc(m.GrantTypes, byBrowser)) {
		t.Errorf("no authorization_endpoint, with the grant types %q", m.GrantTypes)
	}
	if len(m.ResponseTypes) == 0 {
		t.Error("no response_types_supported")
	}
	if !slices.Contains(m.SubjectTypes, "public") {
		t.Errorf("subject_types_supported %q", m.SubjectTypes)
	}
	if !slices.Contains(m.Algorithms, "RS256") || slices.Contains(m.Algorithms, "none") { // Discovery §3
		t.Errorf("id_token_signing_alg_values_supported %q", m.Algorithms)
	}
	for _, grant := range []string{tokenExchange, jwtBearer} {
		if !slices.Contains(m.GrantTypes, grant) {
			t.Errorf("grant_types_supported %q, without %s", m.GrantTypes, grant)
		}
	}
}

// A ring that was added is announced at once (rule 29: discovery lists what exists), and in its own workspace alone.
// Relying parties read the document once in a long while: who did before the first key signs would refuse what it signs.
func TestNewAlgorithmIsAnnounced(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			w := s.newWorkspace(t)
			w.rotate(t, "--alg", "EdDSA")
			for _, c := range []struct {
				w    workspace
				algs []string
			}{{w, []string{"ES256", "EdDSA", "RS256"}}, {s.other, []string{"ES256", "RS256"}}} {
				var m metadata
				body, _ := s.get(t, openIDAddress(c.w.Issuer), nil, http.StatusOK)
				if err := json.Unmarshal(body, &m); err != nil {
					t.Fatal(err)
				}
				if slices.Sort(m.Algorithms); !slices.Equal(m.Algorithms, c.algs) {
					t.Errorf("%s: %q, want %q", c.w.Name, m.Algorithms, c.algs)
				}
			}
		})
	}
}

// openid-client finds the same issuer by either specification.
func TestOpenIDClientDiscovers(t *testing.T) {
	l := openLab(t)
	n := l.openNode(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			found := map[string]metadata{}
			for _, algorithm := range []string{"oidc", "oauth2"} {
				var m metadata
				err := n.call(request{Library: "openid-client", Call: "discover", Issuer: s.dev.Issuer, Algorithm: algorithm}, &m)
				if err != nil {
					t.Fatal(err)
				}
				found[algorithm] = m
			}
			if found["oidc"].Issuer != s.dev.Issuer || !reflect.DeepEqual(found["oidc"], found["oauth2"]) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// The key set holds public keys that say what they are for, under IDs of their own.
func TestKeySetIsPublic(t *testing.T) {
	l := openLab(t)
	body, header := l.plain.get(t, l.plain.dev.Issuer+"/jwks", nil, http.StatusOK)
	if media := header.Get("Content-Type"); media != "application/json" && media != "application/jwk-set+json" {
		t.Errorf("Content-Type %q", media)
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, k := range set.Keys {
		if ids[k["kid"]] || k["kid"] == "" || k["use"] != "sig" || k["alg"] == "" {
			t.Errorf("kid %q, use %q, alg %q", k["kid"], k["use"], k["alg"])
		}
		ids[k["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} { // RFC 7518 §6
			if _, ok := k[private]; ok {
				t.Errorf("key %s has a member %s", k["kid"], private)
			}
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d keys, want one for each algorithm", len(ids))
	}
}

// Key sets may be cached, and are answered for by their entity tag (RFC 9110 §13.1.2: compared weakly, one of several).
func TestKeySetCaching(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			address := s.dev.Issuer + "/jwks"
			_, header := s.get(t, address, nil, http.StatusOK)
			tag := header.Get("ETag")
			if !strings.HasPrefix(tag, `"`) || !strings.Contains(header.Get("Cache-Control"), "max-age=") {
				t.Fatalf("ETag %q, Cache-Control %q", tag, header.Get("Cache-Control"))
			}
			for form, c := range map[string]struct {
				match string
				want  int
			}{
				"the tag":        {tag, http.StatusNotModified},
				"made weak":      {"W/" + tag, http.StatusNotModified}, // by a proxy that compresses
				"among others":   {`"another", ` + tag, http.StatusNotModified},
				"any":            {"*", http.StatusNotModified},
				"another's":      {`"another"`, http.StatusOK},
				"without quotes": {strings.Trim(tag, `"`), http.StatusOK},
			} {
				t.Run(form, func(t *testing.T) {
					body, again := s.get(t, address, http.Header{"If-None-Match": {c.match}}, c.want)
					if got := again.Get("ETag"); got != tag || again.Get("Cache-Control") != header.Get("Cache-Control") {
						t.Errorf("ETag %q, Cache-Control %q (RFC 9110 §15.4.5)", got, again.Get("Cache-Control"))
					}
					if c.want == http.StatusNotModified && len(body) > 0 {
						t.Errorf("%d bytes that the client has", len(body))
					}
				})
			}
		})
	}
}

// A rotation changes the tag at once.
func TestKeySetTagChangesWithTheKeys(t *testing.T) {
	l := openLab(t)
	w := l.plain.newWorkspace(t)
	_, before := l.plain.get(t, w.Issuer+"/jwks", nil, http.StatusOK)
	w.rotate(t)
	l.plain.get(t, w.Issuer+"/jwks", http.Header{"If-None-Match": {before.Get("ETag")}}, http.StatusOK)
}

// get fetches a page whose status must be as told.
func (s *server) get(t *testing.T, address string, header http.Header, status int) (body []byte, answered http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Errorf("%s answered %d, want %d: %.200s", address, response.StatusCode, status, body)
	}
	return body, response.Header
}
