package web

import (
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// trustBody is a trust relationship as the API shows it.
type trustBody struct {
	ID                  string            `json:"id" doc:"Never changes and is never given again" example:"agolopjwaadyxgvd2c2vcu4hie"`
	Issuer              string            `json:"issuer" doc:"Whose tokens are admitted, byte for byte as in their iss" example:"https://token.actions.githubusercontent.com"`
	SubjectMatch        string            `json:"subject_match" doc:"Pattern of sub: literal text and *" example:"repo:acme/api:ref:refs/heads/main"`
	Audience            string            `json:"audience" doc:"Pattern of the aud that is expected; empty: the workspace's issuer"`
	Condition           string            `json:"condition,omitempty" doc:"CEL over claims that must be true as well; absent: none" example:"claims.repository_owner_id == \"1234\""`
	Mappings            map[string]string `json:"mappings,omitempty" doc:"CEL for groups and attributes.* of the tokens; absent: none"`
	Grants              []grantBody       `json:"grants" nullable:"false" doc:"What the tokens may do"`
	DefaultDuration     string            `json:"default_token_duration" doc:"How long tokens live where nothing is asked for" example:"15m0s"`
	MaxDuration         string            `json:"max_token_duration" doc:"How long they may live at most" example:"1h0m0s"`
	MaxLifetime         string            `json:"max_external_lifetime" doc:"The longest lifetime of an external token that is admitted" example:"24h0m0s"`
	SingleUse           bool              `json:"single_use" doc:"Each external token is admitted once, by its jti"`
	Enabled             bool              `json:"enabled" doc:"Whether the trust admits anything"`
	AllowSharedAudience bool              `json:"allow_shared_audience,omitempty" doc:"The audience may be one that many hold for another purpose"`
	AcceptDelegation    bool              `json:"accept_delegation,omitempty" doc:"What the issuer's tokens say in act and may_act counts"`
	Description         string            `json:"description,omitempty" doc:"For people"`
	ManagedBy           string            `json:"managed_by,omitempty" doc:"Manifest and name of the file that declares it; absent: none, it was made by hand" example:"federation/api"`
	KeySource           keySourceBody     `json:"key_source" doc:"Where the issuer's keys come from"`
	Version             int64             `json:"version" doc:"Moves with every change that ends the tokens which rest on the trust"`
	Revision            int64             `json:"revision" doc:"Moves with every change; the ETag"`
	CreatedBy           string            `json:"created_by,omitempty" doc:"Subject of who made it; absent: the server itself"`
	CreatedAt           time.Time         `json:"created_at" doc:"When it was made"`
	UpdatedBy           string            `json:"updated_by,omitempty" doc:"Subject of who changed it last; absent: the server itself"`
	UpdatedAt           time.Time         `json:"updated_at" doc:"When it was changed last"`
	Warnings            []string          `json:"warnings,omitempty" nullable:"false" doc:"What the writer should think about; only in answers to a change"`
}

func newTrustBody(t policy.Trust, warnings []string) trustBody {
	return trustBody{
		t.ID, t.Issuer, t.SubjectMatch, t.Audience, t.Condition, t.Mappings, newGrants(t.Grants),
		t.DefaultDuration.String(), t.MaxDuration.String(), t.MaxLifetime.String(), t.SingleUse, t.Enabled, t.AllowSharedAudience,
		t.AcceptDelegation, t.Description, t.ManagedBy, keySourceBody(t.KeySource), t.Version, t.Revision, t.CreatedBy, t.CreatedAt.UTC(), t.UpdatedBy,
		t.UpdatedAt.UTC(), warnings,
	}
}

func (t trustBody) entityTag() string { return etag(t.Revision) }

func (t trustBody) place() string { return t.ID }

// keySourceBody is where the keys of an issuer come from.
type keySourceBody struct {
	Kind     identity.SourceKind `json:"kind" enum:"discovery,jwks_url,jwks" doc:"discovery: the issuer's own document names them; jwks_url: a fixed address; jwks: uploaded here"`
	URL      string              `json:"url,omitempty" doc:"Address of the key set; with jwks_url" example:"https://issuer.example.com/keys"`
	CA       string              `json:"ca,omitempty" doc:"PEM of private certificate authorities; absent: the system's"`
	JWKS     string              `json:"jwks,omitempty" doc:"The uploaded key set, JSON in text; with jwks"`
	NotAfter time.Time           `json:"not_after,omitzero" doc:"When an uploaded key set ceases to be believed; mandatory with jwks"`
}

// trustChange is what a caller may say of a trust relationship.
type trustChange struct {
	Issuer              *string            `json:"issuer,omitempty" doc:"Whose tokens are admitted: an HTTPS URL, byte for byte as in their iss" example:"https://token.actions.githubusercontent.com"`
	SubjectMatch        *string            `json:"subject_match,omitempty" doc:"Pattern of sub. * is one or more bytes within a segment; directly after : or / at the end, all the rest" example:"repo:acme/api:*"`
	Audience            *string            `json:"audience,omitempty" doc:"Pattern of the aud that is expected; empty: the workspace's issuer"`
	Condition           *string            `json:"condition,omitempty" doc:"CEL over claims that must be true as well; empty: none" example:"claims.repository_owner_id == \"1234\""`
	Mappings            *map[string]string `json:"mappings,omitempty" doc:"CEL for groups and attributes.* of the tokens"`
	Grants              *[]grantBody       `json:"grants,omitempty" nullable:"false" doc:"What the tokens may do: never more than the caller may himself"`
	DefaultDuration     *span              `json:"default_token_duration,omitempty" doc:"How long tokens live where nothing is asked for; default 15m, or the maximum where that is less or becomes less"`
	MaxDuration         *span              `json:"max_token_duration,omitempty" doc:"How long they may live at most, up to 7d; default 1h"`
	MaxLifetime         *span              `json:"max_external_lifetime,omitempty" doc:"The longest lifetime of an external token that is admitted"`
	SingleUse           *bool              `json:"single_use,omitempty" doc:"Admit each external token once, by its jti"`
	Enabled             *bool              `json:"enabled,omitempty" doc:"Whether the trust admits anything; true where a new trust does not say"`
	AllowSharedAudience *bool              `json:"allow_shared_audience,omitempty" doc:"Allow an audience that many hold for another purpose"`
	AcceptDelegation    *bool              `json:"accept_delegation,omitempty" doc:"Believe the issuer's tokens in who acts for their subject (act) and who may (may_act). Writing it needs the grant workspace trust admin"`
	Description         *string            `json:"description,omitempty" doc:"For people; changing nothing else ends no token"`
	ManagedBy           *string            `json:"managed_by,omitempty" doc:"Manifest and name of the file that declares it, as in federation/api: one trust of the workspace has it; empty: none. Changing nothing else ends no token" example:"federation/api"`
	KeySource           *keySourceBody     `json:"key_source,omitempty" doc:"Where the issuer's keys come from, as a whole; default discovery. All trusts of a workspace in one issuer share it"`
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func setDuration(to *time.Duration, field string, from *span) (err error) {
	if from != nil {
		*to, err = from.duration(field)
	}
	return err
}

func (c trustChange) apply(t *policy.Trust) error {
	set(&t.Issuer, c.Issuer)
	set(&t.SubjectMatch, c.SubjectMatch)
	set(&t.Audience, c.Audience)
	set(&t.Condition, c.Condition)
	set(&t.Mappings, c.Mappings)
	set(&t.SingleUse, c.SingleUse)
	set(&t.Enabled, c.Enabled)
	set(&t.AllowSharedAudience, c.AllowSharedAudience)
	set(&t.AcceptDelegation, c.AcceptDelegation)
	set(&t.Description, c.Description)
	set(&t.ManagedBy, c.ManagedBy)
	if c.Grants != nil {
		t.Grants = permissionsOf(*c.Grants)
	}
	if c.KeySource != nil {
		t.KeySource = identity.KeySource(*c.KeySource)
	}
	if err := setDuration(&t.DefaultDuration, "default_token_duration", c.DefaultDuration); err != nil {
		return err
	}
	if err := setDuration(&t.MaxDuration, "max_token_duration", c.MaxDuration); err != nil {
		return err
	}
	if c.MaxDuration != nil && c.DefaultDuration == nil && t.MaxDuration > 0 { // as where a new trust says nothing of the default
		t.DefaultDuration = min(t.DefaultDuration, t.MaxDuration)
	}
	return setDuration(&t.MaxLifetime, "max_external_lifetime", c.MaxLifetime)
}
