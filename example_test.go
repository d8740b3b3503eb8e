package nsc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/nsc-federation/nsc"
)

// What the examples have in place of a workspace: its tokens, and an HTTP client that reaches it.
var (
	workspace   = newIssuer(prod)
	client      = workspace.client()
	idToken     = workspace.sign("JWT", workspace.idClaims())
	accessToken = workspace.sign("at+jwt", workspace.accessClaims())
)

func Example() {
	ctx, token := context.Background(), idToken

	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com", nsc.HTTPClient(client))
	claims, err := verifier.Verify(ctx, token)
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(claims.Subject)
	fmt.Println(claims.InGroup("ops"))
	// Output:
	// workspace/w/user/u
	// true
}

// The reasons for which tokens are refused are for your log. A caller is told nothing but that his token is not good, and
// that he may come again where it was not the token's fault.
func ExampleVerifier_Verify() {
	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://another-service.example.com", nsc.HTTPClient(client))
	_, err := verifier.Verify(context.Background(), idToken)

	var keys *nsc.KeysUnavailableError
	switch {
	case errors.As(err, &keys):
		fmt.Println("the issuer is not reached; try again in", keys.RetryAfter)
	case errors.Is(err, nsc.ErrExpired):
		fmt.Println("the token has ended")
	case errors.Is(err, nsc.ErrAudience):
		fmt.Println("the token was meant for somebody else")
	}
	// Output: the token was meant for somebody else
}

func ExampleVerifier_Handler() {
	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com", nsc.HTTPClient(client))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := nsc.ClaimsFrom(r.Context())
		fmt.Fprintf(w, "hello, %s of %s", claims.Subject, claims.Workspace)
	})
	service := verifier.Handler(mux) // http.ListenAndServeTLS(…, service)

	fmt.Println(get(service, "/hello", idToken))
	fmt.Println(get(service, "/hello", ""))
	// Output:
	// 200 hello, workspace/w/user/u of prod
	// 401 Bearer realm="https://your-service.example.com"
}

// With access tokens it is the workspace that says who may do what.
func ExampleVerifier_Require() {
	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com",
		nsc.AccessTokens(), nsc.HTTPClient(client))
	path := func(r *http.Request) string { return "your-service.example.com" + r.URL.Path }
	may := func(action string, h http.HandlerFunc) http.Handler { return verifier.Require("http", path, action)(h) }

	mux := http.NewServeMux()
	mux.Handle("GET /api/resource", may("get", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here it is") }))
	mux.Handle("GET /admin", may("get", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "all of it") }))

	fmt.Println(get(mux, "/api/resource", accessToken))
	fmt.Println(get(mux, "/admin", accessToken))
	// Output:
	// 200 here it is
	// 403 Bearer realm="https://your-service.example.com", error="insufficient_scope"
}

func ExampleClaims_Allows() {
	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com",
		nsc.AccessTokens(), nsc.HTTPClient(client))
	claims, err := verifier.Verify(context.Background(), accessToken)
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(claims.Allows("http", "your-service.example.com/api/resource", "get"))
	fmt.Println(claims.Allows("http", "your-service.example.com/api/resource", "delete"))
	// Output:
	// true
	// false
}

func ExampleClaims_Decode() {
	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com", nsc.HTTPClient(client))
	claims, err := verifier.Verify(context.Background(), idToken)
	if err != nil {
		log.Fatal(err)
	}

	var depth int
	if ok, err := claims.Decode("depth", &depth); !ok || err != nil {
		log.Fatal("the token does not say how many workspaces it came through")
	}
	fmt.Println(depth)
	// Output: 0
}

// An issuer whose certificate is signed by an authority of your own.
func ExampleHTTPClient() {
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile("/etc/nsc/ca.pem"); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}

	verifier := nsc.NewVerifier("https://nsc.internal/w/prod", "https://your-service.example.com",
		nsc.HTTPClient(&http.Client{Transport: transport}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := verifier.Ready(ctx); err != nil {
		log.Print("not ready: ", err)
	}
}

// get calls a service with a token and says what it answered.
func get(service http.Handler, path, token string) string {
	r := httptest.NewRequest(http.MethodGet, "https://your-service.example.com"+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Sprint(w.Code, " ", w.Header().Get("WWW-Authenticate"))
	}
	return fmt.Sprint(w.Code, " ", w.Body)
}
