// Package pgtest gives tests a real PostgreSQL.
//
// One server per test process, started at its first use, one database per test. The server listens on a socket in a
// temporary folder and on nothing else. It ends with the process, however that ends: a shell waits for the process's end
// of a pipe to close, then stops the server and removes the folder.
package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const oldest = 15 // the oldest major version that nsc works with

var errMissing = errors.New("no PostgreSQL server from version 15 on is installed: install the Debian package postgresql")

var shared = sync.OnceValues(start)

// Database returns the address of a new database on the server of this process. It is dropped when the test ends. Where
// no PostgreSQL is installed, the test is skipped, or under CI=true fails.
func Database(t testing.TB) string {
	t.Helper()
	return ready(t, shared).Database(t)
}

// Start returns a server for one test alone, which may stop it.
func Start(t testing.TB) *Server {
	t.Helper()
	s := ready(t, start)
	t.Cleanup(func() {
		if err := errors.Join(s.alive.Close(), s.keeper.Wait()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ready(t testing.TB, start func() (*Server, error)) *Server {
	t.Helper()
	s, err := start()
	switch {
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return s
}

// Server is a running PostgreSQL.
type Server struct {
	programs   string // folder
	folder     string
	credential *syscall.Credential // nil is our own
	keeper     *exec.Cmd
	alive      io.Closer // closing it ends the server
	databases  atomic.Int64
}

// Database returns the address of a new database, which is dropped when the test ends.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	if err := s.administer("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.administer("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.address(name)
}

func (s *Server) administer(command string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.address("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, command)
	return err
}

func (s *Server) address(database string) string {
	values := url.Values{"host": {s.folder}, "user": {"postgres"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: values.Encode()}).String()
}

// Stop stops the server as a power cut would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.control(t, "stop", "-m", "immediate")
}

// Resume starts a stopped server again.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.control(t, "start", "-l", filepath.Join(s.folder, "log"))
}

func (s *Server) control(t testing.TB, args ...string) {
	t.Helper()
	args = append([]string{"-D", filepath.Join(s.folder, "data"), "-w"}, args...)
	if err := s.command(filepath.Join(s.programs, "pg_ctl"), args...).Run(); err != nil {
		t.Fatalf("pg_ctl %v: %v", args, err)
	}
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.credential} // an interrupt is not for it
	return cmd
}

// keeper starts the server and says so, waits until its standard input ends, and leaves nothing behind. Text compares by
// a language's rules, so that a test sees where a query relies on the order of bytes.
const keeper = `
trap '' INT HUP PIPE
trap '"$1/pg_ctl" -D "$2/data" -m immediate -w stop; cd /; rm -rf "$2"' EXIT
exec 3>&1 >"$2/keeper.log" 2>&1
set -e
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --locale-provider=icu --icu-locale=en -N
cat >>"$2/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$2'
port = 5432
fsync = off
full_page_writes = off
max_connections = 200
END
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start
echo ready >&3
exec 3>&-
cat
`

func start() (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{programs: programs}
	if s.credential, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "nsc-pg"); err != nil {
		return nil, err
	}
	if s.credential != nil {
		if err := os.Chown(s.folder, int(s.credential.Uid), int(s.credential.Gid)); err != nil {
			return nil, err
		}
	}
	return s, s.run()
}

func (s *Server) run() error {
	s.keeper = s.command("/bin/sh", "-c", keeper, "keeper", s.programs, s.folder)
	alive, err := s.keeper.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = alive
	said, err := s.keeper.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.keeper.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if line != "ready\n" {
		return fmt.Errorf("PostgreSQL in %s did not start: %v", s.folder, errors.Join(err, alive.Close(), s.keeper.Wait()))
	}
	return nil
}

// find returns the folder of the newest server's programs.
func find() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl") // Debian's place; they are not in PATH there
	if err != nil {
		return "", err
	}
	newest := slices.MaxFunc(append(found, ""), func(a, b string) int { return major(a) - major(b) })
	if major(newest) >= oldest {
		return filepath.Dir(newest), nil
	}
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errMissing
}

func major(program string) int {
	v, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	if err != nil {
		return 0
	}
	return v
}

// unprivileged returns whom the server runs as: PostgreSQL refuses to be root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: there is no user postgres", errMissing)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(errUID, errGID)
}
