package interop

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// A lab is what the tests share: two servers and a platform whose jobs both may trust. It opens with the first test.
type lab struct {
	dir      string
	plain    *server // serves HTTP
	secure   *server // serves HTTPS
	platform *platform
	node     nodeOnce
}

// openWithin is how long all may take to start; most of it is the compiler's.
const openWithin = 8 * time.Minute

var theLab struct {
	once sync.Once
	lab  *lab
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if theLab.lab != nil {
		theLab.lab.close()
	}
	os.Exit(code)
}

func openLab(t *testing.T) *lab {
	t.Helper()
	theLab.once.Do(func() {
		dir, err := os.MkdirTemp("", "nsc-interop-")
		if err != nil {
			theLab.err = err
			return
		}
		theLab.lab = &lab{dir: dir} // TestMain also closes one that was opened half
		ctx, cancel := context.WithTimeout(context.Background(), openWithin)
		defer cancel()
		theLab.err = theLab.lab.open(ctx)
	})
	if theLab.err != nil {
		t.Fatal(theLab.err)
	}
	return theLab.lab
}

func (l *lab) open(ctx context.Context) error {
	binary, err := buildNSC(ctx, l.dir)
	if err != nil {
		return err
	}
	if l.plain, err = startServer(ctx, binary, l.dir, "plain"); err != nil {
		return err
	}
	if l.secure, err = startServer(ctx, binary, l.dir, "secure", "--tls-self-signed"); err != nil {
		return err
	}
	l.platform, err = startPlatform()
	return err
}

// servers are both, by what they serve.
func (l *lab) servers() map[string]*server {
	return map[string]*server{"HTTP": l.plain, "HTTPS": l.secure}
}

// close ends what was started and removes every trace.
func (l *lab) close() {
	l.node.close()
	if l.platform != nil {
		l.platform.server.Close()
	}
	for _, s := range []*server{l.plain, l.secure} {
		if s != nil {
			s.process.stop()
		}
	}
	if err := os.RemoveAll(l.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// patiently ends with the test or, where something never comes, after a time that nothing that works comes near.
func patiently(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
