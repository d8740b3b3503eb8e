package keys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
)

const one, two = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbba"

func TestRule30ASwappedRowDoesNotOpen(t *testing.T) {
	m := newMaster(t)
	good, other := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
	for rule, change := range map[string]func(*keys.Stored){
		"sealed half of another key of the workspace": func(k *keys.Stored) { k.Sealed = other.Sealed },
		"row of another workspace":                    func(k *keys.Stored) { *k = newKey(t, m, two, jwt.ES256); k.WorkspaceID = one },
		"another key ID":                              func(k *keys.Stored) { k.ID = other.ID },
		"another algorithm":                           func(k *keys.Stored) { k.Algorithm = jwt.EdDSA },
		"nothing sealed":                              func(k *keys.Stored) { k.Sealed = nil },
		"sealed by another master key":                func(k *keys.Stored) { *k = newKey(t, newMaster(t), one, jwt.ES256) },
	} {
		t.Run(rule, func(t *testing.T) {
			bad := good
			change(&bad)
			rings := keys.Open(&rows{list: []keys.Stored{other, bad}}, m, time.Now)
			if _, _, err := rings.PublicKey(t.Context(), one, other.ID); err == nil {
				t.Error("a key was found beside the swapped one")
			}
			if document, err := rings.JWKS(t.Context(), one); err == nil {
				t.Errorf("published %s", document.JSON)
			}
		})
	}
}

func TestRule30AnExchangedPublicHalfConvincesNobody(t *testing.T) {
	m := newMaster(t)
	k, foreign := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
	honest := bytes.Clone(k.Public)
	k.Public = bytes.ReplaceAll(foreign.Public, []byte(foreign.ID), []byte(k.ID))
	document, err := keys.Open(&rows{list: []keys.Stored{k}}, m, time.Now).JWKS(t.Context(), one)
	if err != nil || !bytes.Contains(document.JSON, honest) {
		t.Errorf("%s %v", document.JSON, err)
	}
}

func TestRule29WhatAKeySetHas(t *testing.T) {
	m, now := newMaster(t), time.Now()
	var list []keys.Stored
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.EdDSA} {
		list = append(list, newKey(t, m, one, alg))
	}
	published, retiring, gone := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
	published.ActiveAt = now.Add(time.Hour)
	retiring.ActiveAt, retiring.RetireAt, retiring.GoneAt = now.Add(-2*time.Hour), now.Add(-time.Hour), now.Add(time.Hour)
	gone.ActiveAt, gone.RetireAt, gone.GoneAt = now.Add(-3*time.Hour), now.Add(-2*time.Hour), now.Add(-time.Hour)
	list = append(list, published, retiring, gone, newKey(t, m, two, jwt.ES256))
	rings := keys.Open(&rows{list: list}, m, time.Now)
	document, err := rings.JWKS(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(document.JSON, &set); err != nil || len(set.Keys) != 5 {
		t.Fatalf("%d keys in %s: %v", len(set.Keys), document.JSON, err)
	}
	members := map[string]string{"EC": "alg crv kid kty use x y", "RSA": "alg e kid kty n use", "OKP": "alg crv kid kty use x"}
	for i, k := range set.Keys { // in the order of the rows
		want := strings.Fields(members[k["kty"].(string)])
		for _, name := range want {
			if text, ok := k[name].(string); !ok || text == "" {
				t.Errorf("no %s in %v", name, k)
			}
		}
		if len(k) != len(want) {
			t.Errorf("more than %v in %v", want, k) // of a private key there would be
		}
		if k["kid"] != list[i].ID || k["alg"] != string(list[i].Algorithm) || k["use"] != "sig" {
			t.Errorf("%v, want key %s", k, list[i].ID)
		}
	}
	if parsed, err := jwt.ParseKeySet(document.JSON); err != nil || len(parsed.Keys) != 5 {
		t.Errorf("%+v %v", parsed, err)
	}
	if algs, err := rings.Algorithms(t.Context(), one); err != nil || len(algs) != 3 {
		t.Errorf("%v %v", algs, err)
	}
}

func TestAWorkspaceWithoutKeysHasAnEmptySet(t *testing.T) {
	r := &rows{}
	rings := keys.Open(r, newMaster(t), time.Now)
	for range 2 {
		document, err := rings.JWKS(t.Context(), one)
		if err != nil || string(document.JSON) != `{"keys":[]}` {
			t.Errorf("%s %v", document.JSON, err)
		}
	}
	if r.count() != 2 { // an unknown workspace takes no room in memory
		t.Errorf("%d reads", r.count())
	}
	if chosen, err := rings.Choose(t.Context(), grant(t, tenant, 1, jwt.ES256)); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("%s %v", chosen, err)
	}
}

func TestTheEntityTagFollowsTheKeys(t *testing.T) {
	m := newMaster(t)
	r := &rows{list: []keys.Stored{newKey(t, m, one, jwt.ES256)}}
	rings := keys.Open(r, m, time.Now)
	etag := func() string {
		document, err := rings.JWKS(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		return document.ETag
	}
	first := etag()
	rings.Forget(one)
	if again := etag(); again != first || !strings.HasPrefix(first, `"`) || !strings.HasSuffix(first, `"`) {
		t.Errorf("%s, then %s", first, again)
	}
	r.set(func() { r.list = append(r.list, newKey(t, m, one, jwt.ES256)) })
	rings.Forget(one)
	if etag() == first {
		t.Error("the keys changed and the tag did not")
	}
}

func TestRule29AKeyLeavesTheSetWhenItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		stays, leaves := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
		leaves.RetireAt, leaves.GoneAt = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		rings := keys.Open(&rows{list: []keys.Stored{stays, leaves}}, m, time.Now)
		for wait, want := range []int{2, 2, 1} { // hours
			if wait > 0 {
				<-time.After(time.Hour)
			}
			set, err := rings.KeySet(t.Context(), one)
			_, known, err2 := rings.PublicKey(t.Context(), one, leaves.ID)
			document, err3 := rings.JWKS(t.Context(), one)
			if err := errors.Join(err, err2, err3); err != nil {
				t.Fatal(err)
			}
			published := strings.Contains(string(document.JSON), leaves.ID)
			if len(set.Keys) != want || known != (want == 2) || published != (want == 2) {
				t.Errorf("after %d hours %d keys, known %v, published %v", wait, len(set.Keys), known, published)
			}
		}
	})
}

func TestRingsAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		k := newKey(t, m, one, jwt.ES256)
		r := &rows{list: []keys.Stored{k}, leave: make(chan struct{})}
		rings := keys.Open(r, m, time.Now)
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				if _, ok, err := rings.PublicKey(t.Context(), one, k.ID); !ok || err != nil {
					t.Errorf("%v %v", ok, err)
				}
			})
		}
		synctest.Wait()
		close(r.leave)
		callers.Wait()
		if _, ok, err := rings.PublicKey(t.Context(), one, "unknown"); ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		if r.count() != 1 {
			t.Errorf("%d reads", r.count())
		}
	})
}

// A load that began before a cut-off has what is cut off. It serves those who asked before, nobody else, and is not kept.
func TestRule22NobodyJoinsALoadFromBeforeAForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		bad, next := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
		r := &rows{list: []keys.Stored{bad}, leave: make(chan struct{})}
		rings := keys.Open(r, m, time.Now)
		knows := func() chan bool {
			found := make(chan bool, 1)
			go func() {
				_, ok, err := rings.PublicKey(t.Context(), one, bad.ID)
				if err != nil {
					t.Error(err)
				}
				found <- ok
			}()
			synctest.Wait()
			return found
		}
		before := knows() // has read the bad key, and is on its way
		r.set(func() { r.list = []keys.Stored{next} })
		rings.Forget(one)
		after := knows()
		r.leave <- struct{}{}
		r.leave <- struct{}{}
		if !<-before {
			t.Error("who asked before does not get what was there then")
		}
		if <-after {
			t.Error("who asked after the cut-off got what was there before")
		}
		close(r.leave)
		if <-knows() {
			t.Error("the load from before was kept")
		}
	})
}

func TestRule22AForgetCannotBeOvertaken(t *testing.T) {
	m := newMaster(t)
	bad, next := newKey(t, m, one, jwt.ES256), newKey(t, m, one, jwt.ES256)
	for range 200 {
		r := &rows{list: []keys.Stored{bad}}
		rings := keys.Open(r, m, time.Now)
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				if _, _, err := rings.PublicKey(t.Context(), one, bad.ID); err != nil {
					t.Error(err)
				}
			})
		}
		r.set(func() { r.list = []keys.Stored{next} })
		rings.Forget(one)
		if _, ok, err := rings.PublicKey(t.Context(), one, bad.ID); ok || err != nil {
			t.Fatalf("found after the cut-off: %v %v", ok, err)
		}
		callers.Wait()
		if _, ok, err := rings.PublicKey(t.Context(), one, bad.ID); ok || err != nil {
			t.Fatalf("came back after the cut-off: %v %v", ok, err)
		}
	}
}

func TestAForgetOfOneWorkspaceLeavesTheOthers(t *testing.T) {
	m := newMaster(t)
	r := &rows{list: []keys.Stored{newKey(t, m, one, jwt.ES256), newKey(t, m, two, jwt.ES256)}}
	rings := keys.Open(r, m, time.Now)
	for _, id := range []string{one, two, one, two} {
		if _, err := rings.KeySet(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		rings.Forget("somebody else")
	}
	if r.count() != 2 {
		t.Errorf("%d reads", r.count())
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	m := newMaster(t)
	k := newKey(t, m, one, jwt.ES256)
	down := errors.New("down")
	r := &rows{list: []keys.Stored{k}, err: down}
	rings := keys.Open(r, m, time.Now)
	if _, _, err := rings.PublicKey(t.Context(), one, k.ID); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
	r.set(func() { r.err = nil })
	if _, ok, err := rings.PublicKey(t.Context(), one, k.ID); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

// panics is a database driver with a bug.
type panics struct{ rows }

func (p *panics) Keys(ctx context.Context, workspaceID string) ([]keys.Stored, error) {
	if list, err := p.rows.Keys(ctx, workspaceID); p.count() > 1 {
		return list, err
	}
	panic("bug")
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	m := newMaster(t)
	k := newKey(t, m, one, jwt.ES256)
	rings := keys.Open(&panics{rows{list: []keys.Stored{k}}}, m, time.Now)
	func() {
		defer func() { _ = recover() }()
		_, _, _ = rings.PublicKey(t.Context(), one, k.ID)
		t.Error("no panic")
	}()
	if _, ok, err := rings.PublicKey(t.Context(), one, k.ID); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

func TestALoadOutlivesItsCallerButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster(t)
		k := newKey(t, m, one, jwt.ES256)
		r := &rows{list: []keys.Stored{k}, leave: make(chan struct{})}
		rings := keys.Open(r, m, time.Now)
		ask := func(ctx context.Context) chan error {
			errs := make(chan error, 1)
			go func() {
				_, _, err := rings.PublicKey(ctx, one, k.ID)
				errs <- err
			}()
			synctest.Wait()
			return errs
		}
		gone, cancel := context.WithCancel(t.Context())
		first := ask(gone)
		second, third := ask(t.Context()), ask(gone)
		cancel()
		if err := <-third; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited for another's load and left: %v", err)
		}
		began := time.Now()
		for _, errs := range []chan error{first, second} {
			if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		}
		if waited := time.Since(began); waited != keys.LoadTimeout {
			t.Errorf("waited %s", waited)
		}
	})
}
