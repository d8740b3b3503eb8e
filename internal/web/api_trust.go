package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// trustBody is a trust relationship as the API shows it.
type trustBody struct {
	ID                  string                `json:"id"`
	Issuer              string                `json:"issuer"`
	SubjectMatch        string                `json:"subject_match"`
	Audience            string                `json:"audience" doc:"Empty: the workspace's issuer"`
	Condition           string                `json:"condition,omitempty"`
	Mappings            map[string]string     `json:"mappings,omitempty"`
	Grants              []identity.Permission `json:"grants" nullable:"false"`
	DefaultDuration     string                `json:"default_token_duration"`
	MaxDuration         string                `json:"max_token_duration"`
	MaxLifetime         string                `json:"max_external_lifetime"`
	SingleUse           bool                  `json:"single_use"`
	Enabled             bool                  `json:"enabled"`
	AllowSharedAudience bool                  `json:"allow_shared_audience,omitempty"`
	Description         string                `json:"description,omitempty"`
	KeySource           identity.KeySource    `json:"key_source"`
	Version             int64                 `json:"version"`
	Revision            int64                 `json:"revision"`
	CreatedBy           string                `json:"created_by,omitempty"`
	CreatedAt           time.Time             `json:"created_at"`
	UpdatedBy           string                `json:"updated_by,omitempty"`
	UpdatedAt           time.Time             `json:"updated_at"`
	Warnings            []string              `json:"warnings,omitempty" doc:"What the writer should think about; only in answers to a change"`
}

func newTrustBody(t policy.Trust, warnings []string) trustBody {
	return trustBody{
		t.ID, t.Issuer, t.SubjectMatch, t.Audience, t.Condition, t.Mappings, append([]identity.Permission{}, t.Grants...),
		t.DefaultDuration.String(), t.MaxDuration.String(), t.MaxLifetime.String(), t.SingleUse, t.Enabled, t.AllowSharedAudience,
		t.Description, t.KeySource, t.Version, t.Revision, t.CreatedBy, t.CreatedAt.UTC(), t.UpdatedBy, t.UpdatedAt.UTC(), warnings,
	}
}

// trustChange is what a caller may say of a trust relationship. What is absent stays as it is, or is the default.
type trustChange struct {
	Issuer              *string                `json:"issuer,omitempty"`
	SubjectMatch        *string                `json:"subject_match,omitempty"`
	Audience            *string                `json:"audience,omitempty"`
	Condition           *string                `json:"condition,omitempty"`
	Mappings            *map[string]string     `json:"mappings,omitempty"`
	Grants              *[]identity.Permission `json:"grants,omitempty"`
	DefaultDuration     *string                `json:"default_token_duration,omitempty" doc:"Like 15m or 3600s"`
	MaxDuration         *string                `json:"max_token_duration,omitempty"`
	MaxLifetime         *string                `json:"max_external_lifetime,omitempty"`
	SingleUse           *bool                  `json:"single_use,omitempty"`
	Enabled             *bool                  `json:"enabled,omitempty"`
	AllowSharedAudience *bool                  `json:"allow_shared_audience,omitempty"`
	Description         *string                `json:"description,omitempty"`
	KeySource           *keySourceChange       `json:"key_source,omitempty"`
}

type keySourceChange struct {
	Kind     string    `json:"kind" enum:"discovery,jwks_url,jwks"`
	URL      string    `json:"url,omitempty"`
	CA       string    `json:"ca,omitempty" doc:"PEM of private certificate authorities"`
	JWKS     string    `json:"jwks,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero" doc:"When an uploaded JWKS ceases to be believed"`
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func setDuration(to *time.Duration, field string, from *string) error {
	if from == nil {
		return nil
	}
	d, err := time.ParseDuration(*from)
	if err != nil {
		return fault.Invalid(field, "is not a duration like 15m or 3600s")
	}
	*to = d
	return nil
}

func (c trustChange) apply(t *policy.Trust) error {
	set(&t.Issuer, c.Issuer)
	set(&t.SubjectMatch, c.SubjectMatch)
	set(&t.Audience, c.Audience)
	set(&t.Condition, c.Condition)
	set(&t.Mappings, c.Mappings)
	set(&t.Grants, c.Grants)
	set(&t.SingleUse, c.SingleUse)
	set(&t.Enabled, c.Enabled)
	set(&t.AllowSharedAudience, c.AllowSharedAudience)
	set(&t.Description, c.Description)
	if s := c.KeySource; s != nil {
		t.KeySource = identity.KeySource{Kind: identity.SourceKind(s.Kind), URL: s.URL, CA: s.CA, JWKS: s.JWKS, NotAfter: s.NotAfter}
	}
	if err := setDuration(&t.DefaultDuration, "default_token_duration", c.DefaultDuration); err != nil {
		return err
	}
	if err := setDuration(&t.MaxDuration, "max_token_duration", c.MaxDuration); err != nil {
		return err
	}
	return setDuration(&t.MaxLifetime, "max_external_lifetime", c.MaxLifetime)
}

type listTrusts struct {
	Call
	After string `query:"after" maxLength:"26" doc:"ID to go on after"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"200"`
}

// OneTrust names a trust relationship, and the revision that a change insists on.
type OneTrust struct {
	Call
	ID      string `path:"id"`
	IfMatch string `header:"If-Match" doc:"The revision that the change is made to, quoted; absent: any"`
}

// revision returns the revision that a change insists on, 0 for any.
func (o OneTrust) revision() (int64, error) {
	if o.IfMatch == "" || o.IfMatch == "*" {
		return 0, nil
	}
	revision, err := strconv.ParseInt(strings.Trim(o.IfMatch, `"`), 10, 64)
	if err != nil || revision < 1 {
		return 0, fault.Invalid("If-Match", "must be the revision in quotes, as in \"3\"")
	}
	return revision, nil
}

func (h *handler) trustAPI(api huma.API) {
	base := apiBase + "/{workspace}/trust-relationships"
	serve(h, api, huma.Operation{
		OperationID: "list-trust-relationships", Method: http.MethodGet, Path: base, Summary: "List trust relationships",
	}, h.listTrusts)
	serve(h, api, huma.Operation{
		OperationID: "add-trust-relationship", Method: http.MethodPost, Path: base, Summary: "Add a trust relationship",
		DefaultStatus: http.StatusCreated,
	}, h.addTrust)
	serve(h, api, huma.Operation{
		OperationID: "describe-trust-relationship", Method: http.MethodGet, Path: base + "/{id}", Summary: "Describe a trust relationship",
	}, func(ctx context.Context, in *OneTrust) (trustBody, error) {
		caller, err := h.caller(ctx, in.Call)
		if err != nil {
			return trustBody{}, err
		}
		t, err := h.Manage.Trust(ctx, caller, in.ID)
		return newTrustBody(t, nil), err
	})
	serve(h, api, huma.Operation{
		OperationID: "update-trust-relationship", Method: http.MethodPatch, Path: base + "/{id}",
		Summary: "Change what is given of a trust relationship; tokens that rest on it end, unless only the description changes",
	}, h.updateTrust)
	huma.Register(api, huma.Operation{
		OperationID: "remove-trust-relationship", Method: http.MethodDelete, Path: base + "/{id}",
		Summary: "Remove a trust relationship; tokens that rest on it end", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *OneTrust) (*struct{}, error) {
		if err := h.removeTrust(ctx, in); err != nil {
			return nil, h.apiError("remove-trust-relationship", err)
		}
		return nil, nil
	})
}

func (h *handler) listTrusts(ctx context.Context, in *listTrusts) (list[trustBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[trustBody]{}, err
	}
	trusts, err := h.Manage.ListTrusts(ctx, caller, in.After, in.Limit)
	if err != nil {
		return list[trustBody]{}, err
	}
	bodies := make([]trustBody, len(trusts))
	for i, t := range trusts {
		bodies[i] = newTrustBody(t, nil)
	}
	return newList(bodies, in.Limit, func(b trustBody) string { return b.ID }), nil
}

func (h *handler) addTrust(ctx context.Context, in *struct {
	Call
	Body trustChange
}) (trustBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return trustBody{}, err
	}
	trust := policy.Trust{Enabled: true}
	if err := in.Body.apply(&trust); err != nil {
		return trustBody{}, err
	}
	added, warnings, err := h.Manage.AddTrust(ctx, caller, trust, in.address)
	return newTrustBody(added, warnings), err
}

func (h *handler) updateTrust(ctx context.Context, in *struct {
	OneTrust
	Body trustChange
}) (trustBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return trustBody{}, err
	}
	revision, err := in.revision()
	if err != nil {
		return trustBody{}, err
	}
	updated, warnings, err := h.Manage.UpdateTrust(ctx, caller, in.ID, revision, in.Body.apply, in.address)
	return newTrustBody(updated, warnings), err
}

func (h *handler) removeTrust(ctx context.Context, in *OneTrust) error {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return err
	}
	revision, err := in.revision()
	if err != nil {
		return err
	}
	return h.Manage.RemoveTrust(ctx, caller, in.ID, revision, in.address)
}
