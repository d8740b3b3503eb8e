package clouds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/google/externalaccount"
)

const googleGuide guide = "google-cloud.md"

const (
	googleAudience = "https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/nsc/providers/prod"
	googleScope    = "https://www.googleapis.com/auth/cloud-platform"
)

// read looks into the bucket with a token of the source, and returns the status.
func (p *googleProject) read(ctx context.Context, source oauth2.TokenSource) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+"/storage/v1/b/"+p.bucket+"/o", nil)
	if err != nil {
		return 0, err
	}
	response, err := oauth2.NewClient(ctx, source).Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// serveTokens is a server beside the workload, as the guide's third source wants one.
func (w workload) serveTokens(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		printed, err := w.cli.output(r.Context(), "auth", "issue-id-token", "--audience", googleAudience, "-o", "json")
		if r.Header.Get("Metadata") != "true" || err != nil {
			http.Error(rw, fmt.Sprint("no token: ", err), http.StatusForbidden)
			return
		}
		_, _ = rw.Write([]byte(printed)) // the other side went away
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// The guide's configuration files are all that the library needs, whatever the source.
func TestGoogleReadsTheConfiguration(t *testing.T) {
	r := follow(t, googleGuide)
	project := openGoogle(t, r)
	r.installTokenFile(t)
	r.install(t, "nsc-google-token")
	r.says("http://127.0.0.1:8080", r.deployer.serveTokens(t))
	for _, source := range []string{"file", "executable", "url"} {
		t.Run(source, func(t *testing.T) {
			r.become(t, r.deployer, "environment")
			if source == "file" {
				r.perform(t, r.deployer.cli, "renew")
			}
			r.write(t, filepath.Join("etc", "google.json"), r.block(t, "google-"+source+".json"), 0o600)
			c, err := google.FindDefaultCredentials(t.Context(), googleScope)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := project.read(t.Context(), c.TokenSource); err != nil || status != http.StatusOK {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
}

// gcloud is asked for the file that the guide shows.
func TestGoogleConfigurationIsTheCommands(t *testing.T) {
	r := follow(t, googleGuide)
	c := mustFind(t, r.perform(t, r.deployer.cli, "credentials"), "gcloud", "iam", "workload-identity-pools", "create-cred-config")
	var file struct {
		Audience string `json:"audience"`
		Source   struct {
			File string `json:"file"`
		} `json:"credential_source"`
	}
	if err := json.Unmarshal([]byte(r.block(t, "google-file.json")), &file); err != nil {
		t.Fatal(err)
	}
	if file.Audience != googleAPI+c[4] || file.Source.File != c.flag("credential-source-file") {
		t.Errorf("%+v, by %q", file, c)
	}
}

// given supplies a token as it is.
type given string

func (g given) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return string(g), nil
}

// source is the library's token source for a token.
func (p *googleProject) source(t *testing.T, token string) oauth2.TokenSource {
	t.Helper()
	source, err := externalaccount.NewTokenSource(t.Context(), externalaccount.Config{
		Audience: googleAPI + p.provider.name, SubjectTokenType: "urn:ietf:params:oauth:token-type:jwt",
		TokenURL: p.server.URL + "/v1/token", Scopes: []string{googleScope}, SubjectTokenSupplier: given(token),
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// wantRefused demands an error of the token service. The library quotes it.
func (p *googleProject) wantRefused(t *testing.T, token, code, words string) {
	t.Helper()
	_, err := p.source(t, token).Token()
	failed := errors.New("")
	if err != nil {
		failed = err
	}
	_, text, _ := strings.Cut(failed.Error(), "status code 400: ")
	var got googleError
	if json.Unmarshal([]byte(text), &got) != nil || code == "" || got.Code != code || !strings.Contains(got.Description, words) {
		t.Errorf("%v, want %s: %s", err, code, words)
	}
}

// wantStatus demands what the bucket answers to the bearer of a token.
func (p *googleProject) wantStatus(t *testing.T, token string, want int) {
	t.Helper()
	if status, err := p.read(t.Context(), p.source(t, token)); err != nil || status != want {
		t.Errorf("status %d, %v; want %d", status, err, want)
	}
}

// What the guide's provider keeps out, and in which words.
func TestGoogleRefuses(t *testing.T) {
	r := follow(t, googleGuide)
	project := openGoogle(t, r)
	want := map[string]googleError{
		otherAudience:    {"invalid_grant", "does not match the expected audience"},
		otherSubject:     {"unauthorized_client", "rejected by the attribute condition"},
		otherWorkspace:   {"invalid_grant", inSignature},
		claimedWorkspace: {"invalid_grant", inSignature},
		changedSubject:   {"invalid_grant", inSignature},
		changedAudience:  {"invalid_grant", inSignature},
		changedEnd:       {"invalid_grant", inSignature},
		unknownKey:       {"invalid_grant", inSignature},
		noSignature:      {"invalid_grant", inAlgorithm},
		accessToken:      {"invalid_grant", "does not match the expected audience"},
		withNewline:      {"invalid_grant", inForm},
		ofOtherAlgorithm: {"invalid_grant", inAlgorithm},
	}
	wrong := r.wrongTokens(t, googleAudience)
	wrong[ofOtherAlgorithm] = r.inEdDSA(t, googleAudience)
	for what, token := range wrong {
		t.Run(what, func(t *testing.T) { project.wantRefused(t, token, want[what].Code, want[what].Description) })
	}
	project.wantStatus(t, r.deployer.issue(t, googleAudience, "--alg", "RS256"), http.StatusOK)
	good := r.deployer.issue(t, googleAudience)
	project.wantStatus(t, good, http.StatusOK)
	project.provider.later = time.Hour
	project.wantRefused(t, good, "invalid_grant", inTime)
}

// The binding names one subject: where a provider has no condition, another one gets a token and may do nothing.
func TestGoogleBindingNamesOneSubject(t *testing.T) {
	r := follow(t, googleGuide)
	project := openGoogle(t, r)
	project.provider.condition = nil
	project.wantStatus(t, r.wrongTokens(t, googleAudience)[otherSubject], http.StatusForbidden)
	project.wantStatus(t, r.deployer.issue(t, googleAudience), http.StatusOK)
}

// Subjects never exceed what Google takes, however long the external one is (rule 10).
func TestRule10GoogleTakesTheLongestSubject(t *testing.T) {
	r := follow(t, googleGuide)
	project := openGoogle(t, r)
	project.provider.condition = nil
	for length, account := range map[int]string{
		127: "system:serviceaccount:apps:" + strings.Repeat("a", 21), // the longest that is written out
		126: "system:serviceaccount:apps:" + strings.Repeat("a", 22), // a hash from here on
	} {
		r.trust(t, account, googleAudience)
		token := r.signIn(t, r.home, account).issue(t, googleAudience)
		if subject := read(t, token).Subject; len(subject) != length {
			t.Errorf("%s has %d bytes, want %d", subject, len(subject), length)
		}
		project.wantStatus(t, token, http.StatusForbidden) // the token service took it
	}
}
