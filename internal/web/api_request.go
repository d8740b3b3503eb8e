package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/trace"
)

const (
	maxNesting = 16  // of objects and arrays in a body
	maxField   = 200 // bytes of the name of a field in an answer: it may be the caller's own invention
)

// strict refuses what the API library would let pass: parameters that mean nothing or come twice, bodies of another type,
// and JSON that can be read in two ways.
func (h *handler) strict(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	w.Header().Set("Cache-Control", "no-store")
	err := checkQuery(r.URL.RawQuery, op.Parameters)
	if err == nil {
		err = checkKey(r.Header, op.Parameters)
	}
	if err == nil {
		err = checkConditions(r.Method, r.Header, op.Parameters)
	}
	if err == nil && op.RequestBody != nil {
		err = h.admitBody(w, r, op.RequestBody.Required)
	}
	if err != nil {
		f := fault.From(err)
		trace.Refused(r.Context(), f)
		h.logRefusal(op.OperationID, f)
		h.problem(w, f)
		return
	}
	next(ctx)
}

// checkQuery refuses parameters that the operation does not have, and those that are given more than once.
func checkQuery(raw string, parameters []*huma.Param) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return malformed("the query is malformed")
	}
	known := map[string]*huma.Param{}
	for _, p := range parameters {
		if p.In == "query" {
			known[p.Name] = p
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		p, ok := known[name]
		switch {
		case !ok:
			return fault.Invalid(shortened(name), "is not a parameter of this call; it takes %s", listed(known))
		case len(query[name]) > 1 && p.Schema.Type != huma.TypeArray:
			return fault.Invalid(name, "is given more than once")
		}
		for _, value := range query[name] {
			if problem := badText(value); problem != "" {
				return fault.Invalid(name, "%s", problem)
			}
		}
	}
	return nil
}

func listed(known map[string]*huma.Param) string {
	if len(known) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// checkJSON refuses what is not one JSON object, and what readers of JSON disagree about (RFC 8259 §4 and §8.1): names
// that come twice, text that is not UTF-8, numbers beyond what a float holds. NUL is refused because databases differ.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return malformed("the body is not UTF-8")
	}
	reader := jsonReader{json.NewDecoder(bytes.NewReader(body))}
	reader.UseNumber()
	if err := reader.value("", 0); err != nil {
		return err
	}
	if _, err := reader.Token(); err != io.EOF {
		return malformed("the body goes on after its JSON")
	}
	return nil
}

type jsonReader struct{ *json.Decoder }

func (r jsonReader) next() (json.Token, error) {
	t, err := r.Token()
	switch {
	case errors.Is(err, io.EOF) && r.InputOffset() == 0:
		return nil, malformed("the body is missing; it is a JSON object")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, malformed("the body is not JSON: it ends too early")
	case err != nil:
		return nil, malformed("the body is not JSON: %s at byte %d", err, r.InputOffset())
	}
	return t, nil
}

// value reads one value, which the path leads to.
func (r jsonReader) value(path string, depth int) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxNesting {
			return fault.Invalid(shortened(path), "is nested too deeply")
		}
		if t == '{' {
			return r.object(path, depth)
		}
		return r.array(path, depth)
	case string:
		if problem := badText(t); problem != "" {
			return fault.Invalid(shortened(path), "%s", problem)
		}
	case json.Number:
		if _, err := t.Float64(); err != nil {
			return fault.Invalid(shortened(path), "is a number that is too large")
		}
	}
	return nil
}

func (r jsonReader) object(path string, depth int) error {
	seen := map[string]bool{}
	for r.More() {
		t, err := r.next()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		member := joined(path, name)
		if problem := badText(name); problem != "" {
			return fault.Invalid(shortened(path), "has a member whose name %s", problem)
		}
		if seen[name] {
			return fault.Invalid(shortened(member), "is given more than once")
		}
		seen[name] = true
		if err := r.value(member, depth+1); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

func (r jsonReader) array(path string, depth int) error {
	for i := 0; r.More(); i++ {
		if err := r.value(fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

func badText(text string) string {
	if strings.ContainsRune(text, 0) {
		return "contains a NUL character"
	}
	if !utf8.ValidString(text) {
		return "is not UTF-8"
	}
	return ""
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func shortened(field string) string { return cut(field, maxField) }

// cut returns what fits into so many bytes of a text.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// requestFault turns what the library found wrong with a request into a fault. Its texts speak of the request alone. Of
// several problems the first by the name of the field is told, so that the same request gets the same answer.
func requestFault(status int, message string, errs []error) *fault.Fault {
	if status >= http.StatusInternalServerError {
		return fault.Newf(fault.Internal, "%s: %v", message, errors.Join(errs...))
	}
	code := fault.InvalidRequest
	if status == http.StatusUnprocessableEntity {
		code = fault.InvalidField
	}
	f := fault.Newf(code, "%s", message)
	f.Detail = message
	for _, err := range errs {
		var d *huma.ErrorDetail
		if !errors.As(err, &d) {
			continue
		}
		if field, text := explained(d); f.Field == "" || field < f.Field {
			f.Field, f.Detail = field, text
		}
	}
	return f
}

// missing is how the library begins and ends what it says of a field that is not there: it names the object alone.
var missingBegins, missingEnds, _ = strings.Cut(validation.MsgExpectedRequiredProperty, "%s")

// explained returns the field that the library complains of, as the caller knows it, and what is wrong.
func explained(d *huma.ErrorDetail) (field, text string) {
	_, field, _ = strings.Cut(d.Location, ".") // body., query., path. or header.
	text = d.Message
	if name, ok := strings.CutPrefix(text, missingBegins); ok && strings.HasSuffix(name, missingEnds) {
		return joined(field, strings.TrimSuffix(name, missingEnds)), "is missing"
	}
	if text == validation.MsgUnexpectedProperty {
		text = "is not a field of this request"
	}
	return shortened(field), text
}
