package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// cutOffBody is a lasting cut-off as the API shows it.
type cutOffBody struct {
	ID        string            `json:"id" doc:"To lift it" example:"agolopj52c6lk4olb3kgm6gybq"`
	Kind      workspace.CutKind `json:"kind" doc:"token, subject or issuer" example:"token"`
	Value     string            `json:"value" doc:"jti, subject as nsc names it, or hash of the issuer" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Issuer    string            `json:"issuer,omitempty" doc:"The issuer that was named, where that is what is cut off and the record has it" example:"https://token.actions.githubusercontent.com"`
	Reason    string            `json:"reason,omitempty" doc:"For people" example:"laptop stolen"`
	CreatedBy string            `json:"created_by" doc:"Subject of who made it"`
	CreatedAt time.Time         `json:"created_at" doc:"When it was made"`
	ExpiresAt *time.Time        `json:"expires_at,omitempty" doc:"When what it forbids has ended by itself; absent: it lasts until it is lifted"`
}

func newCutOffBody(c manage.ListedCutOff) cutOffBody {
	body := cutOffBody{ID: c.ID, Kind: c.Kind, Value: c.Value, Issuer: c.Issuer, Reason: c.Reason, CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt.UTC()}
	if !c.ExpiresAt.IsZero() {
		ends := c.ExpiresAt.UTC()
		body.ExpiresAt = &ends
	}
	return body
}

func (c cutOffBody) entityTag() string { return digestOf(c) }

// cutOffRequest names what is to be cut off.
type cutOffRequest struct {
	Trust   string `json:"trust,omitempty" maxLength:"64" doc:"ID of a trust relationship: ends the tokens that rest on it, and leaves it as it is"`
	Token   string `json:"token,omitempty" maxLength:"64" doc:"jti of one token" example:"agolopkbxawbssvvgrpr6ygwb4"`
	Key     string `json:"key,omitempty" maxLength:"64" doc:"ID of a signing key: removed at once"`
	Issuer  string `json:"issuer,omitempty" maxLength:"1024" doc:"An external issuer, byte for byte as its trusts name it, alone or with the subject that it names"`
	Subject string `json:"subject,omitempty" maxLength:"1024" doc:"With issuer, as the issuer names it; alone, as nsc does"`
	Reason  string `json:"reason,omitempty" maxLength:"500" doc:"For people; goes on the record" example:"laptop stolen"`
}

type createCutOff struct {
	Call
	Creation
	Body cutOffRequest
}

// OneCutOff names a lasting cut-off.
type OneCutOff struct {
	Call
	ID string `path:"id" doc:"ID of the cut-off" example:"agolopj52c6lk4olb3kgm6gybq"`
}

type readCutOff struct {
	OneCutOff
	Reading
}

// unreachableBody counts tokens that a cut-off does not reach.
type unreachableBody struct {
	Audience string    `json:"audience" doc:"Who verifies them by himself" example:"https://api.example.com"`
	Count    int       `json:"count" doc:"How many are alive"`
	Latest   time.Time `json:"latest" doc:"When the last of them ends"`
}

// cutOffResult is what a cut-off did.
type cutOffResult struct {
	ID          string            `json:"id,omitempty" doc:"Of the lasting cut-off, to lift it; absent for a trust or a key" example:"agolopj52c6lk4olb3kgm6gybq"`
	Since       *time.Time        `json:"since,omitempty" doc:"When it was cut off, where that was before this call, which then changed nothing; its reason stays as it was"`
	Unreachable []unreachableBody `json:"unreachable" nullable:"false" doc:"Living tokens that others verify by themselves, by audience; those in which the subject, or a subject of the issuer, acts for another are among them. Those that a key signed are refused once the others fetch the key set again"`
	Incomplete  bool              `json:"incomplete,omitempty" doc:"There may be more: not all tokens were looked at, or not all could be read"`
	Trusts      []string          `json:"trusts,omitempty" nullable:"false" doc:"IDs of trust relationships that the subject, or a subject of the issuer, created or was the last to change, 100 at most: they stay, and somebody should look at them. To callers who may read them"`
	MoreTrusts  bool              `json:"more_trusts,omitempty" doc:"There are more of these"`
	Warnings    []string          `json:"warnings,omitempty" nullable:"false" doc:"What the caller should think about: that no trust relationship is in the issuer, and, to callers who may read trusts, which issuer it nearly is"`
}

// entityTag returns none: what a cut-off did is not how it is shown.
func (cutOffResult) entityTag() string { return "" }

func (c cutOffResult) place() string { return c.ID }

func (h *handler) cutOffAPI(api huma.API) {
	base := apiBase + "/{workspace}/cut-offs"
	serve(h, api, operation{
		ID: "list-cut-offs", Method: http.MethodGet, Path: base, Tag: tagCutOffs, Summary: "List lasting cut-offs",
		Description: "In the order of their IDs, without those that have ended. Needs a grant on the workspace: token, read.", Codes: []fault.Code{fault.Forbidden},
		Answer: list[cutOffBody]{Items: []cutOffBody{exampleCutOff}},
	}, h.listCutOffs)
	create(h, api, operation{
		ID: "cut-off", Method: http.MethodPost, Path: base, Tag: tagCutOffs, Summary: "Cut something off at once",
		Description: "Name one of: a trust; a token; a key; an issuer, alone or with its subject; a subject as nsc names it. Once the call has returned, " +
			"no node signs what it forbids; the answer says what it cannot reach. What is cut off already stays so, and the answer is the same, with since. Cutting off an issuer or a subject stops new exchanges too. " +
			"Needs a grant on the workspace: token (trust for a trust, key for a key), write, and everything that a trust grants.",
		Status: http.StatusCreated, Codes: []fault.Code{fault.Forbidden, fault.Conflict, fault.Stale, fault.KeyReused},
		Request: exampleCutOffRequest, Answer: exampleCutOffResult,
	}, h.cutOff)
	show(h, api, operation{
		ID: "describe-cut-off", Method: http.MethodGet, Path: base + "/{id}", Tag: tagCutOffs, Summary: "Describe a lasting cut-off",
		Description: "Needs a grant on the workspace: token, read.", Codes: []fault.Code{fault.Forbidden}, Answer: exampleCutOff,
	}, h.describeCutOff)
	respond(h, api, operation{
		ID: "lift-cut-off", Method: http.MethodDelete, Path: base + "/{id}", Tag: tagCutOffs, Summary: "Lift a lasting cut-off",
		Description: "What it forbade, and what has not ended since, is allowed again. Needs a grant on the workspace: token, admin.",
		Status:      http.StatusNoContent, Codes: []fault.Code{fault.Forbidden},
	}, h.liftCutOff)
}

func (h *handler) listCutOffs(ctx context.Context, in *listCall) (list[cutOffBody], error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return list[cutOffBody]{}, err
	}
	if err := in.check(); err != nil {
		return list[cutOffBody]{}, err
	}
	found, next, err := pageOf(in.After, in.Limit, func(c manage.ListedCutOff) string { return c.ID }, func(after string, limit int) ([]manage.ListedCutOff, error) {
		return h.Manage.ListCutOffs(ctx, caller, after, limit)
	})
	return newList(found, next, newCutOffBody), err
}

func (h *handler) describeCutOff(ctx context.Context, in *readCutOff) (cutOffBody, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return cutOffBody{}, err
	}
	found, err := h.Manage.LastingCutOff(ctx, caller, in.ID)
	return newCutOffBody(found), err
}

func (h *handler) cutOff(ctx context.Context, in *createCutOff) (cutOffResult, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return cutOffResult{}, err
	}
	service, err := h.once(in.Creation, in.Body, "cut-off", in.Workspace)
	if err != nil {
		return cutOffResult{}, err
	}
	done, err := service.CutOff(ctx, caller, manage.Target(in.Body), in.address)
	if err != nil {
		return cutOffResult{}, err
	}
	var since *time.Time
	if !done.Since.IsZero() {
		since = new(done.Since.UTC())
	}
	return cutOffResult{
		ID: done.ID, Since: since, Unreachable: newUnreachable(done.Unreachable), Incomplete: done.Incomplete, Trusts: done.Trusts, MoreTrusts: done.MoreTrusts,
		Warnings: done.Warnings,
	}, nil
}

func newUnreachable(found []manage.Unreachable) []unreachableBody {
	list := make([]unreachableBody, len(found))
	for i, u := range found {
		list[i] = unreachableBody{u.Audience, u.Count, u.Latest.UTC()}
	}
	return list
}

func (h *handler) liftCutOff(ctx context.Context, in *OneCutOff) (*nothing, error) {
	caller, err := h.caller(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	return &nothing{}, h.Manage.LiftCutOff(ctx, caller, in.ID, in.address)
}
