package credentials

import (
	"errors"
	"strings"
)

const maxName = 64

var errName = errors.New("must be 1 to 64 letters, digits, hyphens, underscores and dots, and begin with a letter or a digit")

// CheckName returns an error where the name of a keychain or a workspace may not become part of a file's name. The rest
// of what a workspace may be called is the server's to judge.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > maxName || strings.IndexByte("-_.", name[0]) >= 0 {
		return errName
	}
	for i := 0; i < len(name); i++ {
		if !nameByte(name[i]) {
			return errName
		}
	}
	return nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}
