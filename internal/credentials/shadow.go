package credentials

import (
	"os"
	"path/filepath"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Shadow returns the file that commands will use instead of a sign-in at the given path, and what names it. It is empty
// where they will use the sign-in: keychains are asked for by name and cannot be shadowed.
func (s Store) Shadow(keychain, path string) (file, named string) {
	if keychain != "" {
		return "", ""
	}
	if file := s.env("NSC_TOKEN_FILE"); file != "" {
		if samePath(file, path) {
			return "", ""
		}
		return file, "NSC_TOKEN_FILE"
	}
	if file := workloadFile(s.env); exists(file) && !samePath(file, path) {
		return file, "the workload's token file"
	}
	return "", ""
}

// CheckTarget refuses to keep a sign-in in the file that NSC_TOKEN_FILE names (rule 38), though it be in the user's folder:
// whoever named it relies on what is there.
func (s Store) CheckTarget(path string) error {
	if !s.named(path) {
		return nil
	}
	return failure.Misuse("NSC_TOKEN_FILE names "+path+", which is where this sign-in would be kept; a file that is named so is never written",
		"unset NSC_TOKEN_FILE: commands find that file without it; or keep the sign-in elsewhere, by --keychain NAME")
}

// named reports whether NSC_TOKEN_FILE names the file.
func (s Store) named(path string) bool {
	file := s.env("NSC_TOKEN_FILE")
	return file != "" && samePath(file, path)
}

func samePath(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
