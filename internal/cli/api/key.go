package api

import (
	"context"
	"net/http"
	"time"
)

// Key is a signing key of a workspace.
type Key struct {
	ID        string     `json:"key_id"`
	Algorithm string     `json:"algorithm"`
	State     string     `json:"state"` // published, active, retiring
	CreatedAt time.Time  `json:"created_at"`
	ActiveAt  time.Time  `json:"active_at"`
	RetireAt  *time.Time `json:"retire_at,omitempty"`
	GoneAt    *time.Time `json:"gone_at,omitempty"`
}

// Rotation says how a signing key is replaced.
type Rotation struct {
	Algorithm   string `json:"algorithm,omitempty"`
	Compromised bool   `json:"compromised,omitempty"` // at once, and the tokens that it signed end
	KeyID       string `json:"key_id,omitempty"`
}

// Rotated says what a rotation did. The new key is nil where a compromised one needed none.
type Rotated struct {
	*Key
	Unreachable []Unreachable `json:"unreachable,omitzero"` // of a compromised key; nil from a server that does not count
	Incomplete  bool          `json:"incomplete,omitempty"`
}

// Keys returns the signing keys of a workspace.
func (c *Client) Keys(ctx context.Context, workspace, bearer string) ([]Key, error) {
	return all[Key](ctx, c, request{method: http.MethodGet, path: pathIn(workspace, "keys"), bearer: bearer})
}

// RotateKeys replaces a signing key.
func (c *Client) RotateKeys(ctx context.Context, workspace, bearer string, r Rotation) (Rotated, error) {
	var answer struct {
		Key         *Key          `json:"key"`
		Unreachable []Unreachable `json:"unreachable"`
		Incomplete  bool          `json:"incomplete"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: pathIn(workspace, "keys", "rotate"), bearer: bearer, body: r}, &answer)
	return Rotated{answer.Key, answer.Unreachable, answer.Incomplete}, err
}
