// Package redaction keeps secrets out of what is written for people: the log, the answers that say what was wrong, and the
// lines of a command that failed.
//
// A secret gets there where somebody gives it in the place of something else, such as a token where its ID belongs, and
// whoever refuses that says what he was given. No caller of a log can be relied on to think of this each time, so what
// looks like a token is taken out where everything passes: by its form, since what a text is about is not known here.
package redaction

import (
	"regexp"
	"strings"
)

// prefixes begin what may be a secret: our opaque tokens by their kind, and a JWS in its compact form (RFC 7515 §7.1),
// whose header is a JSON object in base64url.
var prefixes = []string{"nsrt", "nsct", "nsrf", "eyJ"}

// secret takes what was cut short as well, and the underscore as it stands in a URL.
var secret = regexp.MustCompile(`(ns[rc]t|nsrf)(_|%5[Ff])[A-Za-z0-9]{8,}|eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]*)*`)

// Text returns a text with a gap in place of each token: nsrt_[redacted].
func Text(text string) string {
	for _, prefix := range prefixes {
		if strings.Contains(text, prefix) {
			return secret.ReplaceAllStringFunc(text, gap)
		}
	}
	return text
}

func gap(token string) string {
	if strings.HasPrefix(token, "eyJ") {
		return "eyJ[redacted]"
	}
	return token[:len("nsrt")] + "_[redacted]"
}
