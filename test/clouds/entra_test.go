package clouds

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// An entra stands in for one directory of Entra ID with one application.
type entra struct {
	server      *httptest.Server
	tenant      string
	application string // its client ID
	credentials []federatedCredential

	mu     sync.Mutex
	issued []claims // the assertions for which tokens were given
}

// A federatedCredential is a federated identity credential: who may speak for the application.
type federatedCredential struct {
	*relyingParty `json:"-"`
	Name          string   `json:"name"`
	Issuer        string   `json:"issuer"`
	Subject       string   `json:"subject"`
	Audiences     []string `json:"audiences"`
}

// An entraError is in Entra ID's words.
type entraError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// openEntra makes a directory by the commands of the guide.
func openEntra(t *testing.T, r *reader, tenant string) *entra {
	t.Helper()
	r.copyFile(t, "credential.json")
	create := mustFind(t, r.perform(t, r.deployer.cli, "federate"), "az", "ad", "app", "federated-credential", "create")
	text, err := os.ReadFile(filepath.Join(r.dir, create.flag("parameters")))
	if err != nil {
		t.Fatal(err)
	}
	var c federatedCredential
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Audiences) != 1 {
		t.Errorf("a federated identity credential has one audience, not %q", c.Audiences)
	}
	c.relyingParty = newRelyingParty(t, r.lab.server.client, c.Issuer, "RS256")
	e := &entra{tenant: tenant, application: create.flag("id"), credentials: []federatedCredential{c}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", e.discovery)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", e.token)
	e.server = httptest.NewTLSServer(mux)
	t.Cleanup(e.server.Close)
	return e
}

func (e *entra) discovery(w http.ResponseWriter, _ *http.Request) {
	base := e.server.URL + "/" + e.tenant
	writeJSON(w, http.StatusOK, map[string]string{
		"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
	})
}

// token is the client credentials grant with a client assertion (RFC 6749 §4.4, RFC 7523 §2.2).
func (e *entra) token(w http.ResponseWriter, r *http.Request) {
	var failed *entraError
	switch {
	case r.FormValue("grant_type") != "client_credentials",
		r.FormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		failed = &entraError{"invalid_request", "AADSTS900144: The request body must contain a parameter."}
	case r.PathValue("tenant") != e.tenant || r.FormValue("client_id") != e.application:
		failed = &entraError{"unauthorized_client", "AADSTS700016: Application was not found in the directory."}
	default:
		failed = e.admit(r.Context(), r.FormValue("client_assertion"))
	}
	if failed != nil {
		writeJSON(w, http.StatusUnauthorized, failed)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": rand.Text()})
}

// admit does what Entra ID does: it verifies with the keys of the issuer and looks for a credential that is equal.
func (e *entra) admit(ctx context.Context, raw string) *entraError {
	unmatched := func(code int, what, value string) *entraError {
		return &entraError{"invalid_client",
			fmt.Sprintf("AADSTS%d: No matching federated identity record found for presented assertion %s '%s'.", code, what, value)}
	}
	issuer, err := unverifiedIssuer(raw)
	if err != nil {
		return &entraError{"invalid_client", "AADSTS50027: Invalid JWT token."}
	}
	i := slices.IndexFunc(e.credentials, func(c federatedCredential) bool { return c.Issuer == issuer })
	if i < 0 {
		return unmatched(700211, "issuer", issuer)
	}
	credential := e.credentials[i]
	token, err := credential.verify(ctx, raw)
	if err != nil {
		return unverified(err)
	}
	switch {
	case len(token.Audience) != 1 || !slices.Contains(credential.Audiences, token.Audience[0]):
		return unmatched(700212, "audience", fmt.Sprint(token.Audience))
	case token.Subject != credential.Subject:
		return unmatched(700213, "subject", token.Subject)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return &entraError{"invalid_client", "AADSTS50027: Invalid JWT token."}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.issued = append(e.issued, c)
	return nil
}

func unverified(err error) *entraError {
	switch refused(err) {
	case inAlgorithm:
		return &entraError{"invalid_client", "AADSTS5002738: Invalid JWT token. It is not a supported signature algorithm."}
	case inTime:
		return &entraError{"invalid_client", "AADSTS700024: Client assertion is not within its valid time range."}
	}
	return &entraError{"invalid_client", "AADSTS50027: Invalid JWT token: " + err.Error()}
}

// last returns the assertion for which a token was given last.
func (e *entra) last(t *testing.T) claims {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.issued) == 0 {
		t.Fatal("no token was given")
	}
	return e.issued[len(e.issued)-1]
}
