package manifest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file, which keep the parser's work in proportion to what people write.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 16      // of [ and {, and of dashes in a row
)

// Read reads one file. The error is an *Error.
func Read(text []byte, name string) (File, error) {
	r := &reader{file: name}
	body, err := r.parse(text)
	if err != nil {
		return File{}, err
	}
	var f File
	if err := r.decode(body, &f); err != nil {
		return File{}, err
	}
	return f, r.check(f)
}

// reader reads one file.
type reader struct {
	file string
	line map[string]int // of what has a name, for errors about the whole
}

func (r *reader) wrong(line int, format string, args ...any) error {
	return &Error{r.file, line, fmt.Sprintf(format, args...)}
}

// parse returns the tree of the only document, of which everything is spelled out.
func (r *reader) parse(text []byte) (ast.Node, error) {
	switch {
	case len(text) > maxSize:
		return nil, r.wrong(0, "is larger than %d KiB; split it into several files of a folder", maxSize>>10)
	case !utf8.Valid(text):
		return nil, r.wrong(0, "is not UTF-8")
	}
	tokens := lexer.Tokenize(string(text))
	if err := r.plain(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, r.syntax(err)
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	switch len(docs) {
	case 0:
		return nil, r.wrong(0, "is empty; begin with version: %d", Version)
	case 1:
		return docs[0].Body, nil
	}
	return nil, r.wrong(line(docs[1].Body), "a second document begins; write one to a file")
}

// refused are the tokens of what a reader of the file would have to look up or to know YAML for.
var refused = map[token.Type]string{
	token.AnchorType: "an anchor (&)", token.AliasType: "an alias (*)", token.MergeKeyType: "a merge (<<)", token.TagType: "a tag (!)",
	token.DirectiveType: "a directive (%)", token.MappingKeyType: "a key written with ?",
}

// plain refuses what refers to something else, and nesting that no file needs. What begins with a star or an ampersand is
// meant as text more often than not, and wants quotes.
func (r *reader) plain(tokens token.Tokens) error {
	depth, dashes := 0, 0
	for _, t := range tokens {
		if what, ok := refused[t.Type]; ok {
			return r.wrong(t.Position.Line, "%s is not taken; put text that begins so in quotes", what)
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			dashes++
		default:
			dashes = 0
		}
		if depth > maxDepth || dashes > maxDepth {
			return r.wrong(t.Position.Line, "is nested too deeply")
		}
	}
	return nil
}

// syntax takes the line and the first line of words from the parser's error.
func (r *reader) syntax(err error) error {
	place, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	})
	if !ok || place.GetToken() == nil {
		words, _, _ := strings.Cut(err.Error(), "\n")
		return r.wrong(0, "is not YAML: %s", words)
	}
	return r.wrong(place.GetToken().Position.Line, "is not YAML: %s", place.GetMessage())
}

// line returns the line of a node, 0 where it has none.
func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
