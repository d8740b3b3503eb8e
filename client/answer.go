package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// answer is what a token endpoint issues (RFC 8693 §2.2.1).
type answer struct {
	AccessToken string `json:"access_token"` // whatever kind of token it is
	IssuedType  string `json:"issued_token_type"`
	Type        string `json:"token_type"`
	ExpiresIn   *int64 `json:"expires_in"` // seconds
	Workspace   string `json:"workspace"`
}

// use is the token_type of an answer by the type of token that was asked for: whether the token is shown as a bearer
// token, or is no means of access by itself.
var use = map[string]string{typeAccessToken: "Bearer", typeIDToken: "N_A"}

// readAnswer returns the token of an answer, if it is one of the type that was asked for. A proxy or a server of another
// kind answers 200 too. Errors do not repeat what was answered, which may be somebody's token.
func readAnswer(body []byte, requested string, asked time.Time) (Token, error) {
	var a answer
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return Token{}, errors.New("no answer of a token endpoint")
	case a.AccessToken == "":
		return Token{}, errors.New("no token")
	case !isBearer(a.AccessToken):
		return Token{}, errors.New("a token with characters that no token has")
	case a.IssuedType != requested:
		return Token{}, fmt.Errorf("a token of another type than the one that was asked for, %s", requested)
	case !strings.EqualFold(a.Type, use[requested]): // RFC 6749 §5.1: no case
		return Token{}, fmt.Errorf("a token_type that is not %s", use[requested])
	}
	end, err := a.end(asked)
	if err != nil {
		return Token{}, err
	}
	return Token{ExpiresAt: end, Workspace: a.Workspace, secret: a.AccessToken, issued: asked}, nil
}

// end returns when the token ends by this machine's clock. An answer need not say so (RFC 6749 §5.1); then the token does.
func (a answer) end(asked time.Time) (time.Time, error) {
	if a.ExpiresIn != nil {
		if seconds := *a.ExpiresIn; seconds <= 0 || seconds > math.MaxInt32 {
			return time.Time{}, fmt.Errorf("a token that ends in %d seconds", seconds)
		}
		return asked.Add(time.Duration(*a.ExpiresIn) * time.Second), nil
	}
	token, err := jwt.Parse(a.AccessToken)
	if err != nil || token.Claims.ExpiresAt == 0 {
		return time.Time{}, errors.New("a token that does not say when it ends")
	}
	end := time.Unix(token.Claims.ExpiresAt, 0)
	if !asked.Before(end) {
		return time.Time{}, errors.New("a token that has ended")
	}
	return end, nil
}

// isBearer reports whether a token can stand behind "Bearer " in a header: the b64token of RFC 6750 §2.1. A line end in it
// would begin a header, or a line of a file, of the sender's choice.
func isBearer(token string) bool {
	body := strings.TrimRight(token, "=")
	return body != "" && strings.IndexFunc(body, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/", r)
	}) < 0
}
