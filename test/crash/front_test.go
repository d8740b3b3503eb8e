package crash

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// front is where the installation is reached by its base URL, which stays while its servers come and go.
type front struct {
	*httptest.Server
	to atomic.Pointer[string] // the server that runs
}

func newFront(t *testing.T) *front {
	f := &front{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to, err := url.Parse(*f.to.Load())
		if err != nil {
			panic(err) // it is where a server said that it listens
		}
		r.SetURL(to)
	}}
	f.Server = httptest.NewServer(http.HandlerFunc(proxy.ServeHTTP))
	t.Cleanup(f.Close)
	return f
}
