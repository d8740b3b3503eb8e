// Package nsc checks the tokens of an nsc workspace in your own service.
//
//	verifier := nsc.NewVerifier("https://nsc.example.com/w/prod", "https://your-service.example.com")
//	claims, err := verifier.Verify(ctx, token)
//
// The first text is the issuer of the workspace that you trust, the second the audience that you are: the one that
// callers name when they get a token for you. A token for anybody else is refused, so that nobody to whom a token was
// shown can show it to you. [Verifier.Handler] does the same in front of an [http.Handler].
//
// # Which kind of token
//
// A verifier accepts one kind of token and no other. By default that is the ID token, which is what
// "nsc auth issue-id-token --audience …" and client.IDToken issue: it says who the caller is, in [Claims.Subject] and
// [Claims.Groups], and you decide what he may do. With [AccessTokens] it is the access token, which also carries grants,
// those that the caller named when he asked for it: [Claims.Allows] and [Verifier.Require] read them, and it was the
// workspace that decided. The two are told apart by the
// typ of their header, "JWT" and "at+jwt" (RFC 9068 §2.1), so that a token that was meant to tell a web application who
// signed in cannot be used to call an API.
//
// # What it costs
//
// Keys come from the issuer's discovery document over HTTPS, with the first token (or with [Verifier.Ready]), and are
// fetched again within five minutes, in the background where tokens keep coming. An issuer that is down is covered by
// the last keys for an hour. A token that was verified before is not verified again while it lasts, but its times and the
// presence of its key are checked every time. A Verifier may be used by many goroutines; make one and keep it.
//
// Verification is done on your side, so the workspace does not hear of it: a token that was cut off there is good here
// until it ends, a few minutes after it was issued.
package nsc
