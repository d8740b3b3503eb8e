package workspace

import "errors"

// MaxName is the longest name of a workspace, in bytes: one label of a host name.
const MaxName = 63

var errName = errors.New("a workspace's name is 1 to 63 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen")

// CheckName returns an error that says what a name must be, if this is not one. A name is part of the issuer and never
// changes.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > MaxName || name[0] < 'a' || name[0] > 'z' || name[len(name)-1] == '-' {
		return errName
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return errName
		}
	}
	return nil
}
