package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Load reads a file. Where there is none, the error is fs.ErrNotExist; every other error is a *failure.Failure that
// says what is wrong with the file and what to do.
func Load(path string, source Source) (Credential, error) {
	content, err := read(path, source)
	if err != nil {
		return Credential{}, err
	}
	stored, err := Parse(content)
	if err != nil {
		return Credential{}, unusable(path, source, err)
	}
	c, err := Read(stored)
	if err != nil {
		return Credential{}, unusable(path, source, err)
	}
	c.Path, c.Source = path, source
	return c, nil
}

func unusable(path string, source Source, err error) error {
	return failure.Wrap(failure.Refused, err, fmt.Sprintf("the token file %s %v", path, err), source.Remedy())
}

func read(path string, source Source) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, unreadable(path, source, err)
	}
	defer file.Close()
	state, err := file.Stat()
	if err != nil {
		return nil, unreadable(path, source, err)
	}
	if err := checkState(path, source, state); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		return nil, unreadable(path, source, err)
	case len(content) > MaxFile:
		return nil, failure.New(failure.Refused, fmt.Sprintf("the token file %s is larger than %d KiB", path, MaxFile>>10),
			source.Remedy())
	}
	return content, nil
}

func unreadable(path string, source Source, err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return failure.Wrap(failure.Refused, err, fmt.Sprintf("the token file %s cannot be read: %v", path, err),
		"make it readable to yourself; else "+source.Remedy())
}

// checkState refuses what others may read: whoever reads a bearer token has it. A workload's file is laid by its
// platform, often readable to a group and on a read-only mount; there only writing is refused.
func checkState(path string, source Source, state fs.FileInfo) error {
	if state.IsDir() {
		return failure.New(failure.Refused, fmt.Sprintf("the token file %s is a folder", path), source.Remedy())
	}
	forbidden := fs.FileMode(0o077)
	if source == Workload {
		forbidden = 0o022
	}
	if runtime.GOOS == "windows" || state.Mode().Perm()&forbidden == 0 {
		return nil
	}
	return failure.New(failure.Refused,
		fmt.Sprintf("the token file %s is open to other users (mode %04o)", path, state.Mode().Perm()),
		fmt.Sprintf("close it: chmod 600 %s", path))
}

// Save replaces a file by another atomically, while no other process renews it. Missing folders are made, for the owner
// alone.
func Save(path string, s Stored) error {
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = locked(path, func() error { return save(path, s) })
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}

// save is Save for whoever holds the lock.
func save(path string, s Stored) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return Replace(path, append(content, '\n'))
}

// Replace replaces a file by another with this content, for the owner alone: written beside it, flushed to the disk,
// renamed. A crash leaves the old file or the new one, and no reader sees half of it.
func Replace(path string, content []byte) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, ".token-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // after the rename there is nothing of that name
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the new name durable. Windows has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func unwritable(path string, err error) error {
	return failure.Wrap(failure.Failed, err, fmt.Sprintf("the sign-in cannot be kept in %s: %v", path, err),
		"make the folder writable, or set XDG_CONFIG_HOME to one that is")
}
