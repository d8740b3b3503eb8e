//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package credentials

import (
	"errors"
	"os"
	"syscall"
)

func tryLock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return errHeld
	case errors.Is(err, syscall.EINTR):
		return errHeld // to be tried again
	}
	return err
}
