package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/workspace"
)

const (
	maxTrustBody = 640 << 10 // bytes; an uploaded JWKS of 512 KiB, escaped
	maxOtherBody = 64 << 10
	maxElements  = 10000 // commas and brackets outside strings
)

// admitBody stands before every call of the management API that has a body: the caller is known before a byte of it is
// read, and it is small and flat before anything is made of it. What validates it afterwards spends memory on every
// element. The body is put back for whoever reads it then.
//
// No body where none is demanded is left for the operation.
func (h *handler) admitBody(w http.ResponseWriter, r *http.Request, demanded bool) error {
	name := cmp.Or(r.PathValue("workspace"), workspace.SystemName) // creating a workspace is the operators' business
	if _, err := h.caller(r.Context(), Call{Workspace: name, Authorization: r.Header.Get("Authorization")}); err != nil {
		return err
	}
	if content := r.Header.Get("Content-Type"); content != "" {
		media, _, err := mime.ParseMediaType(content)
		if err != nil || media != mediaJSON && media != "application/merge-patch+json" {
			return fault.Newf(fault.UnsupportedMedia, "content type %q", content)
		}
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Type", mediaJSON) // it is, and the library knows few spellings
	if len(body) == 0 && !demanded {
		return nil
	}
	return checkJSON(body)
}

// readBody reads a body within its bounds.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	most := int64(maxOtherBody)
	if strings.Contains(r.URL.Path, "/trust-relationships") {
		most = maxTrustBody
	}
	body, err := readAtMost(w, r, most)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge("the body is larger than %d bytes", most)
	case err != nil:
		return nil, malformed("the body could not be read to its end")
	case elements(body) > maxElements:
		return nil, tooLarge("the body has more than %d elements", maxElements)
	}
	return body, nil
}

// readAtMost reads a body, at once where its length is told. One that is longer is an *http.MaxBytesError.
func readAtMost(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, most)
	if r.ContentLength < 0 || r.ContentLength > most {
		return io.ReadAll(limited)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(limited, body)
	return body, err
}

func tooLarge(format string, args ...any) error {
	f := fault.Newf(fault.TooLarge, format, args...)
	f.Detail = fmt.Sprintf(format, args...)
	return f
}

// elements counts what separates and opens in JSON, outside of strings.
func elements(body []byte) int {
	count, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '{' || c == '['):
			count++
		}
	}
	return count
}
