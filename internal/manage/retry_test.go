package manage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
)

func TestAKeyIsFreeAgainAfterADay(t *testing.T) {
	onEach(t, func(l *lab) {
		add := func() string {
			made, _, err := l.Once(retry("key", "x")).AddTrust(l.Context(), admin(l.acme), trust(), address)
			l.must(err)
			return made.ID
		}
		first := add()
		<-time.After(24*time.Hour - time.Second)
		if again := add(); again != first {
			l.Errorf("%s within a day, %s before", again, first)
		}
		<-time.After(time.Second)
		if later := add(); later == first {
			l.Error("the key is never free again")
		}
	})
}

// stuck is a writer that cannot remove keys for a while.
type stuck struct {
	keys.Writer
	err error
}

func (s *stuck) DeleteKey(ctx context.Context, workspaceID, keyID string, e audit.Entry) error {
	if s.err != nil {
		return s.err
	}
	return s.Writer.DeleteKey(ctx, workspaceID, keyID, e)
}

// A compromised key is replaced in two steps. Who is told that it is done must be able to rely on the second.
func TestACompromisedKeyThatIsStillThereIsNotTakenForRemoved(t *testing.T) {
	onEach(t, func(l *lab) {
		first, err := l.RotateKeys(l.Context(), admin(l.acme), manage.Rotation{Algorithm: jwt.ES256}, address)
		l.must(err)
		writer := &stuck{l.config.Keys, errors.New("the disk is full")}
		l.config.Keys = writer
		replace := func() error {
			_, err := manage.New(l.config).Once(retry("key", "x")).RotateKeys(l.Context(), admin(l.acme),
				manage.Rotation{Algorithm: jwt.ES256, Compromised: true, KeyID: first.ID}, address)
			return err
		}
		if err := replace(); !errors.Is(err, writer.err) {
			l.Fatalf("the key could not be removed: %v", err)
		}
		writer.err = nil
		l.must(replace())
		l.must(replace()) // now it is done, and said again
		left, err := l.ListKeys(l.Context(), admin(l.acme))
		l.must(err)
		for _, k := range left {
			if k.ID == first.ID {
				l.Error("the compromised key is still there")
			}
		}
	})
}
