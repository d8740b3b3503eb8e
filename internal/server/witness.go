package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
)

// witnessedLogs is what publishing to a witness needs of the store.
type witnessedLogs interface {
	LogHead(ctx context.Context, workspaceID string) (audit.LogHead, error)
	// LogHashes returns hashes by tlog's index of stored hashes.
	LogHashes(ctx context.Context, workspaceID string, indexes []int64) ([]tlog.Hash, error)
	Cosignatures(ctx context.Context, workspaceID string) ([]audit.Cosignature, error)
	KeepCosignature(ctx context.Context, c audit.Cosignature) error
}

// witness is somebody who looks whether a log only grows, and signs that it does (C2SP tlog-witness). It is shown a proof
// from what it has seen before to the newest checkpoint. Nothing that it answers is believed but a cosignature by the
// key that the configuration names.
type witness struct {
	Publication
	key    evidence.WitnessKey
	client *http.Client
	logs   witnessedLogs
}

// Kind says that it is a witness.
func (witness) Kind() string { return "witness" }

// Name is its key's.
func (w witness) Name() string { return w.String() }

// Publish has the checkpoint cosigned, and returns once the cosignature is kept.
func (w witness) Publish(ctx context.Context, h audit.LogHead) error {
	old, err := w.has(ctx, h.WorkspaceID)
	if err != nil || old >= h.SignedSize { // another node was there
		return err
	}
	a, err := w.submit(ctx, h, old)
	if err == nil && a.status == http.StatusConflict {
		h, a, err = w.again(ctx, h, old, a)
	}
	if err != nil {
		return err
	}
	return w.keep(ctx, h, a)
}

// has returns the size of the log that the witness has cosigned last, as far as we know.
func (w witness) has(ctx context.Context, workspaceID string) (int64, error) {
	list, err := w.logs.Cosignatures(ctx, workspaceID)
	for _, c := range list {
		if c.Witness == w.key.ID() {
			return c.Size, err
		}
	}
	return 0, err
}

// again tries from the size that the witness says it has. A log that is shorter than that lost events that the witness
// vouches for; our own may be newer than the checkpoint at hand, where another node was faster.
func (w witness) again(ctx context.Context, h audit.LogHead, told int64, a answer) (audit.LogHead, answer, error) {
	size, err := evidence.ParseWitnessSize(a.body)
	if err != nil || size == told {
		return h, a, declined(audit.BadAnswer, "it answered 409 without another size of the log than the one that it was told")
	}
	if size > h.SignedSize {
		if h, err = w.logs.LogHead(ctx, h.WorkspaceID); err != nil {
			return h, a, err
		}
	}
	if size > h.SignedSize {
		return h, a, declined(audit.RolledBack, "it says that it has vouched for %d events of a log that has %d: the log was rolled back, "+
			"as by a backup that was restored", size, h.SignedSize)
	}
	if a, err = w.submit(ctx, h, size); err != nil || a.status != http.StatusConflict {
		return h, a, err
	}
	if size == h.SignedSize {
		return h, a, declined(audit.Inconsistent, "it has vouched for other events, %d as well: the log was rewritten", size)
	}
	return h, a, declined(audit.BadAnswer, "it answered 409 to the size that it had named itself")
}

// answer is what a witness says.
type answer struct {
	status int
	body   []byte
}

func (w witness) submit(ctx context.Context, h audit.LogHead, old int64) (answer, error) {
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return w.logs.LogHashes(ctx, h.WorkspaceID, indexes) })
	body, err := evidence.WitnessRequest(old, h.SignedSize, h.Checkpoint, hashes)
	if err != nil {
		return answer{}, fmt.Errorf("the proof for the witness: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(w.Witness, "/")+"/add-checkpoint", strings.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the witness's URL cannot be used")
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	request.Header.Set("User-Agent", "nsc")
	response, err := w.client.Do(request)
	if err != nil {
		return answer{}, &audit.Declined{Class: audit.Unreachable, Err: withoutURL(err)}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, largestReply+1))
	if err != nil {
		return answer{}, &audit.Declined{Class: audit.Unreachable, Err: err}
	}
	if len(text) > largestReply {
		return answer{}, declined(audit.BadAnswer, "its answer has more than %d bytes", largestReply)
	}
	return answer{response.StatusCode, text}, nil
}

// keep keeps the cosignature of an answer that has one.
func (w witness) keep(ctx context.Context, h audit.LogHead, a answer) error {
	if a.status != http.StatusOK {
		return meaning(a.status)
	}
	line, _, err := w.key.Cosignature(h.Checkpoint, a.body)
	if err != nil {
		return &audit.Declined{Class: audit.BadAnswer, Err: err}
	}
	return w.logs.KeepCosignature(ctx, audit.Cosignature{
		WorkspaceID: h.WorkspaceID, Witness: w.key.ID(), Size: h.SignedSize, Checkpoint: h.Checkpoint, Line: line,
	})
}

// meaning says what a status means (C2SP tlog-witness, add-checkpoint).
func meaning(status int) error {
	switch status {
	case http.StatusNotFound:
		return declined(audit.UnknownLog, "404: it does not know this log, or is not at this URL; its operator enters the log's origin and key (nsc audit key)")
	case http.StatusForbidden:
		return declined(audit.UnknownKey, "403: it knows the log by another key; its operator enters the one of nsc audit key")
	case http.StatusUnprocessableEntity:
		return declined(audit.Inconsistent, "422: it says that the log does not extend what it vouched for: the log was rewritten")
	case http.StatusTooManyRequests:
		return declined(audit.Unavailable, "429: it was asked too often")
	}
	switch {
	case status >= http.StatusInternalServerError:
		return declined(audit.Unavailable, "it answered %d", status)
	case status >= http.StatusBadRequest:
		return declined(audit.BadRequest, "it answered %d, as to something that is no checkpoint", status)
	}
	return declined(audit.BadAnswer, "it answered %d, which is no answer of a witness", status)
}

func declined(class audit.Class, format string, args ...any) error {
	return &audit.Declined{Class: class, Err: fmt.Errorf(format, args...)}
}
