package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
)

// keyBody is a signing key as the API shows it: never its private half.
type keyBody struct {
	ID        string     `json:"key_id" doc:"The kid of what it signs" example:"agolopjz5bofbzajslg45rczkm"`
	Algorithm string     `json:"algorithm" doc:"ES256, RS256 or EdDSA" example:"ES256"`
	State     keys.State `json:"state" doc:"published: does not sign yet; active: signs; retiring: signs no more, what it signed is valid; gone" example:"active"`
	CreatedAt time.Time  `json:"created_at" doc:"When it was made and published"`
	ActiveAt  time.Time  `json:"active_at" doc:"From when it may sign; a little before created_at where it was to sign at once, for servers whose clocks are behind"`
	RetireAt  *time.Time `json:"retire_at,omitempty" doc:"From when it signs no more; absent: no successor yet"`
	GoneAt    *time.Time `json:"gone_at,omitempty" doc:"When the last token that it signed has ended and it leaves the key set"`
}

func newKeyBody(k keys.Stored) keyBody {
	body := keyBody{ID: k.ID, Algorithm: string(k.Algorithm), State: k.State(time.Now()), CreatedAt: k.CreatedAt.UTC(), ActiveAt: k.ActiveAt.UTC()}
	if !k.RetireAt.IsZero() {
		retire, gone := k.RetireAt.UTC(), k.GoneAt.UTC()
		body.RetireAt, body.GoneAt = &retire, &gone
	}
	return body
}

// rotationRequest says how a key is replaced.
type rotationRequest struct {
	Algorithm   string `json:"algorithm,omitempty" enum:"ES256,RS256,EdDSA" default:"ES256" doc:"Which ring; a ring that the workspace does not have yet begins"`
	Compromised bool   `json:"compromised,omitempty" doc:"Remove the key at once, and end the tokens it signed"`
	KeyID       string `json:"key_id,omitempty" maxLength:"64" doc:"Which compromised key; absent: the active one"`
}

type rotateKeys struct {
	Call
	Creation
	Body rotationRequest
}

// rotationBody is what a rotation did.
type rotationBody struct {
	Key         *keyBody          `json:"key,omitempty" doc:"The new key; absent where none was needed"`
	Unreachable []unreachableBody `json:"unreachable,omitzero" nullable:"false" doc:"Of a compromised key: living tokens that it signed and that others verify by themselves, until they fetch the key set again, by audience"`
	Incomplete  bool              `json:"incomplete,omitempty" doc:"There may be more of these: not all tokens were looked at, or not all could be read"`
}

func (h *handler) keyAPI(api huma.API) {
	serve(h, api, operation{
		ID: "list-keys", Method: http.MethodGet, Path: apiBase + "/{workspace}/keys", Tag: tagKeys, Summary: "List signing keys",
		Description: "In the order of their IDs, without their private halves. Needs a grant on the workspace: key, read.",
		Codes:       []fault.Code{fault.Forbidden}, Answer: list[keyBody]{Items: []keyBody{exampleKey}},
	}, h.listKeys)
	serve(h, api, operation{
		ID: "rotate-keys", Method: http.MethodPost, Path: apiBase + "/{workspace}/keys/rotate", Tag: tagKeys, Summary: "Rotate a signing key",
		Description: "Publishes the next key, which signs once everybody can know it; or replaces a compromised key at once. Needs a grant on the workspace: key, write.",
		Codes:       []fault.Code{fault.Forbidden, fault.Conflict, fault.KeyReused}, Request: rotationRequest{Algorithm: "ES256"},
		Answer: rotationBody{Key: &exampleKey},
	}, h.rotateKeys)
}

func (h *handler) listKeys(ctx context.Context, in *listCall) (list[keyBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[keyBody]{}, err
	}
	if err := in.check(); err != nil {
		return list[keyBody]{}, err
	}
	stored, err := h.Manage.ListKeys(ctx, caller)
	if err != nil {
		return list[keyBody]{}, err
	}
	found, next, err := pageOf(in.After, in.Limit, func(k keys.Stored) string { return k.ID }, func(after string, limit int) ([]keys.Stored, error) {
		from := 0 // there are few, in the order of their IDs
		for from < len(stored) && stored[from].ID <= after {
			from++
		}
		return stored[from:min(from+limit, len(stored))], nil
	})
	return newList(found, next, newKeyBody), err
}

func (h *handler) rotateKeys(ctx context.Context, in *rotateKeys) (rotationBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return rotationBody{}, err
	}
	service, err := h.once(in.Creation, in.Body, "rotate-keys", in.Workspace)
	if err != nil {
		return rotationBody{}, err
	}
	done, err := service.RotateKeys(ctx, caller, manage.Rotation{
		Algorithm: jwt.Algorithm(in.Body.Algorithm), Compromised: in.Body.Compromised, KeyID: in.Body.KeyID,
	}, in.address)
	if err != nil {
		return rotationBody{}, err
	}
	body := rotationBody{Incomplete: done.Incomplete}
	if in.Body.Compromised {
		body.Unreachable = newUnreachable(done.Unreachable) // none is said, too
	}
	if done.ID != "" {
		body.Key = new(newKeyBody(done.Stored))
	}
	return body, nil
}
