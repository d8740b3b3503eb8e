package identity

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// nameserver answers with what the test says at that moment.
type nameserver struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr // by name
	conn    net.PacketConn
}

func newNameserver(t *testing.T) *nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameserver{answers: map[string][]netip.Addr{}, conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); n.serve() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return n
}

func (n *nameserver) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *nameserver) say(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[name] = nil
	for _, addr := range addrs {
		n.answers[name] = append(n.answers[name], netip.MustParseAddr(addr))
	}
}

func (n *nameserver) serve() {
	packet := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if _, err := n.conn.WriteTo(n.reply(packet[:size]), from); err != nil {
			return
		}
	}
}

// reply answers one question (RFC 1035 §4.1): the header, the question as it came, and the records, each of which names
// the question by a pointer to it.
func (n *nameserver) reply(query []byte) []byte {
	const header = 12
	labels, end := []string{}, header
	for query[end] != 0 {
		size := int(query[end])
		labels = append(labels, string(query[end+1:end+1+size]))
		end += 1 + size
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	end += 5
	n.mu.Lock()
	addrs, known := n.answers[strings.Join(labels, ".")]
	n.mu.Unlock()
	flags, count := uint16(0x8180), uint16(0)
	if !known {
		flags |= 3 // no such name
	}
	var records []byte
	for _, addr := range addrs {
		if want := map[bool]uint16{true: 1, false: 28}[addr.Is4()]; want == kind { // A or AAAA
			bytes := addr.AsSlice()
			records = append(records, 0xc0, header, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(bytes)))
			records = append(records, bytes...)
			count++
		}
	}
	reply := append([]byte{}, query[:2]...)
	for _, field := range []uint16{flags, 1, count, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, field)
	}
	return append(append(reply, query[header:end]...), records...)
}
