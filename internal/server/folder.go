package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nsc-federation/nsc/internal/failure"
)

// folder is the data folder, locked by this process.
type folder struct {
	path string
	lock *os.File
}

// The purposes of a data folder, kept in it: what nsc dev made by itself must not become somebody's production.
const (
	purposeDev    = "dev"
	purposeServer = "server"
)

// openFolder creates the folder where it is missing, takes its lock, and checks its purpose (rules 36 and 37).
func openFolder(path, purpose string) (*folder, error) {
	f, err := makeFolder(path)
	if err != nil {
		return nil, err
	}
	if err := f.claim(purpose); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// makeFolder creates the folder where it is missing, and takes its lock.
func makeFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, folderFailure(path, err)
	}
	return lockFolder(path)
}

// lockIfThere takes the lock of a folder that exists, and returns nil for one that does not.
func lockIfThere(path string) (*folder, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return lockFolder(path)
}

// errLocked is the cause where another process has the folder.
var errLocked = errors.New("the data folder is locked")

func lockFolder(path string) (*folder, error) {
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, folderFailure(path, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, failure.Wrap(failure.Failed, errLocked, "the data folder "+path+" is locked by another nsc server",
				"stop it first, and where several nodes have one database, all of them")
		}
		return nil, folderFailure(path, err)
	}
	return &folder{path, lock}, nil
}

// folderFailure says what to do about a folder that cannot be used.
func folderFailure(path string, err error) error {
	return failure.Wrap(failure.Failed, err, "data folder: "+err.Error(),
		"nsc makes and writes "+path+": name a folder that its user may write, by --data-dir or data_dir")
}

func (f *folder) claim(purpose string) error {
	name := filepath.Join(f.path, "purpose")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		err = replaceFile(name, []byte(purpose+"\n"), 0o600)
		text = []byte(purpose)
	}
	if err != nil {
		return folderFailure(f.path, err)
	}
	if found := strings.TrimSpace(string(text)); found != purpose {
		return fmt.Errorf("the data folder %s was made by nsc %s; nsc %s refuses it: use another --data-dir", f.path, found, purpose)
	}
	return nil
}

// close gives the folder up, where there is one.
func (f *folder) close() {
	if f == nil {
		return
	}
	_ = f.lock.Close() // and with it the lock
}

// replaceFile writes a file so that a reader, and whoever starts after this process was killed, sees the old or the new
// one, whole.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
