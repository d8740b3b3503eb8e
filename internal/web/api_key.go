package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
)

type keyBody struct {
	ID        string     `json:"key_id"`
	Algorithm string     `json:"algorithm"`
	State     keys.State `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
	ActiveAt  time.Time  `json:"active_at"`
	RetireAt  *time.Time `json:"retire_at,omitempty"`
	GoneAt    *time.Time `json:"gone_at,omitempty"`
}

func newKeyBody(k keys.Stored) keyBody {
	body := keyBody{ID: k.ID, Algorithm: string(k.Algorithm), State: k.State(time.Now()), CreatedAt: k.CreatedAt.UTC(), ActiveAt: k.ActiveAt.UTC()}
	if !k.RetireAt.IsZero() {
		retire, gone := k.RetireAt.UTC(), k.GoneAt.UTC()
		body.RetireAt, body.GoneAt = &retire, &gone
	}
	return body
}

type rotateKeys struct {
	Call
	Body struct {
		Algorithm   string `json:"algorithm,omitempty" enum:"ES256,RS256,EdDSA" default:"ES256"`
		Compromised bool   `json:"compromised,omitempty" doc:"Remove the key at once, and end the tokens it signed"`
		KeyID       string `json:"key_id,omitempty" doc:"Which compromised key; absent: the active one"`
	}
}

type rotated struct {
	Key *keyBody `json:"key,omitempty" doc:"The new key; absent where none was needed"`
}

func (h *handler) keyAPI(api huma.API) {
	serve(h, api, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: apiBase + "/{workspace}/keys", Summary: "List signing keys",
	}, func(ctx context.Context, in *Call) (list[keyBody], error) {
		caller, err := h.caller(ctx, *in)
		if err != nil {
			return list[keyBody]{}, err
		}
		stored, err := h.Manage.ListKeys(ctx, caller)
		if err != nil {
			return list[keyBody]{}, err
		}
		bodies := make([]keyBody, len(stored))
		for i, k := range stored {
			bodies[i] = newKeyBody(k)
		}
		return newList(bodies, 0, nil), nil
	})
	serve(h, api, huma.Operation{
		OperationID: "rotate-keys", Method: http.MethodPost, Path: apiBase + "/{workspace}/keys/rotate",
		Summary: "Publish the next signing key, or replace a compromised one at once",
	}, func(ctx context.Context, in *rotateKeys) (rotated, error) {
		caller, err := h.caller(ctx, in.Call)
		if err != nil {
			return rotated{}, err
		}
		key, err := h.Manage.RotateKeys(ctx, caller, manage.Rotation{
			Algorithm: jwt.Algorithm(in.Body.Algorithm), Compromised: in.Body.Compromised, KeyID: in.Body.KeyID,
		})
		if err != nil || key.ID == "" {
			return rotated{}, err
		}
		body := newKeyBody(key)
		return rotated{&body}, nil
	})
}
