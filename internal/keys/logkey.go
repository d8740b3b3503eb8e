package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/fault"
)

// LogKey is the key that signs the checkpoints of a workspace's log, as the store keeps it.
type LogKey struct {
	WorkspaceID string
	Public      []byte // Ed25519
	Sealed      []byte // the private half's seed; see Master.Seal
	CreatedAt   time.Time
}

func (k LogKey) binding() Binding {
	return Binding{WorkspaceID: k.WorkspaceID, Purpose: "checkpoint key", Algorithm: "Ed25519", KeyID: base64.StdEncoding.EncodeToString(k.Public)}
}

// Reseal returns the private half sealed under another master key.
func (k LogKey) Reseal(from, to Master) ([]byte, error) {
	seed, err := from.Open(k.binding(), k.Sealed)
	if err != nil {
		return nil, err
	}
	return to.Seal(k.binding(), seed), nil
}

func (k LogKey) open(master Master) (ed25519.PrivateKey, error) {
	seed, err := master.Open(k.binding(), k.Sealed)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("keys: the checkpoint key is damaged")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// LogKeys is what a notary needs of the store.
type LogKeys interface {
	LogKey(ctx context.Context, workspaceID string) (LogKey, error)
	CreateLogKey(ctx context.Context, k LogKey) error
}

// Notary signs checkpoints, with a key for each workspace that signs nothing else: a checkpoint is all that it takes, and
// no token can be one.
type Notary struct {
	store  LogKeys
	master Master
	now    func() time.Time
}

// NewNotary returns a notary whose keys are made where a workspace has none yet.
func NewNotary(store LogKeys, master Master, now func() time.Time) *Notary {
	return &Notary{store, master, now}
}

// SignCheckpoint returns a checkpoint of a workspace's log as a signed note. The key's name is the log's.
func (n *Notary) SignCheckpoint(ctx context.Context, workspaceID string, c evidence.Checkpoint) (string, error) {
	stored, err := n.key(ctx, workspaceID)
	if err != nil {
		return "", err
	}
	private, err := stored.open(n.master)
	if err != nil {
		return "", err
	}
	verifier, err := verifierOf(c.Origin, stored)
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, noteSigner{verifier, private})
	return string(signed), err
}

// VerifierKey returns what checkpoints of a workspace's log are verified with, in the form of C2SP signed-note.
func (n *Notary) VerifierKey(ctx context.Context, workspaceID, origin string) (string, error) {
	stored, err := n.key(ctx, workspaceID)
	if err != nil {
		return "", err
	}
	return note.NewEd25519VerifierKey(origin, stored.Public)
}

func verifierOf(origin string, stored LogKey) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(origin, stored.Public)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// key returns the workspace's key, made now where it has none.
func (n *Notary) key(ctx context.Context, workspaceID string) (LogKey, error) {
	k, err := n.store.LogKey(ctx, workspaceID)
	if !fault.Is(err, fault.NotFound) {
		return k, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return LogKey{}, err
	}
	k = LogKey{WorkspaceID: workspaceID, Public: public, CreatedAt: n.now()}
	k.Sealed = n.master.Seal(k.binding(), private.Seed())
	err = n.store.CreateLogKey(ctx, k)
	if fault.Is(err, fault.Conflict) { // another node was first
		return n.store.LogKey(ctx, workspaceID)
	}
	return k, err
}

// noteSigner signs notes as note.Verifier verifies them.
type noteSigner struct {
	note.Verifier
	private ed25519.PrivateKey
}

// Sign returns the signature of a note's text.
func (s noteSigner) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.private, text), nil }
