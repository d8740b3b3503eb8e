package manifest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// maxFiles is how many files a folder's manifest may have.
const maxFiles = 1000

// Load reads a file, or all files of a folder that end in .yaml or .yml as one manifest. The folders below are not read.
func Load(path string) (File, error) {
	about, err := os.Stat(path)
	if err != nil {
		return File{}, unreadable(path, err)
	}
	names := []string{path}
	if about.IsDir() {
		if names, err = files(path); err != nil {
			return File{}, err
		}
	}
	var whole File
	for _, name := range names {
		f, err := load(name)
		if err != nil {
			return File{}, err
		}
		if err := whole.join(f, name); err != nil {
			return File{}, err
		}
	}
	return whole, nil
}

func unreadable(path string, err error) error {
	var cause *os.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return &Error{File: path, Problem: "cannot be read: " + err.Error()}
}

func files(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, unreadable(folder, err)
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			names = append(names, filepath.Join(folder, e.Name()))
		}
	}
	switch {
	case len(names) == 0:
		return nil, &Error{File: folder, Problem: "has no file that ends in .yaml or .yml"}
	case len(names) > maxFiles:
		return nil, &Error{File: folder, Problem: "has too many files"}
	}
	return names, nil
}

// load reads a file that is not larger than it may be, whatever it says of its size.
func load(name string) (File, error) {
	file, err := os.Open(name)
	if err != nil {
		return File{}, unreadable(name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return File{}, unreadable(name, err)
	}
	return Read(text, name)
}

// join adds what another file of the folder declares: of the same manifest, and nothing twice.
func (f *File) join(more File, name string) error {
	if f.Manifest == "" {
		*f = more
		return nil
	}
	if more.Manifest != f.Manifest {
		return &Error{File: name, Problem: "is of the manifest " + more.Manifest + ", and the files before it of " + f.Manifest + "; a folder is one manifest"}
	}
	for _, w := range more.Workspaces {
		i := slices.IndexFunc(f.Workspaces, func(other Workspace) bool { return other.Name == w.Name })
		if i < 0 {
			f.Workspaces = append(f.Workspaces, w)
			continue
		}
		for _, t := range w.Trusts {
			if slices.ContainsFunc(f.Workspaces[i].Trusts, func(other Trust) bool { return other.Name == t.Name }) {
				return &Error{File: name, Problem: "trust " + t.Name + " of workspace " + w.Name + " is in another file of the folder, too"}
			}
		}
		f.Workspaces[i].Trusts = append(f.Workspaces[i].Trusts, w.Trusts...)
	}
	return nil
}
