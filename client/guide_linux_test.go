package client_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
)

// block returns the code of a fence in a guide.
func block(t *testing.T, page, fence string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "guide", page))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n```"+fence+"\n")
	code, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !closed {
		t.Fatalf("%s has no block %q", page, fence)
	}
	return code + "\n"
}

// TestTheServiceOfTheGuide builds the service that the guide shows, runs it beside nsc dev and calls it.
func TestTheServiceOfTheGuide(t *testing.T) {
	own := os.Environ() // with the build cache of whoever runs the test
	base, at := startDev(t), freeAddress(t)
	code := block(t, "http-service.md", "go service")
	for from, to := range map[string]string{"http://127.0.0.1:8740": base, "127.0.0.1:9000": at} {
		if !strings.Contains(code, from) {
			t.Fatalf("the service does not mention %s", from)
		}
		code = strings.ReplaceAll(code, from, to)
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "service")
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", program, source)
	build.Env = own
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	service := exec.Command(program)
	service.Stderr = os.Stderr
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer service.Wait() // it was killed
	defer service.Process.Kill()

	var c client.Client
	for audience, want := range map[string]string{
		audience:                            "200 OK hello workspace/",
		"https://other-service.example.com": "401 Unauthorized Unauthorized",
	} {
		token, err := c.IDToken(t.Context(), audience)
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, "http://"+at+"/api/resource", token.Secret()); !strings.HasPrefix(got, want) {
			t.Errorf("with a token for %s: %s, want %s", audience, got, want)
		}
	}
}

// call calls a service, which may still be starting, and returns what it answers.
func call(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 1000 {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			<-again.C
			continue
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.Status + " " + string(text)
	}
	t.Fatal("the service does not answer")
	return ""
}

// freeAddress returns an address on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
