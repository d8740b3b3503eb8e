package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadinessAsksTheDatabaseOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readiness
		asked, answer := 0, error(nil)
		ready := func(ctx context.Context) error {
			asked++
			return errors.Join(answer, ctx.Err())
		}
		hungUp, cancel := context.WithCancel(t.Context())
		cancel()
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if err := r.of(hungUp, ready); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		answer = errors.New("down")
		if err := r.of(t.Context(), ready); err != nil || asked != 1 {
			t.Errorf("%v after %d questions", err, asked)
		}
		<-time.After(time.Second)
		for range 2 {
			if err := r.of(t.Context(), ready); !errors.Is(err, answer) || asked != 2 {
				t.Errorf("%v after %d questions", err, asked)
			}
		}
	})
}
