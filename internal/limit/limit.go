// Package limit bounds how often something may be asked. Its memory is bounded, too: what was unused for longest is
// forgotten first, and begins anew with a full bucket.
package limit

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/nsc-federation/nsc/internal/fault"
)

const (
	heldBuckets = 1 << 16
	burstTimes  = 4 // how many seconds' worth may come at once
)

// Buckets is a set of token buckets by key. Nil limits nothing.
type Buckets struct {
	limit rate.Limit
	burst int
	held  *lru.Cache[string, *rate.Limiter]
}

// New returns buckets that let so many through per second and key; nil, which limits nothing, for zero.
func New(perSecond float64) *Buckets {
	if perSecond <= 0 {
		return nil
	}
	held, err := lru.New[string, *rate.Limiter](heldBuckets)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Buckets{rate.Limit(perSecond), max(1, int(perSecond*burstTimes)), held}
}

// Take takes one from the bucket of a key, or returns a fault that says when there will be one.
func (b *Buckets) Take(key string) error {
	if b == nil {
		return nil
	}
	limiter, ok := b.held.Get(key)
	if !ok {
		limiter = rate.NewLimiter(b.limit, b.burst)
		if held, present, _ := b.held.PeekOrAdd(key, limiter); present {
			limiter = held
		}
	}
	if limiter.Allow() {
		return nil
	}
	f := fault.Newf(fault.TooMany, "%s is over %g per second", key, float64(b.limit))
	f.RetryAfter = max(time.Second, time.Duration(float64(time.Second)/float64(b.limit)))
	return f
}
