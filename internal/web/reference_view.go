package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
)

// referenceView is the page of the reference.
type referenceView struct {
	Title, Version string
	About          []template.HTML // paragraphs
	Tags           []tagView
	Schemas        []schemaView
	Codes          []fault.Description
}

type tagView struct {
	Name, Anchor, Description string
	Operations                []operationView
}

type operationView struct {
	ID, Method, Summary, Description string
	Path                             []string // its segments, between which a narrow page may break it
	Public                           bool
	Parameters                       []fieldView
	Request                          *bodyView
	Answers                          []answerView
	Refusals                         []refusalView
}

type bodyView struct {
	Type    typeView
	Example string
}

type answerView struct {
	Status  string
	Text    string
	Headers []fieldView
	Body    *bodyView
}

type refusalView struct {
	Status int
	Codes  []string
}

type schemaView struct {
	Name   string
	Fields []fieldView
}

type fieldView struct {
	Name, In    string
	Required    bool
	Type        typeView
	Limits      string
	Description string
}

// typeView is a type in words, with the schema that it leads to.
type typeView struct{ Before, Schema string }

func newReferenceView(d *huma.OpenAPI) (referenceView, error) {
	view := referenceView{Title: d.Info.Title, Version: d.Info.Version, About: paragraphs(d.Info.Description), Codes: apiCodes(d)}
	for _, t := range d.Tags {
		tag := tagView{Name: t.Name, Anchor: anchor(t.Name), Description: t.Description}
		for _, op := range operationsOf(d) {
			if op.Tags[0] != t.Name {
				continue
			}
			shown, err := newOperationView(d, op)
			if err != nil {
				return view, err
			}
			tag.Operations = append(tag.Operations, shown)
		}
		view.Tags = append(view.Tags, tag)
	}
	schemas := d.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Schemas = append(view.Schemas, schemaView{name, newFields(schemas[name])})
	}
	return view, nil
}

// operationsOf returns all operations of a document, by path, those that read first.
func operationsOf(d *huma.OpenAPI) (all []*huma.Operation) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		item := d.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

func newOperationView(d *huma.OpenAPI, op *huma.Operation) (operationView, error) {
	view := operationView{
		ID: op.OperationID, Method: op.Method, Path: strings.Split(op.Path, "/")[1:], Summary: op.Summary, Description: op.Description,
		Public: op.Security != nil && len(op.Security) == 0, Refusals: newRefusals(d, op),
	}
	for _, p := range op.Parameters {
		view.Parameters = append(view.Parameters, fieldView{p.Name, p.In, p.Required, newType(p.Schema), limits(p.Schema), p.Description})
	}
	var err error
	if op.RequestBody != nil {
		if view.Request, err = newBody(op.RequestBody.Content[mediaJSON]); err != nil {
			return view, err
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		response := op.Responses[status]
		if response.Ref != "" {
			continue // a refusal
		}
		shown := answerView{Status: status, Text: response.Description}
		for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
			header := response.Headers[name]
			shown.Headers = append(shown.Headers, fieldView{Name: name, Description: header.Schema.Description})
		}
		if shown.Body, err = newBody(response.Content[mediaJSON]); err != nil {
			return view, err
		}
		view.Answers = append(view.Answers, shown)
	}
	return view, nil
}

func newBody(media *huma.MediaType) (*bodyView, error) {
	if media == nil {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(media.Example)
	return &bodyView{newType(media.Schema), strings.TrimSpace(b.String())}, err
}

func newRefusals(d *huma.OpenAPI, op *huma.Operation) (refusals []refusalView) {
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		name, ok := strings.CutPrefix(op.Responses[status].Ref, responsePrefix)
		if !ok {
			continue
		}
		n, _ := strconv.Atoi(status) // operation.describe wrote it
		problem := d.Components.Responses[name].Content[mediaProblem]
		refusals = append(refusals, refusalView{n, slices.Sorted(maps.Keys(problem.Examples))})
	}
	return refusals
}

// apiCodes returns what is public of the codes that operations name, and of the two that belong to none.
func apiCodes(d *huma.OpenAPI) (codes []fault.Description) {
	named := map[fault.Code]bool{fault.NotFound: true, fault.MethodNotAllowed: true}
	for _, op := range operationsOf(d) {
		for _, r := range newRefusals(d, op) {
			for _, code := range r.Codes {
				named[fault.Code(code)] = true
			}
		}
	}
	for _, description := range fault.Descriptions() {
		if named[description.Code] {
			codes = append(codes, description)
		}
	}
	return codes
}

func newFields(s *huma.Schema) []fieldView {
	fields := make([]fieldView, 0, len(s.Properties))
	for name, p := range s.Properties {
		fields = append(fields, fieldView{
			Name: name, Required: slices.Contains(s.Required, name), Type: newType(p), Limits: limits(p), Description: p.Description,
		})
	}
	slices.SortFunc(fields, func(a, b fieldView) int {
		if a.Required != b.Required {
			if a.Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return fields
}

func newType(s *huma.Schema) typeView {
	switch {
	case s.Ref != "":
		return typeView{"", strings.TrimPrefix(s.Ref, schemaPrefix)}
	case len(s.AnyOf) > 0:
		words := make([]string, len(s.AnyOf))
		for i, of := range s.AnyOf {
			words[i] = newType(of).Before
		}
		return typeView{strings.Join(words, " or "), ""}
	case s.Type == huma.TypeArray:
		item := newType(s.Items)
		return typeView{"array of " + item.Before, item.Schema}
	case s.Type == huma.TypeObject:
		if value, ok := s.AdditionalProperties.(*huma.Schema); ok {
			item := newType(value)
			return typeView{"object of " + item.Before, item.Schema}
		}
	case s.Format == "date-time":
		return typeView{"time (RFC 3339)", ""}
	}
	return typeView{s.Type, ""}
}

// limits says what of a type is allowed.
func limits(s *huma.Schema) string {
	var words []string
	if len(s.Enum) > 0 {
		words = append(words, "one of "+strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Enum), " ", ", "), "[]"))
	}
	if s.Minimum != nil && s.Maximum != nil {
		words = append(words, fmt.Sprintf("%v to %v", *s.Minimum, *s.Maximum))
	}
	if s.MaxLength != nil {
		words = append(words, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.MaxItems != nil {
		words = append(words, fmt.Sprintf("at most %d", *s.MaxItems))
	}
	if s.Default != nil {
		words = append(words, fmt.Sprintf("default %v", s.Default))
	}
	return strings.Join(words, "; ")
}

func anchor(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// Text returns the status in words.
func (r refusalView) Text() string { return http.StatusText(r.Status) }

var (
	strong = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	code   = regexp.MustCompile("`([^`]+)`")
)

// paragraphs renders the little of CommonMark that the document's description uses.
func paragraphs(text string) (list []template.HTML) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		escaped := strong.ReplaceAllString(template.HTMLEscapeString(paragraph), "<strong>$1</strong>")
		list = append(list, template.HTML(code.ReplaceAllString(escaped, "<code>$1</code>")))
	}
	return list
}
