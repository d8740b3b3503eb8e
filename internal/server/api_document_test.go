package server

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheDocumentIsServedAsItIsCommitted(t *testing.T) {
	s := start(t, devConfig(t))
	committed, err := os.ReadFile("../../docs/reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if served := get(t, s.url, "/api/v1/openapi.json"); served != string(committed) {
		t.Error("docs/reference/openapi.json is not what the server serves: run make generate and commit it")
	}
}

// What the document describes of itself is what a stranger has.
func TestEverythingIsDescribed(t *testing.T) {
	d := theDocument()
	if len(d.operations()) < 15 {
		t.Fatalf("%d operations", len(d.operations()))
	}
	for _, op := range d.operations() {
		if op.ID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || strings.HasSuffix(op.Summary, ".") {
			t.Errorf("%s %s lacks a name, a tag or words", op.method, op.path)
		}
		for _, p := range op.Parameters {
			if p.Description == "" {
				t.Errorf("%s: the parameter %s lacks a description", op.ID, p.Name)
			}
		}
		for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(op.path, -1) {
			if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.In == "path" && p.Name == name[1] }) {
				t.Errorf("%s does not describe %s of its path", op.ID, name[1])
			}
		}
		if (op.method == "POST" || op.method == "PATCH") && op.Request == nil {
			t.Errorf("%s has no body", op.ID)
		}
		if creates := op.Responses["201"].Content != nil; creates && !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == "Idempotency-Key" }) {
			t.Errorf("%s creates something and takes no Idempotency-Key", op.ID)
		}
		for status, r := range op.Responses {
			if len(d.resolve(r).Content) == 0 && status != "204" && status != "304" {
				t.Errorf("%s %s has no content", op.ID, status)
			}
		}
	}
	for name, s := range d.Components.Schemas {
		for field, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s lacks a description", name, field)
			}
		}
	}
}

func TestExamplesAreWhatTheyAreExamplesOf(t *testing.T) {
	d := theDocument()
	for _, op := range d.operations() {
		bodies := map[string]response{"request": {}}
		if op.Request != nil {
			bodies["request"] = *op.Request
		}
		for status, r := range op.Responses {
			bodies[status] = r
		}
		for what, body := range bodies {
			for _, media := range body.Content {
				if media.Example == nil {
					t.Errorf("%s %s has no example", op.ID, what)
				} else if problem := d.check(media.Schema, media.Example, "example"); problem != "" {
					t.Errorf("%s %s: %s", op.ID, what, problem)
				}
			}
		}
	}
}

// Each code that an operation may be refused with is in the list of codes.
func TestEveryCodeIsInTheReference(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range theDocument().Components.Responses {
		for code := range r.Content["application/problem+json"].Examples {
			if !strings.Contains(string(page), "| `"+code+"` |") {
				t.Errorf("%s: %s", name, code)
			}
		}
	}
}

// The page for people needs no script and loads nothing from elsewhere, and none of its links leads nowhere.
func TestReferencePage(t *testing.T) {
	s := start(t, devConfig(t))
	response, err := http.Get(s.url + "/api/v1/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	page := string(body)
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%v", response.Header)
	}
	for _, never := range []string{"<script", "style=", "onclick", "<style", "javascript:"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s, which its policy forbids", never)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("two things have the ID %s", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` (?:href|aria-labelledby)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		switch target := strings.TrimPrefix(m[1], "#"); {
		case target == "openapi.json", target == "reference.css":
			get(t, s.url, "/api/v1/"+target)
		case !ids[target]:
			t.Errorf("%s leads nowhere", m[0])
		}
	}
	for _, op := range theDocument().operations() {
		if !ids[op.ID] {
			t.Errorf("%s is not on the page", op.ID)
		}
	}
	headings := regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(page, -1)
	for i := 1; i < len(headings); i++ {
		if headings[i][1][0] > headings[i-1][1][0]+1 {
			t.Errorf("a heading of level %s follows one of level %s", headings[i][1], headings[i-1][1])
		}
	}
}

func TestTheReferenceIsFetchedOnce(t *testing.T) {
	s := start(t, devConfig(t))
	for _, path := range []string{"/api/v1/", "/api/v1/openapi.json", "/api/v1/reference.css"} {
		first, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		first.Body.Close()
		req, err := http.NewRequest("GET", s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", first.Header.Get("ETag"))
		again, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") == "" {
			t.Errorf("%s: %d %v", path, again.StatusCode, again.Header)
		}
	}
}
