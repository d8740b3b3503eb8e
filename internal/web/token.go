package web

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/sts"
)

// Grant and token types of RFC 8693 and RFC 7523.
const (
	grantExchange  = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	typeAccess     = "urn:ietf:params:oauth:token-type:access_token"
	typeID         = "urn:ietf:params:oauth:token-type:id_token"
	typeJWT        = "urn:ietf:params:oauth:token-type:jwt"
)

const (
	retryHeader = "Idempotency-Key"
	minRetryKey = 22 // characters of an Idempotency-Key: 128 bits in base64
	maxRetryKey = 256
	maxScopes   = 64
)

type tokenAnswer struct {
	AccessToken string   `json:"access_token"` // RFC 8693 §2.2.1: this name for every type of token
	Issued      string   `json:"issued_token_type"`
	Type        string   `json:"token_type"`
	ExpiresIn   int64    `json:"expires_in"`
	Details     []detail `json:"authorization_details,omitempty"`
	Workspace   string   `json:"workspace"`
	WorkspaceID string   `json:"workspace_id"`
}

// token serves the token endpoint of a workspace, or of the installation (rule 6): RFC 8693 and RFC 7523. The subject
// token is the credential.
func (h *handler) token(w http.ResponseWriter, r *http.Request) error {
	err := h.exchange(w, r)
	if err != nil {
		h.Metrics.Refused(string(fault.From(err).Code))
	}
	return err
}

func (h *handler) exchange(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	req, issued, err := tokenRequest(form, r)
	if err != nil {
		return err
	}
	if req.Workspace != "" {
		if _, err := h.snapshot(r); err != nil {
			return err
		}
	}
	answer, err := h.Tokens.Exchange(r.Context(), req)
	if fault.Is(err, fault.TooMany) {
		h.Metrics.Limited("workspace")
	}
	switch {
	case err != nil && req.Assertion:
		return assertionError{fault.From(err)}
	case err != nil:
		return err
	}
	h.Metrics.Issued(string(answer.Type))
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	writeJSON(w, http.StatusOK, renderAnswer(answer, issued))
	return nil
}

func renderAnswer(a sts.Answer, issued string) tokenAnswer {
	answer := tokenAnswer{
		AccessToken: a.Token.Compact(), Issued: issued, Type: "Bearer", Workspace: a.Tenant.Name, WorkspaceID: a.Tenant.ID,
		ExpiresIn: int64(math.Ceil(time.Until(a.ExpiresAt).Seconds())),
	}
	if a.Type == policy.IDToken {
		answer.Type = "N_A" // RFC 8693 §2.2.1: it is no access token
		return answer
	}
	for _, g := range a.Grants {
		answer.Details = append(answer.Details, detail{g.ResourceType, g.ResourceID, g.Actions})
	}
	return answer
}

// detail is a grant in its form on the wire (RFC 9396 §2; rule 32).
type detail struct {
	Type       string   `json:"type"`
	Identifier string   `json:"identifier"`
	Actions    []string `json:"actions"`
}

func malformed(format string, args ...any) error {
	f := fault.Newf(fault.InvalidRequest, format, args...)
	f.Detail = errors.Unwrap(f).Error()
	return f
}

// tokenRequest parses a form, and returns the type of token to be named in the answer.
func tokenRequest(form url.Values, r *http.Request) (sts.Request, string, error) {
	if r.Header.Get("Authorization") != "" || form.Has("client_secret") || form.Has("client_assertion") {
		return sts.Request{}, "", fault.Newf(fault.InvalidClient, "client credentials were sent")
	}
	retryKey, err := retryKeyOf(r.Header)
	if err != nil {
		return sts.Request{}, "", err
	}
	req := sts.Request{
		Workspace: r.PathValue("workspace"),
		From:      audit.Origin{Address: address(r), RetryKey: retryKey},
	}
	issued, err := credential(form, &req)
	if err != nil {
		return req, "", err
	}
	req.Want, err = want(form)
	if err != nil {
		return req, "", err
	}
	req.Want.TokenType = policy.AccessToken
	if issued == typeID {
		req.Want.TokenType = policy.IDToken
	}
	switch form.Get("access_token_format") {
	case "", "jwt":
	case "opaque":
		if req.Want.Opaque = true; issued != typeAccess {
			return req, "", malformed("only an access token may be opaque")
		}
		if retryKey != "" {
			return req, "", malformed("an opaque token is not made twice: leave out Idempotency-Key")
		}
	default:
		return req, "", malformed("access_token_format must be jwt or opaque")
	}
	return req, issued, nil
}

// retryKeyOf returns the Idempotency-Key of a request, "" where it has none. One that is empty is a program's mistake: taken
// for none, it would make every repetition a replay.
func retryKeyOf(header http.Header) (string, error) {
	values := header.Values(retryHeader)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || len(values[0]) < minRetryKey || len(values[0]) > maxRetryKey {
		return "", malformed("%s must be %d to %d characters that nobody can guess", retryHeader, minRetryKey, maxRetryKey)
	}
	return values[0], nil
}

// credential reads what the request is made by, and returns the type of token that is to be issued: the two grants differ
// in the names of their parameters, and not in what they may ask for.
func credential(form url.Values, req *sts.Request) (issued string, err error) {
	switch grant := form.Get("grant_type"); grant {
	case grantJWTBearer:
		err = assertion(form, req)
	case grantExchange:
		err = subject(form, req)
	case "":
		err = malformed("grant_type is missing")
	default:
		err = fault.Newf(fault.UnsupportedGrant, "grant type %q", grant)
	}
	if err != nil {
		return "", err
	}
	return requestedType(form)
}

// assertion reads the credential of RFC 7523's grant.
func assertion(form url.Values, req *sts.Request) error {
	if err := without(form, "subject_token", "subject_token_type", "actor_token", "actor_token_type"); err != nil {
		return err
	}
	if req.Token, req.Assertion = form.Get("assertion"), true; req.Token == "" {
		return malformed("assertion is missing")
	}
	return nil
}

// subject reads the credentials of RFC 8693's grant.
func subject(form url.Values, req *sts.Request) (err error) {
	if err := without(form, "assertion"); err != nil {
		return err
	}
	if req.Actor, err = actor(form); err != nil {
		return err
	}
	if req.Token = form.Get("subject_token"); req.Token == "" {
		return malformed("subject_token is missing")
	}
	return knownType(form, "subject_token_type")
}

// without refuses the credentials of the other grant: whoever sends one believes that it counts.
func without(form url.Values, names ...string) error {
	for _, name := range names {
		if form.Has(name) {
			return malformed("%s does not belong to this grant_type", name)
		}
	}
	return nil
}

func requestedType(form url.Values) (string, error) {
	switch requested := form.Get("requested_token_type"); requested {
	case "":
		return typeAccess, nil
	case typeAccess, typeID, typeJWT:
		return requested, nil
	}
	return "", malformed("requested_token_type must be the access_token, id_token or jwt type of RFC 8693")
}

// actor returns the token of who wants to act for the subject (RFC 8693 §2.1): its type is there exactly where it is.
func actor(form url.Values) (string, error) {
	token := form.Get("actor_token")
	switch {
	case token == "" && !form.Has("actor_token_type"):
		return "", nil
	case token == "":
		return "", malformed("actor_token is missing")
	}
	return token, knownType(form, "actor_token_type")
}

// knownType refuses a token that is not said to be of a type that is taken here.
func knownType(form url.Values, name string) error {
	switch form.Get(name) {
	case typeJWT, typeID, typeAccess:
		return nil
	case "":
		return malformed("%s is missing", name)
	}
	return malformed("%s must be %s, or the id_token or access_token type of RFC 8693", name, typeJWT)
}

func want(form url.Values) (sts.Want, error) {
	var w sts.Want
	var err error
	if w.Audience, err = target(form); err != nil {
		return w, err
	}
	w.Trust = form.Get("trust")
	if w.Trust != "" && !id.Valid(w.Trust) {
		return w, malformed("trust is not the ID of a trust relationship")
	}
	switch w.Algorithm = form.Get("id_token_signed_response_alg"); w.Algorithm {
	case "", "ES256", "RS256", "EdDSA":
	default:
		return w, malformed("id_token_signed_response_alg must be ES256, RS256 or EdDSA")
	}
	if text := form.Get("expires_in"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seconds <= 0 {
			return w, malformed("expires_in must be a positive whole number of seconds")
		}
		w.Lifetime = time.Duration(seconds) * time.Second
	}
	if w.Scope = strings.Fields(form.Get("scope")); len(w.Scope) > maxScopes {
		return w, fault.Newf(fault.InvalidScope, "%d scopes", len(w.Scope))
	}
	if w.MayAct, err = mayAct(form); err != nil {
		return w, err
	}
	w.Details, w.HasDetails, err = details(form.Get("authorization_details"))
	return w, err
}

// mayAct reads who may act for the subject of the token that is asked for: the claim of RFC 8693 §4.4 as it will stand in
// it, with authorization_details where he may not use all that the token carries.
func mayAct(form url.Values) (*identity.MayAct, error) {
	text := form.Get("may_act")
	if text == "" {
		return nil, nil
	}
	var claim struct {
		Subject string          `json:"sub"`
		Details json.RawMessage `json:"authorization_details"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&claim); err != nil || claim.Subject == "" || decoder.More() {
		return nil, malformed(`may_act must be {"sub": "SUBJECT"}, with authorization_details or without`)
	}
	may := &identity.MayAct{Subject: claim.Subject}
	var err error
	may.Permissions, may.Limited, err = details(string(claim.Details))
	return may, err
}

// target returns the one audience that the request names, by audience or by resource (RFC 8707 §2).
func target(form url.Values) (string, error) {
	var target string
	for _, value := range append(form["audience"], form["resource"]...) {
		if target != "" && value != target {
			f := fault.Newf(fault.InvalidTarget, "targets %q and %q", target, value)
			f.Detail = "name one audience or resource, not several"
			return "", f
		}
		target = value
	}
	for _, value := range form["resource"] {
		u, err := url.Parse(value)
		if err != nil || !u.IsAbs() || u.Fragment != "" {
			f := fault.Newf(fault.InvalidTarget, "resource %q", value)
			f.Detail = "a resource is an absolute URI without a fragment; use audience for other names"
			return "", f
		}
	}
	return target, nil
}

func details(text string) ([]identity.Permission, bool, error) {
	if text == "" {
		return nil, false, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var list []detail
	if err := decoder.Decode(&list); err != nil {
		return nil, false, fault.Newf(fault.InvalidDetails, "authorization_details: %v", err)
	}
	if list == nil { // null would ask for nothing at all, which [] says
		return nil, false, fault.Newf(fault.InvalidDetails, "authorization_details: null is no list (RFC 9396 §2)")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false, fault.Newf(fault.InvalidDetails, "authorization_details: something follows the list")
	}
	permissions := make([]identity.Permission, 0, len(list))
	for _, d := range list {
		permissions = append(permissions, identity.Permission{ResourceType: d.Type, ResourceID: d.Identifier, Actions: d.Actions})
	}
	if _, err := policy.CheckPermissions(permissions, "authorization_details"); err != nil {
		f := fault.New(fault.InvalidDetails, err)
		f.Detail = err.Error()
		return nil, false, f
	}
	return permissions, true, nil
}
