// Command gendocs writes what the management API, its error codes and the metrics promise below a folder: openapi.json,
// errors.md and metrics.md. All of it comes from the code that keeps the promise.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/nsc-federation/nsc/internal/web"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs FOLDER")
		os.Exit(2)
	}
	files, err := files()
	if err == nil {
		err = write(os.Args[1], files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// files returns the contents of the reference by name.
func files() (map[string][]byte, error) {
	document, err := web.Document()
	if err != nil {
		return nil, err
	}
	codes, err := codesOf(document)
	if err != nil {
		return nil, err
	}
	families, err := families()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"openapi.json": document, "errors.md": errorsPage(codes), "metrics.md": metricsPage(families),
	}, nil
}

func write(folder string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
