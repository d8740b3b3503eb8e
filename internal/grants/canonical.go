package grants

import "strings"

// plain writes the dots and slashes of a path as themselves: percent-encoded ones are read as such by whoever decodes the
// path once more (RFC 3986 §6.2.2.2), and a backslash is a slash to some.
var plain = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/", `\`, "/")

// Canonical reports whether the ID of a resource, where its type has paths, names it in the one way that there is: without
// the segments "." and ".." (RFC 3986 §5.2.4) and without empty ones, save after a final slash. Read as text,
// host/api/../admin is below host/api/; to the service that is asked for it, it is not.
func Canonical(resourceType, resourceID string) bool {
	if resourceType != HTTP && resourceType != Registry {
		return true
	}
	path := resourceID
	if strings.ContainsAny(path, `%\`) {
		path = plain.Replace(path)
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if i := strings.IndexAny(segment, ";?#"); i >= 0 { // to some "..;x" is ".." with a parameter
			segment = segment[:i]
		}
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
