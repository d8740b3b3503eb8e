package identity

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestRule14TimesOfAnExternalToken(t *testing.T) {
	now := start.Unix()
	for _, row := range []struct {
		rule    string
		changes claims
		code    fault.Code
	}{
		{"a token in its time is accepted", nil, ""},
		{"no iss", claims{"iss": nil}, fault.TokenIncomplete},
		{"no sub", claims{"sub": nil}, fault.TokenIncomplete},
		{"an empty sub", claims{"sub": ""}, fault.TokenIncomplete},
		{"no aud", claims{"aud": nil}, fault.TokenIncomplete},
		{"an empty list of audiences", claims{"aud": []string{}}, fault.TokenIncomplete},
		{"no exp", claims{"exp": nil}, fault.TokenIncomplete},
		{"no iat", claims{"iat": nil}, fault.TokenIncomplete},
		{"expired within the leeway", claims{"exp": now - 59}, ""},
		{"expired by the leeway", claims{"exp": now - 60}, fault.TokenExpired},
		{"expired long ago", claims{"iat": now - 7200, "exp": now - 3600}, fault.TokenExpired},
		{"expired before 1970", claims{"exp": -1}, fault.TokenExpired},
		{"nbf within the leeway", claims{"nbf": now + 60}, ""},
		{"nbf beyond the leeway", claims{"nbf": now + 61}, fault.TokenNotYetValid},
		{"iat within the leeway", claims{"iat": now + 60}, ""},
		{"iat beyond the leeway", claims{"iat": now + 61}, fault.TokenNotYetValid},
		{"iat and exp in the far future", claims{"iat": now + 1e9, "exp": now + 2e9}, fault.TokenNotYetValid},
	} {
		t.Run(row.rule, func(t *testing.T) {
			w, k := newWorld(), newKey(t, "k", jwt.ES256)
			w.publish(issuer, keySet(t, k))
			v := newVerifier(w, nil, newClock())
			_, err := v.External(t.Context(), tenant, read(t, sign(t, k, "JWT", externalClaims().with(row.changes))), discovery)
			wantFault(t, err, row.code)
			if err != nil && w.count(issuer) != 0 {
				t.Error("a hopeless token caused a fetch")
			}
		})
	}
}

// A date that wraps round in time.Time's arithmetic would make the lifetime negative, and no cap on lifetimes catch it.
func TestRule14HugeDatesNeverBecomeAnIdentity(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	for _, claim := range []string{"exp", "iat", "nbf"} {
		for _, number := range []string{
			"9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e400", "253402300800", strings.Repeat("9", 400),
		} {
			t.Run(claim+" "+number[:min(len(number), 20)], func(t *testing.T) {
				w := newWorld()
				w.publish(issuer, keySet(t, k))
				now := fmt.Sprint(start.Unix())
				dates := map[string]string{"exp": fmt.Sprint(start.Unix() + 300), "iat": now, "nbf": now}
				dates[claim] = number
				raw, err := k.signer.Sign("JWT", fmt.Appendf(nil, `{"iss":%q,"sub":"s","aud":"a","exp":%s,"iat":%s,"nbf":%s}`,
					issuer, dates["exp"], dates["iat"], dates["nbf"]))
				if err != nil {
					t.Fatal(err)
				}
				u, err := Read(raw)
				if err == nil {
					_, err = newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
				}
				if err == nil {
					t.Fatal("accepted")
				}
			})
		}
	}
}

func TestOwnTokensHaveNoLeewayAtTheirEnd(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	for _, row := range []struct {
		rule    string
		changes claims
		code    fault.Code
	}{
		{"one second left", claims{"exp": start.Unix() + 1}, ""},
		{"none left", claims{"exp": start.Unix()}, fault.TokenExpired},
		{"issued by a node whose clock is ahead", claims{"iat": start.Unix() + 25, "nbf": start.Unix() - 5}, ""},
		{"issued in the future", claims{"iat": start.Unix() + 61}, fault.TokenNotYetValid},
		{"not valid yet", claims{"nbf": start.Add(time.Hour).Unix()}, fault.TokenNotYetValid},
	} {
		t.Run(row.rule, func(t *testing.T) {
			v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
			_, err := v.Own(t.Context(), tenant, read(t, sign(t, k, "at+jwt", ownClaims().with(row.changes))))
			wantFault(t, err, row.code)
		})
	}
}
