package credentials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// The test binary is also the other processes of these tests: the variable says what one of them does, the arguments
// with what.
const roleVariable = "NSC_TEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "renew":
		err = renewAsProcess(os.Args[1], os.Args[2], os.Args[3])
	case "hold":
		err = holdAsProcess(os.Args[1])
	default:
		err = fmt.Errorf("role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process starts this test binary in a role. It has said that it is ready once it wrote a line.
func process(t *testing.T, role string, stdin *os.File, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdin, cmd.Stderr = stdin, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("process %d: %v", cmd.Process.Pid, err)
	}
	return cmd
}

// renewAsProcess waits until its input ends, as all the others do, then renews the sign-in. It puts one byte into the
// journal for every renewal, and prints what it has then.
func renewAsProcess(path, journal, successor string) error {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	c, err := NewStore(os.Getenv, time.Now).Renew(context.Background(), path, func(context.Context, Stored) (Stored, error) {
		file, err := os.OpenFile(journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return Stored{}, err
		}
		_, err = file.WriteString("x")
		return Stored{BearerToken: successor, SessionToken: strings.Repeat("s", 20_000)}, errors.Join(err, file.Close())
	})
	if err == nil && c.BearerToken != successor {
		err = errors.New("has the token that was about to end")
	}
	return err
}

// TestStoredCredentialsAreRenewedOnce: 64 processes find a sign-in about to end at one moment. One of them renews it, and
// who reads the file meanwhile sees the old one or the new one.
func TestStoredCredentialsAreRenewedOnce(t *testing.T) {
	const processes = 64
	dir := t.TempDir()
	path, journal := filepath.Join(dir, "token.json"), filepath.Join(dir, "journal")
	ending, successor := lasting(t, -50*time.Minute, 10*time.Minute), lasting(t, 0, time.Hour)
	put(t, path, Stored{BearerToken: ending})
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	var all []*exec.Cmd
	for range processes {
		all = append(all, process(t, "renew", gate, path, journal, successor))
	}
	done := make(chan error)
	open.Close()
	go func() {
		var errs []error
		for _, cmd := range all {
			errs = append(errs, cmd.Wait())
		}
		done <- errors.Join(errs...)
	}()
	for {
		c, err := Load(path, User)
		if err != nil || c.BearerToken != ending && c.BearerToken != successor {
			t.Fatalf("the file is seen as %+v, %v", c, err)
		}
		select {
		case err := <-done:
			if text, _ := os.ReadFile(journal); err != nil || string(text) != "x" {
				t.Errorf("%d renewals by %d processes, %v", len(text), processes, err)
			}
			return
		default:
		}
	}
}

// lasting returns a token of some time ago, by the system's clock, that lasts for a while from now.
func lasting(t *testing.T, issued, lasts time.Duration) string {
	t.Helper()
	now := time.Now()
	return sign(t, fmt.Sprintf(`{"iss":"https://nsc.example.com/w/prod","sub":"s","iat":%d,"exp":%d}`,
		now.Add(issued).Unix(), now.Add(lasts).Unix()))
}

// holdAsProcess takes the lock of a file and keeps it until it is killed.
func holdAsProcess(path string) error {
	if _, err := lock(context.Background(), path); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestLockDiesWithItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	defer open.Close()
	holder := process(t, "hold", gate, path)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() {
		_, err := lock(ctx, path)
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Fatalf("the lock of another process: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	release, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// TestLockIsHeldByOneThoughItsFileIsRemoved: whoever waits for the lock of a file that is removed meanwhile does not hold it
// beside somebody who locks the next file of that name.
func TestLockIsHeldByOneThoughItsFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	var holders atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				release, err := lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold it", n)
				}
				runtime.Gosched()
				holders.Add(-1)
				removeLock(path)
				release()
			}
		})
	}
	all.Wait()
	if exists(path + lockSuffix) {
		t.Error("the last one left it")
	}
}

// TestWhoSignsOutIsNotSignedInAgain: a renewal that is under way would bring the file back, so removing waits for it, as
// does a new sign-in.
func TestWhoSignsOutIsNotSignedInAgain(t *testing.T) {
	h := newHome(t)
	path := h.path("token.json")
	synctest.Test(t, func(t *testing.T) {
		put(t, path, Stored{BearerToken: lasting(t, -time.Hour, time.Minute)})
		fresh := Stored{BearerToken: lasting(t, 0, time.Hour)}
		renewing, proceed := make(chan struct{}), make(chan struct{})
		go func() {
			_, err := NewStore(os.Getenv, time.Now).Renew(t.Context(), path, func(context.Context, Stored) (Stored, error) {
				close(renewing)
				<-proceed
				return fresh, nil
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-renewing
		go func() {
			if gone, err := h.store.Remove(path); err != nil || len(gone) != 1 {
				t.Errorf("removed %v, %v", gone, err)
			}
		}()
		time.Sleep(time.Second)
		if !exists(path) {
			t.Error("removed while it was renewed")
		}
		close(proceed)
		time.Sleep(time.Second)
		if exists(path) {
			t.Error("the renewal brought it back")
		}
	})
}

// TestPatienceEnds: a process that hangs with the lock keeps nobody from knowing.
func TestPatienceEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	synctest.Test(t, func(t *testing.T) {
		release, err := lock(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		err = Save(path, Stored{BearerToken: "t"})
		if f := failure.From(err); f.Status != failure.Failed || !strings.Contains(f.What, "another process") || exists(path) {
			t.Errorf("%v", err)
		}
	})
}

func TestRenew(t *testing.T) {
	fresh := Stored{BearerToken: lasting(t, 0, time.Hour)}
	ending := lasting(t, -40*time.Minute, 19*time.Minute)
	down := errors.New("the server is down")
	for name, c := range map[string]struct {
		stored  string // "" is no file
		renewal error
		renewed bool
		has     string // what the caller has then; "" is nothing
	}{
		"a young one is left alone":         {lasting(t, -39*time.Minute, 21*time.Minute), nil, false, "stored"},
		"in the last third it is renewed":   {ending, nil, true, "fresh"},
		"an ended one is renewed":           {lasting(t, -time.Hour, -time.Second), nil, true, "fresh"},
		"where there is none one is made":   {"", nil, true, "fresh"},
		"what cannot be renewed still good": {ending, down, true, "stored"},
		"what cannot be made":               {"", down, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ns", "token.json")
			if c.stored != "" {
				put(t, path, Stored{BearerToken: c.stored, SessionToken: "session"})
			}
			renewed := false
			got, err := NewStore(os.Getenv, time.Now).Renew(t.Context(), path, func(_ context.Context, s Stored) (Stored, error) {
				renewed = true
				if s.BearerToken != c.stored || (s.SessionToken == "session") != (c.stored != "") {
					t.Errorf("renew was given %+v", s)
				}
				return fresh, c.renewal
			})
			want := map[string]string{"stored": c.stored, "fresh": fresh.BearerToken}[c.has]
			if !errors.Is(err, c.renewal) || renewed != c.renewed || got.BearerToken != want {
				t.Errorf("renewed %v, %q, %v", renewed, got.BearerToken, err)
			}
			kept, err := Load(path, User)
			if kept.BearerToken != want || want == "" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file holds %q, %v", kept.BearerToken, err)
			}
		})
	}
}

// TestRenewSparesWhatIsNoTokenFile: it may be precious, and it is not for us to replace.
func TestRenewSparesWhatIsNoTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	write(t, path, 0o600, "precious")
	_, err := NewStore(os.Getenv, time.Now).Renew(t.Context(), path, func(context.Context, Stored) (Stored, error) {
		t.Error("it was renewed")
		return Stored{}, nil
	})
	if text, _ := os.ReadFile(path); err == nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}
