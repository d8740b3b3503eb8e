package reference

import (
	"os"
	"path/filepath"
)

// Files returns the content of every file of the reference by its path.
func Files(pages []*Page) map[string]string {
	files := map[string]string{}
	for _, p := range pages {
		files[filepath.Join("cli", p.File()+".md")] = p.Markdown()
		files[filepath.Join("man", p.File()+".1")] = p.Man()
	}
	return files
}

// Write replaces the reference below a folder. Pages of commands that are no more are removed.
func Write(folder string, pages []*Page) error {
	for _, name := range []string{"cli", "man"} {
		if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			return err
		}
	}
	for path, content := range Files(pages) {
		if err := os.WriteFile(filepath.Join(folder, path), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
