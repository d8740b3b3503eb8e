package credentials

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// The flags of LockFileEx, and what it says of a lock that is held.
const (
	failImmediately = 0x1
	exclusiveLock   = 0x2
	lockViolation   = syscall.Errno(33)
)

func tryLock(file *os.File) error {
	ok, _, err := lockFileEx.Call(file.Fd(), exclusiveLock|failImmediately, 0, 1, 0, uintptr(unsafe.Pointer(new(syscall.Overlapped))))
	switch {
	case ok != 0:
		return nil
	case errors.Is(err, lockViolation):
		return errHeld
	}
	return err
}
