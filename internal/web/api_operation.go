package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
)

const mediaJSON, mediaProblem = "application/json", "application/problem+json"

// operation is one operation of the management API, as it is described and served.
type operation struct {
	ID, Method, Path string
	Tag              string
	Summary          string // without a full stop
	Description      string
	Status           int          // of success; 0 is 200
	Public           bool         // it needs no token
	Codes            []fault.Code // what it may be refused with, besides what follows from its form
	Request, Answer  any          // examples of the bodies; nil where there is none
	Unchanged        bool         // the answer may be 304
}

// describe returns the operation in the words of OpenAPI. Refusals are components, because operations share them.
func (o operation) describe(components *huma.Components) huma.Operation {
	op := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Tags: []string{o.Tag}, Summary: o.Summary, Description: o.Description,
		DefaultStatus: o.Status, Responses: map[string]*huma.Response{},
		// strict has read the body and bounded it. A deadline that the library set to read it again would end the connection
		// while the call still waits for the database.
		MaxBodyBytes: -1, BodyReadTimeout: -1,
	}
	if o.Public {
		op.Security = []map[string][]string{}
	}
	if o.Request != nil {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{mediaJSON: {Example: o.Request}}}
	}
	if o.Answer != nil {
		status := strconv.Itoa(max(o.Status, http.StatusOK))
		op.Responses[status] = &huma.Response{Content: map[string]*huma.MediaType{mediaJSON: {Example: o.Answer}}}
	}
	if o.Unchanged {
		op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "If-None-Match lists the present entity tag"}
	}
	for status, codes := range o.refusals() {
		name := refusalName(codes)
		if components.Responses[name] == nil {
			components.Responses[name] = newRefusal(status, codes)
		}
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: responsePrefix + name}
	}
	return op
}

// refusals returns the codes that the operation may be refused with, by status, sorted.
func (o operation) refusals() map[int][]fault.Code {
	codes := []fault.Code{fault.InvalidRequest, fault.InvalidField, fault.TooMany, fault.Internal, fault.Unavailable}
	if !o.Public {
		codes = append(codes, fault.Unauthenticated)
	}
	if strings.Contains(o.Path, "{") {
		codes = append(codes, fault.NotFound)
	}
	if o.Request != nil {
		codes = append(codes, fault.TooLarge, fault.UnsupportedMedia)
	}
	codes = append(codes, o.Codes...)
	slices.Sort(codes)
	byStatus := map[int][]fault.Code{}
	for _, code := range slices.Compact(codes) {
		status := fault.Describe(code).Status
		byStatus[status] = append(byStatus[status], code)
	}
	return byStatus
}

// refusalName names a component: invalid_field and too_large are InvalidFieldOrTooLarge.
func refusalName(codes []fault.Code) string {
	names := make([]string, len(codes))
	for i, code := range codes {
		for word := range strings.SplitSeq(string(code), "_") {
			names[i] += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(names, "Or")
}

func newRefusal(status int, codes []fault.Code) *huma.Response {
	problem := &huma.MediaType{Schema: &huma.Schema{Ref: schemaPrefix + "Problem"}, Examples: map[string]*huma.Example{}}
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = string(code) + ": " + fault.Describe(code).Text
		problem.Examples[string(code)] = &huma.Example{Value: problemExample(code)}
	}
	return &huma.Response{
		Description: strings.Join(texts, "; or "), Headers: refusalHeaders(status),
		Content: map[string]*huma.MediaType{mediaProblem: problem},
	}
}

func refusalHeaders(status int) map[string]*huma.Header {
	switch status {
	case http.StatusUnauthorized:
		return map[string]*huma.Header{"WWW-Authenticate": {
			Description: "The challenge of RFC 6750", Schema: &huma.Schema{Type: huma.TypeString},
		}}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return map[string]*huma.Header{"Retry-After": {
			Description: "When to try again, in seconds", Schema: &huma.Schema{Type: huma.TypeInteger},
		}}
	}
	return nil
}

func problemExample(code fault.Code) *Problem {
	f := fault.Newf(code, "example")
	switch code {
	case fault.InvalidField:
		f.Field, f.Detail = "subject_match", `"*" admits subjects of anybody's`
	case fault.KeyReused:
		f.Field = retryHeader
	}
	return newProblem(f)
}
