package store

import (
	"encoding/json"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

const (
	trustColumns = `workspace_id, id, issuer, subject_match, audience, condition, mappings, grants,
	default_duration, max_duration, max_lifetime, single_use, enabled, allow_shared_audience, description, key_source,
	created_by, updated_by, created_at, updated_at, version, revision`
	selectTrust = `SELECT ` + trustColumns + ` FROM trusts `
)

// trustJSON is what of a trust is stored as JSON. Equal key sources have equal texts: SQL compares them.
type trustJSON struct{ mappings, grants, keySource string }

func encodeTrust(t policy.Trust) (trustJSON, error) {
	if err := storableTrust(t); err != nil {
		return trustJSON{}, err
	}
	t.KeySource.NotAfter = moment(micros(t.KeySource.NotAfter))
	var texts [3]string
	for i, v := range []any{t.Mappings, t.Grants, t.KeySource} {
		text, err := json.Marshal(v)
		if err != nil {
			return trustJSON{}, err
		}
		texts[i] = string(text)
	}
	return trustJSON{texts[0], texts[1], texts[2]}, nil
}

// storableTrust also looks at what becomes JSON, which would be altered there without a word.
func storableTrust(t policy.Trust) error {
	if err := indexable(t.WorkspaceID, t.ID, t.Issuer); err != nil {
		return err
	}
	texts := []string{t.SubjectMatch, t.Audience, t.Condition, t.Description, t.CreatedBy, t.UpdatedBy,
		string(t.KeySource.Kind), t.KeySource.URL, t.KeySource.CA, t.KeySource.JWKS}
	for name, expression := range t.Mappings {
		texts = append(texts, name, expression)
	}
	for _, g := range t.Grants {
		texts = append(append(texts, g.ResourceType, g.ResourceID), g.Actions...)
	}
	return storable(texts...)
}

func scanTrust(r row) (t policy.Trust, err error) {
	var mappings, grants, keySource []byte
	var defaultDuration, maxDuration, maxLifetime, createdAt, updatedAt int64
	err = r.Scan(&t.WorkspaceID, &t.ID, &t.Issuer, &t.SubjectMatch, &t.Audience, &t.Condition, &mappings, &grants,
		&defaultDuration, &maxDuration, &maxLifetime, &t.SingleUse, &t.Enabled, &t.AllowSharedAudience, &t.Description, &keySource,
		&t.CreatedBy, &t.UpdatedBy, &createdAt, &updatedAt, &t.Version, &t.Revision)
	if err != nil {
		return policy.Trust{}, err
	}
	t.DefaultDuration, t.MaxDuration, t.MaxLifetime = duration(defaultDuration), duration(maxDuration), duration(maxLifetime)
	t.CreatedAt, t.UpdatedAt = moment(createdAt), moment(updatedAt)
	return t, decodeTrust(&t, mappings, grants, keySource)
}

func decodeTrust(t *policy.Trust, mappings, grants, keySource []byte) error {
	if err := json.Unmarshal(mappings, &t.Mappings); err != nil {
		return err
	}
	if err := json.Unmarshal(grants, &t.Grants); err != nil {
		return err
	}
	t.KeySource = identity.KeySource{}
	return json.Unmarshal(keySource, &t.KeySource)
}
