package client

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	maxKept    = 1024             // tokens
	renewPace  = 10 * time.Second // at most, between two attempts to renew a token that still serves
	flightTime = 2 * time.Minute  // for one token, retries included
)

// fetch gets a new token.
type fetch func(ctx context.Context) (Token, error)

// cache keeps one token for each key, renews it ahead of its end, and has at most one request for it under way.
type cache struct {
	mu   sync.Mutex // never held during a request
	kept map[string]*kept
}

type kept struct {
	token  Token   // the zero one before the first
	flight *flight // the request that is under way; nil for none
}

// flight is one request, shared by all who wait for it.
type flight struct {
	done  chan struct{}
	token Token // valid once done is closed, as is err
	err   error
}

// get returns the token that is kept, or a new one where there is none that will be good when it is used. In the last
// third of its life it has it renewed without waiting for it.
func (c *cache) get(ctx context.Context, key string, log *slog.Logger, get fetch) (Token, error) {
	token, f := c.look(ctx, key, log, get)
	if f == nil || token.usable(time.Now()) {
		return token, nil
	}
	return f.wait(ctx)
}

// renewed is get for who has time: it waits for a renewal that is due, and returns the old token where that fails and it
// still serves.
func (c *cache) renewed(ctx context.Context, key string, log *slog.Logger, get fetch) (Token, error) {
	token, f := c.look(ctx, key, log, get)
	if f == nil {
		return token, nil
	}
	successor, err := f.wait(ctx)
	if err != nil && token.usable(time.Now()) {
		return token, nil
	}
	return successor, err
}

// look returns the token that is kept and the request for its successor, nil where none is due.
func (c *cache) look(ctx context.Context, key string, log *slog.Logger, get fetch) (Token, *flight) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[key]
	if k == nil {
		k = &kept{}
		c.add(key, k, now)
	}
	if k.flight == nil && (!now.Before(k.token.renewAt) || !k.token.usable(now)) {
		k.flight = &flight{done: make(chan struct{})}
		// Others wait for this token too: it must not end with the call that happened to ask for it first.
		go c.fly(context.WithoutCancel(ctx), k, k.flight, log, get)
	}
	return k.token, k.flight
}

// add makes room for a token: what has ended goes first.
func (c *cache) add(key string, k *kept, now time.Time) {
	if c.kept == nil {
		c.kept = map[string]*kept{}
	}
	for _, ended := range []bool{true, false} {
		for other, o := range c.kept {
			if len(c.kept) >= maxKept && o.flight == nil && (!ended || !o.token.usable(now)) {
				delete(c.kept, other)
			}
		}
	}
	c.kept[key] = k
}

func (c *cache) fly(ctx context.Context, k *kept, f *flight, log *slog.Logger, get fetch) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	f.token, f.err = get(ctx)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k.flight = nil
	switch {
	case f.err == nil:
		// Programs that were started together do not renew together.
		f.token.renewAt = f.token.issued.Add(f.token.life()*2/3 + rand.N(f.token.life()/12+1))
		k.token = f.token
	case k.token.usable(now):
		k.token.renewAt = now.Add(k.token.pace())
		log.WarnContext(ctx, "nsc: token not renewed", "ends", k.token.ExpiresAt, "error", f.err)
	}
}

func (f *flight) wait(ctx context.Context) (Token, error) {
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
}
