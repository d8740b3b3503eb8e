package manage_test

import (
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
)

func retry(key, request string) manage.Retry {
	return manage.Retry{Key: key, Request: sha256.Sum256([]byte(request))}
}

// creations are the calls that may be sent again, each with what it tells on the record.
var creations = map[string]struct {
	kind audit.Kind
	call func(*lab, *manage.Service, identity.Identity) (answer any, secret string, err error)
}{
	"AddTrust": {audit.TrustCreated, func(l *lab, s *manage.Service, who identity.Identity) (any, string, error) {
		t, _, err := s.AddTrust(l.Context(), who, trust(), address)
		return t, "", err
	}},
	"CutOff of a subject": {audit.CutOffCreated, func(l *lab, s *manage.Service, who identity.Identity) (any, string, error) {
		r, err := s.CutOff(l.Context(), who, manage.Target{Issuer: issuer, Subject: "anna"}, address)
		return r.ID, "", err
	}},
	"RotateKeys": {audit.KeyPublished, func(l *lab, s *manage.Service, who identity.Identity) (any, string, error) {
		k, err := s.RotateKeys(l.Context(), who, manage.Rotation{Algorithm: jwt.EdDSA}, address)
		return k.ID, "", err
	}},
	"CreateRevocable": {audit.RevocableCreated, func(l *lab, s *manage.Service, who identity.Identity) (any, string, error) {
		t, secret, err := s.CreateRevocable(l.Context(), who, manage.NewRevocable{Name: "ci"}, address)
		return t.ID, secret, err
	}},
}

func TestRule31ACreationThatIsSentAgain(t *testing.T) {
	onEach(t, func(l *lab) {
		for name, c := range creations {
			l.rule = name
			who := admin(l.acme)
			key := name + " of somebody who draws his keys at random"
			before := len(l.events(l.acme.ID, c.kind))
			first, secret, err := c.call(l, l.Once(retry(key, name)), who)
			l.must(err)
			again, none, err := c.call(l, l.Once(retry(key, name)), who)
			l.must(err)
			if !reflect.DeepEqual(first, again) || none != "" {
				l.Errorf("first %+v, again %+v with the secret %q", first, again, none)
			}
			events := l.events(l.acme.ID, c.kind)[before:]
			if len(events) != 1 {
				l.Errorf("done %d times", len(events))
			}
			for _, e := range events {
				if e.Subject != who.Subject() || e.Address != address || e.Upstream == nil {
					l.Errorf("it is not on the record who did it: %+v", e)
				}
			}
			_, _, err = c.call(l, l.Once(retry(key, "something else")), who)
			l.wantFault(err, fault.KeyReused)
			if text, err := json.Marshal(l.events(l.acme.ID)); err != nil || secret != "" && strings.Contains(string(text), secret) {
				l.Errorf("the secret is on the record: %v", err)
			}
		}
	})
}

func TestAKeyIsItsCallersInItsWorkspace(t *testing.T) {
	onEach(t, func(l *lab) {
		made := map[string]bool{}
		all, now := admin(l.acme).Permissions(), time.Now()
		other := identity.NewLocal(l.acme, "vvvvvvvvvvvvvvvvvvvvvvvvva", 1, all, now, now.Add(time.Hour))
		for _, who := range []identity.Identity{admin(l.acme), other, admin(l.zoo)} {
			t, _, err := l.Once(retry("a key that two draw", "x")).AddTrust(l.Context(), who, trust(), address)
			l.must(err)
			made[t.ID] = true
		}
		if len(made) != 3 {
			l.Errorf("%v: one caller was answered as another", made)
		}
	})
}

func TestWhatFailedIsNotKept(t *testing.T) {
	onEach(t, func(l *lab) {
		s := l.Once(retry("key", "x"))
		_, _, err := s.AddTrust(l.Context(), admin(l.acme), trust(func(t *policy.Trust) { t.SubjectMatch = "*" }), address)
		l.wantFault(err, fault.InvalidField)
		made, _, err := s.AddTrust(l.Context(), admin(l.acme), trust(), address)
		l.must(err)
		_, _, err = s.AddTrust(l.Context(), caller(l.acme), trust(), address) // the same caller without his grants
		l.wantFault(err, fault.Forbidden)
		if made.ID == "" {
			l.Error("nothing was made")
		}
	})
}

func TestOfTwoAtTheSameTimeOneCreates(t *testing.T) {
	onEach(t, func(l *lab) {
		var mu sync.Mutex
		made := map[string]int{}
		var callers sync.WaitGroup
		for range 6 {
			callers.Go(func() {
				t, _, err := l.Once(retry("key", "x")).AddTrust(l.Context(), admin(l.acme), trust(), address)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					l.Error(err)
				}
				made[t.ID]++
			})
		}
		callers.Wait()
		if n := len(l.events(l.acme.ID, audit.TrustCreated)); n != 1 || len(made) != 1 {
			l.Errorf("%d created: %v", n, made)
		}
	})
}
