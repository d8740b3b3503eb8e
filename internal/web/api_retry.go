package web

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/manage"
)

// Creation is what calls that create something take besides.
type Creation struct {
	Key string `header:"Idempotency-Key" minLength:"1" maxLength:"256" pattern:"^[!-~]+$" doc:"Makes the call safe to send again: for 24 hours the same caller gets the first answer again for the same key and the same request, without any secret, and nothing is created twice. With another request the key is refused. Of calls that failed nothing is kept" example:"5f0c1c6e-8f8f-4a55-b0b9-3f5a2f7d7c11"`
}

// checkKey refuses what the API library takes for no key: an empty one, after which the call would not be safe to send again,
// and several.
func checkKey(header http.Header, parameters []*huma.Param) error {
	values := header.Values(retryHeader)
	taken := slices.ContainsFunc(parameters, func(p *huma.Param) bool { return p.In == "header" && p.Name == retryHeader })
	if !taken || len(values) == 0 || len(values) == 1 && values[0] != "" {
		return nil
	}
	return fault.Invalid(retryHeader, "must be one key of 1 to %d characters", maxRetryKey)
}

// once returns the service for a call that may come again: it is the same where the operation, its workspace and the body,
// as it was understood, are.
func (h *handler) once(c Creation, body any, operation, workspace string) (*manage.Service, error) {
	if c.Key == "" {
		return h.Manage, nil
	}
	request, err := json.Marshal([]any{operation, workspace, body})
	return h.Manage.Once(manage.Retry{Key: c.Key, Request: sha256.Sum256(request)}), err
}
