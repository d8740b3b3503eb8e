package web

import (
	"net/http"
	"slices"
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

// maxTags is the most entity tags that a condition lists.
const maxTags = 16

// revisionsOf returns the revisions that an If-Match header insists on one of, 0 for any: * or a list of entity tags. What is an
// entity tag but none of ours matches nothing (RFC 9110 §13.1.1); tags compare strongly, so that a weak one never does.
func revisionsOf(header string) ([]int64, error) {
	rest := strings.Trim(header, " \t")
	if rest == "" || rest == "*" {
		return []int64{0}, nil
	}
	var revisions []int64
	for n := 1; ; n++ {
		rest = strings.TrimLeft(rest, " \t,") // a list may have empty elements (§5.6.1.2)
		if rest == "" && n > 1 {
			return revisions, nil
		}
		unweak, weak := strings.CutPrefix(rest, "W/")
		text, after, ok := tagOf(unweak)
		if !ok || n > maxTags {
			return nil, fault.Invalid("If-Match", `must be * or at most 16 entity tags, as in "3", "4"`)
		}
		rest = after
		revision, err := strconv.ParseInt(text, 10, 64)
		if weak || err != nil || revision < 1 || strconv.FormatInt(revision, 10) != text {
			revision = noRevision
		}
		if !slices.Contains(revisions, revision) {
			revisions = append(revisions, revision)
		}
	}
}

// tagOf cuts the entity tag off with which a text begins (RFC 9110 §8.8.3), up to the comma behind it, and returns it
// without its quotes.
func tagOf(text string) (tag, after string, ok bool) {
	if text, ok = strings.CutPrefix(text, `"`); !ok {
		return "", "", false
	}
	if tag, after, ok = strings.Cut(text, `"`); !ok {
		return "", "", false
	}
	after = strings.TrimLeft(after, " \t")
	return tag, after, after == "" || after[0] == ','
}

// where makes a change on the condition that an If-Match header states. Of the revisions that it lists, at most one is the
// present one.
func where(header string, change func(revision int64) error) error {
	revisions, err := revisionsOf(header)
	if err != nil {
		return err
	}
	for _, revision := range revisions {
		if err = change(revision); !fault.Is(err, fault.Stale) {
			return err
		}
	}
	return err
}

// notModified says that the caller has what he asks for. It is no error but an answer without a body.
type notModified struct{ tag string }

// Error returns the status in words.
func (notModified) Error() string { return http.StatusText(http.StatusNotModified) }

// GetStatus returns the HTTP status.
func (notModified) GetStatus() int { return http.StatusNotModified }

// GetHeaders returns the entity tag, which goes with a 304 too (RFC 9110 §15.4.5).
func (n notModified) GetHeaders() http.Header { return http.Header{"Etag": {n.tag}} }
