package differential

// An explanation says which libraries differ from us in a way, and why we are as we are.
type explanation struct{ by, why string }

// explained are all the ways in which we differ from a library.
var explained = map[string]explanation{
	// The form of tokens.
	"refused: claims: a name occurs twice in one object": {"go-jose golang-jwt jose",
		"RFC 7519 §4 lets a reader refuse or take the last one; two readers of one token must not see two subjects (rule 14). go-jose refuses it in the objects that it knows"},
	"refused: header: a name occurs twice in one object": {"golang-jwt jose", "RFC 7515 §4: names must be unique; as above"},
	"refused: claims: a NUL in a string": {"go-jose golang-jwt jose",
		"legal in JSON (RFC 8259 §7), but databases and C programs end a text there: two subjects would become one"},
	"refused: claims: a string that is not UTF-…": {"go-jose golang-jwt",
		"RFC 7519 §7.2 wants UTF-8; they put U+FFFD in its place, so that many subjects would become one"},
	"refused: claims: an escape that is no character": {"go-jose golang-jwt jose", "half a surrogate pair (RFC 8259 §8.2): as above"},
	"refused: claims: a number out of range": {"go-jose golang-jwt jose",
		"RFC 8259 §6: numbers beyond double precision are not interoperable. Go's libraries do not look at what they do not decode, JavaScript takes infinity"},
	"refused: header: a number out of range": {"jose", "as above"},
	"refused: claims: a date outside the years … to …": {"go-jose golang-jwt jose",
		"RFC 7519 §2 has seconds without a bound; time.Unix wraps round, and RFC 3339 cannot say it (rule 14)"},
	"refused: claims: objects and arrays deeper than …": {"go-jose golang-jwt jose", "RFC 8259 §9 lets a parser set a bound; they go on to 10,000 or without one"},
	"refused: header: objects and arrays deeper than …": {"go-jose golang-jwt jose", "as above"},
	"refused: … bytes": {"go-jose golang-jwt jose", "the cap before parsing (security.md, parser exhaustion); RFC 7519 has none"},
	"refused: claims: no value": {"go-jose golang-jwt",
		"a date in quotation marks: RFC 7519 §2 says a JSON number"},
	"refused: claims: not the string that is needed": {"go-jose golang-jwt jose",
		"RFC 7519 §4.1 says which claims are texts; null is passed over by Go's libraries, and jose passes on sub and jti as they are"},
	"refused: claims: not the object or array that is needed": {"jose", "a byte order mark (RFC 8259 §8.1: it must not be there, and may be ignored)"},
	"refused: header: not the string that is needed": {"go-jose golang-jwt",
		"kid and typ are texts (RFC 7515 §4.1.4, §4.1.9); golang-jwt leaves typ to its caller, go-jose passes over null"},
	"refused: header: not the object or array that is needed": {"jose", "as above"},
	"refused: claims: not unpadded base…url":                  {"go-jose", "RFC 7515 §2: no line ends, no padding, no stray bits; one token must not have many texts"},
	"refused: header: not unpadded base…url":                  {"go-jose", "as above"},
	"refused: signature: not unpadded base…url": {"go-jose golang-jwt jose",
		"as above; the signature covers header and claims as they are written, but not itself, so that each would be another text of the same token"},

	// The header.
	"refused: header: the header has crit, which is not accepted": {"go-jose golang-jwt jose",
		"RFC 7515 §4.1.11: what is critical and not understood must be refused. golang-jwt ignores it, go-jose allows some of it empty, jose understands b64"},
	"refused: header: the header has b…, which is not accepted": {"go-jose golang-jwt jose", "RFC 7797 §7: not for JWTs"},
	"refused: header: the header has jku, which is not accepted": {"go-jose golang-jwt jose",
		"they ignore it; it has no use but to mislead (RFC 8725 §3.10)"},
	"refused: header: the header has jwk, which is not accepted": {"golang-jwt jose", "as above; go-jose reads it, and fails where it is none"},
	"refused: header: the header has x…u, which is not accepted": {"go-jose golang-jwt jose", "as above"},
	"refused: another kind of token: typ is …, not …": {"go-jose golang-jwt jose",
		"RFC 8725 §3.11: Go's libraries leave typ to their callers; jose compares without regard to case and application/, as media types are (RFC 7515 §4.1.9). Our issuers write it in one way"},
	"accepted, but not by go-jose: go-jose/go-jose: JWK with matching kid not found in JWK Set": {"go-jose",
		"a token without kid: RFC 7515 §4.1.4 has it optional, and go-jose looks keys up by nothing else"},
	"accepted, but not by go-jose: failed to unmarshal nonce: json: cannot unmarshal number into Go value of type string: …": {"go-jose",
		"a member of ACME (RFC 8555 §6.5.2), which JWT does not know: what is not understood is ignored (RFC 7515 §4)"},

	// The claims.
	"refused: token for another audience: aud is …, not … alone": {"go-jose golang-jwt jose",
		"RFC 7519 §4.1.3 lets ours be one among many; each of the others could show the token here (RFC 8725 §3.9), and nsc issues for one"},
	"refused: token lacks a claim: sub, iat and exp are needed": {"go-jose golang-jwt jose",
		"they are optional in RFC 7519 §4.1; OpenID Connect Core §2 and RFC 9068 §2.2 want all three. The others accept an empty one, a zero, or no iat"},
	"accepted, but not by go-jose: go-jose/go-jose/jwt: validation failed, token issued in the future (iat)": {"go-jose",
		"RFC 7519 §4.1.6 says when the token was issued, not from when it serves: that is nbf, which the token has"},
	"accepted, but not by golang-jwt: token has invalid claims: token used before issued": {"golang-jwt", "as above"},
	"accepted, and golang-jwt takes another name for the claim's": {"golang-jwt",
		"ISS overwrites iss there, in whatever order they come (RFC 7519 §4: names are case-sensitive; rule 14)"},
}
