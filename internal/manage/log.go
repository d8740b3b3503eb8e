package manage

import (
	"context"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
)

// LogStore reads the Merkle logs.
type LogStore interface {
	LogHead(ctx context.Context, workspaceID string) (audit.LogHead, error)
	LogEntries(ctx context.Context, workspaceID string, from int64, limit, bytes int) ([]audit.Logged, error)
	// LogHashes returns hashes by tlog's index of stored hashes.
	LogHashes(ctx context.Context, workspaceID string, indexes []int64) ([]tlog.Hash, error)
	// Cosignatures returns the newest of each witness, that of the longest log first.
	Cosignatures(ctx context.Context, workspaceID string) ([]audit.Cosignature, error)
}

// LogKeys says what checkpoints are verified with.
type LogKeys interface {
	VerifierKey(ctx context.Context, workspaceID, origin string) (string, error)
}

// Log is where a workspace's log stands, and what its checkpoints are verified with.
type Log struct {
	audit.LogHead
	Origin      string
	VerifierKey string
	Cosigned    []string // the newest checkpoint of each witness, longest first, with the cosignatures that it has
}

// Log returns where the log of the caller's workspace stands.
func (s *Service) Log(ctx context.Context, caller identity.Identity) (Log, error) {
	if err := allow(caller, recordNoun, "read"); err != nil {
		return Log{}, err
	}
	l := Log{Origin: evidence.Origin(caller.Tenant().Issuer)}
	var err error
	if l.VerifierKey, err = s.c.LogKeys.VerifierKey(ctx, caller.Tenant().ID, l.Origin); err != nil {
		return Log{}, err
	}
	if l.Cosigned, err = s.cosigned(ctx, caller.Tenant().ID); err != nil {
		return Log{}, err
	}
	// The head is read after them, so that it is never the shorter one.
	l.LogHead, err = s.c.Logs.LogHead(ctx, caller.Tenant().ID)
	if fault.Is(err, fault.NotFound) { // no event has come out of the queue yet
		l.LogHead, err = audit.LogHead{WorkspaceID: caller.Tenant().ID, Workspace: caller.Tenant().Name}, nil
	}
	return l, err
}

// LogEntries returns events of the log of the caller's workspace in its order, those that were erased among them: fewer than
// the limit where they are large, and none past the end.
func (s *Service) LogEntries(ctx context.Context, caller identity.Identity, from int64, limit int) ([]audit.Logged, error) {
	if err := allow(caller, recordNoun, "read"); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxEvents {
		limit = MaxEvents
	}
	return s.c.Logs.LogEntries(ctx, caller.Tenant().ID, from, limit, maxEventBytes)
}

// LogFrontier returns the roots of the complete subtrees that the first events of the log fall into, from which the
// rest of the tree can be made.
func (s *Service) LogFrontier(ctx context.Context, caller identity.Identity, size int64) ([]tlog.Hash, error) {
	if err := allow(caller, recordNoun, "read"); err != nil {
		return nil, err
	}
	head, err := s.Log(ctx, caller)
	if err != nil {
		return nil, err
	}
	if size > head.Size {
		return nil, invalid("size", "is more than the log has events")
	}
	return s.c.Logs.LogHashes(ctx, caller.Tenant().ID, evidence.FrontierIndexes(size))
}

// cosigned returns the checkpoints that witnesses vouch for, each once with all of its cosignatures.
func (s *Service) cosigned(ctx context.Context, workspaceID string) (notes []string, err error) {
	list, err := s.c.Logs.Cosignatures(ctx, workspaceID)
	last := ""
	for _, c := range list {
		if c.Checkpoint != last {
			notes, last = append(notes, c.Checkpoint), c.Checkpoint
		}
		notes[len(notes)-1] += c.Line
	}
	return notes, err
}

// Checkpoint returns the newest checkpoint of a workspace's log, with what cosignatures it has. The caller has been
// checked, or checkpoints are public.
func (s *Service) Checkpoint(ctx context.Context, workspaceID string) (string, error) {
	head, err := s.c.Logs.LogHead(ctx, workspaceID)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return "", err
	case head.Checkpoint == "":
		f := fault.Newf(fault.NotFound, "workspace %s has no checkpoint", workspaceID)
		f.Detail = "the log has no checkpoint yet; it gets one within seconds of its first event"
		return "", f
	}
	notes, err := s.cosigned(ctx, workspaceID)
	for _, n := range notes {
		if strings.HasPrefix(n, head.Checkpoint) {
			return n, err
		}
	}
	return head.Checkpoint, err
}

// CosignedCheckpoint returns the newest checkpoint that a witness vouches for. The caller has been checked, or checkpoints
// are public.
func (s *Service) CosignedCheckpoint(ctx context.Context, workspaceID string) (string, error) {
	notes, err := s.cosigned(ctx, workspaceID)
	if err == nil && len(notes) == 0 {
		f := fault.Newf(fault.NotFound, "workspace %s has no cosigned checkpoint", workspaceID)
		f.Detail = "no witness has cosigned a checkpoint of the log yet"
		err = f
	}
	if err != nil {
		return "", err
	}
	return notes[0], nil
}

// ReadsRecord refuses a caller who may not read the record.
func (s *Service) ReadsRecord(caller identity.Identity) error {
	return allow(caller, recordNoun, "read")
}
