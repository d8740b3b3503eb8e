package cli

import (
	"fmt"
	"strings"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// tokenID returns the jti that --token names, by itself or by a whole JWT, of which nothing else is sent; and the JWT's
// issuer, "" where only the jti is known.
func (p *program) tokenID(text string) (tokenID, issuer string, err error) {
	if text, err = (tokenFlags{token: text, todo: "give it by --token, or on standard input by --token -: the whole JWT, or its jti"}).read(p.stdin); err != nil {
		return "", "", err
	}
	switch secretIn(text) {
	case "":
		return text, "", nil
	case "eyJ":
		t, err := jwt.Parse(text)
		if err != nil || t.Claims.ID == "" {
			return "", "", failure.Misuse("--token holds a JWT that is not whole, or has no jti", "look at it: nsc auth inspect --token-file FILE")
		}
		return t.Claims.ID, t.Claims.Issuer, nil
	}
	return "", "", failure.Misuse("--token holds the secret of a token, which has no jti; it was not sent",
		"revoke the token by its secret (nsc token revoke -) or by its ID (nsc token list)")
}

// foreignToken is the failure of a JWT that another issuer than the workspace made: to cut off its jti here would end
// nothing.
func foreignToken(issuer, own string) error {
	what := fmt.Sprintf("the token is one of %s, not of %s: nothing was cut off", cut(issuer), own)
	base, workspace, ok := credentials.SplitIssuer(issuer)
	switch {
	case ok && strings.HasPrefix(own, base+"/w/"):
		return failure.Misuse(what, "cut it off there: --workspace %s", workspace)
	case ok:
		return failure.Misuse(what, "cut it off there, signed in to that server")
	}
	return failure.Misuse(what, "cut off what was issued for it: --issuer ISSUER --subject SUBJECT, which nsc auth inspect shows")
}
