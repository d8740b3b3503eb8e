package interop

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
)

// openIDClient is a client of token endpoints on openid-client. It finds them by discovery.
type openIDClient struct{ node *node }

func (l *lab) openIDClient(t *testing.T) openIDClient {
	t.Helper()
	return openIDClient{l.openNode(t)}
}

// grant asks a workspace for a token. An OAuth error becomes part of the answer; anything else that the library does not
// like ends the test. The library turns token_type into lower case.
func (c openIDClient) grant(t *testing.T, w workspace, grantType, authentication string, parameters [][2]string) answer {
	t.Helper()
	a := answer{status: http.StatusOK}
	err := c.node.call(request{
		Library: "openid-client", Call: "grant", Issuer: w.Issuer, Authentication: authentication,
		Type: grantType, Parameters: parameters,
	}, &a)
	if failed, ok := errors.AsType[*failure](err); ok && failed.OAuth != nil {
		return answer{status: failed.OAuth.Status, Error: failed.OAuth.Code, Description: failed.OAuth.Description}
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (c openIDClient) exchange(t *testing.T, w workspace, subjectToken string, want want) answer {
	t.Helper()
	return c.grant(t, w, tokenExchange, "none", want.pairs(subjectToken))
}

// get calls the management API of a workspace with a bearer token.
func (c openIDClient) get(t *testing.T, w workspace, noun, token string, into any) {
	t.Helper()
	var got struct {
		Status int             `json:"status"`
		Body   json.RawMessage `json:"body"`
	}
	err := c.node.call(request{
		Library: "openid-client", Call: "get", Issuer: w.Issuer, URL: w.api(noun), Token: token,
	}, &got)
	if err == nil && got.Status == http.StatusOK {
		err = json.Unmarshal(got.Body, into)
	}
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", noun, got.Status, err, got.Body)
	}
}

// wantNoEntry demands that the management API challenges a bearer of a token, so that the library sees it (RFC 6750 §3).
func (c openIDClient) wantNoEntry(t *testing.T, w workspace, token string) {
	t.Helper()
	err := c.node.call(request{
		Library: "openid-client", Call: "get", Issuer: w.Issuer, URL: w.api("whoami"), Token: token,
	}, new(any))
	failed, ok := errors.AsType[*failure](err)
	if !ok || failed.OAuth == nil {
		t.Fatalf("no challenge: %v", err)
	}
	if o := failed.OAuth; o.Status != http.StatusUnauthorized || o.Scheme != "bearer" || o.Code != "invalid_token" {
		t.Errorf("status %d, scheme %q, error %q", o.Status, o.Scheme, o.Code)
	}
}
