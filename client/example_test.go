package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"

	"github.com/nsc-federation/nsc/client"
)

// What the examples have in place of a server and of a sign-in.
var (
	network  = newFake().client()
	signedIn = func(context.Context) (string, error) { return mint(base+"/w/prod", base+"/w/prod", 0, time.Hour), nil }
)

// Where somebody is signed in, by "nsc auth exchange-oidc-token" or by the platform, the zero Client is enough:
// var c client.Client.
func Example() {
	c := client.Client{Source: signedIn, HTTPClient: network}

	token, err := c.IDToken(context.Background(), "https://your-service.example.com")
	if err != nil {
		log.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, "https://your-service.example.com/api/resource", nil)
	request.Header.Set("Authorization", "Bearer "+token.Secret())

	fmt.Println("issued by", token.Workspace)
	fmt.Println(token)
	// Output:
	// issued by prod
	// [redacted]
}

// An HTTP client that sends a good token with every request.
func ExampleClient_TokenSource() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Authorization")[:len("Bearer ey")])
	}))
	defer service.Close()

	c := client.Client{Source: signedIn, HTTPClient: network}
	caller := oauth2.NewClient(context.Background(), c.TokenSource("https://your-service.example.com"))
	response, err := caller.Get(service.URL)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	// Output: Bearer ey
}

// A program that reads its token from a file, here AWS's SDK, as long as the context lasts.
func ExampleClient_KeepFile() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	c := client.Client{Source: signedIn, HTTPClient: network}
	file := filepath.Join(folder, "aws-token") // AWS_WEB_IDENTITY_TOKEN_FILE
	if err := c.KeepFile(ctx, file, "sts.amazonaws.com"); err != nil {
		log.Fatal(err)
	}

	state, err := os.Stat(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.Mode())
	// Output: -rw-------
}

// A workload that has a token of another issuer, such as the one that Kubernetes projects into its file system, and no
// sign-in to nsc.
func ExampleClient_Exchange() {
	projected := func() string { // os.ReadFile("/var/run/secrets/tokens/nsc")
		return mint("https://kubernetes.example.com", base+"/w/prod", 1, time.Hour)
	}
	c := client.Client{Issuer: base + "/w/prod", HTTPClient: network}
	c.Source = func(ctx context.Context) (string, error) {
		token, err := c.Exchange(ctx, projected())
		return token.Secret(), err
	}

	token, err := c.IDToken(context.Background(), "https://your-service.example.com")
	var refused *client.RefusedError
	switch {
	case errors.As(err, &refused) && refused.OAuth == "invalid_target":
		log.Fatal("the workspace does not let us have tokens for that audience")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println("issued by", token.Workspace)
	// Output: issued by prod
}
