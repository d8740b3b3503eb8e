package server

import "golang.org/x/sys/unix"

// peerUser returns the user at the other end of a socket.
func peerUser(fd int) (uid int, err error) {
	peer, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(peer.Uid), nil
}
