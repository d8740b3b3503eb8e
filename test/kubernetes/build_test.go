package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// buildNSC builds the program under test from the repository that holds this folder.
func buildNSC(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, "nsc")
	_, err = goCommand(ctx, "../..", "build", "-buildvcs=false", "-o", path, "./cmd/nsc")
	return path, err
}

// buildKubernetes builds kube-apiserver and kubectl once for each version that apiserver/go.mod names, and returns the
// folder that they are in. Runs of the tests at the same time share one build.
func buildKubernetes(ctx context.Context) (dir string, err error) {
	version, err := goCommand(ctx, "apiserver", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return "", err
	}
	version = strings.TrimSpace(version)
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "nsc-test", "kubernetes-"+version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, name := range []string{"kube-apiserver", "kubectl"} {
		if err := buildOnce(ctx, dir, name, version); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func buildOnce(ctx context.Context, dir, name, version string) error {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	unfinished := path + ".unfinished" // an interrupted build leaves this name, never the other
	_, err := goCommand(ctx, "apiserver", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion="+version,
		"-o", unfinished, "k8s.io/kubernetes/cmd/"+name)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s was not built within the tests' time: give them more by -timeout 30m; what is done is kept", name)
	}
	if err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// goCommand runs go in the module at dir.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its compilers too
	var said strings.Builder
	cmd.Stderr = &said
	printed, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), dir, err, said.String())
	}
	return string(printed), err
}

// lock holds a file's lock, which the kernel gives up by itself if the tests die.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = waitFor(ctx, func(context.Context) error {
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	})
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}
