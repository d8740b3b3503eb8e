package identity

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// OwnKeys finds the public keys with which a workspace's own tokens are verified. It is asked on every use of a token,
// so it answers from memory.
type OwnKeys interface {
	// PublicKey returns the key of that ID, and whether the workspace's ring has it at present.
	PublicKey(ctx context.Context, workspaceID, keyID string) (jwt.Key, bool, error)
}

// Exception lets one workspace reach addresses that the filter refuses otherwise (rule 35).
type Exception struct {
	Workspace string // name
	Prefix    netip.Prefix
	Port      uint16 // 0 is any
}

// Options are what a Verifier is made of.
type Options struct {
	Own OwnKeys // mandatory

	// Local returns where the keys of an issuer below our own base URL are, and whether it is such an issuer.
	Local func(issuer string) (keys func(context.Context) (jwt.KeySet, error), ok bool)

	Secrets Secrets                  // finds opaque tokens; nil knows none
	Issuer  func(name string) string // of a workspace, by its name

	AllowLoopback bool // nsc dev: issuers on loopback, over HTTP too
	Exceptions    []Exception

	Now func() time.Time // nil is the system's clock
	Log *slog.Logger     // for the operator: why keys could not be fetched; nil is nowhere
}

// Verifier turns tokens into identities. What it refuses counts as unverified (rule 24): nearly all of it is refused
// before anybody has looked at the signature.
type Verifier struct {
	own     OwnKeys
	sources *sources
	secrets Secrets
	issuer  func(name string) string
	now     func() time.Time

	mu   sync.Mutex // never held during anything but a look into seen
	seen *lru[[32]byte, *verified]
}

// maxSeen bounds the memory of our own verified tokens: at 6 KB for the largest (rule 13), some 25 MB at worst.
const maxSeen = 4096

// Open returns a Verifier.
func Open(o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &fetcher{
		allowLoopback: o.AllowLoopback,
		dialer:        &dialer{allowLoopback: o.AllowLoopback, exceptions: o.Exceptions},
	}
	return &Verifier{
		own:     o.Own,
		secrets: o.Secrets,
		issuer:  o.Issuer,
		sources: newSources(f.keys, o.Local, o.Now, o.Log),
		now:     o.Now,
		seen:    newLRU[[32]byte, *verified](maxSeen),
	}
}

// Read is Read, but recognises a token of our own that was verified before and does not parse it again.
func (v *Verifier) Read(raw string) (Unverified, error) {
	digest := sha256.Sum256([]byte(raw))
	if known := v.recall(digest); known != nil {
		return Unverified{known: known, digest: digest}, nil
	}
	return parse(raw, digest)
}

func (v *Verifier) recall(digest [32]byte) *verified {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.seen.get(digest)
	return known
}

func (v *Verifier) remember(known *verified) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen.put(known.digest, known)
}

func (v *Verifier) forget(digest [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen.remove(digest)
}

func refuse(format string, args ...any) error { return fault.Newf(fault.TokenRefused, format, args...) }
