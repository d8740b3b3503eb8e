package manifest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/span"
)

// Export returns a manifest that declares what a workspace has: the trusts that the manifest of this name applied, under
// their names, and those that were made by hand, to be adopted under names made of what they say. What other manifests
// declare stays theirs; their labels are returned.
func Export(manifest, workspace string, present []Kept) (File, []string, error) {
	if !nameForm.MatchString(manifest) {
		return File{}, nil, &Error{Problem: "the manifest's name is " + strconv.Quote(manifest) + ", and must be " + nameWords}
	}
	w := Workspace{Name: workspace, Trusts: []Trust{}}
	used, others := map[string]bool{}, []string{}
	for _, t := range present {
		if name, ours := strings.CutPrefix(t.ManagedBy, manifest+"/"); ours {
			used[name] = true
		}
	}
	for _, t := range present {
		kept, err := t.trust()
		if err != nil {
			return File{}, nil, err
		}
		name, ours := strings.CutPrefix(t.ManagedBy, manifest+"/")
		switch {
		case ours:
			w.Trusts = append(w.Trusts, declared(kept, name, ""))
		case t.ManagedBy == "":
			w.Trusts = append(w.Trusts, declared(kept, free(t, used), t.ID))
		default:
			others = append(others, t.ManagedBy)
		}
	}
	return File{Version: Version, Manifest: manifest, Workspaces: []Workspace{w}}, others, nil
}

// declared returns the declaration of a trust. What is the default is left out.
func declared(t policy.Trust, name, adopt string) Trust {
	d := Trust{
		Name: name, Adopt: adopt, Issuer: t.Issuer, SubjectMatch: t.SubjectMatch, Audience: t.Audience, Condition: t.Condition,
		Mappings: t.Mappings, SingleUse: t.SingleUse, Disabled: !t.Enabled, AllowSharedAudience: t.AllowSharedAudience,
		AcceptDelegation: t.AcceptDelegation, Description: t.Description,
	}
	for _, g := range t.Grants {
		d.Grants = append(d.Grants, Grant(g))
	}
	d.DefaultDuration, d.MaxDuration, d.MaxLifetime = span.Text(t.DefaultDuration), span.Text(t.MaxDuration), span.Text(t.MaxLifetime)
	k := t.KeySource
	if k.URL != "" || k.CA != "" || k.JWKS != "" {
		d.KeySource = &KeySource{Kind: string(k.Kind), URL: k.URL, CA: k.CA, JWKS: k.JWKS}
		if !k.NotAfter.IsZero() {
			d.KeySource.NotAfter = k.NotAfter.UTC().Format(time.RFC3339Nano)
		}
	}
	return d
}

var noName = regexp.MustCompile(`[^a-z0-9]+`)

// longestSlug leaves room for a number after it.
const longestSlug = 48

// free returns a name for a trust that none has yet: of its description, or else of its subject.
func free(t Kept, used map[string]bool) string {
	slug := ""
	for _, text := range []string{t.Description, t.SubjectMatch, "trust"} {
		if slug = noName.ReplaceAllString(strings.ToLower(text), "-"); len(slug) > longestSlug {
			slug = slug[:longestSlug]
		}
		if slug = strings.Trim(slug, "-"); slug != "" {
			break
		}
	}
	name := slug
	for n := 2; used[name]; n++ {
		name = slug + "-" + strconv.Itoa(n)
	}
	used[name] = true
	return name
}
