package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nsc-federation/nsc/internal/web"
)

const apiRoot = "/api/v1/workspaces"

// reply is an answer of the management API.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) String() string { return fmt.Sprint(r.status, " ", r.text) }

// call calls the management API, with headers as pairs, and holds the answer against the OpenAPI document.
func (r *running) call(t testing.TB, method, path, bearer string, body any, headers ...string) reply {
	t.Helper()
	content, isText := body.(string)
	if !isText && body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = string(text)
	}
	if body != nil {
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	answer, err := r.send(method, path, bearer, content, headers)
	if err == nil {
		err = theDocument().judge(method, path, answer)
	}
	if err != nil {
		t.Errorf("%s %s %v: %v", method, path, answer, err)
	}
	return answer
}

// send sends a request to the management API.
func (r *running) send(method, path, bearer, content string, headers []string) (reply, error) {
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(content))
	if err != nil {
		return reply{}, err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	answer := reply{response.StatusCode, response.Header, string(text), map[string]any{}}
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &answer.body)
	}
	return answer, err
}

// document is what the OpenAPI document says, as far as tests hold answers against it.
type document struct {
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas   map[string]*schema  `json:"schemas"`
		Responses map[string]response `json:"responses"`
	} `json:"components"`
}

type operation struct {
	ID          string              `json:"operationId"`
	Tags        []string            `json:"tags"`
	Summary     string              `json:"summary"`
	Description string              `json:"description"`
	Security    *[]any              `json:"security"`
	Parameters  []parameter         `json:"parameters"`
	Request     *response           `json:"requestBody"`
	Responses   map[string]response `json:"responses"`
	method      string
	path        string
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Schema      *schema `json:"schema"`
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Schema   *schema                    `json:"schema"`
		Example  any                        `json:"example"`
		Examples map[string]json.RawMessage `json:"examples"`
	} `json:"content"`
}

type schema struct {
	Ref         string             `json:"$ref"`
	Type        any                `json:"type"`
	Description string             `json:"description"`
	Enum        []any              `json:"enum"`
	Required    []string           `json:"required"`
	Properties  map[string]*schema `json:"properties"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	Additional  any                `json:"additionalProperties"`
	Format      string             `json:"format"`
	MaxLength   int                `json:"maxLength"`
	MaxItems    int                `json:"maxItems"`
}

// theDocument returns the document that the server serves.
var theDocument = sync.OnceValue(func() *document {
	text, err := web.Document()
	if err != nil {
		panic(err)
	}
	d := &document{}
	if err := json.Unmarshal(text, d); err != nil {
		panic(err)
	}
	for path, item := range d.Paths {
		for method, op := range item {
			op.method, op.path = strings.ToUpper(method), path
		}
	}
	return d
})

// operations returns all operations, by path and method.
func (d *document) operations() []*operation {
	var all []*operation
	for _, item := range d.Paths {
		for _, op := range item {
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// find returns the operation that a path is about, nil for none.
func (d *document) find(method, path string) *operation {
	path, _, _ = strings.Cut(path, "?")
	have := strings.Split(path, "/")
	var found *operation
	for _, op := range d.operations() {
		want := strings.Split(op.path, "/")
		fits := len(have) == len(want) && op.method == method
		literal := 0
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == have[i] || strings.HasPrefix(want[i], "{") && have[i] != ""
			if want[i] == have[i] {
				literal++
			}
		}
		if fits && (found == nil || literal > strings.Count(found.path, "/")+1-strings.Count(found.path, "{")) {
			found = op
		}
	}
	return found
}

func (d *document) resolve(r response) response {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		return d.Components.Responses[name]
	}
	return r
}

// judge says what of an answer is not as the document promises.
func (d *document) judge(method, path string, r reply) error {
	op := d.find(method, path)
	problem := ""
	switch {
	case r.status >= 400:
		problem = d.judgeProblem(op, r)
	case op != nil:
		problem = d.judgeAnswer(op, r)
	}
	if problem != "" {
		return errors.New(problem)
	}
	return nil
}

func (d *document) judgeAnswer(op *operation, r reply) string {
	promised, ok := op.Responses[strconv.Itoa(r.status)]
	if !ok {
		return "the status is not documented"
	}
	media, ok := promised.Content["application/json"]
	if !ok {
		if r.text != "" {
			return "there is a body where none is documented"
		}
		return ""
	}
	if r.header.Get("Content-Type") != "application/json" {
		return "content type " + r.header.Get("Content-Type")
	}
	return d.check(media.Schema, any(r.body), "body")
}

func (d *document) judgeProblem(op *operation, r reply) string {
	if r.header.Get("Content-Type") != "application/problem+json" {
		return "content type " + r.header.Get("Content-Type")
	}
	if r.body["status"] != float64(r.status) || r.body["title"] != http.StatusText(r.status) || r.body["type"] != "about:blank" {
		return "the problem does not say its status"
	}
	if r.header.Get("Cache-Control") != "no-store" {
		return "a problem may be cached"
	}
	code, _ := r.body["code"].(string)
	if op == nil {
		if code != "not_found" && code != "method_not_allowed" {
			return "not the problem of an unknown address"
		}
		return ""
	}
	if _, ok := d.resolve(op.Responses[strconv.Itoa(r.status)]).Content["application/problem+json"].Examples[code]; !ok {
		return "the code is not documented for " + op.ID
	}
	return d.check(&schema{Ref: "#/components/schemas/Problem"}, r.body, "problem")
}

// check says what of a value does not fit a schema. A field that the schema does not know is one that nobody described.
func (d *document) check(s *schema, value any, at string) string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	switch value := value.(type) {
	case map[string]any:
		return d.checkObject(s, value, at)
	case []any:
		if s.Type != "array" {
			return at + " is a list"
		}
		for i, item := range value {
			if problem := d.check(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); problem != "" {
				return problem
			}
		}
	case string:
		if s.Type != "string" && len(s.AnyOf) == 0 {
			return at + " is a text"
		}
	case float64:
		if s.Type != "integer" && len(s.AnyOf) == 0 {
			return at + " is a number"
		}
	case bool:
		if s.Type != "boolean" {
			return at + " is a bool"
		}
	default:
		return fmt.Sprintf("%s is %v", at, value)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Sprintf("%s is %v, none of %v", at, value, s.Enum)
	}
	return ""
}

func (d *document) checkObject(s *schema, value map[string]any, at string) string {
	if s.Type != "object" {
		return at + " is an object"
	}
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			return at + "." + name + " is missing"
		}
	}
	for name, member := range value {
		p := s.Properties[name]
		if p == nil {
			if s.Properties != nil {
				return at + "." + name + " is not documented"
			}
			continue // a map
		}
		if problem := d.check(p, member, at+"."+name); problem != "" {
			return problem
		}
	}
	return ""
}

// limited returns a token of a caller with these grants and no more.
func (r *running) limited(t *testing.T, i *issuer, subject string, grants ...any) string {
	t.Helper()
	r.trust(t, i, map[string]any{"subject_match": subject, "grants": grants})
	_, answer := r.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(r, map[string]any{"sub": subject}))))
	token, _ := answer["access_token"].(string)
	if token == "" {
		t.Fatalf("no token for %s: %v", subject, answer)
	}
	return token
}
