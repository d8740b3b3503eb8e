package server

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/nsc-federation/nsc/internal/span"
	"github.com/nsc-federation/nsc/internal/spelling"
)

// configFile is a configuration file as it is read. Its errors are one line for whoever wrote it, with the line and the key
// that they are about; a library's would show Go's types and pieces of the file, which may hold a password.
type configFile struct{ name string }

func (f configFile) wrong(n ast.Node, format string, args ...any) error {
	return f.wrongAt(n.GetToken(), format, args...)
}

func (f configFile) wrongAt(t *token.Token, format string, args ...any) error {
	if t == nil || t.Position == nil {
		return fmt.Errorf("configuration %s: %s", f.name, fmt.Sprintf(format, args...))
	}
	return fmt.Errorf("configuration %s, line %d: %s", f.name, t.Position.Line, fmt.Sprintf(format, args...))
}

// decode reads the text into a configuration, of which it leaves what the text does not name.
func (f configFile) decode(text []byte, to *Config) error {
	body, err := f.parse(text)
	if err != nil || body == nil {
		return err
	}
	return f.object(body, reflect.ValueOf(to).Elem(), "")
}

// parse returns the tree of the only document, nil for an empty one.
func (f configFile) parse(text []byte) (ast.Node, error) {
	strange := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }
	if !utf8.Valid(text) || bytes.IndexFunc(text, strange) >= 0 {
		return nil, f.wrongAt(nil, "is not a text file; it must be YAML, like listen: %s", DefaultListen)
	}
	tokens := lexer.Tokenize(string(text))
	for _, t := range tokens {
		if what, ok := indirect[t.Type]; ok {
			return nil, f.wrongAt(t, "%s is not taken; put text that begins so in quotes", what)
		}
	}
	tree, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, f.syntax(err)
	}
	documents := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool { return empty(d.Body) })
	switch len(documents) {
	case 0:
		return nil, nil
	case 1:
		return documents[0].Body, nil
	}
	return nil, f.wrong(documents[1].Body, "a second document begins; a configuration is one")
}

// indirect are the tokens of what stands for something else.
var indirect = map[token.Type]string{
	token.AnchorType: "an anchor (&)", token.AliasType: "an alias (*)", token.MergeKeyType: "a merge (<<)", token.TagType: "a tag (!)",
}

// empty reports whether a node says nothing.
func empty(n ast.Node) bool {
	switch n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return true
	}
	return false
}

// syntax takes the place and the words from the parser's error, and leaves the piece of the file.
func (f configFile) syntax(err error) error {
	place, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	})
	if !ok {
		words, _, _ := strings.Cut(err.Error(), "\n")
		return f.wrongAt(nil, "is not YAML: %s", words)
	}
	words, _, _ := strings.Cut(place.GetMessage(), "\n")
	return f.wrongAt(place.GetToken(), "is not YAML: %s", words)
}

// object reads the members of a struct.
func (f configFile) object(n ast.Node, to reflect.Value, path string) error {
	var members []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		members = m.Values
	case *ast.MappingValueNode:
		members = []*ast.MappingValueNode{m}
	default:
		return f.wrong(n, "%s must be keys with their values, like %s", orWhole(path), firstKey(to.Type()))
	}
	keys := keysOf(to.Type())
	for _, m := range members {
		key := m.Key.GetToken().Value
		i, ok := keys[key]
		if !ok {
			return f.wrong(m.Key, "unknown key %s%s%s", path, printable(key), meant(key, to.Type()))
		}
		if empty(m.Value) {
			continue // as if it were left out
		}
		if err := f.value(m.Value, to.Field(i), path+key); err != nil {
			return err
		}
	}
	return nil
}

// value reads what stands behind a key.
func (f configFile) value(n ast.Node, to reflect.Value, path string) error {
	if to.Kind() == reflect.Slice {
		return f.list(n, to, path)
	}
	if to.Kind() == reflect.Struct {
		return f.object(n, to, path+".")
	}
	text, ok := scalar(n)
	if !ok {
		return f.wrong(n, "%s must be %s", path, kindOf(to))
	}
	if err := setText(to, text); err != nil {
		return f.wrong(n, "%s: %s", path, err)
	}
	return nil
}

func (f configFile) list(n ast.Node, to reflect.Value, path string) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		return f.wrong(n, "%s must be a list", path)
	}
	to.Set(reflect.MakeSlice(to.Type(), len(s.Values), len(s.Values)))
	for i, v := range s.Values {
		if err := f.value(v, to.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns the text of a value that is one: what is written, without its quotes.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return v.GetToken().Value, true
	}
	return "", false
}

// setText sets a value by its text, of the file or of the environment.
func setText(to reflect.Value, text string) error {
	var err error
	switch value := to.Addr().Interface().(type) {
	case *string:
		*value = text
	case *bool:
		*value, err = strconv.ParseBool(text)
	case *float64:
		*value, err = strconv.ParseFloat(text, 64)
		if math.IsNaN(*value) || math.IsInf(*value, 0) {
			err = strconv.ErrRange
		}
	case *uint16:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 16)
		*value = uint16(n)
	case *time.Duration:
		*value, err = span.Parse(text)
	}
	if err != nil {
		return fmt.Errorf("%q is not %s", text, kindOf(to))
	}
	return nil
}

// kindOf says what a value must be.
func kindOf(v reflect.Value) string {
	switch v.Interface().(type) {
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case uint16:
		return "a port"
	case time.Duration:
		return "a duration like 90s, 24h, 30d or 2w"
	}
	return "a text"
}

// Keys returns the keys of a configuration.
func Keys() []string { return keyNames(reflect.TypeFor[Config]()) }

// keysOf returns the keys of a struct, with the numbers of their fields.
func keysOf(of reflect.Type) map[string]int {
	keys := map[string]int{}
	for i := range of.NumField() {
		if key := of.Field(i).Tag.Get("yaml"); key != "-" {
			keys[key] = i
		}
	}
	return keys
}

// keyNames returns the keys of a struct in their order.
func keyNames(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		if key := of.Field(i).Tag.Get("yaml"); key != "-" {
			names = append(names, key)
		}
	}
	return names
}

// meant continues the sentence about a key that a struct does not have.
func meant(key string, of reflect.Type) string {
	names := keyNames(of)
	if near, ok := spelling.Nearest(key, names); ok {
		return "; did you mean " + near + "?"
	}
	return "; known are " + strings.Join(names, ", ")
}

func firstKey(of reflect.Type) string { return keyNames(of)[0] + ": …" }

func orWhole(path string) string {
	if path == "" {
		return "the file"
	}
	return strings.TrimSuffix(path, ".")
}

// printable returns a key as it may stand in a line.
func printable(key string) string {
	q := strconv.Quote(key)
	return q[1 : len(q)-1]
}
