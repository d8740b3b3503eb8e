package workspace_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

func TestTrustsAreReadOncePerIssuer(t *testing.T) {
	for range 50 {
		d := newDatabase()
		d.trusts = []policy.Trust{
			trust(one, "ttttttttttttttttttttttttta"), trust(one, "uuuuuuuuuuuuuuuuuuuuuuuuua"), trust(two, "vvvvvvvvvvvvvvvvvvvvvvvvva"),
		}
		s := byName(t, workspace.NewCache(d, base), "one")
		var callers sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			callers.Go(func() {
				<-start
				got, err := s.Trusts(t.Context(), issuer)
				if err != nil || got.Trusts.Len() != 2 || got.Source.Kind != identity.Discovery {
					t.Errorf("%d trusts, source %+v: %v", got.Trusts.Len(), got.Source, err)
				}
			})
		}
		close(start)
		callers.Wait()
		if n := d.count("trusts"); n != 1 {
			t.Fatalf("%d reads", n)
		}
	}
}

func TestRule24AnUnknownIssuerCostsNoQuery(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.trusts = append(d.trusts, trust(one, "ttttttttttttttttttttttttta"))
		s := byName(t, c, "one")
		for _, unknown := range []string{"", issuer + "/", "https://evil.example", "HTTPS://issuer.example"} {
			got, err := s.Trusts(t.Context(), unknown)
			if err != nil || got.Trusts.Len() != 0 || got.Source.Kind != "" {
				t.Errorf("%q: %d trusts, source %+v: %v", unknown, got.Trusts.Len(), got.Source, err)
			}
		}
		if n := d.count("trusts"); n != 0 {
			t.Errorf("%d reads", n)
		}
	})
}

func TestTrustsThatCannotBeReadAreNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		good := trust(one, "ttttttttttttttttttttttttta")
		d.trusts = append(d.trusts, good)
		s := byName(t, c, "one")
		down := errors.New("down")
		d.set(func() { d.err = down })
		if got, err := s.Trusts(t.Context(), issuer); !errors.Is(err, down) || got.Trusts != nil {
			t.Errorf("%v %v", got, err)
		}
		d.set(func() { d.err, d.trusts[0].SubjectMatch = nil, "" }) // what an older release wrote, and this one cannot compile
		if got, err := s.Trusts(t.Context(), issuer); err == nil || got.Trusts != nil {
			t.Errorf("%v: a trust that cannot be evaluated is left out", got)
		}
		d.set(func() { d.trusts[0] = good })
		if got, err := s.Trusts(t.Context(), issuer); err != nil || got.Trusts.Len() != 1 {
			t.Errorf("%v %v", got, err)
		}
	})
}

func TestRule20WhatATokenRestsOn(t *testing.T) {
	bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
		d.authorities[one+"same"] = workspace.Authority{Version: 3, Enabled: true}
		d.authorities[one+"newer"] = workspace.Authority{Version: 4, Enabled: true}
		d.authorities[one+"disabled"] = workspace.Authority{Version: 3}
		d.authorities[two+"foreign"] = workspace.Authority{Version: 3, Enabled: true}
		s := byName(t, c, "one")
		var refs []identity.TrustRef
		for _, id := range []string{"same", "newer", "disabled", "foreign", "unknown"} {
			refs = append(refs, identity.TrustRef{ID: id, Version: 3})
		}
		want := []identity.TrustRef{{ID: "same", Version: 3}, {ID: "newer", Version: 4}}
		for range 2 {
			live, err := s.Live(t.Context(), refs)
			if err != nil || !slices.Equal(live, want) {
				t.Errorf("%v %v", live, err)
			}
		}
		if n := d.count("authority"); n != len(refs) {
			t.Errorf("%d reads", n)
		}
		down := errors.New("down")
		d.set(func() { d.err = down })
		if live, err := s.Live(t.Context(), []identity.TrustRef{{ID: "another"}}); !errors.Is(err, down) || live != nil {
			t.Errorf("%v %v", live, err)
		}
	})
}

func TestRule21WhatIsCutOff(t *testing.T) {
	tenant := identity.Tenant{ID: one, Name: "one", Issuer: base + "/w/one"}
	user := identity.NewLocal(tenant, "uuuuuuuuuuuuuuuuuuuuuuuuua", 1, nil, time.Now(), time.Now().Add(time.Hour))
	for rule, row := range map[string]struct {
		cuts workspace.Cuts
		want workspace.CutKind
	}{
		"nothing":         {workspace.Cuts{}, ""},
		"tokens":          {workspace.Cuts{Tokens: true}, ""}, // a local caller has no token
		"another subject": {workspace.Cuts{Subjects: map[string]bool{"x": true}}, ""},
		"the subject":     {workspace.Cuts{Subjects: map[string]bool{user.Subject(): true}}, workspace.CutSubject},
		"another issuer":  {workspace.Cuts{Issuers: map[string]bool{identity.IssuerHash(issuer): true}}, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
				d.cuts = row.cuts
				if kind, err := byName(t, c, "one").CutOff(t.Context(), user); kind != row.want || err != nil {
					t.Errorf("%q %v", kind, err)
				}
			})
		})
	}
}

// Rule 21, and 34: whoever acts is found by what nsc calls him, whether he showed a credential of his own or was only named.
func TestRule21OneWhoActsIsCutOff(t *testing.T) {
	const named = "https://elsewhere.example"
	tenant := identity.Tenant{ID: one, Name: "one", Issuer: base + "/w/one"}
	mine := identity.UserSubject(one, "uuuuuuuuuuuuuuuuuuuuuuuuua")
	act := &identity.Act{Subject: mine, Act: &identity.Act{Issuer: issuer, Subject: "b", Act: &identity.Act{Issuer: named, Subject: "a"}}}
	for rule, row := range map[string]struct {
		cuts workspace.Cuts
		want workspace.CutKind
	}{
		"nobody":                            {workspace.Cuts{}, ""},
		"one of ours":                       {workspace.Cuts{Subjects: map[string]bool{mine: true}}, workspace.CutSubject},
		"one who was named":                 {workspace.Cuts{Subjects: map[string]bool{identity.ExternalSubject(one, named, "a"): true}}, workspace.CutSubject},
		"the issuer that named him":         {workspace.Cuts{Issuers: map[string]bool{identity.IssuerHash(named): true}}, workspace.CutIssuer},
		"one of the name at another":        {workspace.Cuts{Subjects: map[string]bool{identity.ExternalSubject(one, issuer, "a"): true}}, ""},
		"one of the name, but of no issuer": {workspace.Cuts{Subjects: map[string]bool{"a": true, "b": true}}, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *database, c *workspace.Cache, _ *told) {
				d.cuts = row.cuts
				if kind := byName(t, c, "one").ActCutOff(act); kind != row.want || act.Len() != 3 || !act.Told() {
					t.Errorf("%q of %v", kind, act.Names(tenant))
				}
			})
		})
	}
}

func TestWhatATokenForAThirdPartyRestsOnIsLookedUpOnce(t *testing.T) {
	bubble(t, func(t *testing.T, _ *database, c *workspace.Cache, _ *told) {
		s, down := byName(t, c, "one"), errors.New("down")
		looks := 0
		find := func(err error) func(context.Context) (workspace.Rests, error) {
			return func(context.Context) (workspace.Rests, error) {
				looks++
				return workspace.Rests{Trusts: []identity.TrustRef{{ID: "t", Version: 1}}}, err
			}
		}
		if _, err := s.RestsOf(t.Context(), "jti", find(down)); !errors.Is(err, down) {
			t.Errorf("error %v", err)
		}
		for range 3 {
			if rests, err := s.RestsOf(t.Context(), "jti", find(nil)); err != nil || len(rests.Trusts) != 1 {
				t.Errorf("%v %v", rests, err)
			}
		}
		if looks != 2 {
			t.Errorf("%d looks", looks)
		}
	})
}
