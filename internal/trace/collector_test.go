package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// collector is an OTLP/HTTP receiver that keeps what it gets.
type collector struct {
	*httptest.Server
	status int // of its answers; 0 is 200

	mu      sync.Mutex
	spans   map[string]span // by name
	batches int
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[string]span{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.take(t, w, r) }))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(t *testing.T, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	var e export
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		t.Errorf("%v in %s", err, body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
	for _, r := range e.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				c.spans[span.Name] = span
			}
		}
	}
	if c.status != 0 {
		w.WriteHeader(c.status)
	}
}

func (c *collector) named(t *testing.T, name string) span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.spans[name]
	if !ok {
		t.Errorf("no span %q", name)
	}
	return s
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans)
}

// attribute returns the value of an attribute, "" where there is none.
func (s span) attribute(key string) string {
	for _, a := range s.Attributes {
		switch {
		case a.Key != key:
		case a.Value.String != nil:
			return *a.Value.String
		case a.Value.Int != nil:
			return *a.Value.Int
		}
	}
	return ""
}
