package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tracedSpan is what a collector reads of a span.
type tracedSpan struct {
	TraceID    string `json:"traceId"`
	SpanID     string `json:"spanId"`
	ParentID   string `json:"parentSpanId"`
	Name       string `json:"name"`
	Attributes []struct {
		Key   string `json:"key"`
		Value struct {
			String string `json:"stringValue"`
			Int    string `json:"intValue"`
		} `json:"value"`
	} `json:"attributes"`
}

func (s tracedSpan) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.String + a.Value.Int
		}
	}
	return ""
}

// traceCollector is an OTLP/HTTP receiver that keeps what it gets.
type traceCollector struct {
	*httptest.Server
	mu    sync.Mutex
	text  strings.Builder
	spans []tracedSpan
}

func newTraceCollector(t *testing.T) *traceCollector {
	t.Helper()
	c := &traceCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var message struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []tracedSpan }
			}
		}
		if err := json.Unmarshal(body, &message); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text.Write(body)
		for _, r := range message.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// of returns the names of the spans of a trace, each with its parents' before it, sorted. The caller's span is "".
func (c *traceCollector) of(trace string) []string {
	byID, names := map[string]tracedSpan{}, []string{}
	for _, s := range c.spans {
		byID[s.SpanID] = s
	}
	for _, s := range c.spans {
		if s.TraceID != trace {
			continue
		}
		name := s.Name
		for parent, ok := byID[s.ParentID]; ok; parent, ok = byID[parent.ParentID] {
			name = parent.Name + " > " + name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// traced posts a form to a path with a trace of the caller's, and returns the answer.
func (r *running) traced(t *testing.T, trace, path string, form url.Values) map[string]any {
	t.Helper()
	request, err := http.NewRequest("POST", r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	request.Header.Set("Tracestate", "v="+form.Get("subject_token"))
	request.Header.Set("Baggage", "v="+form.Get("subject_token"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, response.Body)
}

const tokenRoute = "POST /w/{workspace}/token"

func TestTraces(t *testing.T) {
	collector, i := newTraceCollector(t), newIssuer(t)
	c := devConfig(t)
	c.OTLPEndpoint, c.TraceRatio = collector.URL, 1
	s := start(t, c)
	s.trust(t, i, nil)
	id := func(n string) string { return strings.Repeat(n, 32) }
	external := i.sign(t, "k1", i.claims(s, nil))
	issued := s.traced(t, id("1"), "/w/dev/token", exchangeForm(external, "audience", "https://api.example.com"))
	s.traced(t, id("2"), "/w/dev/token", exchangeForm(external))
	opaque := s.traced(t, id("3"), "/token", exchangeForm(s.bearer(t), "access_token_format", "opaque"))
	refused := s.traced(t, id("4"), "/w/dev/token", exchangeForm(external, "audience", "https://other.example.com"))
	s.traced(t, id("5"), "/w/"+external+"/token", exchangeForm(external))
	s.traced(t, id("6"), "/"+external, exchangeForm(external))
	s.traced(t, id("7"), "/w/dev/token", exchangeForm(i.sign(t, "k2", i.claims(s, nil))))
	s.api(t, "GET", "/dev/whoami", s.bearer(t), nil)
	s.api(t, "GET", "/dev/whoami", "nsct_"+strings.Repeat("a", 30), nil)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	path := []string{
		tokenRoute, tokenRoute + " > decide", tokenRoute + " > record", tokenRoute + " > record > store append",
		tokenRoute + " > sign", tokenRoute + " > verify",
	}
	for trace, want := range map[string][]string{
		id("1"): append(slices.Clone(path), tokenRoute+" > verify > key fetch"),
		id("2"): path, // the keys are at hand
		id("4"): {tokenRoute, tokenRoute + " > decide", tokenRoute + " > store append", tokenRoute + " > verify"},
		id("5"): {tokenRoute}, id("6"): {"none"},
		id("7"): {tokenRoute, tokenRoute + " > verify"}, // inside the cool-down
	} {
		if got := collector.of(trace); !slices.Equal(got, want) {
			t.Errorf("trace %s: %q, not %q", trace[:1], got, want)
		}
	}
	if got := collector.of(id("3")); len(got) != 6 || got[0] != "POST /token" {
		t.Errorf("an opaque token: %q", got)
	}
	for _, s := range collector.spans {
		switch {
		case s.ParentID != "b7ad6b7169203331":
		case s.TraceID == id("1"):
			if s.attribute("nsc.workspace") != "dev" || s.attribute("http.response.status_code") != "200" || s.attribute("nsc.code") != "" {
				t.Errorf("%+v", s)
			}
		case s.TraceID == id("4"):
			if s.attribute("nsc.code") != "invalid_target" || s.attribute("nsc.refusal_id") != refused["refusal_id"] {
				t.Errorf("%+v, refusal %v", s, refused)
			}
		case s.TraceID == id("5") && s.attribute("nsc.workspace") != "":
			t.Errorf("a workspace that does not exist is named: %+v", s)
		}
	}
	collector.saysNothingOf(t, external, issued["access_token"].(string), opaque["access_token"].(string), s.bearer(t),
		"ci:acme/api", i.URL, "example.com")
}

// saysNothingOf fails the test where one of the words, or anything like a token, reached the collector.
func (c *traceCollector) saysNothingOf(t *testing.T, words ...string) {
	t.Helper()
	for _, word := range append(words, "eyJ", "nsct_", "nscr_") {
		if strings.Contains(c.text.String(), word) {
			t.Errorf("security.md: %.20q is in a span", word)
		}
	}
}

func TestACollectorThatIsGoneStopsNothing(t *testing.T) {
	collector := newTraceCollector(t)
	c := devConfig(t)
	c.OTLPEndpoint, c.TraceRatio = collector.URL, 1
	s := start(t, c)
	collector.Close()
	if status, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t))); status != http.StatusOK {
		t.Errorf("%d %v", status, answer)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	says(t, s.logs.String(), "spans could not be sent to the collector")
}

func TestTheConfigurationOfTraces(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string // "" is good
	}{
		"off":              {func(c *Config) { c.OTLPEndpoint = "" }, ""},
		"none but asked":   {func(c *Config) { c.TraceRatio = 0 }, ""},
		"HTTPS":            {func(c *Config) { c.OTLPEndpoint = "https://collector.example.com/otlp" }, ""},
		"no scheme":        {func(c *Config) { c.OTLPEndpoint = "127.0.0.1:4318" }, "otlp_endpoint"},
		"gRPC":             {func(c *Config) { c.OTLPEndpoint = "grpc://127.0.0.1:4317" }, "otlp_endpoint"},
		"password":         {func(c *Config) { c.OTLPEndpoint = "https://user:secret@collector.example.com" }, "otlp_endpoint"},
		"key in the query": {func(c *Config) { c.OTLPEndpoint = "https://collector.example.com/?key=secret" }, "otlp_endpoint"},
		"ratio below":      {func(c *Config) { c.TraceRatio = -0.1 }, "trace_ratio"},
		"ratio above":      {func(c *Config) { c.TraceRatio = 1.1 }, "trace_ratio"},
		"authority alone":  {func(c *Config) { c.OTLPEndpoint, c.OTLPCAFile = "", "ca.pem" }, "otlp_ca_file"},
	} {
		t.Run(name, func(t *testing.T) {
			config := serverConfig(t)
			config.OTLPEndpoint = "http://127.0.0.1:4318"
			c.change(&config)
			checks(t, config, c.says)
		})
	}
	config := serverConfig(t)
	config.OTLPEndpoint, config.OTLPCAFile = "http://127.0.0.1:4318", "no/such/file"
	says(t, fails(t, config), "otlp_ca_file", "no/such/file")
}

// checks checks a configuration, which is good or says a word, and no secret.
func checks(t *testing.T, c Config, word string) {
	t.Helper()
	err := c.Check()
	switch {
	case word == "" && err != nil:
		t.Error(err)
	case word != "" && (err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "secret")):
		t.Errorf("%v does not speak of %s", err, word)
	}
}
