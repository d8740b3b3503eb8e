package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
)

// use is a single use (rule 16) that an entry of a batch wants.
type use struct {
	at    int // index of the entry
	entry *audit.Entry
	token [sha256.Size]byte
}

// tokenKey returns the digest of an external token's name. A digest, because a stranger chooses how long the name is.
func tokenKey(u *audit.Use) (k [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(u.Issuer))))
	h.Write([]byte(u.Issuer))
	h.Write([]byte(u.TokenID))
	h.Sum(k[:0])
	return k
}

// consume takes the single uses of the entries that nothing speaks against so far. Those that come too late are Used.
func (b *batch) consume(ctx context.Context) error {
	first, late := b.wanted()
	err := b.store.hot.consume.each(len(first), func(stmt *sql.Stmt, from, to int) error {
		lost, err := b.insertUses(ctx, stmt, first[from:to])
		late = append(late, lost...)
		return err
	})
	if err != nil {
		return err
	}
	for _, u := range late {
		if err := b.refuse(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// wanted returns the uses that the entries want, sorted, and apart from them those that another entry of the same batch
// wanted before.
func (b *batch) wanted() (first, again []use) {
	var wanted []use
	for i, e := range b.entries {
		if e.Use != nil && b.outcomes[i].Verdict == audit.Undecided {
			wanted = append(wanted, use{i, e.Entry, tokenKey(e.Use)})
		}
	}
	slices.SortStableFunc(wanted, compareUses)
	for i, u := range wanted {
		if i > 0 && compareUses(u, wanted[i-1]) == 0 {
			again = append(again, u)
		} else {
			first = append(first, u)
		}
	}
	return first, again
}

func compareUses(a, b use) int {
	return cmp.Or(cmp.Compare(a.entry.WorkspaceID, b.entry.WorkspaceID), bytes.Compare(a.token[:], b.token[:]))
}

// insertUses returns those that exist already.
func (b *batch) insertUses(ctx context.Context, stmt *sql.Stmt, uses []use) ([]use, error) {
	args := make([]any, 0, 6*len(uses))
	for _, u := range uses {
		args = append(args, u.entry.WorkspaceID, u.token[:], micros(u.entry.Time), micros(u.entry.Use.ExpiresAt),
			blob(u.entry.Use.RetryKey), blob(u.entry.Use.Payload))
	}
	rows, err := b.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	won, err := all(rows, err, func(r row) (token []byte, err error) { return token, r.Scan(&token) })
	if err != nil || len(won) == len(uses) {
		return nil, err
	}
	lost := slices.DeleteFunc(slices.Clone(uses), func(u use) bool {
		return slices.ContainsFunc(won, func(token []byte) bool { return bytes.Equal(token, u.token[:]) })
	})
	return lost, nil
}

// refuse reports how the first use was recorded. It may be gone again, when it had expired.
func (b *batch) refuse(ctx context.Context, u use) error {
	outcome := audit.Outcome{Verdict: audit.Used}
	var usedAt int64
	err := b.tx.StmtContext(ctx, b.store.hot.firstUse).QueryRowContext(ctx, u.entry.WorkspaceID, u.token[:]).
		Scan(&outcome.FirstRetryKey, &outcome.FirstPayload, &usedAt)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	outcome.FirstAt = moment(usedAt)
	if len(outcome.FirstRetryKey) == 0 {
		outcome.FirstRetryKey = nil
	}
	b.outcomes[u.at] = outcome
	return nil
}

// SweepUses removes, of all workspaces, at most limit single uses whose tokens have expired, and returns their number.
func (s *Store) SweepUses(ctx context.Context, now time.Time, limit int) (int, error) {
	var swept int64
	err := s.write(ctx, "sweep uses", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM uses WHERE (workspace_id, token) IN (
			SELECT workspace_id, token FROM uses WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, micros(now), page(limit))
		if err == nil {
			swept, err = result.RowsAffected()
		}
		return err
	})
	return int(swept), err
}
