package clouds

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A googleProject stands in for a Google Cloud project: the security token service with one provider, and a bucket.
type googleProject struct {
	server   *httptest.Server
	provider *googleProvider
	bucket   string
	members  []string // who may read it

	mu         sync.Mutex
	principals map[string]string // by access token
}

const (
	googleNumber   = "123456789012"
	googleAPI      = "//iam.googleapis.com/"
	longestSubject = 127            // bytes
	longestLife    = 48 * time.Hour // from iat to exp
)

// openGoogle makes a project by the commands of the guide.
func openGoogle(t *testing.T, r *reader) *googleProject {
	t.Helper()
	p := &googleProject{principals: map[string]string{}}
	p.provider = newGoogleProvider(t, r, mustFind(t, r.perform(t, r.deployer.cli, "provider"),
		"gcloud", "iam", "workload-identity-pools", "providers", "create-oidc"))
	bind := mustFind(t, r.perform(t, r.deployer.cli, "binding"), "gcloud", "storage", "buckets", "add-iam-policy-binding")
	p.bucket, p.members = strings.TrimPrefix(bind[4], "gs://"), []string{bind.flag("member")}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/token", p.exchange)
	mux.HandleFunc("GET /storage/v1/b/{bucket}/o", p.list)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	r.says("https://sts.googleapis.com", p.server.URL)
	return p
}

// A googleError is an error of the token service (RFC 6749 §5.2).
type googleError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *googleError) Error() string { return e.Code + ": " + e.Description }

// exchange is RFC 8693 as Google does it.
func (p *googleProject) exchange(w http.ResponseWriter, r *http.Request) {
	const types = "urn:ietf:params:oauth:token-type:"
	var err *googleError
	subject := ""
	switch kind := r.FormValue("subject_token_type"); {
	case r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange",
		r.FormValue("requested_token_type") != types+"access_token", kind != types+"jwt" && kind != types+"id_token":
		err = &googleError{"invalid_request", "not an exchange that is known"}
	case r.FormValue("audience") != googleAPI+p.provider.name:
		err = &googleError{"invalid_target", `The target service indicated by the "audience" parameters is invalid.`}
	default:
		subject, err = p.provider.admit(r.Context(), r.FormValue("subject_token"))
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, err)
		return
	}
	token := "ya29." + rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	pool, _, _ := strings.Cut(p.provider.name, "/providers/")
	p.principals[token] = "principal:" + googleAPI + pool + "/subject/" + subject
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "issued_token_type": types + "access_token", "token_type": "Bearer", "expires_in": 3600,
	})
}

// list shows the bucket to its members.
func (p *googleProject) list(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	principal, ok := p.principals[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case !ok:
		w.WriteHeader(http.StatusUnauthorized)
	case r.PathValue("bucket") != p.bucket || !slices.Contains(p.members, principal):
		w.WriteHeader(http.StatusForbidden)
	default:
		writeJSON(w, http.StatusOK, map[string]string{"kind": "storage#objects"})
	}
}

// admit does what the token service does: it verifies, compares the audience, maps, and asks the condition. It returns
// the mapped subject.
func (p *googleProvider) admit(ctx context.Context, raw string) (string, *googleError) {
	token, err := p.verify(ctx, raw)
	if err != nil {
		return "", &googleError{"invalid_grant", err.Error()}
	}
	if len(token.Audience) != 1 || !slices.Contains(p.audiences, token.Audience[0]) {
		return "", &googleError{"invalid_grant", fmt.Sprintf("The audience in ID Token %s does not match the expected audience.", token.Audience)}
	}
	if token.Expiry.Sub(token.IssuedAt) > longestLife || token.IssuedAt.After(time.Now()) {
		return "", &googleError{"invalid_grant", "exp or iat is not within its limits"}
	}
	assertion := map[string]any{}
	if err := token.Claims(&assertion); err != nil {
		return "", &googleError{"invalid_grant", err.Error()}
	}
	subject, ok := p.subject.value(assertion).(string)
	switch {
	case !ok || subject == "":
		return "", &googleError{"invalid_request", "google.subject is not mapped to a text"}
	case len(subject) > longestSubject:
		return "", &googleError{"invalid_request", "The size of mapped attribute google.subject exceeds the 127 bytes limit."}
	case p.condition != nil && p.condition.value(assertion) != true:
		return "", &googleError{"unauthorized_client", "The given credential is rejected by the attribute condition."}
	}
	return subject, nil
}
