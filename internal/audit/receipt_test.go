package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/policy"
)

func hashOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// intend returns the receipt of a fresh token.
func (w *world) intend(r *Recorder) Receipt {
	w.Helper()
	receipt, err := r.Intent(w.Context(), w.grant(w.token(nil)), "k", Origin{})
	if err != nil {
		w.Fatal(err)
	}
	return receipt
}

func TestRule26AReceiptSignsOnce(t *testing.T) {
	w := newWorld(t)
	receipt := w.intend(open(t, &memory{}))
	var won atomic.Int32
	var callers sync.WaitGroup
	for range 32 {
		copied := receipt
		callers.Go(func() {
			payload, err := copied.Redeem()
			if err == nil {
				won.Add(1)
				if !bytes.Equal(payload, copied.Grant().Payload()) {
					t.Error("another payload")
				}
			}
		})
	}
	callers.Wait()
	if won.Load() != 1 {
		t.Errorf("redeemed %d times", won.Load())
	}
}

func TestRule26AReceiptSignsWhatWasRecorded(t *testing.T) {
	w := newWorld(t)
	receipt := w.intend(open(t, &memory{}))
	receipt.Grant().Payload()[10] ^= 1
	if _, err := receipt.Redeem(); err == nil {
		t.Error("a payload that was changed after its record")
	}
	if _, err := (Receipt{}).Redeem(); err == nil || !(Receipt{}).Late() {
		t.Error("no receipt at all")
	}
	if _, err := open(t, &memory{}).Intent(t.Context(), policy.Grant{}, "k", Origin{}); err == nil {
		t.Error("no grant at all")
	}
}

func TestRule22AReceiptLapses(t *testing.T) {
	for _, row := range []struct {
		rule       string
		slow, wait time.Duration // the commit, and the signer
		late       bool
	}{
		{"signed in time", 0, ReceiptLife - time.Nanosecond, false},
		{"signed too late", 0, ReceiptLife, true},
		{"a slow commit and signed in time", ReceiptLife / 2, ReceiptLife/2 - time.Nanosecond, false},
		{"a slow commit counts", ReceiptLife / 2, ReceiptLife / 2, true},
		{"a commit that was too slow", ReceiptLife, 0, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				receipt := w.intend(open(t, &memory{slow: row.slow}))
				<-time.After(row.wait)
				if receipt.Late() != row.late {
					t.Errorf("late: %v", receipt.Late())
				}
				if _, err := receipt.Redeem(); row.late != errors.Is(err, ErrLate) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A cut-off's transaction ends at any moment of the record's, or after it. Once the cut-off has waited, no receipt that the
// record gave out before is good for anything, however slow the commit's answer was.
func TestRule22OnceACutOffHasWaitedNothingIsSigned(t *testing.T) {
	for _, answer := range []time.Duration{0, time.Millisecond, ReceiptLife - 1, ReceiptLife, 3 * time.Second} {
		t.Run(answer.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := open(t, &memory{slow: answer})
				g := w.grant(w.token(nil))
				cut := make(chan struct{})
				go func() { // commits right after the record did, whose answer is still on its way
					if err := Lapse(t.Context()); err != nil {
						t.Error(err)
					}
					close(cut)
				}()
				receipt, err := r.Intent(t.Context(), g, "k", Origin{})
				if err != nil {
					t.Fatal(err)
				}
				<-cut
				if _, err := receipt.Redeem(); !errors.Is(err, ErrLate) {
					t.Errorf("signed after the cut-off: %v", err)
				}
			})
		})
	}
}

func TestLapseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Lapse(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The wall clock and the monotonic one are not always of one mind. The one that says more counts.
func TestSinceTakesTheLongerOfTwoClocks(t *testing.T) {
	now := time.Now()
	slept := now.Round(0).Add(-time.Minute) // no monotonic reading: the machine slept, which only the wall clock saw
	if d := since(slept); d < time.Minute {
		t.Errorf("%s since a minute ago by the wall clock", d)
	}
	if d := since(now); d < 0 || d > time.Hour {
		t.Errorf("%s since now", d)
	}
}
