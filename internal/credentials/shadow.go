package credentials

import (
	"os"
	"path/filepath"
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
