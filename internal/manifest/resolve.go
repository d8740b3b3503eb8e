package manifest

import (
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/preset"
	"github.com/nsc-federation/nsc/internal/span"
)

// resolve returns a declared trust as the server would keep it, with what it would warn of.
func (t Trust) resolve(tenant identity.Tenant, label string) (policy.Trust, []string, error) {
	draft, err := t.draft()
	if err != nil {
		return policy.Trust{}, nil, err
	}
	draft.ManagedBy = label
	// Plain HTTP on loopback is the server's to judge.
	if err := identity.CheckSource(draft.Issuer, draft.KeySource, true); err != nil {
		return policy.Trust{}, nil, err
	}
	return policy.Check(draft, tenant)
}

// draft puts what the file says into a trust, with what its preset makes of its parameters.
func (t Trust) draft() (policy.Trust, error) {
	draft := policy.Trust{Issuer: t.Issuer, SubjectMatch: t.SubjectMatch, Audience: t.Audience, Condition: t.Condition}
	if err := t.fill(&draft); err != nil {
		return draft, err
	}
	draft.SingleUse, draft.Enabled, draft.AllowSharedAudience = t.SingleUse, !t.Disabled, t.AllowSharedAudience
	draft.AcceptDelegation, draft.Description = t.AcceptDelegation, t.Description
	if len(t.Mappings) > 0 {
		draft.Mappings = t.Mappings
	}
	for _, g := range t.Grants {
		draft.Grants = append(draft.Grants, identity.Permission(g))
	}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"default_token_duration", t.DefaultDuration, &draft.DefaultDuration},
		{"max_token_duration", t.MaxDuration, &draft.MaxDuration},
		{"max_external_lifetime", t.MaxLifetime, &draft.MaxLifetime},
	} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.to, err = span.Parse(d.text); err == nil && *d.to < time.Second {
			err = errors.New("is shorter than a second")
		}
		if err != nil {
			return draft, &policy.FieldError{Field: d.name, Problem: err.Error()}
		}
	}
	var err error
	draft.KeySource, err = t.KeySource.resolve()
	return draft, err
}

// fill writes what the preset makes of its parameters. What it pins cannot be replaced, and a condition narrows it.
func (t Trust) fill(draft *policy.Trust) error {
	switch {
	case t.Preset == "" && len(t.With) > 0:
		return &policy.FieldError{Field: "with", Problem: "is for the parameters of a preset, and there is no preset"}
	case t.Preset == "":
		return nil
	case t.Issuer != "" || t.SubjectMatch != "":
		return &policy.FieldError{Field: "preset", Problem: "writes issuer and subject_match by itself; leave them out (a parameter issuer stands in with)"}
	}
	p, err := preset.Find(t.Preset)
	if err != nil {
		return &policy.FieldError{Field: "preset", Problem: err.Error()}
	}
	made, err := p.Trust(t.With)
	if err != nil {
		return &policy.FieldError{Field: "with", Problem: err.Error()}
	}
	draft.Issuer, draft.SubjectMatch = made.Issuer, made.SubjectMatch
	if t.Audience == "" {
		draft.Audience = made.Audience
	}
	if draft.Condition, err = preset.And(made.Condition, t.Condition); err != nil {
		return &policy.FieldError{Field: "condition", Problem: err.Error()}
	}
	return nil
}

func (k *KeySource) resolve() (identity.KeySource, error) {
	if k == nil {
		return identity.KeySource{Kind: identity.Discovery}, nil
	}
	source := identity.KeySource{Kind: identity.SourceKind(k.Kind), URL: k.URL, CA: k.CA, JWKS: k.JWKS}
	if k.NotAfter == "" {
		return source, nil
	}
	end, err := time.Parse(time.RFC3339, k.NotAfter)
	if err != nil {
		return source, &policy.FieldError{Field: "key_source.not_after", Problem: "is not a time; write it as 2026-01-31T12:00:00Z"}
	}
	source.NotAfter = end.UTC().Truncate(time.Microsecond)
	return source, nil
}
