package nsc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nsc-federation/nsc"
)

// TestNilOptionsChangeNothing: a client or a log that was not set up is the default, not a crash at the first token.
func TestNilOptionsChangeNothing(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler()) // the fetch fails, which is logged
	defer server.Close()
	for name, option := range map[string]nsc.Option{"no option": nil, "no client": nsc.HTTPClient(nil), "no log": nsc.Log(nil)} {
		t.Run(name, func(t *testing.T) {
			v := nsc.NewVerifier(server.URL+"/w/dev", audience, nsc.InsecureAllowHTTP(), option)
			if err := v.Ready(t.Context()); !errors.Is(err, nsc.ErrKeysUnavailable) {
				t.Errorf("%v", err)
			}
		})
	}
}
