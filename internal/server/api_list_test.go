package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// things makes things of one kind and knows where they are listed.
type things struct {
	list   string
	cursor string // name of the parameter
	id     string // field that names one
	make   func(n int)
}

func (s *running) things(t *testing.T, i *issuer) map[string]things {
	post := func(path string, body map[string]any) {
		t.Helper()
		if r := s.call(t, "POST", path, s.bearer(t), body); r.status/100 != 2 {
			t.Fatal(r)
		}
	}
	return map[string]things{
		"trust relationships": {apiRoot + "/dev/trust-relationships", "after", "id", func(n int) {
			post(apiRoot+"/dev/trust-relationships", map[string]any{"issuer": i.URL, "subject_match": fmt.Sprintf("ci:acme/%d", n)})
		}},
		"revocable tokens": {apiRoot + "/dev/revocable-tokens", "after", "id", func(n int) {
			post(apiRoot+"/dev/revocable-tokens", map[string]any{"name": fmt.Sprint(n), "grants": []any{}})
		}},
		"events": {apiRoot + "/dev/events", "before", "id", func(n int) {
			post(apiRoot+"/dev/trust-relationships", map[string]any{"issuer": i.URL, "subject_match": fmt.Sprintf("ci:other/%d", n)})
		}},
	}
}

// page returns the names on a page, and its cursor.
func (s *running) page(t *testing.T, x things, limit int, cursor string) ([]string, string) {
	t.Helper()
	path := fmt.Sprintf("%s?limit=%d", x.list, limit)
	if cursor != "" {
		path += "&" + x.cursor + "=" + cursor
	}
	r := s.call(t, "GET", path, s.bearer(t), nil)
	if r.status != http.StatusOK {
		t.Fatal(r)
	}
	var names []string
	for _, item := range r.body["items"].([]any) {
		names = append(names, item.(map[string]any)[x.id].(string))
	}
	next, has := r.body["next"].(string)
	if has && next == "" {
		t.Error("an empty cursor")
	}
	return names, next
}

// all returns everything on all pages of a size.
func (s *running) all(t *testing.T, x things, limit int) (names []string) {
	t.Helper()
	cursor := ""
	for range 1000 {
		page, next := s.page(t, x, limit, cursor)
		if len(page) > limit || next != "" && len(page) < limit {
			t.Errorf("a page of %d has %d, and the cursor %q", limit, len(page), next)
		}
		names = append(names, page...)
		if next == "" {
			return names
		}
		cursor = next
	}
	t.Fatal("the pages do not end")
	return nil
}

func TestListsComeInPages(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	for name, x := range s.things(t, i) {
		t.Run(name, func(t *testing.T) {
			for n := range 6 {
				x.make(n)
			}
			want := s.all(t, x, 200)
			if len(want) < 6 {
				t.Fatalf("%d", len(want))
			}
			for _, limit := range []int{1, 2, 3, len(want) - 1, len(want), len(want) + 1} {
				if got := s.all(t, x, limit); !slices.Equal(got, want) {
					t.Errorf("pages of %d: %v, want %v", limit, got, want)
				}
			}
			if _, next := s.page(t, x, len(want), ""); next != "" {
				t.Errorf("the last page is full and has the cursor %q", next)
			}
		})
	}
}

// What comes or goes between two pages neither hides nor repeats anything else.
func TestPagesAreStableWhileThingsComeAndGo(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	for name, x := range s.things(t, i) {
		t.Run(name, func(t *testing.T) {
			for n := range 8 {
				x.make(n)
			}
			before := s.all(t, x, 200)
			seen, cursor := map[string]int{}, ""
			for n := 8; ; n++ {
				page, next := s.page(t, x, 2, cursor)
				for _, name := range page {
					seen[name]++
				}
				if next == "" {
					break
				}
				cursor = next
				x.make(n)
			}
			for _, name := range before {
				if seen[name] != 1 {
					t.Errorf("%s was shown %d times", name, seen[name])
				}
			}
		})
	}
	t.Run("the thing that the cursor names goes", func(t *testing.T) {
		x := s.things(t, i)["revocable tokens"]
		want := s.all(t, x, 200)
		_, cursor := s.page(t, x, 3, "")
		if r := s.call(t, "DELETE", x.list+"/"+cursor, s.bearer(t), nil); r.status != http.StatusOK {
			t.Fatal(r)
		}
		if rest, _ := s.page(t, x, 200, cursor); !slices.Equal(rest, want[3:]) {
			t.Errorf("%v, want %v", rest, want[3:])
		}
	})
}

func TestWorkspacesAndKeysComeInPages(t *testing.T) {
	s := start(t, devConfig(t))
	for _, name := range []string{"zoo", "acme", "bank"} {
		s.otherWorkspace(t, name)
	}
	operator := s.into(t, s.bearer(t), "dev", "system")
	var names []string
	for cursor := ""; ; {
		r := s.call(t, "GET", apiRoot+"?limit=2&after="+cursor, operator, nil)
		for _, item := range r.body["items"].([]any) {
			names = append(names, item.(map[string]any)["name"].(string))
		}
		next, more := r.body["next"].(string)
		if cursor = next; !more {
			break
		}
	}
	if want := []string{"acme", "bank", "dev", "system", "zoo"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if r := s.call(t, "GET", apiRoot+"?limit=1", s.bearer(t), nil); strings.Contains(r.text, "next") || !strings.Contains(r.text, `"dev"`) {
		t.Errorf("his own alone: %v", r)
	}
	keys := things{list: apiRoot + "/dev/keys", cursor: "after", id: "key_id"}
	if one, all := s.all(t, keys, 1), s.all(t, keys, 200); len(all) != 2 || !slices.Equal(one, all) {
		t.Errorf("keys %v, one by one %v", all, one)
	}
}

func TestLimitsAreEnforcedOnEveryList(t *testing.T) {
	s := start(t, devConfig(t))
	most := map[string]int{}
	for _, op := range theDocument().operations() {
		for _, p := range op.Parameters {
			if p.Name == "limit" {
				most[op.path] = 200
			}
		}
	}
	most[apiRoot+"/{workspace}/events"] = 1000
	most[apiRoot+"/{workspace}/log/entries"] = 1000
	if len(most) < 6 {
		t.Fatalf("lists: %v", slices.Collect(maps.Keys(most)))
	}
	for path, limit := range most {
		path = strings.ReplaceAll(path, "{workspace}", "dev")
		for n, status := range map[int]int{-1: 422, 0: 422, 1: 200, limit: 200, limit + 1: 422} {
			if r := s.call(t, "GET", fmt.Sprintf("%s?limit=%d", path, n), s.bearer(t), nil); r.status != status {
				t.Errorf("%s with a limit of %d: %v", path, n, r)
			}
		}
	}
}
