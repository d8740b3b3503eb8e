package server

import (
	"fmt"
	"net/http"
	"testing"
)

// Rule 24: who makes up names of workspaces is limited by his address, and never in the way of whoever needs keys.
func TestRule24MadeUpNamesOfWorkspaces(t *testing.T) {
	c := serverConfig(t)
	c.AddressRate = 1
	s := start(t, c)
	status := func(path string) int {
		response, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	known := []string{"/w/system/jwks", "/w/system/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/w/system"}
	for _, path := range known {
		if got := status(path); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
	for _, path := range []string{"/w/%s/jwks", "/w/%s/.well-known/openid-configuration", "/api/v1/workspaces/%s"} {
		limited := 0
		for n := range 20 {
			switch got := status(fmt.Sprintf(path, fmt.Sprint("made-up-", n))); got {
			case http.StatusTooManyRequests:
				limited++
			case http.StatusNotFound:
			default:
				t.Errorf("%s: %d", path, got)
			}
		}
		if limited == 0 {
			t.Errorf("%s: nobody was limited", path)
		}
		for _, path := range known {
			if got := status(path); got != http.StatusOK {
				t.Errorf("%s, limited: %d", path, got)
			}
		}
	}
}
