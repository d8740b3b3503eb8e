package jwt

import "strconv"

// Text returns the top-level member of that name where it is a string.
func (c *Claims) Text(name string) (string, bool) {
	value, _ := c.find(name)
	s := scanner{doc: value}
	text, err := s.text()
	return text, err == nil
}

// Int returns the top-level member of that name where it is an integer, written as one, that fits int64.
func (c *Claims) Int(name string) (int64, bool) {
	value, _ := c.find(name)
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// Map returns all claims for conditions: objects as map[string]any, arrays as []any, integers that fit as int64, other
// numbers as float64. It decodes anew on every call and hands out nothing that it shares.
func (c *Claims) Map() (map[string]any, error) {
	s := scan(c.document)
	all := make(map[string]any, len(c.members))
	if err := s.document(s.into(all)); err != nil {
		return nil, err
	}
	return all, nil
}

// into returns the reader of members that puts them into a map.
func (s *scanner) into(all map[string]any) func(name string) error {
	return func(name string) error {
		value, err := s.value()
		all[name] = value
		return err
	}
}

// value reads any value.
func (s *scanner) value() (any, error) {
	switch s.peek() {
	case '{':
		all := map[string]any{}
		return all, s.object(s.into(all))
	case '[':
		return s.list()
	case '"':
		return s.text()
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return nil, s.literal("null")
	}
	literal, err := s.number()
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return n, nil
	}
	return strconv.ParseFloat(literal, 64)
}

func (s *scanner) list() ([]any, error) {
	all := []any{}
	err := s.array(func() error {
		value, err := s.value()
		all = append(all, value)
		return err
	})
	return all, err
}
