package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const socketName = "admin.sock"

// socketPath calls use with a path of the administration socket that fits into a sockaddr_un.
func socketPath(dataDir string, use func(path string) error) error {
	path := filepath.Join(dataDir, socketName)
	if len(path) <= maxSocketPath {
		return use(path)
	}
	return longSocketPath(dataDir, use)
}

// listenAdmin listens on the administration socket. The folder's lock is held, so a socket that is there is a dead
// server's.
func listenAdmin(dataDir string) (net.Listener, error) {
	var listener net.Listener
	err := socketPath(dataDir, func(path string) error {
		_ = os.Remove(path) // a dead server's; Listen says what is wrong otherwise
		l, err := net.Listen("unix", path)
		if err != nil {
			return err
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false) // by a path that may not outlive this function; close removes it
		listener = l
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("administration socket: %w", err)
	}
	return peerListener{listener}, nil
}

// peerListener lets in only the user that the server runs as, and root (rule 37).
type peerListener struct{ net.Listener }

// Accept returns the next connection of an allowed user.
func (l peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if allowedPeer(conn) {
			return conn, nil
		}
		_ = conn.Close() // nobody we talk to
	}
}

// allowedPeer reports whether the kernel says that the other end is the server's user or root. Where it cannot be asked
// nobody is let in: the socket's mode alone does not show who opened it.
func allowedPeer(conn net.Conn) bool {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	uid, peerErr := -1, error(nil)
	err = raw.Control(func(fd uintptr) { uid, peerErr = peerUser(int(fd)) })
	return err == nil && peerErr == nil && (uid == 0 || uid == os.Geteuid())
}
