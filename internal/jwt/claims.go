package jwt

import "fmt"

// Claims is the payload of a token: a JSON object whose form is checked throughout, and whose registered claims
// (RFC 7519 §4.1) have the types they must have. Names are case-sensitive (rule 14).
//
// Texts are parts of the payload as a whole; who keeps one of them for long clones it.
type Claims struct {
	Issuer   string
	Subject  string
	ID       string
	Audience []string

	// Seconds since 1970, zero where the claim is absent.
	ExpiresAt, NotBefore, IssuedAt, AuthTime int64

	document string
	members  []member
}

// member is a top-level name and where its value lies in the document.
type member struct {
	name       string
	start, end int32
}

// Document returns the payload as it was read.
func (c *Claims) Document() string { return c.document }

// ParseClaims reads the payload of a token.
func ParseClaims(payload []byte) (*Claims, error) {
	if len(payload) > MaxSize {
		return nil, fmt.Errorf("%w: claims of %d bytes", ErrTooLarge, len(payload))
	}
	return parseClaims(string(payload))
}

func parseClaims(document string) (*Claims, error) {
	c := &Claims{document: document, members: make([]member, 0, 16)}
	s := scan(document)
	err := s.document(func(name string) error {
		start := s.pos
		if err := c.read(&s, name); err != nil {
			return err
		}
		c.members = append(c.members, member{name, int32(start), int32(s.pos)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// read takes the value of one claim. A null is not the absence of a claim: it is of the wrong type.
func (c *Claims) read(s *scanner, name string) (err error) {
	switch name {
	case "iss":
		c.Issuer, err = s.text()
	case "sub":
		c.Subject, err = s.text()
	case "jti":
		c.ID, err = s.text()
	case "aud":
		c.Audience, err = s.audience()
	case "exp":
		c.ExpiresAt, err = s.date()
	case "nbf":
		c.NotBefore, err = s.date()
	case "iat":
		c.IssuedAt, err = s.date()
	case "auth_time":
		c.AuthTime, err = s.date()
	default:
		err = s.skip()
	}
	return err
}

// audience reads one string, or an array of them (RFC 7519 §4.1.3).
func (s *scanner) audience() ([]string, error) {
	if s.peek() == '"' {
		one, err := s.text()
		return []string{one}, err
	}
	var all []string
	err := s.array(func() error {
		one, err := s.text()
		all = append(all, one)
		return err
	})
	return all, err
}

// date reads a NumericDate.
func (s *scanner) date() (int64, error) {
	literal, err := s.number()
	if err != nil {
		return 0, err
	}
	n, ok := seconds(literal)
	if !ok || n < minDate || n > maxDate {
		return 0, s.fault("a date outside the years 1 to 9999")
	}
	return n, nil
}

// Dates beyond these fit int64 (rule 14) but not what they are used for: microseconds in int64, RFC 3339, and
// time.Unix, which wraps round, so that a token of the far future would have been valid for ages.
const (
	minDate = -62135596800 // 0001-01-01
	maxDate = 253402300799 // 9999-12-31
)

// find returns the JSON of a top-level member.
func (c *Claims) find(name string) (string, bool) {
	for _, m := range c.members {
		if m.name == name {
			return c.document[m.start:m.end], true
		}
	}
	return "", false
}

// Raw returns a copy of the JSON of a top-level member, and whether there is one.
func (c *Claims) Raw(name string) ([]byte, bool) {
	value, ok := c.find(name)
	if !ok {
		return nil, false
	}
	return []byte(value), true
}
