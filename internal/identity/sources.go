package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// Bounds of what is kept.
const (
	maxRemotes = 10_000 // fetched key sets, of all workspaces
	maxUploads = 1_000  // parsed uploaded key sets
)

// sourceKey is what a key set belongs to. Two workspaces, two issuers or two sources never share one: a kid means
// nothing outside its set, and no workspace's cool-down is another's.
type sourceKey struct {
	workspaceID, issuer string
	kind                SourceKind
	url, ca             string
}

// inquiry asks for the keys that may have signed a token of the issuer with this header, shown to the tenant.
type inquiry struct {
	tenant Tenant
	issuer string
	src    KeySource
	header jwt.Header
}

type fetchFunc func(ctx context.Context, t Tenant, issuer string, src KeySource) (set jwt.KeySet, origin string, err error)

type localFunc func(issuer string) (keys func(context.Context) (jwt.KeySet, error), ok bool)

// sources has the keys of other issuers: fetched ones for a bounded time (see remote), uploaded ones until the end
// they were given, those of our own workspaces as they are at the moment.
type sources struct {
	fetch  fetchFunc
	local  localFunc
	now    func() time.Time
	log    *slog.Logger
	budget *budget

	mu      sync.Mutex // held for looks into the two maps, never during a fetch
	remotes *lru[sourceKey, *remote]
	uploads *lru[string, upload] // by the document
}

func newSources(fetch fetchFunc, local localFunc, now func() time.Time, log *slog.Logger) *sources {
	return &sources{
		fetch: fetch, local: local, now: now, log: log, budget: newBudget(now),
		remotes: newLRU[sourceKey, *remote](maxRemotes),
		uploads: newLRU[string, upload](maxUploads),
	}
}

// candidates returns the keys that are asked for, at least one, and where they came from. The zero source is that of an
// issuer that nobody trusts; it is refused as a bad signature is (rule 7).
func (s *sources) candidates(ctx context.Context, q inquiry) (keys []jwt.Key, origin string, err error) {
	switch keys, ours := s.ours(q.issuer); {
	case q.src.Kind == "":
		return nil, "", refuse("no trust in %q, so no keys of it", q.issuer)
	case ours:
		return localCandidates(ctx, keys, q.header)
	case q.src.Kind == JWKS:
		return s.uploadedCandidates(q.src, q.header)
	}
	return s.remoteCandidates(ctx, q)
}

func (s *sources) ours(issuer string) (keys func(context.Context) (jwt.KeySet, error), ok bool) {
	if s.local == nil {
		return nil, false
	}
	return s.local(issuer)
}

func localCandidates(
	ctx context.Context, keys func(context.Context) (jwt.KeySet, error), h jwt.Header,
) ([]jwt.Key, string, error) {
	set, err := keys(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, "", fault.New(fault.TokenRefused, err)
	case err != nil:
		return nil, "", unavailable(err, time.Second)
	}
	return definite(set, "local", h)
}

func (s *sources) uploadedCandidates(src KeySource, h jwt.Header) ([]jwt.Key, string, error) {
	if !s.now().Before(src.NotAfter) {
		return nil, "", refuse("the uploaded key set ended at %s", src.NotAfter.Format(time.RFC3339))
	}
	u, err := s.uploaded(src.JWKS)
	if err != nil {
		return nil, "", fault.New(fault.TokenRefused, err)
	}
	return definite(u.set, u.origin, h)
}

// upload is a key set that somebody uploaded, and what it is called on the record.
type upload struct {
	set    jwt.KeySet
	origin string
}

func (s *sources) uploaded(document string) (upload, error) {
	s.mu.Lock()
	u, ok := s.uploads.get(document)
	s.mu.Unlock()
	if ok {
		return u, nil
	}
	set, err := jwt.ParseKeySet([]byte(document))
	if err != nil {
		return upload{}, err
	}
	sum := sha256.Sum256([]byte(document))
	u = upload{set, "uploaded sha256:" + hex.EncodeToString(sum[:])}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads.put(document, u)
	return u, nil
}

// remoteCandidates answers from the set at hand where that is young enough and has the key, and waits for a fetch
// otherwise. Only a fetch that began after the token arrived proves that the issuer does not know the key.
func (s *sources) remoteCandidates(ctx context.Context, q inquiry) ([]jwt.Key, string, error) {
	r, wait := s.remote(q.tenant, q.issuer, q.src)
	if r == nil {
		return nil, "", unavailable(errBudget, wait)
	}
	if set, origin, good := r.current(); good {
		if keys := set.Candidates(q.header); len(keys) > 0 || q.header.KeyID == "" {
			r.refreshAhead(ctx)
			return definite(set, origin, q.header)
		}
	}
	f, mine, err := r.launch(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := f.wait(ctx); err != nil {
		return nil, "", unavailable(err, time.Second)
	}
	set, origin, good := r.current()
	switch {
	case !good:
		return nil, "", unavailable(f.err, r.coolDown())
	case len(set.Candidates(q.header)) > 0, q.header.KeyID == "", mine && f.err == nil:
		return definite(set, origin, q.header)
	}
	return nil, "", unavailable(errUnknownKey, r.coolDown())
}

// remote returns the record of a source. A new one is made only while the workspace may fetch, so that it can push
// other workspaces' sets out of the cache no faster than its budget allows.
func (s *sources) remote(t Tenant, issuer string, src KeySource) (*remote, time.Duration) {
	key := sourceKey{t.ID, issuer, src.Kind, src.URL, src.CA}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.remotes.get(key); ok {
		return r, 0
	}
	if wait := s.budget.wait(t.ID); wait > 0 {
		return nil, wait
	}
	key.issuer = strings.Clone(issuer) // it was a part of a whole token
	r := &remote{sources: s, tenant: t, issuer: key.issuer, src: src}
	s.remotes.put(key, r)
	return r, 0
}

// definite answers from a set that has the last word: what it lacks is refused.
func definite(set jwt.KeySet, origin string, h jwt.Header) ([]jwt.Key, string, error) {
	keys := set.Candidates(h)
	if len(keys) == 0 {
		return nil, "", refuse("no key %q for %s in the issuer's set", h.KeyID, h.Algorithm)
	}
	return keys, origin, nil
}

// unavailable is the fault of keys that cannot be had now but may be later. RetryAfter is at least a second, the
// smallest wait that HTTP can tell.
func unavailable(cause error, wait time.Duration) error {
	f := fault.New(fault.KeysUnavailable, cause)
	f.RetryAfter = max(wait, time.Second)
	return f
}
