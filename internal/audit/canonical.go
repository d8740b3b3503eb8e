package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/nsc-federation/nsc/internal/identity"
)

// separate appends the comma between members, except after an opening brace.
func separate(b []byte) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return b
}

func appendName(b []byte, name string) []byte {
	b = append(separate(b), '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(appendName(b, name), value)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() || t.UnixMicro() == 0 { // 0 is none, as in the database
		return b
	}
	return strconv.AppendInt(appendName(b, name), t.UnixMicro(), 10)
}

func appendTrusts(b []byte, trusts []identity.TrustRef) []byte {
	if len(trusts) == 0 {
		return b
	}
	b = append(appendName(b, "trusts"), '[')
	for i, t := range trusts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, '{'), "id", t.ID)
		b = strconv.AppendInt(appendName(b, "version"), t.Version, 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendTexts(b []byte, name string, texts []string) []byte {
	if len(texts) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}

func appendDetails(b []byte, details map[string]string) []byte {
	if len(details) == 0 {
		return b
	}
	names := make([]string, 0, len(details))
	for name := range details {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(appendName(b, "details"), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendString(b, details[name])
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Invalid UTF-8 becomes U+FFFD, so that every text has one encoding.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
		}
	}
	return append(b, '"')
}

type canonicalToken struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Audience    string `json:"audience"`
	Subject     string `json:"subject"`
	Algorithm   string `json:"algorithm"`
	KeyID       string `json:"key_id"`
	ExpiresAt   int64  `json:"expires_at"`
	PayloadHash string `json:"payload_sha256"`
}

type canonicalEvent struct {
	Version     int                 `json:"v"`
	ID          string              `json:"id"`
	Time        int64               `json:"time"`
	WorkspaceID string              `json:"workspace_id"`
	Kind        Kind                `json:"kind"`
	Subject     string              `json:"subject"`
	Address     string              `json:"address"`
	Token       *canonicalToken     `json:"token"`
	Upstream    *Upstream           `json:"upstream"`
	Actor       *Upstream           `json:"actor"`
	Act         []string            `json:"act"`
	Trusts      []identity.TrustRef `json:"trusts"`
	Object      string              `json:"object"`
	Reason      string              `json:"reason"`
	Details     map[string]string   `json:"details"`
}

// Decode returns the event of a canonical encoding, and an error for anything else: what it accepts encodes to the
// same bytes again.
func Decode(body []byte) (Event, error) {
	var c canonicalEvent
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Event{}, fmt.Errorf("audit: event: %w", err)
	}
	e := c.event()
	if c.Version != CanonicalVersion || !bytes.Equal(e.AppendCanonical(nil), body) {
		return Event{}, errors.New("audit: event: not in canonical form")
	}
	return e, nil
}

// EventOf returns the event of an entry. Where its body cannot be read, damaged or written by a newer release, it is what
// the entry says without it.
func EventOf(entry Entry) Event {
	e, err := Decode(entry.Body)
	if err != nil {
		return Event{ID: entry.ID, Time: entry.Time, WorkspaceID: entry.WorkspaceID, Kind: entry.Kind, Unreadable: true}
	}
	return e
}

func (c canonicalEvent) event() Event {
	e := Event{
		ID: c.ID, Time: fromMicros(c.Time), WorkspaceID: c.WorkspaceID, Kind: c.Kind, Subject: c.Subject,
		Address: c.Address, Upstream: c.Upstream, Actor: c.Actor, Act: c.Act, Trusts: c.Trusts, Object: c.Object, Reason: c.Reason, Details: c.Details,
	}
	if t := c.Token; t != nil {
		e.Token = &Token{
			ID: t.ID, Type: t.Type, Audience: t.Audience, Subject: t.Subject, Algorithm: t.Algorithm, KeyID: t.KeyID,
			ExpiresAt: fromMicros(t.ExpiresAt), PayloadHash: t.PayloadHash,
		}
	}
	return e
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
