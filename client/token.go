package client

import (
	"fmt"
	"io"
	"time"
)

// Token is a token that nsc issued. It prints as [redacted]; [Token.Secret] has the text.
type Token struct {
	ExpiresAt time.Time // by this machine's clock
	Workspace string    // the name of the workspace that issued it

	secret  string
	issued  time.Time
	renewAt time.Time // where it is kept: when it is better renewed
}

// Secret returns the token in its compact form, as it goes behind "Bearer ".
func (t Token) Secret() string { return t.secret }

// String keeps tokens out of logs.
func (t Token) String() string { return "[redacted]" }

// Format keeps tokens out of logs, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// life returns how long the token lives in all.
func (t Token) life() time.Duration { return t.ExpiresAt.Sub(t.issued) }

// usable reports whether the token will still be good when it has reached whom it is for.
func (t Token) usable(now time.Time) bool { return now.Before(t.ExpiresAt.Add(-t.life() / 20)) }

// pace returns the time between two attempts to renew the token while it serves: between the last moment at which it is due
// (three quarters of its life) and the first at which it is not usable there is room for one more.
func (t Token) pace() time.Duration { return min(max(t.life()/6, firstPause), renewPace) }
