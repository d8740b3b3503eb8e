package server

import (
	"fmt"
	"os"
	"syscall"
)

// maxSocketPath is what fits in a sockaddr_un (unix(7)).
const maxSocketPath = 107

// longSocketPath reaches the socket through an open descriptor of its folder.
func longSocketPath(dataDir string, use func(path string) error) error {
	dir, err := os.Open(dataDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName))
}

// peerUser returns the user at the other end of a socket.
func peerUser(fd int) (uid int, err error) {
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(peer.Uid), nil
}
