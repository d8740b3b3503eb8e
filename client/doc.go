// Package client gets tokens from nsc for your own program.
//
//	var c client.Client
//	token, err := c.IDToken(ctx, "https://your-service.example.com")
//	request.Header.Set("Authorization", "Bearer "+token.Secret())
//
// The zero Client takes everything from the environment, as the command line does: the sign-in from the file that
// NSC_TOKEN_FILE names, from the workload's (token.json in NSC_METADATA_DIR, or in /var/run/nsc), or from the user's
// own, which "nsc auth exchange-oidc-token" wrote; the server from that sign-in; NSC_WORKSPACE and NSC_URL where another is
// wanted; NSC_CA_FILE for a private certificate authority. So the same program runs on a laptop and in a container. A
// bearer token goes to the server that made it and to no other, over HTTPS or within this machine.
//
// # Tokens are kept
//
// An ID token is asked for once and handed out until it has lived for two thirds of its time; then it is renewed in the
// background while the old one still serves. However many goroutines ask for one audience at once, one request is made.
// Ask for a token before every call, and do not keep it: that is what the Client does.
//
// A server that is restarting, overloaded or not reached (429, 500, 502, 503, 504, or no answer) is asked again, three times
// at most, after a moment or after the time that it names, where that is half a minute or less. All attempts of one request
// have one Idempotency-Key, so that a token which may be used only once is not lost with an answer: even after an answer
// that does not say whether a token was issued, such as 500, it is safe to ask again.
//
// [Client.TokenSource] hands tokens to whatever takes an [oauth2.TokenSource], and [Client.KeepFile] to programs that
// read them from a file.
package client
