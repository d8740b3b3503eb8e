package kubernetes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A lab is all that the tests share: nsc, a cluster that trusts its development workspace, and trust the other way
// round. It starts with the first test that asks for it, since building and starting it costs more than any test.
type lab struct {
	dir     string
	servers []*process

	nsc     *nscServer
	dev     workspace // the cluster trusts it; it finds the cluster's keys by discovery
	other   workspace // the cluster does not trust it; it was given the cluster's keys
	loose   *looseIssuer
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
		if code != 0 {
			theLab.lab.tell()
		}
		theLab.lab.close()
	}
	os.Exit(code)
}

// openLab returns the lab, or skips the test where the machine lacks what it needs.
func openLab(t *testing.T) *lab {
	t.Helper()
	requirePrograms(t)
	theLab.once.Do(func() {
		ctx, cancel := startDeadline(t)
		defer cancel()
		theLab.lab, theLab.err = newLab(ctx)
	})
	if theLab.err != nil {
		t.Fatal(theLab.err)
	}
	return theLab.lab
}

// requirePrograms names the package that is missing. Only where everything is promised to be there is that a failure.
func requirePrograms(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err == nil {
		return
	}
	const missing = "etcd is missing: install Debian's package etcd-server"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// startDeadline ends the start a little before the tests' own deadline, so that it can still say why.
func startDeadline(t *testing.T) (context.Context, context.CancelFunc) {
	if end, ok := t.Deadline(); ok {
		return context.WithDeadline(context.Background(), end.Add(-20*time.Second))
	}
	return context.WithCancel(context.Background())
}

// newLab also returns what it could start where it fails, for TestMain to close.
func newLab(ctx context.Context) (*lab, error) {
	dir, err := os.MkdirTemp("", "nsc-kubernetes-")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir}
	return l, l.open(ctx)
}

func (l *lab) open(ctx context.Context) (err error) {
	programs, err := buildKubernetes(ctx)
	if err != nil {
		return err
	}
	binary, err := buildNSC(ctx, l.dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute) // built, all of it starts in seconds
	defer cancel()
	if l.nsc, err = l.startNSC(ctx, binary); err != nil {
		return err
	}
	if l.dev, err = l.nsc.describe(ctx); err != nil {
		return err
	}
	if l.other, err = l.nsc.createWorkspace(ctx, "other"); err != nil {
		return err
	}
	if err := l.openCluster(ctx, programs); err != nil {
		return err
	}
	if err := l.nsc.trustPublished(ctx, l.dev, l.cluster); err != nil {
		return err
	}
	return l.nsc.trustUploaded(ctx, l.other, l.cluster, filepath.Join(l.dir, "cluster-keys.json"))
}

func (l *lab) openCluster(ctx context.Context, programs string) error {
	ca, err := newAuthority(l.dir)
	if err != nil {
		return err
	}
	if l.loose, err = startLooseIssuer(ca); err != nil {
		return err
	}
	caText, err := os.ReadFile(ca.file())
	if err != nil {
		return err
	}
	issuers := []trustedIssuer{
		{URL: l.dev.Issuer, CA: l.nsc.ca},
		{URL: l.loose.server.URL, CA: string(caText)},
	}
	if l.cluster, err = l.startCluster(ctx, programs, ca, issuers); err != nil {
		return err
	}
	return l.fill(ctx, l.cluster, l.group())
}

// group is the name that nsc gives to the group `apps` of the cluster's issuer: with a prefix that no other issuer's
// groups can have.
func (l *lab) group() string { return strings.TrimPrefix(l.cluster.url, "https://") + "#apps" }

// start runs a server until the lab closes.
func (l *lab) start(name string, cmd *exec.Cmd) (*process, error) {
	p, err := start(l.dir, name, cmd)
	if err == nil {
		l.servers = append(l.servers, p)
	}
	return p, err
}

// folder makes a private folder.
func (l *lab) folder(name string) (string, error) {
	path := filepath.Join(l.dir, name)
	return path, os.Mkdir(path, 0o700)
}

// tell prints how each server's output ends, for whoever has to find out why a test failed.
func (l *lab) tell() {
	for _, server := range l.servers {
		fmt.Fprintf(os.Stderr, "--- %s ends with:\n%s", server.name, server.lastOutput())
	}
}

// close stops what was started, the last first, and removes every trace.
func (l *lab) close() {
	for _, server := range slices.Backward(l.servers) {
		server.stop()
	}
	if l.loose != nil {
		l.loose.server.Close()
	}
	if err := os.RemoveAll(l.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
