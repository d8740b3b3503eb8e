package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// creations returns, for every operation that takes an Idempotency-Key, a request that creates something new each time.
func (s *running) creations(t *testing.T, i *issuer) map[string]func(n int) (path, token string, body map[string]any) {
	t.Helper()
	admin, operator := s.bearer(t), s.into(t, s.bearer(t), "dev", "system")
	return map[string]func(n int) (string, string, map[string]any){
		"create-workspace": func(n int) (string, string, map[string]any) {
			return apiRoot, operator, map[string]any{"name": fmt.Sprintf("w%d", n), "owner": map[string]any{"issuer": i.URL, "subject": "me"}}
		},
		"add-trust-relationship": func(n int) (string, string, map[string]any) {
			return apiRoot + "/dev/trust-relationships", admin, map[string]any{"issuer": i.URL, "subject_match": fmt.Sprintf("ci:acme/%d", n), "audience": "*:x"}
		},
		"create-revocable-token": func(n int) (string, string, map[string]any) {
			return apiRoot + "/dev/revocable-tokens", admin, map[string]any{"name": fmt.Sprint(n), "grants": []any{grant("workspace", "record", "read")}}
		},
		"cut-off": func(n int) (string, string, map[string]any) {
			return apiRoot + "/dev/cut-offs", admin, map[string]any{"issuer": i.URL, "subject": fmt.Sprint(n)}
		},
		"rotate-keys": func(n int) (string, string, map[string]any) {
			return apiRoot + "/dev/keys/rotate", admin, map[string]any{"algorithm": []string{"ES256", "RS256", "EdDSA"}[n%3]}
		},
	}
}

func key(text string) []string { return []string{"Idempotency-Key", text} }

// withoutSecret is an answer as it is repeated.
func withoutSecret(r reply) string {
	body := maps.Clone(r.body)
	delete(body, "token")
	return fmt.Sprint(r.status, body)
}

// A creation that is sent again is answered the same and creates nothing; rule 31: without its secret.
func TestRule31ACreationCanBeSentAgain(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	creations := s.creations(t, i)
	for _, op := range theDocument().operations() {
		if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == "Idempotency-Key" }) {
			continue
		}
		create, ok := creations[op.ID]
		if !ok {
			t.Errorf("%s takes an Idempotency-Key and is not tested", op.ID)
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			path, token, body := create(0)
			first := s.call(t, op.method, path, token, body, key(op.ID)...)
			if first.status/100 != 2 {
				t.Fatal(first)
			}
			events := s.events(t, "")
			again := s.call(t, op.method, path, token, body, key(op.ID)...)
			if withoutSecret(again) != withoutSecret(first) {
				t.Errorf("first %v, then %v", first, again)
			}
			if first.body["token"] != nil && again.body["token"] != nil {
				t.Error("the secret was told twice")
			}
			if n := s.events(t, ""); n != events {
				t.Errorf("the second call made %d events", n-events)
			}
			_, _, other := create(1)
			for name, r := range map[string]reply{
				"another request":   s.call(t, op.method, path, token, other, key(op.ID)...),
				"another operation": s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"subject": "x"}, key(op.ID)...),
			} {
				if token != s.bearer(t) && name == "another operation" {
					continue // by another caller
				}
				if r.status != http.StatusUnprocessableEntity || r.body["code"] != "idempotency_key_reused" || r.body["field"] != "Idempotency-Key" {
					t.Errorf("%s: %v", name, r)
				}
			}
			if fresh := s.call(t, op.method, path, token, other, key(op.ID+"2")...); fresh.status != first.status {
				t.Errorf("another key: %v", fresh)
			}
		})
	}
}

func TestAKeyBelongsToItsCaller(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	caller := s.limited(t, i, "ci:acme/writer", grant("workspace", "trust", "write"))
	reader := s.limited(t, i, "ci:acme/reader", grant("workspace", "record", "read"))
	body := map[string]any{"issuer": i.URL, "subject_match": "ci:acme/new"}
	create := func(token string) reply {
		return s.call(t, "POST", apiRoot+"/dev/trust-relationships", token, body, key("k")...)
	}
	first, second := create(s.bearer(t)), create(caller)
	if first.status != http.StatusCreated || second.status != http.StatusCreated || first.body["id"] == second.body["id"] {
		t.Errorf("%v and %v", first, second)
	}
	if r := create(reader); r.status != http.StatusForbidden {
		t.Errorf("without the grant: %v", r)
	}
}

func TestNothingIsKeptOfWhatFailed(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	body := map[string]any{"issuer": i.URL, "subject_match": "*"}
	for range 2 {
		if r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), body, key("k")...); r.body["field"] != "subject_match" {
			t.Fatal(r)
		}
	}
	body["subject_match"] = "ci:acme/new"
	if r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), body, key("k")...); r.status != http.StatusCreated {
		t.Error(r)
	}
	for name, bad := range map[string]string{"white space": "a b", "long": strings.Repeat("x", 257), "not ASCII": "schlüssel"} {
		if r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), body, key(bad)...); r.body["field"] != "Idempotency-Key" {
			t.Errorf("%s: %v", name, r)
		}
	}
}

// What is there to be done once is done once, on whatever nodes it is asked for, and at the same time.
func TestCreationsAtTheSameTimeOnSeveralNodes(t *testing.T) {
	configs := nodes(t, 2)
	all := []*running{start(t, configs[0]), start(t, configs[1])}
	admin, err := Bootstrap(t.Context(), configs[0], BootstrapRequest{Workspace: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"issuer": "https://issuer.example.com", "subject_match": "ci:acme/api"}
	var mu sync.Mutex
	answers := map[string]int{}
	var callers sync.WaitGroup
	for n := range 16 {
		callers.Go(func() {
			r := all[n%2].call(t, "POST", apiRoot+"/dev/trust-relationships", admin.BearerToken, body, key("k")...)
			mu.Lock()
			defer mu.Unlock()
			answers[r.String()]++
		})
	}
	callers.Wait()
	if len(answers) != 1 {
		t.Errorf("answers: %v", answers)
	}
	for _, s := range all {
		if r := s.call(t, "GET", apiRoot+"/dev/trust-relationships", admin.BearerToken, nil); len(r.body["items"].([]any)) != 1 {
			t.Errorf("%v", r)
		}
	}
}

func TestAnAnswerOutlivesTheServer(t *testing.T) {
	c := devConfig(t)
	c.Listen = freeAddress(t)
	s := start(t, c)
	body := map[string]any{"issuer": "https://issuer.example.com", "subject_match": "ci:acme/api"}
	create := func(s *running) reply {
		return s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), body, key("k")...)
	}
	first := create(s)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if again := create(start(t, c)); again.status != http.StatusCreated || again.text != first.text {
		t.Errorf("%v, then %v", first, again)
	}
}
