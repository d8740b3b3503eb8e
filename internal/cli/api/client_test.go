package api

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// answering returns a client of a server that gives every request one answer.
func answering(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return New(server.URL, nil, "nsc/test")
}

func plainAnswer(status int, content, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", content)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func wantFailure(t *testing.T, err error, status failure.Status, what, todo string) {
	t.Helper()
	var f *failure.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	if f.Status != status || !strings.Contains(f.What, what) || !strings.Contains(f.Todo, todo) || todo == "" && f.Todo != "" {
		t.Errorf("status %d, %q, %q; want %d, %q, %q", f.Status, f.What, f.Todo, status, what, todo)
	}
	if strings.ContainsAny(f.What+f.Todo, "\n\x1b") {
		t.Errorf("%q is not one line of text", f.What)
	}
}

func TestAnswersBecomeFailures(t *testing.T) {
	const problem, js = "application/problem+json", "application/json"
	for name, c := range map[string]struct {
		status        int
		content, body string
		exit          failure.Status
		what, todo    string
	}{
		"token refused": {400, js, `{"error":"invalid_request","error_description":"the token is not admitted.","code":"token_refused","refusal_id":"abc"}`,
			failure.Refused, "the token is not admitted (refusal abc)", "nsc auth inspect"},
		"assertion refused":     {400, js, `{"error":"invalid_grant"}`, failure.Refused, "invalid_grant", ""},
		"audience refused":      {400, js, `{"error":"invalid_target","error_description":"may not","code":"invalid_target"}`, failure.Refused, "may not", "grant"},
		"no workspace named":    {400, js, `{"error":"invalid_request","error_description":"names none","code":"workspace_open"}`, failure.Refused, "names none", "--workspace NAME"},
		"malformed request":     {400, js, `{"error":"invalid_request","error_description":"bad","code":"invalid_request"}`, failure.Failed, "bad", ""},
		"not signed in":         {401, problem, `{"title":"Unauthorized","detail":"sign in first","code":"unauthenticated"}`, failure.Refused, "sign in first", "sign in again"},
		"forbidden":             {403, problem, `{"title":"Forbidden","detail":"needs a grant","code":"forbidden"}`, failure.Refused, "needs a grant", "nsc auth whoami"},
		"not found":             {404, problem, `{"title":"Not Found","detail":"no such thing","code":"not_found"}`, failure.Failed, "no such thing", ""},
		"conflict":              {409, problem, `{"title":"Conflict","code":"conflict"}`, failure.Failed, "Conflict", ""},
		"invalid field":         {422, problem, `{"title":"Unprocessable","detail":"is empty","code":"invalid_field","field":"issuer"}`, failure.Failed, "issuer: is empty", "correct it"},
		"field named already":   {422, problem, `{"title":"x","detail":"issuer: is empty","code":"invalid_field","field":"issuer"}`, failure.Failed, "issuer: is empty", "correct it"},
		"too many":              {429, js, `{"error":"temporarily_unavailable","code":"too_many_requests"}`, failure.Failed, "temporarily_unavailable", "try again in a moment"},
		"issuer unavailable":    {503, js, `{"error":"temporarily_unavailable","error_description":"no keys","code":"issuer_unavailable"}`, failure.Failed, "no keys", "try again in 7s"},
		"server failed":         {500, problem, `{"title":"x","detail":"failed","code":"internal","refusal_id":"r1"}`, failure.Failed, "failed (refusal r1)", "operator"},
		"text for a terminal":   {403, problem, `{"title":"x","detail":"a\u001b[31m\nb","code":"forbidden"}`, failure.Refused, "a [31m b", "whoami"},
		"not nsc, a page":       {404, "text/html", "<html>", failure.Unreachable, "answered 404 Not Found with text/html: it does not seem to be an nsc server", "--url"},
		"not nsc, other JSON":   {400, js, `{"message":"x"}`, failure.Unreachable, "does not seem to be an nsc server", "--url"},
		"a proxy without nsc":   {502, "text/html", "<html>", failure.Unreachable, "its proxy answered 502 Bad Gateway", "try again"},
		"another name of dev's": {421, "text/plain", "nsc dev answers to 127.0.0.1:8740 only", failure.Unreachable, "nsc dev answers to 127.0.0.1:8740 only", "--url"},
		"success without JSON":  {200, "text/html", "<html>", failure.Unreachable, "not the JSON that was asked for", "--url"},
	} {
		t.Run(name, func(t *testing.T) {
			client := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if c.status == http.StatusServiceUnavailable {
					w.Header().Set("Retry-After", "7")
				}
				plainAnswer(c.status, c.content, c.body)(w, r)
			})
			_, err := client.WhoAmI(t.Context(), "prod", "secret")
			wantFailure(t, err, c.exit, c.what, c.todo)
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	_, err := client.WhoAmI(t.Context(), "prod", "secret")
	wantFailure(t, err, failure.Unreachable, "redirect to "+elsewhere.URL, "--url")
}

func TestAnswersAreCapped(t *testing.T) {
	client := answering(t, plainAnswer(200, "application/json", `{"subject":"`+strings.Repeat("x", maxAnswer)+`"}`))
	_, err := client.WhoAmI(t.Context(), "prod", "secret")
	wantFailure(t, err, failure.Unreachable, "more than 8 MiB", "--url")
}

func TestServerNotReached(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	listener.Close()
	_, err = New(base, nil, "").Workspace(t.Context(), "prod")
	wantFailure(t, err, failure.Unreachable, "the server at "+base+" was not reached: connect: connection refused", "--url (NSC_URL)")
}

func TestServerIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(plainAnswer(200, "application/json", `{"name":"prod"}`))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail here
	server.StartTLS()
	defer server.Close()
	_, err := New(server.URL, nil, "").Workspace(t.Context(), "prod")
	wantFailure(t, err, failure.Unreachable, "was not trusted", "--ca-file FILE (or NSC_CA_FILE)")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	if w, err := New(server.URL, roots, "").Workspace(t.Context(), "prod"); err != nil || w.Name != "prod" {
		t.Errorf("%+v, %v", w, err)
	}
	wrongName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	_, err = New(wrongName, roots, "").Workspace(t.Context(), "prod")
	wantFailure(t, err, failure.Unreachable, "was not trusted", "the name that its certificate is for")
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.Workspace(ctx, "prod")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestTokenRequests(t *testing.T) {
	var got url.Values
	var path, key string
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Header.Get("Authorization") != "" {
			t.Errorf("%v, Authorization %q", err, r.Header.Get("Authorization"))
		}
		got, path, key = r.PostForm, r.URL.Path, r.Header.Get("Idempotency-Key")
		plainAnswer(200, "application/json", `{"access_token":"t","expires_in":60,"workspace":"prod"}`)(w, r)
	})
	a, err := client.IssueIDToken(t.Context(), "prod", IDTokenRequest{Bearer: "b", Audience: "x", Algorithm: "RS256", Duration: 90 * time.Second})
	if err != nil || a.AccessToken != "t" || a.Lifetime() != time.Minute || path != "/w/prod/token" || len(key) < 22 {
		t.Errorf("%+v, %v at %s with key %q", a, err, path, key)
	}
	want := url.Values{
		"grant_type": {tokenExchange}, "subject_token": {"b"}, "subject_token_type": {typeAccessToken},
		"requested_token_type": {typeIDToken}, "audience": {"x"}, "id_token_signed_response_alg": {"RS256"}, "expires_in": {"90"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if _, err := client.SignIn(t.Context(), "", SignInRequest{Token: "theirs", Trust: "id"}); err != nil || path != "/token" {
		t.Errorf("%v at %s", err, path)
	}
	want = url.Values{
		"grant_type": {tokenExchange}, "subject_token": {"theirs"}, "subject_token_type": {typeJWT},
		"requested_token_type": {typeAccessToken}, "trust": {"id"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestAnswerWithoutToken(t *testing.T) {
	client := answering(t, plainAnswer(200, "application/json", `{"expires_in":60}`))
	_, err := client.SignIn(t.Context(), "", SignInRequest{Token: "theirs"})
	wantFailure(t, err, failure.Unreachable, "without a token", "--url")
}

func TestListsAreReadToTheEnd(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer b" {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
		next := map[string]string{"": "a", "a": "b", "b": ""}[r.URL.Query().Get("after")]
		json.NewEncoder(w).Encode(map[string]any{"items": []Workspace{{Name: "w" + next}}, "next": next})
	})
	found, err := client.Workspaces(t.Context(), "b")
	if err != nil || len(found) != 3 || found[2].Name != "w" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestEventsStopAtTheLimit(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		var limit int
		fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		events := make([]Event, min(limit, 1000))
		next := "older"
		if r.URL.Query().Get("before") != "" && limit == pageOfEvents {
			events, next = events[:1], ""
		}
		json.NewEncoder(w).Encode(map[string]any{"items": events, "next": next})
	})
	for limit, want := range map[int]int{0: 1001, 1: 1, 1000: 1000, 1200: 1200} {
		events, more, err := client.Events(t.Context(), "prod", "b", Search{Limit: limit})
		if err != nil || len(events) != want || more != (limit != 0) {
			t.Errorf("limit %d: %d events, more %v, %v", limit, len(events), more, err)
		}
	}
}
