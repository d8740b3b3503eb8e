package web

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/redaction"
)

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // the client went away
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

// writeBody answers JSON. Its length is told, so that net/http need not send it in chunks.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = contentJSON
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away
}

var contentJSON = []string{"application/json"}

// retryAfter sets the header where trying again is of use, in whole seconds (RFC 9110 §10.2.3). It is of use wherever the
// server cannot answer at present, also where nobody knows for how long.
func retryAfter(header http.Header, f *fault.Fault) {
	wait := f.RetryAfter
	if f.Status() == http.StatusServiceUnavailable {
		wait = max(wait, time.Second)
	}
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// Problem is the error answer of the management API (RFC 9457).
type Problem struct {
	Type    string `json:"type" doc:"Always about:blank: the code says which problem it is" example:"about:blank"`
	Title   string `json:"title" doc:"The HTTP status in words" example:"Not Found"`
	Status  int    `json:"status" doc:"The HTTP status" example:"404"`
	Detail  string `json:"detail" doc:"What went wrong, in a sentence for people" example:"no such thing here"`
	Code    string `json:"code" doc:"What went wrong, for programs; stable" example:"not_found"`
	Field   string `json:"field,omitempty" doc:"The field, parameter or header of the request that is at fault" example:"grants[0].actions"`
	Refusal string `json:"refusal_id,omitempty" doc:"ID by which an administrator finds the cause" example:"agolopkbxawbssvvgrpr6ygwb4"`

	fault     *fault.Fault
	challenge string // of a 401
}

// maxDetail is the most bytes of a detail: it may quote what the caller sent.
const maxDetail = 2 << 10

func newProblem(f *fault.Fault) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(f.Status()), Status: f.Status(), Detail: cut(redaction.Text(f.Text()), maxDetail),
		Code: string(f.Code), Field: redaction.Text(f.Field), Refusal: f.Refusal, fault: f,
	}
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return mediaProblem }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	header := http.Header{}
	if p.fault != nil {
		retryAfter(header, p.fault)
	}
	if p.challenge != "" {
		header.Set("WWW-Authenticate", p.challenge)
	}
	return header
}

// problemOf returns the error answer to a call.
func (h *handler) problemOf(f *fault.Fault) *Problem {
	p := newProblem(f)
	p.challenge = h.challenge(f, "")
	return p
}

func (h *handler) problem(w http.ResponseWriter, f *fault.Fault) {
	p := h.problemOf(f)
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", mediaProblem)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client went away
}
