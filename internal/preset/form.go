package preset

import "regexp"

// form is what the values of a parameter look like. Each is anchored at both ends and knows neither quotes, backslashes
// nor control characters; a star is in those alone that say so.
type form struct {
	says    string
	pattern *regexp.Regexp
}

// longest is the most bytes of a value.
const longest = 256

func (f form) admits(value string) bool { return len(value) <= longest && f.pattern.MatchString(value) }

func newForm(says, pattern string) form {
	return form{says, regexp.MustCompile(`^(?:` + pattern + `)$`)}
}

const (
	uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	slugPattern = `[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?`
	refPattern  = `[A-Za-z0-9][A-Za-z0-9._/@#+-]*`
	hostPattern = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*`
)

var (
	number = newForm("a number", `[1-9][0-9]{0,24}`)
	uuid   = newForm("a UUID in lower case", uuidPattern)
	slug   = newForm("letters, digits, '-', '_' and '.'", slugPattern)
	label  = newForm("lower-case letters, digits and '-'", `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?`)
	// title is what people call things: no colon, since that would begin another segment of the subject.
	title = newForm("letters, digits, spaces, '-', '_' and '.'", `[A-Za-z0-9_.-](?:[A-Za-z0-9_. -]*[A-Za-z0-9_.-])?`)
	ref   = newForm("the name of a branch or tag, without refs/", refPattern)
	refs  = newForm("the name of a branch or tag without refs/, which may end in /*, or * alone", `\*|`+refPattern+`(?:/\*)?`)
	// issuerURL is HTTPS but for loopback, which `nsc dev` takes: the server judges that.
	issuerURL = newForm("an HTTPS URL without query, fragment or user", `https?://`+hostPattern+`(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?`)
)

// oneWord takes some words and no others.
func oneWord(words string) form {
	return newForm("one of "+regexp.MustCompile(`\|`).ReplaceAllString(words, ", "), words)
}
