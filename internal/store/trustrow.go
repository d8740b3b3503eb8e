package store

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/nsc-federation/nsc/internal/policy"
)

const (
	trustColumns = `workspace_id, id, issuer, subject_match, audience, condition, mappings, grants,
	default_duration, max_duration, max_lifetime, single_use, enabled, allow_shared_audience, description, key_source,
	created_by, updated_by, created_at, updated_at, version, revision, managed_by, accept_delegation`
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
	texts := []string{t.SubjectMatch, t.Audience, t.Condition, t.Description, t.ManagedBy, t.CreatedBy, t.UpdatedBy,
		string(t.KeySource.Kind), t.KeySource.URL, t.KeySource.CA, t.KeySource.JWKS}
	for name, expression := range t.Mappings {
		texts = append(texts, name, expression)
	}
	for _, g := range t.Grants {
		texts = append(append(texts, g.ResourceType, g.ResourceID), g.Actions...)
	}
	return storable(texts...)
}

func scanTrust(r row) (policy.Trust, error) { return new(trustScanner).scan(r) }

// trustScanner reads trusts. Those of one issuer say much the same: what is written as in the row before is not decoded
// again, and takes no memory of its own.
type trustScanner struct {
	mappings, grants, keySource []byte // of the row before
	last                        policy.Trust
}

func (s *trustScanner) scan(r row) (t policy.Trust, err error) {
	var mappings, grants, keySource []byte
	var defaultDuration, maxDuration, maxLifetime, createdAt, updatedAt int64
	err = r.Scan(&t.WorkspaceID, &t.ID, &t.Issuer, &t.SubjectMatch, &t.Audience, &t.Condition, &mappings, &grants,
		&defaultDuration, &maxDuration, &maxLifetime, &t.SingleUse, &t.Enabled, &t.AllowSharedAudience, &t.Description, &keySource,
		&t.CreatedBy, &t.UpdatedBy, &createdAt, &updatedAt, &t.Version, &t.Revision, &t.ManagedBy,
		&t.AcceptDelegation)
	if err != nil {
		return policy.Trust{}, err
	}
	t.DefaultDuration, t.MaxDuration, t.MaxLifetime = duration(defaultDuration), duration(maxDuration), duration(maxLifetime)
	t.CreatedAt, t.UpdatedAt = moment(createdAt), moment(updatedAt)
	t.WorkspaceID, t.Issuer = again(s.last.WorkspaceID, t.WorkspaceID), again(s.last.Issuer, t.Issuer)
	t.CreatedBy, t.UpdatedBy = again(s.last.CreatedBy, t.CreatedBy), again(s.last.UpdatedBy, t.UpdatedBy)
	err = errors.Join(
		decodeAgain(s.mappings, mappings, s.last.Mappings, &t.Mappings),
		decodeAgain(s.grants, grants, s.last.Grants, &t.Grants),
		decodeAgain(s.keySource, keySource, s.last.KeySource, &t.KeySource),
	)
	if err != nil {
		return policy.Trust{}, err
	}
	s.mappings, s.grants, s.keySource, s.last = mappings, grants, keySource, t
	return t, nil
}

// again returns the text of the row before where it is the same.
func again(last, text string) string {
	if text == last {
		return last
	}
	return text
}

// decodeAgain decodes a column, or takes what that of the row before was decoded to.
func decodeAgain[T any](last, text []byte, decoded T, to *T) error {
	if last != nil && bytes.Equal(last, text) {
		*to = decoded
		return nil
	}
	return json.Unmarshal(text, to)
}
