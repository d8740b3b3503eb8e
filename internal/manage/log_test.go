package manage

import (
	"context"
	"slices"
	"testing"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// witnessedLog is a log that witnesses cosigned.
type witnessedLog struct {
	LogStore
	checkpoint string // the newest
	list       []audit.Cosignature
}

func (l witnessedLog) LogHead(context.Context, string) (audit.LogHead, error) {
	return audit.LogHead{Checkpoint: l.checkpoint}, nil
}

func (l witnessedLog) Cosignatures(context.Context, string) ([]audit.Cosignature, error) {
	return l.list, nil
}

func TestACheckpointIsShownWithItsCosignatures(t *testing.T) {
	const older, newer = "origin\n1\nroot\n\n— origin a\n", "origin\n12\nroot\n\n— origin b\n"
	on := func(checkpoint, line string) audit.Cosignature {
		return audit.Cosignature{Checkpoint: checkpoint, Line: line}
	}
	for name, x := range map[string]struct {
		list     []audit.Cosignature
		cosigned []string
		newest   string
	}{
		"none":       {nil, nil, newer},
		"the newest": {[]audit.Cosignature{on(newer, "— w1 x\n")}, []string{newer + "— w1 x\n"}, newer + "— w1 x\n"},
		"two on one": {[]audit.Cosignature{on(newer, "— w1 x\n"), on(newer, "— w2 y\n")}, []string{newer + "— w1 x\n— w2 y\n"}, newer + "— w1 x\n— w2 y\n"},
		"two on two": {[]audit.Cosignature{on(newer, "— w1 x\n"), on(older, "— w2 y\n")}, []string{newer + "— w1 x\n", older + "— w2 y\n"}, newer + "— w1 x\n"},
		"an older":   {[]audit.Cosignature{on(older, "— w1 x\n")}, []string{older + "— w1 x\n"}, newer},
	} {
		s := New(Config{Logs: witnessedLog{checkpoint: newer, list: x.list}})
		got, err := s.cosigned(t.Context(), "id")
		if err != nil || !slices.Equal(got, x.cosigned) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if got, err := s.Checkpoint(t.Context(), "id"); err != nil || got != x.newest {
			t.Errorf("%s: the newest is %q, %v", name, got, err)
		}
		got1, err := s.CosignedCheckpoint(t.Context(), "id")
		if len(x.cosigned) == 0 && !fault.Is(err, fault.NotFound) || len(x.cosigned) > 0 && (err != nil || got1 != x.cosigned[0]) {
			t.Errorf("%s: the newest cosigned one is %q, %v", name, got1, err)
		}
	}
}
