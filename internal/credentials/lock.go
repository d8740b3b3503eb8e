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
	lockPace     = 10 * time.Millisecond // between two looks at a lock that another process holds
	lockPatience = time.Minute           // of whoever writes without a context of his own
)

// errHeld is what tryLock returns where somebody else holds the lock.
var errHeld = errors.New("held by another process")

// lock takes the lock of a token file, waits where another process holds it, and returns what releases it. The lock is a
// file beside the token file, since that one is replaced by another with every write. It is the system's and dies with its
// holder; the file stays, for removing it would let two processes hold locks of one name.
//
// Where the file system knows no locks there is none to hold: replacing is atomic all the same.
func lock(ctx context.Context, path string) (release func(), err error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := tryLock(file)
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			return func() { file.Close() }, nil
		}
		if errors.Is(err, errHeld) {
			err = pause(ctx, lockPace+rand.N(lockPace))
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

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
