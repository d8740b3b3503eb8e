package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/metrics"
)

// The groups of operations.
const (
	tagWorkspaces = "Workspaces"
	tagTrusts     = "Trust relationships"
	tagTokens     = "Revocable tokens"
	tagCutOffs    = "Cut-offs"
	tagKeys       = "Keys"
	tagRecord     = "Record"
)

const (
	schemaPrefix   = "#/components/schemas/"
	responsePrefix = "#/components/responses/"
	bearerScheme   = "bearer"
)

const aboutTheAPI = `What the command line and everything else manages nsc with: workspaces, trust relationships, signing keys, cut-offs and the record.

**Calling.** Send an access token whose audience is the issuer of the workspace in the path: ` + "`Authorization: Bearer …`" + `. Where a description says
"a grant on the workspace: trust, write", the token needs one of resource type workspace, resource trust or *, and an action that includes write. Nobody
gives what he does not have himself.

**Bodies** are JSON objects. Fields, parameters and names that mean nothing here are refused, and so is what is given twice.

**Errors** are problem details (RFC 9457). Their code is stable, their text is for people; where a field of the request is at fault it is named.
Besides what each operation lists, an address that does not exist is 404 (not_found) and a method that it does not take 405 (method_not_allowed).

**Lists** come in pages: where there is more, next is the cursor of the next page.

**Changes.** What is shown by itself has an ETag: with If-None-Match a read is 304 where nothing has changed. That of what calls can change is its
revision: with If-Match a change is made to that revision or not at all. A call that does not heed these refuses them, reads apart.

**Creating.** With an Idempotency-Key a creation can be sent again for 24 hours, to any node: the same caller with the same request gets the first answer
again, without any secret, and nothing is created twice. Location is the path of what was created.`

// newDocument returns the description of the API, to which each operation adds itself.
func newDocument() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "nsc management API", Version: "v1", Description: aboutTheAPI,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/", Description: "The base URL of the server"}},
		Components: &huma.Components{
			Schemas:   huma.NewMapRegistry(schemaPrefix, schemaName),
			Responses: map[string]*huma.Response{},
			SecuritySchemes: map[string]*huma.SecurityScheme{bearerScheme: {
				Type: "http", Scheme: "bearer", BearerFormat: "JWT",
				Description: "An access token whose audience is the issuer of the workspace, from its token endpoint",
			}},
		},
		Security: []map[string][]string{{bearerScheme: {}}},
		Tags: []*huma.Tag{
			{Name: tagWorkspaces, Description: "The tenants. Each is an issuer of its own."},
			{Name: tagTrusts, Description: "Whose tokens a workspace admits, and what they get."},
			{Name: tagTokens, Description: "Secrets for what cannot federate, exchanged for tokens of minutes."},
			{Name: tagCutOffs, Description: "What is forbidden from one moment to the next."},
			{Name: tagKeys, Description: "What a workspace signs with. A key is published before it signs, and stays until what it signed has ended."},
			{Name: tagRecord, Description: "Everything that happened."},
		},
	}
}

// schemaName names a type in the document: trustBody is Trust, a list of it TrustList.
func schemaName(t reflect.Type, hint string) string {
	name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
	if rest, ok := strings.CutPrefix(name, "List"); ok && rest != "" {
		return rest + "List"
	}
	return name
}

// Document returns the OpenAPI document of the management API.
func Document() ([]byte, error) {
	h := &handler{Config: Config{Log: slog.New(slog.DiscardHandler)}, mux: newRoutes(metrics.New(time.Now))}
	h.api()
	return h.reference.document()
}

// openAnswers lets answers have more fields than the document knows: a later release may add some, and a program that was
// made from this document must not stumble. What is sent to us stays exact.
func openAnswers(d *huma.OpenAPI) {
	schemas, sent := d.Components.Schemas, map[string]bool{}
	for _, op := range operationsOf(d) {
		if op.RequestBody != nil {
			reach(schemas, op.RequestBody.Content[mediaJSON].Schema, sent)
		}
	}
	for name, s := range schemas.Map() {
		if closed, ok := s.AdditionalProperties.(bool); ok && !closed && !sent[name] {
			s.AdditionalProperties = nil
		}
	}
}

// reach notes the names of the schemas that one leads to.
func reach(schemas huma.Registry, s *huma.Schema, found map[string]bool) {
	if s.Ref != "" {
		found[strings.TrimPrefix(s.Ref, schemaPrefix)] = true
		s = schemas.SchemaFromRef(s.Ref)
	}
	for _, p := range s.Properties {
		reach(schemas, p, found)
	}
	if s.Items != nil {
		reach(schemas, s.Items, found)
	}
}

// encode writes the document so that equal ones are equal byte for byte, and a change of one line is one.
func encode(document *huma.OpenAPI) ([]byte, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(value)
	return b.Bytes(), err
}
