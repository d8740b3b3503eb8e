package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
)

// BenchmarkIDToken is what a caller pays before each of his calls: the token is kept.
func BenchmarkIDToken(b *testing.B) {
	bearer := mint(base+"/w/prod", base+"/w/prod", 0, time.Hour)
	s := newFake()
	s.life = time.Hour
	c := &client.Client{HTTPClient: s.client(), Source: func(context.Context) (string, error) { return bearer, nil }}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.IDToken(b.Context(), audience); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
