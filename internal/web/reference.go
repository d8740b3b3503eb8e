package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
)

//go:embed reference.html.tmpl
var referenceTemplate string

//go:embed reference.css
var referenceStyle []byte

// referencePolicy lets the page load its stylesheet and nothing else: it needs no script.
const referencePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// reference is the description of the API, for programs and for people. Both are made from the same document, when
// somebody asks for the first time.
type reference struct {
	document func() ([]byte, error) // OpenAPI, JSON
	page     func() ([]byte, error) // HTML
	style    func() ([]byte, error)
}

func newReference(d *huma.OpenAPI) *reference {
	return &reference{
		document: sync.OnceValues(func() ([]byte, error) { return encode(d) }),
		page:     sync.OnceValues(func() ([]byte, error) { return renderReference(d) }),
		style:    func() ([]byte, error) { return referenceStyle, nil },
	}
}

// referenceAPI serves the description of the API.
func (h *handler) referenceAPI(d *huma.OpenAPI) {
	h.reference = newReference(d)
	h.mux.Handle("GET "+apiRoot+"openapi.json", h.fixed(mediaJSON, h.reference.document))
	h.mux.Handle("GET "+apiRoot+"reference.css", h.fixed("text/css; charset=utf-8", h.reference.style))
	page := h.fixed("text/html; charset=utf-8", h.reference.page)
	h.mux.HandleFunc("GET "+apiRoot+"{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", referencePolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		page.ServeHTTP(w, r)
	})
}

// fixed serves what is the same for everybody as long as the program is.
func (h *handler) fixed(media string, content func() ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := content()
		if err != nil {
			h.Log.Error("the reference could not be made", "path", r.URL.Path, "error", err)
			h.problem(w, fault.New(fault.Internal, err))
			return
		}
		tag := digest(body)
		public(w)
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", media)
		if among(strings.Join(r.Header.Values(ifNoneMatch), ","), tag) {
			w.Header().Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(body) // the client went away
	})
}

func renderReference(d *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("reference").Parse(referenceTemplate)
	if err != nil {
		return nil, err
	}
	view, err := newReferenceView(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, view)
	return b.Bytes(), err
}
