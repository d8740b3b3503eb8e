package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

func query(t *testing.T, address, text string) (answer string, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	return answer, conn.QueryRow(t.Context(), text).Scan(&answer)
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	a, errA := query(t, pgtest.Database(t), "SELECT current_database()")
	b, errB := query(t, pgtest.Database(t), "SELECT current_database()")
	if errA != nil || errB != nil || a == b {
		t.Fatal(a, b, errA, errB)
	}
}

func TestTextComparesByLanguage(t *testing.T) {
	address := pgtest.Database(t)
	if answer, err := query(t, address, "SELECT CAST('a-b' < 'aa' AS text)"); err != nil || answer != "true" {
		t.Fatal(answer, err)
	}
	if answer, err := query(t, address, "SELECT CAST('B' < 'a' AS text)"); err != nil || answer != "false" {
		t.Fatal("B comes before a: the order is that of bytes", err)
	}
}

func TestAStoppedServerAnswersAgainWhenResumed(t *testing.T) {
	s := pgtest.Start(t)
	address := s.Database(t)
	s.Stop(t)
	if _, err := query(t, address, "SELECT ''"); err == nil {
		t.Fatal("it answers although stopped")
	}
	s.Resume(t)
	if _, err := query(t, address, "SELECT ''"); err != nil {
		t.Fatal(err)
	}
}

// The server of a process that is killed must not stay: nobody would end it.
func TestTheServerEndsWithAProcessThatIsKilled(t *testing.T) {
	pgtest.Database(t) // skips where there is no server
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), killed+"=yes")
	out, err := cmd.Output()
	if err == nil {
		t.Fatalf("the process was not killed: %s", out)
	}
	pid := strings.TrimSpace(string(out))
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatalf("%q is no process: %v", pid, err)
	}
	if err := exec.CommandContext(t.Context(), "tail", "--pid="+pid, "-f", os.DevNull).Run(); err != nil { // until it has ended
		t.Fatal(err)
	}
}

const killed = "NSC_PGTEST_KILLED"

// TestKilled is the process of the test above, and nothing elsewhere: it prints a process ID of the server and dies.
func TestKilled(t *testing.T) {
	if os.Getenv(killed) == "" {
		return
	}
	pid, err := query(t, pgtest.Database(t), "SELECT CAST(pid AS text) FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(pid)
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
