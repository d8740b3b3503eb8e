package server

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Rule 36: nsc dev answers to the host of its base URL and to loopback's names, each once, and to nobody else's.
func TestRule36DevAnswersToItsBaseURL(t *testing.T) {
	for baseURL, own := range map[string]string{
		"": "127.0.0.1:%s", "https://nsc.test": "nsc.test", "https://nsc.test:9443": "nsc.test:9443", "http://localhost": "localhost",
	} {
		c := devConfig(t)
		c.BaseURL = baseURL
		s := start(t, c)
		port := s.url[strings.LastIndex(s.url, ":")+1:]
		if strings.Contains(own, "%s") {
			own = fmt.Sprintf(own, port)
		}
		for _, host := range []string{own, strings.ToUpper(own), "localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port} {
			if status, answer := s.asHost(t, host); status != http.StatusOK {
				t.Errorf("%q: %s: %d %s", baseURL, host, status, answer)
			}
		}
		status, answer := s.asHost(t, "attacker.example.com")
		if status != http.StatusMisdirectedRequest {
			t.Errorf("%q: the host of another: %d", baseURL, status)
		}
		list, _ := strings.CutPrefix(answer, "nsc dev answers to ")
		names := strings.Split(strings.TrimSuffix(strings.TrimSpace(list), " only"), ", ")
		if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) || !slices.Contains(names, own) {
			t.Errorf("%q: %s", baseURL, answer)
		}
	}
}

// asHost asks the server by a name.
func (r *running) asHost(t *testing.T, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", r.url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
