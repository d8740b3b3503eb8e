package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
)

// The conditions of RFC 9110 §13.1.
const (
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"
)

// entity is a thing that the API shows by itself. Its entity tag (RFC 9110 §8.8.3) is the revision of what changes by calls,
// which a change can be tied to, and of all else a digest of what is shown.
type entity interface{ entityTag() string }

// Reading is what calls that show one thing take besides.
type Reading struct {
	IfNoneMatch string `header:"If-None-Match" doc:"Entity tags that the caller has, or *: the answer is 304 where the present one is among them"`
}

func (r *Reading) has(tag string) bool { return among(r.IfNoneMatch, tag) }

// Guarded is what calls that change or remove one thing take besides.
type Guarded struct {
	IfMatch string `header:"If-Match" doc:"Entity tags that the call is made to, or *; absent: any. Where the present one is not among them, nothing is done and the answer is 412"`
}

// tagged is an answer with the entity tag of what it shows.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"The entity tag, for If-None-Match, and for If-Match where calls take it"`
	Body T
}

func newTagged[T entity](body T) *tagged[T] { return &tagged[T]{body.entityTag(), body} }

// show registers an operation that shows one thing, or says that the caller has it as it is.
func show[I any, T entity, P interface {
	*I
	has(tag string) bool
}](h *handler, api huma.API, op operation, run func(context.Context, *I) (T, error)) {
	op.Unchanged = true
	respond(h, api, op, func(ctx context.Context, in *I) (*tagged[T], error) {
		body, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		shown := newTagged(body)
		if P(in).has(shown.ETag) {
			return nil, notModified{shown.ETag}
		}
		return shown, nil
	})
}

// etag returns the entity tag of a revision.
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// digestOf returns the entity tag of a body. One that cannot be written fails when it is.
func digestOf(body any) string {
	text, _ := json.Marshal(body)
	return digest(text)
}

// digest returns the entity tag of bytes.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// maxTags is the most entity tags that a condition lists.
const maxTags = 16

// entityTag is a tag of a condition, with its quotes.
type entityTag struct {
	text string
	weak bool
}

// readTags reads what a condition lists: any is *. A list may have empty elements (RFC 9110 §5.6.1.2), but not only those.
func readTags(header string) (tags []entityTag, any, ok bool) {
	rest := strings.Trim(header, " \t")
	if rest == "*" {
		return nil, true, true
	}
	for rest = strings.TrimLeft(rest, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		unweak, weak := strings.CutPrefix(rest, "W/")
		text, after, ok := cutTag(unweak)
		if !ok || len(tags) == maxTags {
			return nil, false, false
		}
		tags, rest = append(tags, entityTag{text, weak}), after
	}
	return tags, false, len(tags) > 0
}

// cutTag cuts the entity tag off with which a text begins, up to the comma behind it.
func cutTag(text string) (tag, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(text[1:], '"')
	if end < 0 {
		return "", "", false
	}
	tag, after = text[:end+2], strings.TrimLeft(text[end+2:], " \t")
	return tag, after, after == "" || after[0] == ','
}

// among reports whether If-None-Match lists a tag, by weak comparison (RFC 9110 §13.1.2). What cannot be read lists nothing:
// the caller then gets what he has once more.
func among(header, tag string) bool {
	tags, any, _ := readTags(header)
	return any || slices.ContainsFunc(tags, func(t entityTag) bool { return t.text == tag })
}

// noRevision is what no resource has: a condition on it never holds.
const noRevision = -1

// revisionsOf returns the revisions that an If-Match header insists on one of, 0 for any. What is an entity tag but none of
// ours matches nothing (RFC 9110 §13.1.1); tags compare strongly, so that a weak one never does.
func revisionsOf(header string) ([]int64, error) {
	tags, any, ok := readTags(header)
	switch {
	case any, header == "":
		return []int64{0}, nil
	case !ok:
		return nil, fault.Invalid(ifMatch, `must be * or at most %d entity tags, as in "3", "4"`, maxTags)
	}
	var revisions []int64
	for _, t := range tags {
		revision, err := strconv.ParseInt(strings.Trim(t.text, `"`), 10, 64)
		if t.weak || err != nil || revision < 1 || etag(revision) != t.text {
			revision = noRevision
		}
		if !slices.Contains(revisions, revision) {
			revisions = append(revisions, revision)
		}
	}
	return revisions, nil
}

// where makes a change on the condition that If-Match states. Of the revisions that it lists, at most one is the present one.
func (g Guarded) where(change func(revision int64) error) error {
	revisions, err := revisionsOf(g.IfMatch)
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

// checkConditions refuses what would be taken for no condition: an empty If-Match, and one on a call that does not heed it.
// A server must not do what a condition forbids (RFC 9110 §13.1), and reading is all that may ignore one. Conditions on
// several lines are one list (§5.3).
func checkConditions(method string, header http.Header, parameters []*huma.Param) error {
	for _, name := range []string{ifMatch, ifNoneMatch} {
		values := header.Values(name)
		if len(values) == 0 {
			continue
		}
		header.Set(name, strings.Join(values, ", "))
		heeded := slices.ContainsFunc(parameters, func(p *huma.Param) bool { return p.In == "header" && p.Name == name })
		switch {
		case heeded && name == ifMatch && strings.Trim(header.Get(name), " \t,") == "":
			return fault.Invalid(name, "is empty; leave it out, or give * or entity tags")
		case !heeded && method != http.MethodGet && method != http.MethodHead:
			return fault.Invalid(name, "is not heeded by this call, which would be made whatever is there; leave it out")
		}
	}
	return nil
}

// notModified says that the caller has what he asks for. It is no error but an answer without a body.
type notModified struct{ tag string }

// Error returns the status in words.
func (notModified) Error() string { return http.StatusText(http.StatusNotModified) }

// GetStatus returns the HTTP status.
func (notModified) GetStatus() int { return http.StatusNotModified }

// GetHeaders returns the entity tag, which goes with a 304 too (RFC 9110 §15.4.5).
func (n notModified) GetHeaders() http.Header { return http.Header{"Etag": {n.tag}} }
