package fault

import "net/http"

// Code names what went wrong. It is stable: programs may depend on it.
type Code string

// What a caller's own token shows to anybody who holds it.
const (
	TokenMalformed   Code = "token_malformed"
	TokenTooLarge    Code = "token_too_large"
	TokenAlgorithm   Code = "token_algorithm"
	TokenExpired     Code = "token_expired"
	TokenNotYetValid Code = "token_not_yet_valid"
	TokenIncomplete  Code = "token_incomplete"
	TokenLifetime    Code = "token_lifetime"
	TokenReplayed    Code = "token_replayed"
)

// What depends on a workspace's own arrangements: one text for all of it.
const (
	TokenRefused  Code = "token_refused"  // issuer, signature, trust, audience, subject, condition: which one is not said
	WorkspaceOpen Code = "workspace_open" // the token names no workspace of ours (rule 6)
)

// What is wrong with a request at the token endpoint.
const (
	InvalidRequest   Code = "invalid_request"
	UnsupportedGrant Code = "unsupported_grant_type"
	InvalidClient    Code = "invalid_client"
	InvalidTarget    Code = "invalid_target"
	InvalidScope     Code = "invalid_scope"
	InvalidDetails   Code = "invalid_authorization_details"
	TokenOversize    Code = "issued_token_too_large"
)

// What is wrong with a request at the management API, or with the server.
const (
	InvalidField     Code = "invalid_field"
	Unauthenticated  Code = "unauthenticated"
	Forbidden        Code = "forbidden"
	NotFound         Code = "not_found"
	MethodNotAllowed Code = "method_not_allowed"
	UnsupportedMedia Code = "unsupported_media_type"
	Conflict         Code = "conflict"
	Stale            Code = "stale"
	KeyReused        Code = "idempotency_key_reused"
	TooLarge         Code = "too_large"
	TooMany          Code = "too_many_requests"
	KeysUnavailable  Code = "issuer_unavailable"
	Unavailable      Code = "unavailable"
	Internal         Code = "internal"
)

type row struct {
	status int
	oauth  string
	text   string
}

// A subject token that is not accepted is invalid_request (RFC 8693 §2.2.2); an assertion that is not is
// invalid_grant (RFC 7523 §3.1): the token endpoint tells the two apart, not this table.
var table = map[Code]row{
	TokenMalformed:   {http.StatusBadRequest, "invalid_request", "the token is not a well-formed signed JWT"},
	TokenTooLarge:    {http.StatusBadRequest, "invalid_request", "the token is larger than 16 KiB"},
	TokenAlgorithm:   {http.StatusBadRequest, "invalid_request", "the token is unsigned, or signed with an algorithm that is not accepted"},
	TokenExpired:     {http.StatusBadRequest, "invalid_request", "the token has expired; get a new one from its issuer"},
	TokenNotYetValid: {http.StatusBadRequest, "invalid_request", "the token is not valid yet; compare the clocks of its issuer and of this server"},
	TokenIncomplete:  {http.StatusBadRequest, "invalid_request", "the token lacks a claim that is needed: iss, sub, aud, exp and iat"},
	TokenLifetime:    {http.StatusBadRequest, "invalid_request", "the token's lifetime is longer than is accepted"},
	TokenReplayed:    {http.StatusBadRequest, "invalid_request", "the token has been used before and may be used only once"},
	TokenRefused:     {http.StatusBadRequest, "invalid_request", "the token is not admitted by this workspace; an administrator can look up the refusal"},
	WorkspaceOpen:    {http.StatusBadRequest, "invalid_request", "the token does not name a workspace of this server in its audience; name the workspace (--workspace, or its own token endpoint)"},
	InvalidRequest:   {http.StatusBadRequest, "invalid_request", "the request is malformed"},
	UnsupportedGrant: {http.StatusBadRequest, "unsupported_grant_type", "the grant type is not supported"},
	InvalidClient:    {http.StatusUnauthorized, "invalid_client", "the workspace has no such client; the subject token alone is the credential here"},
	InvalidTarget:    {http.StatusBadRequest, "invalid_target", "the caller may not have a token for this audience"},
	InvalidScope:     {http.StatusBadRequest, "invalid_scope", "the scope is malformed, or names more than the caller has"},
	InvalidDetails:   {http.StatusBadRequest, "invalid_authorization_details", "the authorization details are malformed, or ask for more than the caller has"},
	TokenOversize:    {http.StatusBadRequest, "invalid_request", "the token to be issued would be larger than 6 KB; narrow its grants or groups"},
	InvalidField:     {http.StatusUnprocessableEntity, "invalid_request", "a field of the request is not valid"},
	Unauthenticated:  {http.StatusUnauthorized, "invalid_token", "a valid access token for this workspace is needed; sign in first"},
	Forbidden:        {http.StatusForbidden, "insufficient_scope", "the caller's grants do not allow this"},
	NotFound:         {http.StatusNotFound, "invalid_request", "no such thing here"},
	MethodNotAllowed: {http.StatusMethodNotAllowed, "invalid_request", "this address does not take this method; the Allow header says which it takes"},
	UnsupportedMedia: {http.StatusUnsupportedMediaType, "invalid_request", "the body must be JSON: Content-Type application/json"},
	Conflict:         {http.StatusConflict, "invalid_request", "it exists already, or is in use"},
	Stale:            {http.StatusPreconditionFailed, "invalid_request", "it was changed in the meantime; read it again and repeat the change"},
	KeyReused:        {http.StatusUnprocessableEntity, "invalid_request", "this Idempotency-Key was sent before with another request; a new request needs a new key"},
	TooLarge:         {http.StatusRequestEntityTooLarge, "invalid_request", "the request is too large"},
	TooMany:          {http.StatusTooManyRequests, "temporarily_unavailable", "too many requests; try again later"},
	KeysUnavailable:  {http.StatusServiceUnavailable, "temporarily_unavailable", "the keys of the token's issuer cannot be had at present; try again later"},
	Unavailable:      {http.StatusServiceUnavailable, "temporarily_unavailable", "the server cannot record what it does at present, so it does nothing; try again later"},
	Internal:         {http.StatusInternalServerError, "server_error", "the server failed; its log has the cause"},
}
