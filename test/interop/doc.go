// Package interop shows nsc's tokens to programs that share no code with it: jose, openid-client and oauth4webapi on
// Node, go-oidc and golang-jwt on Go.
//
// Each is told an issuer's URL and an audience, and finds everything else by discovery and JWKS, as in a service that
// somebody else wrote. It must accept the token that is meant for it, whatever algorithm signed it, and name the right
// reason where it refuses one that differs in a single property. The token endpoint is spoken to by openid-client.
// Then two nsc servers federate each other by the same standard calls and nothing else.
//
// One server serves plain HTTP, the other HTTPS with a certificate of its own authority. The tests know both only as
// their users do: the command line, the endpoints that discovery names, and the files that `nsc dev` writes.
package interop
