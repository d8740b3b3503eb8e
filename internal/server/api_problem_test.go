package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every error of the API is a problem (RFC 9457) with a stable code, and names the field that is at fault. call holds each
// against the document.
func TestProblemsNameCodeAndField(t *testing.T) {
	s := start(t, devConfig(t))
	const trusts = apiRoot + "/dev/trust-relationships"
	for _, c := range []struct {
		name         string
		method, path string
		body         any
		header       string // Content-Type
		status       int
		code, field  string
		detail       string // part of it
	}{
		{"unknown address", "GET", "/api/v1/nothing", nil, "", 404, "not_found", "", "/api/v1/"},
		{"unknown address below a workspace", "POST", apiRoot + "/dev/nothing", "{}", "", 404, "not_found", "", ""},
		{"trailing slash", "GET", trusts + "/", nil, "", 404, "not_found", "", ""},
		{"unknown workspace", "GET", apiRoot + "/nowhere/keys", nil, "", 404, "not_found", "", "no workspace"},
		{"no name of a workspace", "GET", apiRoot + "/No%2FName", nil, "", 404, "not_found", "", ""},
		{"unknown trust", "GET", trusts + "/" + strings.Repeat("a", 26), nil, "", 404, "not_found", "", ""},
		{"no ID of a trust", "GET", trusts + "/x", nil, "", 404, "not_found", "", ""},
		{"NUL in a path", "GET", trusts + "/%00", nil, "", 404, "not_found", "", ""},
		{"method", "PUT", trusts, "{}", "", 405, "method_not_allowed", "", "Allow"},
		{"method of one thing", "POST", trusts + "/x", "{}", "", 405, "method_not_allowed", "", ""},
		{"text", "POST", trusts, "{}", "text/plain", 415, "unsupported_media_type", "", "application/json"},
		{"form", "POST", trusts, "a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type", "", ""},
		{"type that is none", "POST", trusts, "{}", ";", 415, "unsupported_media_type", "", ""},
		{"too large", "POST", trusts, `{"description":"` + strings.Repeat("x", 640<<10) + `"}`, "", 413, "too_large", "", "655360 bytes"},
		{"too large for what is small", "POST", apiRoot + "/dev/cut-offs", `{"reason":"` + strings.Repeat("x", 64<<10) + `"}`, "", 413, "too_large", "", "65536 bytes"},
		{"too many elements", "POST", trusts, `{"grants":[` + strings.Repeat(`{},`, 10000) + `{}]}`, "", 413, "too_large", "", "elements"},
		{"no body", "POST", trusts, "", "", 400, "invalid_request", "", "missing"},
		{"not JSON", "POST", trusts, `{"issuer":}`, "", 400, "invalid_request", "", "not JSON"},
		{"half of JSON", "POST", trusts, `{"issuer":"x"`, "", 400, "invalid_request", "", "too early"},
		{"two bodies", "POST", trusts, `{} {}`, "", 400, "invalid_request", "", "goes on"},
		{"not UTF-8", "POST", trusts, "{\"issuer\":\"\xff\"}", "", 400, "invalid_request", "", "UTF-8"},
		{"a list", "POST", trusts, `[]`, "", 422, "invalid_field", "", "object"},
		{"null", "POST", trusts, `null`, "", 422, "invalid_field", "", "object"},
		{"field twice", "POST", trusts, `{"issuer":"https://a.example","issuer":"https://b.example"}`, "", 422, "invalid_field", "issuer", "more than once"},
		{"field twice, deep", "POST", trusts, `{"key_source":{"kind":"jwks","kind":"discovery"}}`, "", 422, "invalid_field", "key_source.kind", "more than once"},
		{"unknown field", "POST", trusts, `{"isuer":"https://a.example"}`, "", 422, "invalid_field", "isuer", "not a field"},
		{"unknown field, deep", "POST", trusts, `{"grants":[{"resource_type":"http","resource_id":"x","actions":["get"],"more":1}]}`, "", 422, "invalid_field", "grants[0].more", "not a field"},
		{"field of another case", "POST", trusts, `{"Issuer":"https://a.example"}`, "", 422, "invalid_field", "Issuer", "not a field"},
		{"wrong type", "POST", trusts, `{"enabled":"yes"}`, "", 422, "invalid_field", "enabled", "boolean"},
		{"wrong type, deep", "POST", trusts, `{"grants":[{"resource_type":"http","resource_id":"x","actions":"get"}]}`, "", 422, "invalid_field", "grants[0].actions", "array"},
		{"missing field, deep", "POST", trusts, `{"grants":[{"resource_type":"http","actions":["get"]}]}`, "", 422, "invalid_field", "grants[0].resource_id", "missing"},
		{"NUL", "POST", trusts, `{"description":"\u0000"}`, "", 422, "invalid_field", "description", "NUL"},
		{"NUL in a name", "POST", trusts, `{"mappings":{"\u0000":"x"}}`, "", 422, "invalid_field", "mappings", "NUL"},
		{"endless number", "POST", trusts, `{"default_token_duration":1e999}`, "", 422, "invalid_field", "default_token_duration", "too large"},
		{"deep", "POST", trusts, strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), "", 422, "invalid_field", strings.TrimSuffix(strings.Repeat("a.", 16), "."), "deeply"},
		{"duration", "POST", trusts, `{"default_token_duration":"soon"}`, "", 422, "invalid_field", "default_token_duration", "90s"},
		{"fraction of a duration", "POST", trusts, `{"default_token_duration":1.5}`, "", 422, "invalid_field", "default_token_duration", ""},
		{"choice", "POST", trusts, `{"key_source":{"kind":"magic"}}`, "", 422, "invalid_field", "key_source.kind", "discovery"},
		{"no date", "POST", trusts, `{"key_source":{"kind":"jwks","not_after":"tomorrow"}}`, "", 422, "invalid_field", "key_source.not_after", ""},
		{"what only the policy knows", "POST", trusts, `{"issuer":"https://a.example","subject_match":"*"}`, "", 422, "invalid_field", "subject_match", ""},
		{"grant of no type", "POST", trusts, `{"issuer":"https://a.example","subject_match":"a:b","grants":[{"resource_type":"moon","resource_id":"x","actions":["fly"]}]}`, "", 422, "invalid_field", "grants[0].resource_type", ""},
		{"condition", "POST", trusts, `{"issuer":"https://a.example","subject_match":"a:b","condition":"1 +"}`, "", 422, "invalid_field", "condition", ""},
		{"unknown parameter", "GET", trusts + "?limt=3", nil, "", 422, "invalid_field", "limt", "after, limit"},
		{"parameter where none is", "GET", apiRoot + "/dev/whoami?x=1", nil, "", 422, "invalid_field", "x", "none"},
		{"parameter twice", "GET", trusts + "?limit=1&limit=2", nil, "", 422, "invalid_field", "limit", "more than once"},
		{"parameter of the wrong type", "GET", trusts + "?limit=many", nil, "", 422, "invalid_field", "limit", "integer"},
		{"limit of nothing", "GET", trusts + "?limit=0", nil, "", 422, "invalid_field", "limit", ""},
		{"limit beyond the limit", "GET", trusts + "?limit=201", nil, "", 422, "invalid_field", "limit", "200"},
		{"cursor", "GET", trusts + "?after=x", nil, "", 422, "invalid_field", "after", ""},
		{"cursor of workspaces", "GET", apiRoot + "?after=X", nil, "", 422, "invalid_field", "after", ""},
		{"ID of an event", "GET", apiRoot + "/dev/events?id=x", nil, "", 422, "invalid_field", "id", "26 characters"},
		{"cursor of events", "GET", apiRoot + "/dev/events?before=x", nil, "", 422, "invalid_field", "before", ""},
		{"NUL in a parameter", "GET", apiRoot + "/dev/events?subject=%00", nil, "", 422, "invalid_field", "subject", "NUL"},
		{"no UTF-8 in a parameter", "GET", apiRoot + "/dev/events?subject=%ff", nil, "", 422, "invalid_field", "subject", "UTF-8"},
		{"malformed query", "GET", trusts + "?limit=%zz", nil, "", 400, "invalid_request", "", "query"},
		{"time", "GET", apiRoot + "/dev/events?since=now", nil, "", 422, "invalid_field", "since", "2006"},
		{"kind", "GET", apiRoot + "/dev/events?kind=nothing", nil, "", 422, "invalid_field", "kind", "token.issued"},
		{"algorithm", "POST", apiRoot + "/dev/keys/rotate", `{"algorithm":"HS256"}`, "", 422, "invalid_field", "algorithm", ""},
		{"key without compromise", "POST", apiRoot + "/dev/keys/rotate", `{"key_id":"x"}`, "", 422, "invalid_field", "key_id", ""},
		{"nothing to cut off", "POST", apiRoot + "/dev/cut-offs", `{}`, "", 422, "invalid_field", "token", "name one of"},
		{"two things to cut off", "POST", apiRoot + "/dev/cut-offs", `{"trust":"x","key":"x"}`, "", 422, "invalid_field", "key", "more than the trust"},
		{"name", "POST", apiRoot + "/dev/revocable-tokens", `{"name":"","grants":[]}`, "", 422, "invalid_field", "name", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := []string{}
			if c.header != "" {
				headers = []string{"Content-Type", c.header}
			}
			got := s.call(t, c.method, c.path, s.bearer(t), c.body, headers...)
			field, _ := got.body["field"].(string)
			detail := fmt.Sprint(got.body["detail"])
			if got.status != c.status || got.body["code"] != c.code || field != c.field || !strings.Contains(detail, c.detail) {
				t.Errorf("%v, want %d %s, field %q, %q in the detail", got, c.status, c.code, c.field, c.detail)
			}
		})
	}
}

// RFC 6750 §3.1: who presents nothing is asked for a token, who presents a wrong one learns that it is wrong.
func TestUnauthenticatedCallersAreChallenged(t *testing.T) {
	s := start(t, devConfig(t))
	for _, op := range theDocument().operations() {
		if op.Security != nil { // public
			continue
		}
		path := strings.NewReplacer("{workspace}", "dev", "{id}", strings.Repeat("a", 26)).Replace(op.path)
		var body any
		if op.Request != nil {
			body = example(op)
		}
		realm := `Bearer realm="` + s.url + `"`
		for token, challenge := range map[string]string{"": realm, "garbage": realm + `, error="invalid_token"`} {
			got := s.call(t, op.method, path, token, body)
			if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != challenge {
				t.Errorf("%s with %q: %v, %q", op.ID, token, got, got.header.Get("WWW-Authenticate"))
			}
		}
		if basic := s.call(t, op.method, path, "", body, "Authorization", "Basic YTpi"); basic.status != http.StatusUnauthorized {
			t.Errorf("%s with a password: %v", op.ID, basic)
		}
	}
}

// example returns the example of an operation's request.
func example(op *operation) any { return op.Request.Content["application/json"].Example }

// RFC 9110 §9.3.2 and §9.3.7: HEAD is GET without its body, OPTIONS lists the methods.
func TestHeadAndOptions(t *testing.T) {
	s := start(t, devConfig(t))
	ask := func(method, path string) *http.Response {
		req, err := http.NewRequest(method, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.bearer(t))
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for _, path := range []string{apiRoot + "/dev", apiRoot + "/dev/trust-relationships", apiRoot + "/dev/nothing", "/api/v1/", "/api/v1/openapi.json"} {
		get, head := ask("GET", path), ask("HEAD", path)
		if head.StatusCode != get.StatusCode || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.Header.Get("ETag") != get.Header.Get("ETag") {
			t.Errorf("HEAD %s: %d %v, GET: %d %v", path, head.StatusCode, head.Header, get.StatusCode, get.Header)
		}
	}
	for path, allow := range map[string]string{
		apiRoot:                                "GET, HEAD, POST, OPTIONS",
		apiRoot + "/dev/trust-relationships":   "GET, HEAD, POST, OPTIONS",
		apiRoot + "/dev/trust-relationships/x": "GET, HEAD, PATCH, DELETE, OPTIONS",
		apiRoot + "/dev/keys/rotate":           "POST, OPTIONS",
		"/w/dev/token":                         "POST, OPTIONS",
		"/w/dev/jwks":                          "GET, HEAD, OPTIONS",
	} {
		if r := ask("OPTIONS", path); r.StatusCode != http.StatusNoContent || r.Header.Get("Allow") != allow || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s: %d %v", path, r.StatusCode, r.Header)
		}
		if r := ask("TRACE", path); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != allow {
			t.Errorf("TRACE %s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	if r := ask("OPTIONS", apiRoot+"/dev/nothing"); r.StatusCode != http.StatusNotFound {
		t.Errorf("OPTIONS of nothing: %d", r.StatusCode)
	}
}

// A body that stops coming is not an error of ours, and no word about who sent it: net/http ends the request's context when
// it meets the end, and what was to be read with it fails.
func TestABodyThatEndsEarlyIsTheCallersFault(t *testing.T) {
	s := start(t, devConfig(t))
	_, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), "access_token_format", "opaque"))
	opaque, _ := answer["access_token"].(string)
	_, made := s.api(t, "POST", "/dev/revocable-tokens", s.bearer(t), map[string]any{"name": "half", "grants": []any{grant("workspace", "*", "admin")}})
	revocable, _ := made["token"].(string)
	for name, c := range map[string]struct{ token, more string }{
		"JWT":                          {s.bearer(t), ""},
		"opaque":                       {opaque, ""},
		"revocable":                    {revocable, ""},
		"header read in several parts": {revocable, strings.Repeat("X-More: "+strings.Repeat("x", 1000)+"\r\n", 10)},
	} {
		for _, body := range []string{"", `{"issuer":`} {
			if status := s.halfBody(t, c.token, c.more, body); status != http.StatusBadRequest {
				t.Errorf("%s, after %q: %d\n%s", name, body, status, s.logs)
			}
		}
	}
}

// halfBody sends a part of a body and closes its side of the connection.
func (r *running) halfBody(t *testing.T, token, headers, body string) (status int) {
	t.Helper()
	host := strings.TrimPrefix(r.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s/dev/trust-relationships HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n%s", apiRoot, host, token, headers, body)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
