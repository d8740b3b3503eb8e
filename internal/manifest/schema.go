package manifest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/nsc-federation/nsc/internal/preset"
)

// node is a part of a JSON Schema; its members are written in the order of their names.
type node map[string]any

// Schema returns the JSON Schema of the format, for editors. It is made from the types that files are read into.
func Schema() ([]byte, error) {
	s := schema(reflect.TypeFor[File]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "nsc manifest: whom workspaces trust"
	s["properties"].(node)["version"].(node)["const"] = Version
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

func schema(of reflect.Type) node {
	switch of.Kind() {
	case reflect.Pointer:
		return schema(of.Elem())
	case reflect.Struct:
		return object(of)
	case reflect.Slice:
		return node{"type": "array", "items": schema(of.Elem())}
	case reflect.Map:
		return node{"type": "object", "additionalProperties": text()}
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int:
		return node{"type": "integer"}
	}
	return text()
}

// text is what the format takes for a text: decimal digits as well.
func text() node { return node{"type": []string{"string", "integer"}} }

func object(of reflect.Type) node {
	properties, required := node{}, []string{}
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		property := schema(field.Type)
		property["description"] = field.Tag.Get("doc")
		switch field.Tag.Get("form") {
		case "name":
			property["pattern"] = nameForm.String()
		case "duration":
			property["examples"] = []string{"15m", "3600s", "1d12h"}
		case "kind":
			property["enum"] = []string{"discovery", "jwks_url", "jwks"}
		}
		if field.Tag.Get("need") != "" {
			required = append(required, name)
		}
		properties[name] = property
	}
	o := node{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if of == reflect.TypeFor[Trust]() {
		properties["preset"].(node)["enum"] = preset.Names()
		o["allOf"] = presets()
	}
	return o
}

// presets says of each preset which parameters stand in with.
func presets() []node {
	var all []node
	for _, p := range preset.All() {
		properties, required := node{}, []string{}
		for _, q := range p.Parameters {
			property := text()
			property["description"], property["pattern"], property["examples"] = q.Meaning, q.Pattern(), []string{q.Example}
			if q.Default != "" {
				property["default"] = q.Default
			}
			if q.Required {
				required = append(required, q.Name)
			}
			properties[q.Name] = property
		}
		all = append(all, node{
			"if": node{"properties": node{"preset": node{"const": p.Name}}, "required": []string{"preset"}},
			"then": node{
				"required":   []string{"with"},
				"properties": node{"with": node{"properties": properties, "required": required, "additionalProperties": false}},
			},
		})
	}
	return all
}
