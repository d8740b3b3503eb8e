package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
)

var tenant = identity.Tenant{ID: one, Name: "acme", Issuer: "https://nsc.example/w/acme"}

// commits is a log that keeps nothing and never fails.
type commits struct{}

func (commits) Append(_ context.Context, entries []audit.Entry) ([]audit.Outcome, error) {
	outcomes := make([]audit.Outcome, len(entries))
	for i := range outcomes {
		outcomes[i].Verdict = audit.Committed
	}
	return outcomes, nil
}

// intend records a token that a key is to sign.
func intend(t *testing.T, generation int64, alg jwt.Algorithm, keyID string) audit.Receipt {
	t.Helper()
	r := audit.NewRecorder(commits{}, time.Now)
	defer r.Close()
	receipt, err := r.Intent(t.Context(), grant(t, tenant, generation, alg), keyID, audit.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestRule26SignsWhatWasRecordedOnce(t *testing.T) {
	m := newMaster(t)
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			k := newKey(t, m, one, alg)
			rings := keys.Open(&rows{list: []keys.Stored{k}}, m, time.Now)
			receipt := intend(t, 1, alg, k.ID)
			signed, err := rings.Sign(t.Context(), receipt)
			if err != nil {
				t.Fatal(err)
			}
			token, err := jwt.Parse(signed.Compact())
			if err != nil {
				t.Fatal(err)
			}
			set, err := rings.KeySet(t.Context(), one)
			if err != nil || verify(set, token) != nil {
				t.Errorf("%v %v", err, verify(set, token))
			}
			if h := token.Header; h.Algorithm != alg || h.KeyID != k.ID || h.Type != "at+jwt" {
				t.Errorf("header %+v", h)
			}
			if signed.ID() != receipt.TokenID() || token.Claims.ID != signed.ID() || token.Claims.ExpiresAt != signed.ExpiresAt().Unix() {
				t.Errorf("%s to %s, claims %+v", signed.ID(), signed.ExpiresAt(), token.Claims)
			}
			if again, err := rings.Sign(t.Context(), receipt); err == nil || again.Compact() != "" {
				t.Error("signed twice")
			}
		})
	}
}

func TestNothingIsSignedWithoutAReceiptOrAKey(t *testing.T) {
	m := newMaster(t)
	k := newKey(t, m, one, jwt.ES256)
	rings := keys.Open(&rows{list: []keys.Stored{k}}, m, time.Now)
	if token, err := rings.Sign(t.Context(), audit.Receipt{}); err == nil || token.Compact() != "" {
		t.Error("signed without a receipt")
	}
	if _, err := rings.Choose(t.Context(), grant(t, tenant, 1, jwt.RS256)); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("a key for an algorithm without one: %v", err)
	}
	forSignature := intend(t, 1, jwt.ES256, k.ID)
	if token, err := keys.NewOpaques(nil).Issue(t.Context(), forSignature); err == nil || token.Compact() != "" {
		t.Error("what was recorded for a signature became an opaque token")
	}
	if _, err := forSignature.Redeem(); err != nil {
		t.Errorf("the receipt is used up: %v", err)
	}
	for rule, receipt := range map[string]audit.Receipt{
		"no key was recorded":         intend(t, 1, jwt.ES256, ""),
		"a key that does not exist":   intend(t, 1, jwt.ES256, "other"),
		"a key for another algorithm": intend(t, 1, jwt.RS256, k.ID),
		"a key of another workspace":  intend(t, 1, jwt.ES256, newKey(t, m, two, jwt.ES256).ID),
	} {
		if token, err := rings.Sign(t.Context(), receipt); err == nil || token.Compact() != "" {
			t.Errorf("signed, and %s", rule)
		}
		if _, err := receipt.Redeem(); err != nil {
			t.Errorf("%s: the receipt is used up although nothing was signed: %v", rule, err)
		}
	}
}

func TestRule29OnlyTheActiveKeySigns(t *testing.T) {
	m, now := newMaster(t), time.Now()
	at := func(active, retire, gone time.Duration) keys.Stored {
		k := newKey(t, m, one, jwt.ES256)
		k.ActiveAt = now.Add(active)
		if retire != 0 {
			k.RetireAt, k.GoneAt = now.Add(retire), now.Add(gone)
		}
		return k
	}
	const h = time.Hour
	for _, row := range []struct {
		rule string
		ring []keys.Stored
		want int // index, -1 for none
	}{
		{"no key", nil, -1},
		{"one that is published", []keys.Stored{at(h, 0, 0)}, -1},
		{"one that retires", []keys.Stored{at(-2*h, -h, h)}, -1},
		{"one that is gone", []keys.Stored{at(-3*h, -2*h, -h)}, -1},
		{"the active among them", []keys.Stored{at(h, 0, 0), at(-h, 0, 0), at(-3*h, -2*h, h)}, 1},
		{"of two active the later", []keys.Stored{at(-h, 0, 0), at(-2*h, 0, 0)}, 0},
		{"of two active the later, in the other order", []keys.Stored{at(-2*h, 0, 0), at(-h, 0, 0)}, 1},
		{"one that will retire", []keys.Stored{at(-h, h, 2*h), at(h, 0, 0)}, 0},
	} {
		t.Run(row.rule, func(t *testing.T) {
			rings := keys.Open(&rows{list: row.ring}, m, time.Now)
			chosen, err := rings.Choose(t.Context(), grant(t, tenant, 1, jwt.ES256))
			switch {
			case row.want < 0 && !errors.Is(err, keys.ErrNoKey):
				t.Errorf("chosen %s: %v", chosen, err)
			case row.want >= 0 && (err != nil || chosen != row.ring[row.want].ID):
				t.Errorf("chosen %s, want %s: %v", chosen, row.ring[row.want].ID, err)
			}
			for _, k := range row.ring { // each signs what was recorded for it, if it may sign at all
				signed, err := rings.Sign(t.Context(), intend(t, 1, jwt.ES256, k.ID))
				if k.State(time.Now()) != keys.Active {
					if !errors.Is(err, keys.ErrKeyEnded) || signed.Compact() != "" {
						t.Errorf("%s: %v", k.State(time.Now()), err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if token, err := jwt.Parse(signed.Compact()); err != nil || token.Header.KeyID != k.ID {
					t.Errorf("signed by %s, want %s: %v", token.Header.KeyID, k.ID, err)
				}
			}
		})
	}
}

func TestRule22AKeyThatWasRemovedBeforeTheDecisionDoesNotSign(t *testing.T) {
	m := newMaster(t)
	bad, next := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
	r := &rows{list: []keys.Stored{bad}}
	rings := keys.Open(r, m, time.Now)
	if _, err := rings.Sign(t.Context(), intend(t, 1, jwt.ES256, bad.ID)); err != nil {
		t.Fatal(err)
	}
	r.set(func() { r.list = []keys.Stored{next} }) // on another node: nobody tells this one
	if signed, err := rings.Sign(t.Context(), intend(t, 2, jwt.ES256, bad.ID)); !errors.Is(err, keys.ErrKeyEnded) || signed.Compact() != "" {
		t.Errorf("recorded for it: %v", err)
	}
	chosen, err := rings.Choose(t.Context(), grant(t, tenant, 2, jwt.ES256))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := rings.Sign(t.Context(), intend(t, 2, jwt.ES256, chosen))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := jwt.Parse(signed.Compact()); err != nil || token.Header.KeyID != next.ID {
		t.Errorf("signed by %s: %v", token.Header.KeyID, err)
	}
	if reads := r.count(); reads != 2 {
		t.Errorf("%d reads", reads)
	}
}

// To choose a key ahead of the record costs a token nothing.
func TestChoosingAKeyAllocatesNothing(t *testing.T) {
	m := newMaster(t)
	rings := keys.Open(&rows{list: []keys.Stored{newKey(t, m, one, jwt.ES256)}}, m, time.Now)
	g := grant(t, tenant, 1, jwt.ES256)
	if n := testing.AllocsPerRun(10, func() {
		if _, err := rings.Choose(t.Context(), g); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A key that retires while a token is under way signs what was recorded for it: its receipts lapse long before it is gone.
func TestRule29AKeyThatHasJustRetiredSignsWhatWasRecordedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		k := newKey(t, m, one, jwt.ES256)
		k.RetireAt, k.GoneAt = time.Now().Add(time.Minute), time.Now().Add(time.Hour)
		for after, signs := range map[time.Duration]bool{time.Minute + audit.ReceiptLife - 1: true, time.Minute + audit.ReceiptLife: false} {
			later := func() time.Time { return time.Now().Add(after) }
			rings := keys.Open(&rows{list: []keys.Stored{k}}, m, later)
			if _, err := rings.Sign(t.Context(), intend(t, 1, jwt.ES256, k.ID)); (err == nil) != signs || err != nil && !errors.Is(err, keys.ErrKeyEnded) {
				t.Errorf("%s after: %v", after, err)
			}
			if _, err := rings.Choose(t.Context(), grant(t, tenant, 1, jwt.ES256)); !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%s after, it is chosen: %v", after, err)
			}
		}
	})
}

func TestRule22NothingIsSignedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		k := newKey(t, m, one, jwt.ES256)
		rings := keys.Open(&rows{list: []keys.Stored{k}}, m, time.Now)
		receipt := intend(t, 1, jwt.ES256, k.ID)
		<-time.After(audit.ReceiptLife)
		if token, err := rings.Sign(t.Context(), receipt); !errors.Is(err, audit.ErrLate) || token.Compact() != "" {
			t.Errorf("error %v", err)
		}
	})
}

// slow is a private key that takes its time, as one in a device does, or any on a machine with too much to do.
type slow struct {
	crypto.Signer
	wait time.Duration
}

func (s slow) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	<-time.After(s.wait)
	return s.Signer.Sign(rand, digest, opts)
}

func TestRule22WhatWasSignedTooSlowlyIsThrownAway(t *testing.T) {
	for wait, late := range map[time.Duration]bool{audit.ReceiptLife - 1: false, audit.ReceiptLife: true} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				signer, err := jwt.NewSigner("k", jwt.ES256, slow{private, wait})
				if err != nil {
					t.Fatal(err)
				}
				rings := keys.Open(&rows{}, newMaster(t), time.Now)
				rings.Hold(keys.Stored{WorkspaceID: one, ID: "k", Algorithm: jwt.ES256, ActiveAt: time.Now()}, 1, signer)
				token, err := rings.Sign(t.Context(), intend(t, 1, jwt.ES256, "k"))
				if late != errors.Is(err, audit.ErrLate) || late != (token.Compact() == "") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestSecurityATokenNeverPrints(t *testing.T) {
	m := newMaster(t)
	k := newKey(t, m, one, jwt.ES256)
	rings := keys.Open(&rows{list: []keys.Stored{k}}, m, time.Now)
	token, err := rings.Sign(t.Context(), intend(t, 1, jwt.ES256, k.ID))
	if err != nil {
		t.Fatal(err)
	}
	secret := token.Compact()
	type shown struct{ Token keys.Token }
	type hidden struct{ token keys.Token } // fmt cannot ask it for its methods
	values := []any{
		token, &token, shown{token}, &shown{token}, hidden{token}, &hidden{token}, []keys.Token{token},
		map[string]keys.Token{"a": token}, map[string]any{"a": hidden{token}}, [1]any{&token},
	}
	var said strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&said, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(text)
		for _, handler := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
			slog.New(handler).Info("issued", "token", v)
		}
		fmt.Fprintln(&said, fmt.Errorf("failed with %v", v))
	}
	for _, part := range append(strings.Split(secret, "."), fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret))) {
		if strings.Contains(said.String(), part) {
			t.Errorf("it printed %q", part)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, token); text != "[redacted]" {
			t.Errorf("%s: %s", verb, text)
		}
	}
	if fmt.Sprint(token) != "[redacted]" || (keys.Token{}).Compact() != "" || fmt.Sprint(keys.Token{}) != "[redacted]" {
		t.Error("it does not say that it is redacted")
	}
}

func TestThePoolKnowsItsAlgorithms(t *testing.T) {
	m, now := newMaster(t), time.Now()
	for _, alg := range []jwt.Algorithm{"", "none", "HS256", "ES384", "es256"} {
		if k, err := pool.New(m, one, id.New(now), alg, now, now); err == nil {
			t.Errorf("a key for %q: %+v", alg, k)
		}
	}
}

func TestThePoolEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		keys.NewPool(ctx)
		synctest.Wait() // a key is ready
		cancel()
		synctest.Wait() // and the bubble ends, which it does not while a goroutine runs
	})
}
