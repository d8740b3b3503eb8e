package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Seen to fail where fetches take turns: the second issuer's token then waits for the first issuer.
func TestASlowIssuerHoldsNobodyElseUp(t *testing.T) {
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	s, well := start(t, devConfig(t)), newIssuer(t)
	hanging := &issuer{Server: slow, key: well.key}
	s.trust(t, well, nil)
	s.trust(t, hanging, nil)

	ended := make(chan int)
	go func() {
		status, _ := s.token(t, "/w/dev/token", exchangeForm(hanging.sign(t, "k1", hanging.claims(s, nil))))
		ended <- status
	}()
	<-asked
	for range 3 {
		if status, got := s.token(t, "/w/dev/token", exchangeForm(well.sign(t, "k1", well.claims(s, nil)))); status != http.StatusOK {
			t.Errorf("%d %v", status, got)
		}
	}
	select {
	case status := <-ended:
		t.Errorf("the slow issuer's token got its answer first: %d", status)
	default:
	}
	close(answer)
	if status := <-ended; status != http.StatusServiceUnavailable {
		t.Errorf("the slow issuer's token: %d", status)
	}
}
