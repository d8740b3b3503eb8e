package workspace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Snapshot is one workspace as it was at its generation. What it holds of trusts is read on demand; each read came
// after the generation, so it is at least as new.
type Snapshot struct {
	Workspace
	Tenant  identity.Tenant
	reader  Reader
	issuers map[string]*trusted
	refs    *lru.Cache[string, Authority]
	cuts    Cuts
	tokens  *lru.Cache[string, bool]  // by jti: cut off or not
	rests   *lru.Cache[string, Rests] // by jti of a token for a third party
}

// trusted is the compiled trusts of one issuer, read once. The lock is for reading alone: whoever finds them takes none.
type trusted struct {
	mu   sync.Mutex
	read atomic.Pointer[Trusted]
}

// Trusted is the compiled trusts of one issuer, and where its keys come from.
type Trusted struct {
	Trusts *policy.Trusts
	Source identity.KeySource
}

func newSnapshot(reader Reader, w Workspace, tenant identity.Tenant, issuers []string, cuts Cuts) *Snapshot {
	s := &Snapshot{
		Workspace: w, Tenant: tenant, reader: reader, issuers: make(map[string]*trusted, len(issuers)),
		refs: newLRU[Authority](heldRefs), cuts: cuts, tokens: newLRU[bool](heldTokens),
		rests: newLRU[Rests](heldTokens),
	}
	for _, issuer := range issuers {
		s.issuers[issuer] = &trusted{}
	}
	return s
}

func newLRU[V any](size int) *lru.Cache[string, V] {
	cache, err := lru.New[string, V](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return cache
}

// Trusts returns what the workspace's trusts say of an issuer; zero for an issuer that none names, which costs no query:
// anybody may present any issuer.
func (s *Snapshot) Trusts(ctx context.Context, issuer string) (Trusted, error) {
	t, ok := s.issuers[issuer]
	if !ok {
		return Trusted{Trusts: policy.NewTrusts(nil)}, nil
	}
	if read := t.read.Load(); read != nil {
		return *read, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if read := t.read.Load(); read != nil {
		return *read, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trustsTimeout)
	defer cancel()
	read, err := s.compile(ctx, issuer)
	if err != nil {
		return Trusted{}, err
	}
	t.read.Store(&read)
	return read, nil
}

func (s *Snapshot) compile(ctx context.Context, issuer string) (Trusted, error) {
	stored, err := s.reader.TrustsByIssuer(ctx, s.ID, issuer)
	if err != nil {
		return Trusted{}, err
	}
	var source identity.KeySource
	compiled := make([]*policy.Compiled, 0, len(stored))
	for _, trust := range stored {
		c, err := policy.Compile(trust, s.Tenant)
		if err != nil {
			return Trusted{}, fmt.Errorf("trust %s: %w", trust.ID, err)
		}
		compiled = append(compiled, c)
		source = trust.KeySource
	}
	return Trusted{policy.NewTrusts(compiled), source}, nil
}

// Issuers returns the issuers that the workspace's trusts name, sorted.
func (s *Snapshot) Issuers() []string { return slices.Sorted(maps.Keys(s.issuers)) }

// Live returns, of the trusts or users that a token rests on, those that are enabled, at their present versions.
func (s *Snapshot) Live(ctx context.Context, refs []identity.TrustRef) ([]identity.TrustRef, error) {
	live := make([]identity.TrustRef, 0, len(refs))
	for _, ref := range refs {
		a, ok := s.refs.Get(ref.ID)
		if !ok {
			var err error
			if a, err = s.reader.Authority(ctx, s.ID, ref.ID); err != nil {
				return nil, err
			}
			s.refs.Add(ref.ID, a)
		}
		if a.Enabled {
			live = append(live, identity.TrustRef{ID: ref.ID, Version: a.Version})
		}
	}
	return live, nil
}

// Rests is what a token for a third party rests on. The token does not say (rule 11); the record does.
type Rests struct {
	Trusts  []identity.TrustRef
	Parents []string // jti of the tokens of ours that it was derived from
}

// RestsOf returns what a token rests on, which find looks up once: it never changes.
func (s *Snapshot) RestsOf(ctx context.Context, tokenID string, find func(context.Context) (Rests, error)) (Rests, error) {
	if rests, ok := s.rests.Get(tokenID); ok {
		return rests, nil
	}
	rests, err := find(ctx)
	if err == nil {
		s.rests.Add(strings.Clone(tokenID), rests) // it is a part of its whole token
	}
	return rests, err
}
