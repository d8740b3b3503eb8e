package credentials

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

const (
	lockSuffix   = ".lock"
	lockPace     = 10 * time.Millisecond // between two looks at a lock that another process holds
	lockPatience = time.Minute           // of whoever writes without a context of his own
)

// errHeld is what tryLock returns where somebody else holds the lock.
var errHeld = errors.New("held by another process")

// lock takes the lock of a token file, waits where another process holds it, and returns what releases it. The lock is a
// file beside the token file, since that one is replaced by another with every write. It is the system's and dies with its
// holder; the file stays until its holder removes it with the token file. Whoever waited for that one then has a lock that
// nobody else will meet, and begins again with the file that has the name now: so no two hold locks of one name.
//
// Where the file system knows no locks there is none to hold: replacing is atomic all the same.
func lock(ctx context.Context, path string) (release func(), err error) {
	for {
		file, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = wait(ctx, file)
		if errors.Is(err, errors.ErrUnsupported) || err == nil && stillNamed(file) {
			return func() { file.Close() }, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}

// wait takes the lock of an open file.
func wait(ctx context.Context, file *os.File) error {
	for {
		err := tryLock(file)
		if !errors.Is(err, errHeld) {
			return err
		}
		select {
		case <-time.After(lockPace + rand.N(lockPace)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stillNamed reports whether an open file is the one that has its name.
func stillNamed(file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(opened, named)
}

// removeLock removes the lock of a token file that is gone. Only its holder may, as the last thing before he releases it.
// Windows removes no file that is open: there it stays.
func removeLock(path string) { _ = os.Remove(path + lockSuffix) }

// locked runs what writes to a token file while nobody else does.
func locked(path string, write func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	release, err := lock(ctx, path)
	if err != nil {
		return tooLong(err)
	}
	defer release()
	return write()
}

// tooLong words the end of somebody's patience with whoever holds a lock; other errors stay as they are.
func tooLong(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("another process has been renewing it for %v: %w", lockPatience, err)
}
