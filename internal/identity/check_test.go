package identity

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// wantField demands a problem with the field, or none where the field is "".
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var f *FieldError
	switch {
	case field == "" && err != nil:
		t.Errorf("refused: %v", err)
	case field != "" && (!errors.As(err, &f) || f.Field != field || err.Error() != field+": "+f.Problem || f.Problem == ""):
		t.Errorf("got %v, want a problem with %s", err, field)
	}
}

func TestCheckSourceIssuers(t *testing.T) {
	for _, row := range []struct {
		issuer  string
		ok, dev bool // accepted by the server, by nsc dev
	}{
		{"https://issuer.example", true, true},
		{"https://issuer.example/", true, true},
		{"https://issuer.example:8443/realms/acme", true, true},
		{"https://127.0.0.1:6443", true, true}, // which address may be dialled is judged then
		{"https://[::1]:6443/x", true, true},
		{"https://issuer.example/a%20b", true, true},
		{"http://localhost:8740/w/acme", false, true},
		{"http://127.0.0.1:8740/w/acme", false, true},
		{"http://[::1]:8740", false, true},
		{"http://issuer.example", false, false},
		{"http://localhost.evil.example", false, false},
		{"http://127.0.0.1.evil.example", false, false},
		{"http://10.0.0.1", false, false},
		{"", false, false},
		{"issuer.example", false, false},
		{"//issuer.example", false, false},
		{"/w/acme", false, false},
		{"https:issuer.example", false, false},
		{"https://", false, false},
		{"https:///path", false, false},
		{"https://:443", false, false},
		{"HTTPS://issuer.example", false, false},
		{"ftp://issuer.example", false, false},
		{"kubernetes/serviceaccount", false, false},
		{"https://issuer.example?", false, false},
		{"https://issuer.example?a=b", false, false},
		{"https://issuer.example#", false, false},
		{"https://issuer.example/#a", false, false},
		{"https://user@issuer.example", false, false},
		{"https://user:secret@issuer.example", false, false},
		{"https://@issuer.example", false, false},
		{"https://issuer.example:x", false, false},
		{"https://issuer.example/ x", false, false},
		{" https://issuer.example", false, false},
		{"https://issuer.example\n", false, false},
		{"https://issuer.example/\x00", false, false},
		{`https://issuer.example\@evil.example`, false, false},
		{"https://ïssuer.example", false, false},
		{"https://issuer.example/" + strings.Repeat("x", 512-len("https://issuer.example/")), true, true},
		{"https://issuer.example/" + strings.Repeat("x", 513-len("https://issuer.example/")), false, false},
	} {
		t.Run(row.issuer, func(t *testing.T) {
			for dev, ok := range map[bool]bool{false: row.ok, true: row.dev} {
				want := "issuer"
				if ok {
					want = ""
				}
				wantField(t, CheckSource(row.issuer, discovery, dev), want)
			}
		})
	}
}

func TestCheckSourceMembers(t *testing.T) {
	set := document(t, newKey(t, "k", jwt.ES256))
	authority := certificate(t)
	private, err := x509.MarshalPKCS8PrivateKey(generate(t, jwt.ES256))
	if err != nil {
		t.Fatal(err)
	}
	secret := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	end := start.Add(time.Hour)
	const address = "https://keys.example/jwks?v=1"
	for _, row := range []struct {
		rule  string
		src   KeySource
		field string
	}{
		{"discovery", KeySource{Kind: Discovery}, ""},
		{"discovery with an authority", KeySource{Kind: Discovery, CA: authority}, ""},
		{"several authorities, and what openssl writes between them", KeySource{Kind: Discovery, CA: "\nsubject=x\n" + authority + "\n" + authority + "\n"}, ""},
		{"an address", KeySource{Kind: JWKSURL, URL: address, CA: authority}, ""},
		{"an uploaded set with its end", KeySource{Kind: JWKS, JWKS: set, NotAfter: end}, ""},
		{"no kind", KeySource{}, "key_source.kind"},
		{"an unknown kind", KeySource{Kind: "x509"}, "key_source.kind"},
		{"an address without one", KeySource{Kind: JWKSURL}, "key_source.url"},
		{"a plain address", KeySource{Kind: JWKSURL, URL: "http://keys.example"}, "key_source.url"},
		{"an address with a user", KeySource{Kind: JWKSURL, URL: "https://u:p@keys.example"}, "key_source.url"},
		{"an address with a fragment", KeySource{Kind: JWKSURL, URL: address + "#x"}, "key_source.url"},
		{"an endless address", KeySource{Kind: JWKSURL, URL: "https://keys.example/" + strings.Repeat("x", 2048)}, "key_source.url"},
		{"an uploaded set without a set", KeySource{Kind: JWKS, NotAfter: end}, "key_source.jwks"},
		{"an uploaded set without an end (rule 15)", KeySource{Kind: JWKS, JWKS: set}, "key_source.not_after"},
		{"an uploaded set that is none", KeySource{Kind: JWKS, JWKS: "{}", NotAfter: end}, "key_source.jwks"},
		{"an uploaded set with a symmetric key", KeySource{Kind: JWKS, JWKS: `{"keys":[{"kty":"oct","k":"AAAA"}]}`, NotAfter: end}, "key_source.jwks"},
		{"an uploaded set with a private key", KeySource{Kind: JWKS, JWKS: strings.Replace(set, `"kid"`, `"d":"AAAA","kid"`, 1), NotAfter: end}, "key_source.jwks"},
		{"a private key that is no set", KeySource{Kind: JWKS, JWKS: strings.Replace(set, `{`, `{"d":"AAAA",`, 1), NotAfter: end}, "key_source.jwks"},
		{"discovery with an address", KeySource{Kind: Discovery, URL: address}, "key_source.url"},
		{"discovery with a set", KeySource{Kind: Discovery, JWKS: set}, "key_source.jwks"},
		{"discovery with an end", KeySource{Kind: Discovery, NotAfter: end}, "key_source.not_after"},
		{"an address with a set", KeySource{Kind: JWKSURL, URL: address, JWKS: set}, "key_source.jwks"},
		{"an uploaded set with an address", KeySource{Kind: JWKS, JWKS: set, NotAfter: end, URL: address}, "key_source.url"},
		{"an uploaded set with an authority", KeySource{Kind: JWKS, JWKS: set, NotAfter: end, CA: authority}, "key_source.ca"},
		{"an authority that is no certificate", KeySource{Kind: Discovery, CA: "x"}, "key_source.ca"},
		{"an authority of nothing", KeySource{Kind: Discovery, CA: "\n"}, "key_source.ca"},
		{"an authority with its private key", KeySource{Kind: Discovery, CA: authority + secret}, "key_source.ca"},
		{"an authority that breaks off", KeySource{Kind: Discovery, CA: authority + authority[:100]}, "key_source.ca"},
		{"an authority with nothing in it", KeySource{Kind: Discovery, CA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "key_source.ca"},
		{"endless authorities", KeySource{Kind: Discovery, CA: strings.Repeat(authority, 200)}, "key_source.ca"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			wantField(t, CheckSource(issuer, row.src, false), row.field)
		})
	}
}

func certificate(t *testing.T) string {
	t.Helper()
	private := generate(t, jwt.ES256)
	template := &x509.Certificate{NotBefore: start, NotAfter: start.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// What is accepted leads to the host that anybody reads in it, over TLS unless it is loopback.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"https://issuer.example/x", "http://localhost:1/", `https://a\@b`, "https://a@b", "https://[::1%25x]:1", "http://127.0.0.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		for _, dev := range []bool{false, true} {
			u, err := parseAddress(address, dev)
			if err != nil {
				continue
			}
			again, err := url.Parse(u.String())
			if err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
				t.Fatalf("%q is written as %q: %v", address, u, err)
			}
			after, ok := strings.CutPrefix(address, u.Scheme+"://")
			if !ok || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
				t.Fatalf("%q", address)
			}
			authority, _, _ := strings.Cut(strings.NewReplacer("?", "/").Replace(after), "/")
			if strings.ContainsAny(authority, `@\ `) {
				t.Fatalf("%q: authority %q", address, authority)
			}
			if u.Scheme != "https" && (!dev || u.Scheme != "http" || !isLoopbackName(u.Hostname())) {
				t.Fatalf("%q without TLS", address)
			}
		}
	})
}
