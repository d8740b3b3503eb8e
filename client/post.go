package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxRetries   = 3
	firstPause   = 250 * time.Millisecond // before the first retry; twice as long before each other
	longestPause = 30 * time.Second       // a server that names a longer one is not asked again
	lastRetry    = 55 * time.Second       // begins so long after the first attempt, whose answer the server keeps for a minute
	attemptTime  = 10 * time.Second
	maxAnswer    = 64 << 10 // bytes
)

// post sends a form and returns the answer, and sends it again where that may help. Every attempt has the same
// Idempotency-Key, for which the server signs the same claims again: an answer that was lost wastes no token that may be
// used only once.
func (c *Client) post(ctx context.Context, endpoint string, form url.Values) ([]byte, error) {
	key, last := rand.Text(), time.Now().Add(lastRetry)
	for attempt := 0; ; attempt++ {
		body, err := c.attempt(ctx, endpoint, form, key)
		if err == nil || attempt == maxRetries || !waited(ctx, err, firstPause<<attempt, last) {
			return body, err
		}
	}
}

// waited waits before a request that failed is repeated, and returns false where it is not to be, or would come too late.
func waited(ctx context.Context, err error, pause time.Duration, last time.Time) bool {
	var refused *RefusedError
	var lost *unreachedError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refused) && passing(refused.Status):
		pause = max(pause, refused.RetryAfter)
	case !errors.As(err, &lost), errors.As(err, &certificate):
		return false
	}
	if pause > longestPause {
		return false
	}
	pause += mathrand.N(pause/2 + 1) // those that failed together do not come again together
	if deadline, limited := ctx.Deadline(); limited && deadline.Before(last) {
		last = deadline
	}
	if time.Until(last) < pause {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// passing reports whether a status says nothing that will still be true in a moment. A proxy answers 502 or 504 while the
// server behind it restarts (RFC 9110 §15.6). After 500, 502 and 504 nobody knows whether the token was issued; all the
// same an exchange is safe to repeat, because it has an Idempotency-Key.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Client) attempt(ctx context.Context, endpoint string, form url.Values, key string) ([]byte, error) {
	client, err := c.transport()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Idempotency-Key", key)
	request.Header.Set("User-Agent", "nsc-client")
	response, err := client.Do(request)
	if err != nil {
		return nil, &unreachedError{err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, &unreachedError{err}
	}
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response, body)
	}
	return body, nil
}

// unreachedError is a request that had no answer, or half of one.
type unreachedError struct{ cause error }

func (e *unreachedError) Error() string { return "client: " + e.cause.Error() }

func (e *unreachedError) Unwrap() error { return e.cause }

// refusal reads an error of a token endpoint (RFC 6749 §5.2), or of whatever stands before it.
func refusal(response *http.Response, body []byte) error {
	var said struct {
		Code        string `json:"code"`
		OAuth       string `json:"error"`
		Description string `json:"error_description"`
		RefusalID   string `json:"refusal_id"`
	}
	_ = json.Unmarshal(body, &said) // a proxy's error page says nothing that could be told
	return &RefusedError{
		Status: response.StatusCode, Code: said.Code, OAuth: said.OAuth, Description: said.Description, RefusalID: said.RefusalID,
		RetryAfter: retryAfter(response.Header.Get("Retry-After")),
	}
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}
