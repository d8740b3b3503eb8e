package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

const retry = "0123456789abcdef0123456789abcdef"

func TestRule16SingleUse(t *testing.T) {
	type attempt struct {
		token claims
		key   string
		after time.Duration
		asks  func(*wish)
	}
	first := attempt{key: retry}
	for _, row := range []struct {
		rule   string
		first  attempt
		second attempt
		err    error // nil: the same claims again
	}{
		{"the same token again", attempt{}, attempt{}, ErrReplayed},
		{"a retry with the same key", first, first, nil},
		{"a retry at the last moment", first, attempt{key: retry, after: retryFor}, nil},
		{"a retry too late", first, attempt{key: retry, after: retryFor + time.Second}, ErrReplayed},
		{"a retry with another key", first, attempt{key: retry + "0"}, ErrReplayed},
		{"a retry without a key", first, attempt{}, ErrReplayed},
		{"a key that comes only with the retry", attempt{}, first, ErrReplayed},
		{"another token of the same jti", first, attempt{token: claims{"extra": 1}, key: retry}, ErrReplayed},
		{"a retry for another type of token", first, attempt{key: retry, asks: func(x *wish) { x.req.TokenType = policy.IDToken }}, ErrReplayed},
		{"a retry for another audience", first, attempt{key: retry, asks: func(x *wish) { x.req.Audience = "https://api.example" }}, ErrReplayed},
		{"a retry with another algorithm", first, attempt{key: retry, asks: func(x *wish) { x.req.Algorithm = "RS256" }}, ErrReplayed},
		{"a retry for longer", first, attempt{key: retry, asks: func(x *wish) { x.req.Lifetime = time.Hour }}, ErrReplayed},
		{"a retry for fewer grants", first, attempt{key: retry, asks: func(x *wish) {
			x.req.HasDetails, x.req.Details = true, []identity.Permission{{ResourceType: "workspace", ResourceID: "key", Actions: []string{"read"}}}
		}}, ErrReplayed},
		{"a retry after the trust changed", first, attempt{key: retry, asks: func(x *wish) { x.trust.Version++ }}, ErrReplayed},
		{"a retry after a mapping changed", first, attempt{key: retry, asks: func(x *wish) {
			x.trust.Mappings = map[string]string{"groups": `["others"]`}
		}}, ErrReplayed},
		{"a retry after the workspace moved", first, attempt{key: retry, asks: func(x *wish) { x.req.Generation = 6 }}, ErrMoved},
	} {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &memory{}
				w, r := newWorld(t), open(t, log)
				token := w.token(row.first.token)
				g := w.grant(token, singleUse)
				receipt, err := r.Intent(t.Context(), g, "k", Origin{RetryKey: row.first.key})
				if err != nil {
					t.Fatal(err)
				}
				issued, err := receipt.Redeem()
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(row.second.after)
				if row.second.token != nil {
					token = w.token(row.second.token)
				}
				asks := []func(*wish){singleUse}
				if row.second.asks != nil {
					asks = append(asks, row.second.asks)
				}
				second := w.grant(token, asks...)
				again, err := r.Intent(t.Context(), second, "next", Origin{RetryKey: row.second.key})
				if row.err != nil {
					if !errors.Is(err, row.err) || !again.IsZero() || len(log.entries()) != 1 {
						t.Errorf("error %v, receipt %v, record %v", err, !again.IsZero(), log.kinds())
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				payload, err := again.Redeem()
				if err != nil || !bytes.Equal(payload, issued) {
					t.Errorf("%s\n%s: %v", payload, issued, err)
				}
				if again.TokenID() != receipt.TokenID() || !again.ExpiresAt().Equal(receipt.ExpiresAt()) {
					t.Errorf("token %s to %s, then %s to %s", receipt.TokenID(), receipt.ExpiresAt(), again.TokenID(), again.ExpiresAt())
				}
				reissued := log.entries()[1]
				if e := EventOf(reissued); e.Token.KeyID != "next" || again.KeyID() != "next" {
					t.Errorf("to be signed by %s, recorded is %s", again.KeyID(), e.Token.KeyID)
				}
				if !slices.Equal(log.kinds(), []Kind{TokenIssued, TokenReissued}) || reissued.ID != second.ID() ||
					reissued.TokenID != receipt.TokenID() || reissued.Use != nil || reissued.Generation != second.Generation() {
					t.Errorf("record %v: %+v", log.kinds(), reissued)
				}
			})
		})
	}
}

func TestRule16OnlyWhatATrustSaysIsUsedUp(t *testing.T) {
	w := newWorld(t)
	token := w.token(claims{"jti": nil}) // single use would need it, as policy says
	d := w.grant(token)
	if d.SingleUse() {
		t.Fatal("single use")
	}
	log := &memory{}
	r := open(t, log)
	if _, err := r.Intent(t.Context(), d, "k", Origin{}); err != nil {
		t.Error(err)
	}
	if log.entries()[0].Use != nil {
		t.Error("a use was consumed that nobody asked for")
	}
}

func TestRule16ConcurrentUseHasOneWinner(t *testing.T) {
	for _, row := range []struct {
		rule, key string
		winners   int
	}{
		{"without a key one wins", "", 1},
		{"with the same key all get the same token", retry, 32},
	} {
		t.Run(row.rule, func(t *testing.T) {
			log := &memory{}
			w, r := newWorld(t), open(t, log)
			token := w.token(nil)
			var mu sync.Mutex
			tokens := map[string]int{}
			won := 0
			var callers sync.WaitGroup
			for range 32 {
				g := w.grant(token, singleUse)
				callers.Go(func() {
					receipt, err := r.Intent(t.Context(), g, "k", Origin{RetryKey: row.key})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
						tokens[receipt.TokenID()]++
					case !errors.Is(err, ErrReplayed):
						t.Error(err)
					}
				})
			}
			callers.Wait()
			if won != row.winners || len(tokens) != 1 {
				t.Errorf("%d won, tokens %v", won, tokens)
			}
		})
	}
}

// What the database says was recorded is compared with what would be recorded now: whoever can write a row of uses
// cannot have claims of his own signed.
func TestRule26AReissueSignsNothingNew(t *testing.T) {
	type members = map[string]json.RawMessage
	for rule, change := range map[string]func(members){
		"nothing":          func(members) {},
		"another subject":  func(c members) { c["sub"] = []byte(`"workspace/` + tenant.ID + `/user/root"`) },
		"another audience": func(c members) { c["aud"] = []byte(`"https://elsewhere.example"`) },
		"more groups":      func(c members) { c["groups"] = []byte(`["admins"]`) },
		"one claim more":   func(c members) { c["extra"] = []byte(`true`) },
		"one claim less":   func(c members) { delete(c, "workspace") },
		"a longer life":    func(c members) { c["exp"] = append(c["exp"], '0') },
		"no ID":            func(c members) { delete(c, "jti") },
	} {
		t.Run(rule, func(t *testing.T) {
			log := &memory{}
			w, r := newWorld(t), open(t, log)
			token := w.token(nil)
			if _, err := r.Intent(t.Context(), w.grant(token, singleUse), "k", Origin{RetryKey: retry}); err != nil {
				t.Fatal(err)
			}
			log.set(func() {
				for key, first := range log.uses {
					var c members
					if err := json.Unmarshal(first.FirstPayload, &c); err != nil {
						t.Error(err)
					}
					change(c)
					first.FirstPayload, _ = json.Marshal(c)
					log.uses[key] = first
				}
			})
			_, err := r.Intent(t.Context(), w.grant(token, singleUse), "k", Origin{RetryKey: retry})
			if rule == "nothing" && err != nil || rule != "nothing" && !errors.Is(err, ErrReplayed) {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("what is no JSON", func(t *testing.T) {
		log := &memory{}
		w, r := newWorld(t), open(t, log)
		token := w.token(nil)
		if _, err := r.Intent(t.Context(), w.grant(token, singleUse), "k", Origin{RetryKey: retry}); err != nil {
			t.Fatal(err)
		}
		log.set(func() {
			for key, first := range log.uses {
				first.FirstPayload = []byte("{")
				log.uses[key] = first
			}
		})
		if _, err := r.Intent(t.Context(), w.grant(token, singleUse), "k", Origin{RetryKey: retry}); err == nil || errors.Is(err, ErrReplayed) {
			t.Errorf("error %v", err)
		}
	})
}

// A use that has expired and was swept between two statements of the log is known no more, and no retry of anything.
func TestRule16AUseThatWasSweptIsNoRetry(t *testing.T) {
	log := &memory{answer: func(o []Outcome) []Outcome { return []Outcome{{Verdict: Used}} }}
	w, r := newWorld(t), open(t, log)
	if _, err := r.Intent(t.Context(), w.grant(w.token(nil), singleUse), "k", Origin{RetryKey: retry}); !errors.Is(err, ErrReplayed) {
		t.Errorf("error %v", err)
	}
}

func TestRule16AUseIsRememberedForLongerThanTheTokenLives(t *testing.T) {
	log := &memory{}
	w, r := newWorld(t), open(t, log)
	g := w.grant(w.token(nil), singleUse)
	if _, err := r.Intent(t.Context(), g, "k", Origin{}); err != nil {
		t.Fatal(err)
	}
	use := log.entries()[0].Use
	if use.Issuer != issuer || use.TokenID != "once" || use.RetryKey != nil || !bytes.Equal(use.Payload, g.Payload()) {
		t.Errorf("%+v", use)
	}
	if kept := use.ExpiresAt.Sub(g.Caller().ExpiresAt()); kept < 2*time.Minute { // the verifier's leeway, and nodes' clocks
		t.Errorf("kept for %s after its end", kept)
	}
}
