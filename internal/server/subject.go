package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
)

// What may be done about the personal data of a subject.
const (
	FindSubject   = "find"
	ExportSubject = "export"
	EraseSubject  = "erase"
)

// SubjectRequest asks for what is on the record of one subject of a workspace.
type SubjectRequest struct {
	Action  string `json:"action"`
	Subject string `json:"subject"` // as nsc names it: workspace/<ID>/…
}

// SubjectResult says how much there is, or was.
type SubjectResult struct {
	Workspace string         `json:"workspace"`
	Subject   string         `json:"subject"`
	Events    int            `json:"events"`
	Kinds     map[string]int `json:"kinds,omitempty"`
	Refusals  int            `json:"refusals"` // that are kept to be explained
	First     *time.Time     `json:"first,omitempty"`
	Last      *time.Time     `json:"last,omitempty"`
	Erased    bool           `json:"erased"`
}

// Subject finds, exports or erases what the record says of a subject, through the administration socket of the running
// server, or on the database where none runs (rule 37). An export is written event by event, a line of JSON each.
func Subject(ctx context.Context, c Config, req SubjectRequest, events io.Writer) (SubjectResult, error) {
	var result SubjectResult
	err := callAdmin(ctx, c, "/admin/subject", req, func(answer io.Reader) error { return readSubject(answer, events, &result) })
	if !noServer(err) {
		return result, err
	}
	err = offline(ctx, c, false, func(p *parts) error {
		result, err = p.subject(ctx, req, func(e audit.Event) error { return json.NewEncoder(events).Encode(e) })
		return err
	})
	return result, err
}

// subjectLine is one line of the socket's answer: an event, or the result at the end.
type subjectLine struct {
	Event  *audit.Event   `json:"event,omitempty"`
	Result *SubjectResult `json:"result,omitempty"`
	Error  string         `json:"error,omitempty"`
}

func readSubject(answer io.Reader, events io.Writer, result *SubjectResult) error {
	lines := json.NewDecoder(answer)
	for {
		var line subjectLine
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("administration socket: the answer is not whole: %w", err)
		}
		switch {
		case line.Error != "":
			return errors.New(line.Error)
		case line.Result != nil:
			*result = *line.Result
			return nil
		case line.Event != nil:
			if err := json.NewEncoder(events).Encode(line.Event); err != nil {
				return err
			}
		}
	}
}

// subject does what is asked. What waits in the record's queue is unpacked first, so that nothing is overlooked.
func (p *parts) subject(ctx context.Context, req SubjectRequest, each func(audit.Event) error) (SubjectResult, error) {
	result := SubjectResult{Subject: req.Subject, Kinds: map[string]int{}}
	parts := strings.SplitN(req.Subject, "/", 3)
	if len(parts) != 3 || parts[0] != "workspace" {
		return result, fmt.Errorf("%q is no subject: they begin with workspace/ID/, as nsc auth whoami and nsc audit search show them", req.Subject)
	}
	tenant, err := p.store.WorkspaceByID(ctx, parts[1])
	if errors.Is(err, store.ErrNotFound) {
		return result, errors.New("there is no workspace " + parts[1])
	}
	if err == nil {
		err = unpack(ctx, p.store)
	}
	if err != nil {
		return result, err
	}
	result.Workspace = tenant.Name
	count := func(e audit.Entry) error {
		event := audit.EventOf(e)
		if !event.Concerns(req.Subject) {
			return nil
		}
		result.add(event)
		if req.Action == ExportSubject {
			return each(event)
		}
		return nil
	}
	if err := p.store.EachEvent(ctx, tenant.ID, count); err != nil {
		return result, err
	}
	kept, err := p.store.RefusalsWhere(ctx, tenant.ID, func(r refusal.Refusal) bool { return r.Concerns(req.Subject) })
	result.Refusals = len(kept)
	if err == nil && req.Action == EraseSubject {
		err = p.store.DeleteRefusals(ctx, kept)
	}
	if err != nil || req.Action != EraseSubject {
		return result, err
	}
	result.Erased = true
	result.Events, err = p.store.EraseOf(ctx, tenant.ID, func(e audit.Entry) bool { return audit.EventOf(e).Concerns(req.Subject) },
		func(erased int) audit.Entry {
			e := installationEvent(audit.SubjectErased, tenant.ID)
			e.Details = map[string]string{"events": strconv.Itoa(erased)} // whose, is what was to be forgotten
			return p.recorder.Entry(e)
		})
	return result, err
}

func (r *SubjectResult) add(e audit.Event) {
	r.Events++
	r.Kinds[string(e.Kind)]++
	if r.First == nil || e.Time.Before(*r.First) {
		r.First = &e.Time
	}
	if r.Last == nil || e.Time.After(*r.Last) {
		r.Last = &e.Time
	}
}
