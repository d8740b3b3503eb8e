// Package api is the client side of nsc's HTTP: the token endpoint and the management API.
//
// A bearer token goes to the server that made it and to no other: a Client talks to one base URL, follows no redirect,
// and refuses plain HTTP except to this machine. Answers are capped in size and time. Whatever a server answers
// that is not what was asked for becomes a *failure.Failure with the exit status that the command ends with.
package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

const (
	timeout     = 30 * time.Second
	maxAnswer   = 8 << 20 // bytes
	maxAddress  = 8000    // bytes that every server and proxy should take (RFC 9110 §4.1)
	maxHeader   = 64 << 10
	contentJSON = "application/json"
	contentForm = "application/x-www-form-urlencoded"
)

// Client talks to one server.
type Client struct {
	base  string
	http  *http.Client
	agent string
	pause func(ctx context.Context, d time.Duration) error
}

// New returns a client of the server at a base URL, which CheckBase has accepted. The roots are trusted besides nothing:
// nil means the system's. The agent is the program's name and version.
func New(base string, roots *x509.CertPool, agent string) *Client {
	return &Client{base: base, http: &http.Client{
		Transport:     transport(roots),
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, agent: agent, pause: pause}
}

// transport is the standard one, proxies by the usual variables included, with the roots.
func transport(roots *x509.CertPool) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.MaxResponseHeaderBytes = maxHeader
	return t
}

// Base returns the base URL of the server.
func (c *Client) Base() string { return c.base }

// Reach returns an error where the server gives no answer at all. It asks for nothing and shows no credential.
func (c *Client) Reach(ctx context.Context) error {
	req, err := c.build(ctx, request{method: http.MethodGet, path: "/healthz"})
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return unreachable(ctx, c.base, err)
	}
	return resp.Body.Close()
}

// request is one call.
type request struct {
	method, path string
	query        url.Values
	bearer       string
	form         url.Values
	body         any
	header       http.Header
}

// call sends a request and decodes the answer into a value, which may be nil. Where the server asks for a moment's patience
// and the request may be repeated, it is.
func (c *Client) call(ctx context.Context, r request, into any) error {
	for n := 1; ; n++ {
		err := c.send(ctx, r, into)
		wait := r.patience(err)
		if wait == 0 || n == attempts || c.pause(ctx, wait) != nil {
			return err
		}
	}
}

// send sends a request once.
func (c *Client) send(ctx context.Context, r request, into any) error {
	req, err := c.build(ctx, r)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return unreachable(ctx, c.base, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return unreachable(ctx, c.base, err)
	}
	if len(body) > maxAnswer {
		return strange(c.base, fmt.Sprintf("answered with more than %d MiB", maxAnswer>>20))
	}
	if resp.StatusCode/100 != 2 {
		return refusal(c.base, resp, body)
	}
	return decode(c.base, body, into)
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	if len(address) > maxAddress {
		return nil, failure.Misuse("what was given is too long to be sent as a part of an address", "name something shorter: no ID and no name is that long")
	}
	body, content, err := r.content()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, failure.Wrap(failure.Misused, err, "the server's address cannot be used: "+address, "set --url to the server's base URL")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", contentJSON+", application/problem+json")
	req.Header.Set("User-Agent", c.agent)
	if content != "" {
		req.Header.Set("Content-Type", content)
	}
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	return req, nil
}

func (r request) content() (io.Reader, string, error) {
	switch {
	case r.form != nil:
		return strings.NewReader(r.form.Encode()), contentForm, nil
	case r.body != nil:
		text, err := json.Marshal(r.body)
		return bytes.NewReader(text), contentJSON, err
	}
	return nil, "", nil
}

// decode takes an answer. Members that this release does not know are a newer server's, and no error.
func decode(base string, body []byte, into any) error {
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return strange(base, "answered with something that is not the JSON that was asked for")
	}
	return nil
}
