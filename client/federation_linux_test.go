package client_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/nsc-federation/nsc"
	"github.com/nsc-federation/nsc/client"
	"github.com/nsc-federation/nsc/internal/server"
)

// startDev runs nsc dev until the test ends, signs in as it says to, and returns its base URL.
func startDev(t *testing.T) string {
	t.Helper()
	dir := home(t)
	config := server.Default()
	config.Listen, config.DataDir, config.Dev = "127.0.0.1:0", dir, true
	ctx, cancel := context.WithCancel(context.Background())
	heard, talk := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := server.Run(ctx, config, talk, slog.New(slog.DiscardHandler))
		done <- err
		talk.CloseWithError(io.EOF)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 4096)
	n, err := heard.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, heard) }()
	_, rest, ok := strings.Cut(string(line[:n]), "ready at ")
	if !ok {
		t.Fatalf("nsc dev says %q", line[:n])
	}
	t.Setenv("NSC_TOKEN_FILE", filepath.Join(dir, "token.json"))
	return strings.Fields(rest)[0]
}

// TestACallerIsKnownToAService goes all the way with a real server: the caller's program has an ID token, sends it, and
// the service verifies it by the issuer's discovery.
func TestACallerIsKnownToAService(t *testing.T) {
	issuer := startDev(t) + "/w/dev"
	verifier := nsc.NewVerifier(issuer, audience, nsc.InsecureAllowHTTP())
	if err := verifier.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := nsc.ClaimsFrom(r.Context())
		_, _ = io.WriteString(w, claims.Workspace+" "+claims.Subject)
	})))
	defer service.Close()

	var c client.Client
	caller := oauth2.NewClient(t.Context(), c.TokenSource(audience))
	response, err := caller.Get(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "dev workspace/") {
		t.Errorf("%s: %s, %v", response.Status, text, err)
	}

	other, err := c.IDToken(t.Context(), "https://another-service.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), other.Secret()); err == nil {
		t.Error("a token for another service is accepted")
	}
}
