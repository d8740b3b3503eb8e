package nsc

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func digestOf(n int) (d [sha256.Size]byte) {
	binary.BigEndian.PutUint64(d[:], uint64(n))
	return d
}

func TestRule17MemoryIsBounded(t *testing.T) {
	var c cache
	first := &verified{}
	c.put(digestOf(0), first)
	for n := range 10 * maxGeneration {
		c.put(digestOf(n+1), &verified{})
		if size := len(c.young) + len(c.old); size > 2*maxGeneration {
			t.Fatalf("%d tokens are remembered", size)
		}
		if n%1000 == 0 && c.get(digestOf(0)) != first {
			t.Fatalf("a token that is shown often was forgotten after %d others", n)
		}
	}
	if c.get(digestOf(1)) != nil {
		t.Error("a token that nobody shows any more is remembered")
	}
}
