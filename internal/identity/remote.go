package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/trace"
)

// How old keys may become (rule 15).
const (
	maxAge       = 5 * time.Minute  // a set is believed for so long
	refreshAge   = 4 * time.Minute  // and renewed in the background from here on, so that nobody has to wait
	maxExtension = time.Hour        // an outage of the issuer extends maxAge by so much
	outageProof  = time.Minute      // a failed attempt is believed to be the present state of the issuer for so long
	coolDown     = 10 * time.Second // between two fetches from one source
	retryPace    = 30 * time.Second // between two attempts in the background
	fetchTime    = 5 * time.Second  // for one fetch: discovery and key set together
)

var (
	errBudget     = errors.New("the workspace's budget of key fetches is used up")
	errCoolDown   = errors.New("keys were asked of this source less than ten seconds ago")
	errUnknownKey = errors.New("the key is not in the set that was fetched before the token came")
)

// remote is the key set of one source that is fetched, and what is known of the source's health.
//
// A set is replaced, never merged, so a key that the issuer withdrew is gone with the next fetch. An outage (the network,
// a 5xx) extends the set at hand by an hour at most, and a minute at a time, so that somebody keeps asking. Any other
// failure is an answer of the issuer, even if a broken one: it ends every extension until a fetch succeeds again.
type remote struct {
	sources *sources
	tenant  Tenant
	issuer  string
	src     KeySource

	mu        sync.Mutex // never held during a fetch
	set       jwt.KeySet
	origin    string
	began     time.Time // of the fetch that gave set
	goodUntil time.Time // zero while there is no set
	answered  bool      // the issuer answered something useless since
	tried     time.Time // when the last fetch began
	flight    *flight   // the fetch that is under way; nil for none
}

// flight is one fetch, shared by all who wait for it.
type flight struct {
	done chan struct{}
	err  error // valid once done is closed
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// current returns the set at hand and whether it may be believed.
func (r *remote) current() (set jwt.KeySet, origin string, good bool) {
	now := r.sources.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set, r.origin, now.Before(r.goodUntil)
}

// refreshAhead starts a fetch, without waiting for it, where the set is about to grow too old.
func (r *remote) refreshAhead(ctx context.Context) {
	now := r.sources.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil && now.Sub(r.began) >= refreshAge && now.Sub(r.tried) >= retryPace &&
		r.sources.budget.take(r.tenant.ID) == 0 {
		r.start(ctx, now)
	}
}

// launch joins the fetch that is under way or starts one, which mine tells.
func (r *remote) launch(ctx context.Context) (f *flight, mine bool, err error) {
	now := r.sources.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		return r.flight, false, nil
	}
	if wait := r.cooling(now); wait > 0 {
		return nil, false, unavailable(errCoolDown, wait)
	}
	if wait := r.sources.budget.take(r.tenant.ID); wait > 0 {
		return nil, false, unavailable(errBudget, wait)
	}
	return r.start(ctx, now), true, nil
}

// coolDown returns how long until the source may be asked again.
func (r *remote) coolDown() time.Duration {
	now := r.sources.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cooling(now)
}

func (r *remote) cooling(now time.Time) time.Duration {
	if r.tried.IsZero() {
		return 0
	}
	return r.tried.Add(coolDown).Sub(now)
}

func (r *remote) start(ctx context.Context, now time.Time) *flight {
	f := &flight{done: make(chan struct{})}
	r.flight, r.tried = f, now
	// Others wait for this fetch too: it must not end with the request that happened to begin it.
	go r.fly(context.WithoutCancel(ctx), f)
	return f
}

func (r *remote) fly(ctx context.Context, f *flight) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	ctx, span := trace.Begin(ctx, trace.KeyFetch)
	set, origin, err := r.fetch(ctx)
	span.End(err)
	if err != nil {
		r.sources.log.WarnContext(ctx, "keys not fetched", "workspace", r.tenant.Name, "issuer", r.issuer, "error", detailed(err))
	}
	f.err = err
	r.settle(set, origin, err)
}

// fetch turns a panic into a failure: the document is a stranger's, and no request's recover stands around this goroutine.
func (r *remote) fetch(ctx context.Context) (set jwt.KeySet, origin string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &failure{class: badDocument, detail: fmt.Errorf("panic: %v", p)}
		}
	}()
	return r.sources.fetch(ctx, r.tenant, r.issuer, r.src)
}

func (r *remote) settle(set jwt.KeySet, origin string, err error) {
	now := r.sources.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flight = nil
	switch aged := r.began.Add(maxAge); {
	case err == nil:
		r.set, r.origin, r.began, r.answered = set, origin, r.tried, false
		r.goodUntil = r.began.Add(maxAge)
	case !isOutage(err):
		r.answered = true
		r.goodUntil = earlier(r.goodUntil, aged)
	case !r.goodUntil.IsZero() && !r.answered:
		r.goodUntil = later(aged, earlier(now.Add(outageProof), aged.Add(maxExtension)))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
