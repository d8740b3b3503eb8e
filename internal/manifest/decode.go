package manifest

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/nsc-federation/nsc/internal/spelling"
)

// decode reads a tree into a value of the format. It is our own because a library's reads 012 as ten, 1e3 as a thousand and
// "yes" as it likes: here a text is what is written, a number of decimal digits is the text of it, and all else wants quotes.
func (r *reader) decode(n ast.Node, to any) error {
	r.line = map[string]int{}
	return r.value(n, reflect.ValueOf(to).Elem(), "")
}

func (r *reader) value(n ast.Node, to reflect.Value, path string) error {
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return r.value(n, to.Elem(), path)
	case reflect.Struct:
		return r.object(n, to, path)
	case reflect.Slice:
		return r.list(n, to, path)
	case reflect.Map:
		return r.texts(n, to, path)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return r.wrong(line(n), "%s must be true or false", path)
		}
		to.SetBool(b.Value)
		return nil
	case reflect.Int:
		text, ok := number(n)
		if !ok || len(text) > 9 {
			return r.wrong(line(n), "%s must be a number", path)
		}
		for _, digit := range text {
			to.SetInt(to.Int()*10 + int64(digit-'0'))
		}
		return nil
	}
	text, err := r.text(n, path)
	to.SetString(text)
	return err
}

// pair is a member of an object, with the line of its name.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs returns the members of an object, each of which comes once.
func (r *reader) pairs(n ast.Node, path string) ([]pair, error) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, r.wrong(line(n), "%s must have members: name: value", orFile(path))
	}
	var pairs []pair
	for _, v := range values {
		name, err := r.text(v.Key, "a name")
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(pairs, func(p pair) bool { return p.name == name }) {
			return nil, r.wrong(line(v.Key), "%s comes twice", below(path, name))
		}
		pairs = append(pairs, pair{name, line(v.Key), v.Value})
	}
	return pairs, nil
}

// object reads a struct of the format: every member is known, and those that are needed are there.
func (r *reader) object(n ast.Node, to reflect.Value, path string) error {
	pairs, err := r.pairs(n, path)
	if err != nil {
		return err
	}
	var known, missing []string
	fields := map[string]int{}
	for i := range to.NumField() {
		tag := to.Type().Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("yaml"), ",")
		known, fields[name] = append(known, name), i
		if tag.Get("need") != "" && !slices.ContainsFunc(pairs, func(p pair) bool { return p.name == name }) {
			missing = append(missing, name)
		}
	}
	for _, p := range pairs {
		i, ok := fields[p.name]
		if !ok {
			return r.unknown(p.line, below(path, p.name), p.name, known)
		}
		if err := r.value(p.value, to.Field(i), below(path, p.name)); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return r.wrong(line(n), "%s has no %s", orFile(path), strings.Join(missing, ", "))
	}
	r.line[path] = line(n)
	return nil
}

func (r *reader) unknown(line int, path, name string, known []string) error {
	if near, ok := spelling.Nearest(name, known); ok {
		return r.wrong(line, "%s is not known; did you mean %s?", path, near)
	}
	return r.wrong(line, "%s is not known; there are %s", path, strings.Join(known, ", "))
}

func (r *reader) list(n ast.Node, to reflect.Value, path string) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		return r.wrong(line(n), "%s must be a list", path)
	}
	to.Set(reflect.MakeSlice(to.Type(), len(s.Values), len(s.Values)))
	for i, v := range s.Values {
		if err := r.value(v, to.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) texts(n ast.Node, to reflect.Value, path string) error {
	pairs, err := r.pairs(n, path)
	if err != nil {
		return err
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, p := range pairs {
		text, err := r.text(p.value, below(path, p.name))
		if err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(p.name), reflect.ValueOf(text))
	}
	return nil
}

// text returns a text, or the digits of a number as they are written.
func (r *reader) text(n ast.Node, path string) (string, error) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, nil
	case *ast.LiteralNode:
		return t.Value.Value, nil
	case nil, *ast.NullNode:
		return "", r.wrong(line(n), "%s has no value; leave it out, or write \"\"", path)
	}
	if text, ok := number(n); ok {
		return text, nil
	}
	return "", r.wrong(line(n), "%s must be a text; put it in quotes", path)
}

var digits = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// number returns the digits of a decimal number that is written in one way only.
func number(n ast.Node) (string, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok || !digits.MatchString(i.GetToken().Value) {
		return "", false
	}
	return i.GetToken().Value, true
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
