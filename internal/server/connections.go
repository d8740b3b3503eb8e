package server

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
)

const (
	maxConnections  = 20000
	maxPerAddress   = 512 // connections of one address (/64 for IPv6)
	otherFiles      = 512 // descriptors that are not callers' connections
	leastConnection = 64
)

// connectionLimit returns how many connections the process can hold beside its other files.
func connectionLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > maxConnections+otherFiles {
		return maxConnections
	}
	return max(leastConnection, int(files.Cur)-otherFiles)
}

// fairListener bounds the connections of one address, so that nobody alone can take all. Those of trusted proxies, and of
// this machine, are many callers' and are not bounded.
type fairListener struct {
	net.Listener
	proxies []netip.Prefix

	mu   sync.Mutex
	open map[netip.Prefix]int
}

func newFairListener(l net.Listener, proxies []netip.Prefix) *fairListener {
	return &fairListener{Listener: l, proxies: proxies, open: map[netip.Prefix]int{}}
}

// Accept returns the next connection of an address that has not too many.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, bounded := l.bounded(conn.RemoteAddr())
		if !bounded {
			return conn, nil
		}
		if l.enter(from) {
			return &fairConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = conn.Close() // one too many
	}
}

func (l *fairListener) bounded(addr net.Addr) (netip.Prefix, bool) {
	tcp, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Prefix{}, false
	}
	ip := tcp.Addr().Unmap().WithZone("")
	if ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	for _, p := range l.proxies {
		if p.Contains(ip) {
			return netip.Prefix{}, false
		}
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.Prefix(bits)
	return prefix, err == nil
}

func (l *fairListener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= maxPerAddress {
		return false
	}
	l.open[from]++
	return true
}

func (l *fairListener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

type fairConn struct {
	net.Conn
	leave func()
}

// Close gives the place back.
func (c *fairConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
