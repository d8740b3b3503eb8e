package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// A compact JWT, or the beginning of one, as it would stand in a log.
var tokenInLog = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}|ns(?:[cr]t|rf)_[a-z2-7]{8,}`)

// secretsStayOut fails the test where a token is in what the server logged.
func (l *lines) secretsStayOut(t *testing.T) {
	t.Helper()
	if found := tokenInLog.FindString(l.String()); found != "" {
		t.Errorf("security.md: a token is in the log: %.20s…", found)
	}
}

// freeAddress returns an address on loopback that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestMetrics(t *testing.T) {
	c := devConfig(t)
	c.MetricsListen = freeAddress(t)
	s := start(t, c)
	s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	s.token(t, "/w/dev/token", exchangeForm("garbage"))
	get(t, s.url, "/w/dev/jwks")
	get(t, s.url, "/no/such/"+strings.Repeat("x", 30))
	says(t, get(t, "http://"+c.MetricsListen, "/metrics"),
		`nsc_tokens_issued_total{type="access_token"} 1`,
		`nsc_tokens_refused_total{code="token_malformed"} 1`,
		`nsc_http_requests_total{route="POST /w/{workspace}/token",status="2xx"} 1`,
		`nsc_http_requests_total{route="GET /w/{workspace}/jwks",status="2xx"} 1`,
		`nsc_http_requests_total{route="none",status="4xx"} 1`,
		"nsc_record_commit_duration_seconds_count", "nsc_database_confirmed_age_seconds", "process_resident_memory_bytes",
	)
	response, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("metrics are on the public listener: %d", response.StatusCode)
	}
}

// What the reference says of metrics is there before anything has happened, so that what happens first is seen as an increase.
func TestEveryMetricOfTheReferenceIsInTheFirstScrape(t *testing.T) {
	c := serverConfig(t)
	c.MetricsListen = freeAddress(t)
	start(t, c)
	text := get(t, "http://"+c.MetricsListen, "/metrics")
	page, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(nsc_[a-z_]+)` \\| ([a-z]+)").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 10 {
		t.Fatalf("%d metrics in the reference", len(rows))
	}
	for _, row := range rows {
		sample := map[string]string{"histogram": "_count"}[row[2]]
		if !regexp.MustCompile(`(?m)^` + row[1] + sample + `[{ ]`).MatchString(text) {
			t.Errorf("%s is missing", row[1])
		}
	}
	want := []string{
		`nsc_tokens_issued_total{type="access_token"} 0`, `nsc_tokens_issued_total{type="id_token"} 0`,
		`nsc_rate_limited_total{by="address"} 0`, `nsc_rate_limited_total{by="workspace"} 0`,
	}
	for _, d := range fault.Descriptions() {
		want = append(want, fmt.Sprintf(`nsc_tokens_refused_total{code="%s"} 0`, d.Code))
	}
	for _, class := range audit.Classes {
		want = append(want, fmt.Sprintf(`nsc_log_witness_failures_total{class="%s"} 0`, class))
	}
	for _, place := range []audit.Place{checkpointFile{}, webhook{}, witness{}} {
		for _, result := range []string{"done", "failed"} {
			want = append(want, fmt.Sprintf(`nsc_log_publications_total{place="%s",result="%s"} 0`, place.Kind(), result))
		}
	}
	for _, route := range []string{"POST /w/{workspace}/token", "GET /api/v1/workspaces", "none"} {
		want = append(want, fmt.Sprintf(`nsc_http_request_duration_seconds_count{route="%s"} 0`, route))
		for _, status := range []string{"2xx", "3xx", "4xx", "5xx"} {
			want = append(want, fmt.Sprintf(`nsc_http_requests_total{route="%s",status="%s"} 0`, route, status))
		}
	}
	for _, series := range want {
		if !strings.Contains(text, series) {
			t.Errorf("%s is missing", series)
		}
	}
}

// Rule 24: before verification by address, after it by workspace.
func TestRule24RateLimits(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL, c.Listen = "", freeAddress(t)
	c.AddressRate, c.WorkspaceRate = 5, 0
	c.Proxies = []string{"127.0.0.0/8"}
	s := start(t, c)
	from := func(address string) int {
		req, err := http.NewRequest("POST", s.url+"/token", strings.NewReader("grant_type=x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-For", address)
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return response.StatusCode
	}
	limited := 0
	for range 60 {
		if from("192.0.2.1") == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("60 requests at once from one address, 5 a second allowed, none limited")
	}
	if status := from("192.0.2.2"); status != http.StatusBadRequest {
		t.Errorf("another address: %d", status)
	}
	for n := range 60 { // one customer's /64
		if from(fmt.Sprintf("2001:db8::%x", n+1)) == http.StatusTooManyRequests {
			break
		}
		if n == 59 {
			t.Error("60 addresses of one /64 were not limited together")
		}
	}
	if body := get(t, s.url, "/w/system/jwks"); !strings.Contains(body, "keys") {
		t.Errorf("the key set is limited: %s", body)
	}
}

func TestRule24WorkspaceRate(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL, c.Listen = "", freeAddress(t)
	c.AddressRate, c.WorkspaceRate, c.MetricsListen = 0, 1, freeAddress(t)
	s := start(t, c)
	admin, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err != nil {
		t.Fatal(err)
	}
	codes := map[any]int{}
	for range 30 {
		_, answer := s.token(t, "/w/system/token", exchangeForm(admin.BearerToken))
		codes[answer["code"]]++
	}
	if codes["too_many_requests"] == 0 || codes[nil] == 0 {
		t.Errorf("%v", codes)
	}
	if status, answer := s.api(t, "GET", "/system/events/count?kind=token.refused", admin.BearerToken, nil); status != 200 || answer["count"] != 0.0 {
		t.Errorf("limited requests are on the record: %v", answer)
	}
	says(t, get(t, "http://"+c.MetricsListen, "/metrics"), fmt.Sprintf(`nsc_rate_limited_total{by="workspace"} %d`, codes["too_many_requests"]))
}

// A server that stops answers every request that reached it, of callers who come again as soon as they were told to go.
func TestStopsWithoutAFailedRequest(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL, c.Listen = "", freeAddress(t)
	c.AddressRate, c.WorkspaceRate = 0, 0
	s := start(t, c)
	admin, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var answered, failed atomic.Int64
	var last atomic.Value
	var callers sync.WaitGroup
	begun := make(chan struct{}, 1)
	for range 8 {
		callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			for {
				response, err := client.PostForm(s.url+"/w/system/token", exchangeForm(admin.BearerToken))
				if err != nil {
					if strings.Contains(err.Error(), "connection refused") {
						return // nobody listens any more: it was not accepted
					}
					failed.Add(1)
					last.Store(err.Error())
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					failed.Add(1)
					last.Store(response.Status)
				}
				answered.Add(1)
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	callers.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed: %v", failed.Load(), answered.Load(), last.Load())
	}
}

func TestCertificateFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	c := serverConfig(t)
	c.BaseURL, c.Listen = "", freeAddress(t)
	c.TLSCertFile, c.TLSKeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	says(t, fails(t, c), "tls_cert_file")
	first := writeCertificate(t, c)
	s := start(t, c)
	if got := servedSerial(t, c); got != first {
		t.Errorf("serves %s, not %s", got, first)
	}
	if err := os.WriteFile(c.TLSCertFile, []byte("half a certif"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := servedSerial(t, c); got != first {
		t.Errorf("a broken file replaced the certificate: %s", got)
	}
	second := writeCertificate(t, c)
	deadline := time.Now().Add(30 * time.Second)
	for servedSerial(t, c) != second {
		if time.Now().After(deadline) {
			t.Fatalf("the new certificate is not served\n%s", s.logs)
		}
	}
}

func writeCertificate(t *testing.T, c Config) string {
	t.Helper()
	authority, err := openSelfSigned(t.TempDir(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.issue()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		c.TLSCertFile: {Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}, c.TLSKeyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return leaf.Leaf.SerialNumber.String()
}

func servedSerial(t *testing.T, c Config) string {
	t.Helper()
	conn, err := tls.Dial("tcp", c.Listen, &tls.Config{InsecureSkipVerify: true}) // only to read the serial number
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestReload(t *testing.T) {
	c := serverConfig(t)
	next := c
	next.AddressRate, next.MetricsListen = 1, "127.0.0.1:1"
	if got := waits(c, next); len(got) != 1 || got[0] != "metrics_listen" {
		t.Errorf("waits for the next start: %v", got)
	}
	n := &node{config: c, log: discard}
	n.config.Reload = func() (Config, error) { return Config{}, nil } // wrong: not even an address
	n.reload()
	if n.handler.Load() != nil {
		t.Error("a wrong configuration was applied")
	}
}
