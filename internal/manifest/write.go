package manifest

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Text returns the manifest as a file: what Read reads back to the same. A text that could be taken for anything else is in
// quotes, escaped as in JSON.
func (f File) Text() []byte {
	var w writer
	w.object(reflect.ValueOf(f), "")
	return []byte(w.String())
}

type writer struct{ strings.Builder }

// member is a field or a key with its value.
type member struct {
	name  string
	value reflect.Value
}

func members(v reflect.Value) []member {
	var all []member
	if v.Kind() == reflect.Map {
		for _, key := range v.MapKeys() {
			all = append(all, member{scalar(key.String()), v.MapIndex(key)})
		}
		slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.name, b.name) })
		return all
	}
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if options != "omitempty" || !v.Field(i).IsZero() {
			all = append(all, member{name, v.Field(i)})
		}
	}
	return all
}

// object writes the members of a struct or map, the first one where the line is already.
func (w *writer) object(v reflect.Value, indent string) {
	for i, m := range members(v) {
		if i > 0 {
			w.WriteString(indent)
		}
		w.WriteString(m.name + ":")
		w.value(m.value, indent)
	}
}

func (w *writer) value(v reflect.Value, indent string) {
	switch v.Kind() {
	case reflect.Pointer:
		w.value(v.Elem(), indent)
	case reflect.Struct, reflect.Map:
		w.WriteString("\n" + indent + "  ")
		w.object(v, indent+"  ")
	case reflect.Slice:
		w.list(v, indent)
	case reflect.Bool:
		w.WriteString(" " + strconv.FormatBool(v.Bool()) + "\n")
	case reflect.Int:
		w.WriteString(" " + strconv.FormatInt(v.Int(), 10) + "\n")
	default:
		w.WriteString(" " + scalar(v.String()) + "\n")
	}
}

func (w *writer) list(v reflect.Value, indent string) {
	if v.Len() == 0 {
		w.WriteString(" []\n")
		return
	}
	if v.Type().Elem().Kind() == reflect.String {
		var texts []string
		for i := range v.Len() {
			texts = append(texts, scalar(v.Index(i).String()))
		}
		w.WriteString(" [" + strings.Join(texts, ", ") + "]\n")
		return
	}
	w.WriteString("\n")
	for i := range v.Len() {
		w.WriteString(indent + "- ")
		w.object(v.Index(i), indent+"  ")
	}
}

// plainText is text that YAML takes for nothing else: it begins with a letter, and has no colon but within a word.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/@+=-]*(?:(?:[ :])?[A-Za-z0-9._/@+=-]+)*$`)

// words are texts that YAML, of one version or another, takes for something else.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}

func scalar(text string) string {
	if plainText.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a text always can be
	}
	return strings.TrimSuffix(b.String(), "\n")
}
