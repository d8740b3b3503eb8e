package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// logBody is where a workspace's log stands.
type logBody struct {
	Origin      string   `json:"origin" doc:"The log's name: the issuer without its scheme" example:"nsc.example.com/w/acme"`
	VerifierKey string   `json:"verifier_key" doc:"What its checkpoints are verified with (C2SP signed-note)"`
	Size        int64    `json:"size" doc:"How many events it has" example:"42"`
	SignedSize  int64    `json:"signed_size" doc:"How many of them the checkpoint covers" example:"42"`
	Checkpoint  string   `json:"checkpoint,omitempty" doc:"The newest one (C2SP tlog-checkpoint); absent before the first"`
	Cosigned    []string `json:"cosigned,omitempty" nullable:"false" doc:"The newest ones that witnesses vouch for, with their signatures (C2SP tlog-cosignature)"`
}

// logEntryBody is an event in the log.
type logEntryBody struct {
	Index  int64  `json:"index" doc:"Its place, from 0 on" example:"41"`
	ID     string `json:"id" doc:"Of the event" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Leaf   []byte `json:"leaf" doc:"Its leaf hash"`
	Erased bool   `json:"erased,omitempty" doc:"The leaf is all that is left"`
	Salt   []byte `json:"salt,omitempty" doc:"What the leaf was made of, before the event"`
	Event  string `json:"event,omitempty" doc:"Its canonical encoding, to the byte"`
}

// logEntriesBody is a part of the log.
type logEntriesBody struct {
	Items []logEntryBody `json:"items" nullable:"false" doc:"Events in the log's order; none past its end"`
}

// frontierBody is what the rest of a tree can be made from.
type frontierBody struct {
	Hashes [][]byte `json:"hashes" nullable:"false" doc:"Roots of the complete subtrees, from left to right"`
}

type describeLog struct{ Call }

type readLog struct {
	Call
	From  int64 `query:"from" minimum:"0" default:"0" doc:"Index of the first event"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"How many events at most"`
}

type logFrontier struct {
	Call
	Size int64 `query:"size" minimum:"0" default:"0" doc:"How many events come before"`
}

var exampleLog = logBody{
	Origin: "nsc.example.com/w/acme", VerifierKey: "nsc.example.com/w/acme+6b1d7a3c+AdpQ3m1cYwHzJ0lXrVx1c0Yx9C3s8gk2dZr5vCw6p1mE", Size: 42, SignedSize: 42,
	Checkpoint: exampleCheckpoint, Cosigned: []string{exampleCheckpoint + "— witness.example.com o9Ww3AA…\n"},
}

const exampleCheckpoint = "nsc.example.com/w/acme\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— nsc.example.com/w/acme ax16PAA…\n"

func (h *handler) logAPI(api huma.API) {
	base := apiBase + "/{workspace}/log"
	serve(h, api, operation{
		ID: "describe-log", Method: http.MethodGet, Path: base, Tag: tagRecord, Summary: "Show where the Merkle log stands",
		Description: "With its newest checkpoint, and those that witnesses cosigned. Needs a grant on the workspace: record, read.", Codes: []fault.Code{fault.Forbidden}, Answer: exampleLog,
	}, h.describeLog)
	serve(h, api, operation{
		ID: "read-log", Method: http.MethodGet, Path: base + "/entries", Tag: tagRecord, Summary: "Read the Merkle log",
		Description: "Events in the log's order, erased ones among them, with what their leaves are made of. A page also ends where its events have a megabyte together; an empty one is the end. Needs a grant on the workspace: record, read.",
		Codes:       []fault.Code{fault.Forbidden},
		Answer: logEntriesBody{[]logEntryBody{{
			Index: 41, ID: exampleTokenID, Leaf: make([]byte, 32), Salt: make([]byte, 16), Event: `{"v":1,"id":"` + exampleTokenID + `"}`,
		}}},
	}, h.readLog)
	serve(h, api, operation{
		ID: "read-log-frontier", Method: http.MethodGet, Path: base + "/frontier", Tag: tagRecord, Summary: "Show what came before in the tree",
		Description: "The hashes from which, with the events after them, the root of the tree can be made. Needs a grant on the workspace: record, read.",
		Codes:       []fault.Code{fault.Forbidden}, Answer: frontierBody{[][]byte{make([]byte, 32)}},
	}, h.logFrontier)
}

func (h *handler) describeLog(ctx context.Context, in *describeLog) (logBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return logBody{}, err
	}
	l, err := h.Manage.Log(ctx, caller)
	return logBody{l.Origin, l.VerifierKey, l.Size, l.SignedSize, l.Checkpoint, l.Cosigned}, err
}

func (h *handler) readLog(ctx context.Context, in *readLog) (logEntriesBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return logEntriesBody{}, err
	}
	found, err := h.Manage.LogEntries(ctx, caller, in.From, in.Limit)
	body := logEntriesBody{make([]logEntryBody, len(found))}
	for i, e := range found {
		body.Items[i] = newLogEntryBody(e)
	}
	return body, err
}

func newLogEntryBody(e audit.Logged) logEntryBody {
	body := logEntryBody{Index: e.Index, ID: e.ID, Leaf: e.Leaf[:], Erased: e.Erased()}
	if !body.Erased {
		body.Salt, body.Event = e.Entry.Salt[:], string(e.Entry.Body)
	}
	return body
}

func (h *handler) logFrontier(ctx context.Context, in *logFrontier) (frontierBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return frontierBody{}, err
	}
	hashes, err := h.Manage.LogFrontier(ctx, caller, in.Size)
	body := frontierBody{make([][]byte, len(hashes))}
	for i := range hashes {
		body.Hashes[i] = hashes[i][:]
	}
	return body, err
}

// checkpoint answers a workspace's newest checkpoint, or the newest that a witness vouches for (cosigned=true). That the
// workspace exists is public, what is on its record is not (rule 7): how fast a log grows is shown to those who may read
// it, unless the operator has said that anybody may see.
func (h *handler) checkpoint(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := h.snapshot(r)
	if err != nil {
		return err
	}
	if !h.PublicCheckpoints {
		caller, err := h.caller(r.Context(), Call{Workspace: snapshot.Name, Authorization: r.Header.Get("Authorization")})
		if err == nil {
			err = h.Manage.ReadsRecord(caller)
		}
		if err != nil {
			return err
		}
	}
	find := h.Manage.Checkpoint
	if r.URL.Query().Get("cosigned") == "true" {
		find = h.Manage.CosignedCheckpoint
	}
	note, err := find(r.Context(), snapshot.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(note)) // the client went away
	return nil
}
