package manifest

import (
	"regexp"
	"strconv"
)

// namePattern is the form of the names of manifests and trusts, which the label joins by a slash.
const namePattern = `[a-z0-9][a-z0-9._-]{0,62}`

var nameForm = regexp.MustCompile(`^` + namePattern + `$`)

// check refuses what each member by itself does not show: another version, names of another form, and names that come twice.
func (r *reader) check(f File) error {
	if f.Version != Version {
		return r.wrong(r.line[""], "version is %d, and this release knows %d", f.Version, Version)
	}
	if !nameForm.MatchString(f.Manifest) {
		return r.wrong(r.line[""], "manifest is %q, and must be %s", f.Manifest, nameWords)
	}
	workspaces := map[string]bool{}
	for i, w := range f.Workspaces {
		at := element("workspaces", i)
		if workspaces[w.Name] {
			return r.wrong(r.line[at], "workspace %q comes twice", w.Name)
		}
		workspaces[w.Name] = true
		if err := r.checkTrusts(w, at); err != nil {
			return err
		}
	}
	return nil
}

const nameWords = "lower-case letters, digits, '-', '_' and '.', at most 63"

func (r *reader) checkTrusts(w Workspace, at string) error {
	names := map[string]bool{}
	for i, t := range w.Trusts {
		line := r.line[element(at+".trusts", i)]
		switch {
		case !nameForm.MatchString(t.Name):
			return r.wrong(line, "the name of a trust is %q, and must be %s", t.Name, nameWords)
		case names[t.Name]:
			return r.wrong(line, "trust %q comes twice in workspace %s", t.Name, w.Name)
		}
		names[t.Name] = true
	}
	return nil
}

func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
