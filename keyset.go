package nsc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// How old keys may become.
const (
	maxAge       = 5 * time.Minute  // a set is believed for so long
	refreshAge   = 4 * time.Minute  // and renewed in the background from here on, so that nobody has to wait
	maxExtension = time.Hour        // an outage of the issuer extends maxAge by so much
	outageProof  = time.Minute      // a failed attempt is believed to be the present state of the issuer for so long
	coolDown     = 10 * time.Second // between two fetches that tokens ask for
	retryPace    = 30 * time.Second // between two attempts in the background
	fetchTime    = 5 * time.Second  // for one fetch: discovery and key set together
)

// health is what the last fetch said of the issuer.
type health int

const (
	well   health = iota
	outage        // the network, or a 5xx: the keys may well be what they were
	broken        // an answer that is no key set of this issuer: nothing more is believed until a good one
)

// keySet holds the keys of the issuer. A set is replaced, never merged, so that a key which the issuer withdrew is gone
// with the next fetch. There is no goroutine while no token comes: tokens drive the fetches, one at a time.
//
// An outage extends the set at hand by an hour at most, and a minute at a time, so that somebody keeps asking. A token
// with an unknown key ID causes a fetch, but no two within ten seconds, whatever is thrown at us.
type keySet struct {
	source source
	log    *slog.Logger

	mu     sync.Mutex  // never held during a fetch
	set    *jwt.KeySet // nil before the first success
	began  time.Time   // of the fetch that gave set
	tried  time.Time   // when the last fetch began
	health health
	flight *flight // the fetch that is under way; nil for none
}

// flight is one fetch, shared by all who wait for it.
type flight struct {
	done chan struct{}
	err  error // valid once done is closed
}

var (
	errCoolDown   = errors.New("they were asked for less than ten seconds ago")
	errUnknownKey = errors.New("the key is not among those that were fetched before the token came")
)

// current returns the set that may be believed, having waited for a fetch where there is none.
func (k *keySet) current(ctx context.Context) (*jwt.KeySet, error) {
	if set := k.believed(ctx); set != nil {
		return set, nil
	}
	set, _, err := k.fetched(ctx)
	return set, err
}

// find returns the keys that may have signed a token with this header, none where the issuer has no such key, and the
// set that they are from.
func (k *keySet) find(ctx context.Context, h jwt.Header) ([]jwt.Key, *jwt.KeySet, error) {
	if set := k.believed(ctx); set != nil {
		if keys := set.Candidates(h); len(keys) > 0 || h.KeyID == "" {
			return keys, set, nil
		}
	}
	set, newer, err := k.fetched(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys := set.Candidates(h)
	if len(keys) == 0 && h.KeyID != "" && !newer {
		return nil, nil, k.unavailable(errUnknownKey)
	}
	return keys, set, nil
}

// believed returns the set at hand, or nil where it may not be believed. It starts a fetch, without waiting for it, where
// the set is about to grow too old.
func (k *keySet) believed(ctx context.Context) *jwt.KeySet {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.good(now) {
		return nil
	}
	if k.flight == nil && now.Sub(k.began) >= refreshAge && now.Sub(k.tried) >= retryPace {
		k.start(ctx, now)
	}
	return k.set
}

func (k *keySet) good(now time.Time) bool {
	age := now.Sub(k.began)
	extended := k.health == outage && age < maxAge+maxExtension && now.Sub(k.tried) < outageProof
	return k.set != nil && (age < maxAge || extended)
}

// fetched waits for the fetch that is under way, or for one that it starts, and returns the set that is then believed.
// It is newer where it cannot lack a key that was published before the call.
func (k *keySet) fetched(ctx context.Context) (set *jwt.KeySet, newer bool, err error) {
	f, mine, err := k.launch(ctx)
	if err != nil {
		return nil, false, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, false, k.unavailable(ctx.Err())
	}
	if set := k.believed(ctx); set != nil {
		return set, mine && f.err == nil, nil
	}
	return nil, false, k.unavailable(f.err)
}

// launch joins the fetch that is under way or starts one, which mine tells.
func (k *keySet) launch(ctx context.Context) (f *flight, mine bool, err error) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight != nil {
		return k.flight, false, nil
	}
	if wait := k.cooling(now); wait > 0 {
		return nil, false, &KeysUnavailableError{max(wait, time.Second), errCoolDown}
	}
	return k.start(ctx, now), true, nil
}

func (k *keySet) cooling(now time.Time) time.Duration {
	if k.tried.IsZero() {
		return 0
	}
	return k.tried.Add(coolDown).Sub(now)
}

// unavailable is the error of keys that may be had once the cool-down is over.
func (k *keySet) unavailable(cause error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &KeysUnavailableError{max(k.cooling(time.Now()), time.Second), cause}
}

func (k *keySet) start(ctx context.Context, now time.Time) *flight {
	f := &flight{done: make(chan struct{})}
	k.flight, k.tried = f, now
	// Others wait for this fetch too: it must not end with the request that happened to begin it.
	go k.fly(context.WithoutCancel(ctx), f)
	return f
}

func (k *keySet) fly(ctx context.Context, f *flight) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	set, err := k.fetch(ctx)
	if err != nil {
		k.log.WarnContext(ctx, "nsc: keys not fetched", "issuer", k.source.issuer, "error", err)
	}
	f.err = err
	k.settle(set, err)
}

// fetch turns a panic into an error: the client's transport may be anybody's, and no recover stands around a goroutine.
func (k *keySet) fetch(ctx context.Context) (set jwt.KeySet, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return k.source.fetch(ctx)
}

func (k *keySet) settle(set jwt.KeySet, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flight = nil
	switch {
	case err == nil:
		k.set, k.began, k.health = &set, k.tried, well
	case !isOutage(err):
		k.health = broken
	case k.health == well:
		k.health = outage
	}
}
