package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/rehearse"
)

// replayRequest is a change of trusts that nobody has made, and the period to try it on.
type replayRequest struct {
	Since  string         `json:"since" maxLength:"64" doc:"RFC 3339; exchanges at or after it" example:"2026-03-04T05:06:07Z"`
	Until  string         `json:"until,omitempty" maxLength:"64" doc:"RFC 3339; exchanges before it; absent: now"`
	Add    []trustChange  `json:"add,omitempty" maxItems:"50" nullable:"false" doc:"Trusts that would be added"`
	Update []replayUpdate `json:"update,omitempty" maxItems:"50" nullable:"false" doc:"Trusts that would be changed"`
	Remove []string       `json:"remove,omitempty" maxItems:"50" nullable:"false" doc:"IDs of trusts that would be removed"`
}

// replayUpdate is a change of one trust.
type replayUpdate struct {
	ID     string      `json:"id" maxLength:"26" doc:"The trust" example:"agolopjwaadyxgvd2c2vcu4hie"`
	Change trustChange `json:"change" doc:"What would change; what is left out stays"`
}

// replayBody is what a proposal would have made of the exchanges of a period.
type replayBody struct {
	Exchanges  int         `json:"exchanges" doc:"Exchanges of other issuers' tokens in the period, granted or refused"`
	Derived    int         `json:"derived" doc:"Requests with tokens of the workspace itself, which follow what they rest on and are not replayed"`
	Unchanged  int         `json:"unchanged" doc:"Exchanges that the change makes no difference to"`
	Parties    []partyBody `json:"parties" nullable:"false" doc:"For whom it makes a difference, or the record cannot say"`
	Incomplete bool        `json:"incomplete,omitempty" doc:"There were more exchanges or parties than one replay tells: choose a shorter period"`
}

// partyBody is somebody for whom a change makes the same difference in some exchanges.
type partyBody struct {
	Verdict   string    `json:"verdict" enum:"let_in,shut_out,narrowed,cannot_tell" doc:"let_in: was refused and would be admitted; shut_out: was admitted and would be refused; narrowed: would be admitted with fewer grants; cannot_tell: the record does not hold what decides it"`
	Issuer    string    `json:"issuer" doc:"Issuer of the tokens"`
	Subject   string    `json:"subject" doc:"Their sub"`
	Audience  string    `json:"audience,omitempty" doc:"Of what was issued or asked for"`
	Because   string    `json:"because,omitempty" doc:"Why" example:"trust agolopjwaadyxgvd2c2vcu4hie is disabled"`
	Exchanges int       `json:"exchanges" doc:"How many exchanges it is about"`
	Last      time.Time `json:"last" doc:"When the last of them was"`
}

var (
	exampleReplayRequest = replayRequest{
		Since: exampleTime.Format(time.RFC3339), Update: []replayUpdate{{exampleTrust.ID, trustChange{Enabled: new(false)}}},
	}
	exampleReplay = replayBody{Exchanges: 42, Derived: 3, Unchanged: 41, Parties: []partyBody{{
		Verdict: string(policy.ShutOut), Issuer: exampleIssuer, Subject: exampleJob, Audience: exampleAudience,
		Because: "trust " + exampleTrust.ID + " is disabled", Exchanges: 1, Last: exampleTime,
	}}}
)

type replayCall struct {
	Call
	Body replayRequest
}

func (h *handler) replayAPI(api huma.API) {
	serve(h, api, operation{
		ID: "replay-exchanges", Method: http.MethodPost, Path: apiBase + "/{workspace}/trust-relationships/replay", Tag: tagTrusts,
		Summary: "Replay exchanges against a change",
		Description: "Whom a change of trusts would let in and whom it would shut out, by the exchanges of a period; nothing is changed. Refusals are decided " +
			"again by their claims where those were kept. Of what was granted the record holds the subject and the trusts, not the claims: what does not follow " +
			"from those is cannot_tell, never guessed. Needs a grant on the workspace: trust, read, and record, read.",
		Codes: []fault.Code{fault.Forbidden}, Request: exampleReplayRequest, Answer: exampleReplay,
	}, h.replay)
}

func (h *handler) replay(ctx context.Context, in *replayCall) (replayBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return replayBody{}, err
	}
	p, err := in.Body.proposal()
	if err != nil {
		return replayBody{}, err
	}
	r, err := h.Rehearse.Replay(ctx, caller, p)
	if err != nil {
		return replayBody{}, err
	}
	b := replayBody{r.Exchanges, r.Derived, r.Unchanged, make([]partyBody, len(r.Parties)), r.Incomplete}
	for i, party := range r.Parties {
		b.Parties[i] = partyBody{
			string(party.Verdict), party.Issuer, party.Subject, party.Target, party.Because, party.Exchanges, party.Last.UTC(),
		}
	}
	return b, nil
}

func (r replayRequest) proposal() (p rehearse.Proposal, err error) {
	if p.Since, err = instant("since", r.Since); err != nil {
		return p, err
	}
	if p.Until, err = instant("until", r.Until); err != nil {
		return p, err
	}
	if p.Since.IsZero() {
		return p, fault.Invalid("since", "is missing; say from when on")
	}
	if len(r.Add)+len(r.Update)+len(r.Remove) == 0 {
		return p, fault.Invalid("update", "says nothing, nor do add and remove; say what would change")
	}
	for i, change := range r.Add {
		t := policy.Trust{Enabled: true}
		if err := change.apply(&t); err != nil {
			return p, fault.Below(fmt.Sprintf("add[%d]", i), err)
		}
		p.Add = append(p.Add, t)
	}
	for _, u := range r.Update {
		p.Update = append(p.Update, rehearse.Update{ID: u.ID, Change: u.Change.apply})
	}
	p.Remove = r.Remove
	return p, nil
}
