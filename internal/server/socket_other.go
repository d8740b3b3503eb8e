//go:build !linux

package server

import "fmt"

// maxSocketPath is what fits in the sockaddr_un of the BSDs, which is the smallest.
const maxSocketPath = 103

// longSocketPath has no /proc to reach the socket by.
func longSocketPath(dataDir string, _ func(path string) error) error {
	return fmt.Errorf("the path of the data folder %s is too long for a socket in it; give a shorter one: --data-dir", dataDir)
}
