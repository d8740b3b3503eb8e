package interop

import (
	"net/http"
	"net/url"
	"testing"
)

// The names of RFC 8693 §2.1 and §3, and of RFC 7523 §2.1.
const (
	tokenExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	jwtBearer       = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	idTokenType     = "urn:ietf:params:oauth:token-type:id_token"
	jwtType         = "urn:ietf:params:oauth:token-type:jwt"
)

// A kind of token.
type kind string

const (
	accessToken kind = accessTokenType
	idToken     kind = idTokenType
)

// want is what a token is asked for.
type want struct {
	kind     kind
	audience string   // "" is the issuer
	more     []string // further parameters, as pairs
}

// pairs are the parameters of the exchange, without the grant type.
func (w want) pairs(subjectToken string) [][2]string {
	pairs := [][2]string{
		{"subject_token", subjectToken}, {"subject_token_type", jwtType}, {"requested_token_type", string(w.kind)},
	}
	if w.audience != "" {
		pairs = append(pairs, [2]string{"audience", w.audience})
	}
	for i := 0; i < len(w.more); i += 2 {
		pairs = append(pairs, [2]string{w.more[i], w.more[i+1]})
	}
	return pairs
}

func (w want) form(subjectToken string) url.Values {
	form := url.Values{"grant_type": {tokenExchange}}
	for _, pair := range w.pairs(subjectToken) {
		form.Add(pair[0], pair[1])
	}
	return form
}

// An answer of a token endpoint (RFC 8693 §2.2.1, RFC 6749 §5.2).
type answer struct {
	Token       string   `json:"access_token"`
	Issued      string   `json:"issued_token_type"`
	Type        string   `json:"token_type"`
	ExpiresIn   int      `json:"expires_in"`
	Details     []detail `json:"authorization_details"`
	Error       string   `json:"error"`
	Description string   `json:"error_description"`

	status int
	header http.Header
}

// A detail is a grant in a token and in an answer (RFC 9396 §2).
type detail struct {
	Type       string   `json:"type"`
	Identifier string   `json:"identifier"`
	Actions    []string `json:"actions"`
}

// mustIssue returns the token of an answer that must have one.
func (a answer) mustIssue(t *testing.T) string {
	t.Helper()
	if a.status != http.StatusOK || a.Token == "" {
		t.Fatalf("no token: status %d, error %q: %s", a.status, a.Error, a.Description)
	}
	return a.Token
}

// wantError demands an OAuth error and nothing that could be taken for a token.
func (a answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status || a.Error != code || a.Token != "" {
		t.Errorf("status %d, error %q (%s), token %t; want status %d, error %q",
			a.status, a.Error, a.Description, a.Token != "", status, code)
	}
}
