package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// cacheKeys is how long a relying party may keep discovery and JWKS: far less than a key is published before it signs.
const cacheKeys = "public, max-age=300"

// metadata is what a workspace publishes of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
type metadata struct {
	Issuer         string          `json:"issuer"`
	TokenEndpoint  string          `json:"token_endpoint"`
	JWKS           string          `json:"jwks_uri"`
	Introspection  string          `json:"introspection_endpoint"`
	Revocation     string          `json:"revocation_endpoint"`
	RevocationAuth []string        `json:"revocation_endpoint_auth_methods_supported"`
	ResponseTypes  []string        `json:"response_types_supported"`
	SubjectTypes   []string        `json:"subject_types_supported"`
	Algorithms     []jwt.Algorithm `json:"id_token_signing_alg_values_supported"`
	GrantTypes     []string        `json:"grant_types_supported"`
	ClientAuth     []string        `json:"token_endpoint_auth_methods_supported"`
	DetailTypes    []string        `json:"authorization_details_types_supported"`
	Claims         []string        `json:"claims_supported"`
	RequestURI     bool            `json:"request_uri_parameter_supported"` // its default is true
	ClaimsParam    bool            `json:"claims_parameter_supported"`
	RequestParam   bool            `json:"request_parameter_supported"`
}

func (h *handler) discovery(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := h.snapshot(r)
	if err != nil {
		return err
	}
	algorithms, err := h.Keys.Algorithms(r.Context(), snapshot.ID)
	if err != nil {
		return err
	}
	body, err := h.documents.of(snapshot.Tenant.Issuer, algorithms)
	if err != nil {
		return err
	}
	public(w)
	writeBody(w, http.StatusOK, body)
	return nil
}

// documents keeps the metadata of the workspaces asked for last, as they are written: they change with the algorithms
// alone.
type documents struct{ held *lru.Cache[string, document] }

type document struct {
	algorithms []jwt.Algorithm
	body       []byte
}

const heldDocuments = 1024

func newDocuments() documents {
	held, err := lru.New[string, document](heldDocuments)
	if err != nil {
		panic(err) // only for a size below one
	}
	return documents{held}
}

func (d documents) of(issuer string, algorithms []jwt.Algorithm) ([]byte, error) {
	if known, ok := d.held.Get(issuer); ok && slices.Equal(known.algorithms, algorithms) {
		return known.body, nil
	}
	body, err := json.Marshal(describe(issuer, algorithms))
	if err == nil {
		d.held.Add(issuer, document{algorithms, body})
	}
	return body, err
}

func describe(issuer string, algorithms []jwt.Algorithm) metadata {
	return metadata{
		Issuer: issuer, TokenEndpoint: issuer + "/token", JWKS: issuer + "/jwks",
		Introspection: issuer + "/introspect", Revocation: issuer + "/revoke", RevocationAuth: []string{"none"},
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, Algorithms: algorithms,
		GrantTypes: []string{grantExchange, grantJWTBearer}, ClientAuth: []string{"none"},
		DetailTypes: []string{"workspace", "audience", "http", "kubernetes", "docker", "registry", "postgres"},
		Claims: []string{
			"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "workspace_id", "workspace", "root_iat", "depth", "groups", "attributes", "act",
		},
	}
}

func (h *handler) jwks(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := h.snapshot(r)
	if err != nil {
		return err
	}
	document, err := h.Keys.JWKS(r.Context(), snapshot.ID)
	if err != nil {
		return err
	}
	public(w)
	w.Header().Set("ETag", document.ETag)
	if among(strings.Join(r.Header.Values(ifNoneMatch), ","), document.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	writeBody(w, http.StatusOK, document.JSON)
	return nil
}

// public sets the headers of what anybody may read from anywhere, pages in a browser too.
func public(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", cacheKeys)
	w.Header().Set("Access-Control-Allow-Origin", "*")
}
