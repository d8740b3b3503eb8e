package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Trust returns a trust relationship of a workspace.
func (s *Store) Trust(ctx context.Context, workspaceID, id string) (policy.Trust, error) {
	if indexable(workspaceID, id) != nil {
		return policy.Trust{}, named("trust", ErrNotFound)
	}
	t, err := scanTrust(s.reader.QueryRowContext(ctx, selectTrust+`WHERE workspace_id = $1 AND id = $2`, workspaceID, id))
	return t, named("trust", s.classify(err))
}

// Trusts returns trust relationships of a workspace in the order of their IDs, after the given one.
func (s *Store) Trusts(ctx context.Context, workspaceID, after string, limit int) ([]policy.Trust, error) {
	return s.trusts(ctx, `WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3`, workspaceID, after, page(limit))
}

// TrustsByIssuer returns all trust relationships of a workspace in an issuer, in the order of their IDs.
func (s *Store) TrustsByIssuer(ctx context.Context, workspaceID, issuer string) ([]policy.Trust, error) {
	if err := storable(workspaceID, issuer); err != nil {
		return nil, named("trusts", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectTrust+`WHERE workspace_id = $1 AND issuer = $2 ORDER BY id`, workspaceID, issuer)
	list, err := all(rows, err, new(trustScanner).scan)
	return list, named("trusts", s.classify(err))
}

// TrustsTouchedBy returns, in their order, the IDs of at most limit trusts of a workspace that a subject created or was the last
// to change. A subject that ends in a slash is all those that begin with it. It has no index, which every
// change of a trust would pay for: the database goes through the workspace's trusts, and hands out what is asked for.
func (s *Store) TrustsTouchedBy(ctx context.Context, workspaceID, subject string, limit int) ([]string, error) {
	if err := storable(workspaceID, subject); err != nil {
		return nil, named("trusts", err)
	}
	where, args := `created_by = $2 OR updated_by = $2`, []any{workspaceID, subject, page(limit)}
	if strings.HasSuffix(subject, "/") { // a range would depend on how the database sorts text
		where, args = `substr(created_by, 1, $4) = $2 OR substr(updated_by, 1, $4) = $2`, append(args, utf8.RuneCountInString(subject))
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT id FROM trusts WHERE workspace_id = $1 AND (`+where+`) ORDER BY id LIMIT $3`, args...)
	list, err := all(rows, err, func(r row) (id string, err error) { return id, r.Scan(&id) })
	return list, named("trusts", s.classify(err))
}

func (s *Store) trusts(ctx context.Context, where, workspaceID, second string, more ...any) ([]policy.Trust, error) {
	if err := storable(workspaceID, second); err != nil {
		return nil, named("trusts", err)
	}
	rows, err := s.reader.QueryContext(ctx, selectTrust+where, append([]any{workspaceID, second}, more...)...)
	list, err := all(rows, err, scanTrust)
	return list, named("trusts", s.classify(err))
}

// Issuers returns the distinct issuers that the trusts of a workspace name, sorted.
func (s *Store) Issuers(ctx context.Context, workspaceID string) ([]string, error) {
	if err := storable(workspaceID); err != nil {
		return nil, named("issuers", err)
	}
	rows, err := s.reader.QueryContext(ctx,
		`SELECT DISTINCT issuer FROM trusts WHERE workspace_id = $1 ORDER BY issuer`, workspaceID)
	list, err := all(rows, err, func(r row) (issuer string, err error) { return issuer, r.Scan(&issuer) })
	return list, named("issuers", s.classify(err))
}

const selectLongestDuration = `SELECT COALESCE(MAX(max_duration), 0) FROM trusts WHERE workspace_id = $1`

// LongestDuration returns for how long tokens may live by any trust of a workspace, 0 where there is none.
func (s *Store) LongestDuration(ctx context.Context, workspaceID string) (time.Duration, error) {
	if err := storable(workspaceID); err != nil {
		return 0, named("longest duration", err)
	}
	longest, err := scanDuration(s.reader.QueryRowContext(ctx, selectLongestDuration, workspaceID))
	return longest, named("longest duration", s.classify(err))
}

func scanDuration(r row) (time.Duration, error) {
	var n int64
	err := r.Scan(&n)
	return duration(n), err
}

// Authority returns the present state of a trust, user or revocable token of a workspace, which a token may rest on. What does not exist,
// or no longer, is not enabled; that is no error.
func (s *Store) Authority(ctx context.Context, workspaceID, id string) (workspace.Authority, error) {
	if indexable(workspaceID, id) != nil {
		return workspace.Authority{}, nil
	}
	var a workspace.Authority
	err := s.reader.QueryRowContext(ctx, `SELECT version, enabled FROM trusts WHERE workspace_id = $1 AND id = $2
		UNION ALL SELECT version, 1 FROM users WHERE workspace_id = $1 AND id = $2
		UNION ALL SELECT version, 1 FROM revocable_tokens WHERE workspace_id = $1 AND id = $2`, workspaceID, id).Scan(&a.Version, &a.Enabled)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return a, named("authority", s.classify(err))
}

// CreateTrust adds a trust relationship. Where other trusts of the workspace in the same issuer have another key source,
// it is ErrKeySource; where another has its name in a manifest, ErrManaged.
func (s *Store) CreateTrust(ctx context.Context, t policy.Trust, e audit.Entry) error {
	return s.change(ctx, "create trust", []string{t.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		if err := insertTrust(ctx, tx, t); err != nil {
			return err
		}
		return keepKeys(ctx, tx, t.WorkspaceID, t.MaxDuration)
	})
}

// UpdateTrust replaces what may change of a trust: all but its IDs and its creation. It keeps the version that it is given,
// and numbers the revision itself. Other trusts in the same issuer follow to its key source, with a version and a revision
// of their own. Where the stored revision is not ifRevision, it is ErrStale; where another trust has its name in a manifest,
// ErrManaged.
func (s *Store) UpdateTrust(ctx context.Context, t policy.Trust, ifRevision int64, e audit.Entry) error {
	return s.change(ctx, "update trust", []string{t.WorkspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		stored, err := revision(ctx, tx, t.WorkspaceID, t.ID)
		switch {
		case err != nil:
			return err
		case stored != ifRevision:
			return ErrStale
		}
		t.Revision = stored + 1
		if err := replaceTrust(ctx, tx, t); err != nil {
			return err
		}
		return keepKeys(ctx, tx, t.WorkspaceID, t.MaxDuration)
	})
}

// DeleteTrust removes a trust. Where ifRevision is not 0 and not the stored revision, it is ErrStale.
func (s *Store) DeleteTrust(ctx context.Context, workspaceID, id string, ifRevision int64, e audit.Entry) error {
	return s.change(ctx, "delete trust", []string{workspaceID}, []audit.Entry{e}, func(tx *sql.Tx, _ int64) error {
		stored, err := revision(ctx, tx, workspaceID, id)
		switch {
		case err != nil:
			return err
		case ifRevision != 0 && stored != ifRevision:
			return ErrStale
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM trusts WHERE workspace_id = $1 AND id = $2`, workspaceID, id)
		return err
	})
}

// revision reads what the installation's lock keeps as it is until the transaction ends.
func revision(ctx context.Context, tx *sql.Tx, workspaceID, id string) (stored int64, err error) {
	if err := indexable(id); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT revision FROM trusts WHERE workspace_id = $1 AND id = $2`, workspaceID, id).Scan(&stored)
	return stored, err
}

func insertTrust(ctx context.Context, tx *sql.Tx, t policy.Trust) error {
	columns, err := encodeTrust(t)
	if err != nil {
		return err
	}
	if err := sameSource(ctx, tx, t, columns.keySource); err != nil {
		return err
	}
	if err := unmanaged(ctx, tx, t); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO trusts (`+trustColumns+`) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		t.WorkspaceID, t.ID, t.Issuer, t.SubjectMatch, t.Audience, t.Condition, columns.mappings, columns.grants,
		t.DefaultDuration.Microseconds(), t.MaxDuration.Microseconds(), t.MaxLifetime.Microseconds(),
		flag(t.SingleUse), flag(t.Enabled), flag(t.AllowSharedAudience), t.Description, columns.keySource,
		t.CreatedBy, t.UpdatedBy, micros(t.CreatedAt), micros(t.UpdatedAt), t.Version, t.Revision, t.ManagedBy,
		flag(t.AcceptDelegation))
	return err
}

// sameSource compares with one of the issuer's trusts: all of them have the same source, and there may be very many.
func sameSource(ctx context.Context, tx *sql.Tx, t policy.Trust, keySource string) error {
	var present string
	err := tx.QueryRowContext(ctx, `SELECT key_source FROM trusts WHERE workspace_id = $1 AND issuer = $2 LIMIT 1`,
		t.WorkspaceID, t.Issuer).Scan(&present)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err == nil && present != keySource:
		return ErrKeySource
	}
	return err
}

// unmanaged refuses a second trust that a manifest declares under one name: of two that apply it at once, one creates it.
func unmanaged(ctx context.Context, tx *sql.Tx, t policy.Trust) error {
	if t.ManagedBy == "" {
		return nil
	}
	var other string
	err := tx.QueryRowContext(ctx, `SELECT id FROM trusts WHERE workspace_id = $1 AND managed_by = $2 AND managed_by <> '' AND id <> $3`,
		t.WorkspaceID, t.ManagedBy, t.ID).Scan(&other)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err == nil:
		return ErrManaged
	}
	return err
}

func replaceTrust(ctx context.Context, tx *sql.Tx, t policy.Trust) error {
	columns, err := encodeTrust(t)
	if err != nil {
		return err
	}
	if err := unmanaged(ctx, tx, t); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE trusts SET issuer = $1, subject_match = $2, audience = $3, condition = $4, mappings = $5,
		grants = $6, default_duration = $7, max_duration = $8, max_lifetime = $9, single_use = $10, enabled = $11,
		allow_shared_audience = $12, description = $13, key_source = $14, updated_by = $15, updated_at = $16, version = $17,
		revision = $18, managed_by = $19, accept_delegation = $20 WHERE workspace_id = $21 AND id = $22`,
		t.Issuer, t.SubjectMatch, t.Audience, t.Condition, columns.mappings,
		columns.grants, t.DefaultDuration.Microseconds(), t.MaxDuration.Microseconds(), t.MaxLifetime.Microseconds(),
		flag(t.SingleUse), flag(t.Enabled), flag(t.AllowSharedAudience), t.Description, columns.keySource,
		t.UpdatedBy, micros(t.UpdatedAt), t.Version, t.Revision, t.ManagedBy,
		flag(t.AcceptDelegation), t.WorkspaceID, t.ID)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE trusts SET key_source = $1, updated_by = $2, updated_at = $3, version = version + 1,
		revision = revision + 1 WHERE workspace_id = $4 AND issuer = $5 AND key_source <> $1`,
		columns.keySource, t.UpdatedBy, micros(t.UpdatedAt), t.WorkspaceID, t.Issuer)
	return err
}
