package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/nsc-federation/nsc/internal/fault"
)

// tagged is an answer with the entity tag of what it shows.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"The revision in quotes, for If-Match and If-None-Match"`
	Body T
}

// etag returns the entity tag of a revision (RFC 9110 §8.8.3).
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// noRevision is what no resource has: a condition on it never holds.
const noRevision = -1

// revisionOf returns the revision that an If-Match header insists on, 0 for any. What is an entity tag but none of ours
// matches nothing (RFC 9110 §13.1.1).
func revisionOf(header string) (int64, error) {
	header = strings.TrimSpace(header)
	if header == "" || header == "*" {
		return 0, nil
	}
	text, weak := strings.CutPrefix(header, "W/")
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' || strings.Contains(text[1:len(text)-1], `"`) {
		return 0, fault.Invalid("If-Match", `must be one entity tag, as in "3"`)
	}
	revision, err := strconv.ParseInt(text[1:len(text)-1], 10, 64)
	if weak || err != nil || revision < 1 || etag(revision) != text {
		return noRevision, nil
	}
	return revision, nil
}

// notModified says that the caller has what he asks for. It is no error but an answer without a body.
type notModified struct{ tag string }

// Error returns the status in words.
func (notModified) Error() string { return http.StatusText(http.StatusNotModified) }

// GetStatus returns the HTTP status.
func (notModified) GetStatus() int { return http.StatusNotModified }

// GetHeaders returns the entity tag, which goes with a 304 too (RFC 9110 §15.4.5).
func (n notModified) GetHeaders() http.Header { return http.Header{"Etag": {n.tag}} }
