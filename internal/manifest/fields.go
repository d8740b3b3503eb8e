package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/span"
)

// Field is what differs in one field of a trust. Of a field with several values, such as grants, each is one.
type Field struct {
	Name   string `json:"field"`
	Before string `json:"before,omitempty"` // "" where there is none
	After  string `json:"after,omitempty"`
}

// value is one value of a field.
type value struct{ name, text string }

// values returns a trust by its fields, in the order in which people read them. What says nothing is left out.
func values(t policy.Trust) []value {
	all := []value{
		{"issuer", t.Issuer}, {"subject_match", t.SubjectMatch}, {"audience", t.Audience}, {"condition", t.Condition},
	}
	for _, name := range slices.Sorted(maps.Keys(t.Mappings)) {
		all = append(all, value{"mappings." + name, t.Mappings[name]})
	}
	for _, g := range t.Grants {
		all = append(all, value{"grants", fmt.Sprintf("%s %s: %s", g.ResourceType, g.ResourceID, strings.Join(g.Actions, ", "))})
	}
	all = append(all,
		value{"default_token_duration", span.Text(t.DefaultDuration)}, value{"max_token_duration", span.Text(t.MaxDuration)},
		value{"max_external_lifetime", span.Text(t.MaxLifetime)}, value{"single_use", flag(t.SingleUse)},
		value{"disabled", flag(!t.Enabled)}, value{"allow_shared_audience", flag(t.AllowSharedAudience)},
		value{"accept_delegation", flag(t.AcceptDelegation)}, value{"description", t.Description}, value{"managed_by", t.ManagedBy},
		value{"key_source.kind", string(t.KeySource.Kind)}, value{"key_source.url", t.KeySource.URL},
		value{"key_source.ca", digest(t.KeySource.CA)}, value{"key_source.jwks", digest(t.KeySource.JWKS)},
		value{"key_source.not_after", moment(t.KeySource.NotAfter)},
	)
	return slices.DeleteFunc(all, func(v value) bool { return v.text == "" })
}

func flag(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// digest stands for a document that is too long to show.
func digest(document string) string {
	if document == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(document))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// diff returns what differs. A field that has one value before and one after is one difference.
func diff(before, after []value) []Field {
	var all []Field
	for _, name := range names(before, after) {
		gone, come := minus(named(before, name), named(after, name)), minus(named(after, name), named(before, name))
		if len(gone) == 1 && len(come) == 1 {
			all = append(all, Field{name, gone[0], come[0]})
			continue
		}
		for _, text := range gone {
			all = append(all, Field{Name: name, Before: text})
		}
		for _, text := range come {
			all = append(all, Field{Name: name, After: text})
		}
	}
	return all
}

// names returns the names of fields in the order of the first list, with those of the second alone after them.
func names(lists ...[]value) []string {
	var all []string
	for _, list := range lists {
		for _, v := range list {
			if !slices.Contains(all, v.name) {
				all = append(all, v.name)
			}
		}
	}
	return all
}

func named(list []value, name string) []string {
	var texts []string
	for _, v := range list {
		if v.name == name {
			texts = append(texts, v.text)
		}
	}
	return texts
}

func minus(list, others []string) []string {
	return slices.DeleteFunc(list, func(text string) bool { return slices.Contains(others, text) })
}
