package jwt

import "strconv"

// Value is a value inside of a claim, for those who know its shape. It was checked when the token was read, so that
// reading it again costs no more than passing over it. It is read once, by one of its methods.
type Value struct{ s *scanner }

// Value returns the top-level member of that name.
func (c *Claims) Value(name string) (Value, bool) {
	value, ok := c.find(name)
	if !ok {
		return Value{}, false
	}
	return Value{&scanner{doc: value, checked: true}}, true
}

// Text returns a string.
func (v Value) Text() (string, error) { return v.s.text() }

// Int returns an integer that fits int64 and is written as one.
func (v Value) Int() (int64, error) {
	literal, err := v.s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(literal, 10, 64)
	if err != nil {
		return 0, v.s.fault("not the integer that is needed")
	}
	return n, nil
}

// Texts returns an array of strings.
func (v Value) Texts() (list []string, err error) {
	err = v.Elements(func(e Value) error {
		text, err := e.Text()
		list = append(list, text)
		return err
	})
	return list, err
}

// Elements calls f for each element of an array, which f must read. A null is an empty one.
func (v Value) Elements(f func(Value) error) error {
	if v.s.peek() == 'n' {
		return v.s.literal("null")
	}
	return v.s.array(func() error { return f(v) })
}

// Members calls f for each member of an object, whose value f must read.
func (v Value) Members(f func(name string, value Value) error) error {
	return v.s.object(func(name string) error { return f(name, v) })
}

// Skip passes over the value.
func (v Value) Skip() error { return v.s.skip() }
