package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

func httpsClient(trusted *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout:   commandTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
	}
}

// get asks for a page, with a bearer token unless that is empty.
func get(ctx context.Context, client *http.Client, page, token string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return do(client, request)
}

// post sends a form.
func post(ctx context.Context, client *http.Client, page string, form url.Values) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(client, request)
}

func do(client *http.Client, request *http.Request) (status int, body string, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// wantStatus makes an error of every other answer.
func wantStatus(want int) func(status int, body string, err error) error {
	return func(status int, body string, err error) error {
		if err == nil && status != want {
			err = fmt.Errorf("status %d, not %d: %s", status, want, strings.TrimSpace(body))
		}
		return err
	}
}
