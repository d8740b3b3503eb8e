package clouds

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// A lab is what the tests share: a server, and a cluster whose service accounts are the workloads. It opens with the
// first test.
type lab struct {
	dir     string
	server  *server
	cluster *cluster
}

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
		dir, err := os.MkdirTemp("", "nsc-clouds-")
		if err != nil {
			theLab.err = err
			return
		}
		theLab.lab = &lab{dir: dir}                                             // closed by TestMain also where opening fails half way
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute) // nearly all of it is for the compiler
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
	if l.server, err = startServer(ctx, binary, l.dir); err != nil {
		return err
	}
	l.cluster, err = startCluster()
	return err
}

// close ends what was started and removes every trace.
func (l *lab) close() {
	if l.cluster != nil {
		l.cluster.server.Close()
	}
	if l.server != nil {
		l.server.process.stop()
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
