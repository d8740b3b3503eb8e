package sts_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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
	"github.com/nsc-federation/nsc/internal/sts"
)

func idToken(audience string) func(*sts.Request) {
	return func(r *sts.Request) { r.Want.TokenType, r.Want.Audience = policy.IDToken, audience }
}

// cutOffs end what a token rests on; each is done at node a. What they are given is a token of ours at node b.
var cutOffs = map[string]struct {
	external bool // a new exchange of the external token is forbidden, too
	cut      func(*lab, policy.Trust, *jwt.Token) error
}{
	"the trust is disabled": {true, func(l *lab, t policy.Trust, _ *jwt.Token) error {
		_, _, err := l.a.manage.UpdateTrust(l.Context(), admin(l.tenant), t.ID, 0, func(t *policy.Trust) error { t.Enabled = false; return nil }, "")
		return err
	}},
	"the trust is removed": {true, func(l *lab, t policy.Trust, _ *jwt.Token) error {
		return l.a.manage.RemoveTrust(l.Context(), admin(l.tenant), t.ID, 0, "")
	}},
	"the trust is cut off": {false, func(l *lab, t policy.Trust, _ *jwt.Token) error {
		_, err := l.a.manage.CutOff(l.Context(), admin(l.tenant), manage.Target{Trust: t.ID}, "")
		return err
	}},
	"the subject is cut off": {true, func(l *lab, _ policy.Trust, _ *jwt.Token) error {
		_, err := l.a.manage.CutOff(l.Context(), admin(l.tenant), manage.Target{Issuer: issuer, Subject: subject}, "")
		return err
	}},
	"the issuer is cut off": {true, func(l *lab, _ policy.Trust, _ *jwt.Token) error {
		_, err := l.a.manage.CutOff(l.Context(), admin(l.tenant), manage.Target{Issuer: issuer}, "")
		return err
	}},
	"the token is cut off": {false, func(l *lab, _ policy.Trust, token *jwt.Token) error {
		_, err := l.a.manage.CutOff(l.Context(), admin(l.tenant), manage.Target{Token: token.Claims.ID}, "")
		return err
	}},
	"the signing key is compromised": {false, func(l *lab, _ policy.Trust, token *jwt.Token) error {
		_, err := l.a.manage.RotateKeys(l.Context(), admin(l.tenant), manage.Rotation{Algorithm: jwt.ES256, Compromised: true, KeyID: token.Header.KeyID}, "192.0.2.7")
		return err
	}},
}

// Node b has everything in memory, and nobody tells it of anything: what holds is the record's transaction alone.
func TestRule22OnceACutOffHasReturnedNoNodeSigns(t *testing.T) {
	for rule, row := range cutOffs {
		t.Run(rule, func(t *testing.T) {
			onEach(t, func(l *lab) {
				tr := l.trust()
				external := l.external(nil)
				own := l.mustExchange(l.b, external)
				l.mustExchange(l.b, own, idToken(third))
				began := time.Now()
				l.must(row.cut(l, tr, parse(l, own)))
				if waited := time.Since(began); waited < audit.ReceiptLife {
					l.Errorf("returned after %s, while receipts still sign", waited)
				}
				issued := len(l.events(audit.TokenIssued))
				_, err := l.exchange(l.b, own, idToken(third))
				l.wantFault(err, fault.TokenRefused)
				_, err = l.exchange(l.b, own)
				l.wantFault(err, fault.TokenRefused)
				if n := len(l.events(audit.TokenIssued)); n != issued {
					l.Errorf("%d tokens were recorded after the cut-off", n-issued)
				}
				again, err := l.exchange(l.b, external)
				if row.external {
					l.wantFault(err, fault.TokenRefused)
					return
				}
				l.must(err)
				l.mustExchange(l.b, again, idToken(third)) // with the new key, by the new version
			})
		})
	}
}

// A node may hold a ring without the workspace: then it is the workspace that is read anew, and the record's transaction
// finds nothing wrong with a token that only the old ring verifies.
func TestRule22AFreshWorkspaceIsNotServedWithAnOldRing(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		own := l.mustExchange(l.a, l.external(nil))
		bad := parse(l, own).Header.KeyID
		if _, ok, err := l.b.rings.PublicKey(l.Context(), l.tenant.ID, bad); !ok || err != nil {
			l.Fatal(ok, err)
		}
		_, err := l.a.manage.RotateKeys(l.Context(), admin(l.tenant), manage.Rotation{Algorithm: jwt.ES256, Compromised: true, KeyID: bad}, "192.0.2.7")
		l.must(err)
		_, err = l.exchange(l.b, own, idToken(third))
		l.wantFault(err, fault.TokenRefused)
	})
}

// The management API decides from memory, and knows within a second.
func TestRule22TheManagementAPIKnowsWithinASecond(t *testing.T) {
	for rule, row := range cutOffs {
		t.Run(rule, func(t *testing.T) {
			onEach(t, func(l *lab) {
				tr := l.trust()
				own := l.mustExchange(l.b, l.external(nil))
				l.watch(l.a)
				l.watch(l.b)
				for _, n := range []*node{l.a, l.b} {
					_, _, err := n.Authenticate(l.Context(), "acme", own)
					l.must(err)
				}
				l.must(row.cut(l, tr, parse(l, own))) // which takes a second
				for _, n := range []*node{l.a, l.b} {
					_, _, err := n.Authenticate(l.Context(), "acme", own)
					l.wantFault(err, fault.Unauthenticated)
				}
			})
		})
	}
}

func TestRule22ANodeThatCannotConfirmAnswersWith503(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		own := l.mustExchange(l.b, l.external(nil))
		other := l.workspace("other")
		federated := l.mustExchange(l.b, own, idToken(other.Issuer))
		<-time.After(2 * time.Second) // nobody watches
		_, _, err := l.b.Authenticate(l.Context(), "acme", own)
		l.wantFault(err, fault.Unavailable)
		_, err = l.exchange(l.b, federated, func(r *sts.Request) { r.Workspace = "other" }) // the other's keys come from memory
		l.wantFault(err, fault.Unavailable)
		l.mustExchange(l.b, own, idToken(third)) // the record's transaction compares
	})
}

func TestRule16OneOfTwoNodesWins(t *testing.T) {
	for rule, row := range map[string]struct {
		key     string
		winners int
	}{
		"without a key one wins":               {"", 1},
		"with the same key all are told again": {"0123456789abcdef0123456789abcdef", 24},
	} {
		t.Run(rule, func(t *testing.T) {
			onEach(t, func(l *lab) {
				l.trust(func(t *policy.Trust) { t.SingleUse = true })
				external := l.external(nil)
				var mu sync.Mutex
				tokens := map[string]int{}
				var callers sync.WaitGroup
				for i := range 24 {
					n := l.a
					if i%2 == 0 {
						n = l.b
					}
					callers.Go(func() {
						raw, err := l.exchange(n, external, func(r *sts.Request) { r.From.RetryKey = row.key })
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							_, rest, _ := strings.Cut(raw, ".")
							payload, _, _ := strings.Cut(rest, ".")
							tokens[payload]++
						} else if !fault.Is(err, fault.TokenReplayed) {
							l.Errorf("%v", err)
						}
					})
				}
				callers.Wait()
				won := 0
				for _, n := range tokens {
					won += n
				}
				if won != row.winners || len(tokens) != 1 {
					l.Errorf("%d won, with %d different claims", won, len(tokens))
				}
				if issued, again := len(l.events(audit.TokenIssued)), len(l.events(audit.TokenReissued)); issued != 1 || again != row.winners-1 {
					l.Errorf("%d issued and %d reissued on the record", issued, again)
				}
			})
		})
	}
}

func TestRule20AnIDTokenForTheIssuerIsNoCredential(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		l.watch(l.b)
		own := l.mustExchange(l.b, l.external(nil))
		raw := l.mustExchange(l.b, own, idToken(""))
		if c := parse(l, raw).Claims; len(c.Audience) != 1 || c.Audience[0] != l.tenant.Issuer {
			l.Fatalf("%v", c.Audience)
		}
		_, err := l.exchange(l.b, raw)
		l.wantFault(err, fault.TokenRefused)
		_, _, err = l.b.Authenticate(l.Context(), "acme", raw)
		l.wantFault(err, fault.Unauthenticated)
	})
}

func TestRule26TheRecordHasWhatWasSigned(t *testing.T) {
	onEach(t, func(l *lab) {
		tr := l.trust()
		external := l.external(nil)
		raw := l.mustExchange(l.b, external)
		events := l.events(audit.TokenIssued)
		token := parse(l, raw)
		_, rest, _ := strings.Cut(raw, ".")
		payload, _, _ := strings.Cut(rest, ".")
		claims, err := base64.RawURLEncoding.DecodeString(payload)
		l.must(err)
		hash, digest := sha256.Sum256(claims), sha256.Sum256([]byte(external))
		e := events[0]
		if len(events) != 1 || e.ID != token.Claims.ID || e.Token.ID != e.ID || e.Token.PayloadHash != hex.EncodeToString(hash[:]) ||
			e.Token.ExpiresAt.Unix() != token.Claims.ExpiresAt || e.Token.Subject != token.Claims.Subject || e.Token.Algorithm != "ES256" ||
			e.Token.KeyID == "" || e.Token.KeyID != token.Header.KeyID {
			l.Errorf("%+v of %s", e, claims)
		}
		u := e.Upstream
		if e.Address != "192.0.2.9" || e.Trusts[0] != (identity.TrustRef{ID: tr.ID, Version: 1}) || u.Issuer != issuer || u.Subject != subject ||
			u.Digest != hex.EncodeToString(digest[:]) || u.Key == "" || !strings.HasPrefix(u.KeySource, "uploaded sha256:") {
			l.Errorf("%+v", e)
		}
	})
}

func TestRule24OnlyWhatWasVerifiedIsOnTheRecord(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		forged := l.external(nil)
		forged = forged[:len(forged)-8] + "AAAAAAAA"
		for _, row := range []struct {
			rule, token string
			code        fault.Code
			recorded    int
		}{
			{"garbage", "x.y.z", fault.TokenMalformed, 0},
			{"a forged signature", forged, fault.TokenRefused, 0},
			{"an issuer that nobody trusts", l.external(claims{"iss": "https://evil.example"}), fault.TokenRefused, 0},
			{"an expired token", l.external(claims{"exp": time.Now().Add(-time.Hour).Unix()}), fault.TokenExpired, 0},
			{"a subject that no trust admits", l.external(claims{"sub": "repo:acme/web"}), fault.TokenRefused, 1},
			{"an audience that no trust expects", l.external(claims{"aud": "https://elsewhere.example"}), fault.TokenRefused, 1},
		} {
			l.rule = row.rule
			before := len(l.events(audit.TokenRefused))
			_, err := l.exchange(l.b, row.token)
			l.wantFault(err, row.code)
			refusal := fault.From(err).Refusal
			events := l.events(audit.TokenRefused)
			if n := len(events) - before; n != row.recorded || refusal == "" || !strings.Contains(l.b.log.String(), refusal) {
				l.Errorf("%d events, refusal %q", n, refusal)
			}
			if row.recorded > 0 && (events[len(events)-1].ID != refusal || events[len(events)-1].Details["code"] != string(row.code)) {
				l.Errorf("%+v", events[len(events)-1])
			}
			<-time.After(time.Millisecond)
		}
		if strings.Contains(l.b.log.String(), forged) {
			l.Errorf("a token is in the log")
		}
	})
}

// Whatever depends on the workspace's arrangements, a caller sees one and the same answer.
func TestRule07RefusalsAreAlike(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust()
		forged := l.external(nil)
		var first *fault.Fault
		for rule, token := range map[string]string{
			"signature": forged[:len(forged)-8] + "AAAAAAAA", "issuer": l.external(claims{"iss": "https://evil.example"}),
			"subject": l.external(claims{"sub": "x"}), "audience": l.external(claims{"aud": "https://elsewhere.example"}),
		} {
			l.rule = rule
			_, err := l.exchange(l.b, token)
			f := *fault.From(err)
			f.Refusal = ""
			if first == nil {
				first = &f
			}
			if f.Code != first.Code || f.Text() != first.Text() || f.Field != "" || f.RetryAfter != 0 {
				l.Errorf("%+v, but %+v", f, first)
			}
		}
	})
}

func TestRule06WhichWorkspaceATokenNames(t *testing.T) {
	onEach(t, func(l *lab) {
		l.trust(func(t *policy.Trust) { t.Audience = "https://aud.example" })
		l.trust()
		other := l.workspace("other")
		own := l.mustExchange(l.b, l.external(nil))
		for _, row := range []struct {
			rule, token string
			code        fault.Code // "" is an answer
		}{
			{"its audience is our issuer", l.external(nil), ""},
			{"its audience is our issuer among others", l.external(claims{"aud": []string{"x", l.tenant.Issuer}}), ""},
			{"it is our own", own, ""},
			{"its audience is nobody's", l.external(claims{"aud": "https://aud.example"}), fault.WorkspaceOpen},
			{"its audiences are two of ours", l.external(claims{"aud": []string{l.tenant.Issuer, other.Issuer}}), fault.WorkspaceOpen},
			{"its audience has our form and is none", l.external(claims{"aud": base + "/w/never"}), fault.WorkspaceOpen},
			{"its audience is almost ours", l.external(claims{"aud": l.tenant.Issuer + "/"}), fault.WorkspaceOpen},
		} {
			l.rule = row.rule
			_, err := l.exchange(l.b, row.token, func(r *sts.Request) { r.Workspace = "" })
			if row.code == "" {
				l.must(err)
				continue
			}
			l.wantFault(err, row.code)
		}
	})
}
